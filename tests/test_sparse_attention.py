"""Attention over the pairs of nodes within K - 1 hops, against plain NumPy over all pairs."""

import h5py
import keras
import numpy as np
import numpy_layers
import pytest
import scipy.sparse
from cases import evaluate, predict, randomize, weights_of
from gradients import gradients
from keras import ops
from model_cases import copy_weights
from numpy_layers import assert_close, normal

from stgkeras import layers, models

N, K = 6, 3
X = normal(2, 4, N, 3)


def directed():
    """Not symmetric; node 5 hears nobody, and nobody hears node 0."""
    matrix = np.zeros((N, N), "float32")
    links = [(0, 1, 0.5), (1, 2, -0.3), (2, 1, 0.4), (2, 2, 0.2), (3, 4, 0.7), (4, 1, -0.6)]
    for row, column, value in links:
        matrix[row, column] = value
    return matrix


def hub():
    """Node 0 and all others hear each other."""
    matrix = np.zeros((N, N), "float32")
    matrix[0, 1:], matrix[1:, 0] = normal(5), 0.3
    return matrix


GRAPHS = {"directed": directed(), "hub": hub()}
graphs = pytest.mark.parametrize("graph", GRAPHS.values(), ids=list(GRAPHS))


def held(graph, K, room=0):
    layer = layers.StaticTerms(N, K, graph=scipy.sparse.csr_array(graph))
    return layers.StaticTerms(N, K, graph=graph, num_edges=layer.num_edges + room)


def near(graph, K):
    """(N, N), whether they are within K - 1 hops, and at least those that hear directly."""
    found = np.zeros((N, N), bool)
    for node in range(N):
        found[node, numpy_layers.hops(graph, node, max(1, K - 1))] = True
    return found


@graphs
@pytest.mark.parametrize("K", [1, 2, 3, 4])
def test_terms_stand_on_the_pairs_within_reach(graph, K):
    layer = held(graph, K, room=2)
    found = {key: ops.convert_to_numpy(value) for key, value in layer(X).items()}
    index, terms = found["index"][:, :-2], found["terms"][:, :-2]
    assert sorted(map(tuple, index.T)) == sorted(zip(*near(graph, K).nonzero(), strict=True))
    assert not found["terms"][:, -2:].any()
    for term, expected in zip(
        terms, numpy_layers.chebyshev_polynomials(graph.astype("float64"), K), strict=True
    ):
        assert_close(term, expected[tuple(index)])
    np.testing.assert_array_equal(layer.graph.toarray(), graph)


@graphs
@pytest.mark.parametrize("K", [1, 2, 3])
def test_additive_attention_and_the_convolution_it_weights(graph, K):
    terms, attend = held(graph, K, room=3), layers.SpatialAttention("additive", K=K, units=4)
    conv, pairs = layers.ChebConv(5, K), terms(X)
    conv(X, pairs, attend(X, pairs))
    randomize(attend)
    randomize(conv)
    scores = evaluate(lambda x: attend(x, terms(x)), X)
    dense = np.stack([matrix.toarray() for matrix in terms.matrices(scores)])
    double, operator = X.astype("float64"), graph.astype("float64")
    weights = weights_of(attend)
    expected = numpy_layers.additive_spatial_attention(double, operator, K=K, slope=0.2, **weights)
    assert_close(dense, expected)
    found = evaluate(lambda x: conv(x, terms(x), attend(x, terms(x))), X)
    assert_close(found, numpy_layers.cheb_conv(double, operator, expected, **weights_of(conv)))


@graphs
def test_gradients_are_those_of_the_dense_form(graph):
    terms, attend = held(graph, K, room=1), layers.SpatialAttention("additive", K=K, units=4)
    conv = layers.ChebConv(2, K)
    conv(X, graph, attend(X, graph))
    randomize(attend)
    randomize(conv)
    cotangent = normal(2, 4, N, 2)

    def of(form):
        def function(x):
            return ops.sum(ops.multiply(conv(x, form(x), attend(x, form(x))), cotangent))

        return gradients(function, [X])

    value, (found,) = of(terms)
    expected_value, (expected,) = of(lambda x: ops.convert_to_tensor(graph))
    assert_close(value, expected_value)
    assert_close(found, expected)


def test_scores_far_below_those_of_other_rows_do_not_vanish():
    # exp(-200) is 0: what a node hears must be compared with what it hears, not with all.
    graph = np.diag(np.full(N - 1, 0.5, "float32"), k=1)
    terms, attend = held(graph, 2), layers.SpatialAttention("additive", K=2, units=1)
    x = np.linspace(-400, 400, N, dtype="float32").reshape(1, 1, N, 1)
    attend(x, terms(x))
    attend.kernel.assign(np.ones((1, 1)))
    attend.attention_kernel.assign(np.ones((2, 1)))
    (matrix,) = terms.matrices(evaluate(lambda x: attend(x, terms(x)), x))
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-6)


def test_a_model_holds_no_matrix_of_all_pairs():
    path = scipy.sparse.diags_array([np.ones(299)] * 2, offsets=(-1, 1)).tocsr() * 0.5
    model = models.ASTGCN(
        300, graph=path, spatial_score="additive", spatial_filters=2, temporal_filters=2
    )
    assert model.num_edges == 300 + 2 * 299 + 2 * 298
    assert max(np.prod(v.shape) for v in model.weights) < 10_000
    outputs = keras.tree.flatten([layer.output for layer in model.layers])
    assert all(tuple(tensor.shape[-2:]) != (300, 300) for tensor in outputs)


def test_attention_over_all_nodes_is_that_of_a_dense_graph():
    ring = np.roll(np.eye(30, dtype="float32"), 1, axis=1) * -0.5
    sizes = {"input_length": 4, "spatial_filters": 32, "temporal_filters": 32, "horizon": 2}
    held = models.ASTGCN(30, graph=scipy.sparse.csr_array(ring), **sizes)
    dense = models.ASTGCN(30, graph=ring, **sizes)
    assert held.num_edges == 3 * 30 and dense.num_edges is None
    randomize(held)
    copy_weights(held, dense)
    x, y = normal(4, 4, 30, 1), normal(4, 2, 30, 1)
    before = predict(held, x)
    assert_close(before, predict(dense, x))
    for model in (held, dense):  # batches whose size `fit` leaves open
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(x, y, batch_size=2, shuffle=False, verbose=0)
    assert_close(predict(held, x), predict(dense, x))
    assert np.abs(predict(held, x) - before).max() > 1e-3


def test_a_file_that_holds_no_terms_is_refused(tmp_path):
    graph = scipy.sparse.csr_array(hub())
    older = keras.Sequential([keras.Input((4, N, 3)), layers.StaticGraph(N, graph=graph)])
    older.save_weights(tmp_path / "older.weights.h5")
    pairs = keras.Sequential([keras.Input((4, N, 3)), layers.StaticTerms(N, 1, graph=graph)])
    with pytest.raises(ValueError, match="must hold the Chebyshev terms .* Create the model"):
        with h5py.File(tmp_path / "older.weights.h5") as file:
            pairs.layers[0].load_own_variables(file["layers/static_graph/vars"])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"K": 0, "num_edges": 5}, "`K` must be an integer of at least 1. Received: K=0"),
        ({"K": 2}, "`num_edges` must be given without a `graph`. Received: num_edges=None"),
        (
            {"K": 2, "graph": np.eye(3)[:2]},
            r"`graph` must be square. Received: graph.shape=\(2, 3\)",
        ),
        ({"K": 2, "graph": np.eye(4)}, r"`graph` must have shape \(num_nodes, num_nodes\)"),
        ({"K": 3, "graph": hub()[:3, :3], "num_edges": 8}, "at most `num_edges`=8 entries"),
    ],
)
def test_bad_input(kwargs, message):
    with pytest.raises(ValueError, match=message):
        layers.StaticTerms(3, **kwargs)
