"""The example on csv files, small enough to train in seconds: every figure is computed again."""

import functools
import json
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import once
from matplotlib.image import imread

from stgkeras import datasets, graphs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import demo_roads
import forecast_your_csv

ROADS = "from,to,distance\nA,B,1.0\nB,C,2.0\nC,D,1.5\nX,A,1\n"
PLACES = "index,sensor,latitude,longitude\n0,C,50.02,8\n1,A,50,8\n2,B,50.01,8\n3,D,50.03,8.01\n"


def run(*arguments):
    forecast_your_csv.main(forecast_your_csv.parse([str(argument) for argument in arguments]))


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
    """MAE at steps 1 and 4 and over all, RMSE likewise; (windows, 4, sensors)."""
    parts = (np.s_[:, 0], np.s_[:, 3], np.s_[:])
    error = [(forecast - truth)[part] for part in parts]
    return [np.nanmean(abs(e)) for e in error] + [np.nanmean(e**2) ** 0.5 for e in error]


def test_table_pictures_and_model(tmp_path, capsys):
    speeds, files = write(tmp_path, 15 * 24)
    out = tmp_path / "run"
    options = ("--null-value", 0, "--units", "km/h", "--steps", 4, 1)
    with pytest.raises(ValueError, match=r"unknown ids are 'X'.*`unknown=\"drop\"`"):
        run(*files, *options, "--out", out)
    options = (*options, "--unknown", "drop")
    run(*files, *options, "--epochs", 2, "--out", out)
    table = pd.read_csv(out / "table.csv", index_col=0)
    columns = [
        f"{name} {part}" for name in ("MAE", "RMSE") for part in ("60 min", "240 min", "mean")
    ]
    assert list(table.columns) == columns

    # The test part is the last 72 of 360 hours, of which a window reads 12 and predicts 4.
    first = np.arange(288 + 12, 360 - 4 + 1)
    ahead = first[:, None] + np.arange(4)
    values = speeds.to_numpy()
    last = speeds.ffill().to_numpy()[first - 1][:, None].repeat(4, axis=1)
    np.testing.assert_allclose(table.loc["last value"], errors(values[ahead], last), rtol=1e-5)
    kinds = [speeds.index.day_of_week >= 5, speeds.index.hour]
    means = speeds[:216].groupby([kind[:216] for kind in kinds]).mean()
    mean = means.loc[zip(*kinds, strict=True)].to_numpy()[ahead]
    np.testing.assert_allclose(table.loc["historical mean"], errors(values[ahead], mean), rtol=1e-5)

    # Nine days of training: the model gets the season, and is saved as it is reported.
    model = keras.models.load_model(out / "model.keras")
    assert (type(model).__name__, model.season, model.horizon) == ("STGCN", 24, 4)
    week = np.stack([speeds.index.hour / 24, speeds.index.day_of_week], axis=1).astype("float32")
    windows = values[first[:, None] - 12 + np.arange(12)][..., None].astype("float32")
    forecast = model.predict({"x": windows, "calendar": week[ahead]}, verbose=0)[..., 0]
    np.testing.assert_allclose(table.loc["STGCN"], errors(values[ahead], forecast), rtol=1e-3)
    series = datasets.from_csv(*files, null_value=0, unknown="drop")
    assert np.count_nonzero(series.adjacency) == 6
    weights = series.adjacency
    np.testing.assert_allclose(model.graph, graphs.scaled_laplacian(weights), rtol=1e-5, atol=1e-6)

    record = json.loads((out / "metrics.json").read_text())
    assert record["season"] is True and set(record["test"]) == set(table.index)
    assert record["test"]["STGCN"] == pytest.approx(table.loc["STGCN"].to_dict())
    printed = capsys.readouterr().out
    assert "Test errors in km/h" in printed
    assert f"{table.loc['ridge on the residual', 'MAE mean']:.3f}" in printed
    for name in ("forecast", "errors", "sensors"):
        assert imread(out / f"{name}.png")[..., :3].std() > 0.05
    assert not (out / "attention.png").exists()

    with pytest.raises(SystemExit, match="is not empty. Pass another --out"):
        run(*files, "--out", out)
    assert table.equals(pd.read_csv(out / "table.csv", index_col=0))


@once
def test_attention_gaps_and_places(tmp_path):
    speeds, files = write(tmp_path, 9 * 24, PLACES)
    lines = files[0].read_text().splitlines()
    files[0].write_text("\n".join([*lines[:40], *lines[43:60], lines[59], *lines[60:]]))
    with pytest.raises(ValueError, match="evenly spaced"):
        run(*files, "--out", tmp_path / "run")
    options = ("--mend", "--null-value", 0, "--model", "ASTGCN", "--steps", 3, "--epochs", 1)
    run(*files, *options, "--out", tmp_path / "run")
    record = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert record["season"] is False  # five days of training
    assert np.isfinite(pd.DataFrame(record["test"])).all(axis=None)
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert type(model).__name__ == "ASTGCN" and model.normalize
    known = speeds.to_numpy()[:129].copy()
    known[39:42] = np.nan
    mean = keras.ops.convert_to_numpy(model.get_layer("scaler").mean)
    np.testing.assert_allclose(mean, np.nanmean(known), rtol=1e-5)
    assert imread(tmp_path / "run" / "attention.png")[..., :3].std() > 0.05


@once
def test_local_time_and_nights_without_readings(tmp_path):
    """Fifteen days that follow the clock of Paris, whose clocks change on the twelfth day."""
    times = pd.date_range("2024-03-20", periods=15 * 24, freq="h", tz="Europe/Paris")
    rng = np.random.default_rng(0)
    level = 50 + 20 * np.sin(times.hour / 24 * 2 * np.pi).to_numpy()[:, None]
    flows = pd.DataFrame(level + rng.normal(size=(360, 4)), times.tz_localize(None), list("ABCD"))
    flows[times.hour < 5] = np.nan
    flows.to_csv(tmp_path / "flows.csv", index_label="time")
    (tmp_path / "roads.csv").write_text(ROADS.replace("X,A,1\n", ""))
    files = tmp_path / "flows.csv", tmp_path / "roads.csv"
    options = ("--null-value", "nan", "--steps", 1, 2, "--epochs", 1)
    with pytest.raises(ValueError, match="If these are local times that skip an hour"):
        run(*files, *options, "--out", tmp_path / "run")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "(?s).*clock change")
        run(*files, *options, "--timezone", "Europe/Paris", "--out", tmp_path / "run")

    table = pd.read_csv(tmp_path / "run" / "table.csv", index_col=0)
    values = flows.to_numpy()
    ahead = np.arange(288 + 12, 360 - 1)[:, None] + np.arange(2)  # after nine days of training
    kinds = [times.day_of_week >= 5, times.hour]
    train = values[:216]
    means = pd.DataFrame(train).groupby([kind[:216] for kind in kinds]).mean()
    mean = means.reindex(pd.MultiIndex.from_arrays(kinds)).to_numpy()[ahead]
    found = table.loc["historical mean", "MAE mean"]
    np.testing.assert_allclose(found, np.nanmean(abs(mean - values[ahead])), rtol=1e-5)
    wall = pd.Series(np.arange(360), times.tz_localize(None))  # the day before, on the local clock
    then = wall.reindex(times[ahead.ravel()].tz_localize(None) - pd.Timedelta("1D")).to_numpy()
    error = abs(values[then.astype(int)] - values[ahead.ravel()])
    np.testing.assert_allclose(
        table.loc["same time last day", "MAE mean"], np.nanmean(error), rtol=1e-5
    )

    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert model.past_calendar and model.season == 24
    args = forecast_your_csv.parse([*map(str, files), *map(str, options)])
    args.timezone = "Europe/Paris"
    task = forecast_your_csv.read(args, tmp_path)
    left = set(range(216 - 13)) - set(task.split.train)
    assert left == {s for s in range(216 - 13) if np.isnan(values[s + 12 : s + 14]).all()}
    assert len(left) == 4 * 8 and len(task.split.test) == 72 - 13


@once
def test_made_up_roads(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_roads, "make", functools.partial(demo_roads.make, days=13))
    run("--epochs", 1, "--no-season", "--out", tmp_path / "run")
    written = datasets.from_csv(tmp_path / "run" / "readings.csv")
    series = demo_roads.load()
    np.testing.assert_array_equal(written.values, series.values)
    edges = {(series.names[m], series.names[n]) for n, m in np.argwhere(series.adjacency)}
    assert edges == {pair for a, b, _ in demo_roads.ROADS for pair in ((a, b), (b, a))}
    assert keras.models.load_model(tmp_path / "run" / "model.keras").season is None


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
        (["--steps", "0", "3"], "--steps must be at least 1. Received: 0"),
        (["--null-value", "0"], "need a CSV file of readings"),
    ],
)
def test_bad_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit):
        forecast_your_csv.parse(arguments)
    assert message in capsys.readouterr().err


def test_times_and_days_that_do_not_fit(tmp_path):
    speeds, files = write(tmp_path, 120, ROADS.replace("X,A,1\n", ""))
    speeds.to_csv(files[0], index=False)
    with pytest.raises(SystemExit, match="must have timestamps in the first column"):
        run(*files, "--null-value", "nan", "--out", tmp_path / "run")
    speeds.index = pd.date_range("2024-01-01", periods=120, freq="7min")
    speeds.to_csv(files[0])
    with pytest.raises(SystemExit, match="A day is not a multiple of 7 minutes. Remove --season"):
        run(*files, "--null-value", "nan", "--season", "--out", tmp_path / "run")
