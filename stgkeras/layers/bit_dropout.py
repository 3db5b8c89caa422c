import keras

from stgkeras.kernels import bit_dropout
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
        if not training or not dropped or keras.backend.backend() == "tensorflow":
            return super().call(inputs, training)
        return bit_dropout(inputs, dropped, self.seed_generator)
