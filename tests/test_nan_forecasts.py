"""A forecast of NaN where a reading is there is an error of NaN: in metrics and in losses."""

import keras
import numpy as np
import pytest
from conftest import on_fastest

from stgkeras import losses, metrics

SHAPE = (8, 3, 4, 1)
TRUTH = np.random.default_rng(0).uniform(1, 9, SHAPE).astype("float32")
MISSING = (2, 1, 3, 0)
TRUTH[MISSING] = np.nan
METRICS = [
    metrics.MaskedMeanAbsoluteError,
    metrics.MaskedRootMeanSquaredError,
    metrics.MaskedMeanAbsolutePercentageError,
]
LOSSES = [losses.MaskedMeanAbsoluteError, losses.MaskedMeanSquaredError, losses.MaskedHuber]


def forecast(place=None):
    found = np.nan_to_num(TRUTH) + 1
    if place is not None:
        found[place] = np.nan
    return found


@pytest.mark.parametrize("cls", METRICS)
@pytest.mark.parametrize("options", [{}, {"step": 2}, {"null_value": 0.0}])
def test_metrics(cls, options):
    metric = cls(**options)
    metric.update_state(TRUTH, forecast((5, 1, 0, 0)))
    assert np.isnan(float(metric.result()))
    metric.update_state(TRUTH, forecast())
    assert np.isnan(float(metric.result()))
    metric.reset_state()
    metric.update_state(TRUTH, forecast(MISSING))
    assert np.isfinite(float(metric.result()))


@pytest.mark.parametrize("cls", LOSSES)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum"])
def test_losses(cls, reduction):
    loss = cls(reduction=reduction)
    assert np.isnan(float(loss(TRUTH, forecast((5, 1, 0, 0)))))
    assert np.isfinite(float(loss(TRUTH, forecast(MISSING))))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled(jit_compile):
    if jit_compile and keras.backend.backend() == "torch":
        pytest.skip("fit does not compile on torch by default")
    model = keras.Sequential([keras.Input(SHAPE[1:]), keras.layers.Dense(1)])
    kinds = [(cls, options) for options in ({}, {"step": 2}) for cls in METRICS]
    kinds = on_fastest(kinds, [*kinds[:2], kinds[5]])
    compiled = [kind(name=f"m{i}", **options) for i, (kind, options) in enumerate(kinds)]
    model.compile(keras.optimizers.SGD(0.0), LOSSES[0](), metrics=compiled, jit_compile=jit_compile)
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    evaluate = {"batch_size": 4, "verbose": 0, "return_dict": True}
    logs = model.evaluate(forecast((5, 1, 0, 0)), TRUTH, **evaluate)
    assert np.isnan(list(logs.values())).all(), logs
    logs = model.evaluate(forecast(MISSING), TRUTH, **evaluate)
    assert np.isfinite(list(logs.values())).all(), logs
    logs = model.fit(forecast((5, 1, 0, 0)), TRUTH, verbose=0).history
    assert np.isnan(list(logs.values())).all(), logs
