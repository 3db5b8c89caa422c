"""Presets as forecasters: opened by name or folder, with the data they are for."""

import json
import os
import pathlib
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import once

import stgkeras
from stgkeras import datasets, models
from stgkeras.cli import main
from stgkeras.models import preset_files

SMALLEST = "graph_stid_metr_la"  # which also reads days and weeks
SHIPPED = models.presets()
FORECASTERS = [name for name in SHIPPED if "links" not in name]
WEEK = 7 * 288


def newest(name, rows, start="2012-06-04 08:00", seed=0):
    data = SHIPPED[name]["data"]
    times = pd.date_range(start, periods=rows, freq=f"{data['interval']:g}min")
    rng = np.random.default_rng(seed)
    frames = {
        feature: pd.DataFrame(
            rng.uniform(0.1, 60, (rows, len(data["sensors"]))), times, data["sensors"]
        )
        for feature in data["features"]
    }
    return frames if len(frames) > 1 else next(iter(frames.values()))


@pytest.fixture(scope="module")
def forecaster():
    return stgkeras.Forecaster.load(SMALLEST)


def test_the_forecast_is_that_of_the_model_on_the_same_window(forecaster):
    frame = newest(SMALLEST, WEEK + 30)
    series = datasets.from_pandas(frame)
    inputs = datasets.latest_window(
        series, input_length=forecaster.model.input_length, horizon=12, steps_per_day=288
    )
    assert sorted(inputs) == ["calendar", "daily", "recent", "weekly"]
    expected = np.maximum(forecaster.model.predict(inputs, verbose=0)[0], 0)
    for given in (frame, frame[frame.columns[::-1]], series, frame):
        forecast = forecaster.forecast(given)
        np.testing.assert_allclose(forecast.values, expected, rtol=1e-5, atol=1e-5)
    assert forecast.names == tuple(SHIPPED[SMALLEST]["data"]["sensors"])
    assert (forecast.targets, forecast.units) == (("speed",), ("mph",))
    step = pd.Timedelta("5min")
    assert list(forecast.times) == list(
        pd.date_range(frame.index[-1] + step, periods=12, freq=step)
    )
    assert (forecast.flags == "").all()
    assert forecaster.weights.to_numpy().tolist() == [[1.0]] * 12
    assert (forecaster.season, forecaster.input_length, forecaster.horizon) == (True, 12, 12)


def test_missing_and_silent_sensors_are_flagged(forecaster):
    frame = newest(SMALLEST, WEEK)
    first, second, third = frame.columns[:3]
    frame.loc[frame.index[-10:], first] = 0  # METR-LA's mark
    frame.loc[frame.index[-40:], second] = np.nan
    flags = forecaster.forecast(frame.drop(columns=[third])).flags[0]
    last = frame.index[-41].isoformat(sep=" ", timespec="minutes")
    assert flags[:3].tolist() == [
        "2 of 12 readings",
        f"no reading since {last}",
        "no reading since 2012-06-27 23:55",
    ]
    assert (flags[3:] == "").all()


def test_errors_are_those_of_the_model(forecaster):
    series = datasets.from_pandas(newest(SMALLEST, WEEK + 40))
    errors = forecaster.evaluate(series)
    windows = datasets.Windows(
        series.values,
        series.values,
        np.arange(WEEK - 12, WEEK + 40 - 23),
        input_length=forecaster.model.input_length,
        horizon=12,
        calendar=series.calendar,
        steps_per_day=288,
    )
    truth = np.concatenate([y for _, y in (windows[i] for i in range(len(windows)))])
    expected = np.abs(np.maximum(forecaster.model.predict(windows, verbose=0), 0) - truth).mean()
    assert errors.loc["model", "MAE mean"] == pytest.approx(expected, rel=1e-4)
    with pytest.raises(
        ValueError, match="at least 2028 steps, with readings. Received: 2020 steps"
    ):
        forecaster.evaluate(datasets.from_pandas(newest(SMALLEST, 2020)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame[-12:], "the last 2016 steps of 5 minutes, from .* Received: 12 steps"),
        (lambda frame: frame.tz_localize("UTC"), "`newest` must have times without a time zone"),
        (lambda frame: frame.rename(columns=lambda name: f"x{name}"), "sensors of the forecaster"),
        (lambda frame: frame[::2], "steps of 5 minutes"),
    ],
)
def test_newest_readings_of_another_form(forecaster, change, message):
    with pytest.raises(ValueError, match=message):
        forecaster.forecast(change(newest(SMALLEST, WEEK)))


def test_the_command_line_takes_the_name(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    newest(SMALLEST, WEEK).rename_axis("time").to_csv("newest.csv")
    assert main(["forecast", SMALLEST, "newest.csv", "--out", "next.csv"]) == 0
    table = pd.read_csv("next.csv", dtype={"sensor": str})
    assert list(table) == ["time", "sensor", "speed", "flag"] and len(table) == 12 * 29
    refused = {"stgcn_links_generated": "predicts links", "stgcn_metr": "or the name of a preset"}
    for name, text in refused.items():
        capsys.readouterr()
        assert main(["forecast", name, "newest.csv"]) == 2
        found = capsys.readouterr().err
        assert text in found and "`folder`" not in found


@once
def test_every_forecasting_preset_describes_its_data():
    for name in FORECASTERS:
        found = stgkeras.Forecaster.load(name)
        data, form = SHIPPED[name]["data"], found.form
        assert form.names == tuple(data["sensors"]) and form.interval == 5.0
        assert dict(zip(form.features, form.units, strict=True)) == data["features"]
        assert form.target_names == tuple(data["targets"]) == form.features[:1]
        assert (form.timezone, data["start"] < data["end"]) == (None, True)
        assert found.graph_summary()["sensors"] == len(form.names)
        rows = WEEK if isinstance(found.model.input_length, dict) else 12
        assert found.forecast(newest(name, rows)).values.shape == (12, len(form.names), 1)
    assert form.null_value == (None,)
    assert stgkeras.Forecaster.load("stgcn_metr_la").form.null_value == (0,)


@once
@pytest.mark.skipif("STGKERAS_DATA" not in os.environ, reason="needs STGKERAS_DATA")
def test_a_preset_has_its_test_error_on_its_own_data():
    name = "graph_stid_pems_d12_orange"
    path = pathlib.Path(os.environ["STGKERAS_DATA"]) / "pems_d12_orange" / "orange_81.npz"
    series = datasets.load_series(path, key=[*SHIPPED[name]["data"]["features"]])
    first = int(SHIPPED[name]["split"]["test"].split()[-1]) - (WEEK - 12)
    test = replace(series, values=series.values[first:], timestamps=series.timestamps[first:])
    errors = stgkeras.Forecaster.load(name).evaluate(test)
    assert errors.loc["model", "MAE mean"] == pytest.approx(
        SHIPPED[name]["metrics"]["MAE mean"], rel=1e-3
    )


@once
def test_other_presets_are_refused_with_what_they_are(tmp_path):
    message = r"'stgcn_links_generated' of class STGCNLinkPredictor, which predicts links. Open it"
    with pytest.raises(ValueError, match=message):
        stgkeras.Forecaster.load("stgcn_links_generated")
    model = models.GCN(3, graph=np.eye(3), num_features=2, num_classes=2)
    model.save_to_preset(tmp_path / "nodes", dict.fromkeys(preset_files.KEYS))
    with pytest.raises(ValueError, match="of class GCN, which classifies nodes or graphs"):
        stgkeras.Forecaster.load(tmp_path / "nodes")
    with pytest.raises(ValueError, match="or the name of a preset.*presets.* Received: nothing"):
        stgkeras.Forecaster.load("nothing")


@once
def test_a_preset_is_saved_as_one(tmp_path):
    found = stgkeras.Forecaster.load("stgcn_metr_la")
    found.save(tmp_path / "mine")
    again = stgkeras.Forecaster.load(tmp_path / "mine")
    assert again.form == found.form
    frame = newest("stgcn_metr_la", 12)
    np.testing.assert_array_equal(again.forecast(frame).values, found.forecast(frame).values)


@once
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sensors": ["1"]}, "metadata fit its model.* 1 sensors"),
        ({"targets": ["flow"]}, "metadata fit its model"),
        ({"features": {"speed": "mph", "flow": ""}}, "2 features"),
        ({"interval": "often"}, "metadata fit its model"),
        ({"interval": 10}, "144 steps in a day for a season of 288"),
        ({"end": None, "interval": None}, "metadata fit its model"),
        ("made up", "with sensors, features, targets.* without sensors, features"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(change, message, tmp_path):
    folder = shutil.copytree(preset_files._shipped() / "stgcn_metr_la", tmp_path / "mine")
    metadata = json.loads((folder / "metadata.json").read_text())
    data = change if isinstance(change, str) else {**metadata["data"], **change}
    (folder / "metadata.json").write_text(json.dumps({**metadata, "data": data}))
    with pytest.raises(ValueError, match=message):
        stgkeras.Forecaster.load(folder)


@once
@pytest.mark.parametrize("text", ["", "[]", None])
def test_metadata_that_cannot_be_read_are_refused(text, tmp_path):
    folder = shutil.copytree(preset_files._shipped() / "stgcn_metr_la", tmp_path / "mine")
    path = folder / "metadata.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(ValueError, match="`folder` must have a readable metadata.json"):
        stgkeras.Forecaster.load(folder)
    with pytest.raises(TypeError, match="`folder` must be a path: a str or"):
        stgkeras.Forecaster.load(None)


@once
def test_a_preset_with_quantiles_forecasts_their_median(tmp_path):
    times = pd.date_range("2024-05-01", periods=60, freq="h")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(50, 5, (60, 3)), times, list("ABC"))
    data = {"sensors": list("ABC"), "features": {"speed": "km/h"}, "targets": ["speed"]}
    data |= {
        "interval": 60,
        "timezone": None,
        "null_value": None,
        "minimum": 0,
        "end": "2024-05-01",
    }
    metadata = dict.fromkeys(preset_files.KEYS) | {"data": data}
    sizes = {"graph": np.eye(3)[::-1] * -1.0, "horizon": 2, "normalize": True, "units": 4}
    for levels in ((0.1, 0.5, 0.9), (0.1, 0.9)):
        model = models.GraphSTID(3, **sizes, num_blocks=1, quantiles=levels)
        model.adapt(frame.to_numpy("float32")[..., None])
        model.save_to_preset(tmp_path / str(len(levels)), metadata)
        if 0.5 in levels:
            found = model.predict(frame.to_numpy("float32")[None, -12:, :, None], verbose=0)
    with pytest.warns(UserWarning, match="with quantiles=.* forecasts their median only, because"):
        forecaster = stgkeras.Forecaster.load(tmp_path / "3")
    forecast = forecaster.forecast(frame)
    np.testing.assert_allclose(forecast.values, found[0, ..., 1], rtol=1e-5)
    assert forecast.quantiles is None and list(forecast.to_frame()) == [
        *("time", "sensor", "speed", "flag")
    ]
    errors = forecaster.evaluate(datasets.from_pandas(frame))
    assert list(errors.index) == ["forecaster", "model"] and np.isfinite(errors).all(axis=None)
    message = r"`folder` must be a preset with the quantile 0.5.* Received: .*\(0.1, 0.9\). Open it"
    with pytest.raises(ValueError, match=message):
        stgkeras.Forecaster.load(tmp_path / "2")
