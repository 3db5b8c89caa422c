"""Graph Fourier bases, and graphs estimated from signals."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import scipy.sparse as sp

from stgkeras.graphs._checks import (
    as_dense,
    as_matrix,
    check_flag,
    check_number,
    check_symmetric,
    check_values,
)
from stgkeras.graphs.laplacian import laplacian
from stgkeras.types import Array


def fourier_basis(adjacency: Array) -> tuple[np.ndarray, np.ndarray]:
    """Computes the graph Fourier basis: the eigenvectors of the symmetric normalised Laplacian.

        L = Φ diag(λ) Φᵀ,   Φᵀ Φ = I

    For a signal x on the nodes, Φᵀ x is the graph Fourier transform, and Φ inverts it. The first
    d columns `[:, :d]` of Φ are the d lowest frequencies. The sign of an eigenvector is arbitrary.
    To make the basis repeatable, the entry of largest magnitude in each column is positive (the
    first such entry, if several are equal up to rounding).

    If an eigenvalue repeats, the basis of its eigenspace is arbitrary. A filter with one free
    multiplier per frequency then works only with the basis used in training. Therefore models
    save the basis with their weights.

    Args:
        adjacency: (nodes, nodes), dense or SciPy sparse, non-negative and symmetric.

    Returns:
        Two dense float64 arrays, unitless: the eigenvalues (nodes,) in [0, 2], ascending, and
        the eigenvectors (nodes, nodes), one per column. The run time grows with nodes³.

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
        section II. Departs from the papers: nowhere. Among the Laplacians of the papers, the
        function uses the symmetric normalised one.
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


def estimate_graph(
    signals: Array,
    bandwidth: str | float = "local",
    k: int = 7,
    num_neighbors: int | None = None,
    sparse: bool = False,
    *,
    standardize: bool = False,
    labels: Array | None = None,
    seed: int = 0,
) -> np.ndarray | sp.csr_array:
    """Estimates a graph from signals on its nodes: similar signals give large edge weights.

        A[i, j] = exp(-d(i, j) / σ²),   d(i, j) = ‖x_i - x_j‖²,   x_i the column of node i

        "global":  σ² = the mean of d over all pairs of nodes
        "local":   σ² = σ_i σ_j,   σ_i² = d(i, the k-th nearest other node of i)

    With `labels`, the estimate is supervised: a fully connected network of one hidden layer learns
    the labels from the standardised signals, and x_i is the weights of node i in its first layer.

    Two equal columns always have weight 1,
    also if σ² is 0. With "local", a node with k equal nodes has σ_i = 0, and therefore weight 0
    to every node that differs from it.

    Args:
        signals: (samples, nodes) numbers in one unit, dense or SciPy sparse.
        bandwidth: str or float. "local", "global", or a number > 0 for σ², in squared units of
            `signals`. Default "local".
        k: int from 1 to nodes - 1. Index of the neighbour that sets σ_i. Only "local" uses it.
            Default 7.
        num_neighbors: int from 1 to nodes - 1, or None. Number of strongest edges that each node
            keeps (the first ones on ties). An edge remains if either end keeps it. Default None:
            all edges remain.
        sparse: bool. Whether to return a `csr_array`. The computation still needs memory for
            nodes² numbers. Default False.
        standardize: bool. Whether to subtract the mean of each column and divide by its standard
            deviation, so that columns may have different units. A node with a constant column then
            has no edges. Default False.
        labels: (samples,) class of each sample, or None. Implies `standardize`. The network has 64
            hidden units and is trained by scikit-learn. Default None.
        seed: int ≥ 0. Seed of the initial weights of the network. Default 0.

    Returns:
        (nodes, nodes) float64 weights in [0, 1], symmetric with a zero diagonal, unitless.

    Raises:
        TypeError: if an argument is not numeric.
        ValueError: if `signals` is not a finite matrix of two or more nodes, `labels` has another
            length or fewer than two classes, or `bandwidth`, `k` or `num_neighbors` is out of
            range.

    Example:
        >>> estimate_graph([[0.0, 1.0, 3.0]], bandwidth="local", k=1).round(3)
        array([[0.   , 0.368, 0.011],
               [0.368, 0.   , 0.135],
               [0.011, 0.135, 0.   ]])

    Source:
        Henaff, Bruna and LeCun, 2015, arXiv:1506.05163, section 4; Zelnik-Manor and Perona, 2004
        (local bandwidth, with d for the distance instead of its square). Departs from the papers:
        `num_neighbors` is added.
    """
    check_flag("sparse", sparse)
    check_flag("standardize", standardize)
    columns = _checked_signals(signals)
    if standardize or labels is not None:
        varying, columns = _standardized(columns, getattr(signals, "dtype", np.float64))
        if labels is not None:
            columns = _weights_for(labels, columns, seed)
        links: Any = estimate_graph(columns, bandwidth, k, num_neighbors)
        adjacency = np.zeros(2 * (len(varying),))
        adjacency[np.ix_(varying, varying)] = links
        return sp.csr_array(adjacency) if sparse else adjacency
    from scipy.spatial.distance import pdist, squareform

    # The expansion ‖x‖² + ‖y‖² - 2 xᵀy would be faster, but small distances lose their digits.
    distances = squareform(pdist(columns.T, "sqeuclidean"))  # (N, N)
    variances = _variances(distances, bandwidth, k)
    # For σ² = 0, the exponent is 0 between equal columns and infinite between others.
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


def _checked_signals(signals):
    signals = as_dense("signals", signals)
    if signals.ndim != 2 or signals.shape[0] < 1 or signals.shape[1] < 2:
        raise ValueError(
            "`signals` must have shape (samples, nodes) with at least two nodes. "
            f"Received: signals.shape={signals.shape}. Pass one column per node."
        )
    check_values("signals", signals, allow_negative=True)
    return signals


def _standardized(columns, dtype):
    """Returns which columns vary, (nodes,) bool, and these columns with mean 0 and deviation 1."""
    columns = columns.astype(np.result_type(dtype, np.float32))
    deviation = columns.std(axis=0)
    varying = deviation > 0
    if varying.sum() < 2:
        raise ValueError(
            "`signals` must have at least two columns that vary. Received: "
            f"{varying.sum()} of {len(varying)} columns. Use other samples."
        )
    return varying, (columns - columns.mean(axis=0))[:, varying] / deviation[varying]


def _weights_for(labels, columns, seed):
    """Returns the first weights (units, nodes) of a network that learned labels from columns."""
    from sklearn.neural_network import MLPClassifier

    check_number("seed", seed, "at least 0", lambda value: value >= 0, numbers.Integral)
    classes = np.asarray(labels)
    if classes.shape != columns.shape[:1] or len(np.unique(classes)) < 2:
        raise ValueError(
            f"`labels` must have one class for each of the {len(columns)} samples, and two classes "
            f"at least. Received: labels of shape {classes.shape}, with {len(np.unique(classes))} "
            "classes. Pass the labels of the same samples."
        )
    network = MLPClassifier((64,), alpha=1.0, max_iter=1000, random_state=int(seed))
    return network.fit(columns, classes).coefs_[0].T


def _variances(distances, bandwidth, k):
    """Returns σ² of every pair of nodes, (nodes, nodes)."""
    num_nodes = len(distances)
    if not isinstance(bandwidth, str):
        condition = "finite and at least 1e-100"
        check_number("bandwidth", bandwidth, condition, lambda v: 1e-100 <= v < np.inf)
    elif bandwidth == "global":
        bandwidth = distances.sum() / (num_nodes * (num_nodes - 1))
    elif bandwidth == "local":
        _check_count("k", k, num_nodes)
        # Index 0 is the node itself, with distance 0; so index k is the k-th other node.
        scale = np.sqrt(np.partition(distances, k, axis=1)[:, k])  # (N,)
        return np.outer(scale, scale)
    else:
        raise ValueError(
            '`bandwidth` must be "local", "global" or a finite number above 0. '
            f"Received: bandwidth={bandwidth!r}"
        )
    return np.full(distances.shape, float(bandwidth))


def _check_count(name, value, num_nodes):
    most = num_nodes - 1
    condition = f"at least 1 and below the number of nodes, {num_nodes}"
    check_number(name, value, condition, lambda v: 1 <= v <= most, numbers.Integral)
