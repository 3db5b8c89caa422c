"""The example on csv files, small enough to train in seconds."""

import functools
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import once
from matplotlib.image import imread

import stgkeras
from stgkeras import datasets
from stgkeras.cli import main as cli
from stgkeras.cli import series_scripts as scripts
from stgkeras.cli.errors import UserError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import demo_roads
import forecast_your_csv

ROADS = "from,to,distance\nA,B,1.0\nB,C,2.0\nC,D,1.5\nX,A,1\n"
PLACES = "index,sensor,latitude,longitude\n0,C,50.02,8\n1,A,50,8\n2,B,50.01,8\n3,D,50.03,8.01\n"


def run(*arguments):
    args = forecast_your_csv.parse([str(argument) for argument in arguments])
    args.debug = True  # the error itself
    scripts.run(forecast_your_csv.main, args)


def write(folder, hours, roads=ROADS):
    """Hourly speeds at four sensors, with a season, noise and readings of 0 that are missing."""
    times = pd.date_range("2024-01-01", periods=hours, freq="h", name="time")
    rng = np.random.default_rng(0)
    level = 60 - 15 * np.exp(-((times.hour - 8) ** 2) / 4) * (times.day_of_week < 5)
    speeds = pd.DataFrame(level.to_numpy()[:, None] + rng.normal(size=(hours, 4)), times)
    speeds = speeds.set_axis(list("ABCD"), axis=1).mask(rng.random((hours, 4)) < 0.02, 0)
    speeds.to_csv(folder / "speeds.csv")
    (folder / "roads.csv").write_text(roads)
    return speeds.replace(0, np.nan), [folder / "speeds.csv", folder / "roads.csv"]


def errors(truth, forecast):
    """MAE at steps 1, 2 and 4 and over all, RMSE likewise; (windows, 4, sensors)."""
    parts = (np.s_[:, 0], np.s_[:, 1], np.s_[:, 3], np.s_[:])
    error = [(forecast - truth)[part] for part in parts]
    return [np.nanmean(abs(e)) for e in error] + [np.nanmean(e**2) ** 0.5 for e in error]


def test_forecast_table_pictures_and_model(tmp_path, capsys):
    speeds, files = write(tmp_path, 15 * 24)
    out = tmp_path / "run"
    options = ("--null-value", 0, "--units", "km/h", "--horizon", 4)
    with pytest.raises(UserError, match=r"unknown ids are 'X'.*--unknown drop"):
        run(*files, *options, "--out", tmp_path / "none")
    options = (*options, "--unknown", "drop")
    run(*files, *options, "--epochs", 2, "--out", out)
    table = pd.read_csv(out / "table.csv", index_col=0)
    columns = [
        f"{name} {part}"
        for name in ("MAE", "RMSE")
        for part in ("60 min", "120 min", "240 min", "mean")
    ]
    assert list(table.columns) == columns

    # The test part is the last 72 of 360 hours, of which a window reads 12 and predicts 4.
    first = np.arange(288 + 12, 360 - 4 + 1)
    ahead = first[:, None] + np.arange(4)
    values = speeds.to_numpy()
    last = speeds.ffill().to_numpy()[first - 1][:, None].repeat(4, axis=1)
    np.testing.assert_allclose(table.loc["last value"], errors(values[ahead], last), rtol=1e-5)

    # The folder holds the forecaster of the table; its model is a Keras model.
    forecaster = stgkeras.Forecaster.load(out / "forecaster")
    again = forecaster.evaluate(datasets.from_csv(*files, null_value=0, unknown="drop"))
    assert type(forecaster.model).__name__ == "GraphSTID" and forecaster.model.horizon == 4
    assert list(again.index) == list(table.index)
    next_steps = pd.read_csv(out / "forecast.csv", parse_dates=["time"])
    assert list(next_steps["time"].unique()) == list(
        pd.date_range(speeds.index[-1], periods=5, freq="h")[1:]
    )

    printed = capsys.readouterr().out
    assert "Errors in km/h over the last part" in printed and "4 sensors, 3 edges" in printed
    assert f"{table.loc['ridge', 'MAE mean']:.4g}" in printed
    for name in ("forecast", "errors", "sensors", "most"):
        assert imread(out / f"{name}.png")[..., :3].std() > 0.05
    assert "in km/h" in (out / "report.html").read_text("utf-8")
    # The next command runs as it was printed.
    command = re.search(r"^  stgkeras (.*)$", printed, re.MULTILINE)[1]
    assert cli([*shlex.split(command)[:-1], str(tmp_path / "next.csv")]) == 0
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "next.csv"), pd.read_csv(out / "forecast.csv"), rtol=1e-4
    )

    with pytest.raises(UserError, match="already holds a run. Pass another --out"):
        run(*files, "--out", out)
    assert table.equals(pd.read_csv(out / "table.csv", index_col=0))


@once
def test_made_up_roads(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_roads, "make", functools.partial(demo_roads.make, days=7))
    run("--epochs", 1, "--model", "STGCN", "--out", tmp_path / "run")
    written = datasets.from_csv(tmp_path / "run" / "readings.csv")
    series = demo_roads.load()
    np.testing.assert_array_equal(written.values, series.values)
    edges = {(series.names[m], series.names[n]) for n, m in np.argwhere(series.adjacency)}
    assert edges == {pair for a, b, _ in demo_roads.ROADS for pair in ((a, b), (b, a))}
    found = stgkeras.Forecaster.load(tmp_path / "run" / "forecaster")
    assert type(found.model).__name__ == "STGCN" and found.form.units == ("km/h",)


def test_queues_grow_up_the_road():
    speeds, _ = demo_roads.make()
    slowed = 100 - speeds[speeds.index.day_of_week == 5][["A4", "A5"]].to_numpy()  # no rush hour
    days = slowed.reshape(4, 96, 2)
    before, after = days[:, :-1].reshape(-1, 2), days[:, 1:].reshape(-1, 2)
    effect, *_ = np.linalg.lstsq(before, after, rcond=None)  # [of, on] a quarter of an hour later
    assert effect[1, 0] > 0.2  # what A5 reads shows at A4 next
    assert abs(effect[0, 1]) < 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["speeds.csv"], "the readings need a graph"),
        (["--null-value", "0"], "--null-value needs --data FILE, a file of readings"),
    ],
)
def test_bad_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit):
        forecast_your_csv.parse(arguments)
    assert message in capsys.readouterr().err
