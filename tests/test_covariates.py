"""Covariates: the layer against NumPy, windows against slices, and what models gain from them."""

import keras
import numpy as np
import pytest
from conftest import once, slow

from stgkeras import datasets, graphs, layers, losses, models

NODES, HORIZON = 3, 2
GRAPH = graphs.scaled_laplacian(np.ones((NODES, NODES)) - np.eye(NODES))
SMALL = {
    models.GraphSTID: {"units": 8, "num_blocks": 1},
    models.STGCN: {"block_filters": [(4, 4, 4)], "kernel_size": 2},
    models.ASTGCN: {"num_blocks": 1, "spatial_filters": 4, "temporal_filters": 4},
    models.GraphWaveNet: {"num_blocks": 1, "residual_filters": 4, "adaptive_units": 2},
}


def numbers(x):
    return keras.ops.convert_to_numpy(x)


def test_the_layer_is_the_equation_of_its_docstring():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(4, HORIZON, NODES, 2)).astype("float32")
    c = rng.normal(size=(4, HORIZON, NODES, 5)).astype("float32")
    layer = layers.CovariateEffect(units=6, node_units=3)
    np.testing.assert_array_equal(numbers(layer(y, c)), y)  # untrained
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    e, w, b, v, z, zb, s = layer.get_weights()
    expected = np.empty_like(y)
    for k, n in np.ndindex(4, NODES):
        u = (np.concatenate([*c[k, :, n], e[n]]) @ w + b).reshape(HORIZON, 6)
        for t in range(HORIZON):
            h = np.maximum(u[t] + np.concatenate([c[k, t, n], y[k, t, n]]) @ v, 0)
            expected[k, t, n] = y[k, t, n] + h @ z + zb + c[k, t, n] @ s
    np.testing.assert_allclose(numbers(layer(y, c)), expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="`covariates` must have axes"):
        layers.CovariateEffect()(y, c[:, :1])


def series(steps=60, seed=0):
    """Values that follow rain and a tariff that are known ahead, and a past measurement."""
    rng = np.random.default_rng(seed)
    rain = rng.normal(size=(steps, 1)).astype("float32")  # the same for all nodes
    tariff = rng.normal(size=(steps, NODES, 2)).astype("float32")
    values = 50 + 5 * rain[:, None] + 3 * tariff[..., :1] * np.array([1, 2, -1])[:, None]
    return values.astype("float32"), rain, tariff


def test_windows_read_the_rows_of_input_and_target_steps():
    values, rain, tariff = series()
    starts = np.array([0, 7, 20])
    windows = datasets.Windows(
        values,
        values,
        starts,
        input_length=4,
        horizon=HORIZON,
        past_covariates=rain,
        future_covariates=tariff,
    )
    x, _ = windows[0]
    assert set(x) == {"x", "past_covariates", "future_covariates"}
    for w, start in enumerate(starts):
        past = np.repeat(rain[start : start + 4, None], NODES, axis=1)
        np.testing.assert_array_equal(x["past_covariates"][w], past)
        np.testing.assert_array_equal(x["future_covariates"][w], tariff[start + 4 : start + 6])
    length = {"recent": 2, "daily": 2}
    options = {"input_length": length, "horizon": 2, "steps_per_day": 24, "past_covariates": rain}
    both = datasets.Windows(values, values, np.array([30]), **options)[0][0]
    rows = [30, 31, 8, 9]  # the recent steps, then those a day before the target steps
    np.testing.assert_array_equal(both["past_covariates"][0, :, 0, 0], rain[rows, 0])


def test_the_newest_window_takes_covariates_up_to_the_last_step_of_the_forecast():
    values, rain, tariff = series()
    options = {"input_length": 4, "horizon": HORIZON}
    now = len(values) - HORIZON
    x = datasets.latest_window(
        values[:now], **options, past_covariates=rain[:now], future_covariates=tariff
    )
    np.testing.assert_array_equal(x["past_covariates"][0, :, 1], rain[now - 4 : now])
    np.testing.assert_array_equal(x["future_covariates"][0], tariff[now:])
    for wrong in ({"future_covariates": tariff[:now]}, {"past_covariates": rain[: now - 1]}):
        with pytest.raises(ValueError, match="covariates` must have a row for each of the steps"):
            datasets.latest_window(values[:now], **options, **wrong)


@pytest.mark.parametrize("name", ["past_covariates", "future_covariates"])
def test_windows_refuse_covariates_that_do_not_fit(name):
    values, rain, tariff = series()
    late = rain.copy()
    late[-1] = np.nan
    messages = {
        "must hold real numbers": np.full(rain.shape, "a"),
        "must not hold NaN": late,
        "must have equally many steps": rain[:-1],
        r"must have shape \(T, covariates\) or": tariff[:, :2],
    }
    for message, wrong in messages.items():
        with pytest.raises((TypeError, ValueError), match=f"`{name}`.*{message}"):
            datasets.Windows(
                values, values, [0], input_length=4, horizon=2, missing=True, **{name: wrong}
            )


@pytest.mark.parametrize("model_class", SMALL)
@pytest.mark.parametrize("scaling", [{"season": 24}, {"normalize": True}, {}])
def test_models_read_covariates(model_class, scaling, tmp_path):
    """Each covariate changes the forecast, also from a saved file."""
    values, rain, tariff = series()
    calendar = datasets.calendar(np.datetime64("2024-01-01T00", "h") + np.arange(len(values)))
    own = {"graph": GRAPH, "horizon": HORIZON, **SMALL[model_class], **scaling}
    model = model_class(NODES, past_covariates=1, future_covariates=2, **own)
    season = "season" in scaling
    if scaling:
        covariates = {"past_covariates": rain, "future_covariates": tariff}
        model.adapt(values, *[calendar] * season, **covariates)
    effect = model.get_layer("covariate_effect")
    rng = np.random.default_rng(1)
    effect.set_weights([rng.normal(size=weight.shape) for weight in effect.get_weights()])
    signal = values if scaling else (values - 50) / 5  # attention saturates at large numbers
    x = {
        "x": signal[None, :12],
        "past_covariates": np.repeat(rain[None, :12, None], NODES, axis=2),
        "future_covariates": tariff[None, 12:14],
    }
    if season:
        x["calendar"] = calendar[None, 12:14]
    found = model.predict(x, verbose=0)
    assert found.shape == (1, HORIZON, NODES, 1) and np.isfinite(found).all()
    for name in ("past_covariates", "future_covariates"):
        assert np.abs(model.predict({**x, name: x[name] + 1}, verbose=0) - found).max() > 1e-3
        late = {**x, name: np.full_like(x[name], np.nan)}
        with pytest.raises(ValueError, match=name):
            model.predict(late, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), found, rtol=1e-5, atol=1e-5)


def test_covariates_are_standardised_by_training_values():
    values, rain, tariff = series()
    rain = 1000 + 50 * rain
    model = models.GraphSTID(NODES, graph=GRAPH, horizon=2, normalize=True, past_covariates=1)
    with pytest.raises(ValueError, match="`past_covariates` must be given to a model with"):
        model.adapt(values)
    with pytest.raises(ValueError, match=r"`past_covariates` must have shape \(T, 1\)"):
        model.adapt(values, past_covariates=tariff)
    with pytest.raises(ValueError, match="`future_covariates` must be given to .* and to no other"):
        model.adapt(values, past_covariates=rain, future_covariates=tariff)
    model.adapt(values, past_covariates=rain)
    scaler = model.get_layer("past_covariates_scaler")
    assert float(scaler.mean[0]) == pytest.approx(rain.mean(), rel=1e-5)
    assert float(scaler.std[0]) == pytest.approx(rain.std(), rel=1e-4)


@once
@pytest.mark.parametrize("quantiles", [pytest.param(None, marks=slow), (0.1, 0.5, 0.9)])
def test_a_covariate_that_explains_the_target_removes_its_error(quantiles):
    """Readings before tell nothing of those after; the covariates of the steps tell all."""
    values, rain, tariff = series(500)
    both = np.concatenate([np.repeat(rain[:, None], NODES, axis=1), tariff], axis=-1)
    errors = []
    for count, given in ((0, None), (3, both)):
        keras.utils.set_random_seed(0)
        options = {"graph": GRAPH, "horizon": HORIZON, "normalize": True, "quantiles": quantiles}
        options |= SMALL[models.GraphSTID]
        model = models.GraphSTID(NODES, future_covariates=count, dropout=0.0, **options)
        model.adapt(values[:400], **({"future_covariates": given[:400]} if count else {}))
        loss = losses.MaskedMeanAbsoluteError()
        model.compile(
            keras.optimizers.Adam(3e-2), losses.QuantileLoss(quantiles) if quantiles else loss
        )
        train, test = (
            datasets.Windows(
                values,
                values,
                part,
                input_length=12,
                horizon=HORIZON,
                future_covariates=given,
                shuffle=shuffled,
            )
            for part, shuffled in ((np.arange(380), True), (np.arange(400, 486), False))
        )
        model.fit(train, epochs=10, verbose=0, shuffle=False)
        found = model.predict(test, verbose=0)
        found = found[..., 1] if quantiles else found
        truth = np.stack([values[s + 12 : s + 14] for s in range(400, 486)])
        errors.append(np.abs(found - truth).mean())
    assert errors[1] < 0.1 * errors[0]
