"""Every layer against NumPy written from the papers, and the laws that its values obey."""

import functools

import keras
import numpy as np
import numpy_layers
import pytest
from cases import NODES, adjacency, evaluate, randomize, relabelled, weights_of
from gradients import gradients
from keras import ops
from numpy_layers import assert_close, normal

from stgkeras import graphs, layers

B, T, N, F = 2, 4, NODES, 3
SCORES = {"return_attention_scores": True}
directed = functools.partial(numpy_layers.directed_operators, N)
rank = pytest.mark.parametrize("leading", [(), (B,), (B, T)], ids=["rank2", "rank3", "rank4"])


def attention():
    return numpy_layers.softmax(normal(B, N, N), axis=-1)


def built(layer, arrays, **call):
    """The layer as a function of arrays, built for them and with random weights."""
    symbols = keras.tree.map_structure(
        lambda a: keras.Input(batch_shape=a.shape, dtype=str(a.dtype)), arrays
    )
    layer(*symbols, **call)
    randomize(layer)
    return functools.partial(layer, **call)


def compare(layer, arrays, expected, **call):
    ours = evaluate(built(layer, arrays, **call), *arrays)
    doubles = keras.tree.map_structure(lambda a: a.astype("float64"), arrays)
    keras.tree.map_structure(assert_close, ours, expected(*doubles, **weights_of(layer)))


X = normal(B, T, N, F)


@rank
@pytest.mark.parametrize("attended", [False, True], ids=["plain", "attention"])
@pytest.mark.parametrize("K", [1, 4])
def test_cheb_conv(leading, attended, K):
    arrays = [X, directed(*leading), *([attention()] if attended else [])]
    compare(layers.ChebConv(4, K, use_bias=K > 1), arrays, numpy_layers.cheb_conv)


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


def test_bilinear_temporal_attention():
    layer = layers.TemporalAttention()
    compare(layer, [X], numpy_layers.bilinear_temporal_attention, **SCORES)


@pytest.mark.parametrize("heads", [1, 3])
def test_dot_temporal_attention(heads):
    layer = layers.TemporalAttention("dot", heads, key_dim=4)
    compare(layer, [X], numpy_layers.dot_temporal_attention, **SCORES)


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


@pytest.mark.parametrize("axis", [-1, (-2, -1)], ids=["features", "nodes-features"])
@pytest.mark.parametrize("center, scale", [(True, True), (True, False), (False, True)])
def test_layer_normalization(axis, center, scale):
    layer = layers.CenteredLayerNormalization(axis, 1e-3, center=center, scale=scale)
    expected = functools.partial(numpy_layers.layer_norm, axes=axis, epsilon=1e-3)
    compare(layer, [X], expected)


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


GRAPH_LAYERS = {
    "cheb": lambda: layers.ChebConv(4, K=3),
    "cheb-attention": lambda: layers.ChebConv(4, K=3),
    "graph-conv-narrower": lambda: layers.GraphConv(2),
    "graph-conv-wider": lambda: layers.GraphConv(4),
    "additive": lambda: layers.SpatialAttention("additive", units=4),
}
graph_layer = pytest.mark.parametrize("name", GRAPH_LAYERS)


def more_inputs(name):
    return [attention()] if name == "cheb-attention" else []


@graph_layer
@pytest.mark.parametrize(
    "leading, shared",
    [((), True), ((B,), False), ((B, T), True)],
    ids=["rank2", "rank3-own-index", "rank4-shared-index"],
)
def test_a_sparse_operator_equals_the_dense_one(name, leading, shared):
    dense = directed(*leading)
    operator = numpy_layers.sparse_form(dense, shared)
    more = more_inputs(name)
    layer = GRAPH_LAYERS[name]()
    call = built(layer, [X, dense, *more])
    expected = evaluate(call, X, dense, *more)
    cotangent = normal(*expected.shape)

    def of_dense(x, graph):
        y = call(x, graph, *map(ops.convert_to_tensor, more))
        return ops.sum(ops.multiply(y, cotangent))

    def of_sparse(x, value):
        graph = {"index": ops.convert_to_tensor(operator["index"]), "value": value}
        return of_dense(x, graph)

    assert_close(evaluate(call, X, operator, *more), expected)
    _, (x_expected, graph_expected) = gradients(of_dense, [X, dense])
    _, (x_found, value_found) = gradients(of_sparse, [X, operator["value"]])
    assert_close(x_found, x_expected)
    assert_close(value_found, numpy_layers.entries(graph_expected, operator["index"]))


@graph_layer
def test_one_graph_a_sample_equals_a_loop_over_samples(name):
    arrays = [X, directed(B), *more_inputs(name)]
    call = built(GRAPH_LAYERS[name](), arrays)
    together = evaluate(call, *arrays)
    for b in range(B):
        x, graph, *more = (array[b : b + 1] for array in arrays)
        assert_close(evaluate(call, x, graph[0], *more), together[b : b + 1])


@pytest.mark.parametrize("name", [name for name in GRAPH_LAYERS if name != "additive"])
def test_one_graph_a_step_equals_a_loop_over_steps(name):
    graph, more = directed(B, T), more_inputs(name)
    call = built(GRAPH_LAYERS[name](), [X, graph, *more])
    together = evaluate(call, X, graph, *more)
    for t in range(T):
        assert_close(evaluate(call, X[:, t : t + 1], graph[:, t], *more), together[:, t : t + 1])


ATTENTIONS = {
    "temporal-bilinear": layers.TemporalAttention,
    "temporal-dot": lambda: layers.TemporalAttention("dot", 2, key_dim=4),
    "spatial-bilinear": layers.SpatialAttention,
}


@pytest.mark.parametrize("name", GRAPH_LAYERS | ATTENTIONS)
def test_relabelling_the_nodes_relabels_the_output(name):
    order = np.array([2, 4, 0, 1, 3])
    make = (GRAPH_LAYERS | ATTENTIONS)[name]
    arrays = [X, directed(B), *more_inputs(name)] if name in GRAPH_LAYERS else [X]
    moved = [X[:, :, order], *(matrix[:, order][:, :, order] for matrix in arrays[1:])]
    first, second = make(), make()
    expected = evaluate(built(first, arrays), *arrays)
    call = built(second, moved)
    for variable, value in zip(second.variables, weights_of(first).values(), strict=True):
        variable.assign(relabelled(variable.name, value, order))
    found = evaluate(call, *moved)
    is_matrix = expected.ndim == 3
    assert_close(found, expected[:, order][:, :, order] if is_matrix else expected[:, :, order])
    assert np.abs(found - expected).max() > 0.01 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["additive", *ATTENTIONS])
def test_rows_of_attention_sum_to_one(name):
    arrays = [X, directed(B)] if name == "additive" else [X]
    temporal = name.startswith("temporal")
    call = built((GRAPH_LAYERS | ATTENTIONS)[name](), arrays, **(SCORES if temporal else {}))
    scores = evaluate(call, *arrays)
    scores = scores[1] if temporal else scores
    assert scores.min() >= 0
    np.testing.assert_allclose(scores.sum(axis=-1), 1.0, rtol=1e-6)


def test_one_chebyshev_term_ignores_the_graph():
    call = built(layers.ChebConv(4, K=1), [X, directed()])
    unset = np.full((N, N), np.nan, "float32")
    assert_close(evaluate(call, X, unset), evaluate(call, X, directed()))


@pytest.mark.parametrize("K", [1, 2, 3, 4])
def test_a_node_depends_on_exactly_its_neighbourhood(K):
    path = np.eye(N, k=1, dtype="float32")  # node n receives from node n + 1
    path[0, 4] = 0.5
    x = np.repeat(normal(1, 1, N, F), N + 1, axis=0)
    for m in range(N):
        x[m, :, m] += 1.0
    y = evaluate(built(layers.ChebConv(4, K), [x, path]), x, path)
    for n in range(N):
        moved = [m for m in range(N) if np.abs(y[m, :, n] - y[-1, :, n]).max() > 1e-4]
        assert moved == numpy_layers.hops(path, n, K - 1)


@pytest.mark.parametrize("name", ["cheb", "cheb-attention", "graph-conv-narrower"])
@pytest.mark.parametrize("num_edges", [None, 3], ids=["dense", "sparse"])
def test_an_unset_graph_makes_every_node_nan(name, num_edges):
    holder, more = layers.StaticGraph(N, num_edges=num_edges), more_inputs(name)
    call = built(GRAPH_LAYERS[name](), [X, directed(), *more])
    assert np.isnan(evaluate(lambda x, *more: call(x, holder(x), *more), X, *more)).all()
