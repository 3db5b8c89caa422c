"""GraphSTID against NumPy, as a whole."""

import keras
import numpy as np
import numpy_layers
import pytest
from cases import laplacian, predict, weights_of
from conftest import on_fastest
from model_cases import inputs_of, make
from numpy_layers import assert_close

from stgkeras.graphs import partition
from stgkeras.models import GraphSTID


def dense(x, *, kernel, bias):
    return x @ kernel + bias


def relu(x):
    return np.maximum(x, 0.0)


def test_the_model_in_numpy():
    model = make("graph-stid")
    inputs = inputs_of(model)
    of = {layer.name: weights_of(layer) for layer in model.layers}
    graph = laplacian().astype("float64")

    x = np.stack([[sample[:, node].ravel() for node in range(5)] for sample in inputs])
    x = dense(numpy_layers.node_embedding(x, **of["node_embedding"]), **of["input_dense"])
    learned = numpy_layers.adaptive_adjacency(x, **of["adjacency"])
    for block in ("block1", "block2"):
        own = relu(dense(x, **of[f"{block}_dense"]))
        as_step = own[:, None]  # the NumPy convolutions have a time axis
        near = numpy_layers.cheb_conv(as_step, graph, **of[f"{block}_graph"])[:, 0]
        far = numpy_layers.graph_conv(as_step, learned, **of[f"{block}_adaptive"])[:, 0]
        joined = np.concatenate([own, relu(near), relu(far)], axis=-1)
        x = x + dense(joined, **of[f"{block}_output"])
    y = dense(x, **of["output"]).reshape(len(inputs), 5, 2, 2)
    assert_close(predict(model, inputs), y.transpose(0, 2, 1, 3))


@pytest.mark.skipif(on_fastest(False, True), reason="tests the hops, the same on each backend")
def test_a_part_with_its_halo_forecasts_what_the_whole_does():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 6, 40, 1)).astype("float32")
    graph = np.roll(np.eye(40), 1, axis=1) - 0.5 * np.roll(np.eye(40), -1, axis=1)
    sizes = {"input_length": 6, "horizon": 2, "units": 4, "num_blocks": 2, "adaptive_units": 0}
    whole = GraphSTID(40, graph=graph, K=2, **sizes)
    gaps = []
    for hops in (1, 2):  # a block reaches K - 1 = 1
        found = partition(graph, 4, hops=hops)
        inner, nodes = found.inner[1], np.append(found.inner[1], found.halo[1])
        part = GraphSTID(len(nodes), graph=graph[np.ix_(nodes, nodes)], K=2, **sizes)
        for own, all_nodes in zip(part.weights, whole.weights, strict=True):
            value = keras.ops.convert_to_numpy(all_nodes)
            for axis, size in enumerate(own.shape):
                value = value if size == value.shape[axis] else value.take(nodes, axis)
            own.assign(value)
        gap = predict(part, x[:, :, nodes])[:, :, : len(inner)] - predict(whole, x)[:, :, inner]
        gaps.append(abs(gap).max())
    assert gaps[1] < 1e-5 < 1e-3 < gaps[0]


def test_one_term_ignores_the_given_graph():
    model = make("graph-stid")
    config = model.get_config() | {"K": 1, "adaptive_units": 0, "node_units": 0}
    alone = type(model)(**config, graph=laplacian())
    names = {layer.name for layer in alone.layers}
    assert not names & {"node_embedding", "adjacency", "block1_adaptive"}
    x = inputs_of(alone)
    before = predict(alone, x)
    other = x.copy()
    other[:, :, 1:] = 0.0  # the forecast of node 0 depends on itself alone
    assert_close(predict(alone, other)[:, :, 0], before[:, :, 0])
    assert np.abs(predict(alone, other)[:, :, 1] - before[:, :, 1]).max() > 1e-3
