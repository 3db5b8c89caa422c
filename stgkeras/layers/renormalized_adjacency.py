from __future__ import annotations

from typing import Any

import keras
from keras import ops

from stgkeras.layers import _checks
from stgkeras.layers.scaled_laplacian import in_full_precision, normalized
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class RenormalizedAdjacency(keras.layers.Layer):
    """Renormalised adjacency matrix of each graph of a batch, the operator of `GraphConv`.

        Â = D̃^-1/2 (A + I) D̃^-1/2

    A is the adjacency matrix, and A[n, m] is the weight of the edge from node m to node n. The
    identity I adds a self loop of weight 1 to each node that has none. D̃ is the diagonal matrix of
    the row sums of A + I, the degrees of the nodes.

    Call arguments:
        adjacency: tensor (..., nodes, nodes), non-negative weights, unitless.

    Returns:
        Tensor (..., nodes, nodes).

    Raises:
        ValueError: if `adjacency` is not square.

    Example:
        >>> import numpy as np, stgkeras
        >>> adjacency = np.ones((4, 10, 3, 3), "float32") - np.eye(3, dtype="float32")
        >>> tuple(stgkeras.layers.RenormalizedAdjacency()(adjacency).shape)
        (4, 10, 3, 3)

    Source:
        Kipf and Welling, 2017, arXiv:1609.02907, sec. 2.2. Departs from the paper: a self loop
        that A already has keeps its weight.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)

    def build(self, adjacency_shape: tuple) -> None:
        _checks.square("adjacency", adjacency_shape)

    def call(self, adjacency: Tensor) -> Tensor:
        adjacency = in_full_precision(adjacency, self.compute_dtype)
        identity = ops.eye(adjacency.shape[-1], dtype=adjacency.dtype)
        missing = identity * ops.cast(adjacency == 0, adjacency.dtype)
        return ops.cast(normalized(adjacency + missing), self.compute_dtype)

    def compute_output_shape(self, adjacency_shape: tuple) -> tuple:
        return adjacency_shape
