"""Six structural features of each node: centralities and singular vectors."""

from __future__ import annotations

import numpy as np

from stgkeras.graphs._checks import as_dense
from stgkeras.types import Array

FEATURES = (
    "degree_centrality",
    "betweenness_centrality",
    "eigenvector_centrality",
    "closeness_centrality",
    "adjacency_singular_vector",
    "laplacian_singular_vector",
)


def node_features(adjacency: Array) -> np.ndarray:
    """Computes six structural features of each node of undirected graphs.

    Features 1 to 4 are the degree, betweenness, eigenvector and closeness centrality. They are
    normalised as in networkx, also for disconnected graphs. Feature 5 is the first left singular
    vector of the adjacency A. Feature 6 is the first left singular vector of the Laplacian D - A.
    The singular vectors have unit norm, and their entry of largest magnitude is positive.

    By the Perron-Frobenius theorem, feature 5 equals feature 3, unless a component with the
    largest eigenvalue is bipartite.

    Args:
        adjacency: (…, N, N) array of 0 and 1, symmetric, with zero diagonal.

    Returns:
        (…, N, 6) float32, unitless, in [-1, 1].

    Raises:
        TypeError: if `adjacency` does not hold numbers.
        ValueError: if `adjacency` is not binary and symmetric with zero diagonal.

    Example:
        >>> import numpy as np, stgkeras
        >>> path = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
        >>> stgkeras.datasets.node_features(path)[:, 0].tolist()
        [0.5, 1.0, 0.5]

    Source:
        networkx for the four centralities; igraph computes the shortest paths. Departs from
        networkx if the largest eigenvalue is repeated. The eigenvector is then not unique, so the
        feature is the projection of a fixed vector on the eigenspace, scaled to unit norm. The
        fixed vector is all ones for feature 3, and √1 … √N for features 5 and 6.
    """
    from threadpoolctl import threadpool_limits

    graph = as_dense("adjacency", adjacency)
    shape = graph.shape
    if len(shape) < 2 or shape[-1] != shape[-2] or shape[-1] == 0:
        raise ValueError(
            f"`adjacency` must be (…, N, N) with at least one node. Received: shape={shape}. Pass "
            "one row and one column per node, in a dense array."
        )
    n = shape[-1]
    graphs = graph.reshape(-1, n, n)
    loops = np.trace(graphs, axis1=1, axis2=2).any()
    if loops or ((graphs != 0) & (graphs != 1)).any() or (graphs != graphs.swapaxes(1, 2)).any():
        raise ValueError(
            "`adjacency` must be binary and symmetric with a zero diagonal. "
            "Received: another graph. Use `np.maximum(A, A.T) > 0` and set the diagonal to 0."
        )
    degree = graphs.sum(-1)  # (G, N)
    ruler = np.sqrt(np.arange(1.0, n + 1))
    with threadpool_limits(1):  # BLAS threads slow down many small problems
        values, vectors = np.linalg.eigh(graphs)
        laplacian = np.linalg.eigh(degree[:, :, None] * np.eye(n) - graphs)
    betweenness, closeness = _path_centralities(graphs)
    features = [
        degree / max(n - 1, 1),
        betweenness,
        _leading_vector(values, vectors, np.ones(n)),
        closeness,
        _leading_vector(np.abs(values), vectors, ruler),
        _leading_vector(*laplacian, ruler),
    ]
    return np.stack(features, -1).reshape(*shape[:-1], 6).astype(np.float32)


def _leading_vector(values, vectors, start):
    """Projects `start` on the eigenvectors of the largest eigenvalue.

    Returns:
        (G, N) of unit norm. The entry of largest magnitude is positive.
    """
    top = values.max(-1, keepdims=True)
    weights = np.where(values >= top - 1e-9 * (1 + top), start @ vectors, 0)  # (G, N)
    leading = np.einsum("gnk,gk->gn", vectors, weights)
    leading /= np.linalg.norm(leading, axis=-1, keepdims=True)
    # Two entries may have equal magnitude up to rounding errors. Rounding makes the choice
    # between them independent of the solver.
    largest = np.argmax(np.round(np.abs(leading), 6), axis=-1)[:, None]
    return leading * np.sign(np.take_along_axis(leading, largest, -1))


def _path_centralities(graphs):
    """Computes betweenness and closeness, (G, N) each, with the normalization of networkx."""
    import igraph

    n = graphs.shape[-1]
    betweenness, closeness = np.zeros((2, len(graphs), n))
    for i, graph in enumerate(np.triu(graphs)):
        paths = igraph.Graph(n, np.argwhere(graph).tolist())
        betweenness[i] = paths.betweenness(directed=False)
        closeness[i] = paths.closeness()  # of the connected component; NaN for an isolated node
        # networkx multiplies this value by the fraction of reachable nodes (Wasserman and Faust).
        closeness[i] *= (np.array(paths.neighborhood_size(order=n)) - 1) / max(n - 1, 1)
    return betweenness * 2 / max((n - 1) * (n - 2), 1), np.nan_to_num(closeness)
