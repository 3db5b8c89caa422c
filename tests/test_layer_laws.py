"""Laws that the values of layers obey: of graphs in other forms, of nodes, of neighbourhoods."""

import keras
import numpy as np
import numpy_layers
import pytest
from built_layers import SCORES, B, F, N, T, X, attention, built, directed
from cases import evaluate, relabelled, weights_of
from gradients import gradients
from keras import ops
from numpy_layers import assert_close, normal

from stgkeras import layers

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
def test_an_unset_graph_is_refused_or_makes_every_node_nan(name, num_edges):
    holder, more = layers.StaticGraph(N, num_edges=num_edges), more_inputs(name)
    call = built(GRAPH_LAYERS[name](), [X, directed(), *more])
    with pytest.raises(ValueError, match="`graph` must be given before the model is used"):
        call(X, holder(X), *more)
    if keras.backend.backend() != "jax":
        return
    x, y = (keras.Input(batch_shape=a.shape) for a in (X, more[0] if more else X))
    inputs = [x, y] if more else x
    model = keras.Model(inputs, call(x, holder(x), *([y] if more else [])))  # cannot refuse
    assert np.isnan(model.predict([X, *more] if more else X, batch_size=len(X), verbose=0)).all()
