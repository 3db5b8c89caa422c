"""Six features of each node that describe its place in the graph, on fixed scales."""

import numpy as np

FEATURES = (
    "degree_centrality",
    "betweenness_centrality",
    "eigenvector_centrality",
    "closeness_centrality",
    "adjacency_singular_vector",
    "laplacian_singular_vector",
)


def node_features(adjacency):
    """Computes six structural features of every node of undirected graphs.

    In order: degree, betweenness, eigenvector and closeness centrality, normalised as networkx
    does, on disconnected graphs too; the first left singular vector of the adjacency A and of
    the Laplacian D - A, of unit norm, the entry of largest magnitude positive. By the theorem of
    Perron and Frobenius the fifth equals the third unless a component that holds the largest
    eigenvalue is bipartite.

    Args:
        adjacency: (…, N, N) array of 0 and 1, symmetric with zero diagonal.

    Returns:
        (…, N, 6) float32, unitless, in [-1, 1].

    Raises:
        ValueError: if `adjacency` is not a stack of binary, symmetric, loop-free graphs.

    Example:
        >>> import numpy as np, stgkeras
        >>> path = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
        >>> stgkeras.datasets.node_features(path)[:, 0].tolist()
        [0.5, 1.0, 0.5]

    Source:
        networkx for the four centralities; igraph counts the paths. Departs from them where an
        eigenvalue is repeated: the vector is then the projection of a fixed one (all ones for
        the centrality, √1 … √N for the others), so that it does not depend on the solver.
    """
    from threadpoolctl import threadpool_limits

    adjacency = np.asarray(adjacency)
    if adjacency.ndim < 2 or adjacency.shape[-1] != adjacency.shape[-2]:
        raise ValueError(f"`adjacency` must be (…, N, N). Received: shape={adjacency.shape}")
    n = adjacency.shape[-1]
    graphs = adjacency.reshape(-1, n, n)
    loops = np.trace(graphs, axis1=1, axis2=2).any()
    if loops or ((graphs != 0) & (graphs != 1)).any() or (graphs != graphs.swapaxes(1, 2)).any():
        raise ValueError(
            "`adjacency` must be binary and symmetric with a zero diagonal. "
            "Received: a graph that is not; use `np.maximum(A, A.T) > 0` and clear the diagonal."
        )
    graphs = graphs.astype(np.float64)
    degree = graphs.sum(-1)  # (G, N)
    ruler = np.sqrt(np.arange(1.0, n + 1))
    with threadpool_limits(1):  # many small problems: threads of BLAS only wait for each other
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
    return np.stack(features, -1).reshape(*adjacency.shape[:-1], 6).astype(np.float32)


def _leading_vector(values, vectors, start):
    """Projects `start` on the eigenvectors of the largest value; (G, N), unit norm, signed."""
    top = values.max(-1, keepdims=True)
    weights = np.where(values >= top - 1e-9 * (1 + top), start @ vectors, 0)  # (G, N)
    leading = np.einsum("gnk,gk->gn", vectors, weights)
    leading /= np.linalg.norm(leading, axis=-1, keepdims=True)
    # Rounded, so that entries of equal magnitude do not compete by their rounding error.
    largest = np.argmax(np.round(np.abs(leading), 6), axis=-1)[:, None]
    return leading * np.sign(np.take_along_axis(leading, largest, -1))


def _path_centralities(graphs):
    """Returns betweenness and closeness, each (G, N), as networkx normalises them."""
    import igraph

    n = graphs.shape[-1]
    betweenness, closeness = np.zeros((2, len(graphs), n))
    for i, graph in enumerate(np.triu(graphs)):
        paths = igraph.Graph(n, np.argwhere(graph).tolist())
        betweenness[i] = paths.betweenness(directed=False)
        closeness[i] = paths.closeness()  # within the component, NaN for an isolated node
        # networkx scales by the share of nodes that can be reached (Wasserman and Faust).
        closeness[i] *= (np.array(paths.neighborhood_size(order=n)) - 1) / max(n - 1, 1)
    return betweenness * 2 / max((n - 1) * (n - 2), 1), np.nan_to_num(closeness)
