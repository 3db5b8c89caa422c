"""Covariates as users have them: weather files, daily rows, other clocks, and their faults."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
import test_forecaster_covariates as made
from conftest import once
from test_forecaster import SMALL

from stgkeras import datasets
from stgkeras.cli import main
from stgkeras.cli.errors import UserError
from stgkeras.cli.fit import known_of
from stgkeras.forecasting import Forecaster
from stgkeras.forecasting.covariates import covariate_inputs, described, with_covariates
from stgkeras.forecasting.form import Form

ZONE, NAMES = "Europe/Vienna", ["007", "012"]
LENGTH, HORIZON = 4, 2

pytestmark = once


def readings(start="2024-10-25", days=5, freq="15min", zone=ZONE):
    times = pd.date_range(start, periods=days * 96, freq=freq, tz=zone)
    values = np.random.default_rng(0).normal(50, 5, (len(times), 2))
    return datasets.from_pandas(pd.DataFrame(values, times, NAMES), [[0, 1], [1, 0]])


def weather(freq="h", zone=ZONE, start="2024-10-25", end="2024-10-31"):
    times = pd.date_range(start, end, freq=freq, tz=zone)
    numbers = np.random.default_rng(1).normal(size=(len(times), 2)).round(2)
    return pd.DataFrame(numbers, times, ["rain", "temp"])


def aligned(series, covariates, known="future", attributes=None):
    """Covariates (T, C) of all steps, as the model reads them."""
    series = with_covariates(series, covariates)
    form = Form.of(series, None, LENGTH, HORIZON, len(series.values))
    form = dataclasses.replace(form, **described(series, known, attributes))
    found = covariate_inputs(form, series, 0, len(series.values))
    return found.get("future_covariates")


def by_pandas(series, frame):
    """The newest row that is not later than each step, by pandas."""
    steps = pd.DataFrame(index=pd.DatetimeIndex(series.timestamps, tz="UTC").as_unit("ns"))
    rows = frame.set_axis(frame.index.tz_convert("UTC").as_unit("ns"))
    return pd.merge_asof(steps, rows, left_index=True, right_index=True).to_numpy()


def written(frame, path, style):
    """Writes a weather file as services write it, and returns its path."""
    local = frame.tz_convert(ZONE).tz_localize(None).rename_axis("time")
    if style == "utc":
        utc = frame.tz_convert("UTC")
        utc.set_axis(utc.index.strftime("%Y-%m-%dT%H:%MZ")).to_csv(path, index_label="time")
    elif style == "german":
        units = {"rain": "Regen [mm]", "temp": "Temperatur (°C)"}
        local = local.rename(columns=units).set_axis(local.index.strftime("%d.%m.%Y %H:%M"))
        local.to_csv(path, sep=";", decimal=",", index_label="Zeit")
    elif style == "one station":
        local.assign(station="Hohe Warte").to_csv(path)
    elif style == "each sensor":
        each = [frame.assign(sensor=name) for name in NAMES]
        pd.concat(each).to_csv(path, index_label="time")
    else:
        local.to_csv(path)
    return path


@pytest.mark.parametrize("style", ["local", "utc", "german", "one station", "each sensor"])
def test_files_of_weather_services_are_aligned_as_pandas_aligns_them(style, tmp_path):
    series, frame = readings(), weather()
    found = aligned(series, written(frame, tmp_path / "weather.csv", style))
    expected = by_pandas(series, frame)
    found = found if found.ndim == 2 else found[:, 1]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("start", ["2024-10-25", "2024-03-29"])
@pytest.mark.parametrize("zone", [ZONE, "UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("freq", ["D", "h", "7min", "3h"])
def test_a_row_counts_until_the_next_also_when_the_clocks_change(start, zone, freq):
    """After the last row, each step within one interval has it, and no later step."""
    series = readings(start)
    times = pd.DatetimeIndex(series.timestamps, tz="UTC")
    first = times[0].tz_convert(zone).normalize()
    for days in (2.0, 2.9, 3.5):
        rows = pd.date_range(
            first, (times[0] + pd.Timedelta(days=days)).tz_convert(zone), freq=freq
        )
        end = rows[-1] + rows.freq
        frame = pd.DataFrame({"x": np.arange(len(rows)) + 1.0}, rows)
        last = times.searchsorted(end)
        part = dataclasses.replace(
            series, values=series.values[:last], timestamps=series.timestamps[:last]
        )
        np.testing.assert_array_equal(aligned(part, frame), by_pandas(part, frame))
        more = dataclasses.replace(
            series, values=series.values[: last + 1], timestamps=series.timestamps[: last + 1]
        )
        with pytest.raises(ValueError, match=rf"Received: none at .*, 1 of {last + 1} steps"):
            aligned(more, frame)


def test_rows_without_times_belong_to_readings_without_times():
    series = datasets.from_arrays(np.ones((20, 3)), graph=np.ones((3, 3)), interval=5)
    frame = pd.DataFrame({"rain": np.arange(20), "hail": -np.arange(20)})
    np.testing.assert_array_equal(aligned(series, frame), frame)
    with pytest.raises(ValueError, match="none at step 18, 2 of 20 steps"):
        aligned(series, frame[:18])
    with pytest.raises(ValueError, match="readings with no times, covariates with times"):
        aligned(series, weather())
    with pytest.raises(TypeError, match="must have times as index.*an index with 0, 1, 2, …"):
        aligned(readings(), frame)


@pytest.mark.parametrize(
    "change, error, message",
    [
        (lambda f: f["rain"], TypeError, "Received: Series. Pass a frame"),
        (lambda f: f.to_numpy(), TypeError, "Received: ndarray. Pass a frame"),
        (lambda f: {"rain": f["rain"]}, TypeError, "Received: dict of Series. Pass"),
        (lambda f: {}, TypeError, "Received: dict. Pass"),
        (lambda f: "", FileNotFoundError, "an existing file. Received: an empty text"),
        (lambda f: "no.csv", FileNotFoundError, "an existing file. Received: no.csv"),
        (lambda f: f[[]], ValueError, r"at least one column.*Received: the columns \[\]"),
        (lambda f: pd.concat([f, f], axis=1), ValueError, "each with its own name"),
        (lambda f: f.astype(object), TypeError, "the column 'rain' of dtype object. Remove it"),
        (lambda f: f.assign(kind="wet"), TypeError, "the column 'kind' of dtype .*get_dummies"),
        (lambda f: f.reset_index(names="t"), TypeError, r"Call `frame.set_index\('t'\)`"),
        (lambda f: f[:1], ValueError, "at least two rows.*Received: one row"),
        (lambda f: f.resample("MS").mean(), ValueError, "one row|steps of months"),
        (lambda f: f.assign(rain=np.inf), ValueError, "must be finite numbers of float32"),
        (lambda f: pd.concat([f, f[-1:]]), ValueError, "with it|take `duplicates`, and pass the"),
        (
            lambda f: f.set_axis(NAMES, axis=1),
            ValueError,
            "with the names of sensors, '007', '012'",
        ),
    ],
)
def test_faulty_covariates_are_named(change, error, message):
    with pytest.raises(error, match=f"`covariates` (must|.*).*{message}"):
        aligned(readings(), change(weather()))


def test_faulty_files_of_covariates_are_named(tmp_path):
    series, frame, path = readings(), weather(), tmp_path / "weather.csv"
    for table, message in (
        (frame.set_axis(NAMES, axis=1), "with the names of sensors, '007', '012'. .*a file with"),
        (frame.assign(sky="grey"), "'grey' in column 'sky'.*For covariates, correct the table"),
        (
            pd.concat([frame.assign(station=name) for name in ("11035", "11036")]),
            "'11035', '11036', without '007', '012'. If they are stations, repeat the rows",
        ),
        (
            pd.concat([frame.assign(station=name) for name in ("7", "12")]),
            "without '007', '012'. The id '7' seems to be the sensor '007'",
        ),
    ):
        table.to_csv(path, index_label="time")
        with pytest.raises(ValueError, match=message):
            aligned(series, path)
    frame.reset_index(drop=True).to_csv(path, index=False)
    with pytest.raises(ValueError, match="`covariates` must have times.*weather.csv without a col"):
        aligned(series, path)
    # Without the UTC offset, times in UTC cannot be local times: two hours have one local time.
    frame.tz_convert("UTC").tz_localize(None).to_csv(path, index_label="time")
    with pytest.raises(ValueError, match="`covariates` must show both times of an hour") as caught:
        aligned(series, path)
    assert "regularize" not in str(caught.value)


def test_covariates_within_a_series_are_checked_too():
    series = readings()
    for wrong, error, message in (
        (5, TypeError, "Received: int"),
        (readings(zone=None), ValueError, "Received: timezone='Europe/Vienna' of the readings"),
    ):
        with pytest.raises(error, match=f"`covariates` must .*{message}"):
            aligned(dataclasses.replace(series, covariates=wrong), None)


@pytest.mark.parametrize(
    "known",
    [None, 5, ["past", "future"], np.array(["past", "future"]), "Future", {"rain": "past"}]
    + [{"rain": ["past"], "temp": "past"}, {"rain": "past", "temp": "past", "snow": "past"}],
)
def test_known_is_one_of_two_words_for_each_covariate(known):
    message = (
        "`known` must be .*'rain', 'temp'. Received.*`known={'rain': 'past', 'temp': 'future'}`"
    )
    with pytest.raises(ValueError, match=message):
        aligned(readings(), weather(), known)


@pytest.mark.parametrize("known", ["future", {"rain": "future"}, 5])
def test_known_without_covariates_is_refused(known):
    with pytest.raises(ValueError, match="`known` must be omitted without covariates.*Pass `cov"):
        aligned(readings(), None, known)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda f: f.reset_index(names="sensor"), r"rows for '0', '1'. Pass the names .*set_index"),
        (lambda f: f * 1e300, r"float32. Received: 2e\+300 in the column 'lanes', sensor '007'"),
        (lambda f: f.assign(lanes=pd.array([1, None], "Int64")), "<NA> in .*, sensor '012'"),
        (lambda f: f.astype(object), "the column 'lanes' with 2, of dtype object. Remove"),
        (lambda f: f[:0], "rows for none. Add a row for '007', '012'"),
    ],
)
def test_faulty_attributes_are_named(change, message):
    frame = pd.DataFrame({"lanes": [2, 3]}, NAMES)
    with pytest.raises(ValueError, match=f"`attributes` must .*{message}"):
        described(readings(), "past", change(frame))
    with pytest.raises(FileNotFoundError, match="`attributes` must be the path of an existing"):
        described(readings(), "past", "lanes.csv")


def test_the_option_known_names_each_covariate_once():
    for values in (["future", "rain=past"], ["rain=past", "rain=future"], ["past", "past"]):
        with pytest.raises(UserError, match="--known must be past or future once.*Received: --kno"):
            known_of(values)


def test_commands_name_the_file_of_covariates_or_attributes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame(np.ones((480, 2)), readings().timestamps, NAMES)
    frame.to_csv("speeds.csv", index_label="time")
    (tmp_path / "lanes.csv").write_text("sensor,lanes\n007,2\n012,many\n")
    weather().tz_convert("UTC").assign(sky="grey").to_csv("sky.csv", index_label="time")
    for options, message in (
        ("--covariates no.csv", "--covariates must be the path of an existing file. Received: no"),
        ("--covariates sky.csv", "sky.csv must hold numbers.*For covariates, correct the table"),
        ("--attributes no.csv", "--attributes must be the path of an existing file"),
        ("--attributes lanes.csv", "--attributes must hold finite numbers.*'lanes'"),
        ("--known future", "--known must be omitted without covariates.*Pass --covariates too"),
    ):
        fit = ["fit", "speeds.csv", "--model=STID", "--timezone=UTC", "--out=city"]
        assert main([*fit, *options.split()]) == 2
        found = capsys.readouterr()
        assert re.search(message, found.err) and "Training" not in found.out


def test_commands_take_files_of_covariates(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    known, edges = made.weather(), [("A", "B"), ("B", "C"), ("C", "D")]
    made.speeds(known).tz_localize(None).to_csv("speeds.csv", index_label="time")
    known.tz_localize(None).to_csv("weather.csv", index_label="time")
    made.LANES.to_csv("lanes.csv", index_label="sensor")
    pd.DataFrame(edges, columns=["from", "to"]).to_csv("roads.csv", index=False)
    settings = [f"--set={name}={value}" for name, value in SMALL.items()]
    fit = ["fit", "speeds.csv", "roads.csv", "--timezone=Europe/Vienna", "--horizon=3", *settings]
    fit += ["--covariates=weather.csv", "--known=rain=future", "--known=wind=past"]
    # The hour of the autumn change occurs twice in both files, in order.
    assert main([*fit, "--attributes=lanes.csv", "--epochs=1", "--out=city"]) == 0
    assert "city speeds.csv --covariates weather.csv" in capsys.readouterr().out
    assert Forecaster.load("city").form.future_covariates == ("rain",)
    for command in (["forecast", "--out=next.csv"], ["evaluate"], ["report"]):
        name, *more = command
        assert main([name, "city", "speeds.csv", "--covariates=weather.csv", *more]) == 0
        assert main([name, "city", "speeds.csv", *more, "--overwrite"][: 3 + len(more)]) == 2
    assert len(pd.read_csv("next.csv")) == 12
    assert "--covariates must have" in capsys.readouterr().err
    known[:"2024-10-31"].tz_localize(None).to_csv("weather.csv", index_label="time")
    capsys.readouterr()
    assert main(["forecast", "city", "speeds.csv", "--covariates=weather.csv"]) == 2
    assert "'rain' for each step" in capsys.readouterr().err
