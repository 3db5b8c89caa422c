"""The front door, on data small enough to train in seconds."""

import functools
import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import once
from tensorboard_logs import read

from stgkeras import datasets

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import train_astgcn


def run(*arguments):
    train_astgcn.main(train_astgcn.parse([str(argument) for argument in arguments]))


@pytest.fixture(autouse=True)
def keras_home(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.getbasetemp()))


@pytest.fixture
def series(tmp_path):
    """Three days of hourly readings that rise and fall with the hour, and their graph."""
    hours = np.arange(240)
    level = 50 + 10 * np.sin(hours / 24 * 2 * np.pi)
    noise = np.random.default_rng(0).normal(size=(240, 4))
    path = tmp_path / "speed.npz"
    np.savez(path, speed=level[:, None] + noise, adj=np.ones((4, 4)), step_minutes=60)
    return path


@pytest.fixture
def dated(series, tmp_path):
    """The same, with a date and a reading missing."""
    arrays = dict(np.load(series))
    arrays["speed"][5, 1] = 0.0
    np.savez(tmp_path / "dated.npz", **arrays, start_time="2024-01-01T00:00")
    return tmp_path / "dated.npz"


@once
def test_the_season_and_missing_readings(dated, tmp_path):
    options = ("--task", "forecast", "--data", dated, "--null-value", 0, "--season")
    run(*options, "--epochs", 1, "--out", tmp_path / "run")
    table = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    assert list(table)[-1] == "ridge on the residual"
    # What an untrained model leaves alone is the season, which rises and falls by 10.
    assert table["ASTGCN"]["MAE mean"] < 3 < table["last value"]["MAE mean"]
    assert table["ridge on the residual"]["MAE mean"] < 1.5
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert model.season == 24


def test_links_train_stop_and_go_on(tmp_path, capsys, monkeypatch):
    short = functools.partial(datasets.load_dynamic_graphs, num_nodes=16, num_steps=80)
    monkeypatch.setattr(datasets, "load_dynamic_graphs", short)
    options = ("--sequences", 9, "--val", 1, "--test", 1, "--out", tmp_path / "run")
    run(*options, "--epochs", 1)
    first = keras.models.load_model(tmp_path / "run" / "last.keras")
    run(*options, "--epochs", 2, "--resume")
    last = keras.models.load_model(tmp_path / "run" / "last.keras")
    assert int(last.optimizer.iterations) == 2 * int(first.optimizer.iterations)
    assert len((tmp_path / "run" / "log.csv").read_text().splitlines()) == 3  # header, two epochs
    table = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    assert list(table) == [
        "ASTGCN",
        "last graph",
        "mean of the window",
        "exponential mean",
        "Bayes oracle",
    ]
    assert all(table["Bayes oracle"]["AP"] >= table[row]["AP"] for row in table)
    assert "Bayes oracle" in capsys.readouterr().out
    for name in ("model.keras", "links.png", "tensorboard/train", "tensorboard/validation"):
        assert (tmp_path / "run" / name).exists()
    pictures = read(tmp_path / "run" / "tensorboard")
    assert set(pictures.Tags()["images"]) == {"links", "attention"}
    assert [image.step for image in pictures.Images("links")] == [0, 1]


@once
def test_forecast_table_has_the_baselines(series, tmp_path):
    run("--task", "forecast", "--data", series, "--epochs", 1, "--out", tmp_path / "run")
    table = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    assert list(table) == ["ASTGCN", "last value", "same time last day", "same time last week"]
    assert list(table["ASTGCN"])[:4] == ["MAE 180 min", "MAE 360 min", "MAE 720 min", "MAE mean"]
    # The test part is the last 48 of 240 hours; its windows predict from the 13th of them on.
    speed = np.load(series)["speed"]
    errors = [
        np.abs(speed[start + 12 : start + 24] - speed[start - 12 : start])
        for start in range(192, 240 - 23)
    ]
    assert table["same time last day"]["MAE mean"] == pytest.approx(np.mean(errors), rel=1e-5)
    assert (tmp_path / "run" / "forecast.png").stat().st_size > 10_000


def test_a_finished_run_is_not_overwritten(tmp_path):
    (tmp_path / "last.keras").write_bytes(b"precious")
    with pytest.raises(SystemExit, match="already holds a run. Pass --resume"):
        run("--out", tmp_path)
    assert (tmp_path / "last.keras").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "forecast"], "needs --data FILE"),
        (["--resume"], "--resume needs --out FOLDER"),
    ],
)
def test_bad_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit):
        train_astgcn.parse(arguments)
    assert message in capsys.readouterr().err


def test_missing_interval_graph_and_checkpoint(tmp_path):
    np.savez(tmp_path / "a.npz", speed=np.ones((99, 3)))
    options = ("--task", "forecast", "--data", tmp_path / "a.npz", "--out", tmp_path / "run")
    with pytest.raises(SystemExit, match="has no time interval. Pass --interval MINUTES"):
        run(*options)
    with pytest.raises(SystemExit, match="has no graph. Pass --graph FILE"):
        run(*options, "--interval", 5)
    np.savez(tmp_path / "b.npz", speed=np.ones((99, 3)), adj=np.ones((3, 3)))
    undated = ("--task", "forecast", "--data", tmp_path / "b.npz", "--interval", 5, "--season")
    with pytest.raises(SystemExit, match="has no timestamps. Remove --season"):
        run(*undated, "--out", tmp_path / "run")
    with pytest.raises(SystemExit, match="has no checkpoint to resume. Remove --resume"):
        run(*options, "--resume")
