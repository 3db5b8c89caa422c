"""Every layer against NumPy written from the papers; its laws are in test_layer_laws.py."""

import functools

import keras
import numpy as np
import numpy_layers
import numpy_zoo
import pytest
from built_layers import SCORES, B, F, N, T, X, attention, built, directed
from cases import adjacency, evaluate, randomize, weights_of
from gradients import gradients
from keras import ops
from numpy_layers import assert_close, normal

from stgkeras import datasets, graphs, layers

rank = pytest.mark.parametrize("leading", [(), (B,), (B, T)], ids=["rank2", "rank3", "rank4"])


def compare(layer, arrays, expected, **call):
    ours = evaluate(built(layer, arrays, **call), *arrays)
    doubles = keras.tree.map_structure(lambda a: a.astype("float64"), arrays)
    keras.tree.map_structure(assert_close, ours, expected(*doubles, **weights_of(layer)))


@rank
@pytest.mark.parametrize("attended", [False, True], ids=["plain", "attention"])
@pytest.mark.parametrize("K", [1, 4])
@pytest.mark.parametrize("filters", [2, 3, 4], ids=["narrower", "same", "wider"])
def test_cheb_conv(leading, attended, K, filters):
    arrays = [X, directed(*leading), *([attention()] if attended else [])]
    compare(layers.ChebConv(filters, K, use_bias=K > 1), arrays, numpy_layers.cheb_conv)


def test_activation():
    layer = layers.ChebConv(4, K=2, activation="relu")
    compare(layer, [X, directed()], lambda *a, **w: np.maximum(0, numpy_layers.cheb_conv(*a, **w)))


@rank
@pytest.mark.parametrize("filters", [2, 4], ids=["narrower", "wider"])
def test_graph_conv(leading, filters):
    compare(layers.GraphConv(filters), [X, directed(*leading)], numpy_layers.graph_conv)


def test_adaptive_adjacency():
    compare(layers.AdaptiveAdjacency(4), [X[:, 0]], numpy_layers.adaptive_adjacency)


def test_node_embedding():
    compare(layers.NodeEmbedding(4), [X[:, 0]], numpy_layers.node_embedding)


@pytest.mark.parametrize("axis, heads", [("time", 2), ("nodes", 1), ("time", 1), ("nodes", 4)])
def test_axial_attention(axis, heads):
    x = np.random.default_rng(0).normal(size=(2, 5, 3, 4)).astype("float32")
    layer = layers.AxialAttention(heads, axis)
    compare(layer, [x], lambda x, **w: numpy_zoo.axial_attention(x, axis, heads, **w))
    with pytest.raises(ValueError, match="`num_heads` must divide"):
        layers.AxialAttention(3, axis)(x)


@pytest.mark.parametrize("K", [1, 3])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_diffusion_conv(K, is_sparse):
    """A directed graph with a node that receives from none: both walks."""
    roads = np.random.default_rng(0).random((5, 5)) * (np.arange(5) < 3)[:, None]
    walks = [graphs.random_walk(one).astype("float32") for one in (roads, roads.T)]
    x = np.random.default_rng(1).normal(size=(2, 6, 5, 3)).astype("float32")
    layer = layers.DiffusionConv(4, K)
    given = walks
    if is_sparse:
        entries = [np.nonzero(walk) for walk in walks]
        given = [
            {"index": np.stack(place).astype("int32"), "value": walk[place]}
            for walk, place in zip(walks, entries, strict=True)
        ]
    layer.build(x.shape, [(5, 5)] * 2)
    randomize(layer)
    kernel, bias = (ops.convert_to_numpy(one) for one in layer.weights)
    expected = numpy_zoo.diffusion_conv(x, walks, K, kernel=kernel, bias=bias)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(x, given)), expected, rtol=1e-4, atol=1e-5
    )
    with pytest.raises(ValueError, match="`operators` must be a list of at least one"):
        layers.DiffusionConv(4, K)(x, walks[0])


def test_adaptive_embedding():
    compare(layers.AdaptiveEmbedding(4), [X], numpy_zoo.adaptive_embedding)


def test_calendar_embedding():
    """Every step of a day of 288, as fractions in float32, on each day of the week."""
    times = np.datetime64("2024-01-01", "m") + 5 * np.arange(7 * 288)
    calendar = datasets.calendar(times).reshape(7, 288, 2)
    compare(layers.CalendarEmbedding(288, 3, 2), [calendar], numpy_zoo.calendar_embedding)


@pytest.mark.parametrize("gate", ["glu", "gtu"])
@pytest.mark.parametrize(
    "residual, filters",
    [("align", 5), ("align", 3), ("align", 2), ("conv", 2), (None, 5)],
    ids=["align-up", "align-same", "align-down", "conv", "none"],
)
def test_gated_temporal_conv(gate, residual, filters):
    layer = layers.GatedTemporalConv(filters, 3, gate=gate, residual=residual)
    expected = functools.partial(numpy_layers.gated_temporal_conv, gate=gate, residual=residual)
    compare(layer, [X], expected)


def test_dilated_gated_temporal_conv():
    """A kernel with zeros between its steps."""
    layer = layers.GatedTemporalConv(4, 2, "gtu", None, dilation_rate=3)

    def expected(x, *, kernel, bias):
        spread = np.zeros((4, *kernel.shape[1:]))
        spread[::3] = kernel
        own = {"kernel": spread, "bias": bias}
        return numpy_layers.gated_temporal_conv(x, gate="gtu", residual=None, **own)

    compare(layer, [X], expected)
    with pytest.raises(ValueError, match="`residual` must be None with a dilation"):
        layers.GatedTemporalConv(4, 2, dilation_rate=2)


def test_bilinear_temporal_attention():
    layer = layers.TemporalAttention()
    compare(layer, [X], numpy_layers.bilinear_temporal_attention, **SCORES)


@pytest.mark.parametrize("heads", [1, 3])
def test_dot_temporal_attention(heads):
    layer = layers.TemporalAttention("dot", heads, key_dim=4)
    compare(layer, [X], numpy_layers.dot_temporal_attention, **SCORES)


@pytest.mark.parametrize("score", ["bilinear", "dot"])
def test_temporal_scores_alone(score):
    attend = getattr(numpy_layers, f"{score}_temporal_attention")
    call = {"return_attention_scores": "only"}
    compare(layers.TemporalAttention(score), [X], lambda *a, **w: attend(*a, **w)[1], **call)


def test_bilinear_spatial_attention():
    compare(layers.SpatialAttention(), [X], numpy_layers.bilinear_spatial_attention)


@pytest.mark.parametrize(
    "K, leading",
    [(1, ()), (2, ()), (3, ()), (3, (B,)), (2, (B, T))],
    ids=["self", "one-hop", "two-hops", "two-hops-rank3", "one-hop-rank4"],
)
def test_additive_spatial_attention(K, leading):
    layer = layers.SpatialAttention("additive", K=K, units=4, negative_slope=0.3)
    expected = functools.partial(numpy_layers.additive_spatial_attention, K=K, slope=0.3)
    compare(layer, [X, directed(*leading)], expected)


def test_additive_spatial_attention_of_large_readings_stays_with_the_neighbours():
    layer = layers.SpatialAttention("additive", K=2, units=4)
    arrays = [-1e6 * np.abs(X), directed()]
    attend = built(layer, arrays)
    layer.set_weights([np.ones_like(weight) for weight in layer.get_weights()])
    attention = evaluate(attend, *arrays)  # of scores from -1e6 downwards
    for node in range(N):
        near = numpy_layers.hops(arrays[1], node, 1)
        np.testing.assert_allclose(attention[:, node, near].sum(axis=-1), 1.0, rtol=1e-6)


@pytest.mark.parametrize("axis", [-1, (-2, -1)], ids=["features", "nodes-features"])
@pytest.mark.parametrize("center, scale", [(True, True), (True, False), (False, True)])
def test_layer_normalization(axis, center, scale):
    layer = layers.CenteredLayerNormalization(axis, 1e-3, center=center, scale=scale)
    expected = functools.partial(numpy_layers.layer_norm, axes=axis, epsilon=1e-3)
    compare(layer, [X], expected)


@pytest.mark.parametrize("axis", [-1, (-2, -1)], ids=["features", "nodes-features"])
def test_layer_normalization_of_compiled_predictions(axis):
    signal = keras.Input(X.shape[1:])
    layer = layers.CenteredLayerNormalization(axis, 1e-3)
    model = keras.Model(signal, built(layer, [X])(signal))
    expected = numpy_layers.layer_norm(
        X.astype("float64") + 100.0, **weights_of(layer), axes=axis, epsilon=1e-3
    )
    for batch in (len(X), 1):
        found = model.predict(X + np.float32(100.0), batch_size=batch, verbose=0)
        assert np.abs(found - expected).max() < 1e-4


def test_layer_normalization_keeps_its_digits_beside_a_large_mean():
    deviation = np.tile(np.array([1.0, -2.0, 2.0, 0.0, -1.0]), (B, T, N, 1))
    layer = layers.CenteredLayerNormalization(epsilon=0.0)
    found = evaluate(built(layer, [deviation]), (4096.0 + deviation).astype("float32"))
    weights = weights_of(layer)
    assert_close(found, weights["gamma"] * deviation / np.sqrt(2.0) + weights["beta"])


def test_component_fusion():
    compare(layers.ComponentFusion(), [[X, X**2, X - 1.0]], numpy_layers.component_fusion)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("features", [2, F], ids=["first-two", "all"])
def test_standard_scaler(inverse, features):
    expected = functools.partial(numpy_layers.standard_scaler, inverse=inverse)
    compare(layers.StandardScaler(F), [X[..., :features]], expected, inverse=inverse)


def test_standard_scaler_takes_its_state_from_training_values():
    values = np.stack([np.arange(6.0), np.full(6, 4.0)], axis=-1).reshape(2, 3, 2)
    scaler = layers.StandardScaler(2)
    scaler.adapt(values)
    # Variance of 0 … 5 is 35 / 12; a feature that never changes is only moved to 0.
    expected = np.stack([(np.arange(6.0) - 2.5) / np.sqrt(35 / 12), np.zeros(6)], axis=-1)
    assert_close(evaluate(scaler, values.astype("float32")), expected.reshape(2, 3, 2))
    back = evaluate(lambda y: scaler(scaler(y), inverse=True), values.astype("float32"))
    assert_close(back, values)


def some_adjacencies():
    """Undirected with an isolated node, directed, one that sends only, without edges."""
    sends_only = adjacency()
    sends_only[0] = 0.0
    return np.stack([adjacency(), np.abs(directed()), sends_only, np.zeros((N, N))]).astype(
        "float32"
    )


@pytest.mark.parametrize("lambda_max", [2.0, 1.5])
def test_scaled_laplacian_of_each_graph(lambda_max):
    batch = some_adjacencies()
    ours = evaluate(layers.ScaledLaplacian(lambda_max), batch)
    for found, matrix in zip(ours, batch.astype("float64"), strict=True):
        assert_close(found, numpy_layers.scaled_laplacian(matrix, lambda_max))
        assert_close(found, graphs.scaled_laplacian(matrix, lambda_max=lambda_max))


def test_renormalized_adjacency_of_each_graph():
    batch = some_adjacencies()
    batch[:, 1, 1] = 0.5  # a self loop that stays as it is
    ours = evaluate(layers.RenormalizedAdjacency(), batch)
    for found, matrix in zip(ours, batch.astype("float64"), strict=True):
        assert_close(found, numpy_layers.renormalized_adjacency(matrix))
        assert_close(found, graphs.renormalized_adjacency(matrix))


@pytest.mark.parametrize("name", ["ScaledLaplacian", "RenormalizedAdjacency"])
def test_gradients_of_a_normalisation_are_finite_at_isolated_nodes(name):
    layer = getattr(layers, name)()
    cotangent = normal(4, N, N)
    _, (gradient,) = gradients(
        lambda a: ops.sum(ops.multiply(layer(a), cotangent)), [some_adjacencies()]
    )
    assert np.isfinite(gradient).all()
    assert np.abs(gradient[0, :4, :4]).min() > 0
