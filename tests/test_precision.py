"""Every model trains in half precision almost as in float32, and its file keeps the precision."""

import functools

import keras
import numpy as np
import pytest
from cases import as_numpy, predict
from conftest import on_fastest
from model_cases import CASES, copy_weights, inputs_of, make

from stgkeras import layers

EACH_CLASS = {cls: name for name, (cls, _, _) in reversed(CASES.items())}.values()
NAMES = (
    *EACH_CLASS,
    *("stgcn-gcn-gtu", "stgcn-step", "astgcn-dot-additive", "astgcn-components"),
    *("astgcn-sample-additive", "graph-wavenet-sparse", "stid-season", "staeformer-season"),
    *("stgcn-links-pairwise", "astgcn-links-pairwise", "smooth-scnn", "chebnet-nodes"),
)
FEW = [("astgcn-dot-additive", "mixed_bfloat16"), ("fast", "mixed_float16")]
STEPS = 3
# bfloat16 keeps 8 bits of a number and float16 keeps 11. Three steps through a few layers add up to
# less than 20 roundings.
POLICIES = {"mixed_bfloat16": 20 * 2.0**-8, "mixed_float16": 20 * 2.0**-11}
PAIRS = [(name, policy) for name in NAMES for policy in POLICIES]


def without_dropout(name, **kwargs):
    model = make(name, **kwargs)
    for layer in model._flatten_layers(include_self=False):
        for rate in ("rate", "dropout"):
            if isinstance(getattr(layer, rate, None), float):
                setattr(layer, rate, 0.0)
    return model


def data_of(model):
    rng = np.random.default_rng(1)
    if hasattr(model, "num_classes"):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return inputs_of(model), rng.integers(0, 3, (3, *model.output_shape[1:-1])), loss
    y = rng.uniform(0, 1, (3, *model.output_shape[1:])).astype("float32")
    is_symmetric = not getattr(model, "directed", True)
    return inputs_of(model), (y + y.swapaxes(1, 2)) / 2 if is_symmetric else y, "mse"


def training(model):
    """Returns the losses of the first steps that change weights.

    Keras skips a step of which the scaled gradients exceed float16, and halves the scale.
    """
    x, y, loss = data_of(model)
    model.compile(keras.optimizers.Adam(1e-2), loss)
    inner, found = getattr(model.optimizer, "inner_optimizer", model.optimizer), []
    for _ in range(20):
        loss = float(model.train_on_batch(x, y))
        if int(inner.iterations) > len(found):
            found.append(loss)
        if len(found) == STEPS:
            break
    return np.array(found)


@functools.cache
def in_float32(name):
    """Returns the initial weights, and the losses."""
    model = without_dropout(name)
    return model.get_weights(), training(model)


def policies(model):
    inputs = keras.layers.InputLayer
    return [layer.dtype_policy.name for layer in model.layers if not isinstance(layer, inputs)]


@pytest.mark.parametrize("name, policy", on_fastest(PAIRS, FEW))
def test_trains_and_is_saved(name, policy, tmp_path):
    weights, wanted = in_float32(name)
    model = without_dropout(name, dtype=policy)
    model.set_weights(weights)
    found = training(model)
    np.testing.assert_allclose(found, wanted, rtol=POLICIES[policy])
    assert all(np.isfinite(as_numpy(variable.value)).all() for variable in model.variables)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.dtype_policy.name == policy and policies(loaded) == policies(model)
    assert policy in policies(loaded)
    x, y, _ = data_of(model)
    forecast = predict(model, x)
    assert forecast.dtype == np.float32 and np.isfinite(forecast).all()
    np.testing.assert_array_equal(predict(loaded, x), forecast)
    is_scaled = isinstance(loaded.optimizer, keras.optimizers.LossScaleOptimizer)
    assert is_scaled == (policy == "mixed_float16")


@pytest.mark.parametrize("kind", [layers.ScaledLaplacian, layers.RenormalizedAdjacency])
def test_degrees_beyond_float16(kind):
    """Neither the weights of this graph nor their sums fit float16."""
    adjacency = 7e4 * np.random.default_rng(0).uniform(size=(2, 5, 5)).astype("float32")
    found = kind(dtype="mixed_float16")(adjacency)
    assert keras.backend.standardize_dtype(found.dtype) == "float16"
    np.testing.assert_allclose(as_numpy(found), as_numpy(kind()(adjacency)), atol=1e-3)


def test_products_beyond_float16():
    """Queries and keys of a signal without a scaler fit float16, their products do not."""
    x = 300 * np.random.default_rng(0).normal(size=(2, 12, 20, 1)).astype("float32")
    full, half = (
        layers.TemporalAttention(score="dot", dtype=policy)
        for policy in ("float32", "mixed_float16")
    )
    full(x), half(x)
    copy_weights(full, half)
    found = as_numpy(half(x))
    assert np.isfinite(found).all()
    assert np.abs(found - as_numpy(full(x))).mean() < 0.03 * np.abs(x).max()
