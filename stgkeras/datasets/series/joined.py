"""Joins graphs to the sensors of a series, by the names of the sensors."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import scipy.sparse as sp

from stgkeras.datasets.series.edge_tables import (
    from_edge_table,
    lower_case,
    refuse_no_edge,
    refuse_other_headers,
)
from stgkeras.datasets.series.sensor_names import differences, renamed, repeated, shown
from stgkeras.graphs import from_edges, from_networkx
from stgkeras.graphs._checks import as_real
from stgkeras.graphs.networks import check_weights
from stgkeras.types import Array

if TYPE_CHECKING:
    import igraph
    import networkx
    import pandas as pd

    # What the constructors of a series accept as `graph`.
    GraphLike: TypeAlias = (
        Array | pd.DataFrame | networkx.Graph | igraph.Graph | str | os.PathLike[str]
    )


def joined(graph, names, unknown="raise"):
    """Returns the adjacency `[target, source]` of a graph for the sensors `names`, before checks.

    Args:
        graph: a pandas frame, a networkx graph or an igraph graph, which are joined by names; or
            an array, which has the order of `names` and is returned unchanged.
        names: sequence of N str.
        unknown: "raise", or "drop" to leave out nodes that are not in `names`.
    """
    options = {"what": "`graph`", "unknown": unknown}
    if _is_a(graph, "pandas", "DataFrame"):
        if {"from", "to"} <= set(lower_case(graph.columns)):
            return from_edge_table(graph, names, **options)
        head = graph.head(100).astype(str).to_numpy().tolist()
        refuse_other_headers([str(name) for name in graph.columns], head, names, "`graph`")
        rows, columns = (_labels(axis, names) for axis in (graph.index, graph.columns))
        return by_labels(as_real("graph", graph), rows, columns, names, **options)
    if _is_a(graph, "networkx", "Graph"):
        nodes = [str(node) for node in graph]
        matrix = from_networkx(graph, sparse=True) if nodes else np.zeros((0, 0))
    elif _is_a(graph, "igraph", "Graph"):
        if "name" not in graph.vs.attributes():
            raise ValueError(
                "`graph` must have the names of the sensors as vertex attribute 'name'. Received: "
                f"an igraph graph with the vertex attributes {graph.vs.attributes()}. Set "
                '`graph.vs["name"] = …`.'
            )
        nodes = [str(node) for node in graph.vs["name"]]
        matrix = _igraph_matrix(graph)
    elif hasattr(graph, "columns"):
        raise TypeError(
            "`graph` must be a pandas frame, a graph, an array or a path. Received: graph of type "
            f"{type(graph).__module__}.{type(graph).__name__}. Call `graph.to_pandas()`."
        )
    else:
        return graph
    return by_labels(matrix, nodes, nodes, names, **options)


def by_labels(matrix, rows, columns, names, what, unknown="raise"):
    """Orders a matrix by the names of the sensors.

    Args:
        matrix: array or csr_array. Entry [n, m] is the weight of the edge from m to n.
        rows, columns: lists of str, the labels of the matrix. One of them may be None: then rows
            and columns have the same order.
        names, what, unknown: as in `from_edge_table`.
    """
    if rows is None and columns is None:
        raise ValueError(
            f"{what} must have the names of the sensors as labels of its rows and columns. "
            f"Received: a table of shape {matrix.shape} without labels. If its rows and columns "
            "have the order of the sensors, pass an array, such as `graph.to_numpy()`."
        )
    labels = [columns if rows is None else rows, rows if columns is None else columns]
    order = []
    for axis, found in zip(("rows", "columns"), labels, strict=True):
        index = {name: i for i, name in enumerate(found)}
        missing, others = differences(names, index)
        if len(index) != len(found) or missing or (others and unknown == "raise"):
            fix = f"Add a row, a column or a node for each of {shown(missing)}."
            if len(index) != len(found):
                fix = f"Name each sensor once, not {shown(repeated(found))}."
            elif not missing:
                fix = f'Remove {shown(others)}, or pass `unknown="drop"`.'
            elif lost := renamed(others, names):
                fix = lost
            raise ValueError(
                f"{what} must have the names of sensors as labels of its {axis}, each once. "
                f"Received: the labels {shown(found)} for the sensors {shown(names)}. {fix}"
            )
        order.append([index[name] for name in names])
    if matrix.shape != (len(labels[0]), len(labels[1])):
        raise ValueError(
            f"{what} must be square. Received: a table of shape {matrix.shape}. Write a row and a "
            "column for each sensor."
        )
    found = matrix[order[0]][:, order[1]]
    if _has_edges(matrix) and not _has_edges(found):
        refuse_no_edge(what, labels[0], names)
    return found


def _has_edges(matrix):
    count = matrix.count_nonzero() if sp.issparse(matrix) else np.count_nonzero(matrix)
    return count > np.count_nonzero(matrix.diagonal())


def _is_a(graph, package, name):
    """Whether `graph` is an instance of a class, without an import of its package."""
    module = sys.modules.get(package)
    return module is not None and isinstance(graph, getattr(module, name, ()))


def _labels(axis, names):
    """Returns the labels of an axis of a frame, or None if these are only the numbers 0, 1, …"""
    labels = [str(label).strip() for label in axis]
    bare = labels == [str(n) for n in range(len(labels))]
    return None if bare and set(labels) != set(names) else labels


def _igraph_matrix(graph):
    source, target = np.array(graph.get_edgelist(), dtype=np.int64).reshape(-1, 2).T
    weights = np.ones(len(source))
    if "weight" in graph.es.attributes():
        names = graph.vs["name"]
        edges = [(names[u], names[v]) for u, v in graph.get_edgelist()]
        check_weights(graph.es["weight"], edges, graph.is_directed())
        weights = np.array(graph.es["weight"], np.float64)
    if not graph.is_directed():
        source, target = np.append(source, target), np.append(target, source)
        weights = np.append(weights, weights)
    return from_edges(source, target, weights, num_nodes=graph.vcount(), sparse=True)
