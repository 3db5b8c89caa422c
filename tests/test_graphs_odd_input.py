"""Functions on graphs: arguments of another type, masks, and numbers that overflow."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse
from graph_cases import PATH
from numpy.testing import assert_array_equal

from stgkeras import graphs
from stgkeras.graphs import (
    chebyshev_polynomials,
    estimate_graph,
    from_edges,
    from_networkx,
    gaussian_kernel,
    knn_graph,
    laplacian,
    scaled_laplacian,
)

SEVERAL = np.array([1.0, 2.0])  # has no truth value


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: from_edges([0], [1], sparse=SEVERAL), TypeError, "`sparse` must be True or False"),
        (lambda: knn_graph(np.eye(3)[:, :2], 1, None), TypeError, "`sparse` must be True or False"),
        (lambda: estimate_graph(PATH, sparse=1.0), TypeError, "`sparse` must be True or False"),
        (lambda: laplacian(PATH, SEVERAL), ValueError, "`normalization` must be .* or None. Rec"),
        (lambda: scaled_laplacian(PATH, 5), ValueError, '`normalization` must be "sym", "rw" or'),
        (lambda: gaussian_kernel(PATH, zero=SEVERAL), ValueError, "`zero` must be .* or None. Rec"),
        (lambda: from_networkx(nx.Graph([(0, 1)]), ["weight"]), TypeError, "`weight` must be a st"),
        (lambda: from_networkx(nx.Graph([(0, 1)]), nodes=[[0], [1]]), TypeError, "`nodes` must"),
        (lambda: from_networkx(nx.Graph([(0, 1)]), nodes=3), TypeError, "`nodes` must be a seq"),
        (
            lambda: from_networkx(nx.Graph([(0, 1)]), nodes=memoryview(np.zeros((2, 2)))),
            TypeError,
            "`nodes` must be a sequence",
        ),
    ],
)
def test_arguments_of_another_type(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_masked_entries_are_no_numbers():
    nodes = np.ma.masked_equal([0, 1], 1)
    with pytest.raises(ValueError, match="`source` must have no masked entries"):
        from_edges(nodes, [1, 0])
    with pytest.raises(ValueError, match="`adjacency` must have no masked entries"):
        laplacian(np.ma.masked_equal(PATH, 1))
    assert_array_equal(laplacian(np.ma.asarray(PATH)), laplacian(PATH))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: knn_graph([[0.0], [1e308], [2.0]], 1), "`points` must have numbers of at most 1e"),
        (lambda: laplacian([[0, 1e308], [1e308, 0]]), "`adjacency` must have numbers of at most"),
        (lambda: estimate_graph([[0.0, 1e308, 1]], k=1), "`signals` must have numbers of at most"),
        (lambda: chebyshev_polynomials([[1e140]], 4), "`operator` must have eigenvalues near"),
        (lambda: scaled_laplacian(PATH, lambda_max=1e-320), "`lambda_max` must be .* 1e-100"),
        (lambda: from_edges([0], [1], num_nodes=2**70), "`num_nodes` must be .* below 2"),
        (lambda: from_edges([2**63], [1], num_nodes=3), "`source` must be indices below 2"),
        (lambda: chebyshev_polynomials(PATH, 2**70), "`K` must be at least 1 and below 2"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_numbers_that_overflow(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.filterwarnings("ignore:The graph has no edges")
def test_a_narrow_kernel_does_not_overflow():
    assert_array_equal(
        gaussian_kernel([[0, 1e9], [1, 0]], sigma2=1e-320, epsilon=0), np.zeros((2, 2))
    )


def test_sparse_points_and_tiny_bandwidths():
    points = np.array([[0.0, 1.0], [0.0, 1.1], [3.0, 0.0]])
    found = graphs.knn_graph(scipy.sparse.csr_array(points), 1)
    np.testing.assert_array_equal(found, graphs.knn_graph(points, 1))
    with pytest.raises(ValueError, match="`bandwidth` must be finite and at least 1e-100"):
        graphs.estimate_graph([[0.0, 1.0, 3.0]], bandwidth=1e-320, k=1)
