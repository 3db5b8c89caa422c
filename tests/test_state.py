"""A model whose graph, clusters, scaler or season was never given refuses to work."""

import functools
import json

import keras
import numpy as np
import pytest
from cases import NODES, laplacian
from model_cases import inputs_of, make
from test_classifiers import pooled_model

from stgkeras import layers, models

METADATA = dict.fromkeys(("data", "split", "scaler", "seed", "command", "versions", "metrics"), "")
# The layers that hold state, of each model, and what the message says to do.
GRAPH, SCALER = "Set `model.graph = …`", "Call `model.adapt"
HOLDERS = {
    "stgcn": {"static_graph": GRAPH},
    "stgcn-sparse": {"static_graph": GRAPH},
    "astgcn-dot-additive": {"static_graph": GRAPH},
    "astgcn-season": {"static_graph": GRAPH, "scaler": SCALER, "level": SCALER},
    "stgcn-normalize": {"scaler": SCALER},
    "stgcn-links-directed": {"static_graph": GRAPH, "scaler": SCALER},
    "scnn": {"static_graph": GRAPH},
    "patchstg": {"static_patches": "set `model.patches = …`"},
    "chebnet-pooled": {"static_graph_1": GRAPH, "clusters_0": "Set `model.clusters = …`"},
}
PAIRS = [(name, layer) for name, layers in HOLDERS.items() for layer in layers]


@functools.cache
def full(name):
    return pooled_model("chebnet-sparse") if name == "chebnet-pooled" else make(name)


def without(model, missing):
    """The model from its config, with all its weights but those of one layer."""
    copy = type(model).from_config(json.loads(json.dumps(model.get_config())))
    for ours, theirs in zip(copy.layers, model.layers, strict=True):
        if ours.name != missing:
            ours.set_weights(theirs.get_weights())
    return copy


@pytest.mark.parametrize("name, missing", PAIRS)
def test_every_way_in_is_refused_until_the_state_is_there(name, missing, tmp_path):
    model, remedy = full(name), HOLDERS[name][missing]
    copy, x = without(model, missing), inputs_of(model)
    y = np.zeros((3, *model.output_shape[1:]), "float32")
    copy.compile("sgd", "mse")
    ways = {
        "predict": lambda: copy.predict(x, verbose=0),
        "predict_on_batch": lambda: copy.predict_on_batch(x),
        "fit": lambda: copy.fit(x, y, verbose=0),
        "train_on_batch": lambda: copy.train_on_batch(x, y),
        "evaluate": lambda: copy.evaluate(x, y, verbose=0),
        "test_on_batch": lambda: copy.test_on_batch(x, y),
        "export": lambda: copy.export(tmp_path / "exported"),
        "preset": lambda: copy.save_to_preset(tmp_path / "preset", METADATA),
    }
    before = copy.get_weights()
    for way in ways.values():
        with pytest.raises(ValueError) as error:
            way()
        assert remedy in str(error.value) and f"layer '{missing}'" in str(error.value)
    assert not list(tmp_path.iterdir())
    for old, new in zip(before, copy.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert all(np.isfinite(weight).all() for weight in before)  # NaN is not equal to itself
    copy.set_weights(model.get_weights())  # known again, without another word
    assert np.isfinite(copy.predict(x, verbose=0)).all()
    copy.set_weights(before)
    with pytest.raises(ValueError, match="must be given"):
        copy.predict(x, verbose=0)


@pytest.mark.parametrize("name", ["stgcn", "stgcn-sparse", "stgcn-season"])
def test_what_is_known_travels_in_weights_files(name, tmp_path):
    model = make(name)
    model.save_weights(tmp_path / "all.weights.h5")
    copy = type(model).from_config(model.get_config())
    copy.load_weights(tmp_path / "all.weights.h5")
    x = inputs_of(model)
    np.testing.assert_allclose(copy.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-5)
    empty = type(model).from_config(model.get_config())
    empty.save(tmp_path / "empty.keras")
    with pytest.raises(ValueError, match="must be given"):
        keras.models.load_model(tmp_path / "empty.keras").predict(x, verbose=0)


def test_no_variable_was_added_for_it():
    model = make("astgcn-season")
    assert len(model.get_layer("static_graph").weights) == 1
    assert len(model.get_layer("scaler").weights) == 2


@pytest.mark.parametrize("num_edges", [None, 4])
def test_a_plain_keras_model_refuses_too_where_it_can(num_edges):
    x = keras.Input((NODES, 1))
    holder = layers.StaticGraph(NODES, num_edges=num_edges)
    graph_conv = layers.GraphConv(2, activation="relu")
    model = keras.Model(x, keras.layers.ReLU()(graph_conv(x, holder(x))))
    values = np.ones((2, NODES, 1), "float32")
    with pytest.raises(ValueError, match="Set `model.graph = …` or `layer.graph = …`"):
        model(values)
    if keras.backend.backend() == "jax":  # where `predict` cannot read what it traces
        assert np.isnan(model.predict(values, verbose=0)).all()
    else:
        with pytest.raises(ValueError, match="Set `model.graph = …` or `layer.graph = …`"):
            model.predict(values, verbose=0)
    holder.graph = np.eye(NODES)[[0, 1, 2, 3, 3]] if num_edges is None else np.diag([1.0] * 4 + [0])
    if keras.backend.backend() == "tensorflow":
        model.make_predict_function(force=True)
    assert np.isfinite(model.predict(values, verbose=0)).all()


def test_restored_weights_and_callbacks_within_fit_know_the_state():
    model = make("stgcn")
    x = inputs_of(model)
    y = np.zeros((3, *model.output_shape[1:]), "float32")
    model.compile("sgd", "mse")
    seen = []
    look = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.predict(x, verbose=0)),
    )
    stop = keras.callbacks.EarlyStopping("loss", patience=0, mode="max", restore_best_weights=True)
    model.fit(x, y, epochs=3, verbose=0, callbacks=[look, stop])
    assert np.isfinite(seen).all() and np.isfinite(model.predict(x, verbose=0)).all()


def test_attention_scores_and_roll_outs_refuse():
    model = models.ASTGCN(NODES, input_length=6, num_blocks=1, horizon=2)
    x = np.zeros((2, 6, NODES, 1), "float32")
    with pytest.raises(ValueError, match="`graph` must be given"):
        models.attention_scores(model, x)
    with pytest.raises(ValueError, match="`graph` must be given"):
        models.forecast(model, x, 2)
    model.graph = laplacian()
    x[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="`x` must hold finite numbers"):
        models.attention_scores(model, x)


def test_state_of_nan_is_unset():
    """As in files of 0.1.0."""
    model = make("stgcn")
    graph = model.get_layer("static_graph")
    graph.set_weights([np.full((NODES, NODES), np.nan)])
    with pytest.raises(ValueError, match="`graph` must be given"):
        model.predict(inputs_of(model), verbose=0)


def test_a_plain_keras_model_trains_with_a_scaler_that_is_known():
    scaler = layers.StandardScaler(1)
    scaler.adapt(np.arange(6.0).reshape(3, 2, 1))
    model = keras.Sequential([keras.Input((2, 1)), scaler, keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.ones((4, 2, 1), "float32")
    assert np.isfinite(model.fit(x, x, verbose=0).history["loss"]).all()


@pytest.mark.parametrize("name", ["stgcn", "stgcn-sparse", "stgcn-normalize"])
def test_state_that_is_taken_away_again_is_missed(name):
    model = make(name)
    x = inputs_of(model)
    model(x)
    model.set_weights(type(model).from_config(model.get_config()).get_weights())
    with pytest.raises(ValueError, match="must be given before the model is used"):
        model(x)
