import math

import keras
from keras import ops


class Dropout(keras.layers.Dropout):
    """Dropout that draws 16 random bits a value where random numbers are dear: JAX and torch.

    The rate is rounded to a multiple of 2⁻¹⁶, and kept values are scaled by what that leaves. The
    class has Keras's name, under which files hold its seed.
    """

    def call(self, inputs, training=False):
        dropped = round(self.rate * 2**16)
        if not training or not dropped or keras.backend.backend() == "tensorflow":
            return super().call(inputs, training)
        size = math.prod(inputs.shape)
        draws = keras.random.randint(
            ((size + 1) // 2,), -(2**31), 2**31 - 1, seed=self.seed_generator
        )
        low, high = ops.bitwise_and(draws, 2**16 - 1), ops.right_shift(draws, 16) + 2**15
        kept = ops.concatenate([low >= dropped, high >= dropped])[:size]
        scale = ops.where(ops.reshape(kept, inputs.shape), 2**16 / (2**16 - dropped), 0.0)
        return inputs * ops.cast(scale, inputs.dtype)
