"""Base class of the classifiers SpectralCNN, ChebNet and GCN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import regularizers

from stgkeras.layers import StaticClusters, StaticGraph, _checks
from stgkeras.missing import known_labels
from stgkeras.models.class_networks import node_classes, signal_classes, signal_input
from stgkeras.models.graph_filters import GraphFilters
from stgkeras.models.graph_lists import graphs_of, holder_name
from stgkeras.models.graph_model import StoredGraph
from stgkeras.models.operator_check import check_operator
from stgkeras.types import Array


class GraphClassifier(GraphFilters):
    """Base class of classifiers of signals or nodes: states common arguments, creates all layers.

    Args:
        convolution: function (filters, **kwargs), which returns a graph convolution layer.
        own: dict of the arguments that only this model has, already checked.
        num_nodes: int. Number of nodes N.
        graph: None, or the operator of the convolutions; with `clusters`, a list of one operator
            for each convolution. Default None.
        num_classes: int. Number of classes.
        num_features: int. Number of input features F of each node. Default 1.
        filters: sequence of ints. Number of filters of each convolution. With classify="nodes", one
            more convolution returns the logits. Default (32, 64).
        clusters: None, or a list of int arrays (clusters, pool size), one for each convolution:
            `graphs.coarsen(…).clusters`. Each convolution is then followed by pooling, which
            reduces each cluster of nodes to one node. The model saves the clusters with the
            weights. Default None.
        pooling: str. "max" or "average". Default "max".
        units: None, or a sequence of ints: the number of units of each hidden dense layer. None
            means (512,) for "signals", and no hidden dense layer for "nodes". Default None.
        dropout: float, 0 ≤ dropout < 1. Fraction of values that are set to 0 in training, before
            the last layer. With classify="nodes", also before every convolution. Default 0.5.
        classify: str. "signals": each sample, a signal on the graph, has one class. "nodes": each
            node has one class. Default "signals".
        kernel_regularizer: as in `keras.layers.Dense`, for all layers except the last. Default
            None.
        cluster_shapes: None, or the shapes of the arrays in `clusters`. Only needed if clusters are
            set or loaded later. Default: taken from `clusters`.
        num_entries: None, or int: the number of entries E of sparse features. Default None.
    """

    hidden_arguments = ("convolution", "own")  # which only a model passes on

    def __init__(
        self,
        convolution: Callable[..., keras.layers.Layer],
        own: dict[str, Any],
        num_nodes: int,
        *,
        graph: Array | Sequence[Array] | None = None,
        num_classes: int,
        num_features: int = 1,
        filters: Sequence[int] = (32, 64),
        clusters: Sequence[Array] | None = None,
        pooling: str = "max",
        units: Sequence[int] | None = None,
        dropout: float = 0.5,
        classify: str = "signals",
        kernel_regularizer: Any = None,
        cluster_shapes: Sequence[Sequence[int]] | None = None,
        num_entries: int | None = None,
        **kwargs: Any,
    ) -> None:
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
            "cluster_shapes": cluster_shapes,
            "num_entries": num_entries,
            **own,
        }
        _check(arguments)
        arguments["cluster_shapes"] = shapes = _cluster_shapes(clusters, arguments)
        x = signal_input(arguments)
        anchor = keras.tree.flatten(x)[-1]  # makes the layers with the graphs part of the model
        holders = _graph_holders(graph, arguments)
        operators = [holder(anchor) for holder in holders]
        if arguments["classify"] == "nodes":
            outputs = node_classes(x, operators[0], convolution, arguments)
        else:
            pools = [
                StaticClusters(*shape, name=f"clusters_{level}")(anchor)
                for level, shape in enumerate(shapes or ())
            ]
            outputs = signal_classes(x, operators, pools, convolution, arguments)
        super().__init__(x, outputs, arguments, **kwargs)
        if clusters is not None:
            self.clusters = clusters

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        y, sample_weight = known_labels(y, y_pred, sample_weight)
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        regularizer = regularizers.serialize(self.kernel_regularizer)
        return {**config, "kernel_regularizer": regularizer}

    @property
    def graph(self) -> StoredGraph | tuple[StoredGraph, ...]:
        """Graph operator: an array or a SciPy csr_array.

        With clusters, a tuple with one operator for each convolution.
        """
        if self.cluster_shapes is None:
            return super().graph
        return graphs_of(self, len(self.cluster_shapes))

    @graph.setter
    def graph(self, graph: Array | Sequence[Array]) -> None:
        found = []
        for level, operator in enumerate(_a_level("graph", graph, self.cluster_shapes)):
            check_operator(operator, vars(self))
            layer = self.get_layer(holder_name(level))
            layer.graph = operator
            found.append(layer.num_edges)
        self.num_edges = found[0] if self.cluster_shapes is None else tuple(found)

    @property
    def clusters(self) -> tuple[np.ndarray, ...] | None:
        """Tuple of arrays, the clusters of each pooling layer. None without pooling."""
        if self.cluster_shapes is None:
            return None
        levels = range(len(self.cluster_shapes))
        return tuple(self.get_layer(f"clusters_{level}").clusters for level in levels)

    @clusters.setter
    def clusters(self, clusters: Sequence[Array]) -> None:
        num_nodes = self.num_nodes
        for level, members in enumerate(_a_level("clusters", clusters, self.cluster_shapes)):
            layer = self.get_layer(f"clusters_{level}")
            members = layer.checked(members)
            if np.max(members) >= num_nodes:
                raise ValueError(
                    f"`clusters[{level}]` must hold node numbers below {num_nodes}, the number of "
                    f"nodes of this level. Received: {np.max(members)}. Pass the clusters of "
                    "`graphs.coarsen` for the same graph, from fine to coarse."
                )
            layer.clusters = members
            num_nodes = len(members)


def _check(arguments):
    """Checks the common arguments, and replaces them by the checked values."""
    for name in ("num_nodes", "num_classes", "num_features"):
        arguments[name] = _checks.integer(name, arguments[name])
    _checks.one_of("classify", arguments["classify"], ("signals", "nodes"))
    if arguments["units"] is None:
        arguments["units"] = (512,) if arguments["classify"] == "signals" else ()
    for name in ("filters", "units"):
        arguments[name] = _checks.integers(name, arguments[name])
    if not arguments["filters"]:
        raise ValueError(
            "`filters` must hold at least one number. Received: filters=(). Give the number of "
            "filters of each convolution."
        )
    if arguments["units"] and arguments["classify"] == "nodes":
        raise ValueError(
            '`units` must be empty with classify="nodes", which has no dense layers. '
            f"Received: units={arguments['units']}. Use `units=None`."
        )
    _checks.fraction("dropout", arguments["dropout"])
    _checks.one_of("pooling", arguments["pooling"], ("max", "average"))
    arguments["kernel_regularizer"] = _checks.regularizer(
        "kernel_regularizer", arguments["kernel_regularizer"]
    )
    if arguments["num_entries"] is not None:
        _checks.integer("num_entries", arguments["num_entries"])


def _cluster_shapes(clusters, arguments):
    """Returns the shape of each array of clusters, or None without pooling."""
    shapes = arguments["cluster_shapes"]
    if clusters is not None:
        shapes = [_shape(members) for members in _checks.sequence("clusters", clusters)]
    elif shapes is not None:
        shapes = _checks.sequence("cluster_shapes", shapes)
        shapes = [_checks.integers("cluster_shapes", shape) for shape in shapes]
    if shapes is None:
        return None
    if arguments["classify"] == "nodes":
        raise ValueError(
            '`clusters` must be None with classify="nodes", because pooling merges nodes. '
            f'Received: clusters of shapes {shapes}. Use `clusters=None` or `classify="signals"`.'
        )
    if len(shapes) != len(arguments["filters"]) or any(len(shape) != 2 for shape in shapes):
        raise ValueError(
            "`clusters` must hold an array (clusters, pool size) for each of the "
            f"{len(arguments['filters'])} convolutions of `filters`. Received: shapes {shapes}. "
            "Call `graphs.coarsen` with as many levels as there are convolutions."
        )
    return tuple(tuple(int(size) for size in shape) for shape in shapes)


def _shape(array):
    """Returns the shape of an array, or () for lists of different lengths."""
    try:
        return np.shape(array)
    except ValueError:
        return ()


def _a_level(name, value, shapes):
    """Returns a tuple with one value for each level. A model without pooling has one level."""
    if shapes is None:
        return (value,)
    if value is None:
        return len(shapes) * (None,)
    if not isinstance(value, (list, tuple)) or len(value) != len(shapes):
        length = f" of length {len(value)}" if isinstance(value, (list, tuple)) else ""
        raise ValueError(
            f"`{name}` must be a list of length {len(shapes)}, with one item for each convolution, "
            f"in a model with clusters. Received: {name} of type {type(value).__name__}{length}. "
            "Use the graphs and clusters of `graphs.coarsen`."
        )
    return tuple(value)


def _graph_holders(graph, arguments):
    """Returns the `StaticGraph` of each level, and writes the graph sizes into the arguments."""
    shapes = arguments["cluster_shapes"]
    graphs = _a_level("graph", graph, shapes)
    if graph is not None and "num_frequencies" in arguments:
        columns = tuple((_shape(basis) or (None,))[-1] for basis in graphs)
        arguments["num_frequencies"] = columns[0] if shapes is None else columns
    sizes = {
        name: arguments[name] for name in ("num_edges", "num_frequencies") if name in arguments
    }
    rows = {name: _a_level(name, value, shapes) for name, value in sizes.items()}
    nodes = [arguments["num_nodes"], *(number for number, _ in shapes or ())]
    holders = [
        StaticGraph(
            nodes[level],
            operator,
            name=holder_name(level),
            **{name: values[level] for name, values in rows.items()},
        )
        for level, operator in enumerate(graphs)
    ]
    for operator in graphs:
        check_operator(operator, arguments)
    for name in sizes:
        found = tuple(getattr(holder, name) for holder in holders)
        arguments[name] = found[0] if shapes is None else found
    return holders
