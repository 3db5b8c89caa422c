"""Graphs of networkx against the matrices of networkx, in their own and in a given order."""

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stgkeras.graphs import (
    from_networkx,
    gaussian_kernel,
)


def test_from_networkx_directed_in_its_own_node_order():
    graph = nx.DiGraph()
    graph.add_nodes_from(["b", "a", "c"])
    graph.add_edge("a", "b", weight=2.0)
    graph.add_edge("b", "c", weight=0.5, cost=4.0)
    assert_array_equal(from_networkx(graph), [[0, 2, 0], [0, 0, 0], [0.5, 0, 0]])
    assert_array_equal(from_networkx(graph, weight=None), [[0, 1, 0], [0, 0, 0], [1, 0, 0]])
    graph.edges["a", "b"]["cost"] = 3
    assert_array_equal(from_networkx(graph, weight="cost"), [[0, 3, 0], [0, 0, 0], [4, 0, 0]])


@pytest.mark.parametrize("directed", [False, True])
def test_from_networkx_in_a_given_order(directed):
    graph = nx.gnp_random_graph(9, 0.4, seed=3, directed=directed)
    order = [4, 2, 8, 0, 1, 3, 7, 6, 5]
    assert_array_equal(from_networkx(graph, nodes=order), nx.to_numpy_array(graph, order).T)
    for nodes in (order[1:], [*order, 9], [*order[1:], 2]):
        with pytest.raises(ValueError, match="`nodes` must have each node of `graph` once"):
            from_networkx(graph, nodes=nodes)


def test_from_networkx_with_an_attribute_that_edges_lack():
    graph = nx.Graph([("a", "b", {"length": 0.5}), ("b", "c", {"length": 1.0, "weight": 2})])
    message = r"weight='lenght', which 2 of 2 edges .*first \('a', 'b'\). .*\['length', 'weight'\]"
    with pytest.raises(ValueError, match=message):
        from_networkx(graph, "lenght")
    with pytest.raises(ValueError, match="weight='weight', which 1 of 2 edges"):
        from_networkx(graph)
    assert_array_equal(from_networkx(nx.path_graph(2)), [[0, 1], [1, 0]])


def test_distances_of_a_networkx_graph():
    graph = nx.Graph([("a", "b", {"km": 0.5}), ("b", "c", {"km": 1.0}), ("c", "d", {"km": 2.0})])
    with pytest.warns(UserWarning, match="0 between 6 pairs"):
        dense = gaussian_kernel(from_networkx(graph, "km"))
    expected = np.zeros((4, 4))
    for n, km in enumerate([0.5, 1.0, 2.0]):
        expected[n, n + 1] = expected[n + 1, n] = np.exp(-(km**2) / 10)
    found = gaussian_kernel(from_networkx(graph, "km", sparse=True))
    assert_allclose(found.toarray(), expected)
    assert_allclose(dense, expected)


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
    with pytest.raises(ValueError, match=r"`graph` must have equal weights .* 2 and 3 at"):
        from_networkx(graph)


def test_from_networkx_without_edges():
    assert_array_equal(from_networkx(nx.empty_graph(2)), np.zeros((2, 2)))
