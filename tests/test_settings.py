"""The same numbers under settings that other machines have: batches of one, partial batches, half
precision with quantiles and covariates, strides. The session `settings` runs this file under both
kernels of TensorFlow."""

import functools

import keras
import numpy as np
import pytest
from conftest import on_fastest
from model_cases import inputs_of, make

from stgkeras import losses, models

NAMES = (
    *("stgcn-season", "stgcn-sparse", "graph-stid"),
    *("astgcn-dot-additive", "astgcn-step-stride", "mstgcn"),  # the last have strides 2 and 3
    *("astgcn-links-pairwise", "chebnet", "graph-wavenet"),
)
FEW = ("stgcn-sparse", "graph-stid", "astgcn-dot-additive", "astgcn-step-stride", "mstgcn")
SAMPLES = 5
every_model = pytest.mark.parametrize("name", on_fastest(NAMES, FEW))
full = functools.cache(make)


def data_of(model):
    x = inputs_of(model, batch=SAMPLES)
    if isinstance(model.output_shape[-1], int) and model.name.startswith(("cheb", "gcn")):
        return x, np.zeros((SAMPLES, *model.output_shape[1:-1]), "int32")
    return x, np.full((SAMPLES, *model.output_shape[1:]), 0.5, "float32")


def loss_of(model):
    if model.name.startswith(("cheb", "gcn")):
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return "mse"


@every_model
def test_batches_of_one_and_a_partial_one(name):
    model = full(name)
    x, _ = data_of(model)
    wanted = model.predict(x, batch_size=SAMPLES, verbose=0)
    scale = np.abs(wanted).max()
    for batch_size in (1, 2):
        found = model.predict(x, batch_size=batch_size, verbose=0)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * scale)


STEPS = ["mstgcn", "astgcn-step-stride", "graph-stid"]


@pytest.mark.parametrize("name", on_fastest(STEPS, STEPS[:2]))
def test_a_step_does_not_depend_on_how_samples_are_batched(name):
    """The mean of the gradients of single samples is the gradient of their batch: SGD's steps."""
    model = make(name)
    for layer in model.layers:
        if hasattr(layer, "rate"):
            layer.rate = 0.0
    x, y = data_of(model)
    start = model.get_weights()
    model.compile(keras.optimizers.SGD(1e-2), loss_of(model))

    def steps(parts):
        moves = []
        for part in parts:
            model.set_weights(start)
            model.train_on_batch(keras.tree.map_structure(lambda a, p=part: a[p], x), y[part])
            ended = [keras.ops.convert_to_numpy(v) for v in model.trainable_variables]
            moves.append(ended)
        return [np.mean(weights, axis=0) for weights in zip(*moves, strict=True)]

    whole = steps([slice(None)])
    single = steps([slice(i, i + 1) for i in range(SAMPLES)])
    for ours, theirs in zip(single, whole, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


LEVELS = (0.05, 0.5, 0.95)
ZOO = {
    models.GraphSTID: {"units": 8, "num_blocks": 1},
    models.STGCN: {"block_filters": [(4, 4, 4)], "kernel_size": 2},
    models.ASTGCN: {"num_blocks": 1, "spatial_filters": 4, "temporal_filters": 4},
    models.GraphWaveNet: {"num_blocks": 1, "residual_filters": 4, "adaptive_units": 2},
}
EACH = [(kind, policy) for kind in ZOO for policy in ("mixed_bfloat16", "mixed_float16")]


@pytest.mark.parametrize(
    ("kind", "policy"),
    on_fastest(EACH, EACH[::3]),
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_quantiles_and_covariates_in_half_precision(kind, policy):
    """Forecasts in original units are finite float32 near those of float32, and never cross."""
    rng = np.random.default_rng(0)
    hours = np.arange(24 * 14)
    calendar = np.stack([hours % 24 / 24, hours // 24 % 7], axis=1).astype("float32")
    values = 1000 * rng.normal(5, 1, (len(hours), 3, 1)).astype("float32")
    covariate = rng.normal(size=(len(hours), 1)).astype("float32")
    options = {"graph": np.eye(3)[::-1] * -1.0, "horizon": 2, "quantiles": LEVELS, "season": 24}
    options |= {"past_covariates": 1, "future_covariates": 1, **ZOO[kind]}
    full, half = kind(3, **options), kind(3, **options, dtype=policy)
    full.adapt(values, calendar, past_covariates=covariate, future_covariates=covariate)
    effect = full.get_layer("covariate_effect")  # untrained, it is 0
    effect.set_weights([rng.normal(size=weight.shape) for weight in effect.get_weights()])
    half.set_weights(full.get_weights())
    starts = np.arange(6)[:, None]
    past, ahead = starts + np.arange(12), starts + np.arange(12, 14)
    each = np.repeat(covariate[:, None], 3, axis=1)
    x = {"x": values[past], "calendar": calendar[ahead]}
    x |= {"past_covariates": each[past], "future_covariates": each[ahead]}
    wanted, found = (model.predict(x, verbose=0) for model in (full, half))
    assert found.dtype == np.float32 and found.shape == (6, 2, 3, 1, 3)
    assert np.isfinite(found).all() and (np.diff(found, axis=-1) >= 0).all()
    assert np.abs(found - wanted).mean() < 0.03 * np.abs(wanted - values.mean()).max()
    half.compile(keras.optimizers.Adam(1e-3), losses.QuantileLoss(LEVELS))
    history = half.fit(x, values[ahead], epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all() and np.isfinite(half.predict(x, verbose=0)).all()

    plain = kind(3, **options | {"season": None}, dtype=policy)  # no scaler after the quantiles
    plain.get_layer("covariate_effect").set_weights(effect.get_weights())
    x = {**x, "x": (x["x"] - 5000) / 1000}
    del x["calendar"]
    found = plain.predict(x, verbose=0)
    assert found.dtype == np.float32 and np.isfinite(found).all()
    assert (np.diff(found, axis=-1) >= 0).all()
