"""The Fourier basis of a graph, and graphs estimated from signals for it to be taken of."""

import numbers

import numpy as np
import scipy.sparse as sp
from scipy.spatial.distance import pdist, squareform

from stgkeras.graphs.adjacency import as_matrix, as_real, check_number, check_values
from stgkeras.graphs.laplacian import check_symmetric, laplacian


def fourier_basis(adjacency):
    """Compute the eigenvalues and eigenvectors of the symmetric normalised Laplacian.

        L = Φ diag(λ) Φᵀ,   Φᵀ Φ = I

    Φᵀ x is the Fourier transform of a signal x on the nodes, Φ its inverse. The first d columns
    `[:, :d]` are the d lowest frequencies. Each column's entry of largest magnitude is positive
    (the first of those that rounding cannot tell apart), so the basis is repeatable.

    Where an eigenvalue repeats, the basis of its eigenspace is arbitrary: a filter with a free
    multiplier per frequency depends on the one it was trained with. So models keep the basis in
    their weights.

    Args:
        adjacency: (nodes, nodes), dense or SciPy sparse, non-negative and symmetric.

    Returns:
        Eigenvalues (nodes,) in [0, 2], ascending, and eigenvectors (nodes, nodes), one a column;
        float64, unitless, dense for sparse input too. Takes nodes³ time.

    Raises:
        TypeError: if `adjacency` is not numeric.
        ValueError: if `adjacency` is not square, finite, non-negative and symmetric.

    Example:
        >>> eigenvalues, eigenvectors = fourier_basis([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
        >>> eigenvalues.round(3)
        array([0., 1., 2.])
        >>> eigenvectors[:, :1].round(3)
        array([[0.5  ],
               [0.707],
               [0.5  ]])

    Source:
        Bruna et al., 2014, arXiv:1312.6203, section 3; Shuman et al., 2013, arXiv:1211.0053,
        section II. Departs from the papers: nowhere; of the Laplacians they offer it takes the
        symmetric normalised one.
    """
    adjacency = as_matrix("adjacency", adjacency)
    check_symmetric(adjacency)
    operator = laplacian(adjacency)
    operator = operator.toarray() if sp.issparse(operator) else operator
    eigenvalues, eigenvectors = np.linalg.eigh(operator)
    magnitudes = np.abs(eigenvectors)
    largest = (magnitudes >= (1 - 1e-6) * magnitudes.max(axis=0)).argmax(axis=0)  # (N,)
    signs = np.sign(eigenvectors[largest, np.arange(len(largest))])
    return np.clip(eigenvalues, 0.0, 2.0), eigenvectors * signs


def estimate_graph(signals, bandwidth="local", k=7, num_neighbors=None, sparse=False):
    """Estimate a graph from signals on its nodes: nodes that vary alike are linked.

        A[i, j] = exp(-d(i, j) / σ²),   d(i, j) = ‖x_i - x_j‖²,   x_i the column of node i

        "global":  σ² = the mean of d over all pairs of nodes
        "local":   σ² = σ_i σ_j,   σ_i² = d(i, the k-th nearest other node of i)

    No labels are used. Henaff's supervised estimate is the same function of what a fully connected
    network learned from labels: `estimate_graph(kernel.T)` with the (nodes, units) kernel of its
    first layer, such as `sklearn.neural_network.MLPClassifier(...).fit(x, y).coefs_[0].T`.

    Standardise the columns first if their units differ. Columns of equal values have weight 1,
    constant ones too, even where σ² is 0; a node with k equals has weight 0 to all others.

    Args:
        signals: (samples, nodes), in one unit.
        bandwidth: "local", "global", or σ² itself as a float > 0, in squared units of `signals`.
        k: int from 1 to nodes - 1. Which neighbour sets the local bandwidth; read for "local" only.
        num_neighbors: int from 1 to nodes - 1. A node keeps this many strongest links (the first
            of equal ones), and those that the other end keeps. None: all links are kept.
        sparse: bool. Return a `csr_array`. Memory is nodes² all the same.

    Returns:
        (nodes, nodes) float64 weights in [0, 1], symmetric with a zero diagonal, unitless.

    Raises:
        TypeError: if an argument is not numeric.
        ValueError: if `signals` is not a finite matrix of two or more nodes, or if `bandwidth`,
            `k` or `num_neighbors` is out of range.

    Example:
        >>> estimate_graph([[0.0, 1.0, 3.0]], bandwidth="local", k=1).round(3)
        array([[0.   , 0.368, 0.011],
               [0.368, 0.   , 0.135],
               [0.011, 0.135, 0.   ]])

    Source:
        Henaff, Bruna and LeCun, 2015, arXiv:1506.05163, section 4; Zelnik-Manor and Perona, 2004
        (local bandwidth: their d is the distance, not its square, and so is σ_i). Departs from
        the papers: `num_neighbors` is added.
    """
    signals = as_real("signals", signals.toarray() if sp.issparse(signals) else signals)
    if signals.ndim != 2 or signals.shape[0] < 1 or signals.shape[1] < 2:
        raise ValueError(
            "`signals` must have shape (samples, nodes) with at least two nodes. "
            f"Received: shape={signals.shape}"
        )
    check_values("signals", signals, allow_negative=True)
    # The expansion ‖x‖² + ‖y‖² - 2 xᵀy would be quicker, but loses the digits of small distances.
    distances = squareform(pdist(signals.T, "sqeuclidean"))  # (N, N)
    variances = _variances(distances, bandwidth, k)
    # 0 / 0 between equal columns is 0, other divisions by 0 are infinite.
    exponents = np.where(distances > 0, np.inf, 0.0)
    np.divide(distances, variances, out=exponents, where=variances > 0)
    adjacency = np.exp(-exponents)
    np.fill_diagonal(adjacency, 0.0)
    if num_neighbors is not None:
        _check_count("num_neighbors", num_neighbors, len(distances))
        strongest = np.argsort(-adjacency, axis=1, kind="stable")[:, :num_neighbors]
        keep = np.zeros(adjacency.shape, dtype=bool)
        np.put_along_axis(keep, strongest, True, axis=1)
        adjacency[~(keep | keep.T)] = 0.0
    return sp.csr_array(adjacency) if sparse else adjacency


def _variances(distances, bandwidth, k):
    """σ² of every pair, (nodes, nodes)."""
    num_nodes = len(distances)
    if not isinstance(bandwidth, str):
        check_number("bandwidth", bandwidth, "finite and above 0", lambda v: 0 < v < np.inf)
    elif bandwidth == "global":
        bandwidth = distances.sum() / (num_nodes * (num_nodes - 1))
    elif bandwidth == "local":
        _check_count("k", k, num_nodes)
        # The nearest of all, with distance 0, is the node itself.
        scale = np.sqrt(np.partition(distances, k, axis=1)[:, k])  # (N,)
        return np.outer(scale, scale)
    else:
        raise ValueError(
            '`bandwidth` must be "local", "global" or a number above 0. '
            f"Received: bandwidth={bandwidth!r}"
        )
    return np.full(distances.shape, float(bandwidth))


def _check_count(name, value, num_nodes):
    most = num_nodes - 1
    condition = f"from 1 to {most}, as there are {num_nodes} nodes"
    check_number(name, value, condition, lambda v: 1 <= v <= most, numbers.Integral)
