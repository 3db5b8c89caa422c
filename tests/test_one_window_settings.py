"""The compiled call of one window equals `predict`, in all dtypes and after changes of the model.

The session `settings` runs this file on TensorFlow without oneDNN.
"""

import keras
import numpy as np
import pytest
from conftest import on_fastest
from model_cases import inputs_of, make

from stgkeras.forecasting.one_window import compiled_call

NAMES = ("graph-stid", "stgcn-season", "stgcn-sparse", "astgcn-dot-additive", "graph-wavenet")
POLICIES = {"float32": 1e-5, "mixed_bfloat16": 2e-2, "mixed_float16": 3e-3, "float64": 1e-5}


def one(x, sample):
    return keras.tree.map_structure(lambda array: array[sample : sample + 1], x)


def check(call, model, x, tolerance=1e-5):
    for sample in (0, 1, 2, 0):  # the first call compiles, and a later one may do so again
        wanted = model.predict(one(x, sample), verbose=0)
        found = call(one(x, sample))
        assert isinstance(found, np.ndarray) and found.dtype == wanted.dtype
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize("policy", POLICIES)
def test_policies(policy):
    model = make("graph-stid", dtype=policy)
    check(compiled_call(model), model, inputs_of(model), POLICIES[policy])


@pytest.mark.parametrize("name", on_fastest(NAMES[1:], NAMES[3:]))
def test_models(name):
    model = make(name)
    check(compiled_call(model), model, inputs_of(model))


def test_missing_readings():
    """NaN in a signal: TensorFlow's kernels treat it in different ways."""
    model = make("stgcn-season")
    x = inputs_of(model)
    x["x"][:, 1, 2] = np.nan
    check(compiled_call(model), model, x)
    assert np.isfinite(model.predict(x, verbose=0)).all()


def test_the_global_policy_of_a_later_time_has_no_effect():
    model = make("graph-stid")
    call, x = compiled_call(model), inputs_of(model)
    wanted = model.predict(one(x, 0), verbose=0)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found = [call(one(x, 0)) for _ in range(3)]
    finally:
        keras.config.set_dtype_policy(before)
    for forecast in found:
        np.testing.assert_allclose(forecast, wanted, rtol=1e-5, atol=1e-6)


def test_inputs_of_another_type_and_number():
    model = make("graph-stid")
    call, x = compiled_call(model), inputs_of(model)
    wanted = model.predict(x, verbose=0)
    for given in (x.astype("float64"), x, np.asfortranarray(x), x[:2], x):
        np.testing.assert_allclose(call(given), wanted[: len(given)], rtol=1e-5, atol=1e-5)


def test_new_weights_and_a_new_graph():
    model = make("stgcn-sparse")
    call, x = compiled_call(model), inputs_of(model)
    check(call, model, x)
    first = call(one(x, 0))
    model.set_weights([w * 0.9 if w.dtype.kind == "f" else w for w in model.get_weights()])
    check(call, model, x)
    model.graph = np.eye(model.num_nodes)
    check(call, model, x)
    full = np.random.default_rng(1).normal(size=(model.num_nodes,) * 2) / 20
    model.graph = np.tril(full, -1) + np.tril(full, -1).T  # more edges than there was room for
    check(call, model, x)
    assert np.abs(call(one(x, 0)) - first).max() > 1e-4
