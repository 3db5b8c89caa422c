"""The lineage of spectral graph networks, as classifiers of signals and of nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from stgkeras.layers import ChebConv, GraphConv, SpectralConv, _checks
from stgkeras.models.graph_classifier import GraphClassifier


@keras.saving.register_keras_serializable("stgkeras")
class SpectralCNN(GraphClassifier):
    """Spectral network (SCNN), with filters that are free at every frequency or smooth over them.

    Spectral convolutions with ReLU, each followed by pooling where clusters are given; then dense
    layers.

    Args:
        graph: None, or the Fourier basis (N, d), eigenvectors from `graphs.fourier_basis`; with
            `clusters` a sequence of one a convolution. Travels with the weights. With `None` it
            must be set, `model.graph = …`, or loaded with weights before use.
        num_knots: None for one multiplier a frequency (SCNN), or the int number of free values of a
            filter that is smooth over the frequencies (smooth SCNN).
        num_frequencies: None; the number of columns of `graph`, taken from it.

    Call arguments:
        x: (batch, num_nodes, num_features), or with `num_entries` {"index": (batch, 2, E),
            "value": (batch, E)}, see `graphs.stored_entries`.

    Returns:
        Logits, (batch, num_classes), or (batch, num_nodes, num_classes) with "nodes".

    Raises:
        ValueError: on a bad argument; in use, if graph or clusters was never given, or the data
            hold NaN or infinite numbers.

    Example:
        >>> import numpy as np, stgkeras
        >>> _, basis = stgkeras.graphs.fourier_basis(np.ones((5, 5)) - np.eye(5))
        >>> model = stgkeras.models.SpectralCNN(5, graph=basis, num_classes=3, num_knots=3)
        >>> tuple(model(np.zeros((2, 5, 1), "float32")).shape)
        (2, 3)

    Source:
        Bruna et al., 2014, arXiv:1312.6203, section 5; with `num_knots`, Henaff, Bruna and LeCun,
        2015, arXiv:1506.05163. Departs from the papers: nodes are pooled over the clusters of
        `graphs.coarsen`; dropping high frequencies, Bruna's other way, is a basis of few columns.
    """

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
    """Chebyshev network: localised filters, learned as polynomials of the Laplacian.

    Chebyshev convolutions with ReLU, each followed by pooling where clusters are given; then dense
    layers.

    Args:
        graph: None, or the (N, N) operator `graphs.scaled_laplacian(A)`, array or scipy sparse;
            with `clusters` a sequence of one a convolution. Travels with the weights. With `None`
            it must be set, `model.graph = …`, or loaded with weights before use.
        K: int ≥ 1. Number of Chebyshev terms; filters reach K - 1 hops.
        num_edges: None; the number of entries of a sparse `graph`, taken from it.

    Call arguments:
        x: (batch, num_nodes, num_features), or with `num_entries` {"index": (batch, 2, E),
            "value": (batch, E)}, see `graphs.stored_entries`.

    Returns:
        Logits, (batch, num_classes), or (batch, num_nodes, num_classes) with "nodes".

    Raises:
        ValueError: on a bad argument; in use, if graph or clusters was never given, or the data
            hold NaN or infinite numbers.

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
        2017, arXiv:1609.02907, section 6.2. Departs from the paper: how it pools, see
        `layers.GraphPooling`.
    """

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
    """Graph convolutional network: first-order convolutions, for nodes of which a few are labelled.

    Graph convolutions with ReLU, dropout before each. Trained on the whole graph as one sample, the
    labelled nodes chosen by `sample_weight`: compile with a loss of `from_logits=True` and
    `reduction="mean_with_sample_weight"`, and fit with `batch_size=1`.

    Args:
        graph: None, or the (N, N) operator `graphs.renormalized_adjacency(A)`, array or scipy
            sparse; with `clusters` a sequence of one a convolution. Travels with the weights. With
            `None` it must be set, `model.graph = …`, or loaded with weights before use.
        num_edges: None; the number of entries of a sparse `graph`, taken from it.

    Call arguments:
        x: (batch, num_nodes, num_features), or with `num_entries` {"index": (batch, 2, E),
            "value": (batch, E)}, see `graphs.stored_entries`.

    Returns:
        Logits, (batch, num_classes), or (batch, num_nodes, num_classes) with "nodes".

    Raises:
        ValueError: on a bad argument; in use, if graph or clusters was never given, or the data
            hold NaN or infinite numbers.

    Example:
        >>> import numpy as np, stgkeras
        >>> graph = stgkeras.graphs.renormalized_adjacency(np.ones((5, 5)))
        >>> model = stgkeras.models.GCN(5, graph=graph, num_classes=3, num_features=2)
        >>> tuple(model(np.zeros((1, 5, 2), "float32")).shape)
        (1, 5, 3)

    Source:
        Kipf and Welling, 2017, arXiv:1609.02907, eq. 9; its regularizer, 5e-4 / 2 · ‖W‖² of the
        first layer, is `kernel_regularizer=keras.regularizers.L2(2.5e-4)`. Departs from the paper:
        convolutions have a bias; signals can be classified too.
    """

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
