from __future__ import annotations

from typing import Any

import keras

from stgkeras.kernels import chebyshev_conv
from stgkeras.layers import _checks
from stgkeras.layers.graph_filter import GraphFilter
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class ChebConv(GraphFilter):
    """Chebyshev graph convolution: combines the features of the nodes within K - 1 hops.

        y = activation(Σ_{k<K} (T_k ⊙ S) x W_k + b)
        T_0 = I,  T_1 = L̃,  T_k = 2 L̃ T_{k-1} - T_{k-2}

    x is the signal of one step, (nodes, features). L̃ is the scaled Laplacian of the graph, and the
    matrices T_k are its Chebyshev polynomials. W_k is slice k of the trainable kernel, (features,
    filters), and b is the trainable bias. S is the attention, (nodes, nodes), which is multiplied
    with T_k element by element (⊙). Without attention, all entries of S are 1.

    Args:
        filters: int. Number of output features of a node.
        K: int ≥ 1. Number of Chebyshev terms T_0 … T_{K-1}. With `K=1` the graph has no effect.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer: as in
            `keras.layers.Dense`.

    Call arguments:
        x: tensor (..., nodes, features); with `attention`, (batch, time, nodes, features).
        graph: the scaled Laplacian L̃, unitless, from `graphs.scaled_laplacian`: (nodes, nodes),
            (batch, nodes, nodes) or (batch, time, nodes, nodes), or a sparse operator
            `{"index": (2, edges), "value": (edges,)}`.
        attention: None, or the attention S from `SpatialAttention`: (batch, nodes, nodes), or
            (batch, pairs) with the pairs of a `StaticTerms` layer. Default None.

    Returns:
        Tensor (..., nodes, filters).

    Raises:
        ValueError: if `filters` or `K` is below 1, or the shapes do not fit each other.

    Example:
        >>> import numpy as np, stgkeras
        >>> graph = stgkeras.graphs.scaled_laplacian(stgkeras.graphs.knn_graph(np.eye(5), 4))
        >>> y = stgkeras.layers.ChebConv(8, K=3)(np.ones((2, 12, 5, 3), "float32"), graph)
        >>> tuple(y.shape)
        (2, 12, 5, 8)

    Source:
        Defferrard et al., 2016, arXiv:1606.09375, eq. 4; with attention, Guo et al., 2019, AAAI
        33, eq. 10. Departs from the papers: Guo's released code computes T_k with elementwise
        products; this layer uses matrix products, as both papers state.
    """

    def __init__(self, filters: int, K: int, **kwargs: Any) -> None:
        super().__init__(filters, **kwargs)
        self.K = _checks.integer("K", K)

    def build(self, x_shape: tuple, graph_shape: Any, attention_shape: Any = None) -> None:
        _checks.signal(x_shape, "(..., nodes, features)")
        if attention_shape is not None:
            _checks.signal(x_shape)
            _checks.attention(attention_shape, x_shape, graph_shape)
        # Only attention uses the Chebyshev terms ("terms") that a sparse graph may contain.
        _checks.operator(graph_shape, x_shape, K=1 if attention_shape is None else self.K)
        self.add_kernel((self.K, x_shape[-1], self.filters))

    def call(self, x: Tensor, graph: Tensor, attention: Tensor | None = None) -> Tensor:
        return chebyshev_conv(x, graph, self.kernel, self.bias, self.activation, attention)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "K": self.K}
