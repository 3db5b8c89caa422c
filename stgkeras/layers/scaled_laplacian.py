import keras
from keras import ops

from stgkeras.layers import _checks


@keras.saving.register_keras_serializable("stgkeras")
class ScaledLaplacian(keras.layers.Layer):
    """Turns each adjacency of a batch into the operator of `ChebConv`.

        L̃ = 2 / λ_max · (I - D^-1/2 A D^-1/2) - I

    D holds the row sums of A, the weight that a node receives; D^-1/2 is 0 for isolated nodes.

    Args:
        lambda_max: float > 0. Largest eigenvalue assumed; 2 bounds it for every undirected graph.

    Call arguments:
        adjacency: (..., nodes, nodes), non-negative weights, unitless.

    Returns:
        (..., nodes, nodes).

    Raises:
        ValueError: if `lambda_max` is not positive, or `adjacency` is not square.

    Example:
        >>> import numpy as np, stgkeras
        >>> adjacency = np.ones((4, 10, 3, 3), "float32") - np.eye(3, dtype="float32")
        >>> tuple(stgkeras.layers.ScaledLaplacian()(adjacency).shape)
        (4, 10, 3, 3)

    Source:
        Defferrard et al., 2016, arXiv:1606.09375, sec. 2.1. Departs from the paper: λ_max is a
        bound, not computed for each graph.
    """

    def __init__(self, lambda_max=2.0, **kwargs):
        super().__init__(**kwargs)
        if not lambda_max > 0:
            raise ValueError(f"`lambda_max` must be positive. Received: lambda_max={lambda_max!r}")
        self.lambda_max = float(lambda_max)

    def build(self, adjacency_shape):
        _checks.square("adjacency", adjacency_shape)

    def call(self, adjacency):
        scale = 2.0 / self.lambda_max
        identity = ops.eye(adjacency.shape[-1], dtype=adjacency.dtype)
        return (scale - 1.0) * identity - scale * normalized(adjacency)

    def compute_output_shape(self, adjacency_shape):
        return adjacency_shape

    def get_config(self):
        return {**super().get_config(), "lambda_max": self.lambda_max}


def normalized(adjacency):
    """D^-1/2 A D^-1/2, with finite gradients where a node is isolated."""
    degree = ops.sum(adjacency, axis=-1)
    connected = degree > 0
    root = ops.where(connected, ops.rsqrt(ops.where(connected, degree, 1.0)), 0.0)
    return root[..., :, None] * adjacency * root[..., None, :]
