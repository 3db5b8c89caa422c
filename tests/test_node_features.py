"""Node features against networkx."""

import networkx as nx
import numpy as np
import pytest

from stgkeras.datasets import (
    node_features,
)


def feature_graphs():
    two = nx.disjoint_union(nx.path_graph(4), nx.cycle_graph(5))
    two.add_nodes_from([9, 10])  # isolated
    yield "disconnected", two
    yield "star", nx.star_graph(6)
    yield "barabasi_albert", nx.barabasi_albert_graph(30, 3, seed=0)
    yield "erdos_renyi", nx.erdos_renyi_graph(30, 0.1, seed=0)
    yield "newman_watts", nx.newman_watts_strogatz_graph(30, 4, 0.3, seed=0)


@pytest.mark.parametrize(("name", "graph"), list(feature_graphs()))
def test_features_equal_networkx(name, graph):
    features = node_features(nx.to_numpy_array(graph))
    expected = [
        nx.degree_centrality(graph),
        nx.betweenness_centrality(graph),
        nx.eigenvector_centrality(graph, max_iter=20000, tol=1e-9),
        nx.closeness_centrality(graph),
    ]
    for i, values in enumerate(expected):
        np.testing.assert_allclose(features[:, i], [values[n] for n in graph], atol=2e-6)
    adjacency = nx.to_numpy_array(graph)
    for i, matrix in ((4, adjacency), (5, np.diag(adjacency.sum(1)) - adjacency)):
        vector, top = features[:, i].astype(float), np.linalg.norm(matrix, 2)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
        assert vector[np.argmax(np.abs(vector))] > 0
        # A first left singular vector u: |uᵀ M| is the largest singular value.
        assert np.linalg.norm(vector @ matrix) == pytest.approx(top, rel=1e-5)
        left, values, _ = np.linalg.svd(matrix)
        if values[0] - values[1] > 1e-6:
            assert abs(left[:, 0] @ vector) == pytest.approx(1, abs=1e-5)


def test_the_erdos_renyi_case_is_disconnected():
    assert not nx.is_connected(dict(feature_graphs())["erdos_renyi"])


def test_features_of_stacks_and_of_graphs_without_edges(graphs):
    np.testing.assert_allclose(
        node_features(graphs.adjacency[2, :4]), graphs.features[2, :4], atol=1e-6
    )
    empty = node_features(np.zeros((2, 4, 4)))
    assert empty.shape == (2, 4, 6) and np.isfinite(empty).all()
    assert not empty[..., [0, 1, 3]].any()


def test_repeated_eigenvalues_give_one_answer():
    cycle = nx.to_numpy_array(nx.cycle_graph(7))  # its top Laplacian eigenvalue is double
    first = node_features(cycle)[:, 5]
    order = np.roll(np.arange(7), 1)
    turned = node_features(cycle[np.ix_(order, order)])[:, 5]  # the same matrix again
    np.testing.assert_array_equal(first, turned)
    space = np.linalg.eigh(2 * np.eye(7) - cycle)[1][:, -2:]
    expected = space @ (space.T @ np.sqrt(np.arange(1, 8)))
    assert abs(expected @ first) == pytest.approx(np.linalg.norm(expected), rel=1e-6)
    star = nx.to_numpy_array(nx.star_graph(6))  # bipartite: its eigenvalues are ±√6
    space = np.linalg.eigh(star)[1][:, [0, -1]]
    expected = space @ (space.T @ np.sqrt(np.arange(1, 8)))
    features = node_features(star)
    np.testing.assert_allclose(features[:, 4], expected / np.linalg.norm(expected), atol=1e-6)
    assert np.abs(features[:, 4] - features[:, 2]).max() > 0.1


@pytest.mark.parametrize(
    ("adjacency", "message"),
    [
        (np.zeros((2, 3)), r"`adjacency` must be \(…, N, N\).*\(2, 3\)"),
        (np.eye(3), "`adjacency` must be binary and symmetric with a zero diagonal"),
        (np.triu(np.ones((3, 3)), 1), "`adjacency` must be binary and symmetric"),
        (2 * (1 - np.eye(3)), "`adjacency` must be binary and symmetric"),
    ],
)
def test_bad_adjacency(adjacency, message):
    with pytest.raises(ValueError, match=message):
        node_features(adjacency)
