"""Quantiles: the monotone head, the pinball loss, and the scores, against NumPy."""

import json

import keras
import numpy as np
import pytest
from conftest import once
from gradients import gradients

from stgkeras import datasets, graphs, layers, losses, metrics, models

LEVELS = (0.05, 0.3, 0.6, 0.95)


def numbers(x):
    return keras.ops.convert_to_numpy(x)


def forecasts(shape=(6, 3, 4, 2), missing=0.2, seed=0):
    """Truth with gaps, and quantiles that do not cross."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(5, 2, shape).astype("float32")
    truth[rng.random(shape) < missing] = np.nan
    quantiles = np.sort(rng.normal(5, 2, (*shape, len(LEVELS))), axis=-1).astype("float32")
    return truth, quantiles


def pinball(truth, quantiles, levels=LEVELS):
    """The loss of each entry and level, in float64."""
    error = truth.astype("float64")[..., None] - quantiles
    return np.where(error >= 0, np.array(levels) * error, (np.array(levels) - 1) * error)


def test_the_head_is_the_recurrence_of_its_docstring():
    z = np.random.default_rng(1).normal(0, 3, (2, 5, 2 * len(LEVELS)))
    found = numbers(layers.MonotoneQuantiles(LEVELS)(z.astype("float32")))
    soft = np.log1p(np.exp(z.reshape(2, 5, 2, 4)))
    middle = z.reshape(2, 5, 2, 4)[..., 2]  # 0.6 is nearest to 0.5
    one = middle - soft[..., 1]
    expected = np.stack([one - soft[..., 0], one, middle, middle + soft[..., 3]], axis=-1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert (np.diff(found, axis=-1) >= 0).all()
    assert layers.MonotoneQuantiles(LEVELS).compute_output_shape((None, 5, 8)) == (None, 5, 2, 4)
    with pytest.raises(ValueError, match=r"`x` must have axes .*4 quantiles.*shape=\(2, 9\)"):
        layers.MonotoneQuantiles(LEVELS)(np.ones((2, 9)))


@pytest.mark.parametrize("quantiles", [(), (0, 0.5), (0.5, 1), (0.5, 0.5), (0.9, 0.1), "ab", None])
def test_levels_that_are_refused(quantiles):
    for make in (layers.MonotoneQuantiles, losses.QuantileLoss, metrics.QuantileCRPS):
        with pytest.raises(ValueError, match="`quantiles` must"):
            make(quantiles)


@pytest.mark.parametrize("weights", [None, (1, 0, 2, 5)])
def test_the_loss_is_the_weighted_pinball_loss(weights):
    truth, quantiles = forecasts()
    loss = losses.QuantileLoss(LEVELS, weights, null_value=7)
    share = np.ones(4) / 4 if weights is None else np.array(weights) / 8
    entries = (pinball(truth, quantiles) * share).sum(axis=-1)
    present = ~np.isnan(truth)
    assert float(loss(truth, quantiles)) == pytest.approx(entries[present].mean(), rel=1e-5)
    marked = np.where(present, truth, 7).astype("float32")
    assert float(loss(marked, quantiles)) == pytest.approx(entries[present].mean(), rel=1e-5)
    again = type(loss).from_config(json.loads(json.dumps(loss.get_config())))
    assert float(again(truth, quantiles)) == float(loss(truth, quantiles))
    single = losses.QuantileLoss(LEVELS, weights, reduction=None)
    np.testing.assert_allclose(
        numbers(single(truth, quantiles)), np.where(present, entries, 0), rtol=1e-4, atol=1e-6
    )


def test_gradients_are_the_levels_and_0_where_the_reading_is_met_or_missing():
    truth = np.array([[1.0, 2.0, 3.0, np.nan]], "float32")
    quantiles = np.array([[[2.0, 0.0], [2.0, 2.0], [5.0, 1.0], [0.0, 9.0]]], "float32")
    loss = losses.QuantileLoss((0.1, 0.7), reduction="sum")
    _, (grad,) = gradients(lambda q: loss(truth, q), [quantiles])
    expected = [[[0.9, -0.7], [0, 0], [0.9, -0.7], [0, 0]]]
    np.testing.assert_allclose(grad, np.array(expected) / 2, rtol=1e-6)


@pytest.mark.parametrize("scale", [None, (2.0, 0.5)])
def test_the_loss_divides_by_the_scale(scale):
    truth, quantiles = forecasts()
    loss = losses.QuantileLoss(LEVELS, scale=scale)
    divisor = np.array(scale or (1, 1), "float32")
    expected = pinball(truth / divisor, quantiles / divisor[:, None]).mean(axis=-1)
    assert float(loss(truth, quantiles)) == pytest.approx(np.nanmean(expected), rel=1e-5)


def test_shapes_and_weights_that_the_loss_refuses():
    truth, quantiles = forecasts()
    loss = losses.QuantileLoss(LEVELS)
    for wrong in (quantiles[..., :3], quantiles[..., 0]):
        with pytest.raises(ValueError, match="`y_pred` must have the shape of `y_true` and a last"):
            loss(truth, wrong)
    for weights in ((1, 2), (0, 0, 0, 0), (1, 1, 1, -1), (1, 1, 1, float("nan"))):
        with pytest.raises(ValueError, match="`weights` must be 4 numbers of at least 0"):
            losses.QuantileLoss(LEVELS, weights)


def by_hand(truth, quantiles):
    """Scores of single readings, in a loop."""
    rows = []
    for y, q in zip(truth.ravel().tolist(), quantiles.reshape(-1, 4).tolist(), strict=True):
        if np.isnan(y):
            continue
        low, high = q[0], q[3]
        outside = low - y if y < low else y - high if y > high else 0
        crps = sum(
            2 / 4 * (tau * (y - one) if y >= one else (1 - tau) * (one - y))
            for tau, one in zip(LEVELS, q, strict=True)
        )
        rows.append((outside == 0, high - low, high - low + 2 / 0.1 * outside, crps))
    return np.mean(rows, axis=0)


def test_scores_of_arrays_and_of_keras_metrics_are_those_of_a_loop():
    truth, quantiles = forecasts((40, 3, 4, 2))
    expected = by_hand(truth, quantiles)
    found = metrics.quantile_scores(truth, quantiles, LEVELS)
    names = "coverage 90 %", "width 90 %", "interval score 90 %", "CRPS"
    np.testing.assert_allclose([found[name] for name in names], expected, rtol=1e-6)
    below = np.mean((truth[..., None] <= quantiles)[~np.isnan(truth)], axis=0)
    shares = [found[f"share below {name}"] for name in ("q05", "q30", "q60", "q95")]
    np.testing.assert_allclose(shares, below)
    kinds = metrics.IntervalCoverage, metrics.IntervalWidth, metrics.IntervalScore
    for kind, one in zip((*kinds, metrics.QuantileCRPS), expected, strict=True):
        metric = kind(LEVELS)
        for part in (slice(0, 20), slice(20, 40)):
            metric.update_state(truth[part], quantiles[part])
        assert float(metric.result()) == pytest.approx(one, rel=1e-6)
        config = json.loads(json.dumps(metric.get_config()))
        assert kind.from_config(config).get_config() == metric.get_config()


def test_the_score_of_a_step():
    truth, quantiles = forecasts()
    metric = metrics.IntervalScore(LEVELS, step=2)
    expected = by_hand(truth[:, 1], quantiles[:, 1])[2]
    assert float(metric(truth, quantiles)) == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ValueError, match="`step` must be from 1 to the horizon, 3"):
        metrics.IntervalScore(LEVELS, step=4)(truth, quantiles)


def test_scores_without_a_reading_and_of_other_shapes():
    truth, quantiles = forecasts()
    empty = metrics.quantile_scores(np.full_like(truth, np.nan), quantiles, LEVELS)
    assert all(np.isnan(score) for score in empty.values())
    marked = np.where(np.isnan(truth), -1, truth)
    assert metrics.quantile_scores(marked, quantiles, LEVELS, null_value=-1) == (
        metrics.quantile_scores(truth, quantiles, LEVELS)
    )
    with pytest.raises(ValueError, match="`forecast` must have the axes"):
        metrics.quantile_scores(truth, quantiles[..., :2], LEVELS)
    with pytest.raises(ValueError, match="`y_pred` must have the axes"):
        metrics.IntervalWidth(LEVELS)(truth, quantiles[..., :2])
    with pytest.raises(ValueError, match="`quantiles` must begin with a level"):
        metrics.IntervalCoverage((0.1, 0.5))


def city(nodes=4, days=21):
    """Hourly readings with a daily wave, whose noise is five times larger after noon."""
    rng = np.random.default_rng(0)
    hours = np.datetime64("2024-01-01T00", "h") + np.arange(24 * days)
    calendar = datasets.calendar(hours)
    day = calendar[:, :1, None]
    noise = rng.normal(size=(len(hours), nodes, 1)) * np.where(day >= 0.5, 5, 1)
    values = (50 + 10 * np.sin(2 * np.pi * day) + noise).astype("float32")
    return values, calendar


def windows(values, calendar, horizon=2):
    starts = np.arange(len(values) - 12 - horizon + 1)
    lengths = {"input_length": 12, "horizon": horizon}
    return datasets.Windows(values, values, starts, calendar=calendar, **lengths)


SMALL = {
    models.GraphSTID: {"units": 8, "num_blocks": 1},
    models.STGCN: {"block_filters": [(4, 4, 4)], "kernel_size": 2},
    models.ASTGCN: {"num_blocks": 1, "spatial_filters": 4, "temporal_filters": 4},
    models.GraphWaveNet: {"num_blocks": 1, "residual_filters": 4, "adaptive_units": 2},
}


@pytest.mark.parametrize("model_class", SMALL)
@pytest.mark.parametrize("scaling", [{"season": 24}, {"normalize": True}, {}])
def test_models_forecast_quantiles(model_class, scaling, tmp_path):
    """The shape, the units, the order, and the same numbers from a saved file."""
    values, calendar = city()
    graph = graphs.scaled_laplacian(np.ones((4, 4)) - np.eye(4))
    options = {"graph": graph, "horizon": 2, "quantiles": [0.1, 0.5, 0.9], **SMALL[model_class]}
    model = model_class(4, **options, **scaling)
    season = "season" in scaling
    if scaling:
        model.adapt(values, *[calendar] * season)
    data = windows(values, calendar if season else None)
    found = model.predict(data, verbose=0)
    assert found.shape == (len(values) - 13, 2, 4, 1, 3) and (np.diff(found, axis=-1) >= 0).all()
    if scaling:  # untrained weights forecast deviations of a few standard deviations
        assert 35 < found.mean() < 65
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path)
    assert again.quantiles == (0.1, 0.5, 0.9)
    np.testing.assert_allclose(again.predict(data, verbose=0), found, rtol=1e-5, atol=1e-5)


def test_several_targets_have_quantiles_in_their_own_units():
    values, calendar = city()
    both = np.concatenate([values, 1000 * values], axis=-1)
    graph = graphs.scaled_laplacian(np.ones((4, 4)) - np.eye(4))
    options = {"num_features": 2, "num_outputs": 2, "targets": (1, 0), "quantiles": (0.2, 0.8)}
    model = models.GraphSTID(4, graph=graph, horizon=2, season=24, **options)
    model.adapt(both, calendar)
    found = numbers(model({"x": both[None, :12], "calendar": calendar[None, 12:14]}))
    assert found.shape == (1, 2, 4, 2, 2)
    assert (2e4 < found[..., 0, :]).all() and (found[..., 0, :] < 8e4).all()
    assert (20 < found[..., 1, :]).all() and (found[..., 1, :] < 80).all()


def test_the_seasonal_scaler_treats_each_quantile_as_a_forecast():
    values, calendar = city()
    scaler = layers.SeasonalScaler(4, 2, steps_per_day=24, targets=(1, 0))
    scaler.adapt(np.concatenate([values, 1000 * values], axis=-1), calendar)
    z = np.random.default_rng(0).normal(size=(5, 3, 4, 2, 3)).astype("float32")
    clock = np.stack([calendar[n : n + 3] for n in range(5)])
    found = numbers(scaler(z, clock, inverse=True))
    for q in range(3):
        np.testing.assert_allclose(
            found[..., q], numbers(scaler(z[..., q], clock, inverse=True)), rtol=1e-6
        )
    for wrong in (z[..., None], z[..., 0, 0]):
        with pytest.raises(ValueError, match="`x` must have axes"):
            scaler(wrong, clock, inverse=True)


@once
def test_trained_quantiles_follow_the_noise():
    """After noon the noise is five times larger, and each half of the day has its own interval."""
    values, calendar = city(days=35)
    graph = graphs.scaled_laplacian(np.ones((4, 4)) - np.eye(4))
    levels = (0.1, 0.5, 0.9)
    model = models.GraphSTID(4, graph=graph, horizon=2, season=24, quantiles=levels, num_blocks=1)
    model.adapt(values, calendar)
    scores = [metrics.IntervalCoverage(levels), metrics.QuantileCRPS(levels)]
    model.compile(keras.optimizers.Adam(5e-3), losses.QuantileLoss(levels), metrics=scores)
    data = windows(values, calendar)
    model.fit(data, epochs=8, verbose=0)
    found = model.evaluate(data, return_dict=True, verbose=0)
    assert 0.72 < found["coverage"] < 0.88
    assert found["crps"] == pytest.approx(2 * found["loss"], rel=1e-4)
    widths = np.diff(model.predict(data, verbose=0)[..., [0, 2]], axis=-1).mean(axis=(1, 2, 3, 4))
    starts = np.arange(len(widths)) + 12
    night, day = (widths[(starts % 24 // 12) == half].mean() for half in (0, 1))
    assert day > 2 * night
