"""Every error of the functions on graphs, by its message."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from graph_cases import DIRECTED, OPERATORS, PATH
from numpy.testing import assert_array_equal

from stgkeras.graphs import (
    chebyshev_polynomials,
    coarsen,
    estimate_graph,
    fourier_basis,
    from_edges,
    from_networkx,
    gaussian_kernel,
    knn_graph,
    laplacian,
    scaled_laplacian,
)

NAN = np.array([[0, np.nan], [np.nan, 0]])
NEGATIVE = np.array([[0, -1.5], [1.0, 0]])
FUNCTIONS = {**OPERATORS, "basis": fourier_basis, "coarsen": lambda a: coarsen(a, levels=1)}
every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())


@every_function
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize(
    "adjacency, message",
    [
        (NAN, "`adjacency` must be finite. Received: adj.* the entry nan"),
        (
            np.full((2, 2), np.inf),
            "`adjacency` must be finite. Received: .* the entry inf",
        ),
        (NEGATIVE, "`adjacency` must be non-negative. Received: .* the entry -1.5"),
        (np.ones((2, 3)), r"`adjacency` must be a square matrix .* adjacency.shape=\(2, 3\)"),
        (np.zeros((0, 0)), r"at least one node. Received: adjacency.shape=\(0, 0\)"),
    ],
    ids=["nan", "inf", "negative", "not-square", "empty"],
)
def test_bad_adjacency(function, adjacency, message, sparse):
    with pytest.raises(ValueError, match=message):
        function(sp.csr_array(adjacency) if sparse else adjacency)


@every_function
@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 3)])
def test_adjacency_of_wrong_rank(function, shape):
    with pytest.raises(ValueError, match="`adjacency` must be a square matrix"):
        function(np.ones(shape))


@every_function
@pytest.mark.parametrize("adjacency", [[["a"]], np.ones((2, 2), complex), [[None]]])
def test_adjacency_must_be_numeric(function, adjacency):
    with pytest.raises(TypeError, match="`adjacency` must hold real .* adjacency.dtype="):
        function(adjacency)


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
    with pytest.raises(ValueError, match=f"`{name}` must be .*(above 0|1e-100). Received: {name}="):
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
    with pytest.raises(ValueError, match=f"`K` must be at least 1 and .* Received: K={K}"):
        chebyshev_polynomials(PATH, K)


@pytest.mark.parametrize("K", [2.0, "3", None, True])
def test_number_of_chebyshev_terms_must_be_an_integer(K):
    with pytest.raises(TypeError, match="`K` must be an integer. Received: K="):
        chebyshev_polynomials(PATH, K)


def test_chebyshev_operator_is_checked_but_may_be_negative():
    assert_array_equal(chebyshev_polynomials(NEGATIVE, 2)[1], NEGATIVE)
    with pytest.raises(ValueError, match="`operator` must be finite. .* the entry nan"):
        chebyshev_polynomials(NAN, 2)
    with pytest.raises(ValueError, match="`operator` must be a square matrix"):
        chebyshev_polynomials(np.ones(3), 2)


@pytest.mark.parametrize("wrap", [np.asarray, sp.csr_array])
def test_bad_distances(wrap):
    with pytest.raises(ValueError, match="`distances` must be free of NaN.* Use `np.inf`"):
        gaussian_kernel(wrap(NAN))
    with pytest.raises(ValueError, match="`distances` must be non-negative. .*the entry -1.5"):
        gaussian_kernel(wrap(NEGATIVE))
    with pytest.raises(ValueError, match="`distances` must be a square matrix"):
        gaussian_kernel(wrap(np.ones((2, 3))))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([0, 1], [1]), r"equal lengths.*source.shape=\(2,\), target.shape=\(1,\)"),
        (([0], [1], [1.0, 2.0]), "must have equal lengths"),
        (
            ([0, 3], [1, 1], None, 3),
            "`source` must be below `num_nodes`=3. .* the entry 3",
        ),
        (([0], [4], None, 3), "`target` must be below `num_nodes`=3. .* the entry 4"),
        (([-1], [1]), "`source` must be non-negative. .* the entry -1. Number the"),
        (([1], [-2]), "`target` must be non-negative. .* the entry -2. Number the"),
        (([[0]], [[1]]), r"`source` must have shape \(edges,\). Received: source.shape=\(1, 1\)"),
        (([0], [1], [-1.0]), "`weights` must be non-negative. .* the entry -1.0"),
        (([0], [1], [np.nan]), "`weights` must be finite. Received: weights with the entry nan"),
        (([0], [1], [np.inf]), "`weights` must be finite. Received: weights with the entry inf"),
        (([], []), "`num_nodes` must be given"),
        (([], [], None, 0), "`num_nodes` must be at least 1 and .* Received: num_nodes=0"),
        (([2, 0, 2], [1, 1, 1], [5, 1, 6]), "Received: weights 5.0 and 6.0 for the edge 2 → 1"),
    ],
)
def test_bad_edges(arguments, message):
    with pytest.raises(ValueError, match=message):
        from_edges(*arguments)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([0.0], [1]), "`source` must hold integers. Received: source.dtype=float64"),
        (([0], ["b"]), "`target` must hold integers"),
        (([True], [1]), "`source` must hold integers. Received: source.dtype=bool"),
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
            "`k` must be at least 1 and below the number of points, 4. Rec.*k=4",
        ),
        (np.ones((4, 2)), 0, ValueError, "`k` must be at least 1 and below .* 4. Rec.*k=0"),
        (np.ones((1, 2)), 1, ValueError, "`k` must be .* below the number of points, 1"),
        (np.ones((4, 2)), 1.0, TypeError, "`k` must be an integer"),
        (np.ones(4), 1, ValueError, r"`points` must have shape \(nodes, dimensions\)"),
        (np.ones((4, 0)), 1, ValueError, r"`points` must have shape \(nodes, dimensions\)"),
        (
            [[0.0], [np.nan]],
            1,
            ValueError,
            "`points` must be finite. .* the entry nan",
        ),
        ([["a"], ["b"]], 1, TypeError, "`points` must hold real numbers"),
    ],
)
def test_bad_points(points, k, error, message):
    with pytest.raises(error, match=message):
        knn_graph(points, k)


def test_bad_networkx_graphs():
    with pytest.raises(TypeError, match="must be a networkx graph. .* type ndarray. Use"):
        from_networkx(PATH)
    with pytest.raises(ValueError, match="`graph` must have at least one node"):
        from_networkx(nx.Graph())
    with pytest.raises(ValueError, match="`graph` must .*non-negative .* -1 at the edge .0, 1"):
        from_networkx(nx.Graph([(0, 1, {"weight": -1})]))
    with pytest.raises(TypeError, match="`graph` must .*number .* None at the edge .0, 1"):
        from_networkx(nx.Graph([(0, 1, {"weight": None})]))


@pytest.mark.parametrize(
    "signals, options, error, message",
    [
        ([[0.0, np.nan, 1.0]], {}, ValueError, "`signals` must be finite. .* the entry nan"),
        ([[0.0, np.inf, 1.0]], {}, ValueError, "`signals` must be finite. .* the entry inf"),
        ([["a", "b"]], {}, TypeError, "`signals` must hold real numbers"),
        (np.ones(3), {}, ValueError, r"shape \(samples, nodes\) .* signals.shape=\(3,\)"),
        (np.ones((5, 1)), {}, ValueError, r"two nodes. Received: signals.shape=\(5, 1\)"),
        (np.ones((0, 5)), {}, ValueError, r"two nodes. Received: signals.shape=\(0, 5\)"),
        (PATH, {"k": 0}, ValueError, "`k` must .* below the number of nodes, 3. .*k=0"),
        (PATH, {}, ValueError, "`k` must .* below the number of nodes, 3. .*k=7"),
        (PATH, {"k": 1.0}, TypeError, "`k` must be an integer"),
        (PATH, {"k": 1, "num_neighbors": 3}, ValueError, "`num_neighbors` must .* 3. .*=3"),
        (PATH, {"k": 1, "num_neighbors": 0}, ValueError, "`num_neighbors` must .* 3. .*=0"),
        (PATH, {"k": 1, "num_neighbors": "2"}, TypeError, "`num_neighbors` must be an integer"),
        (PATH, {"bandwidth": "Local"}, ValueError, '"local", "global" or .*bandwidth=\'Local\''),
        (PATH, {"bandwidth": 0}, ValueError, "`bandwidth` must be finite and at least 1e-100"),
        (PATH, {"bandwidth": -1.0}, ValueError, "`bandwidth` must be .*Received: bandwidth=-1.0"),
        (PATH, {"bandwidth": np.nan}, ValueError, "`bandwidth` must be finite and at least 1e-100"),
        (PATH, {"bandwidth": None}, TypeError, "`bandwidth` must be a number"),
    ],
)
def test_bad_signals(signals, options, error, message):
    with pytest.raises(error, match=message):
        estimate_graph(signals, **options)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"levels": 0}, ValueError, "`levels` must be at least 1. Received: levels=0"),
        ({"levels": 1.0}, TypeError, "`levels` must be an integer. Received: levels=1.0"),
        ({"pool_size": 1}, ValueError, "`pool_size` must be a power of 2 .*pool_size=1"),
        ({"pool_size": 0}, ValueError, "`pool_size` must be a power of 2 .*pool_size=0"),
        ({"pool_size": 6}, ValueError, "`pool_size` must be a power of 2 .*pool_size=6"),
        ({"pool_size": 2.0}, TypeError, "`pool_size` must be an integer"),
    ],
)
def test_bad_coarsening(options, error, message):
    with pytest.raises(error, match=message):
        coarsen(PATH, **{"levels": 1, **options})
