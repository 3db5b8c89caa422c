import keras

from stgkeras.kernels import chebyshev_conv
from stgkeras.layers import _checks
from stgkeras.layers.graph_filter import GraphFilter


@keras.saving.register_keras_serializable("stgkeras")
class ChebConv(GraphFilter):
    """Chebyshev graph convolution, with K - 1 hops of reach and optional spatial attention.

        y = activation(Σ_{k<K} (T_k ⊙ S) x W_k + b)

    T_k are the Chebyshev polynomials of the scaled Laplacian, W_k the slices of the kernel, and S
    is the attention, or a matrix of ones where none is given.

    Args:
        filters: int. Number of output features of a node.
        K: int ≥ 1. Number of Chebyshev terms T_0 … T_{K-1}; `K=1` ignores the graph.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer: as in
            `keras.layers.Dense`.

    Call arguments:
        x: (..., nodes, features); with `attention`, (batch, time, nodes, features).
        graph: scaled Laplacian, unitless: (nodes, nodes), (batch, nodes, nodes) or (batch, time,
            nodes, nodes), or a sparse operator `{"index": (2, edges), "value": (edges,)}`.
        attention: None or (batch, nodes, nodes), how much each node attends to each other; or
            (batch, E), with the graph of a `StaticTerms` layer, how much in each of its E pairs.

    Returns:
        (..., nodes, filters).

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
        33, eq. 10. Departs from the papers: Guo's released code forms T_k by elementwise products;
        the recursion here is the matrix recursion that both papers state.
    """

    def __init__(self, filters, K, **kwargs):
        super().__init__(filters, **kwargs)
        self.K = _checks.integer("K", K)

    def build(self, x_shape, graph_shape, attention_shape=None):
        _checks.signal(x_shape, "(..., nodes, features)")
        if attention_shape is not None:
            _checks.signal(x_shape)
            _checks.attention(attention_shape, x_shape, graph_shape)
        # Without attention the terms of the graph, if it brings them along, are not used.
        _checks.operator(graph_shape, x_shape, K=1 if attention_shape is None else self.K)
        self.add_kernel((self.K, x_shape[-1], self.filters))

    def call(self, x, graph, attention=None):
        return chebyshev_conv(x, graph, self.kernel, self.bias, self.activation, attention)

    def get_config(self):
        return {**super().get_config(), "K": self.K}
