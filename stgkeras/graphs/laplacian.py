"""Graph operators of convolution layers, computed from an adjacency matrix.

All functions compute in float64. A dense matrix gives an `ndarray` and a SciPy sparse matrix a
`csr_array`, except that `chebyshev_polynomials` always gives an `ndarray`.
"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackError, eigsh

from stgkeras.graphs._checks import as_matrix, check_choice, check_number, check_symmetric
from stgkeras.types import Array

DENSE_LIMIT = 512  # nodes; a dense eigensolver is fast up to this size


def laplacian(adjacency: Array, normalization: str | None = "sym") -> np.ndarray | sp.csr_array:
    """Computes the Laplacian of a graph, by default the symmetric normalised Laplacian.

        sym:   L = I - D^-1/2 A D^-1/2
        rw:    L = I - D^-1 A
        None:  L = D - A

    D is the diagonal matrix of the degrees. The degree of a node is its row sum in A, which is the
    sum of the weights of its incoming edges. For a node of degree 0, the entries of D^-1/2 and
    D^-1 are set to 0. Then L_ii = 1 for "sym" and "rw". In a directed graph, a node of degree 0
    can have outgoing edges; "sym" removes these edges. Self loops in A keep their weight.

    Args:
        adjacency: (nodes, nodes), dense or SciPy sparse, non-negative.
        normalization: str or None. "sym" for the symmetric, "rw" for the random-walk and None
            for the unnormalised Laplacian. Default "sym".

    Returns:
        (nodes, nodes) float64; unitless, or in the unit of `adjacency` for None.

    Raises:
        TypeError: if `adjacency` is not numeric.
        ValueError: if `adjacency` is not square, finite and non-negative, or `normalization` is
            not one of the three choices.

    Example:
        >>> laplacian([[0, 1], [1, 0]])
        array([[ 1., -1.],
               [-1.,  1.]])

    Source:
        Bruna et al., 2014, arXiv:1312.6203, section 3; Defferrard et al., 2016, arXiv:1606.09375,
        section 2.1. Departs from the papers: "rw", directed graphs and isolated nodes are added.
    """
    matrix = as_matrix("adjacency", adjacency)
    check_choice("normalization", normalization, ("sym", "rw", None))
    degree = matrix.sum(axis=1)
    if normalization is None:
        return sp.diags_array(degree, format="csr") - matrix
    scale = _inverse_sqrt(degree)
    # "rw" multiplies by D^-1/2 twice, because D^-1 of a tiny degree overflows.
    if normalization == "rw":
        received = scale @ (scale @ matrix)
    else:
        received = scale @ matrix @ scale
    return _identity(matrix) - received


def scaled_laplacian(
    adjacency: Array, normalization: str | None = "sym", lambda_max: float | None = None
) -> np.ndarray | sp.csr_array:
    """Computes the scaled Laplacian, with eigenvalues in [-1, 1].

        L̃ = 2 L / λ_max - I

    Chebyshev graph convolutions use this operator.

    Args:
        adjacency: (nodes, nodes), dense or SciPy sparse, non-negative.
        normalization: str or None. "sym", "rw" or None, as in `laplacian`. Default "sym".
        lambda_max: float > 0 or None. Value of λ_max. With None, the function computes the
            largest eigenvalue of L, and `adjacency` must be symmetric. A directed graph needs a
            number; 2.0 is an upper bound for "sym" and "rw". Default None.

    Returns:
        (nodes, nodes) float64, unitless.

    Raises:
        TypeError: if `adjacency` or `lambda_max` is not numeric.
        ValueError: in the cases of `laplacian`; if `lambda_max` is not finite and positive; or if
            `lambda_max` is None and `adjacency` is asymmetric, L is 0 or the eigensolver fails.

    Example:
        >>> scaled_laplacian([[0, 1], [1, 0]], lambda_max=2.0)
        array([[ 0., -1.],
               [-1.,  0.]])

    Source:
        Defferrard et al., 2016, arXiv:1606.09375, section 2.1 ("Recursive formulation for fast
        filtering"). Departs from the paper: nowhere.
    """
    operator: Any = laplacian(adjacency, normalization)
    if lambda_max is None:
        matrix = as_matrix("adjacency", adjacency)
        check_symmetric(
            matrix,
            condition=" if `lambda_max` is None",
            alternative=", or keep the graph directed with `lambda_max=2.0`",
        )
        # A graph with only self loops has L = 0, up to the rounding of I - D^-1/2 A D^-1/2.
        unit = matrix.max() if normalization is None else 1.0
        if abs(operator).max() <= 1e-12 * unit:
            raise ValueError(
                "`adjacency` must have an edge between two nodes if `lambda_max` is None. "
                "Received: adjacency with a Laplacian of 0. Add an edge, or pass `lambda_max=2.0`."
            )
        # The "rw" and "sym" Laplacians have the same eigenvalues. The eigensolver needs a
        # symmetric matrix, which "rw" is not.
        symmetric = laplacian(matrix) if normalization == "rw" else operator
        lambda_max = _largest_eigenvalue(symmetric)
    else:
        condition = "finite and at least 1e-100"
        check_number("lambda_max", lambda_max, condition, lambda v: 1e-100 <= v < np.inf)
    return operator * (2.0 / lambda_max) - _identity(operator)


def renormalized_adjacency(adjacency: Array) -> np.ndarray | sp.csr_array:
    """Computes the normalised adjacency matrix with self loops, the operator of a GCN layer.

        Â = D̃^-1/2 Ã D̃^-1/2,   Ã = A + I where A has no self loop, D̃ the row sums of Ã

    Args:
        adjacency: (nodes, nodes), dense or SciPy sparse, non-negative. Existing self loops keep
            their weight.

    Returns:
        (nodes, nodes) float64, unitless. If `adjacency` is symmetric, the eigenvalues of the
        result lie in [-1, 1].

    Raises:
        TypeError: if `adjacency` is not numeric.
        ValueError: if `adjacency` is not square, finite and non-negative.

    Example:
        >>> renormalized_adjacency([[0, 1], [1, 0]]).round(3)
        array([[0.5, 0.5],
               [0.5, 0.5]])

    Source:
        Kipf and Welling, 2017 (GCN), arXiv:1609.02907, eq. 2. Departs from the paper: a node with
        a self loop does not get a second self loop.
    """
    matrix = as_matrix("adjacency", adjacency)
    missing = (matrix.diagonal() == 0).astype(np.float64)
    with_loops = matrix + sp.diags_array(missing, format="csr")
    scale = _inverse_sqrt(with_loops.sum(axis=1))
    return scale @ with_loops @ scale


def random_walk(adjacency: Array) -> np.ndarray | sp.csr_array:
    """Computes the transition matrix of a random walk, an operator of a diffusion convolution.

        P = D^-1 A

    D is the diagonal matrix of the row sums of A. A row of P sums to 1: a node takes the weighted
    mean of the nodes from which it receives. A node that receives from none has a row of zeros. In
    a directed graph, `random_walk(adjacency.T)` walks against the edges.

    Args:
        adjacency: (nodes, nodes), dense or SciPy sparse, non-negative.

    Returns:
        (nodes, nodes) float64, unitless.

    Raises:
        TypeError: if `adjacency` is not numeric.
        ValueError: if `adjacency` is not square, finite and non-negative.

    Example:
        >>> random_walk([[0, 1, 3], [0, 0, 2], [0, 0, 0]])
        array([[0.  , 0.25, 0.75],
               [0.  , 0.  , 1.  ],
               [0.  , 0.  , 0.  ]])

    Source:
        Li et al., 2018, arXiv:1707.01926, section 2.2. Departs from the paper: rows are those of
        the node that receives, because entry [n, m] is the edge from m to n.
    """
    matrix = as_matrix("adjacency", adjacency)
    scale = _inverse_sqrt(matrix.sum(axis=1))
    return scale @ (scale @ matrix)  # twice, because D^-1 of a tiny degree overflows


def chebyshev_polynomials(operator: Array, K: int) -> np.ndarray:
    """Computes the first K Chebyshev polynomials of an operator.

        T_0 = I,   T_1 = L̃,   T_k = 2 L̃ T_{k-1} - T_{k-2}    (matrix products)

    Args:
        operator: (nodes, nodes), dense or SciPy sparse. Usually a `scaled_laplacian`, with
            eigenvalues in [-1, 1]. The function does not normalise it.
        K: int ≥ 1. Number of polynomials, T_0 to T_{K-1}.

    Returns:
        (K, nodes, nodes) dense float64, unitless.

    Raises:
        TypeError: if `operator` is not numeric or `K` is not an integer.
        ValueError: if `operator` is not square and finite, or `K` < 1.

    Example:
        >>> chebyshev_polynomials([[0.0, -1.0], [-1.0, 0.0]], K=3)[2]
        array([[1., 0.],
               [0., 1.]])

    Source:
        Defferrard et al., 2016, arXiv:1606.09375, eq. 4 and the recursion below it. Departs from
        the paper: nowhere. (The published code of ASTGCN uses elementwise products by mistake.)
    """
    matrix = as_matrix("operator", operator, allow_negative=True)
    condition = "at least 1 and below 2**31"
    check_number("K", K, condition, lambda value: 1 <= value < 2**31, numbers.Integral)
    num_nodes = matrix.shape[0]
    terms = np.empty((K, num_nodes, num_nodes))
    terms[0] = np.eye(num_nodes)
    if K > 1:
        terms[1] = matrix @ terms[0]
    with np.errstate(over="ignore", invalid="ignore"):
        for k in range(2, K):
            terms[k] = 2.0 * (matrix @ terms[k - 1]) - terms[k - 2]
    if not np.isfinite(terms[-1]).all():
        raise ValueError(
            "`operator` must have eigenvalues near [-1, 1]. Received: operator with the entry "
            f"{abs(matrix).max():g}, from which the polynomials overflow. Pass the result of "
            "`scaled_laplacian`."
        )
    return terms


def _identity(like):
    return sp.eye_array(like.shape[0], format="csr")


def _inverse_sqrt(degree):
    """Returns D^-1/2 as a sparse diagonal matrix; a degree of 0 gives an entry of 0."""
    scale = np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    return sp.diags_array(scale, format="csr")


def _largest_eigenvalue(operator):
    num_nodes = operator.shape[0]
    if num_nodes <= DENSE_LIMIT:
        dense = operator.toarray() if sp.issparse(operator) else operator
        return np.linalg.eigvalsh(dense)[-1]
    # The fixed seed makes the result repeatable. The vector is random, because a constant vector
    # may already be an eigenvector, from which the solver finds no other one.
    start = np.random.default_rng(0).standard_normal(num_nodes)
    try:
        options = {"which": "LA", "v0": start, "ncv": 64, "maxiter": 1000}
        return eigsh(operator, k=1, return_eigenvectors=False, **options)[0]
    except ArpackError as error:
        raise ValueError(
            "`lambda_max` must be given for this graph, because the eigensolver failed. "
            f"Received: lambda_max=None and a graph of {num_nodes} nodes. Pass `lambda_max=2.0`, "
            'which is an upper bound for "sym" and "rw".'
        ) from error
