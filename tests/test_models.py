"""What holds for every model, checked one by one over cases as data, and laws of their graphs."""

import inspect
import json
import zipfile

import keras
import numpy as np
import pytest
import scipy.sparse
from cases import adjacency, as_numpy, dense, laplacian, predict, randomize, relabelled
from conftest import on_fastest
from keras import ops
from model_cases import (
    CASES,
    FEW,
    STATIC,
    B,
    astgcn,
    copy_weights,
    inputs_of,
    make,
    model_of,
    stgcn,
)
from numpy_layers import assert_close

from stgkeras import models

STATE = {"graph", "clusters", "places", "kwargs"}  # not in the config
every_model = pytest.mark.parametrize("name", CASES)


@every_model
def test_output_shape_and_range(name):
    model, shape = model_of(name), CASES[name][2]
    assert model.output_shape == (None, *shape)
    y = predict(model, inputs_of(model))
    assert y.shape == (B, *shape)
    assert np.isfinite(y).all()
    assert np.abs(y[0] - y[1]).max() > 1e-4
    if "links" in name:
        assert y.min() >= 0 and y.max() <= 1
        is_symmetric = np.allclose(y, y.swapaxes(1, 2), atol=1e-6)
        assert is_symmetric != model.directed


@every_model
def test_config_keys_are_the_arguments(name):
    model = model_of(name)
    signature = set(inspect.signature(type(model)).parameters)
    assert set(model.get_config()) == signature - STATE | {"name", "trainable", "dtype"}


@pytest.mark.parametrize("name", on_fastest(list(CASES), FEW))
def test_a_saved_model_keeps_class_graph_and_predictions(name, tmp_path):
    model = model_of(name)
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as file:
        config = file.read("config.json").decode()
    assert len(config) < 3000
    if name in STATIC:
        entries = [f"{abs(entry):.4f}" for entry in dense(model.graph).flat if entry % 1]
        assert entries and not any(entry in config for entry in entries)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    if name in STATIC:
        assert scipy.sparse.issparse(loaded.graph) == scipy.sparse.issparse(model.graph)
        np.testing.assert_array_equal(dense(loaded.graph), dense(model.graph))
    else:
        assert not loaded.graph
    inputs = inputs_of(model)
    assert_close(predict(loaded, inputs), predict(model, inputs))


@pytest.mark.parametrize("name", on_fastest(STATIC, [name for name in FEW if name in STATIC]))
def test_a_model_from_config_refuses_to_predict_until_its_graph_is_set(name):
    model = model_of(name)
    config = json.loads(json.dumps(model.get_config()))
    copy = type(model).from_config(config)
    graph_weights = {v.path for v in copy.get_layer("static_graph").variables}
    for ours, theirs in zip(copy.variables, model.variables, strict=True):
        if ours.path not in graph_weights:
            ours.assign(ops.convert_to_numpy(theirs.value))
    inputs = inputs_of(model)
    with pytest.raises(ValueError, match="Set `model.graph = …`"):
        copy.predict(inputs)
    copy.graph = model.graph
    np.testing.assert_array_equal(dense(copy.graph), dense(model.graph))
    assert_close(predict(copy, inputs), predict(model, inputs))


FLOAT = "stgcn stgcn-gcn-gtu astgcn astgcn-dot-additive stgcn-links astgcn-links-directed"
FITS = dict.fromkeys(FLOAT.split(), "float32") | dict.fromkeys(
    ["stgcn-step", "astgcn-components"], "mixed_bfloat16"
)


FITTED = on_fastest(list(FITS), ["stgcn-gcn-gtu", "astgcn-dot-additive", *list(FITS)[5:7]])


@pytest.mark.parametrize("name, policy", [(name, FITS[name]) for name in FITTED], ids=FITTED)
def test_one_step_of_fit_moves_every_weight(name, policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = make(name)
    finally:
        keras.config.set_dtype_policy("float32")
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    before = [as_numpy(v.value) for v in model.trainable_variables]
    graph = dense(model.graph) if name in STATIC else None
    x = inputs_of(model, batch=4)
    y = np.random.default_rng(1).uniform(0, 1, (4, *CASES[name][2])).astype("float32")
    if not getattr(model, "directed", True):
        y = (y + y.swapaxes(1, 2)) / 2
    model.compile("adam", "mse")
    assert np.isfinite(model.fit(x, y, batch_size=4, verbose=0).history["loss"]).all()
    for variable, value in zip(model.trainable_variables, before, strict=True):
        after = as_numpy(variable.value)
        assert np.isfinite(after).all() and (after != value).any(), variable.path
    if name in STATIC:
        np.testing.assert_array_equal(dense(model.graph), graph)
    forecast = model.predict_on_batch(x)
    assert forecast.dtype == "float32" and np.isfinite(forecast).all()


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_a_training_step_is_traced_once(method, monkeypatch):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow alone traces again what has created variables")
    model, traces = make("stgcn"), []
    model.compile("adam", "mse", metrics=[keras.metrics.MeanAbsoluteError()])
    step = model.train_step
    monkeypatch.setattr(model, "train_step", lambda data: traces.append(1) or step(data))
    y = np.ones((4, *CASES["stgcn"][2]), "float32")
    getattr(model, method)(inputs_of(model, batch=4), y)
    assert len(traces) == 1


@pytest.mark.parametrize(
    "cls, count", [(models.STGCNLinkPredictor, 757_116), (models.ASTGCNLinkPredictor, 53_003)]
)
def test_parameter_counts_of_the_defaults(cls, count):
    assert sum(np.prod(v.shape) for v in cls().trainable_variables) == count


@pytest.mark.parametrize("name", ["stgcn", "astgcn"])
def test_setting_the_graph_equals_building_with_it(name):
    cls, arguments, _ = CASES[name]
    model = make(name)
    inputs = inputs_of(model)
    other = laplacian()[::-1, ::-1]
    expected = predict(copy_weights(model, cls(**{**arguments, "graph": other})), inputs)
    before = predict(model, inputs)
    model.graph = scipy.sparse.csr_array(other)  # a dense model takes either form
    np.testing.assert_array_equal(model.graph, other.astype("float32"))
    after = predict(model, inputs)
    assert_close(after, expected)
    assert np.abs(after - before).max() > 1e-3


@pytest.mark.parametrize("name", ["stgcn-sparse", "astgcn-dot-additive"])
def test_a_sparse_model_equals_a_dense_one(name):
    cls, arguments, _ = CASES[name]
    model = model_of(name)
    full = copy_weights(model, cls(**{**arguments, "graph": laplacian(), "num_edges": None}))
    x = inputs_of(model)
    assert_close(predict(model, x), predict(full, x))


def test_adapt_works_in_original_units():
    cls, arguments, _ = CASES["stgcn-normalize"]
    scaled = make("stgcn-normalize")
    plain = cls(**{**arguments, "graph": laplacian(), "normalize": False})
    copy_weights(scaled, plain)
    x = inputs_of(scaled) * np.float32([3.0, 0.5]) + np.float32([20.0, -4.0])
    scaled.adapt(x)
    mean, std = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    expected = predict(plain, (x - mean) / std) * std[0] + mean[0]
    assert_close(predict(scaled, x), expected)


@pytest.mark.parametrize("name", ["stgcn", "astgcn", "astgcn-sample-additive"])
def test_relabelling_the_nodes_relabels_the_forecast(name):
    order = np.array([2, 4, 0, 1, 3])
    model, moved = model_of(name), make(name)
    inputs = inputs_of(model)
    for ours, theirs in zip(moved.trainable_variables, model.trainable_variables, strict=True):
        ours.assign(relabelled(ours.name, as_numpy(theirs.value), order))
    if name in STATIC:
        moved.graph = model.graph[order][:, order]
        moved_inputs = inputs[:, :, order]
    else:
        graph = inputs["graph"][:, order][:, :, order]
        moved_inputs = {"x": inputs["x"][:, :, order], "graph": graph}
    expected = predict(model, inputs)[:, :, order]
    assert_close(predict(moved, moved_inputs), expected)


STEPS = {  # arguments, steps whose graph matters at all, and to the second block
    "stgcn": (
        stgcn(input_length=8, block_filters=((4, 3, 5), (5, 3, 4)), kernel_size=2, dropout=0.0),
        [1, 2, 3, 4, 5, 6, 7],
        [3, 4, 5, 6, 7],
    ),
    "astgcn": (astgcn(num_blocks=2, time_stride=2), [0, 1, 2, 3, 4, 5], [0, 2, 4]),
}


@pytest.mark.parametrize("name", STEPS)
def test_graphs_of_the_right_steps_are_used(name):
    (cls, arguments, _), of_all, of_second_block = STEPS[name]
    model = cls(**arguments, dynamic_graph="step")
    randomize(model, seed=3)
    steps = model.input_length
    inputs = {k: np.repeat(v, steps + 1, axis=0) for k, v in inputs_of(model, batch=1).items()}
    for t in range(steps):
        inputs["graph"][t, t] = adjacency()  # sample t has another graph at step t

    def steps_that_matter():
        y = predict(model, inputs)
        return [t for t in range(steps) if np.abs(y[t] - y[-1]).max() > 1e-4]

    assert steps_that_matter() == of_all
    kernel = model.get_layer("block1_graph").kernel
    first_term = np.eye(kernel.shape[0])[0][:, None, None]  # block 1 no longer sees the graph
    kernel.assign(first_term * as_numpy(kernel.value))
    assert steps_that_matter() == of_second_block


def test_components_are_added_up_with_learned_weights():
    model = make("astgcn-components")
    kernel = model.get_layer("fusion").kernel
    assert list(model.input_length) == ["recent", "weekly"]  # the order of the weights
    weights, inputs = as_numpy(kernel.value), inputs_of(model)
    total = predict(model, inputs)
    parts = []
    for only in (0, 1):
        kernel.assign(np.eye(2)[only][:, None, None, None] * np.ones_like(weights))
        parts.append(predict(model, inputs))
    assert_close(total, weights[0] * parts[0] + weights[1] * parts[1])
    assert_close(predict(model, {**inputs, "recent": 2.0 * inputs["recent"]}), parts[1])
