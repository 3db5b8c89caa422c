import keras

from stgkeras.kernels import graph_conv
from stgkeras.layers import _checks
from stgkeras.layers.graph_filter import GraphFilter


@keras.saving.register_keras_serializable("stgkeras")
class GraphConv(GraphFilter):
    """First-order graph convolution.

        y = activation(Â x W + b)

    Args:
        filters: int. Number of output features of a node.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer: as in
            `keras.layers.Dense`.

    Call arguments:
        x: (..., nodes, features).
        graph: the operator Â, usually `graphs.renormalized_adjacency(A)`: (nodes, nodes), (batch,
            nodes, nodes) or (batch, time, nodes, nodes), or a sparse operator
            `{"index": (2, edges), "value": (edges,)}`.

    Returns:
        (..., nodes, filters).

    Raises:
        ValueError: if `filters` is below 1, or the shapes do not fit each other.

    Example:
        >>> import numpy as np, stgkeras
        >>> graph = stgkeras.graphs.renormalized_adjacency(np.ones((5, 5)))
        >>> y = stgkeras.layers.GraphConv(8)(np.ones((2, 12, 5, 3), "float32"), graph)
        >>> tuple(y.shape)
        (2, 12, 5, 8)

    Source:
        Kipf and Welling, 2017, arXiv:1609.02907, eq. 8. Departs from the paper: adds a bias, as
        most implementations do.
    """

    def build(self, x_shape, graph_shape):
        _checks.signal(x_shape, "(..., nodes, features)")
        _checks.operator(graph_shape, x_shape)
        self.add_kernel((x_shape[-1], self.filters))

    def call(self, x, graph):
        return graph_conv(x, graph, self.kernel, self.bias, self.activation)
