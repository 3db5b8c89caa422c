"""GraphSTID against NumPy, as a whole."""

import numpy as np
import numpy_layers
from cases import laplacian, predict, weights_of
from model_cases import inputs_of, make
from numpy_layers import assert_close


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
