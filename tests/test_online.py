"""The online calibration: against a plain loop, without a look ahead, and as a user calls it."""

import numpy as np
import pandas as pd
import pytest
from conftest import once
from test_forecaster import SMALL, city, series_of

import stgkeras
from stgkeras.forecasting import Forecaster, OnlineCalibration
from stgkeras.forecasting.corrections import corrections

LEVELS = (0.05, 0.5, 0.95)


def noise(windows=40, horizon=2, nodes=3, seed=0):
    """Forecasts of 10, and readings about them: heavy tails, a bias of a sensor, and gaps."""
    truth = 10 + np.random.default_rng(seed).standard_t(2, (windows, horizon, nodes, 1))
    truth[:, :, 1] += 1
    truth[5:9, 0, 0] = truth[12:30, :, 2] = truth[32] = np.nan
    return truth, np.full(truth.shape, 10.0)


def corrections_by_hand(truth, found, starts, rows, day):
    """The text of `OnlineCalibration` and the constants of `corrections`, a number at a time."""
    near = {2: (0,), 6: (0,), 288: (-2, -1, 0, 1, 2)}[day]
    made = np.zeros(truth.shape)
    for h in range(truth.shape[1]):
        profile, seen, level, spread, count, common = {}, {}, {}, {}, {}, 0.0
        x, used, equations, known = {}, [], [], 0
        for w in range(len(truth)):
            while starts[known] + h + 1 <= starts[w]:
                errors, slot = {}, rows[known, h]
                for n in range(truth.shape[2]):
                    error = truth[known, h, n, 0] - found[known, h, n, 0]
                    if np.isnan(error):
                        continue
                    count[n] = count.get(n, 0) + 1
                    spread.setdefault(n, 0.0)
                    spread[n] += max(1 / count[n], 0.003) * (abs(error) - spread[n])
                    error /= spread[n]
                    equations.append((*x[known, n], min(max(error, -2), 2)))
                    errors[n] = min(max(error, -1), 1)
                for n, error in errors.items():
                    seen[slot, n] = seen.get((slot, n), 0) + 1
                    profile.setdefault((slot, n), 0.0)
                    profile[slot, n] += max(1 / seen[slot, n], 0.35) * (error - profile[slot, n])
                    level[n] = 0.99 * level.get(n, 0.0) + 0.01 * error
                if errors:
                    common = 0.8 * common + 0.2 * np.mean(list(errors.values()))
                known += 1
            base, slot = divmod(rows[w, h], day)
            for n in range(truth.shape[2]):
                slots = [base * day + (slot + step) % day for step in near]
                mean = np.mean([profile.get((one, n), 0.0) for one in slots])
                x[w, n] = mean, level.get(n, 0.0), common
            used = np.array(equations).reshape(-1, 4)
            root = np.sqrt(96 / max(known, 1) * (used[:, :3] ** 2).sum(axis=0) + 1e-9)
            left = np.concatenate([used[:, :3], np.diag(root)])
            right = np.concatenate([used[:, 3], np.zeros(3)])
            solved = np.linalg.lstsq(left, right, rcond=None)[0]  # ridge as further equations
            for n in range(truth.shape[2]):
                made[w, h, n, 0] = spread.get(n, 0.0) * (np.array(x[w, n]) @ solved)
    return made


@once
@pytest.mark.parametrize(
    ("starts", "day"),
    [(np.arange(40), 6), (np.arange(40) * 3, 2), (np.r_[0:20, 50:70], 6), (np.arange(40), 288)],
)
def test_corrections_against_a_plain_loop(starts, day):
    truth, found = noise()
    rows = (starts[:, None] + np.arange(2)) % (2 * day)
    if day == 288:
        rows = rows % 7 + 284 + 288 * (rows % 3 == 0)  # neighbours, also beyond midnight
        rows = np.where(rows < 2 * day, rows, 288)
    made = np.stack(list(corrections(truth, found, starts, rows, day)))
    by_hand = corrections_by_hand(truth, found, starts, rows, day)
    assert np.abs(by_hand[-1]).max() > 0.01 and not made[0].any()
    np.testing.assert_allclose(made, by_hand, atol=1e-6)


@once
@pytest.mark.parametrize("starts", [np.arange(40), np.arange(40) * 2])
def test_corrections_do_not_look_ahead(starts):
    """Readings from step 25 on change no window whose first target is step 25 or earlier."""
    truth, found = noise()
    rows = (starts[:, None] + np.arange(2)) % 12
    other = truth.copy()
    other[starts[:, None] + np.arange(2) >= 25] += 1000
    one, two = (np.stack(list(corrections(y, found, starts, rows, 6))) for y in (truth, other))
    early = starts <= 25
    np.testing.assert_array_equal(one[early], two[early])
    assert (one[~early] != two[~early]).any()


@once
@pytest.mark.parametrize("kind", ["day", "level", "common", "none"])
def test_what_a_correction_removes(kind):
    """Most of an error of a time of day, a sensor or a while; and nearly nothing from noise."""
    steps, rng = np.arange(24 * 40), np.random.default_rng(0)
    starts = steps[:-3]
    ahead = starts[:, None] + np.arange(3)
    change = np.zeros((len(steps), 8))
    if kind == "day":
        change = 3 * np.sin(2 * np.pi * (steps[:, None] / 24 + np.arange(8) / 8))
    elif kind == "level":
        change = change + 3 * np.linspace(-1, 1, 8)
    elif kind == "common":
        change = change + 3 * np.sign(np.sin(2 * np.pi * steps / 150))[:, None]
    truth = (change + rng.normal(0, 1, change.shape))[ahead][..., None]
    made = np.stack(list(corrections(truth, 0 * truth, starts, ahead % 24, 24)))
    later = slice(24 * 20, None)
    before, after = (np.abs(one[later]).mean() for one in (truth, truth - made))
    least = np.abs(truth - change[ahead][..., None])[later].mean()
    if kind == "none":
        assert after < 1.005 * before
    else:
        assert after - least < 0.35 * (before - least)


def shifted(days=12):
    """Speeds of a city whose last days are faster in the morning."""
    frame = city(days)["speed"]
    late = (np.arange(len(frame)) >= 24 * 7) & (frame.index.hour.to_numpy() < 12)
    return frame + 6.0 * late[:, None]


@pytest.fixture(scope="module")
def fitted():
    forecaster = Forecaster("GraphSTID", horizon=3, quantiles=LEVELS, **SMALL)
    forecaster.fit(series_of(shifted()), epochs=1, verbose=0)
    return forecaster


def test_errors_beside_those_of_the_forecaster(fitted):
    table = OnlineCalibration(fitted).evaluate()
    expected = fitted.evaluate()
    assert list(table.index) == ["forecaster", "calibrated", *expected.index[1:]]
    pd.testing.assert_frame_equal(table.drop("calibrated"), expected)
    assert table.loc["calibrated", "MAE mean"] < table.loc["forecaster", "MAE mean"]
    assert np.isfinite(table.loc["calibrated", "CRPS"])
    assert table.loc["calibrated", "CRPS"] != table.loc["forecaster", "CRPS"]


@once
def test_a_forecast_has_the_correction_that_all_earlier_forecasts_give(fitted):
    """Forecasts of cut readings cannot look ahead: `corrections` of them are the correction."""
    frame = shifted()[-72:]
    lengths = range(12, len(frame) + 1)
    found = np.stack([fitted.forecast(frame[:end]).values for end in lengths])
    beyond = np.concatenate([frame.to_numpy(), np.full((3, 4), np.nan)])
    truth = np.stack([beyond[end : end + 3] for end in lengths])[..., None]
    hours = np.array([frame.index[0].hour + end + np.arange(3) for end in lengths])
    weekday = [
        (frame.index[0] + pd.Timedelta(f"{end + h}h")).weekday()
        for end in lengths
        for h in range(3)
    ]
    rows = hours % 24 + 24 * (np.reshape(weekday, hours.shape) >= 5)
    *_, last = corrections(truth, found, np.arange(len(found)), rows, 24)
    online, plain = OnlineCalibration(fitted).forecast(frame), fitted.forecast(frame)
    assert np.abs(last).max() > 0.1
    np.testing.assert_allclose(online.values, plain.values + last, atol=1e-4)
    moved = online.quantiles - plain.quantiles
    np.testing.assert_allclose(moved, np.repeat(last[..., None], 3, axis=-1), atol=1e-4)
    assert list(online.times) == list(plain.times) and online.levels == LEVELS
    assert (online.flags == plain.flags).all() and online.values.dtype == np.float32
    shortest = OnlineCalibration(fitted).forecast(frame[-12:])
    np.testing.assert_allclose(shortest.values, fitted.forecast(frame[-12:]).values, atol=1e-6)


@once
def test_several_targets_missing_readings_and_the_floor(tmp_path):
    frames = city()
    frames["flow"] = (frames["flow"] - 900).clip(lower=0)  # often 0
    forecaster = Forecaster("GraphSTID", horizon=3, **SMALL)
    forecaster.fit(series_of(frames), epochs=1, verbose=0)
    frames["flow"].iloc[-40:-20, 2] = np.nan
    table = OnlineCalibration(forecaster).evaluate(series_of(frames, null_value=np.nan))
    assert np.isfinite(table.to_numpy()).all()
    assert table.index.nlevels == 2 and ("flow", "calibrated") in table.index
    frames["flow"].iloc[24 * 8 :] = 0.0
    forecast = OnlineCalibration(forecaster).forecast(frames)
    assert np.isfinite(forecast.values).all() and forecast.values[..., 1].min() >= 0
    forecaster.save(tmp_path / "city")
    opened = OnlineCalibration(Forecaster.load(tmp_path / "city"))
    np.testing.assert_allclose(opened.forecast(frames).values, forecast.values, atol=1e-4)
    with pytest.raises(
        ValueError, match=r"`series` must be given after `load`\. Received: series="
    ):
        opened.evaluate()


@once
def test_series_without_times():
    values = shifted().to_numpy()
    series = stgkeras.datasets.from_arrays(values, graph=np.ones((4, 4)) - np.eye(4), interval=60)
    forecaster = Forecaster("GraphSTID", horizon=3, **SMALL)
    forecaster.fit(series, epochs=1, verbose=0)
    table = OnlineCalibration(forecaster).evaluate()
    assert np.isfinite(table.loc["calibrated"]).all()


@once
def test_a_preset_follows_readings_before_the_week_that_it_reads():
    name = "graph_stid_metr_la"
    data = stgkeras.models.presets()[name]["data"]
    times = pd.date_range("2012-06-04", periods=7 * 288 + 60, freq="5min")
    frame = pd.DataFrame(50.0, times, data["sensors"])
    forecaster = Forecaster.load(name)
    plain, online = forecaster.forecast(frame), OnlineCalibration(forecaster).forecast(frame)
    off = [np.abs(one.values - 50).mean() for one in (plain, online)]
    assert off[1] < off[0]  # the readings are always 50


@once
def test_errors_name_the_argument(fitted):
    with pytest.raises(TypeError, match=r"`forecaster` must be .*Received: GraphSTID\. Pass a"):
        OnlineCalibration(fitted.model)
    with pytest.raises(ValueError, match=r"The `forecaster` must be trained first"):
        OnlineCalibration(Forecaster())
    with pytest.raises(ValueError, match=r"`series` must have at least 15 steps.*Received: 14"):
        OnlineCalibration(fitted).evaluate(series_of(shifted()[:14]))
    with pytest.raises(ValueError, match="`newest` must have readings of the last 12 steps"):
        OnlineCalibration(fitted).forecast(shifted()[:5])
