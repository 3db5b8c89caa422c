import math

import keras
import numpy as np
from keras import ops

from stgkeras.layers import _devices
from stgkeras.layers._renamed import Renamed


@keras.saving.register_keras_serializable("stgkeras")
class BitDropout(Renamed, keras.layers.Dropout):
    """Dropout that draws 16 random bits a value where random numbers are dear: JAX and torch.

    The rate is rounded to a multiple of 2⁻¹⁶, and kept values are scaled by 1 / (1 - rate).
    Arguments and call are those of `keras.layers.Dropout`.
    """

    name_in_old_files = "Dropout"

    def call(self, inputs, training=False):
        dropped = round(self.rate * 2**16)
        backend = keras.backend.backend()
        if not training or not dropped or backend == "tensorflow":
            return super().call(inputs, training)
        scale = 2**16 / (2**16 - dropped)
        if backend == "torch" and _devices.on_cpu(inputs):
            return inputs * _noise(inputs, self.seed_generator.next(), dropped, scale)
        size = math.prod(inputs.shape)
        draws = keras.random.randint(
            ((size + 1) // 2,), -(2**31), 2**31 - 1, seed=self.seed_generator
        )
        low, high = ops.bitwise_and(draws, 2**16 - 1), ops.right_shift(draws, 16) + 2**15
        kept = ops.concatenate([low >= dropped, high >= dropped])[:size]
        noise = ops.where(ops.reshape(kept, inputs.shape), scale, 0.0)
        return inputs * ops.cast(noise, inputs.dtype)


def _noise(x, seed, dropped, scale):
    """NumPy's numbers, of which PyTorch takes three times as long to draw as many."""
    import torch

    bits = np.random.SFC64([int(number) for number in seed]).random_raw(-(-x.numel() // 4))
    bits = torch.from_numpy(bits.view("int16"))[: x.numel()].view(x.shape)
    return torch.ge(bits, dropped - 2**15, out=torch.empty_like(x)).mul_(scale)
