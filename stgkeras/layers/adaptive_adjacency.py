import keras
from keras import ops

from stgkeras.layers import _checks


@keras.saving.register_keras_serializable("stgkeras")
class AdaptiveAdjacency(keras.layers.Layer):
    """A graph that is learned with the model: who helps to predict whom, near or far.

        A = softmax(relu(E_1 E_2ᵀ))

    Each row sums to 1, over the nodes that its node listens to.

    Args:
        units: int. Length of the two vectors that each node learns.

    Call arguments:
        x: (..., nodes, features); only its number of nodes counts.

    Returns:
        (nodes, nodes), a graph operator.

    Raises:
        ValueError: if `units` is below 1.

    Example:
        >>> import numpy as np, stgkeras
        >>> x = np.ones((2, 5, 3), "float32")
        >>> tuple(stgkeras.layers.AdaptiveAdjacency(10)(x).shape)
        (5, 5)

    Source:
        Wu et al., 2019, arXiv:1906.00121, eq. 5.
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = _checks.integer("units", units)

    def build(self, x_shape):
        _checks.signal(x_shape, "(..., nodes, features)")
        shape = (x_shape[-2], self.units)
        self.source = self.add_weight(shape, "glorot_uniform", name="source")
        self.target = self.add_weight(shape, "glorot_uniform", name="target")

    def call(self, x):
        scores = ops.matmul(self.source, ops.transpose(self.target))
        return ops.softmax(ops.relu(scores), axis=-1)

    def compute_output_shape(self, x_shape):
        return (x_shape[-2], x_shape[-2])

    def get_config(self):
        return {**super().get_config(), "units": self.units}
