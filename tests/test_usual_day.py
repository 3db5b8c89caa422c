"""The usual day with few weekends and with holidays, against tables of pandas."""

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import on_fastest
from test_forecaster import ROADS, SMALL, series_of

from stgkeras import datasets
from stgkeras.forecasting import Forecaster
from stgkeras.forecasting.season import SHRINKAGES, usual_day


def readings(start, days, noise=1.0, weekend=40.0, seed=0):
    """Four sensors each hour: working days with a clear pattern, weekends lower and flat."""
    times = pd.date_range(start, periods=24 * days, freq="h")
    rng = np.random.default_rng(seed)
    wave = 60 + 10 * np.sin(times.hour * np.pi / 12)
    level = np.where(times.dayofweek < 5, wave, weekend)[:, None]
    return pd.DataFrame(level + rng.normal(0, noise, (len(times), 4)), times, list("ABCD"))


def season_of(frame, holidays=()):
    calendar = datasets.calendar(frame.index, holidays=list(holidays))
    return usual_day(frame.to_numpy()[..., None], calendar, 24)[..., 0].reshape(2, 24, 4)


def by_hand(frame, weekend):
    """The same estimate by its definition, one day left out after the other."""
    groups = frame.groupby(frame.index.date)
    days = {day: part.set_axis(part.index.hour).reindex(range(24)) for day, part in groups}

    def estimate(chosen, known, k):
        own = [days[d] for d in known if weekend(d) == chosen]
        every = pd.concat([days[d] for d in known])
        prior = every.groupby(level=0).mean()
        total = sum((part.fillna(0) for part in own), k * prior.fillna(0))
        count = sum((part.notna() for part in own), k * prior.notna())
        return (total / count).where(count > 0, prior)

    parts = []
    for kind in (False, True):
        own, best = [d for d in days if weekend(d) == kind], 1.0
        if len(own) > 1:
            errors = {}
            for k in SHRINKAGES:
                rests = (
                    estimate(kind, [d for d in days if d != day], k) - days[day] for day in own
                )
                errors[k] = sum(rest.abs().sum().sum() for rest in rests)
            best = min(errors, key=errors.get)
        part = estimate(kind, list(days), best)
        if not own:
            part = 0.75 * part + 0.25 * frame.mean()
        parts.append(part.to_numpy())
    return np.stack(parts)


def late(day):
    return day.weekday() >= 5


@pytest.mark.parametrize("noise", [1.0, 30.0])
@pytest.mark.parametrize("start", ["2024-01-01", "2024-01-05", "2024-01-07"])
def test_leave_one_day_out_for_each_kind_of_day(start, noise):
    frame = readings(start, 9, noise).round(3)
    frame.iloc[5:30, 1] = np.nan
    np.testing.assert_allclose(season_of(frame), by_hand(frame, late), rtol=1e-9)


def test_many_working_days_do_not_decide_for_one_weekend():
    """Days of noise about one level, and a weekend that is sure: each kind has its own k."""
    frame = readings("2024-01-01", 7, noise=0.01)
    noisy = frame.index.dayofweek < 5
    frame[noisy] = 60 + np.random.default_rng(1).normal(0, 20, (noisy.sum(), 4))
    found = season_of(frame)
    np.testing.assert_allclose(found[1], 40, atol=0.02)


def test_one_day_of_a_weekend_counts_as_much_as_all_days():
    frame = readings("2024-01-01", 6)  # until Saturday
    hours = frame.groupby(frame.index.hour)
    saturday = frame[-24:].to_numpy()
    np.testing.assert_allclose(season_of(frame)[1], (saturday + hours.mean().to_numpy()) / 2)


def test_without_a_weekend_the_pattern_of_working_days_is_smaller():
    frame = readings("2024-01-01", 4)
    found = season_of(frame)
    pattern = frame.groupby(frame.index.hour).mean()
    np.testing.assert_allclose(found[0], pattern)
    np.testing.assert_allclose(found[1], pattern - (pattern - frame.mean()) / 4)
    alone = season_of(readings("2024-01-06", 2))
    spread = (alone - alone.mean(axis=1, keepdims=True)).std(axis=1)
    np.testing.assert_allclose(spread[0], 0.75 * spread[1])


def test_holidays_are_days_of_the_weekend():
    frame = readings("2024-05-06", 14, noise=0.5)
    frame.loc["2024-05-09"] = frame.loc["2024-05-11"].to_numpy()  # Ascension Day
    frame.loc["2024-05-20":] = np.nan
    days = pd.to_datetime(["2024-05-09"])
    found = season_of(frame, ["2024-05-09"])
    expected = by_hand(frame, lambda day: late(day) or pd.Timestamp(day) in days)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert np.abs(found[1] - 40).max() < 2 and np.abs(found[0] - season_of(frame)[0]).max() > 2
    # A holiday on the Monday after a Sunday is a day of its own.
    monday = season_of(frame, ["2024-05-13"])
    expected = by_hand(frame, lambda day: late(day) or day.isoformat() == "2024-05-13")
    np.testing.assert_allclose(monday, expected, rtol=1e-9)


@pytest.mark.parametrize("start", on_fastest(["2024-01-01", "2024-01-04"], ["2024-01-04"]))
def test_the_model_has_the_season_of_the_baselines(start):
    """With four or five days in training there is no weekend, or one."""
    frames = {"speed": readings(start, 8), "flow": readings(start, 8, seed=1) * 10}
    forecaster = Forecaster(horizon=2, targets="flow", season=True, **SMALL)
    forecaster.fit(series_of(frames), epochs=1, verbose=0)
    scaler = forecaster.model.get_layer("scaler")
    season = keras.ops.convert_to_numpy(scaler.season)
    known = round(0.6 * 192)
    expected = [by_hand(frame[:known], late).reshape(48, 4) for frame in frames.values()]
    np.testing.assert_allclose(season, np.stack(expected, axis=-1), rtol=1e-5)
    rows = (np.arange(known) + pd.Timestamp(start).dayofweek * 24) % 168
    rows = np.where(rows >= 120, 24, 0) + rows % 24
    for f, frame in enumerate(frames.values()):
        std = np.sqrt(np.square(frame[:known].to_numpy() - season[rows, :, f]).mean())
        assert keras.ops.convert_to_numpy(scaler.std)[f] == pytest.approx(std, rel=1e-4)
    np.testing.assert_allclose(season[..., 1:], forecaster._fitted.baselines.season, rtol=1e-5)
    assert len(ROADS) == season.shape[1]
