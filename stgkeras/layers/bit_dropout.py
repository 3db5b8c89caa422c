from __future__ import annotations

import keras

from stgkeras.kernels import bit_dropout
from stgkeras.layers._renamed import Renamed
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class BitDropout(Renamed, keras.layers.Dropout):
    """Dropout that draws 16 random bits for each value on JAX and PyTorch, which saves time.

    In training, each value becomes 0 with probability `rate`, and the other values are multiplied
    by 1 / (1 - rate). The rate is rounded to a multiple of 2⁻¹⁶. On TensorFlow the layer is the
    same as `keras.layers.Dropout`. The arguments are those of `keras.layers.Dropout`.
    """

    name_in_old_files = "Dropout"

    def call(self, inputs: Tensor, training: bool | None = False) -> Tensor:
        dropped = round(self.rate * 2**16)
        if not training or not dropped or keras.backend.backend() == "tensorflow":
            return super().call(inputs, training)
        return bit_dropout(inputs, dropped, self.seed_generator)
