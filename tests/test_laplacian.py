"""Laplacians and polynomials against hand computation, SciPy's csgraph, networkx and spectra."""

import importlib

import hypothesis.strategies as st
import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from graph_cases import (
    DIRECTED,
    ISOLATED,
    LOOP,
    PATH,
    STAR,
    R,
    adjacencies,
    every_operator,
    every_sparse,
    quick,
)
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse.csgraph import laplacian as csgraph_laplacian
from scipy.sparse.linalg import ArpackNoConvergence

from stgkeras.graphs import (
    chebyshev_polynomials,
    from_networkx,
    knn_graph,
    laplacian,
    renormalized_adjacency,
    scaled_laplacian,
)

# Laplacians


@pytest.mark.parametrize(
    "adjacency, normalization, expected",
    [
        (PATH, "sym", [[1, -R, 0], [-R, 1, -R], [0, -R, 1]]),
        (PATH, "rw", [[1, -1, 0], [-0.5, 1, -0.5], [0, -1, 1]]),
        (PATH, None, [[1, -1, 0], [-1, 2, -1], [0, -1, 1]]),
        (STAR, "rw", [[1, -1 / 3, -1 / 3, -1 / 3], [-1, 1, 0, 0], [-1, 0, 1, 0], [-1, 0, 0, 1]]),
        (ISOLATED, "sym", [[1, -1, 0], [-1, 1, 0], [0, 0, 1]]),
        (ISOLATED, "rw", [[1, -1, 0], [-1, 1, 0], [0, 0, 1]]),
        (ISOLATED, None, [[2, -2, 0], [-2, 2, 0], [0, 0, 0]]),
        (DIRECTED, "sym", [[1, -3 / np.sqrt(8), 0], [0, 1, 0], [0, 0, 1]]),
        (DIRECTED, "rw", [[1, -0.75, -0.25], [0, 1, -1], [0, 0, 1]]),
        (DIRECTED, None, [[4, -3, -1], [0, 2, -2], [0, 0, 0]]),
        (LOOP, "sym", [[2 / 3, -1 / np.sqrt(1.5)], [-1 / np.sqrt(1.5), 1]]),
        (np.array([[0.0]]), "sym", [[1]]),
    ],
)
def test_laplacian_of_small_graphs(adjacency, normalization, expected):
    assert_allclose(laplacian(adjacency, normalization), expected, atol=1e-15)


@quick
@given(adjacencies(symmetric=True, self_loops=False))
def test_laplacian_matches_csgraph(adjacency):
    assert_allclose(laplacian(adjacency, None), csgraph_laplacian(adjacency), atol=1e-9)
    isolated = np.diag((adjacency.sum(axis=1) == 0).astype(float))  # csgraph puts 0 there
    expected = csgraph_laplacian(adjacency, normed=True) + isolated
    assert_allclose(laplacian(adjacency), expected, atol=1e-12)


def test_laplacian_matches_networkx():
    graph = nx.les_miserables_graph()
    expected = nx.normalized_laplacian_matrix(graph).toarray()
    assert_allclose(laplacian(from_networkx(graph)), expected, atol=1e-12)
    directed = nx.gn_graph(20, seed=1).reverse()
    received = laplacian(from_networkx(directed), None)
    assert_array_equal(np.diag(received), [d for _, d in directed.in_degree()])


@quick
@given(adjacencies(symmetric=True))
def test_normalized_laplacian_is_symmetric_with_spectrum_from_0_to_2(adjacency):
    operator = laplacian(adjacency)
    assert_allclose(operator, operator.T, atol=1e-12)
    eigenvalues = np.linalg.eigvalsh(operator)
    assert eigenvalues.min() > -1e-9
    assert eigenvalues.max() < 2 + 1e-9
    random_walk = np.sort(np.linalg.eigvals(laplacian(adjacency, "rw")).real)
    assert_allclose(random_walk, eigenvalues, atol=1e-6)


@quick
@given(adjacencies())
def test_rows_of_unnormalised_and_random_walk_laplacians_sum_to_zero(adjacency):
    assert_allclose(laplacian(adjacency, None).sum(axis=1), 0, atol=1e-9)
    receives = adjacency.sum(axis=1) > 0
    assert_allclose(laplacian(adjacency, "rw").sum(axis=1), ~receives, atol=1e-12)


def test_rows_with_tiny_weights_do_not_overflow():
    expected = laplacian(PATH, "rw")
    assert_allclose(laplacian(PATH * 1e-310, "rw"), expected, rtol=1e-9)
    assert_allclose(laplacian(PATH * 1e-310), laplacian(PATH), rtol=1e-9)


# Scaled Laplacians


@pytest.mark.parametrize(
    "adjacency, normalization, largest",
    [
        (PATH, "sym", 2.0),  # bipartite
        (STAR, "rw", 2.0),
        (PATH, None, 3.0),  # 2 - 2 cos(2π/3)
        (STAR, None, 4.0),
        (np.ones((4, 4)) - np.eye(4), "sym", 4 / 3),  # complete graph: N / (N - 1)
        (np.zeros((3, 3)), "sym", 1.0),
        (np.zeros((1, 1)), "rw", 1.0),
    ],
)
def test_exact_largest_eigenvalue(adjacency, normalization, largest):
    expected = 2 * laplacian(adjacency, normalization) / largest - np.eye(len(adjacency))
    assert_allclose(scaled_laplacian(adjacency, normalization), expected, atol=1e-12)


@quick
@given(adjacencies(symmetric=True))
def test_scaled_spectrum_lies_in_minus_1_to_1_and_reaches_1(adjacency):
    for normalization in ("sym", None):
        if np.abs(laplacian(adjacency, normalization)).max() < 1e-9:  # only self loops
            continue
        eigenvalues = np.linalg.eigvalsh(scaled_laplacian(adjacency, normalization))
        assert eigenvalues.min() > -1 - 1e-9
        assert eigenvalues.max() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("normalization", ["sym", "rw", None])
def test_large_graphs_use_the_sparse_solver_to_the_same_end(normalization):
    points = np.random.default_rng(3).random((600, 2))
    adjacency = knn_graph(points, k=4)
    adjacency = np.maximum(adjacency, adjacency.T)
    symmetric = laplacian(adjacency, "sym" if normalization == "rw" else normalization)
    largest = np.linalg.eigvalsh(symmetric)[-1]
    expected = scaled_laplacian(adjacency, normalization, lambda_max=largest)
    assert_allclose(scaled_laplacian(adjacency, normalization), expected, atol=1e-9)
    result = scaled_laplacian(sp.csr_array(adjacency), normalization)
    assert_allclose(result.toarray(), expected, atol=1e-9)
    again = scaled_laplacian(sp.csr_array(adjacency), normalization)
    assert_array_equal(result.data, again.data)


def test_large_graph_without_edges():
    result = scaled_laplacian(sp.csr_array((600, 600)))
    assert_allclose(result.toarray(), np.eye(600), atol=1e-9)


def test_eigensolver_failure_asks_for_lambda_max(monkeypatch):
    def fail(*args, **kwargs):
        raise ArpackNoConvergence("no convergence", np.empty(0), np.empty((0, 0)))

    # `graphs.laplacian` is the function, so the module of that name is asked for by import.
    monkeypatch.setattr(importlib.import_module("stgkeras.graphs.laplacian"), "eigsh", fail)
    with pytest.raises(ValueError, match=r"`lambda_max` must be given .*Pass `lambda_max=2.0`"):
        scaled_laplacian(sp.eye_array(600, k=1) + sp.eye_array(600, k=-1))


def test_float32_rounding_counts_as_symmetric_and_more_does_not():
    rounded = STAR.copy()
    rounded[0, 1] += 1e-7
    assert_allclose(scaled_laplacian(rounded), scaled_laplacian(STAR), atol=1e-6)
    rounded[0, 1] += 1e-4
    with pytest.raises(ValueError, match="must be symmetric"):
        scaled_laplacian(rounded)


def test_directed_graph_with_lambda_max():
    expected = [[0, -0.75, -0.25], [0, 0, -1], [0, 0, 0]]
    assert_allclose(scaled_laplacian(DIRECTED, "rw", lambda_max=2.0), expected, atol=1e-15)


# Renormalised adjacency


@pytest.mark.parametrize(
    "adjacency, expected",
    [
        (PATH, [[1 / 2, 6**-0.5, 0], [6**-0.5, 1 / 3, 6**-0.5], [0, 6**-0.5, 1 / 2]]),
        (ISOLATED, [[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0], [0, 0, 1]]),
        (LOOP, [[1 / 3, 3**-0.5], [3**-0.5, 1 / 2]]),  # its self loop stays 0.5
        (DIRECTED, [[1 / 5, 3 / 15**0.5, 1 / 5**0.5], [0, 1 / 3, 2 / 3**0.5], [0, 0, 1]]),
    ],
)
def test_renormalized_adjacency_of_small_graphs(adjacency, expected):
    assert_allclose(renormalized_adjacency(adjacency), expected, atol=1e-15)


@quick
@given(adjacencies(symmetric=True))
def test_renormalized_spectrum_lies_in_minus_1_to_1_and_reaches_1(adjacency):
    eigenvalues = np.linalg.eigvalsh(renormalized_adjacency(adjacency))
    assert eigenvalues.min() > -1 - 1e-9
    assert eigenvalues.max() == pytest.approx(1, abs=1e-9)


# What all operators share


@every_operator
@quick
@given(adjacency=adjacencies())
def test_sparse_equals_dense(operator, adjacency):
    result = operator(sp.csr_array(adjacency))
    assert_allclose(result.toarray(), operator(adjacency), atol=1e-12)


@every_operator
@every_sparse
def test_every_sparse_format_gives_csr(operator, to_sparse):
    result = operator(to_sparse(DIRECTED))
    assert sp.issparse(result)
    assert result.format == "csr"
    assert result.dtype == np.float64
    assert_allclose(result.toarray(), operator(DIRECTED), atol=1e-12)


@every_operator
@quick
@given(adjacency=adjacencies(), seed=st.integers(0, 1000))
def test_permuting_the_nodes_permutes_the_operator(operator, adjacency, seed):
    order = np.random.default_rng(seed).permutation(len(adjacency))
    permuted = operator(adjacency[np.ix_(order, order)])
    assert_allclose(permuted, operator(adjacency)[np.ix_(order, order)], atol=1e-12)


@quick
@given(adjacencies(symmetric=True, self_loops=False), st.integers(0, 1000))
def test_permuting_the_nodes_permutes_the_scaled_laplacian(adjacency, seed):
    order = np.random.default_rng(seed).permutation(len(adjacency))
    permuted = scaled_laplacian(adjacency[np.ix_(order, order)])
    assert_allclose(permuted, scaled_laplacian(adjacency)[np.ix_(order, order)], atol=1e-9)


@every_operator
def test_inputs_are_not_modified(operator):
    dense = DIRECTED.copy()
    operator(dense)
    assert_array_equal(dense, DIRECTED)
    # Neither canonical nor sorted: duplicates that a careless in-place clean-up would merge.
    parts = np.array([1.0, 3.0, 1.0]), np.array([2, 1, 2]), np.array([0, 2, 3, 3])
    rough = sp.csr_array(tuple(part.copy() for part in parts), shape=(3, 3))
    operator(rough)
    assert_array_equal(rough.data, parts[0])
    assert_array_equal(rough.indices, parts[1])
    assert_array_equal(rough.indptr, parts[2])


@every_operator
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, bool])
def test_any_real_dtype_is_computed_in_float64(operator, dtype):
    result = operator(STAR.astype(dtype))
    assert type(result) is np.ndarray
    assert result.dtype == np.float64
    assert_array_equal(result, operator(STAR))


# Chebyshev polynomials


@quick
@given(adjacencies(symmetric=True, self_loops=False), st.integers(1, 6))
def test_chebyshev_polynomials_act_on_eigenvalues_as_cosines(adjacency, K):
    operator = scaled_laplacian(adjacency)
    eigenvalues, vectors = np.linalg.eigh((operator + operator.T) / 2)
    angles = np.arccos(np.clip(eigenvalues, -1, 1))
    terms = chebyshev_polynomials(operator, K)
    assert terms.shape == (K, *adjacency.shape)
    for k in range(K):
        expected = vectors @ np.diag(np.cos(k * angles)) @ vectors.T
        assert_allclose(terms[k], expected, atol=1e-6)


def test_chebyshev_polynomials_of_a_diagonal_match_numpy():
    diagonal = np.linspace(-1, 1, 7)
    terms = chebyshev_polynomials(np.diag(diagonal), 5)
    for k in range(5):
        series = np.polynomial.chebyshev.Chebyshev.basis(k)
        assert_allclose(terms[k], np.diag(series(diagonal)), atol=1e-14)


@every_sparse
def test_chebyshev_polynomials_are_dense_for_sparse_operators(to_sparse):
    operator = scaled_laplacian(DIRECTED, lambda_max=2.0)
    terms = chebyshev_polynomials(to_sparse(operator), np.int64(4))
    assert type(terms) is np.ndarray
    assert_allclose(terms, chebyshev_polynomials(operator, 4), atol=1e-15)
