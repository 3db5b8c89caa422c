import keras
from keras import ops

from stgkeras.layers import _checks


@keras.saving.register_keras_serializable("stgkeras")
class NodeEmbedding(keras.layers.Layer):
    """Appends a learned vector to the features of each node: who it is, beside what it reads.

    Args:
        units: int. Length of the vector.

    Call arguments:
        x: (batch, nodes, features).

    Returns:
        (batch, nodes, features + units).

    Raises:
        ValueError: if `units` is below 1, or `x` has other axes.

    Example:
        >>> import numpy as np, stgkeras
        >>> x = np.ones((2, 5, 3), "float32")
        >>> tuple(stgkeras.layers.NodeEmbedding(16)(x).shape)
        (2, 5, 19)

    Source:
        Shao et al., 2022, arXiv:2208.05233, the spatial identity.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = _checks.integer("units", units)

    def build(self, x_shape):
        _checks.signal(x_shape, "(batch, nodes, features)")
        self.embeddings = self.add_weight(
            (x_shape[1], self.units), "glorot_uniform", name="embeddings"
        )

    def call(self, x):
        vectors = ops.broadcast_to(self.embeddings, (ops.shape(x)[0], *self.embeddings.shape))
        return ops.concatenate([x, vectors], axis=-1)

    def compute_output_shape(self, x_shape):
        return (*x_shape[:2], x_shape[2] + self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
