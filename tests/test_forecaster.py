"""From a series to a dated forecast, with everything that a user meets on the way."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import once

import stgkeras
from stgkeras import datasets
from stgkeras.forecasting import Forecaster

NAMES = ("A", "B", "C", "D")
ROADS = np.array([[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1], [0, 0, 1, 0.0]])
SMALL = {"units": 4, "num_blocks": 1, "node_units": 2, "adaptive_units": 2, "K": 2}


def city(days=12, zone="Europe/Vienna", start="2024-10-20", seed=0):
    """Speeds and flows of four sensors, each hour, with a clear daily pattern."""
    times = pd.date_range(start, periods=days * 24, freq="h", tz=zone)
    rng = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * times.hour.to_numpy()[:, None] / 24)
    speed = 50 + 10 * wave + np.arange(4) + rng.normal(0, 1, (len(times), 4))
    flow = 900 - 300 * wave + rng.normal(0, 20, (len(times), 4))
    return {
        "speed": pd.DataFrame(speed, times, NAMES),
        "flow": pd.DataFrame(flow, times, NAMES),
    }


def series_of(frames, **options):
    return datasets.from_pandas(frames, ROADS, units="u", **options)


@pytest.fixture(scope="module")
def frames():
    return city()


@pytest.fixture(scope="module")
def fitted(frames):
    forecaster = Forecaster("GraphSTID", horizon=3, targets="speed", **SMALL)
    forecaster.fit(series_of(frames), epochs=2, verbose=0)
    return forecaster


def test_a_dated_forecast_of_frames(fitted, frames, tmp_path):
    newest = {name: frame[-30:] for name, frame in frames.items()}
    forecast = fitted.forecast(newest)
    last = frames["speed"].index[-1]
    expected = pd.date_range(last + pd.Timedelta("1h"), periods=3, freq="h")
    assert list(forecast.times) == list(expected) and str(forecast.times.tz) == "Europe/Vienna"
    assert forecast.names == NAMES and forecast.targets == ("speed",) and forecast.units == ("u",)
    assert forecast.values.shape == (3, 4, 1) and forecast.values.dtype == np.float32
    assert np.abs(forecast.values - 55).max() < 20 and (forecast.flags == "").all()
    frame = forecast.to_frame()
    assert list(frame) == ["time", "sensor", "speed", "flag"] and len(frame) == 12
    assert frame["sensor"].tolist() == [*NAMES] * 3
    assert repr(forecast) == (
        "<Forecast of speed (u) for 4 sensors at 3 steps, 2024-10-31 23:00:00+01:00 to "
        "2024-11-01 01:00:00+01:00; see to_frame()>"
    )
    np.testing.assert_array_equal(frame["speed"], forecast.values.ravel())
    forecast.to_csv(tmp_path / "next.csv")
    lines = (tmp_path / "next.csv").read_text().splitlines()
    assert lines[0] == "time,sensor,speed,flag" and lines[1].startswith(
        "2024-10-31 23:00:00+01:00,A"
    )


def test_columns_are_matched_by_name(fitted, frames):
    newest = {name: frame[-12:] for name, frame in frames.items()}
    expected = fitted.forecast(newest).values
    turned = {name: newest[name][["D", "B", "A", "C"]] for name in ("flow", "speed")}
    np.testing.assert_array_equal(fitted.forecast(turned).values, expected)
    series = series_of(newest)
    np.testing.assert_array_equal(fitted.forecast(series).values, expected)
    with pytest.raises(ValueError, match=r"`newest` must have sensors .*Received: 'E'"):
        fitted.forecast({name: frame.rename(columns={"D": "E"}) for name, frame in newest.items()})
    with pytest.raises(ValueError, match=r"`newest` must have the features .*without 'flow'"):
        fitted.forecast({"speed": newest["speed"]})


def test_missing_rows_and_sensors_are_flagged(fitted, frames):
    newest = {name: frame[-14:].drop(columns="C") for name, frame in frames.items()}
    newest = {name: frame.drop(frame.index[5]) for name, frame in newest.items()}
    for frame in newest.values():
        frame.iloc[-12:, 0] = np.nan
    forecast = fitted.forecast(newest)
    assert np.isfinite(forecast.values).all()
    assert (forecast.flags[:, [1, 3]] == "").all()
    assert forecast.flags[0, 0] == "no reading since 2024-10-31 09:00+01:00"
    assert forecast.flags[0, 2] == "no reading since 2024-10-31 22:00+01:00"


@once
def test_sensors_that_never_reported(frames):
    frames = {name: frame.assign(D=np.nan) for name, frame in frames.items()}
    forecaster = Forecaster(horizon=2, targets="speed", **SMALL)
    forecaster.fit(series_of(frames, null_value=np.nan), epochs=1, verbose=0)
    forecast = forecaster.forecast()
    assert set(forecast.flags[:, 3]) == {"never a reading"} and (forecast.flags[:, :3] == "").all()
    assert np.isfinite(forecast.values).all()


@once
def test_days_of_a_kind_that_training_did_not_have_are_flagged():
    """Monday to Friday 22:00: training ends on Wednesday, and the forecast goes into Saturday."""
    frames = {"speed": city(days=5, start="2024-10-21")["speed"][:-2]}
    forecaster = Forecaster(horizon=4, **SMALL)
    forecaster.fit(series_of(frames), epochs=1, verbose=0)
    forecast = forecaster.forecast()
    assert [str(time)[:16] for time in forecast.times[1:3]] == [
        *("2024-10-25 23:00", "2024-10-26 00:00")
    ]
    assert forecast.flags[:, 0].tolist() == ["", "", *["no such day in training"] * 2]
    rows = forecaster.evaluate()
    assert "ridge without season" in rows.index


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f[-5:], r"readings of the last 12 steps.*from 2024-10-31 11:00.* 5 steps"),
        (
            lambda f: f[-40:].resample("2h").mean(),
            "steps of 60 minutes, as in training. Received: steps of 120",
        ),
        (lambda f: f[-20:] * np.nan, r"a reading in the last 12 steps.*none of any sensor"),
        (lambda f: f[-20:].reset_index(drop=True), r"`frames` must have times as index"),
    ],
)
def test_readings_of_another_form(fitted, frames, change, message):
    newest = {name: change(frame) for name, frame in frames.items()}
    with pytest.raises((ValueError, TypeError), match=message):
        fitted.forecast(newest)


def test_newest_of_other_kinds(fitted, frames, tmp_path):
    newest = {name: frame[-12:] for name, frame in frames.items()}
    with pytest.raises(TypeError, match="`newest` must be a `Series`.* int"):
        fitted.forecast(5)
    naive = {name: frame.tz_localize(None) for name, frame in newest.items()}
    np.testing.assert_array_equal(fitted.forecast(naive).values, fitted.forecast(newest).values)
    with pytest.raises(ValueError, match=r"time zone of the training readings, 'Europe/Vienna'"):
        fitted.forecast(series_of(naive))
    long = pd.concat(
        [frame.stack().rename(name) for name, frame in newest.items()], axis=1
    ).rename_axis(["time", "sensor"])
    long.to_csv(tmp_path / "newest.csv")
    np.testing.assert_allclose(
        fitted.forecast(tmp_path / "newest.csv").values, fitted.forecast(newest).values, rtol=1e-5
    )


@once
def test_targets_keep_their_own_scale(frames):
    """The same forecasts, whatever the order of the features."""
    found = []
    for names in (("speed", "flow"), ("flow", "speed")):
        forecaster = Forecaster(horizon=2, targets="speed", season=False, **SMALL)
        forecaster.fit(series_of({name: frames[name] for name in names}), epochs=1, verbose=0)
        found.append(forecaster.forecast().values)
        assert list(forecaster.evaluate().index)[:2] == ["forecaster", "model"]
    assert np.abs(found[0] - found[1]).max() < 8 and np.abs(found[0] - 50).max() < 20


@once
def test_units_of_another_target_do_not_change_a_forecast(frames):
    """In units of 4096 times the number, a target does not decide the training alone."""
    found = []
    for factor in (1, 1 / 4096):
        forecaster = Forecaster(horizon=2, season=False, **SMALL)
        both = {"speed": frames["speed"], "flow": factor * frames["flow"]}
        forecaster.fit(series_of(both), epochs=2, verbose=0)
        forecaster.weights[:] = 0.0
        forecaster.weights["model"] = 1.0
        found.append(forecaster.forecast().values * [1, 1 / factor])
    np.testing.assert_allclose(*found, rtol=1e-3)


def test_weights_sum_to_one_and_errors_are_those_of_the_forecasts(fitted, frames):
    np.testing.assert_allclose(fitted.weights.sum(axis=1), 1)
    assert list(fitted.weights) == [
        *("model", "last value", "usual day", "ridge", "ridge without season")
    ]
    table = fitted.evaluate()
    series = series_of(frames)
    split = datasets.split_windows(len(series.values), 12, 3)
    ahead = split.test[:, None] + 12 + np.arange(3)
    truth = series.values[ahead][..., :1]
    last = datasets.last_value(series.values[..., :1], split.test, 12, 3)
    assert table.loc["last value", "MAE mean"] == pytest.approx(np.abs(last - truth).mean())
    again = fitted.evaluate(series)
    assert again.loc["last value", "MAE mean"] != table.loc["last value", "MAE mean"]


@once
def test_weights_that_the_user_sets_count_at_once(fitted, frames):
    before, kept = fitted.forecast().values, fitted.weights.copy()
    fitted.weights[:] = 0.0
    fitted.weights["last value"] = 1.0
    last = np.broadcast_to(frames["speed"].to_numpy("float32")[-1], before.shape[:2])
    np.testing.assert_allclose(fitted.forecast().values[..., 0], last, rtol=1e-6)
    fitted.weights[:] = kept
    np.testing.assert_array_equal(fitted.forecast().values, before)


@once
def test_a_sensor_that_was_silent_in_training(frames):
    """It reports now, but the model has never seen it, and its usual day is that of the others."""
    frames = {name: frame.copy() for name, frame in frames.items()}
    frames["speed"].iloc[:-20, 3] = np.nan
    frames["speed"].iloc[-3:, 0] = np.nan
    forecaster = Forecaster(horizon=2, targets="speed", **SMALL)
    forecaster.fit(series_of(frames, null_value=np.nan), epochs=1, verbose=0)
    assert forecaster.forecast().flags[0].tolist() == ["", "", "", "no reading in training"]
    newest = {name: frame[-30:].drop(columns="A") for name, frame in frames.items()}
    # The last reading of A is in the test part, three steps before the end.
    assert forecaster.forecast(newest).flags[0, 0] == "no reading since 2024-10-31 19:00+01:00"


def test_few_readings_and_rows_to_come(fitted, frames):
    newest = {name: frame[-14:].copy() for name, frame in frames.items()}
    expected = fitted.forecast(newest)
    later = pd.date_range(newest["speed"].index[-1], periods=6, freq="h")[1:]
    template = {name: frame.reindex(frame.index.append(later)) for name, frame in newest.items()}
    found = fitted.forecast(template)
    assert list(found.times) == list(expected.times)
    np.testing.assert_array_equal(found.values, expected.values)
    newest["speed"].iloc[-9:, 1] = np.nan  # the target; flow is there
    assert set(fitted.forecast(newest).flags[:, 1]) == {"3 of 12 readings"}


@once
def test_other_units_and_names_without_zeros(fitted, frames):
    newest = {name: frame[-12:] for name, frame in frames.items()}
    with pytest.raises(ValueError, match="units of the training readings, 'u' for 'speed'.*'mph'"):
        fitted.forecast(datasets.from_pandas(newest, units="mph"))
    renamed = {name: frame.rename(columns={"A": "007"}) for name, frame in frames.items()}
    forecaster = Forecaster(horizon=2, targets="speed", **SMALL)
    forecaster.fit(series_of(renamed), epochs=1, verbose=0)
    stripped = {name: frame[-12:].rename(columns={"007": "7"}) for name, frame in renamed.items()}
    with pytest.raises(ValueError, match=r"'7' seems to be the sensor '007'.*leading zeros"):
        forecaster.forecast(stripped)


def test_saved_folder(fitted, frames, tmp_path):
    folder = tmp_path / "city"
    fitted.save(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "baselines.npz",
        "forecaster.json",
        "model.keras",
    ]
    opened = stgkeras.Forecaster.load(folder)
    newest = {name: frame[-12:] for name, frame in frames.items()}
    np.testing.assert_allclose(
        opened.forecast(newest).values, fitted.forecast(newest).values, rtol=1e-5
    )
    pd.testing.assert_frame_equal(
        opened.evaluate(series_of(frames)), fitted.evaluate(series_of(frames)), rtol=1e-5
    )
    for call in (opened.forecast, opened.evaluate):
        with pytest.raises(ValueError, match="must be given after `load`"):
            call()
    with pytest.raises(ValueError, match=r"`folder` must not exist, or be empty.*city"):
        fitted.save(folder)
    record = json.loads((folder / "forecaster.json").read_text())
    assert record["data"]["names"] == list(NAMES) and record["data"]["timezone"] == "Europe/Vienna"


def test_forecasts_do_not_fall_below_what_is_possible(fitted):
    form = fitted.form
    assert form.floor == (0.0,)
    ahead = np.array([[[[-3.0], [2.0]]]])
    own = fitted._ready()
    values = own._blended(own._shares(), dict.fromkeys(fitted.weights, ahead), None)
    assert values.ravel().tolist() == [0, 2] * 3
