"""Parts of graphs against powers of the adjacency, and products on a part against the whole."""

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.sparse as sp
from graph_cases import DIRECTED, ISOLATED, PATH, adjacencies, every_sparse, quick
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csgraph

from stgkeras.graphs import chebyshev_polynomials, partition


def random_graph(num_nodes, degree, seed=0):
    """A directed graph with weights of both signs."""
    rng = np.random.default_rng(seed)
    graph = rng.standard_normal((num_nodes, num_nodes))
    return graph * (rng.random(graph.shape) < degree / num_nodes)


def shuffled(graph, seed=0):
    order = np.random.default_rng(seed).permutation(len(graph))
    return graph[order][:, order]


def grid(side):
    row, column = np.divmod(np.arange(side * side), side)
    return (abs(row[:, None] - row) + abs(column[:, None] - column) == 1).astype(float)


@quick
@given(adjacencies(), st.data())
def test_parts_halos_and_cuts_are_those_of_brute_force(graph, data):
    nodes = len(graph)
    num_parts = data.draw(st.integers(1, nodes))
    hops = data.draw(st.integers(0, 3))
    found = partition(graph, num_parts, hops=hops)
    assert_array_equal(np.sort(np.concatenate(found.inner)), np.arange(nodes))
    sizes = [len(part) for part in found.inner]
    assert len(sizes) == num_parts and max(sizes) - min(sizes) <= 1
    reads = np.linalg.matrix_power((graph != 0) + np.eye(nodes), hops) > 0
    part = np.empty(nodes, int)
    for number, (inner, halo) in enumerate(zip(found.inner, found.halo, strict=True)):
        assert_array_equal(np.union1d(inner, halo), np.flatnonzero(reads[inner].any(axis=0)))
        assert not np.intersect1d(inner, halo).size
        assert (np.diff(inner) > 0).all() and (np.diff(halo) > 0).all()
        part[inner] = number
    assert found.halo_sizes == tuple(len(halo) for halo in found.halo)
    edges = graph * (1 - np.eye(nodes))
    cut = edges * (part[:, None] != part)
    assert found.cut_edges == np.count_nonzero(cut)
    assert found.cut_share == pytest.approx(cut.sum() / max(edges.sum(), 1e-300))


@pytest.mark.parametrize("hops", [0, 1, 2, 4])
def test_inner_nodes_of_a_part_have_the_values_of_the_whole(hops):
    graph = random_graph(60, 1.5)
    x = np.random.default_rng(1).standard_normal((60, 3))
    whole = np.linalg.matrix_power(graph, hops) @ x
    terms = chebyshev_polynomials(graph, hops + 1)[-1] @ x
    found = partition(graph, 5, hops=hops)
    assert hops == 0 or 0 < max(found.halo_sizes) < 48
    for inner, halo in zip(found.inner, found.halo, strict=True):
        nodes = np.concatenate([inner, halo])
        part = graph[np.ix_(nodes, nodes)]
        y = (np.linalg.matrix_power(part, hops) @ x[nodes])[: len(inner)]
        assert_allclose(y, whole[inner], atol=1e-12)
        y = (chebyshev_polynomials(part, hops + 1)[-1] @ x[nodes])[: len(inner)]
        assert_allclose(y, terms[inner], atol=1e-12)


def test_parts_that_exchange_halos_compute_what_the_whole_does():
    """Before each layer, each part receives the nodes of its halo of one hop from their parts."""
    graph, layers = random_graph(60, 1.5), 3
    x, slope = np.random.default_rng(1).standard_normal((2, 60, 3))
    found = partition(graph, 5, hops=1)
    pairs = list(zip(found.inner, found.halo, strict=True))
    for inner, halo in pairs:
        assert np.count_nonzero(graph[np.ix_(inner, np.append(inner, halo))]) == np.count_nonzero(
            graph[inner]
        )
        for other, _ in pairs:
            sent = other[graph[np.ix_(inner, other)].any(axis=0)]
            assert other is inner or np.intersect1d(halo, other).tolist() == sent.tolist()
    y, back = x, slope
    for _ in range(layers):
        values, slopes = np.full((60, 3), np.nan), np.zeros((60, 3))
        for inner, halo in pairs:
            nodes = np.append(inner, halo)
            part = graph[np.ix_(inner, nodes)]
            values[inner] = part @ y[nodes]
            slopes[nodes] += part.T @ back[inner]  # those of the halo return to their parts
        y, back = values, slopes
    assert_allclose(y, np.linalg.matrix_power(graph, layers) @ x, atol=1e-12)
    assert_allclose(back, np.linalg.matrix_power(graph.T, layers) @ slope, atol=1e-12)


@pytest.mark.parametrize("hops", [1, 3, 10**9])
def test_halos_are_the_nodes_within_the_shortest_paths(hops):
    graph = random_graph(300, 1.8, seed=hops)
    far = csgraph.shortest_path(graph != 0, unweighted=True)  # (reads, is read)
    found = partition(graph, 7, hops=hops)
    for inner, halo in zip(found.inner, found.halo, strict=True):
        near = np.flatnonzero(far[inner].min(axis=0) <= hops)
        assert_array_equal(halo, np.setdiff1d(near, inner))
        assert 0 < len(halo) < 300 - len(inner)


def test_a_halo_is_what_nodes_receive_from():
    found = partition(DIRECTED, 3, hops=1)  # 0 receives from 1 and 2, and 1 from 2
    halos = {inner.item(): halo.tolist() for inner, halo in zip(*found[:2], strict=True)}
    assert halos == {0: [1, 2], 1: [2], 2: []}
    assert (found.cut_edges, found.cut_share) == (3, 1.0)
    chain = np.diag([1.0, 1.0, 1.0], -1)  # node n receives from node n - 1
    found = partition(chain, 4, hops=2)
    halos = {inner.item(): halo.tolist() for inner, halo in zip(*found[:2], strict=True)}
    assert halos == {0: [], 1: [0], 2: [0, 1], 3: [1, 2]}


@every_sparse
def test_sparse_graphs_have_the_parts_of_dense_ones(to_sparse):
    graph = random_graph(30, 3)
    dense, sparse = partition(graph, 4, hops=2), partition(to_sparse(graph), 4, hops=2)
    for one, other in zip(dense.inner + dense.halo, sparse.inner + sparse.halo, strict=True):
        assert_array_equal(one, other)
        assert one.dtype == other.dtype == np.int64
    assert dense[2:] == sparse[2:]


def test_graphs_without_edges_and_of_one_part():
    found = partition(ISOLATED, 3, hops=3)
    halos = {inner.item(): halo.tolist() for inner, halo in zip(*found[:2], strict=True)}
    assert halos == {0: [1], 1: [0], 2: []}
    found = partition(np.eye(5), 2, hops=3)  # loops alone
    assert (found.halo_sizes, found.cut_edges, found.cut_share) == ((0, 0), 0, 0.0)
    found = partition(PATH, 1, hops=2)
    assert_array_equal(found.inner[0], [0, 1, 2])
    assert (found.halo_sizes, found.cut_edges) == ((0,), 0)


def test_stored_zeros_are_no_edges():
    graph = sp.coo_array(([1.0, 0.0, 2.0, -2.0], ([0, 1, 2, 2], [1, 2, 0, 0])), shape=(3, 3))
    found = partition(graph, 3, hops=2)  # the two entries of an edge sum to 0
    assert (found.cut_edges, sum(found.halo_sizes)) == (1, 1)


def test_the_graph_stays_as_it_was():
    graph = sp.csr_array(random_graph(20, 3))
    before = graph.copy()
    partition(graph, 3, hops=1)
    assert (graph != before).nnz == 0 and graph.data is not before.data


@pytest.mark.parametrize("seed", range(3))
def test_few_edges_are_cut(seed):
    groups = np.kron(np.eye(4), np.ones((15, 15)))
    groups[14, 15] = groups[29, 30] = groups[44, 45] = 1
    found = partition(shuffled(groups, seed), 4, hops=1)
    assert found.cut_edges == 3 and sum(found.halo_sizes) == 3
    found = partition(shuffled(grid(24), seed), 4, hops=1)
    assert found.cut_edges <= 2.1 * 2 * 48  # four squares cut 48 links, both ways
    random = random_graph(200, 8, seed)
    assert partition(random, 4, hops=1).cut_share < 0.66  # that of any equal parts: 0.75


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"num_parts": 0}, ValueError, "`num_parts` must be an integer from 1 to 3, .*num_parts=0"),
        ({"num_parts": 4}, ValueError, "`num_parts` must be an integer from 1 to 3, .*num_parts=4"),
        ({"num_parts": 2.0}, TypeError, "`num_parts` must be an integer. Received: num_parts=2.0"),
        ({"hops": -1}, ValueError, "`hops` must be at least 0. Received: hops=-1"),
        ({"hops": True}, TypeError, "`hops` must be an integer"),
        ({"graph": np.ones((2, 3))}, ValueError, r"`graph` must be a square .*shape=\(2, 3\)"),
        ({"graph": np.full((2, 2), np.nan)}, ValueError, "`graph` must be finite"),
        ({"graph": [["a"]]}, TypeError, "`graph` must hold real numbers"),
    ],
)
def test_bad_arguments(options, error, message):
    with pytest.raises(error, match=message):
        partition(**{"graph": PATH, "num_parts": 2, "hops": 1, **options})
