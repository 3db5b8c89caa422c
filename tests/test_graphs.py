"""Graph operators against hand computation, SciPy's csgraph, networkx and measured road graphs."""

import importlib
import os
import warnings
from pathlib import Path

import hypothesis.strategies as st
import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse.csgraph import connected_components
from scipy.sparse.csgraph import laplacian as csgraph_laplacian
from scipy.sparse.linalg import ArpackNoConvergence
from scipy.spatial.distance import cdist

from stgkeras import graphs
from stgkeras.graphs import (
    chebyshev_polynomials,
    from_edges,
    from_networkx,
    gaussian_kernel,
    knn_graph,
    laplacian,
    renormalized_adjacency,
    scaled_laplacian,
)

PATH = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=float)
STAR = np.array([[0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]], dtype=float)
ISOLATED = np.array([[0, 2, 0], [2, 0, 0], [0, 0, 0]], dtype=float)  # node 2 has no edge
DIRECTED = np.array([[0, 3, 1], [0, 0, 2], [0, 0, 0]], dtype=float)  # node 2 receives nothing
LOOP = np.array([[0.5, 1], [1, 0]])  # node 0 has a self loop
R = np.sqrt(0.5)

OPERATORS = {
    "laplacian-sym": laplacian,
    "laplacian-rw": lambda a: laplacian(a, normalization="rw"),
    "laplacian-none": lambda a: laplacian(a, normalization=None),
    "scaled-sym": lambda a: scaled_laplacian(a, lambda_max=2.0),
    "scaled-rw": lambda a: scaled_laplacian(a, normalization="rw", lambda_max=1.7),
    "scaled-none": lambda a: scaled_laplacian(a, normalization=None, lambda_max=9.0),
    "renormalized": renormalized_adjacency,
}
SPARSE = {
    **{form: lambda a, form=form: sp.csr_array(a).asformat(form) for form in "csc coo lil".split()},
    "csr": sp.csr_array,
    "csr_matrix": sp.csr_matrix,
    "coo_matrix": sp.coo_matrix,
}
every_operator = pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS.keys())
every_sparse = pytest.mark.parametrize("to_sparse", SPARSE.values(), ids=SPARSE.keys())
quick = settings(max_examples=20, deadline=None)


def data_file(*parts):
    root = os.environ.get("STGKERAS_DATA")
    path = Path(root or "", *parts)
    if not root or not path.is_file():
        pytest.skip(f"STGKERAS_DATA holds no {'/'.join(parts)}")
    return path


@st.composite
def adjacencies(draw, symmetric=False, self_loops=True):
    num_nodes = draw(st.integers(1, 8))
    weights = st.just(0.0) | st.floats(1e-3, 1e3)
    adjacency = draw(hnp.arrays(np.float64, (num_nodes, num_nodes), elements=weights))
    if symmetric:
        adjacency = np.maximum(adjacency, adjacency.T)
    if not self_loops:
        np.fill_diagonal(adjacency, 0.0)
    return adjacency


def test_public_names_exist_and_are_documented():
    assert graphs.__all__ == sorted(graphs.__all__)
    for name in graphs.__all__:
        assert "Args:" in getattr(graphs, name).__doc__


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


# Gaussian kernel


def test_gaussian_kernel_by_hand():
    distances = [[0, 1, 3], [2, 5, np.inf], [0, 1, 0]]
    expected = [[0, np.exp(-0.25), 0], [np.exp(-1), 0, 0], [1, np.exp(-0.25), 0]]
    assert_allclose(gaussian_kernel(distances, sigma2=4.0, epsilon=0.2), expected)


def test_gaussian_kernel_keeps_a_weight_equal_to_epsilon():
    weight = np.exp(-1.0)
    distances = np.array([[0.0, 2.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    for form in (np.asarray, sp.csr_array):
        assert gaussian_kernel(form(distances), 4.0, epsilon=weight)[0, 1] == weight
        assert gaussian_kernel(form(distances), 3.9, epsilon=weight)[0, 1] == 0


def test_gaussian_kernel_of_sparse_distances():
    # 0 → 1 is stored as 0 km, 2 → 0 as unreachable, 1 → 1 is a self loop; the rest is no edge.
    entries = [0.0, np.inf, 1.0, 1.0], ([1, 0, 1, 2], [0, 2, 1, 1])
    distances = sp.csr_array(entries, shape=(3, 3))
    result = gaussian_kernel(distances, sigma2=1.0, epsilon=0.0)
    assert result.format == "csr"
    assert result.nnz == 2
    assert_allclose(result.toarray(), [[0, 0, 0], [1, 0, 0], [0, np.exp(-1), 0]])
    assert_array_equal(distances.data, sp.csr_array(entries, shape=(3, 3)).data)


def test_gaussian_kernel_reads_repeated_sparse_entries_as_their_sum():
    row = sp.csr_array(([1.0, 2.0], [1, 1], [0, 2, 2]), shape=(2, 2))
    assert_allclose(gaussian_kernel(row, sigma2=9.0, epsilon=0.0)[0, 1], np.exp(-1))


@pytest.mark.filterwarnings("ignore:No edge survives")
@quick
@given(adjacencies(), st.floats(0.1, 100), st.floats(0, 1))
def test_gaussian_kernel_sparse_equals_dense(distances, sigma2, epsilon):
    rows, columns = np.indices(distances.shape)
    stored = sp.coo_array((distances.ravel(), (rows.ravel(), columns.ravel())), distances.shape)
    result = gaussian_kernel(stored, sigma2, epsilon)
    expected = gaussian_kernel(distances, sigma2, epsilon)
    assert_allclose(result.toarray(), expected, rtol=1e-12)


def test_gaussian_kernel_warns_of_metres_only_if_no_edge_survives():
    metres = np.array([[0.0, 900.0], [900.0, 0.0]])
    for distances in (metres, sp.csr_array(metres)):
        with pytest.warns(UserWarning, match="in km; if yours are in metres, divide them by 1000"):
            assert gaussian_kernel(distances).sum() == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # one node can have no edge
        assert_array_equal(gaussian_kernel([[0.0]]), [[0.0]])


# Edge lists


def test_from_edges_fills_target_source():
    adjacency = from_edges([0, 1, 3], [1, 3, 3], [0.5, 2.0, 7.0], num_nodes=5)
    expected = np.zeros((5, 5))
    expected[1, 0], expected[3, 1], expected[3, 3] = 0.5, 2.0, 7.0
    assert_array_equal(adjacency, expected)
    # Node 1 receives what node 0 sends.
    assert_array_equal(adjacency @ [1, 0, 0, 0, 0], [0, 0.5, 0, 0, 0])


def test_from_edges_defaults():
    assert_array_equal(from_edges([0], [2]), [[0, 0, 0], [0, 0, 0], [1, 0, 0]])
    assert_array_equal(from_edges([], [], num_nodes=2), np.zeros((2, 2)))
    assert from_edges(np.array([0], np.uint8), np.array([300])).shape == (301, 301)


def test_from_edges_accepts_an_edge_listed_again():
    adjacency = from_edges([0, 1, 0], [1, 0, 1], [3.0, 4.0, 3.0])
    assert_array_equal(adjacency, [[0, 4], [3, 0]])


@quick
@given(adjacencies(), st.integers(0, 1000))
def test_from_edges_rebuilds_a_matrix_from_its_edges_in_any_order(adjacency, seed):
    target, source = np.nonzero(adjacency)
    order = np.random.default_rng(seed).permutation(len(target))
    arguments = source[order], target[order], adjacency[target, source][order], len(adjacency)
    assert_array_equal(from_edges(*arguments), adjacency)
    sparse = from_edges(*arguments, sparse=True)
    assert sparse.format == "csr"
    assert_array_equal(sparse.toarray(), adjacency)


def test_sparse_edges_of_length_zero_reach_the_kernel():
    distances = from_edges([0, 1], [1, 2], [0.0, 1.0], sparse=True)
    assert distances.nnz == 2
    expected = [[0, 0, 0], [1, 0, 0], [0, np.exp(-0.1), 0]]
    assert_allclose(gaussian_kernel(distances).toarray(), expected)


# Nearest neighbours


@pytest.mark.parametrize("sparse", [False, True])
def test_knn_graph_matches_brute_force(sparse):
    points = np.random.default_rng(0).random((40, 3))
    distances = cdist(points, points)
    np.fill_diagonal(distances, np.inf)
    result = knn_graph(points, k=5, sparse=sparse)
    assert sp.issparse(result) == sparse
    result = result.toarray() if sparse else result
    for n in range(40):
        assert set(np.flatnonzero(result[n])) == set(np.argsort(distances[n])[:5])
    assert set(np.unique(result)) == {0.0, 1.0}


@pytest.mark.parametrize("k", [1, 3, 9])
def test_knn_graph_of_equal_points_has_no_self_loops(k):
    result = knn_graph(np.zeros((10, 2)), k)
    assert_array_equal(np.diag(result), 0)
    assert_array_equal(result.sum(axis=1), k)


# networkx


def test_from_networkx_directed_in_its_own_node_order():
    graph = nx.DiGraph()
    graph.add_nodes_from(["b", "a", "c"])
    graph.add_edge("a", "b", weight=2.0)
    graph.add_edge("b", "c", weight=0.5, cost=4.0)
    assert_array_equal(from_networkx(graph), [[0, 2, 0], [0, 0, 0], [0.5, 0, 0]])
    assert_array_equal(from_networkx(graph, weight="cost"), [[0, 1, 0], [0, 0, 0], [4, 0, 0]])
    assert_array_equal(from_networkx(graph, weight=None), [[0, 1, 0], [0, 0, 0], [1, 0, 0]])


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_from_networkx_is_the_transpose_of_networkx(directed, sparse):
    graph = nx.gnp_random_graph(15, 0.3, seed=2, directed=directed)
    graph.add_edge(4, 4)
    for n, (_, _, data) in enumerate(graph.edges(data=True)):
        data["weight"] = n + 1.0
    result = from_networkx(graph, sparse=sparse)
    result = result.toarray() if sparse else result
    assert_array_equal(result, nx.to_numpy_array(graph).T)


def test_from_networkx_parallel_edges():
    graph = nx.MultiGraph([(0, 1, {"weight": 2}), (1, 0, {"weight": 2})])
    assert_array_equal(from_networkx(graph), [[0, 2], [2, 0]])
    graph.add_edge(0, 1, weight=3)
    with pytest.raises(ValueError, match=r"`weights` must agree .* 2.0 and 3.0"):
        from_networkx(graph)


def test_from_networkx_without_edges():
    assert_array_equal(from_networkx(nx.empty_graph(2)), np.zeros((2, 2)))


# Measured road graphs


def test_pemsd7m_distances_give_the_published_graph():
    with np.load(data_file("graphs_only", "pemsd7m_W228_distance_m.npz")) as file:
        distances = file["distance_m"].astype(float) / 1000
    adjacency = gaussian_kernel(distances)
    assert np.count_nonzero(adjacency) == 1664
    assert connected_components(adjacency)[0] == 11
    eigenvalues = np.linalg.eigvalsh(scaled_laplacian(adjacency))
    assert -1 - 1e-9 < eigenvalues.min()
    assert eigenvalues.max() == pytest.approx(1)


def test_los_loop_adjacency_has_its_self_loops_already():
    with np.load(data_file("los_loop", "los_loop.npz")) as file:
        adjacency = file["adj"]
    result = renormalized_adjacency(adjacency)
    degree = adjacency.astype(float).sum(axis=1)
    assert_allclose(result, adjacency / np.sqrt(np.outer(degree, degree)), atol=1e-12)
    assert np.linalg.eigvalsh(result)[-1] == pytest.approx(1)
    assert np.linalg.eigvalsh(scaled_laplacian(adjacency))[-1] == pytest.approx(1)


def test_pems08_edge_list_repeats_edges_with_equal_weights():
    rows = np.genfromtxt(data_file("pems08_tail", "distance.csv"), delimiter=",", skip_header=1)
    source, target = rows[:, :2].astype(int).T
    distances = from_edges(source, target, rows[:, 2], num_nodes=170, sparse=True)
    assert len(rows) == 295
    assert distances.nnz == 277
    first, last = rows[0], rows[-1]
    assert distances[int(first[1]), int(first[0])] == first[2]
    assert distances[int(last[1]), int(last[0])] == last[2]


# Bad inputs: one message each

NAN = np.array([[0, np.nan], [np.nan, 0]])
NEGATIVE = np.array([[0, -1.5], [1.0, 0]])


@every_operator
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    "adjacency, message",
    [
        (NAN, "`adjacency` must be finite. Received: nan"),
        (np.full((2, 2), np.inf), "`adjacency` must be finite. Received: inf"),
        (NEGATIVE, "`adjacency` must be non-negative. Received: -1.5"),
        (np.ones((2, 3)), r"`adjacency` must be a square matrix .* Received: shape=\(2, 3\)"),
        (np.zeros((0, 0)), r"at least one node. Received: shape=\(0, 0\)"),
    ],
    ids=["nan", "inf", "negative", "not-square", "empty"],
)
def test_bad_adjacency(operator, adjacency, message, sparse):
    with pytest.raises(ValueError, match=message):
        operator(sp.csr_array(adjacency) if sparse else adjacency)


@every_operator
@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 3)])
def test_adjacency_of_wrong_rank(operator, shape):
    with pytest.raises(ValueError, match="`adjacency` must be a square matrix"):
        operator(np.ones(shape))


@every_operator
@pytest.mark.parametrize("adjacency", [[["a"]], np.ones((2, 2), complex), [[None]]])
def test_adjacency_must_be_numeric(operator, adjacency):
    with pytest.raises(TypeError, match="`adjacency` must hold real numbers. Received: dtype="):
        operator(adjacency)


def test_asymmetric_adjacency_needs_lambda_max():
    with pytest.raises(ValueError, match=r"symmetric if `lambda_max` .*np.maximum\(A, A.T\)"):
        scaled_laplacian(DIRECTED)
    with pytest.raises(ValueError, match=r"symmetric if `lambda_max` .*`A.maximum\(A.T\)`"):
        scaled_laplacian(sp.csr_array(DIRECTED), "rw")


@pytest.mark.parametrize(
    "adjacency, normalization",
    [
        (np.zeros((3, 3)), None),
        (sp.csr_array((600, 600)), None),
        (np.diag([0.0, 7.0, 0.1]), None),
        (np.diag([3.0, 7.0, 0.1]), "sym"),  # 1 - 1 up to rounding
        (np.diag([3.0, 7.0, 0.1]), "rw"),
    ],
)
def test_laplacian_of_zero_cannot_be_scaled(adjacency, normalization):
    with pytest.raises(ValueError, match="`adjacency` must have an edge between two nodes"):
        scaled_laplacian(adjacency, normalization)


@pytest.mark.parametrize("normalization", ["SYM", "none", 1, False])
def test_bad_normalization(normalization):
    with pytest.raises(ValueError, match='`normalization` must be "sym", "rw" or None. Received'):
        laplacian(PATH, normalization)


@pytest.mark.parametrize("value", [0, -2.0, np.nan, np.inf])
@pytest.mark.parametrize(
    "name, call",
    [
        ("lambda_max", lambda value: scaled_laplacian(PATH, lambda_max=value)),
        ("sigma2", lambda value: gaussian_kernel(PATH, sigma2=value)),
    ],
)
def test_number_must_be_finite_and_positive(name, call, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .*above 0. Received: {name}="):
        call(value)


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, np.nan])
def test_epsilon_must_be_from_0_to_1(epsilon):
    with pytest.raises(ValueError, match="`epsilon` must be a number from 0 to 1. Received"):
        gaussian_kernel(PATH, epsilon=epsilon)


@pytest.mark.parametrize("value", ["2", None, True, [1.0]])
def test_number_must_be_a_number(value):
    with pytest.raises(TypeError, match="`sigma2` must be a number. Received: sigma2="):
        gaussian_kernel(PATH, sigma2=value)


@pytest.mark.parametrize("K", [0, -1])
def test_too_few_chebyshev_terms(K):
    with pytest.raises(ValueError, match=f"`K` must be at least 1. Received: K={K}"):
        chebyshev_polynomials(PATH, K)


@pytest.mark.parametrize("K", [2.0, "3", None, True])
def test_number_of_chebyshev_terms_must_be_an_integer(K):
    with pytest.raises(TypeError, match="`K` must be an integer. Received: K="):
        chebyshev_polynomials(PATH, K)


def test_chebyshev_operator_is_checked_but_may_be_negative():
    assert_array_equal(chebyshev_polynomials(NEGATIVE, 2)[1], NEGATIVE)
    with pytest.raises(ValueError, match="`operator` must be finite. Received: nan"):
        chebyshev_polynomials(NAN, 2)
    with pytest.raises(ValueError, match="`operator` must be a square matrix"):
        chebyshev_polynomials(np.ones(3), 2)


@pytest.mark.parametrize("wrap", [np.asarray, sp.csr_array])
def test_bad_distances(wrap):
    with pytest.raises(ValueError, match="`distances` must be free of NaN"):
        gaussian_kernel(wrap(NAN))
    with pytest.raises(ValueError, match="`distances` must be non-negative. Received: -1.5"):
        gaussian_kernel(wrap(NEGATIVE))
    with pytest.raises(ValueError, match="`distances` must be a square matrix"):
        gaussian_kernel(wrap(np.ones((2, 3))))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([0, 1], [1]), r"must have equal lengths. Received: shapes \(2,\), \(1,\)"),
        (([0], [1], [1.0, 2.0]), "must have equal lengths"),
        (([0, 3], [1, 1], None, 3), "`source` must be below `num_nodes`=3. Received: 3"),
        (([0], [4], None, 3), "`target` must be below `num_nodes`=3. Received: 4"),
        (([-1], [1]), "`source` must be non-negative. Received: -1"),
        (([1], [-2]), "`target` must be non-negative. Received: -2"),
        (([[0]], [[1]]), r"`source` must have shape \(edges,\). Received: shape=\(1, 1\)"),
        (([0], [1], [-1.0]), "`weights` must be non-negative. Received: -1.0"),
        (([0], [1], [np.nan]), "`weights` must be finite. Received: nan"),
        (([0], [1], [np.inf]), "`weights` must be finite. Received: inf"),
        (([], []), "`num_nodes` must be given"),
        (([], [], None, 0), "`num_nodes` must be at least 1. Received: num_nodes=0"),
        (([2, 0, 2], [1, 1, 1], [5, 1, 6]), "Received: 5.0 and 6.0 for the edge 2 → 1"),
    ],
)
def test_bad_edges(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_edges(*arguments)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([0.0], [1]), "`source` must hold integers. Received: dtype=float64"),
        (([0], ["b"]), "`target` must hold integers"),
        (([True], [1]), "`source` must hold integers. Received: dtype=bool"),
        (([0], [1], ["far"]), "`weights` must hold real numbers"),
        (([0], [1], None, 2.0), "`num_nodes` must be an integer. Received: num_nodes=2.0"),
    ],
)
def test_edges_of_wrong_type(arguments, message):
    with pytest.raises(TypeError, match=message):
        from_edges(*arguments)


@pytest.mark.parametrize(
    "points, k, error, message",
    [
        (
            np.ones((4, 2)),
            4,
            ValueError,
            "`k` must be from 1 to 3, as there are 4 points. Rec.*k=4",
        ),
        (np.ones((4, 2)), 0, ValueError, "`k` must be from 1 to 3"),
        (np.ones((1, 2)), 1, ValueError, "`k` must be from 1 to 0, as there are 1 points"),
        (np.ones((4, 2)), 1.0, TypeError, "`k` must be an integer"),
        (np.ones(4), 1, ValueError, r"`points` must have shape \(nodes, dimensions\)"),
        (np.ones((4, 0)), 1, ValueError, r"`points` must have shape \(nodes, dimensions\)"),
        ([[0.0], [np.nan]], 1, ValueError, "`points` must be finite. Received: nan"),
        ([["a"], ["b"]], 1, TypeError, "`points` must hold real numbers"),
    ],
)
def test_bad_points(points, k, error, message):
    with pytest.raises(error, match=message):
        knn_graph(points, k)


def test_bad_networkx_graphs():
    with pytest.raises(TypeError, match="`graph` must be a networkx graph. Received: ndarray"):
        from_networkx(PATH)
    with pytest.raises(ValueError, match="`graph` must have at least one node"):
        from_networkx(nx.Graph())
    with pytest.raises(ValueError, match="`weights` must be non-negative. Received: -1.0"):
        from_networkx(nx.Graph([(0, 1, {"weight": -1})]))
    with pytest.raises(TypeError, match="`weights` must hold real numbers"):
        from_networkx(nx.Graph([(0, 1, {"weight": None})]))
