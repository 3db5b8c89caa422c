"""Adjacencies against hand computation, brute force and measured road graphs."""

import warnings

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from graph_cases import adjacencies, data_file, quick
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from stgkeras import graphs
from stgkeras.graphs import (
    from_edges,
    gaussian_kernel,
    knn_graph,
    laplacian,
    renormalized_adjacency,
    scaled_laplacian,
)


def test_public_names_exist_and_are_documented():
    assert graphs.__all__ == sorted(graphs.__all__)
    for name in graphs.__all__:
        assert "Args:" in getattr(graphs, name).__doc__


# Gaussian kernel


def test_gaussian_kernel_by_hand():
    distances = [[0, 1, 3], [2, 5, np.inf], [0, 1, 0]]
    expected = [[0, np.exp(-0.25), 0], [np.exp(-1), 0, 0], [1, np.exp(-0.25), 0]]
    found = gaussian_kernel(distances, sigma2=4.0, epsilon=0.2, zero="same_place")
    assert_allclose(found, expected)
    expected[2][0] = 0
    found = gaussian_kernel(distances, sigma2=4.0, epsilon=0.2, zero="no_road")
    assert_allclose(found, expected)


ROADS = np.array([[0, 1.5, 0, 0], [1.5, 0, 2, 0], [0, 2, 0, 0], [0, 0, 0, 0]])  # a line, and a node


def test_gaussian_kernel_of_zeros_that_may_be_no_road():
    message = (
        r"`distances` is 0 between 8 pairs of nodes, the first \[0, 2\]. These pairs get no edge. "
        r'If .* no road, write `np.inf` or pass `zero="no_road"`. .*"same_place"`'
    )
    with pytest.warns(UserWarning, match=message):
        warned = gaussian_kernel(ROADS)
    with pytest.raises(ValueError, match='`zero` must be "no_road".*zero=0'):
        gaussian_kernel(ROADS, zero=0)
    expected = np.zeros((4, 4))
    expected[0, 1] = expected[1, 0] = np.exp(-0.225)
    expected[1, 2] = expected[2, 1] = np.exp(-0.4)
    far = np.where(ROADS > 0, ROADS, np.inf)
    for found in (
        warned,
        gaussian_kernel(ROADS, zero="no_road"),
        gaussian_kernel(far),
        gaussian_kernel(sp.csr_array(ROADS)).toarray(),
        gaussian_kernel(sp.csr_array(ROADS), zero="no_road").toarray(),
    ):
        assert_allclose(found, expected)


def test_gaussian_kernel_keeps_the_labels_of_a_frame():
    frame = pd.DataFrame(np.where(ROADS > 0, ROADS, np.inf), list("abcd"), list("abcd"))
    found = gaussian_kernel(frame)
    assert list(found.index) == list(found.columns) == list("abcd")
    assert found.loc["a", "b"] == pytest.approx(np.exp(-0.225)) and found.loc["c", "a"] == 0
    other = frame[["b", "a", "c", "d"]]
    for function in (gaussian_kernel, laplacian, renormalized_adjacency):
        with pytest.raises(ValueError, match="same labels .* 'a' and 'b' for row and column 0"):
            function(other)
    bare = frame.reset_index(drop=True)  # a file with a header alone
    assert_array_equal(gaussian_kernel(bare), found)


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


@pytest.mark.filterwarnings("ignore:The graph has no edges")
@quick
@given(adjacencies(), st.floats(0.1, 100), st.floats(0, 1))
def test_gaussian_kernel_sparse_equals_dense(distances, sigma2, epsilon):
    rows, columns = np.indices(distances.shape)
    stored = sp.coo_array((distances.ravel(), (rows.ravel(), columns.ravel())), distances.shape)
    result = gaussian_kernel(stored, sigma2, epsilon)
    expected = gaussian_kernel(distances, sigma2, epsilon, zero="same_place")
    assert_allclose(result.toarray(), expected, rtol=1e-12)


def test_gaussian_kernel_warns_of_metres_only_if_no_edge_survives():
    metres = np.array([[0.0, 900.0], [900.0, 0.0]])
    for distances in (metres, sp.csr_array(metres)):
        with pytest.warns(
            UserWarning, match="in km. If the distances are in metres, divide by 1000"
        ):
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
    expected[1][0] = 0
    assert_allclose(gaussian_kernel(distances, zero="no_road").toarray(), expected)


def test_ids_are_no_indices():
    message = "must be indices from 0 .*3 different numbers up to 773869, which are ids. Number"
    with pytest.raises(ValueError, match=message):
        from_edges([773869, 767541], [767541, 5])
    assert from_edges([773869], [5], num_nodes=773870, sparse=True).nnz == 1


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


def test_distances_are_no_points():
    points = np.random.default_rng(1).random((6, 2))
    with pytest.raises(ValueError, match=r"`points` must hold .* shape \(6, 6\), which holds dist"):
        knn_graph(cdist(points, points), 2)
    assert knn_graph([[0, 1, 1], [1, 0, 1], [1, 1, 0]], 1).shape == (3, 3)  # a triangle in space


# Measured road graphs


def test_pemsd7m_distances_give_the_published_graph():
    with np.load(data_file("graphs_only", "pemsd7m_W228_distance_m.npz")) as file:
        distances = file["distance_m"].astype(float) / 1000
    adjacency = gaussian_kernel(distances, zero="same_place")  # 17 pairs of stations at one place
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
