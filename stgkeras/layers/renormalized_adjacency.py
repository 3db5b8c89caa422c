import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.layers.scaled_laplacian import normalized


@keras.saving.register_keras_serializable("stgkeras")
class RenormalizedAdjacency(keras.layers.Layer):
    """Turns each adjacency of a batch into the operator of `GraphConv`.

        Â = D̃^-1/2 (A + I) D̃^-1/2

    Only missing self loops are added; D̃ holds the row sums with them.

    Call arguments:
        adjacency: (..., nodes, nodes), non-negative weights, unitless.

    Returns:
        (..., nodes, nodes).

    Raises:
        ValueError: if `adjacency` is not square.

    Example:
        >>> import numpy as np, stgkeras
        >>> adjacency = np.ones((4, 10, 3, 3), "float32") - np.eye(3, dtype="float32")
        >>> tuple(stgkeras.layers.RenormalizedAdjacency()(adjacency).shape)
        (4, 10, 3, 3)

    Source:
        Kipf and Welling, 2017, arXiv:1609.02907, sec. 2.2. Departs from the paper: a self loop
        that is there keeps its weight.
    """

    def build(self, adjacency_shape):
        _checks.square("adjacency", adjacency_shape)

    def call(self, adjacency):
        identity = ops.eye(adjacency.shape[-1], dtype=adjacency.dtype)
        missing = identity * ops.cast(adjacency == 0, adjacency.dtype)
        return normalized(adjacency + missing)

    def compute_output_shape(self, adjacency_shape):
        return adjacency_shape
