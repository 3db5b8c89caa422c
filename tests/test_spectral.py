"""The layers of the spectral lineage against NumPy, and the laws that tie one to the next."""

import keras
import numpy as np
import numpy_layers
import pytest
import scipy.interpolate
import scipy.sparse
from cases import NODES, adjacency, evaluate, weights_of
from numpy_layers import assert_close, normal
from test_layer_values import built, compare

from stgkeras import graphs, layers

B, T, N, F = 2, 4, NODES, 3
X = normal(B, T, N, F)


def ring(nodes=6):
    """Almost every eigenvalue of its Laplacian is there twice."""
    path = np.eye(nodes, k=1)
    path[-1, 0] = 1.0
    return path + path.T


GRAPHS = {"weighted": adjacency, "ring": ring, "complete": lambda: 1.0 - np.eye(6)}
every_graph = pytest.mark.parametrize("make_graph", GRAPHS.values(), ids=GRAPHS)


def basis_of(matrix, frequencies=None):
    return graphs.fourier_basis(matrix)[1][:, :frequencies].astype("float32")


def with_kernel(layer, arrays, kernel):
    """The layer as a function, with this kernel and a bias of zeros."""
    call = built(layer, arrays)
    layer.kernel.assign(kernel)
    if layer.bias is not None:
        layer.bias.assign(np.zeros(layer.filters))
    return call


@pytest.mark.parametrize("frequencies", [None, 3], ids=["all", "low"])
def test_scnn(frequencies):
    arrays = [X, basis_of(adjacency(), frequencies)]
    compare(layers.SpectralConv(4), arrays, numpy_layers.spectral_conv)


@pytest.mark.parametrize("knots", [2, 3, 4, 7])
def test_smooth_scnn_interpolates_over_the_index_of_the_frequency(knots):
    basis = basis_of(ring(12))
    places = np.linspace(0, 11, knots)

    def expected(x, basis, *, kernel, bias):
        spline = scipy.interpolate.make_interp_spline(places, kernel, k=min(3, knots - 1))
        return numpy_layers.spectral_conv(x, basis, kernel=spline(np.arange(12)), bias=bias)

    compare(layers.SpectralConv(4, knots), [normal(B, 12, F), basis], expected)


@every_graph
def test_as_many_knots_as_frequencies_are_the_free_multipliers(make_graph):
    basis = basis_of(make_graph())
    x = normal(B, len(basis), F)
    smooth, free = layers.SpectralConv(4, num_knots=len(basis)), layers.SpectralConv(4)
    expected = evaluate(built(free, [x, basis]), x, basis)
    assert_close(evaluate(built(smooth, [x, basis]), x, basis), expected)


def test_parameters_of_the_smooth_filter_do_not_grow_with_the_graph():
    counts = []
    for nodes in (8, 64):
        layer = layers.SpectralConv(4, num_knots=6)
        layer.build((None, nodes, F), (nodes, nodes))
        counts.append(layer.count_params())
    assert counts == [6 * F * 4 + 4] * 2


@every_graph
@pytest.mark.parametrize("filters", [2, 4], ids=["narrower", "wider"])
def test_multipliers_that_are_chebyshev_polynomials_give_cheb_conv(make_graph, filters):
    matrix, K = make_graph(), 4
    operator = graphs.scaled_laplacian(matrix, lambda_max=2.0).astype("float32")
    values, vectors = graphs.fourier_basis(matrix)
    x, kernel = normal(B, len(matrix), F), normal(K, F, filters)
    polynomials = np.cos(np.arange(K) * np.arccos(np.clip(values - 1.0, -1, 1))[:, None])
    multipliers = np.einsum("nk,kfg->nfg", polynomials, kernel)
    cheb = with_kernel(layers.ChebConv(filters, K), [x, operator], kernel)
    basis = vectors.astype("float32")
    scnn = with_kernel(layers.SpectralConv(filters), [x, basis], multipliers)
    assert_close(evaluate(scnn, x, basis), evaluate(cheb, x, operator))


@every_graph
def test_graph_conv_is_cheb_conv_of_two_tied_terms(make_graph):
    matrix = make_graph()
    degree = matrix.sum(axis=1)
    scale = np.where(degree > 0, 1 / np.sqrt(np.where(degree > 0, degree, 1.0)), 0.0)
    first_order = (np.eye(len(matrix)) + scale[:, None] * matrix * scale).astype("float32")
    operator = graphs.scaled_laplacian(matrix, lambda_max=2.0).astype("float32")
    x, kernel = normal(B, len(matrix), F), normal(F, 4)
    first = with_kernel(layers.GraphConv(4), [x, first_order], kernel)
    cheb = with_kernel(layers.ChebConv(4, K=2), [x, operator], np.stack([kernel, -kernel]))
    assert_close(evaluate(first, x, first_order), evaluate(cheb, x, operator))


@pytest.mark.parametrize("filters", [2, 4], ids=["kernel-first", "graph-first"])
@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("K", [1, 2, 3])
def test_cheb_conv_hears_its_neighbourhood_and_nothing_else(K, form, filters):
    matrix = np.zeros((9, 9))
    for n, m in [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (2, 6), (6, 7), (7, 8)]:
        matrix[n, m] = matrix[m, n] = 1.0 + n
    operator = graphs.scaled_laplacian(matrix).astype("float32")
    given = numpy_layers.sparse_form(operator) if form == "sparse" else operator
    x = normal(1, 9, F)
    call = built(layers.ChebConv(filters, K), [x, given])
    before = evaluate(call, x, given)
    for n in range(9):
        near = numpy_layers.hops(operator, n, K - 1)
        far = np.setdiff1d(np.arange(9), near)
        moved = x.copy()
        moved[:, far] += 1e3
        # Not one bit of the output changes.
        np.testing.assert_array_equal(evaluate(call, moved, given)[:, n], before[:, n])
        for m in near:
            moved = x.copy()
            moved[:, m] += 1.0
            assert np.abs(evaluate(call, moved, given)[:, n] - before[:, n]).max() > 1e-4


def test_spectral_conv_is_not_localised():
    basis = basis_of(ring(8))
    x = np.concatenate([np.zeros((1, 8, 1)), np.eye(8)[:1, :, None]]).astype("float32")
    y = evaluate(built(layers.SpectralConv(1), [x, basis]), x, basis)
    assert np.abs(y[1] - y[0]).min() > 1e-3  # an impulse at node 0 is heard everywhere


@pytest.mark.parametrize("num_knots", [None, 5])
def test_kernels_are_drawn_for_one_frequency(num_knots):
    layer = layers.SpectralConv(30, num_knots)
    layer.build((None, 50, 20), (50, 50))
    # Glorot: a variance of 2 / (20 inputs + 30 outputs).
    assert weights_of(layer)["kernel"].var() == pytest.approx(2 / 50, rel=0.1)
    assert layer.get_config()["kernel_initializer"]["class_name"] == "GlorotUniform"


@pytest.mark.parametrize("pooling", ["max", "average"])
@pytest.mark.parametrize("shape", [(N, F), (B, T, N, F)], ids=["signal", "series"])
def test_graph_pooling(pooling, shape):
    members = np.array([[4, 0, 0], [1, 2, 3]])
    x = normal(*shape)
    found = evaluate(layers.GraphPooling(pooling), x, members)
    assert_close(found, numpy_layers.graph_pooling(x, members, pooling))


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_pooling_over_coarsened_graphs_keeps_a_constant(pooling):
    coarse = graphs.coarsen(adjacency(), levels=2)
    x = np.tile(np.float32([3.0, -2.0]), (N, 1))
    for members in coarse.clusters:
        x = evaluate(layers.GraphPooling(pooling), x, members)
    np.testing.assert_array_equal(x, np.tile([3.0, -2.0], (len(coarse.clusters[-1]), 1)))


def test_maximum_over_a_small_cluster_is_that_of_its_nodes():
    # Fake nodes of value 0, as the paper has them, would give 0 for negative signals.
    coarse = graphs.coarsen(adjacency(), levels=1)
    x = -1.0 - np.arange(float(N))[:, None].astype("float32")
    pooled = evaluate(layers.GraphPooling(), x, coarse.clusters[0])
    assert pooled.max() < 0
    alone = next(c for c, members in enumerate(coarse.clusters[0]) if len(set(members)) == 1)
    assert pooled[alone] == x[coarse.clusters[0][alone, 0]]


def test_sparse_features_are_the_dense_ones():
    dense = np.where(np.random.default_rng(0).random((N, 7)) < 0.3, normal(N, 7), 0.0)
    entries = graphs.stored_entries(scipy.sparse.csc_array(dense))
    assert entries["index"].shape == (1, 2, np.count_nonzero(dense))
    found = evaluate(layers.SparseFeatures(N, 7), entries)
    np.testing.assert_array_equal(found, dense[None].astype("float32"))


def test_sparse_features_of_a_batch_add_up_where_they_meet():
    entries = {
        "index": np.array([[[0, 1, 0], [2, 0, 2]], [[1, 1, 0], [1, 2, 0]]], "int32"),
        "value": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "float32"),
    }
    expected = np.zeros((2, 2, 3))
    expected[0, 0, 2], expected[0, 1, 0] = 4.0, 2.0
    expected[1, 1, 1], expected[1, 1, 2], expected[1, 0, 0] = 4.0, 5.0, 6.0
    np.testing.assert_array_equal(evaluate(layers.SparseFeatures(2, 3), entries), expected)


def raises(message, error=ValueError):
    return pytest.raises(error, match=message)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: layers.SpectralConv(4, num_knots=1),
            "`num_knots` must be an integer of at least 2",
        ),
        (lambda: layers.GraphPooling("sum"), "`pooling` must be one of 'max', 'average'"),
        (
            lambda: layers.StaticGraph(3, num_frequencies=4),
            "`num_frequencies` must be at most `num_n",
        ),
        (
            lambda: layers.StaticGraph(3, np.ones((3, 3)), num_frequencies=2),
            r"num_frequencies\) = \(",
        ),
        (lambda: layers.StaticClusters(2, 2, [[0, 1]]), r"of shape \(2, 2\). .*shape \(1, 2\)"),
        (lambda: layers.StaticClusters(1, 2, [[0, -1]]), "`clusters` must hold integers from 0"),
        (lambda: layers.StaticClusters(1, 2, [[0.0, 1.0]]), "integers.*dtype float64"),
    ],
)
def test_bad_arguments(make, message):
    with raises(message):
        make()


@pytest.mark.parametrize(
    ("layer", "shapes", "message"),
    [
        (layers.SpectralConv(4), [(None, N, F), (4, 4)], "`basis` must have axes .*the 5 nodes"),
        (layers.SpectralConv(4), [(None, N, F), (N, 6)], "at most 5 frequencies. Received"),
        (
            layers.SpectralConv(4, 5),
            [(None, N, F), (N, 4)],
            "`num_knots` must be at most the 4 fre",
        ),
        (
            layers.GraphPooling(),
            [(None, N, F), (4,)],
            r"`clusters` must have axes \(clusters, pool",
        ),
        (layers.GraphPooling(), [(N,), (2, 2)], r"`x` must have axes \(..., nodes, features\)"),
    ],
)
def test_bad_shapes(layer, shapes, message):
    with raises(message):
        layer(*[keras.Input(batch_shape=shape) for shape in shapes])


def test_bad_entries():
    index, value = keras.Input((2, 4), dtype="int32"), keras.Input((5,))
    with raises("`entries` must hold 'index' .batch, 2, entries. and 'value'"):
        layers.SparseFeatures(N, F)({"index": index, "value": value})
    with raises("must be a SciPy sparse matrix. Received: matrix of type ndarray", TypeError):
        graphs.stored_entries(np.eye(3))
    with raises("`matrix` must be finite"):
        graphs.stored_entries(scipy.sparse.csr_array([[np.nan]]))
