"""Spectral graph networks, as classifiers of signals and of nodes: SCNN, ChebNet and GCN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from stgkeras import graphs
from stgkeras.layers import ChebConv, GraphConv, SpectralConv, _checks
from stgkeras.models.graph_classifier import GraphClassifier


def _basis(adjacency):
    return graphs.fourier_basis(adjacency)[1]


@keras.saving.register_keras_serializable("stgkeras")
class SpectralCNN(GraphClassifier):
    """Spectral graph network (SCNN): classifies signals on a graph by their graph frequencies.

        classify="signals":
            for each of `filters`: spectral convolution, ReLU, pooling (with `clusters`)
            for each of `units`: dense layer, ReLU
            dropout, dense layer: the logits of the sample
        classify="nodes":
            for each of `filters`: dropout, spectral convolution, ReLU
            dropout, spectral convolution: the logits of each node

    A spectral convolution computes the graph Fourier transform of a signal, multiplies each
    frequency by a trainable number, and transforms back, see `layers.SpectralConv`. Pooling
    reduces each cluster of nodes to one node, see `layers.GraphPooling`. The first dense layer
    receives the features of all nodes in one vector.

    Args:
        graph: None, or the graph Fourier basis (N, d), d eigenvectors from `graphs.fourier_basis`;
            with `clusters`, a list of one basis for each convolution. The model saves it with the
            weights. With None, set `model.graph` or load weights before the model is used. Default
            None.
        num_knots: None, or int ≥ 2. None: the multipliers of all frequencies are trainable (SCNN).
            int: this number of multipliers is trainable, and a spline through them gives the
            others (smooth SCNN). Default None.
        num_frequencies: None, or the number of columns d; with `clusters`, a list. Only needed if
            the graph is set or loaded later. Default: taken from `graph`, or N.

    Call arguments:
        x: tensor (batch, num_nodes, num_features). With `num_entries`, the sparse features
            {"index": (batch, 2, E), "value": (batch, E)} from `graphs.stored_entries`.

    Returns:
        Tensor of logits (batch, num_classes); with classify="nodes" (batch, num_nodes,
        num_classes).

    Raises:
        ValueError: if an argument is invalid. When the model is used: if the graph or the clusters
            were never set, or `x` has NaN or infinite values.

    Example:
        >>> import numpy as np, stgkeras
        >>> _, basis = stgkeras.graphs.fourier_basis(np.ones((5, 5)) - np.eye(5))
        >>> model = stgkeras.models.SpectralCNN(5, graph=basis, num_classes=3, num_knots=3)
        >>> tuple(model(np.zeros((2, 5, 1), "float32")).shape)
        (2, 3)

    Source:
        Bruna et al., 2014, arXiv:1312.6203, section 5; with `num_knots`, Henaff, Bruna and LeCun,
        2015, arXiv:1506.05163. Departs from the papers: pooling uses the clusters of
        `graphs.coarsen`. For Bruna's other method, which drops high frequencies, pass a basis with
        few columns.
    """

    usual_operator = staticmethod(_basis)

    def __init__(
        self,
        num_nodes: int,
        *,
        num_knots: int | None = None,
        num_frequencies: int | Sequence[int] | None = None,
        **common: Any,
    ) -> None:
        def convolution(filters, **kwargs):
            return SpectralConv(filters, num_knots, **kwargs)

        own = {"num_knots": num_knots, "num_frequencies": num_frequencies}
        super().__init__(convolution, own, num_nodes, **common)


@keras.saving.register_keras_serializable("stgkeras")
class ChebNet(GraphClassifier):
    """Chebyshev network (ChebNet): classifies signals on a graph with Chebyshev convolutions.

        classify="signals":
            for each of `filters`: Chebyshev convolution, ReLU, pooling (with `clusters`)
            for each of `units`: dense layer, ReLU
            dropout, dense layer: the logits of the sample
        classify="nodes":
            for each of `filters`: dropout, Chebyshev convolution, ReLU
            dropout, Chebyshev convolution: the logits of each node

    A Chebyshev convolution combines the features of the nodes within K - 1 hops, see
    `layers.ChebConv`. Pooling reduces each cluster of nodes to one node, see `layers.GraphPooling`.
    The first dense layer receives the features of all nodes in one vector.

    Args:
        graph: None, or the graph operator `graphs.scaled_laplacian(A)`, an (N, N) array or SciPy
            sparse array; with `clusters`, a list of one operator for each convolution. The model
            saves it with the weights. With None, set `model.graph` or load weights before the model
            is used. Default None.
        K: int ≥ 1. Number of Chebyshev terms of each convolution. Default 25.
        num_edges: None, or int: the largest number of entries of a sparse graph; with `clusters`, a
            list. Only needed if a sparse graph is set or loaded later. Default: taken from `graph`.

    Call arguments:
        x: tensor (batch, num_nodes, num_features). With `num_entries`, the sparse features
            {"index": (batch, 2, E), "value": (batch, E)} from `graphs.stored_entries`.

    Returns:
        Tensor of logits (batch, num_classes); with classify="nodes" (batch, num_nodes,
        num_classes).

    Raises:
        ValueError: if an argument is invalid. When the model is used: if the graph or the clusters
            were never set, or `x` has NaN or infinite values.

    Example:
        >>> import numpy as np, stgkeras
        >>> ring = np.roll(np.eye(8), 1, axis=1) + np.roll(np.eye(8), -1, axis=1)
        >>> coarse = stgkeras.graphs.coarsen(ring, levels=2)
        >>> laplacians = [stgkeras.graphs.scaled_laplacian(a) for a in coarse.adjacencies[:2]]
        >>> model = stgkeras.models.ChebNet(
        ...     8, graph=laplacians, clusters=coarse.clusters, num_classes=3, K=3
        ... )
        >>> tuple(model(np.zeros((5, 8, 1), "float32")).shape)
        (5, 3)

    Source:
        Defferrard, Bresson and Vandergheynst, 2016, arXiv:1606.09375; for nodes, Kipf and Welling,
        2017, arXiv:1609.02907, section 6.2. Departs from the paper in the pooling, see
        `layers.GraphPooling`.
    """

    usual_operator = staticmethod(graphs.scaled_laplacian)

    def __init__(
        self,
        num_nodes: int,
        *,
        K: int = 25,
        num_edges: int | Sequence[int] | None = None,
        **common: Any,
    ) -> None:
        def convolution(filters, **kwargs):
            return ChebConv(filters, K, **kwargs)

        own = {"K": _checks.integer("K", K), "num_edges": num_edges}
        super().__init__(convolution, own, num_nodes, **common)


@keras.saving.register_keras_serializable("stgkeras")
class GCN(GraphClassifier):
    """Graph convolutional network (GCN): classifies the nodes of a graph from a few labelled nodes.

        classify="nodes":
            for each of `filters`: dropout, graph convolution, ReLU
            dropout, graph convolution: the logits of each node
        classify="signals":
            for each of `filters`: graph convolution, ReLU, pooling (with `clusters`)
            for each of `units`: dense layer, ReLU
            dropout, dense layer: the logits of the sample

    A graph convolution combines the features of each node and its neighbours, see
    `layers.GraphConv`.

    Semi-supervised training uses the whole graph as one sample: call `fit` with `batch_size=1` and
    a `sample_weight` of 1 for labelled nodes and 0 for all other nodes. Compile with a loss that
    has `from_logits=True` and `reduction="mean_with_sample_weight"`.

    Args:
        graph: None, or the graph operator `graphs.renormalized_adjacency(A)`, an (N, N) array or
            SciPy sparse array; with `clusters`, a list of one operator for each convolution. The
            model saves it with the weights. With None, set `model.graph` or load weights before the
            model is used. Default None.
        filters: sequence of ints. Number of filters of each convolution. With classify="nodes", one
            more convolution returns the logits. Default (16,).
        units: None, or a sequence of ints: the number of units of each hidden dense layer, only for
            classify="signals". None means (512,). Default ().
        classify: str. "nodes": each node has one class. "signals": each sample, a signal on the
            graph, has one class. Default "nodes".
        num_edges: None, or int: the largest number of entries of a sparse graph; with `clusters`, a
            list. Only needed if a sparse graph is set or loaded later. Default: taken from `graph`.

    Call arguments:
        x: tensor (batch, num_nodes, num_features). With `num_entries`, the sparse features
            {"index": (batch, 2, E), "value": (batch, E)} from `graphs.stored_entries`.

    Returns:
        Tensor of logits (batch, num_nodes, num_classes); with classify="signals" (batch,
        num_classes).

    Raises:
        ValueError: if an argument is invalid. When the model is used: if the graph or the clusters
            were never set, or `x` has NaN or infinite values.

    Example:
        >>> import numpy as np, stgkeras
        >>> graph = stgkeras.graphs.renormalized_adjacency(np.ones((5, 5)))
        >>> model = stgkeras.models.GCN(5, graph=graph, num_classes=3, num_features=2)
        >>> tuple(model(np.zeros((1, 5, 2), "float32")).shape)
        (1, 5, 3)

    Source:
        Kipf and Welling, 2017, arXiv:1609.02907, eq. 9. The regularizer of the paper, 5e-4 / 2 ·
        ‖W‖² of the first layer, is `kernel_regularizer=keras.regularizers.L2(2.5e-4)`. Departs from
        the paper: convolutions have a bias; the model can also classify signals.
    """

    usual_operator = staticmethod(graphs.renormalized_adjacency)

    def __init__(
        self,
        num_nodes: int,
        *,
        filters: Sequence[int] = (16,),
        units: Sequence[int] = (),
        classify: str = "nodes",
        num_edges: int | Sequence[int] | None = None,
        **common: Any,
    ) -> None:
        common.update(filters=filters, units=units, classify=classify)
        super().__init__(GraphConv, {"num_edges": num_edges}, num_nodes, **common)
