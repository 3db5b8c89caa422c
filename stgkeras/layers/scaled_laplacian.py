from __future__ import annotations

from typing import Any

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class ScaledLaplacian(keras.layers.Layer):
    """Scaled Laplacian of each graph of a batch, the operator of `ChebConv`.

        L̃ = 2 / λ_max · (I - D^-1/2 A D^-1/2) - I

    A is the adjacency matrix, and A[n, m] is the weight of the edge from node m to node n. D is
    the diagonal matrix of the row sums of A, the degrees of the nodes; D^-1/2 is 0 for nodes of
    degree 0. I is the identity.

    Args:
        lambda_max: float > 0. The value of λ_max, an upper bound on the eigenvalues of the
            Laplacian. Default 2, which is a bound for every undirected graph.

    Call arguments:
        adjacency: tensor (..., nodes, nodes), non-negative weights, unitless.

    Returns:
        Tensor (..., nodes, nodes).

    Raises:
        ValueError: if `lambda_max` is not positive, or `adjacency` is not square.

    Example:
        >>> import numpy as np, stgkeras
        >>> adjacency = np.ones((4, 10, 3, 3), "float32") - np.eye(3, dtype="float32")
        >>> tuple(stgkeras.layers.ScaledLaplacian()(adjacency).shape)
        (4, 10, 3, 3)

    Source:
        Defferrard et al., 2016, arXiv:1606.09375, sec. 2.1. Departs from the paper: λ_max is an
        upper bound, not the largest eigenvalue of each graph.
    """

    def __init__(self, lambda_max: float = 2.0, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.lambda_max = _checks.number("lambda_max", lambda_max, above=0)

    def build(self, adjacency_shape: tuple) -> None:
        _checks.square("adjacency", adjacency_shape)

    def call(self, adjacency: Tensor) -> Tensor:
        scale = 2.0 / self.lambda_max
        adjacency = in_full_precision(adjacency, self.compute_dtype)
        identity = ops.eye(adjacency.shape[-1], dtype=adjacency.dtype)
        laplacian = (scale - 1.0) * identity - scale * normalized(adjacency)
        return ops.cast(laplacian, self.compute_dtype)

    def compute_output_shape(self, adjacency_shape: tuple) -> tuple:
        return adjacency_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "lambda_max": self.lambda_max}


def in_full_precision(adjacency: Tensor, compute_dtype: str) -> Tensor:
    """Casts half precision to float32: float16 ends at 65,504, which a degree can exceed."""
    return ops.cast(adjacency, keras.backend.result_type(compute_dtype, "float32"))


def normalized(adjacency: Tensor) -> Tensor:
    """Computes D^-1/2 A D^-1/2, with finite gradients also for nodes of degree 0."""
    degree = ops.sum(adjacency, axis=-1)
    connected = degree > 0
    root = ops.where(connected, ops.rsqrt(ops.where(connected, degree, 1.0)), 0.0)
    return root[..., :, None] * adjacency * root[..., None, :]
