"""The Fourier basis against known spectra, and estimated graphs against hand computation."""

from math import exp

import hypothesis.strategies as st
import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from graph_cases import DIRECTED, ISOLATED, LOOP, PATH, STAR, adjacencies, every_sparse, quick
from hypothesis import given
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from stgkeras.graphs import estimate_graph, fourier_basis, from_networkx, laplacian

# Fourier basis


@pytest.mark.parametrize(
    "graph, expected",
    [
        (nx.complete_graph(6), [0] + [6 / 5] * 5),
        (nx.path_graph(7), 1 - np.cos(np.pi * np.arange(7) / 6)),
        (nx.cycle_graph(8), 1 - np.cos(2 * np.pi * np.arange(8) / 8)),
        (nx.star_graph(5), [0, 1, 1, 1, 1, 2]),
        (nx.complete_bipartite_graph(3, 4), [0, 1, 1, 1, 1, 1, 2]),
        (nx.hypercube_graph(3), [0] + [2 / 3] * 3 + [4 / 3] * 3 + [2]),
        (nx.disjoint_union(nx.path_graph(2), nx.complete_graph(3)), [0, 0, 1.5, 1.5, 2]),
        (nx.empty_graph(3), [1, 1, 1]),
    ],
    ids=["complete", "path", "cycle", "star", "bipartite", "hypercube", "two parts", "no edges"],
)
def test_eigenvalues_of_known_graphs(graph, expected):
    eigenvalues, _ = fourier_basis(from_networkx(graph))
    assert_allclose(eigenvalues, np.sort(expected), atol=1e-12)


def test_eigenvalues_with_isolated_nodes_and_self_loops():
    assert_allclose(fourier_basis(ISOLATED)[0], [0, 1, 2], atol=1e-12)
    assert_allclose(fourier_basis(LOOP)[0], [0, 5 / 3], atol=1e-12)  # trace 5/3, determinant 0


@quick
@given(adjacencies(symmetric=True))
def test_basis_is_orthonormal_and_makes_the_laplacian(adjacency):
    eigenvalues, eigenvectors = fourier_basis(adjacency)
    product = eigenvectors @ np.diag(eigenvalues) @ eigenvectors.T
    assert_allclose(product, laplacian(adjacency), atol=1e-12)
    assert_allclose(eigenvectors.T @ eigenvectors, np.eye(len(adjacency)), atol=1e-12)
    assert (np.diff(eigenvalues) >= 0).all()
    assert eigenvalues[0] >= 0
    assert eigenvalues[-1] <= 2


def projectors(eigenvalues, eigenvectors, starts):
    """The projector onto each eigenspace; one begins at each of the given columns."""
    return [part @ part.T for part in np.split(eigenvectors, starts, axis=1)]


@quick
@given(adjacencies(symmetric=True), st.integers(0, 1000))
def test_permuting_the_nodes_permutes_the_eigenspaces(adjacency, seed):
    order = np.random.default_rng(seed).permutation(len(adjacency))
    eigenvalues, eigenvectors = fourier_basis(adjacency)
    permuted = fourier_basis(adjacency[np.ix_(order, order)])
    assert_allclose(permuted[0], eigenvalues, atol=1e-12)
    starts = np.flatnonzero(np.diff(eigenvalues) > 1e-6) + 1
    ours = projectors(eigenvalues, eigenvectors, starts)
    for projector, expected in zip(projectors(*permuted, starts), ours, strict=True):
        assert_allclose(projector, expected[np.ix_(order, order)], atol=1e-8)


def test_repeated_eigenvalue_spans_what_is_left():
    _, eigenvectors = fourier_basis(np.ones((5, 5)) - np.eye(5))
    rest = eigenvectors[:, 1:] @ eigenvectors[:, 1:].T
    assert_allclose(rest, np.eye(5) - np.full((5, 5), 0.2), atol=1e-12)


def test_lowest_frequency_follows_the_root_of_the_degree():
    graph = from_networkx(nx.les_miserables_graph())
    eigenvalues, eigenvectors = fourier_basis(graph)
    degree = graph.sum(axis=1)
    assert_allclose(eigenvectors[:, 0], np.sqrt(degree / degree.sum()), atol=1e-10)
    assert eigenvalues[1] > 1e-3  # connected


def test_signs_survive_another_solver(monkeypatch):
    adjacency = from_networkx(nx.path_graph(9))  # mirrored: every magnitude occurs twice
    expected = fourier_basis(adjacency)[1]
    magnitudes = np.abs(expected)
    first = (magnitudes > magnitudes.max(axis=0) - 1e-9).argmax(axis=0)
    assert (expected[first, np.arange(9)] > 0).all()
    solve = np.linalg.eigh

    def other_solver(operator):
        eigenvalues, eigenvectors = solve(operator)
        noise = np.random.default_rng(1).standard_normal(eigenvectors.shape)
        return eigenvalues, -eigenvectors * (1 + 1e-12 * noise)

    monkeypatch.setattr(np.linalg, "eigh", other_solver)
    assert_allclose(fourier_basis(adjacency)[1], expected, atol=1e-10)


@every_sparse
def test_basis_of_a_sparse_graph_is_the_dense_one(to_sparse):
    for result, expected in zip(fourier_basis(to_sparse(STAR)), fourier_basis(STAR), strict=True):
        assert type(result) is np.ndarray
        assert_allclose(result, expected, atol=1e-12)


def test_basis_of_an_asymmetric_graph():
    with pytest.raises(ValueError, match=r"must be symmetric. Received.*`np.maximum\(A, A.T\)`.$"):
        fourier_basis(DIRECTED)
    with pytest.raises(ValueError, match=r"must be symmetric. Received.*`A.maximum\(A.T\)`.$"):
        fourier_basis(sp.csr_array(DIRECTED))
    rounded = PATH + np.array([[0, 1e-8, 0], [0, 0, 0], [0, 0, 0]])
    assert_allclose(fourier_basis(rounded)[0], fourier_basis(PATH)[0], atol=1e-7)


# Estimated graphs

THREE = np.array([[0.0, 1.0, 3.0]])  # squared distances: 1 (0-1), 4 (1-2), 9 (0-2)


@pytest.mark.parametrize(
    "options, weights",  # of 0-1, 1-2, 0-2
    [
        ({"bandwidth": "global"}, [exp(-1 * 3 / 14), exp(-4 * 3 / 14), exp(-9 * 3 / 14)]),
        ({"bandwidth": 2.0}, [exp(-1 / 2), exp(-4 / 2), exp(-9 / 2)]),
        ({"k": 1}, [exp(-1), exp(-4 / 2), exp(-9 / 2)]),  # σ = 1, 1, 2
        ({"k": 2}, [exp(-1 / 6), exp(-4 / 6), exp(-1)]),  # σ = 3, 2, 3
        ({"k": 1, "num_neighbors": 1}, [exp(-1), exp(-4 / 2), 0]),
        ({"k": 1, "num_neighbors": 2}, [exp(-1), exp(-4 / 2), exp(-9 / 2)]),
    ],
)
def test_weights_of_three_nodes(options, weights):
    a, b, c = weights
    expected = [[0, a, c], [a, 0, b], [c, b, 0]]
    assert_allclose(estimate_graph(THREE, **options), expected, rtol=1e-12)
    # A large common part must not swallow the small differences.
    assert_allclose(estimate_graph(THREE + 1e9, **options), expected, rtol=1e-12)
    result = estimate_graph(THREE, **options, sparse=True)
    assert type(result) is sp.csr_array
    assert_allclose(result.toarray(), expected, rtol=1e-12)


def test_distances_add_over_samples():
    signals = np.array([[0.0, 3.0], [1.0, 5.0]])  # 9 + 16
    assert_allclose(estimate_graph(signals, bandwidth=25.0)[0, 1], exp(-1))
    assert_allclose(estimate_graph(sp.csr_array(signals), bandwidth=25.0)[0, 1], exp(-1))


every_bandwidth = pytest.mark.parametrize("bandwidth", ["local", "global", 3.0])
columns = hnp.arrays(np.float64, (3, 6), elements=st.integers(-2, 2))  # often equal ones


@every_bandwidth
@quick
@given(signals=columns, k=st.integers(1, 5), keep=st.none() | st.integers(1, 5))
def test_weights_are_symmetric_and_from_0_to_1(bandwidth, signals, k, keep):
    with np.errstate(divide="raise", invalid="raise"):
        result = estimate_graph(signals, bandwidth, k, keep)
    assert_array_equal(result, result.T)
    assert_array_equal(np.diag(result), 0)
    assert result.min() >= 0
    assert result.max() <= 1
    every = estimate_graph(signals, bandwidth, k)
    equal = (signals[:, :, None] == signals[:, None]).all(axis=0) & ~np.eye(6, dtype=bool)
    assert_array_equal(every[equal], 1)
    assert (every[~equal] < 1).all()


@every_bandwidth
@pytest.mark.parametrize("keep", [None, 2])
def test_permuting_the_nodes_permutes_the_graph(bandwidth, keep):
    generator = np.random.default_rng(5)
    signals, order = generator.standard_normal((4, 9)), generator.permutation(9)
    expected = estimate_graph(signals, bandwidth, 3, keep)[np.ix_(order, order)]
    assert_allclose(estimate_graph(signals[:, order], bandwidth, 3, keep), expected, atol=1e-12)


@pytest.mark.parametrize("bandwidth", ["local", "global"])
def test_bandwidths_from_the_data_follow_its_unit(bandwidth):
    signals = np.random.default_rng(6).standard_normal((4, 9))
    expected = estimate_graph(signals, bandwidth)
    assert_allclose(estimate_graph(1e-5 * signals, bandwidth), expected, rtol=1e-9)
    assert_allclose(estimate_graph(np.tile(signals, (3, 1)), bandwidth), expected, rtol=1e-9)


def test_each_node_keeps_its_strongest_links():
    signals = np.random.default_rng(7).standard_normal((4, 12))
    every, some = estimate_graph(signals), estimate_graph(signals, num_neighbors=3)
    expected = np.zeros_like(every)
    for n, row in enumerate(every):
        for m in sorted(range(12), key=lambda m: -row[m])[:3]:
            expected[n, m] = expected[m, n] = row[m]
    assert_array_equal(some, expected)
    assert (np.count_nonzero(some, axis=1) > 3).any()  # kept by the other end alone


def test_equal_columns():
    assert_array_equal(estimate_graph(np.ones((4, 3)), "global"), 1 - np.eye(3))  # σ² = 0
    assert_array_equal(estimate_graph(np.ones((4, 3)), "local", k=2), 1 - np.eye(3))
    # With k equals a node has σ = 0 and no link to the others.
    result = estimate_graph([[0.0, 0.0, 1.0, 3.0]], k=1)
    assert_array_equal(result[:2], [[0, 1, 0, 0], [1, 0, 0, 0]])
    assert_allclose(result[2, 3], exp(-4 / 2))  # σ² = 1, 4


def test_signals_are_not_modified_and_may_be_integers():
    signals = np.random.default_rng(8).integers(0, 9, (5, 10))
    before = signals.copy()
    assert_array_equal(estimate_graph(signals), estimate_graph(signals.astype(float)))
    assert_array_equal(signals, before)


def test_pixels_of_digits_find_the_pixels_beside_them():
    from sklearn.datasets import load_digits

    images = load_digits().data
    varying = np.flatnonzero(images.std(axis=0) > 0.1 * images.std())  # the border is blank
    pixels = images[:, varying]
    links = estimate_graph((pixels - pixels.mean(0)) / pixels.std(0), num_neighbors=2) > 0
    row, column = np.divmod(varying, 8)
    beside = np.maximum(abs(row[:, None] - row), abs(column[:, None] - column)) == 1
    assert beside[~np.eye(len(beside), dtype=bool)].mean() < 0.15  # by chance
    assert beside[links].mean() > 0.8  # measured 0.87


def test_graph_from_the_first_layer_of_a_classifier():
    from sklearn.neural_network import MLPClassifier

    generator = np.random.default_rng(9)
    x = generator.standard_normal((200, 4))
    x[:, 1] = x[:, 0] + 0.1 * generator.standard_normal(200)  # both tell the label
    network = MLPClassifier((16,), alpha=10.0, solver="lbfgs", random_state=0)
    graph = estimate_graph(network.fit(x, x[:, 0] > 0).coefs_[0].T, "global")
    assert graph.shape == (4, 4)
    assert graph[0, 1] > 0.9  # measured 0.99, and 0.25 at most between a feature and noise
    assert graph[:2, 2:].max() < 0.5
