"""Calibrated quantiles of a forecaster: conformal shifts by hand, coverage, and no look ahead."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from conftest import once
from test_forecaster import SMALL, series_of

from stgkeras.forecasting import Forecaster
from stgkeras.forecasting.errors import ordered
from stgkeras.forecasting.intervals import RATES, USUAL, Intervals, conformal_shifts
from stgkeras.metrics import quantile_scores

LEVELS = (0.05, 0.5, 0.95)


def noise(windows=99, scale=1.0, seed=0):
    """Truth around 10, and quantiles of the model that are all 10, of two sensors and two steps."""
    rng = np.random.default_rng(seed)
    truth = 10 + rng.normal(size=(windows, 2, 2, 1)) * scale * np.array([1, 3])[:, None]
    return truth, np.full((*truth.shape, 3), 10.0)


def fixed_shifts(truth, found, quantiles=LEVELS, overlap=1.0):
    spread = np.nanmean(np.abs(truth - 10), axis=0)
    return conformal_shifts(truth, found, quantiles, spread, overlap)


@once
def test_shifts_are_the_ranks_of_split_conformal_prediction():
    """Of n = 99 differences, the 95th smallest and the 5th, for (n + 1) τ = 95 and 5."""
    truth, found = (one[:, :, :1] for one in noise())  # one sensor has the shift of all sensors
    shifts = fixed_shifts(truth, found)
    ordered = np.sort(truth - 10, axis=0)
    np.testing.assert_allclose(shifts[..., 0], ordered[4])
    np.testing.assert_allclose(shifts[..., 2], ordered[94])
    assert not shifts[..., 1].any()
    few = fixed_shifts(truth[:30], found[:30], (0.001, 0.5, 0.999))
    np.testing.assert_allclose(few[..., 0], truth[:30].min(axis=0) - 10)  # no rank is beyond
    np.testing.assert_allclose(few[..., 2], truth[:30].max(axis=0) - 10)


def rank(differences, level):
    """The quantile of a level above 0.5 with the correction for finite samples, of a list."""
    rest = sorted(one for one in np.ravel(differences).tolist() if one == one)
    return rest[min(len(rest), int(np.ceil(round((len(rest) + 1) * level, 9)))) - 1]


@once
@pytest.mark.parametrize("overlap", [1.0, 4.0])
def test_a_shift_is_a_mean_of_that_of_the_sensor_and_that_of_all(overlap):
    """Weights n / (n + 100), where readings that overlap count less; all sensors in own units."""
    truth, found = noise(200)
    truth[::2, :, 0] = np.nan
    spread = np.nanmean(np.abs(truth - 10), axis=0)  # (H, N, C)
    shifts = fixed_shifts(truth, found, overlap=overlap)
    every = rank((truth[:, 0] - 10) / spread[0], 0.95)
    for n, readings in enumerate((100, 200)):
        weight = readings / overlap / (readings / overlap + 100)
        own = rank(truth[:, 0, n] - 10, 0.95)
        expected = weight * own + (1 - weight) * every * spread[0, n, 0]
        assert shifts[0, n, 0, 2] == pytest.approx(expected)


@once
def test_a_silent_sensor_has_the_shift_and_the_spread_of_all():
    truth, found = noise(200)
    truth[5:, :, 1] = np.nan
    made = Intervals.fit(truth, found, LEVELS, np.arange(200))
    mean = np.nanmean(np.abs(truth[:, 0] - 10))
    assert made.spread[0, 1, 0] == pytest.approx(mean)
    units = np.array([np.abs(truth[:, 0, 0] - 10).mean(), mean])[:, None]
    every = rank((truth[:, 0] - 10) / units, 0.95)
    assert made.shifts[0, 1, 0, 2] == pytest.approx(mean * every)
    silent = Intervals.fit(np.full_like(truth, np.nan), found, LEVELS, np.arange(200))
    assert np.isfinite(silent.shifts).all() and silent.rate == USUAL


@once
def test_coverage_of_exchangeable_data():
    """Each share below is within what 4,000 new readings allow, whatever the model forecasts."""
    truth, found = noise(3000)
    found = found + np.array([-9.0, 0, 0.1])  # far too low, and far too narrow
    made = Intervals.fit(truth, found, LEVELS, np.arange(3000))
    later, again = noise(2000, seed=1)[0], found[:2000]
    scores = quantile_scores(later, made.applied(again), LEVELS)
    assert scores["share below q05"] == pytest.approx(0.05, abs=0.012)
    assert scores["share below q95"] == pytest.approx(0.95, abs=0.012)


def followed_by_hand(made, truth, found, starts):
    """The recurrence of the docstring, one reading after the other."""
    used = np.empty(found.shape)
    for w, h, n, q in np.ndindex(*truth.shape[:3], len(LEVELS)):
        shift = made.shifts[h, n, 0, q]
        for u in range(w):
            y = truth[u, h, n, 0]
            if starts[u] + h + 1 > starts[w] or np.isnan(y) or LEVELS[q] == 0.5:
                continue
            below = y - found[u, h, n, 0, q] <= shift
            shift += made.rate * made.spread[h, n, 0] * (LEVELS[q] - below)
        used[w, h, n, 0, q] = shift
    return used


@once
@pytest.mark.parametrize("starts", [np.arange(25), np.arange(25) * 3, np.r_[0:10, 40:55]])
def test_shifts_that_follow_the_readings(starts):
    truth, found = noise(25)
    truth[3:6, :, 1] = np.nan
    made = Intervals(LEVELS, fixed_shifts(truth, found), np.ones((2, 2, 1)), 0.1)
    used = made.followed(truth, found, starts)
    np.testing.assert_allclose(used, followed_by_hand(made, truth, found, starts), atol=1e-5)


@once
def test_followed_shifts_do_not_look_ahead():
    """Readings that a window cannot know do not change its quantiles."""
    truth, found = noise(40)
    made = Intervals(LEVELS, fixed_shifts(truth, found), np.ones((2, 2, 1)), 0.1)
    other = truth.copy()
    ahead = np.arange(40)[:, None] + np.arange(2) >= 20  # readings from step 20 on
    other[ahead] += 1000
    one, two = (made.followed(y, found, np.arange(40)) for y in (truth, other))
    np.testing.assert_array_equal(one[:21], two[:21])
    assert (one[21:] != two[21:]).any()


@once
def test_the_rate_is_chosen_by_what_validation_shows():
    """Where nothing changes, one that costs nothing; the highest where the noise changes fast."""
    steady, found = noise(800)
    made = Intervals.fit(steady, found, LEVELS, np.arange(800))
    assert made.rate < RATES[-1]
    later, again = noise(800, seed=2)
    assert crps(made, later, again) < 1.003 * crps(dataclasses.replace(made, rate=0), later, again)
    growing = 10 + (steady - 10) * np.linspace(1, 12, 800)[:, None, None, None]
    made = Intervals.fit(growing, found, LEVELS, np.arange(800))
    assert made.rate == RATES[-1]
    later, again = noise(800, scale=14, seed=2)
    assert crps(made, later, again) < 0.97 * crps(dataclasses.replace(made, rate=0), later, again)


def crps(made, truth, found):
    shifts = made.followed(truth, found, np.arange(len(truth)))
    return quantile_scores(truth, made.applied(found, shifts), LEVELS)["CRPS"]


@once
def test_few_windows_choose_no_rate():
    truth, found = noise(6)
    assert Intervals.fit(truth[:5], found[:5], LEVELS, np.arange(5)).rate == USUAL
    assert Intervals.fit(truth[:1], found[:1], LEVELS, np.arange(1)).rate == USUAL
    truth, found = noise()
    median = Intervals.fit(truth, found[..., :1], (0.5,), np.arange(99))
    assert median.rate == 0 and not median.shifts.any()


@once
def test_shifted_quantiles_do_not_cross_and_keep_the_median():
    rng = np.random.default_rng(3)
    found = np.sort(rng.normal(size=(50, 2, 2, 1, 3)), axis=-1)
    made = Intervals(LEVELS, 2 * rng.normal(size=(2, 2, 1, 3)) * [1, 0, 1], np.ones((2, 2, 1)))
    moved = made.applied(found)
    assert (np.diff(moved, axis=-1) >= 0).all()
    np.testing.assert_array_equal(moved[..., 1], found[..., 1])


def wide(days=30):
    """Hourly speeds whose noise is five times larger after noon."""
    rng = np.random.default_rng(0)
    times = pd.date_range("2024-05-01", periods=days * 24, freq="h", tz="Europe/Vienna")
    afternoon = times.hour.to_numpy() >= 12
    wave = 50 + 10 * np.sin(times.hour.to_numpy() * np.pi / 12)
    values = wave[:, None] + rng.normal(size=(len(times), 4)) * np.where(afternoon, 5, 1)[:, None]
    return pd.DataFrame(values, times, ["A", "B", "C", "D"])


@pytest.fixture(scope="module")
def fitted():
    forecaster = Forecaster(horizon=2, quantiles=LEVELS, **SMALL)
    forecaster.fit(series_of({"speed": wide()}), epochs=3, verbose=0)
    return forecaster


def test_a_forecast_with_quantiles(fitted, tmp_path):
    newest = wide()[-12:]
    forecast = fitted.forecast(newest)
    assert forecast.quantiles.shape == (2, 4, 1, 3) and forecast.levels == LEVELS
    np.testing.assert_allclose(forecast.quantiles[..., 1], forecast.values, rtol=1e-6)
    assert (np.diff(forecast.quantiles, axis=-1) >= 0).all() and (forecast.quantiles >= 0).all()
    frame = forecast.to_frame()
    assert list(frame)[2:] == ["speed", "speed_q05", "speed_q50", "speed_q95", "flag"]
    assert frame["speed_q95"].to_numpy().tolist() == forecast.quantiles[..., 0, 2].ravel().tolist()
    fitted.save(tmp_path / "city")
    opened = Forecaster.load(tmp_path / "city")
    assert opened.quantiles == LEVELS
    np.testing.assert_allclose(
        opened.forecast(newest).quantiles, forecast.quantiles, rtol=1e-5, atol=1e-5
    )
    record = json.loads((tmp_path / "city" / "forecaster.json").read_text())
    (tmp_path / "city" / "forecaster.json").write_text(json.dumps({**record, "rate": -1}))
    with pytest.raises(ValueError, match="`rate` must be a finite number of at least 0"):
        Forecaster.load(tmp_path / "city")


def test_scores_of_a_forecaster(fitted):
    """They are those of the quantiles on the test windows, beside the errors of the median."""
    table = fitted.evaluate()
    own = fitted._ready()
    series, split = fitted._data
    found, quantiles = own.with_quantiles(series, split.test)
    ahead = split.test[:, None] + 12 + np.arange(2)
    truth = series.values[ahead]
    scores = quantile_scores(truth, quantiles, LEVELS)
    for name, score in scores.items():
        assert table.loc["forecaster", name] == pytest.approx(score)
    assert table.drop("forecaster")["CRPS"].isna().all()
    assert table.loc["forecaster", "MAE mean"] == pytest.approx(
        np.abs(found["forecaster"] - truth).mean(), rel=1e-5
    )
    assert 0.8 < scores["coverage 90 %"] < 0.98


@once
def test_newest_readings_move_the_quantiles_as_windows_of_a_series_do(fitted):
    """With a rate above 0, more readings before the window tell of the errors so far."""
    own = fitted._ready()
    fixed = own.intervals
    frame = wide()[-40:]
    series = series_of({"speed": frame})
    starts = np.arange(27)  # the last has its targets in the series
    try:
        own.intervals = dataclasses.replace(fixed, rate=0.1)
        _, expected = own.with_quantiles(ordered(own.form, series), starts)
        found = fitted.forecast(frame[:-2]).quantiles
        np.testing.assert_allclose(found, expected[-1], rtol=1e-4, atol=1e-4)
        alone = fitted.forecast(frame[-14:-2]).quantiles
    finally:
        own.intervals = fixed
    assert (np.abs(found - alone) > 1e-3).any()
    np.testing.assert_allclose(alone, fitted.forecast(frame[-14:-2]).quantiles, atol=1e-4)


@once
def test_quantiles_that_are_refused_and_those_of_initial(fitted):
    for quantiles in ((0.05, 0.95), (0.5, 0.05), (0.5, 1.0), "ab"):
        with pytest.raises(ValueError, match="`quantiles` must"):
            Forecaster(quantiles=quantiles)
    series = series_of({"speed": wide()})
    again = Forecaster(horizon=2)
    again.fit(series, initial=fitted, epochs=1, verbose=0)
    assert again.model.quantiles == LEVELS and again.forecast().quantiles is not None
    with pytest.raises(ValueError, match="`quantiles` must be .*0.05"):
        Forecaster(horizon=2, quantiles=(0.1, 0.5, 0.9)).fit(series, initial=fitted, verbose=0)
    with pytest.raises(ValueError, match="`quantiles` must be .*None"):
        plain = Forecaster(horizon=2, **SMALL)
        plain.fit(series, epochs=1, verbose=0)
        Forecaster(horizon=2, quantiles=LEVELS).fit(series, initial=plain, verbose=0)


@once
def test_targets_have_quantiles_each():
    frames = {"speed": wide(14), "flow": 100 * wide(14)}
    forecaster = Forecaster(horizon=2, quantiles=LEVELS, **SMALL)
    forecaster.fit(series_of(frames), epochs=1, verbose=0)
    forecast = forecaster.forecast()
    assert forecast.quantiles.shape == (2, 4, 2, 3)
    assert forecast.quantiles[..., 1, :].min() > 10 * forecast.quantiles[..., 0, :].max()
    assert forecaster.evaluate()["CRPS"].dropna().index.tolist() == [
        *(("speed", "forecaster"), ("flow", "forecaster"))
    ]
