"""The lineage of spectral graph networks, as classifiers of signals and of nodes."""

import keras

from stgkeras.layers import ChebConv, GraphConv, SpectralConv, _checks
from stgkeras.models.graph_classifier import GraphClassifier


@keras.saving.register_keras_serializable("stgkeras")
class SpectralCNN(GraphClassifier):
    """Spectral network (SCNN), with filters that are free at every frequency or smooth over them.

    Spectral convolutions with ReLU, each followed by pooling where clusters are given; then dense
    layers.

    Args:
        num_nodes: int. Number of nodes N.
        graph: None, or the Fourier basis (N, d), eigenvectors from `graphs.fourier_basis`; with
            `clusters` a sequence of one a convolution. Travels with the weights. With `None` it
            must be set, `model.graph = …`, or loaded with weights before use.
        num_classes: int. Number of classes.
        num_features: int. Number of input features F.
        filters: sequence of ints, the filters of each convolution; with "nodes" one more
            convolution gives the classes.
        num_knots: None for one multiplier a frequency (SCNN), or the int number of free values of a
            filter that is smooth over the frequencies (smooth SCNN).
        clusters: None, or a sequence of arrays (clusters, pool size) of `graphs.coarsen`, one a
            convolution: what each is pooled over. They travel with the weights.
        pooling: "max" or "average".
        units: sequence of ints, the units of the dense layers before the last. None: (512,) for
            signals, and none for nodes, which have no dense layers.
        dropout: float. Share of values dropped before the last layer; with "nodes", before every
            convolution.
        classify: "signals", or "nodes" for a class of each node by convolutions alone.
        kernel_regularizer: as in `keras.layers.Dense`; for all layers but the last.
        num_frequencies, cluster_shapes: None; the sizes of `graph` and `clusters`, taken from them.
        num_entries: None, or the number of stored entries E of sparse features.

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
        num_nodes,
        *,
        graph=None,
        num_classes,
        num_features=1,
        filters=(32, 64),
        num_knots=None,
        clusters=None,
        pooling="max",
        units=None,
        dropout=0.5,
        classify="signals",
        kernel_regularizer=None,
        num_frequencies=None,
        cluster_shapes=None,
        num_entries=None,
        **kwargs,
    ):
        def convolution(filters, **kwargs):
            return SpectralConv(filters, num_knots, **kwargs)

        arguments = {
            "num_nodes": num_nodes,
            "num_classes": num_classes,
            "num_features": num_features,
            "filters": filters,
            "num_knots": num_knots,
            "pooling": pooling,
            "units": units,
            "dropout": dropout,
            "classify": classify,
            "kernel_regularizer": kernel_regularizer,
            "num_frequencies": num_frequencies,
            "cluster_shapes": cluster_shapes,
            "num_entries": num_entries,
        }
        super().__init__(graph, clusters, convolution, arguments, **kwargs)


@keras.saving.register_keras_serializable("stgkeras")
class ChebNet(GraphClassifier):
    """Chebyshev network: localised filters, learned as polynomials of the Laplacian.

    Chebyshev convolutions with ReLU, each followed by pooling where clusters are given; then dense
    layers.

    Args:
        num_nodes: int. Number of nodes N.
        graph: None, or the (N, N) operator `graphs.scaled_laplacian(A)`, array or scipy sparse;
            with `clusters` a sequence of one a convolution. Travels with the weights. With `None`
            it must be set, `model.graph = …`, or loaded with weights before use.
        num_classes: int. Number of classes.
        num_features: int. Number of input features F.
        filters: sequence of ints, the filters of each convolution; with "nodes" one more
            convolution gives the classes.
        K: int ≥ 1. Number of Chebyshev terms; filters reach K - 1 hops.
        clusters: None, or a sequence of arrays (clusters, pool size) of `graphs.coarsen`, one a
            convolution: what each is pooled over. They travel with the weights.
        pooling: "max" or "average".
        units: sequence of ints, the units of the dense layers before the last. None: (512,) for
            signals, and none for nodes, which have no dense layers.
        dropout: float. Share of values dropped before the last layer; with "nodes", before every
            convolution.
        classify: "signals", or "nodes" for a class of each node by convolutions alone.
        kernel_regularizer: as in `keras.layers.Dense`; for all layers but the last.
        num_edges, cluster_shapes: None; the number of entries of a sparse `graph` and the shapes
            of `clusters`, taken from them.
        num_entries: None, or the number of stored entries E of sparse features.

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
        num_nodes,
        *,
        graph=None,
        num_classes,
        num_features=1,
        filters=(32, 64),
        K=25,
        clusters=None,
        pooling="max",
        units=None,
        dropout=0.5,
        classify="signals",
        kernel_regularizer=None,
        num_edges=None,
        cluster_shapes=None,
        num_entries=None,
        **kwargs,
    ):
        def convolution(filters, **kwargs):
            return ChebConv(filters, K, **kwargs)

        arguments = {
            "num_nodes": num_nodes,
            "num_classes": num_classes,
            "num_features": num_features,
            "filters": filters,
            "K": _checks.integer("K", K),
            "pooling": pooling,
            "units": units,
            "dropout": dropout,
            "classify": classify,
            "kernel_regularizer": kernel_regularizer,
            "num_edges": num_edges,
            "cluster_shapes": cluster_shapes,
            "num_entries": num_entries,
        }
        super().__init__(graph, clusters, convolution, arguments, **kwargs)


@keras.saving.register_keras_serializable("stgkeras")
class GCN(GraphClassifier):
    """Graph convolutional network: first-order convolutions, for nodes of which a few are labelled.

    Graph convolutions with ReLU, dropout before each. Trained on the whole graph as one sample, the
    labelled nodes chosen by `sample_weight`: compile with a loss of `from_logits=True` and
    `reduction="mean_with_sample_weight"`, and fit with `batch_size=1`.

    Args:
        num_nodes: int. Number of nodes N.
        graph: None, or the (N, N) operator `graphs.renormalized_adjacency(A)`, array or scipy
            sparse; with `clusters` a sequence of one a convolution. Travels with the weights. With
            `None` it must be set, `model.graph = …`, or loaded with weights before use.
        num_classes: int. Number of classes.
        num_features: int. Number of input features F.
        filters: sequence of ints, the filters of each convolution; with "nodes" one more
            convolution gives the classes.
        clusters: None, or a sequence of arrays (clusters, pool size) of `graphs.coarsen`, one a
            convolution: what each is pooled over. They travel with the weights.
        pooling: "max" or "average".
        units: sequence of ints, the units of the dense layers before the last, of signals alone.
        dropout: float. Share of values dropped before the last layer; with "nodes", before every
            convolution.
        classify: "signals", or "nodes" for a class of each node by convolutions alone.
        kernel_regularizer: as in `keras.layers.Dense`; for all layers but the last.
        num_edges, cluster_shapes: None; the number of entries of a sparse `graph` and the shapes
            of `clusters`, taken from them.
        num_entries: None, or the number of stored entries E of sparse features.

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
        num_nodes,
        *,
        graph=None,
        num_classes,
        num_features=1,
        filters=(16,),
        clusters=None,
        pooling="max",
        units=(),
        dropout=0.5,
        classify="nodes",
        kernel_regularizer=None,
        num_edges=None,
        cluster_shapes=None,
        num_entries=None,
        **kwargs,
    ):
        arguments = {
            "num_nodes": num_nodes,
            "num_classes": num_classes,
            "num_features": num_features,
            "filters": filters,
            "pooling": pooling,
            "units": units,
            "dropout": dropout,
            "classify": classify,
            "kernel_regularizer": kernel_regularizer,
            "num_edges": num_edges,
            "cluster_shapes": cluster_shapes,
            "num_entries": num_entries,
        }
        super().__init__(graph, clusters, GraphConv, arguments, **kwargs)
