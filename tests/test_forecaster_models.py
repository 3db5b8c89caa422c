"""Models that read the calendar and no graph, as models of a forecaster."""

import dataclasses

import numpy as np
import pytest
from conftest import once
from test_forecaster import city, series_of

from stgkeras import cli
from stgkeras.forecasting import Forecaster

SMALL = {"input_units": 4, "day_units": 2, "week_units": 2, "adaptive_units": 4, "num_heads": 2}
STID = {"units": 4, "num_blocks": 1, "node_units": 2, "day_units": 2, "week_units": 2}


@pytest.fixture(scope="module")
def series():
    return series_of({"speed": city()["speed"]})


@pytest.mark.parametrize("season", [True, False])
def test_stid_is_trained_saved_and_asked(series, season, tmp_path):
    """It needs no graph, and its forecast of a window is that of `model.predict`."""
    roadless = dataclasses.replace(series, adjacency=None)
    forecaster = Forecaster("STID", horizon=3, season=season, **STID)
    forecaster.fit(roadless, epochs=1, verbose=0)
    assert forecaster.model.steps_per_day == 24 and forecaster.graph_summary() == {}
    forecaster.weights[:] = 0.0
    forecaster.weights["model"] = 1.0
    found = forecaster.forecast(series).values
    calendar = series.calendar
    day = np.arange(len(series.values), len(series.values) + 3)
    ahead = np.stack([day % 24 / 24, np.full(3, calendar[-1, 1])], axis=-1)
    hour = calendar[-1, 0] * 24
    ahead[:, 0] = (hour + 1 + np.arange(3)) % 24 / 24
    ahead[:, 1] = (calendar[-1, 1] + (hour + 1 + np.arange(3)) // 24) % 7
    inputs = {"x": series.values[None, -12:], "past_calendar": calendar[None, -12:]}
    inputs |= {"calendar": ahead[None].astype("float32")} if season else {}
    expected = np.maximum(forecaster.model.predict(inputs, verbose=0)[0], 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)
    forecaster.save(tmp_path / "city")
    opened = Forecaster.load(tmp_path / "city")
    np.testing.assert_allclose(opened.forecast(series).values, found, rtol=1e-4)
    assert opened.model_arguments["units"] == 4 and "steps_per_day" not in opened.model_arguments
    again = Forecaster("STID", horizon=3)
    again.fit(roadless, initial=opened, epochs=0, verbose=0)
    for ours, theirs in zip(again.model.get_weights(), opened.model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@once
def test_staeformer_learns(series):
    forecaster = Forecaster("STAEformer", horizon=3, num_blocks=1, feed_forward_units=4, **SMALL)
    history = forecaster.fit(series, epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert np.isfinite(forecaster.forecast(series).values).all()


@once
def test_stid_needs_times_and_refuses_a_graph(series):
    undated = dataclasses.replace(series, timestamps=None)
    with pytest.raises(ValueError, match="`model` must be one that reads no calendar"):
        Forecaster("STID", horizon=3, **STID).fit(undated, verbose=0)
    with pytest.raises(ValueError, match="`graph` must be None, because STID reads no graph"):
        Forecaster("STID", horizon=3, graph=None, **STID)._build(4, graph=np.eye(4))
    forecaster = Forecaster("STID", horizon=3, **STID)
    forecaster.fit(series, epochs=1, verbose=0)
    with pytest.raises(ValueError, match="`graph` must not be set, because STID reads no graph"):
        forecaster.model.graph = np.eye(4)


@once
def test_the_commands_train_stid_without_roads(series, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frame = city()["speed"].tz_localize(None)
    frame[~frame.index.duplicated()].to_csv("speeds.csv", index_label="time")
    fit = ["fit", "speeds.csv", "--model=STID", "--horizon=3", "--mend", "--epochs=1"]
    fit += [f"--set={name}={value}" for name, value in STID.items()]
    assert cli.main([*fit, "--null-value=nan", "--out=city"]) == 0
    assert "Graph: the model reads none." in capsys.readouterr().out
    assert cli.main(["report", "city", "speeds.csv", "--mend"]) == 0
    assert cli.main([*fit, "--out=other", "--set=steps_per_day=24"]) == 2
    assert "--set must name arguments of STID" in capsys.readouterr().err
