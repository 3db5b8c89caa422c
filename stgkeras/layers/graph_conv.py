from __future__ import annotations

from typing import Any

import keras

from stgkeras.kernels import graph_conv
from stgkeras.layers import _checks
from stgkeras.layers.graph_filter import GraphFilter
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class GraphConv(GraphFilter):
    """First-order graph convolution (GCN): combines the features of each node and its neighbours.

        y = activation(Â x W + b)

    x is the signal of one step, (nodes, features). Â is the graph operator: Â[n, m] is the weight
    of the edge from node m to node n. W is the trainable kernel, (features, filters), and b is the
    trainable bias.

    Args:
        filters: int. Number of output features of a node.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer: as in
            `keras.layers.Dense`.

    Call arguments:
        x: tensor (..., nodes, features).
        graph: the operator Â, usually `graphs.renormalized_adjacency(A)`: (nodes, nodes), (batch,
            nodes, nodes) or (batch, time, nodes, nodes), or a sparse operator
            `{"index": (2, edges), "value": (edges,)}`.

    Returns:
        Tensor (..., nodes, filters).

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

    def build(self, x_shape: tuple, graph_shape: Any) -> None:
        _checks.signal(x_shape, "(..., nodes, features)")
        _checks.operator(graph_shape, x_shape)
        self.add_kernel((x_shape[-1], self.filters))

    def call(self, x: Tensor, graph: Tensor) -> Tensor:
        return graph_conv(x, graph, self.kernel, self.bias, self.activation)
