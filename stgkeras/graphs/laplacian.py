"""The graph operators that convolutions multiply by, from an adjacency matrix.

Dense matrices give `ndarray`, SciPy sparse ones `csr_array`; all is computed in float64.
"""

import numbers

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackError, eigsh

from stgkeras.graphs.adjacency import as_matrix, check_number

DENSE_LIMIT = 512  # up to this many nodes a dense eigensolver is quick


def laplacian(adjacency, normalization="sym"):
    """Compute the Laplacian of a graph, normalised unless told otherwise.

        sym:   L = I - D^-1/2 A D^-1/2
        rw:    L = I - D^-1 A
        None:  L = D - A

    D holds the row sums of A: the weight each node receives. Where it is 0, so are D^-1/2 and
    D^-1, and L_ii = 1 (for "sym" that also drops what such a node sends in a directed graph).
    The diagonal of A counts as given.

    Args:
        adjacency: (nodes, nodes), dense or SciPy sparse, non-negative.
        normalization: "sym", "rw" or None.

    Returns:
        (nodes, nodes) float64; unitless, or in the unit of `adjacency` for None.

    Raises:
        TypeError: if `adjacency` is not numeric.
        ValueError: if `adjacency` is not square, finite and non-negative, or `normalization` is
            none of the three.

    Example:
        >>> laplacian([[0, 1], [1, 0]])
        array([[ 1., -1.],
               [-1.,  1.]])

    Source:
        Bruna et al., 2014, arXiv:1312.6203, section 3; Defferrard et al., 2016, arXiv:1606.09375,
        section 2.1. Departs from the papers: "rw", directed graphs and isolated nodes are added.
    """
    adjacency = as_matrix("adjacency", adjacency)
    degree = adjacency.sum(axis=1)
    if normalization is None:
        return sp.diags_array(degree, format="csr") - adjacency
    scale = _inverse_sqrt(degree)
    # "rw" scales the rows twice by D^-1/2: D^-1 of a tiny degree would overflow.
    if normalization == "rw":
        received = scale @ (scale @ adjacency)
    elif normalization == "sym":
        received = scale @ adjacency @ scale
    else:
        raise ValueError(
            '`normalization` must be "sym", "rw" or None. '
            f"Received: normalization={normalization!r}"
        )
    return _identity(adjacency) - received


def scaled_laplacian(adjacency, normalization="sym", lambda_max=None):
    """Compute the Laplacian, rescaled so that its eigenvalues lie in [-1, 1].

        L̃ = 2 L / λ_max - I

    This is the finished operator of a Chebyshev graph convolution.

    Args:
        adjacency: (nodes, nodes), dense or SciPy sparse, non-negative.
        normalization: "sym", "rw" or None, as for `laplacian`.
        lambda_max: float > 0. None: the largest eigenvalue of L, which needs a symmetric
            `adjacency`. 2.0 bounds it for "sym" and "rw"; directed graphs need a number here.

    Returns:
        (nodes, nodes) float64, unitless.

    Raises:
        TypeError: if `adjacency` or `lambda_max` is not numeric.
        ValueError: as `laplacian`; if `lambda_max` is not finite and positive; if it is None and
            `adjacency` is asymmetric or L is 0, or the eigensolver fails.

    Example:
        >>> scaled_laplacian([[0, 1], [1, 0]], lambda_max=2.0)
        array([[ 0., -1.],
               [-1.,  0.]])

    Source:
        Defferrard et al., 2016, arXiv:1606.09375, section 2.1 ("Recursive formulation for fast
        filtering"). Departs from the paper: nowhere.
    """
    operator = laplacian(adjacency, normalization)
    if lambda_max is None:
        adjacency = as_matrix("adjacency", adjacency)
        check_symmetric(
            adjacency,
            condition=" if `lambda_max` is None",
            alternative=", or keep the graph directed with `lambda_max=2.0`",
        )
        # Only self loops: L is 0, up to the rounding of I - D^-1/2 A D^-1/2.
        unit = adjacency.max() if normalization is None else 1.0
        if abs(operator).max() <= 1e-12 * unit:
            raise ValueError(
                "`adjacency` must have an edge between two nodes if `lambda_max` is None. "
                "Received: a graph whose Laplacian is 0"
            )
        # L of "rw" is similar to that of "sym", which symmetric eigensolvers can take.
        symmetric = laplacian(adjacency) if normalization == "rw" else operator
        lambda_max = _largest_eigenvalue(symmetric)
    else:
        check_number("lambda_max", lambda_max, "finite and above 0", lambda v: 0 < v < np.inf)
    return operator * (2.0 / lambda_max) - _identity(operator)


def renormalized_adjacency(adjacency):
    """Compute the operator of a GCN layer: the normalised adjacency with self loops.

        Â = D̃^-1/2 Ã D̃^-1/2,   Ã = A + I where A has no self loop, D̃ the row sums of Ã

    Args:
        adjacency: (nodes, nodes), dense or SciPy sparse, non-negative. Self loops it already has
            keep their weight.

    Returns:
        (nodes, nodes) float64, unitless; eigenvalues in [-1, 1] if symmetric.

    Raises:
        TypeError: if `adjacency` is not numeric.
        ValueError: if `adjacency` is not square, finite and non-negative.

    Example:
        >>> renormalized_adjacency([[0, 1], [1, 0]]).round(3)
        array([[0.5, 0.5],
               [0.5, 0.5]])

    Source:
        Kipf and Welling, 2017 (GCN), arXiv:1609.02907, eq. 2. Departs from the paper: a node that
        has a self loop already gets no second one.
    """
    adjacency = as_matrix("adjacency", adjacency)
    missing = (adjacency.diagonal() == 0).astype(np.float64)
    adjacency = adjacency + sp.diags_array(missing, format="csr")
    scale = _inverse_sqrt(adjacency.sum(axis=1))
    return scale @ adjacency @ scale


def chebyshev_polynomials(operator, K):
    """Compute the first K Chebyshev polynomials of an operator.

        T_0 = I,   T_1 = L̃,   T_k = 2 L̃ T_{k-1} - T_{k-2}    (matrix products)

    Args:
        operator: (nodes, nodes), dense or SciPy sparse: a `scaled_laplacian`, eigenvalues in
            [-1, 1]. Nothing is normalised here.
        K: int ≥ 1. Number of terms.

    Returns:
        (K, nodes, nodes) dense float64, unitless.

    Raises:
        TypeError: if `operator` is not numeric or `K` not an integer.
        ValueError: if `operator` is not square and finite, or `K` < 1.

    Example:
        >>> chebyshev_polynomials([[0.0, -1.0], [-1.0, 0.0]], K=3)[2]
        array([[1., 0.],
               [0., 1.]])

    Source:
        Defferrard et al., 2016, arXiv:1606.09375, eq. 4 and the recursion below it. Departs from
        the paper: nowhere (the code released with ASTGCN multiplies elementwise by mistake).
    """
    operator = as_matrix("operator", operator, allow_negative=True)
    check_number("K", K, "at least 1", lambda value: value >= 1, numbers.Integral)
    num_nodes = operator.shape[0]
    terms = np.empty((K, num_nodes, num_nodes))
    terms[0] = np.eye(num_nodes)
    if K > 1:
        terms[1] = operator @ terms[0]
    for k in range(2, K):
        terms[k] = 2.0 * (operator @ terms[k - 1]) - terms[k - 2]
    return terms


def check_symmetric(adjacency, condition="", alternative=""):
    """Raise unless a checked matrix equals its transpose; say when it must, and what else helps."""
    # Float32 inputs may differ from their transpose by rounding.
    difference = abs(adjacency - adjacency.T).max()
    if difference > 1e-6 * adjacency.max():
        symmetrize = "A.maximum(A.T)" if sp.issparse(adjacency) else "np.maximum(A, A.T)"
        raise ValueError(
            f"`adjacency` must be symmetric{condition}. Received: entries that differ from the "
            f"transpose by up to {difference:.3g}. Pass `{symmetrize}`{alternative}."
        )


def _identity(like):
    return sp.eye_array(like.shape[0], format="csr")


def _inverse_sqrt(degree):
    """The diagonal matrix D^-1/2, 0 where the degree is; its products keep dense matrices dense."""
    scale = np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    return sp.diags_array(scale, format="csr")


def _largest_eigenvalue(operator):
    num_nodes = operator.shape[0]
    if num_nodes <= DENSE_LIMIT:
        dense = operator.toarray() if sp.issparse(operator) else operator
        return np.linalg.eigvalsh(dense)[-1]
    # A fixed start makes the result repeatable; a constant one can be an eigenvector already.
    start = np.random.default_rng(0).standard_normal(num_nodes)
    try:
        options = {"which": "LA", "v0": start, "ncv": 64, "maxiter": 1000}
        return eigsh(operator, k=1, return_eigenvectors=False, **options)[0]
    except ArpackError as error:
        raise ValueError(
            "`lambda_max` must be given for this graph, as the eigensolver found no largest "
            f"eigenvalue. Received: lambda_max=None, {num_nodes} nodes. Pass `lambda_max=2.0`, an "
            'upper bound for "sym" and "rw".'
        ) from error
