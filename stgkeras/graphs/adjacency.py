"""Adjacency matrices from distances, edge lists, coordinates and networkx graphs."""

from __future__ import annotations

import numbers
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

from stgkeras.graphs._checks import as_matrix, as_real, check_number, check_values
from stgkeras.types import Array

if TYPE_CHECKING:
    import networkx


def gaussian_kernel(
    distances: Array, sigma2: float = 10.0, epsilon: float = 0.5
) -> np.ndarray | sp.csr_array:
    """Computes edge weights from distances with a thresholded Gaussian kernel.

        A[n, m] = exp(-d[n, m]² / σ²)  if n ≠ m and the weight is at least ε, else 0

    Args:
        distances: (nodes, nodes) numbers, km, non-negative. Entry [n, m] is the distance from
            node m to node n, or `np.inf` if there is no path. In a dense matrix, 0 means the
            same place. In a SciPy sparse matrix, a stored 0 is a distance of 0, and an absent
            entry means that there is no edge.
        sigma2: float > 0. Width σ² of the kernel, km². Default 10.
        epsilon: float in [0, 1]. Threshold ε: smaller weights become 0. Default 0.5.

    Returns:
        (nodes, nodes) float64 weights in [0, 1], unitless, with a zero diagonal. The result is a
        `csr_array` if `distances` is sparse. If no edge remains, the function warns; the usual
        cause is distances in metres.

    Raises:
        TypeError: if an argument is not numeric.
        ValueError: if `distances` is not square or has NaN or negative entries, or if `sigma2`
            or `epsilon` is out of range.

    Example:
        >>> gaussian_kernel([[0.0, 1.0, 4.0], [1.0, 0.0, 2.0], [4.0, 2.0, 0.0]]).round(2)
        array([[0.  , 0.9 , 0.  ],
               [0.9 , 0.  , 0.67],
               [0.  , 0.67, 0.  ]])

    Source:
        Yu et al., 2018 (STGCN), arXiv:1709.04875, eq. 10. Departs from the paper: nowhere. The
        authors' code writes the same width as σ² = 0.1, for distances in units of 10 km.
    """
    check_number("sigma2", sigma2, "a finite number above 0", lambda value: 0 < value < np.inf)
    check_number("epsilon", epsilon, "a number from 0 to 1", lambda value: 0 <= value <= 1)
    matrix = as_matrix("distances", distances, allow_inf=True)
    num_nodes = matrix.shape[0]
    is_sparse = sp.issparse(matrix)
    adjacency: Any
    if is_sparse:
        entries = matrix.tocoo()
        weights = np.exp(-np.square(entries.data) / sigma2)
        keep = (weights >= epsilon) & (weights > 0) & (entries.row != entries.col)
        index = entries.row[keep], entries.col[keep]
        adjacency = sp.csr_array((weights[keep], index), shape=matrix.shape)
        num_edges = adjacency.nnz
    else:
        adjacency = np.exp(-np.square(matrix) / sigma2)
        adjacency[adjacency < epsilon] = 0.0
        np.fill_diagonal(adjacency, 0.0)
        num_edges = np.count_nonzero(adjacency)
    if num_nodes > 1 and num_edges == 0:
        warnings.warn(
            f"The graph has no edges with `sigma2`={sigma2} km² and `epsilon`={epsilon}. "
            "`distances` must be in km. If the distances are in metres, divide by 1000.",
            stacklevel=2,
        )
    return adjacency


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
            pass a list of distances to `gaussian_kernel`: in a dense matrix, an absent edge
            would be a distance of 0. Default False.

    Returns:
        (nodes, nodes) float64, in the unit of `weights`.

    Raises:
        TypeError: if a node is not an integer or a weight is not a number.
        ValueError: if lengths differ, a node is out of range, a weight is negative or not finite,
            an edge has two weights, or there are no edges and `num_nodes` is None.

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
    if num_nodes is None:
        if len(start) == 0:
            raise ValueError(
                "`num_nodes` must be given if there are no edges. Received: num_nodes=None. "
                "Pass the number of nodes."
            )
        num_nodes = int(max(start.max(), end.max())) + 1
    check_number("num_nodes", num_nodes, "at least 1", lambda value: value >= 1, numbers.Integral)
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
        ValueError: if `points` is not a finite matrix or `k` is out of range.

    Example:
        >>> knn_graph([[0.0], [1.0], [3.0]], k=1)
        array([[0., 1., 0.],
               [1., 0., 0.],
               [0., 1., 0.]])
    """
    rows = as_real("points", points)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(
            "`points` must have shape (nodes, dimensions). "
            f"Received: points.shape={rows.shape}. Pass one row of coordinates per node."
        )
    check_values("points", rows, allow_negative=True)
    nodes = np.arange(len(rows))
    most = len(rows) - 1
    check_number(
        "k",
        k,
        f"at least 1 and below the number of points, {len(rows)}",
        lambda value: 1 <= value <= most,
        numbers.Integral,
    )
    nearest = np.asarray(cKDTree(rows).query(rows, k + 1)[1])  # (N, k + 1)
    drop = nearest == nodes[:, None]
    # The list of the k + 1 nearest points includes the point itself, which is dropped. If more
    # than k points are equal, the list may not include it. Then the last entry is dropped.
    drop[~drop.any(axis=1), -1] = True
    return from_edges(nearest[~drop], np.repeat(nodes, k), num_nodes=len(rows), sparse=sparse)


def from_networkx(
    graph: networkx.Graph, weight: str | None = "weight", sparse: bool = False
) -> np.ndarray | sp.csr_array:
    """Converts a networkx graph to an adjacency matrix.

    An edge u → v sets A[v, u]; an undirected edge also sets A[u, v]. The result is the transpose
    of networkx's own matrices, which are [source, target]. Parallel edges must have equal weights.

    Args:
        graph: `networkx.Graph`, `DiGraph` or a multigraph. Row n is the n-th of `graph.nodes`.
        weight: str or None. Edge attribute with the weights. An edge without this attribute has
            weight 1. With None, every edge has weight 1. Default "weight".
        sparse: bool. Whether to return a `csr_array`. Default False.

    Returns:
        (nodes, nodes) float64, in the unit of the attribute.

    Raises:
        TypeError: if `graph` is not a networkx graph or a weight is not a number.
        ValueError: if `graph` has no nodes, a weight is negative or not finite, or parallel edges
            have different weights.

    Example:
        >>> import networkx as nx
        >>> from_networkx(nx.DiGraph([("a", "b")]))
        array([[0., 0.],
               [1., 0.]])
    """
    import networkx as nx

    if not isinstance(graph, nx.Graph):
        raise TypeError(
            f"`graph` must be a networkx graph. Received: graph of type {type(graph).__name__}. "
            "Use `from_edges` for a list of edges."
        )
    if len(graph) == 0:
        raise ValueError("`graph` must have at least one node. Received: graph with 0 nodes")
    position = {node: n for n, node in enumerate(graph.nodes)}
    edges = [
        (position[u], position[v], 1.0 if weight is None else data.get(weight, 1.0))
        for u, v, data in graph.edges(data=True)
    ]
    if not graph.is_directed():
        edges += [(v, u, value) for u, v, value in edges]
    source, target, weights = zip(*edges, strict=True) if edges else ((), (), ())
    return from_edges(source, target, weights, num_nodes=len(graph), sparse=sparse)


def _as_nodes(name, nodes):
    nodes = np.asarray(nodes)
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
    return nodes.astype(np.int64)
