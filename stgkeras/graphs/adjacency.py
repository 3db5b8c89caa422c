"""Adjacency matrices from edge lists and coordinates."""

from __future__ import annotations

import numbers

import numpy as np
import scipy.sparse as sp

from stgkeras.graphs._checks import (
    as_dense,
    as_real,
    check_flag,
    check_masked,
    check_number,
    check_values,
)
from stgkeras.types import Array


def from_edges(
    source: Array,
    target: Array,
    weights: Array | None = None,
    num_nodes: int | None = None,
    sparse: bool = False,
) -> np.ndarray | sp.csr_array:
    """Builds an adjacency matrix from a list of directed edges.

        A[target, source] = weight

    If the list has each edge of an undirected graph in one direction only,
    `np.maximum(A, A.T)` adds the other direction. An edge may be repeated with the same weight;
    two different weights for one edge raise an error. Self loops are kept.

    Args:
        source: (edges,) integers. Start node of each edge, as an index from 0, not a name.
        target: (edges,) integers. End node of each edge, as an index from 0.
        weights: (edges,) non-negative numbers, or None. Weight of each edge. Default None: 1 for
            every edge.
        num_nodes: int or None. Number of nodes. Default None: the largest node index plus 1.
        sparse: bool. Whether to return a `csr_array`, which also stores weights of 0. Use it to
            pass a list of distances to `gaussian_kernel`: in a dense matrix, a distance of 0
            would be no edge. Default False.

    Returns:
        (nodes, nodes) float64, in the unit of `weights`.

    Raises:
        TypeError: if a node is not an integer or a weight is not a number.
        ValueError: if lengths differ, a node is out of range, a weight is negative or not finite,
            an edge has two weights, there are no edges and `num_nodes` is None, or the nodes are
            ids instead of indices.

    Example:
        >>> from_edges(source=[0, 1], target=[1, 2], weights=[0.5, 2.0])
        array([[0. , 0. , 0. ],
               [0.5, 0. , 0. ],
               [0. , 2. , 0. ]])
    """
    start, end = _as_nodes("source", source), _as_nodes("target", target)
    values = np.ones(len(start)) if weights is None else as_real("weights", weights)
    if not start.shape == end.shape == values.shape:
        raise ValueError(
            "`source`, `target` and `weights` must have equal lengths. Received: "
            f"source.shape={start.shape}, target.shape={end.shape}, "
            f"weights.shape={values.shape}. Pass one source, target and weight per edge."
        )
    check_values("weights", values)
    check_flag("sparse", sparse)
    if num_nodes is None:
        if len(start) == 0:
            raise ValueError(
                "`num_nodes` must be given if there are no edges. Received: num_nodes=None. "
                "Pass the number of nodes."
            )
        num_nodes = int(max(start.max(), end.max())) + 1
        count = len(np.unique([start, end]))
        if num_nodes > 10 * count + 1000:
            raise ValueError(
                "`source` and `target` must be indices from 0 below the number of nodes. Received: "
                f"{count} different numbers up to {num_nodes - 1}, which are ids. Number the "
                "nodes, for example with `pandas.Index(names).get_indexer(ids)`, or pass "
                "`num_nodes`."
            )
    condition = "at least 1 and below 2**31"
    check_number("num_nodes", num_nodes, condition, lambda v: 1 <= v < 2**31, numbers.Integral)
    for name, nodes in (("source", start), ("target", end)):
        if (nodes >= num_nodes).any():
            raise ValueError(
                f"`{name}` must be below `num_nodes`={num_nodes}. Received: {name} with the entry "
                f"{nodes.max()}. Number the nodes from 0, or increase `num_nodes`."
            )

    shape = (int(num_nodes), int(num_nodes))
    _, first, edge = np.unique(end * shape[0] + start, return_index=True, return_inverse=True)
    conflicts = np.flatnonzero(values != values[first][edge])
    if len(conflicts):
        again = conflicts[0]
        pair = f"{values[first][edge][again]} and {values[again]}"
        raise ValueError(
            "`weights` must be equal if an edge is repeated. Received: weights "
            f"{pair} for the edge {start[again]} → {end[again]}. Combine the weights of each "
            "edge first, for example with their mean."
        )
    entries = values[first], (end[first], start[first])
    if sparse:
        return sp.csr_array(entries, shape=shape)
    adjacency = np.zeros(shape)
    adjacency[entries[1]] = entries[0]
    return adjacency


def knn_graph(points: Array, k: int, sparse: bool = False) -> np.ndarray | sp.csr_array:
    """Builds the k-nearest-neighbour graph of a set of points.

    Each node receives an edge of weight 1 from each of its k nearest other nodes. The graph is
    directed: if m is a neighbour of n, n need not be a neighbour of m. `np.maximum(A, A.T)`
    (sparse: `A.maximum(A.T)`) makes the graph undirected. No node is its own neighbour.

    Args:
        points: (nodes, dimensions) numbers. Coordinates, all in one unit of length. Distances
            are Euclidean; project longitude and latitude to a plane first.
        k: int from 1 to nodes - 1. Number of neighbours of each node.
        sparse: bool. Whether to return a `csr_array`. Default False.

    Returns:
        (nodes, nodes) float64 zeros and ones, with k ones in each row.

    Raises:
        TypeError: if `points` is not numeric or `k` is not an integer.
        ValueError: if `points` is not a finite matrix or holds distances, or `k` is out of range.

    Example:
        >>> knn_graph([[0.0], [1.0], [3.0]], k=1)
        array([[0., 1., 0.],
               [1., 0., 0.],
               [0., 1., 0.]])
    """
    rows = as_dense("points", points)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(
            "`points` must have shape (nodes, dimensions). "
            f"Received: points.shape={rows.shape}. Pass one row of coordinates per node."
        )
    check_values("points", rows, allow_negative=True)
    check_flag("sparse", sparse)
    is_square = len(rows) > 3 and rows.shape[0] == rows.shape[1]
    if is_square and not rows.diagonal().any() and rows.any() and np.array_equal(rows, rows.T):
        raise ValueError(
            "`points` must hold one row of coordinates per node. Received: a symmetric matrix with "
            f"a zero diagonal, of shape {rows.shape}, which holds distances. Pass the coordinates, "
            "or compute weights from the distances with `gaussian_kernel`."
        )
    nodes = np.arange(len(rows))
    most = len(rows) - 1
    check_number(
        "k",
        k,
        f"at least 1 and below the number of points, {len(rows)}",
        lambda value: 1 <= value <= most,
        numbers.Integral,
    )
    from scipy.spatial import cKDTree  # a fifth of the time to import this package

    nearest = np.asarray(cKDTree(rows).query(rows, k + 1)[1])  # (N, k + 1)
    drop = nearest == nodes[:, None]
    # The list of the k + 1 nearest points includes the point itself, which is dropped. If more
    # than k points are equal, the list may not include it. Then the last entry is dropped.
    drop[~drop.any(axis=1), -1] = True
    return from_edges(nearest[~drop], np.repeat(nodes, k), num_nodes=len(rows), sparse=sparse)


def _as_nodes(name, nodes):
    check_masked(name, nodes)
    try:
        nodes = np.asarray(nodes)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must have shape (edges,). Received: no array ({error}). Pass `source` and "
            "`target` as two one-dimensional arrays."
        ) from error
    if nodes.ndim != 1:
        raise ValueError(
            f"`{name}` must have shape (edges,). Received: {name}.shape={nodes.shape}. "
            "Pass `source` and `target` as two one-dimensional arrays."
        )
    if nodes.size and nodes.dtype.kind not in "iu":
        raise TypeError(
            f"`{name}` must hold integers. Received: {name}.dtype={nodes.dtype}. "
            "Number the nodes from 0, and pass the numbers."
        )
    if (nodes < 0).any():
        raise ValueError(
            f"`{name}` must be non-negative. Received: {name} with the entry {nodes.min()}. "
            "Number the nodes from 0."
        )
    if (nodes >= 2**31).any():
        raise ValueError(
            f"`{name}` must be indices below 2**31. Received: {name} with the entry {nodes.max()}. "
            "Number the nodes from 0."
        )
    return nodes.astype(np.int64)
