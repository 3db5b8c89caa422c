"""Adjacency matrices from distances, edge lists, coordinates and networkx graphs."""

import numbers
import warnings

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree


def gaussian_kernel(distances, sigma2=10.0, epsilon=0.5):
    """Turn distances into weights that fall off with the square of the distance.

        A[n, m] = exp(-d[n, m]² / σ²)  if n ≠ m and the weight is at least ε, else 0

    Args:
        distances: (nodes, nodes), km, non-negative; `np.inf` where there is no way from m to n.
            Dense: every entry is a distance, so 0 means the same place. SciPy sparse: the stored
            entries are the known distances (a stored 0 is distance 0), an absent one is no edge.
        sigma2: float > 0. σ², the width of the kernel, km².
        epsilon: float in [0, 1]. Smaller weights are cut to 0.

    Returns:
        (nodes, nodes) float64 weights in [0, 1] with a zero diagonal, unitless; `csr_array` for
        sparse distances. Warns if no edge survives, most often because distances are in metres.

    Raises:
        TypeError: if an argument is not numeric.
        ValueError: if `distances` is not square or holds NaN or negative entries, or if `sigma2`
            or `epsilon` is out of range.

    Example:
        >>> gaussian_kernel([[0.0, 1.0, 4.0], [1.0, 0.0, 2.0], [4.0, 2.0, 0.0]]).round(2)
        array([[0.  , 0.9 , 0.  ],
               [0.9 , 0.  , 0.67],
               [0.  , 0.67, 0.  ]])

    Source:
        Yu et al., 2018 (STGCN), arXiv:1709.04875, eq. 10. Departs from the paper: nowhere; its
        code writes the same σ² as 0.1, for distances in units of 10 km.
    """
    check_number("sigma2", sigma2, "a finite number above 0", lambda value: 0 < value < np.inf)
    check_number("epsilon", epsilon, "a number from 0 to 1", lambda value: 0 <= value <= 1)
    distances = as_matrix("distances", distances, allow_inf=True)
    num_nodes = distances.shape[0]
    if sp.issparse(distances):
        entries = distances.tocoo()
        weights = np.exp(-np.square(entries.data) / sigma2)
        keep = (weights >= epsilon) & (weights > 0) & (entries.row != entries.col)
        index = entries.row[keep], entries.col[keep]
        adjacency = sp.csr_array((weights[keep], index), shape=distances.shape)
        num_edges = adjacency.nnz
    else:
        adjacency = np.exp(-np.square(distances) / sigma2)
        adjacency[adjacency < epsilon] = 0.0
        np.fill_diagonal(adjacency, 0.0)
        num_edges = np.count_nonzero(adjacency)
    if num_nodes > 1 and num_edges == 0:
        warnings.warn(
            f"No edge survives `sigma2`={sigma2} km² and `epsilon`={epsilon}. `distances` are in "
            "km; if yours are in metres, divide them by 1000.",
            stacklevel=2,
        )
    return adjacency


def from_edges(source, target, weights=None, num_nodes=None, sparse=False):
    """Fill an adjacency matrix from a list of directed edges.

        A[target, source] = weight

    An undirected graph listed once per edge is completed by `np.maximum(A, A.T)`. An edge may be
    listed again with the same weight; two different weights for one edge are refused, not summed.
    Self loops are kept.

    Args:
        source: (edges,) integers, the node each edge leaves: positions from 0, not sensor names.
        target: (edges,) integers, the node each edge enters.
        weights: (edges,) non-negative numbers, 1 for every edge if None.
        num_nodes: int, one more than the largest node of the edges if None.
        sparse: bool. Return a `csr_array`. Weights of 0 stay stored there, so a list of distances
            can go on to `gaussian_kernel` (in a dense matrix, no edge would read as distance 0).

    Returns:
        (nodes, nodes) float64, in the unit of `weights`.

    Raises:
        TypeError: if a node is not an integer or a weight not a number.
        ValueError: if lengths differ, a node is out of range, a weight is negative or not finite,
            an edge has two weights, or there are no edges and no `num_nodes`.

    Example:
        >>> from_edges(source=[0, 1], target=[1, 2], weights=[0.5, 2.0])
        array([[0. , 0. , 0. ],
               [0.5, 0. , 0. ],
               [0. , 2. , 0. ]])
    """
    source, target = _as_nodes("source", source), _as_nodes("target", target)
    weights = np.ones(len(source)) if weights is None else as_real("weights", weights)
    if not source.shape == target.shape == weights.shape:
        raise ValueError(
            "`source`, `target` and `weights` must have equal lengths. Received: shapes "
            f"{source.shape}, {target.shape}, {weights.shape}"
        )
    check_values("weights", weights)
    if num_nodes is None:
        if len(source) == 0:
            raise ValueError("`num_nodes` must be given if there are no edges. Received: None")
        num_nodes = int(max(source.max(), target.max())) + 1
    check_number("num_nodes", num_nodes, "at least 1", lambda value: value >= 1, numbers.Integral)
    for name, nodes in (("source", source), ("target", target)):
        if (nodes >= num_nodes).any():
            raise ValueError(
                f"`{name}` must be below `num_nodes`={num_nodes}. Received: {nodes.max()}"
            )

    shape = (int(num_nodes), int(num_nodes))
    _, first, edge = np.unique(target * shape[0] + source, return_index=True, return_inverse=True)
    conflicts = np.flatnonzero(weights != weights[first][edge])
    if len(conflicts):
        again = conflicts[0]
        pair = f"{weights[first][edge][again]} and {weights[again]}"
        raise ValueError(
            f"`weights` must agree where an edge is listed twice. Received: {pair} for the edge "
            f"{source[again]} → {target[again]}. Combine them first, for example by their mean."
        )
    entries = weights[first], (target[first], source[first])
    if sparse:
        return sp.csr_array(entries, shape=shape)
    adjacency = np.zeros(shape)
    adjacency[entries[1]] = entries[0]
    return adjacency


def knn_graph(points, k, sparse=False):
    """Connect every point to its k nearest others: n receives from them, with weight 1.

    Being near is not mutual, so the graph is directed; `np.maximum(A, A.T)` (sparse:
    `A.maximum(A.T)`) makes it undirected. A point is never its own neighbour.

    Args:
        points: (nodes, dimensions) coordinates in one unit of length. Distances are Euclidean:
            project longitude and latitude first.
        k: int from 1 to nodes - 1. Number of neighbours.
        sparse: bool. Return a `csr_array`.

    Returns:
        (nodes, nodes) float64 of 0 and 1, k ones a row.

    Raises:
        TypeError: if `points` is not numeric or `k` not an integer.
        ValueError: if `points` is not a finite matrix or `k` is out of range.

    Example:
        >>> knn_graph([[0.0], [1.0], [3.0]], k=1)
        array([[0., 1., 0.],
               [1., 0., 0.],
               [0., 1., 0.]])
    """
    points = as_real("points", points)
    if points.ndim != 2 or 0 in points.shape:
        raise ValueError(
            f"`points` must have shape (nodes, dimensions). Received: shape={points.shape}"
        )
    if not np.isfinite(points).all():
        raise ValueError(f"`points` must be finite. Received: {points[~np.isfinite(points)][0]}")
    nodes = np.arange(len(points))
    most = len(points) - 1
    check_number(
        "k",
        k,
        f"from 1 to {most}, as there are {most + 1} points",
        lambda value: 1 <= value <= most,
        numbers.Integral,
    )
    nearest = cKDTree(points).query(points, k + 1)[1]  # (N, k + 1)
    drop = nearest == nodes[:, None]
    # Among more than k duplicates a point may be missing from its own list: drop the last instead.
    drop[~drop.any(axis=1), -1] = True
    return from_edges(nearest[~drop], np.repeat(nodes, k), num_nodes=len(points), sparse=sparse)


def from_networkx(graph, weight="weight", sparse=False):
    """Take over a networkx graph, in its own order of nodes.

    An edge u → v fills A[v, u], an undirected one also A[u, v]. networkx's own matrices are
    [source, target]: this one is their transpose. Parallel edges must agree in weight.

    Args:
        graph: `networkx.Graph`, `DiGraph` or a multigraph. Row n is the n-th of `graph.nodes`.
        weight: str. Edge attribute to read; an edge without it counts 1. None: all edges count 1.
        sparse: bool. Return a `csr_array`.

    Returns:
        (nodes, nodes) float64, in the unit of the attribute.

    Raises:
        TypeError: if `graph` is no networkx graph or a weight not a number.
        ValueError: if `graph` has no nodes, or a weight is negative, not finite or ambiguous.

    Example:
        >>> import networkx as nx
        >>> from_networkx(nx.DiGraph([("a", "b")]))
        array([[0., 0.],
               [1., 0.]])
    """
    import networkx as nx

    if not isinstance(graph, nx.Graph):
        raise TypeError(f"`graph` must be a networkx graph. Received: {type(graph).__name__}")
    if len(graph) == 0:
        raise ValueError("`graph` must have at least one node. Received: an empty graph")
    position = {node: n for n, node in enumerate(graph.nodes)}
    edges = [
        (position[u], position[v], 1.0 if weight is None else data.get(weight, 1.0))
        for u, v, data in graph.edges(data=True)
    ]
    if not graph.is_directed():
        edges += [(v, u, value) for u, v, value in edges]
    source, target, weights = zip(*edges, strict=True) if edges else ((), (), ())
    return from_edges(source, target, weights, num_nodes=len(graph), sparse=sparse)


def as_matrix(name, matrix, allow_negative=False, allow_inf=False):
    """Check a square matrix; return it as a new float64 array, or `csr_array` if sparse."""
    matrix = as_real(name, matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise ValueError(
            f"`{name}` must be a square matrix (nodes, nodes) of at least one node. "
            f"Received: shape={matrix.shape}"
        )
    if sp.issparse(matrix):
        matrix = sp.csr_array(matrix, dtype=np.float64, copy=True)
        matrix.sum_duplicates()
    values = matrix.data if sp.issparse(matrix) else matrix
    check_values(name, values, allow_negative, allow_inf)
    return matrix


def check_number(name, value, condition, is_valid, kind=numbers.Real):
    """Raise unless `value` is a number of that kind and valid; `condition` says which are."""
    if isinstance(value, bool) or not isinstance(value, kind):
        noun = "an integer" if kind is numbers.Integral else "a number"
        raise TypeError(f"`{name}` must be {noun}. Received: {name}={value!r}")
    if not is_valid(value):
        raise ValueError(f"`{name}` must be {condition}. Received: {name}={value!r}")


def as_real(name, values):
    """A float64 copy of an array of real numbers; a sparse one is returned as it is."""
    values = values if sp.issparse(values) else np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must hold real numbers. Received: dtype={values.dtype}")
    return values if sp.issparse(values) else values.astype(np.float64)


def _as_nodes(name, nodes):
    nodes = np.asarray(nodes)
    if nodes.ndim != 1:
        raise ValueError(f"`{name}` must have shape (edges,). Received: shape={nodes.shape}")
    if nodes.size and nodes.dtype.kind not in "iu":
        raise TypeError(f"`{name}` must hold integers. Received: dtype={nodes.dtype}")
    if (nodes < 0).any():
        raise ValueError(f"`{name}` must be non-negative. Received: {nodes.min()}")
    return nodes.astype(np.int64)


def check_values(name, values, allow_negative=False, allow_inf=False):
    wrong = np.isnan(values) if allow_inf else ~np.isfinite(values)
    if wrong.any():
        condition = "free of NaN (`np.inf` marks an unknown one)" if allow_inf else "finite"
        raise ValueError(f"`{name}` must be {condition}. Received: {values[wrong][0]}")
    if not allow_negative and (values < 0).any():
        raise ValueError(f"`{name}` must be non-negative. Received: {values.min()}")
