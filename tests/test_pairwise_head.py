"""The pairwise head of link predictors, in NumPy, pair by pair."""

import keras
import numpy as np
import pytest
from cases import as_numpy, predict
from model_cases import inputs_of, make
from numpy_layers import assert_close, sigmoid

from stgkeras import models


def dense(x, layer):
    kernel, *bias = (as_numpy(v.value).astype("float64") for v in layer.trainable_variables)
    return x @ kernel + (bias[0] if bias else 0.0)


@pytest.mark.parametrize("name", ["stgcn-links-pairwise", "astgcn-links-pairwise"])
def test_each_pair_by_itself(name):
    model = make(name)
    inputs = inputs_of(model)
    layer = model.get_layer
    body = keras.Model(model.input, layer("pair_factor").input)
    states = predict(body, inputs).astype("float64")  # (B, N, …), with the nodes' vectors
    if model.node_units:
        vectors = as_numpy(layer("node_embedding").embeddings.value)
        assert_close(states[..., -2:], np.broadcast_to(vectors, states[..., -2:].shape))
    receives, sends = ("", "_source") if model.directed else ("", "")
    logits = np.zeros((len(states), model.num_nodes, model.num_nodes))
    for b, n, m in np.ndindex(logits.shape):
        past = np.log1p(inputs["graph"][b, :, n, m])
        if model.num_history:
            past = np.concatenate([past, inputs["history"][b, n, m]])
        target, source = states[b, n], states[b, m]
        product = dense(target, layer(f"pair_factor{receives}"))
        product = product * dense(source, layer(f"pair_factor{sends}"))
        hidden = dense(np.concatenate([product, past]), layer("pair_dense"))
        hidden += dense(target, layer(f"pair_node{receives}"))
        hidden += dense(source, layer(f"pair_node{sends}"))
        joined = np.concatenate([np.maximum(hidden, 0.0), past])
        logits[b, n, m] = dense(joined, layer("output"))[0]
    if not model.directed:
        logits = (logits + logits.swapaxes(1, 2)) / 2
    assert_close(predict(model, inputs), sigmoid(logits))


def test_untrained_it_thinks_links_rare():
    model = models.STGCNLinkPredictor(4, input_length=5, num_blocks=1, decoder="pairwise")
    nothing = {key: np.zeros((1, *tensor.shape[1:])) for key, tensor in model.input.items()}
    np.testing.assert_allclose(predict(model, nothing), 0.01, rtol=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_history": 2}, '`num_history` must be 0 without decoder="pairwise"'),
        ({"node_units": 2}, '`node_units` must be 0 without decoder="pairwise"'),
        ({"decoder": "pairwise", "num_history": -1}, "`num_history` must be an integer of at le"),
        ({"decoder": "pairs"}, "`decoder` must be one of 'plain', 'pairwise'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        models.STGCNLinkPredictor(4, **arguments)
