"""Covariates and attributes of a forecaster: matched by time and name, and what they gain."""

import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import once
from test_forecaster import NAMES, SMALL, series_of

import stgkeras
from stgkeras.forecasting import Forecaster, OnlineCalibration
from stgkeras.forecasting.covariates import covariate_inputs, described, with_covariates
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.newest import recent_windows

HORIZON, LENGTH = 3, 12
LANES = pd.DataFrame({"lanes": [2, 4, 1, 3], "limit": [50.0, 80, 50, 30]}, index=list("BADC"))


def weather(days=20, freq="h", columns=("rain", "wind"), seed=1):
    times = pd.date_range("2024-10-15", periods=days * 24, freq="h", tz="Europe/Vienna")
    numbers = np.random.default_rng(seed).normal(size=(len(times), len(columns)))
    return pd.DataFrame(numbers, times, list(columns)).asfreq(freq)


def speeds(known, days=12, freq="h"):
    """Speeds that depend on the time of day and, much more, on the rain of the same step."""
    times = pd.date_range("2024-10-20", periods=days * 24, freq="h", tz="Europe/Vienna")
    times = pd.date_range(times[0], times[-1], freq=freq)
    wave = 60 + 2 * np.sin(2 * np.pi * times.hour.to_numpy() / 24)
    rain = known["rain"].reindex(times, method="ffill").to_numpy()
    return pd.DataFrame(wave[:, None] + 8 * rain[:, None] + np.arange(4), times, NAMES)


@pytest.fixture(scope="module")
def rainy():
    """A forecaster that knows the rain ahead, the wind up to now, and the lanes."""
    known = weather()
    series = series_of({"speed": speeds(known)})
    forecaster = Forecaster("GraphSTID", horizon=HORIZON, **SMALL)
    forecaster.fit(
        series,
        covariates=known,
        known={"rain": "future", "wind": "past"},
        attributes=LANES,
        epochs=25,
        optimizer=keras.optimizers.Adam(0.02),
        verbose=0,
    )
    return forecaster, series, known


def form_of(series, known, attributes=None):
    form = Form.of(series, None, LENGTH, HORIZON, len(series.values))
    return dataclasses.replace(form, **described(series, known, attributes))


@once
def test_each_step_has_the_newest_covariate_that_is_not_later():
    known = weather(freq="h")
    frame = speeds(known, freq="15min")
    series = with_covariates(series_of({"speed": frame}), known)
    form = form_of(series, {"rain": "future", "wind": "past"}, LANES)
    assert form.covariate_counts == {"past_covariates": 4, "future_covariates": 1}
    found = covariate_inputs(form, series, 5, 105)
    expected = known.reindex(frame.index, method="ffill")[5:105]
    past, ahead = found["past_covariates"], found["future_covariates"]
    for n, name in enumerate(NAMES):
        np.testing.assert_allclose(past[:, n, :2], expected[["wind", "rain"]][:-HORIZON], rtol=1e-6)
        np.testing.assert_array_equal(past[:, n, 2:], np.tile(LANES.loc[name], (97, 1)))
    np.testing.assert_allclose(ahead, expected[["rain"]], rtol=1e-6)


@once
def test_covariates_of_each_sensor_are_matched_by_name():
    times = speeds(weather()).index
    rng = np.random.default_rng(0)
    rain = pd.DataFrame(rng.normal(size=(len(times), 5)), times, list("DXBAC"))
    given = {"rain": rain, "hail": rain + 1}
    series = with_covariates(series_of({"speed": speeds(weather())}), given)
    found = covariate_inputs(form_of(series, "past"), series, 0, 50)
    expected = np.stack([rain[[*NAMES]][:47], rain[[*NAMES]][:47] + 1], axis=-1)
    np.testing.assert_allclose(found["past_covariates"], expected, rtol=1e-6)
    with pytest.raises(ValueError, match="`covariates` must have all sensors.*without 'D'"):
        with_covariates(series, {"rain": rain.drop(columns="D")})
    with pytest.raises(ValueError, match="Received: columns with the names of sensors"):
        with_covariates(series, rain)


def test_what_is_known_ahead_removes_the_error(rainy):
    forecaster, series, known = rainy
    without = Forecaster("GraphSTID", horizon=HORIZON, **SMALL)
    without.fit(series, epochs=2, verbose=0)
    error = forecaster.evaluate().loc["forecaster", "MAE mean"]
    assert error < 0.1 * without.evaluate().loc["forecaster", "MAE mean"]
    assert error == forecaster.evaluate().loc["forecaster", "MAE mean"]
    last = {"values": series.values[-80:], "timestamps": series.timestamps[-80:]}
    part = dataclasses.replace(series, **last)
    table = forecaster.evaluate(part, covariates=known)
    assert table.loc["forecaster", "MAE mean"] < 0.2 * table.loc["usual day", "MAE mean"]


def test_a_forecast_follows_the_weather_forecast(rainy, tmp_path):
    forecaster, series, known = rainy
    frame = speeds(known)
    expected = (
        60
        + np.arange(4)
        + 8
        * known["rain"]
        .reindex(pd.date_range(frame.index[-1], periods=4, freq="h")[1:])
        .to_numpy()
        .reshape(3, 1)
    )
    found = forecaster.forecast(frame[-30:], covariates=known)
    assert np.abs(found.values[..., 0] - expected).mean() < 4
    other = known.copy()
    other.loc[frame.index[-1] + pd.Timedelta("1h") :, "rain"] += 1
    moved = forecaster.forecast(frame[-30:], covariates=other).values - found.values
    assert 4 < moved.mean() < 12  # 8 for each unit of rain
    other.loc[frame.index[-1] + pd.Timedelta("1h") :, "wind"] = np.nan  # not known ahead
    forecaster.forecast(frame[-30:], covariates=other)
    # A series and a file are read alike, also by a forecaster that was saved.
    forecaster.save(tmp_path / "city")
    opened = Forecaster.load(tmp_path / "city")
    known.to_csv(tmp_path / "weather.csv", index_label="time")
    again = opened.forecast(series, covariates=tmp_path / "weather.csv")
    np.testing.assert_allclose(again.values, found.values, rtol=1e-4)
    assert opened.form == forecaster.form


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda known: None, "`covariates` must have .*rain.* as in training. Received: none"),
        (lambda known: known[["wind"]], "Received: 'wind', without 'rain'"),
        (
            lambda known: known[:"2024-10-31 23:00"],
            r"'rain' for each step from 2024-10-31 11:00\+01:00 to 2024-11-01 01:00\+01:00. "
            r"Received: none at 2024-11-01 00:00\+01:00, 2 of 15",
        ),
        (
            lambda known: known.drop(pd.Timestamp("2024-10-31 20:00+01:00")),
            r"'wind' for each .*, except the steps to forecast. Received: none at 2024-10-31 20:00",
        ),
        (lambda known: known.tz_localize(None).to_numpy(), "`newest` must|`path` must|must be"),
    ],
)
def test_missing_and_stale_covariates_are_named(rainy, change, message):
    forecaster, series, known = rainy
    with pytest.raises((ValueError, TypeError), match=message):
        forecaster.forecast(speeds(known)[-30:], covariates=change(known))


@once
def test_faults_of_covariates_are_refused(rainy):
    forecaster, series, known = rainy
    new = Forecaster(horizon=HORIZON, **SMALL)
    undated = stgkeras.datasets.from_arrays(np.ones((200, 1)), names=["w"], interval=60)
    for given, how, message in (
        (known, "ahead", '`known` must be "past", "future", or a dict'),
        (known, {"rain": "past"}, "`known` must be .*'rain' and 'wind'|`known` must be"),
        (undated, "past", "`covariates` must have times if the readings"),
        (known.assign(kind="wet"), "past", "`covariates` must hold real numbers.*kind"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            new.fit(series, covariates=given, known=how, verbose=0)
    zoneless = stgkeras.datasets.from_pandas({"rain": known[["rain"]][-99:].tz_localize(None)})
    with pytest.raises(ValueError, match="`covariates` must have a time zone"):
        new.fit(series, covariates=zoneless, verbose=0)
    with pytest.raises(ValueError, match="`past_covariates` must be given to `fit`"):
        Forecaster(horizon=HORIZON, past_covariates=2, **SMALL).fit(series, verbose=0)
    plain = Forecaster(horizon=HORIZON, **SMALL)
    plain.fit(series, epochs=1, verbose=0)
    with pytest.raises(ValueError, match="`covariates` must be None, because"):
        plain.forecast(covariates=known)
    with pytest.raises(
        ValueError,
        match=r"`covariates` must have 'wind' \(past\), 'rain' \(future\), as in `initial`",
    ):
        new.fit(series, initial=forecaster, verbose=0)


@once
def test_covariates_of_initial_are_matched_by_name(rainy):
    forecaster, series, known = rainy
    again = Forecaster(horizon=HORIZON, **SMALL)
    for names in (["rain", "wind"], ["wind", "rain"]):
        kinds = {"rain": "future", "wind": "past"}
        fit = {"initial": forecaster, "attributes": LANES, "epochs": 0, "verbose": 0}
        again.fit(series, covariates=known[names], known=kinds, **fit)
        assert again.form.future_covariates == ("rain",)
        found = again.forecast(covariates=known).values
        np.testing.assert_allclose(found, forecaster.forecast(covariates=known).values, rtol=1e-4)
    series = dataclasses.replace(series, covariates=None)
    past = Forecaster(horizon=HORIZON, **SMALL)
    past.fit(series, covariates=known, epochs=1, verbose=0)
    again.fit(series, covariates=known[["wind", "rain"]], initial=past, epochs=0, verbose=0)
    assert again.form.past_covariates == ("rain", "wind")


@once
def test_attributes_are_matched_by_name(tmp_path):
    series = series_of({"speed": speeds(weather())})
    form = form_of(series, "past", LANES)
    assert form.attributes == ("lanes", "limit")
    assert form.attribute_values == ((4, 80), (2, 50), (3, 30), (1, 50))
    path = tmp_path / "lanes.csv"
    LANES.reset_index(names="sensor_id").to_csv(path, index=False)
    assert described(series, "past", path)["attribute_values"] == form.attribute_values
    assert Form.from_json(form.to_json()) == form
    for faulty, message in (
        (LANES.drop("C"), "Received: rows for .* Add a row for 'C'"),
        (pd.concat([LANES, LANES[:1]]), "Keep one row for each of 'B'"),
        (LANES.assign(use="shops"), "the column 'use' with 'shops'.*get_dummies"),
        (LANES.assign(lanes=np.nan), "nan in the column 'lanes', sensor 'A'"),
        ([1, 2, 3, 4], "Received: list"),
    ):
        with pytest.raises((ValueError, TypeError), match=f"`attributes` must .*{message}"):
            described(series, "past", faulty)


@once
def test_later_past_covariates_change_no_forecast():
    known = weather()
    series, found = series_of({"speed": speeds(known)}), []
    for more in (0, 1000):
        other = known.copy()
        other.loc[series_index(series)[200] :] += more
        found.append(
            Forecaster(horizon=HORIZON, **SMALL).backtest(
                series, covariates=other, stride=8, epochs=1, verbose=False
            )
        )
    before = np.arange(144, 286, 8) <= 200
    one, two = (test.forecasts["model"] for test in found)
    np.testing.assert_allclose(one[before], two[before], rtol=1e-5)
    assert (np.abs(one[~before] - two[~before]) > 1).any()


def series_index(series):
    return pd.DatetimeIndex(series.timestamps, tz="UTC")


@once
def test_backtests_of_a_trained_forecaster_use_its_covariates(rainy, tmp_path):
    forecaster, series, known = rainy
    rate = keras.optimizers.Adam(0.02)
    options = {"covariates": known, "start": 0.8, "folder": tmp_path, "verbose": False}
    tested = forecaster.backtest(series, **options, epochs=25, optimizer=rate)
    errors = tested.by_step().mean()
    assert errors["model"] < 0.3 * errors["usual day"]
    again = forecaster.backtest(series, **options, epochs=25, optimizer=rate)
    np.testing.assert_array_equal(again.forecasts["model"], tested.forecasts["model"])
    assert len(list(tmp_path.iterdir())) == 1
    forecaster.backtest(series, **options, epochs=1, attributes=LANES + 1)
    assert len(list(tmp_path.iterdir())) == 2


@once
def test_online_calibration_reads_covariates(rainy):
    forecaster, series, known = rainy
    online, plain = OnlineCalibration(forecaster), dataclasses.replace(series, covariates=None)
    found = online.evaluate(plain, covariates=known)["MAE mean"]
    assert found["calibrated"] < 1.05 * found["forecaster"] < 0.3 * found["usual day"]
    forecast = online.forecast(plain, covariates=known)
    expected = forecaster.forecast(plain, covariates=known).values
    np.testing.assert_allclose(forecast.values, expected, atol=2)


@once
def test_shifts_follow_only_windows_with_known_covariates(rainy):
    forecaster, series, known = rainy
    form = forecaster.form
    newest = dataclasses.replace(series, covariates=None)
    short = known[known.index >= series_index(series)[250].tz_convert(known.index.tz)]
    found, starts = recent_windows(form, newest, 1000, short)
    assert starts.tolist() == list(range(250, 288 - LENGTH + 1))
    assert set(covariate_inputs(form, found, 250, 290)) == {"past_covariates", "future_covariates"}


@once
def test_rows_without_times_are_matched_by_their_number():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(60, 2))
    known = stgkeras.datasets.from_arrays(numbers[:, None], features=["a", "b"], interval=5)
    values = rng.normal(size=(57, 3))
    series = stgkeras.datasets.from_arrays(values, graph=np.ones((3, 3)), names="XYZ", interval=5)
    known = dataclasses.replace(known, names=("all",))
    series = with_covariates(series, known)
    found = covariate_inputs(form_of(series, "future"), series, 45, 60)
    np.testing.assert_allclose(found["future_covariates"], numbers[45:60], rtol=1e-6)
    with pytest.raises(ValueError, match="Received: none at step 60, 1 of 15"):
        covariate_inputs(form_of(series, "future"), series, 46, 61)
