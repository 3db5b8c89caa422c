"""The front door, on data small enough to train in seconds."""

import functools
import json
import shlex
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import EVERYTHING, once, slow
from tensorboard_logs import read

from stgkeras import datasets
from stgkeras.cli import series_scripts as scripts
from stgkeras.cli.errors import UserError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import demo_roads
import forecast_your_csv
import report
import train_astgcn
import train_stgcn
import tune_astgcn


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


@once
def test_links_train_stop_and_go_on(tmp_path, capsys, monkeypatch):
    short = functools.partial(datasets.load_dynamic_graphs, num_nodes=16, num_steps=80)
    monkeypatch.setattr(datasets, "load_dynamic_graphs", short)
    options = (
        "--task",
        "links",
        "--sequences",
        9,
        "--val",
        1,
        "--test",
        1,
        "--out",
        tmp_path / "run",
    )
    if EVERYTHING:
        run(*options, "--epochs", 1)
        first = keras.models.load_model(tmp_path / "run" / "last.keras")
        run(*options, "--epochs", 2, "--resume")
        last = keras.models.load_model(tmp_path / "run" / "last.keras")
        assert int(last.optimizer.iterations) == 2 * int(first.optimizer.iterations)
    else:  # `test_killed_run` continues a training on each backend
        run(*options, "--epochs", 2)
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
    with pytest.raises(UserError, match="already holds a run. Pass --resume"):
        run("--out", tmp_path)
    assert (tmp_path / "last.keras").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "links", "--data", "a.npz"], "--season need --task forecast"),
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
    with pytest.raises(UserError, match="has no time interval. Pass --interval MINUTES"):
        run(*options)
    with pytest.raises(UserError, match="has no graph. Pass --graph FILE"):
        run(*options, "--interval", 5)
    np.savez(tmp_path / "b.npz", speed=np.ones((99, 3)), adj=np.ones((3, 3)))
    undated = ("--task", "forecast", "--data", tmp_path / "b.npz", "--interval", 5, "--season")
    with pytest.raises(UserError, match="has no timestamps. Remove --season"):
        run(*undated, "--out", tmp_path / "run")
    times = np.arange("2024-01-01", "2024-01-02", 7, "datetime64[m]")
    speed = np.ones((len(times), 3))
    np.savez(tmp_path / "c.npz", speed=speed, adj=np.ones((3, 3)), time=times)
    odd = ("--task", "forecast", "--data", tmp_path / "c.npz", "--season")
    with pytest.raises(UserError, match="A day is not a multiple of 7 minutes. Remove --season"):
        run(*odd, "--out", tmp_path / "run")
    with pytest.raises(UserError, match="has no checkpoint to resume. Remove --resume"):
        run(*options, "--resume")


@once
def test_errors_are_one_line_that_names_the_option(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", speed=np.full((99, 3), np.nan), adj=np.ones((3, 3)))
    words = ["--data", str(tmp_path / "a.npz"), "--interval", "5", "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as caught:
        scripts.run(train_astgcn.main, train_astgcn.parse(words))
    text = capsys.readouterr().err
    assert caught.value.code == 2 and text.count("\n") == 1
    assert "a.npz must not hold NaN" in text and "--null-value nan" in text
    np.savez(tmp_path / "b.npz", speed=np.ones((40, 3)), adj=np.ones((3, 3)))
    words[1] = str(tmp_path / "b.npz")
    with pytest.raises(SystemExit):
        scripts.run(train_astgcn.main, train_astgcn.parse([*words, "--val", "0.9"]))
    assert "--val 0.9" in capsys.readouterr().err
    with pytest.raises(UserError) as caught:
        scripts.run(train_astgcn.main, train_astgcn.parse([*words, "--val", "0.9", "--debug"]))
    assert isinstance(caught.value.__cause__, ValueError)


@once
@pytest.mark.parametrize(
    ("script", "words", "message"),
    [
        (report, ["nowhere", "demo"], "nowhere must be a folder, or one of"),
        (forecast_your_csv, ["--horizon", "0"], "--horizon must be an integer of at least 1. Rec"),
        (tune_astgcn, ["--fix", '{"K": 0}', "--trials", "1"], "--fix K must be an integer of at"),
    ],
)
def test_errors_of_the_other_scripts(script, words, message, tmp_path, capsys):
    args = script.parse([*words, "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit):
        scripts.run(script.main, args)
    text = capsys.readouterr().err
    assert message in text and text.count("\n") == 1


@once
def test_the_next_commands_have_the_options_of_the_run(capsys):
    words = ["--data", "my speeds.csv", "--units", "km/h", "--null-value", "0", "--test", "0.1"]
    args = train_astgcn.parse([*words, "--out", "runs/a", "--layout", "wide"])
    scripts.print_next(args, "tensorboard --logdir runs/a")
    last = capsys.readouterr().out.splitlines()[-2:]
    assert last[0].strip() == "tensorboard --logdir runs/a"
    assert last[1].strip() == (
        "python examples/report.py runs/a 'my speeds.csv' --layout wide --units km/h "
        "--null-value 0 --test 0.1"
    )
    report_args = report.parse(shlex.split(last[1])[2:])
    assert (report_args.data, report_args.units, report_args.test) == (
        *("my speeds.csv", ["km/h"]),
        0.1,
    )


@once
@pytest.mark.parametrize(
    "name",
    [
        *("GraphWaveNet", "STID"),
        *(pytest.param(name, marks=slow) for name in ("FaST", "PatchSTG", "STAEformer")),
    ],
)
def test_every_forecaster_trains_and_has_a_report(name, tmp_path, monkeypatch, capsys):
    """On three days of the made-up roads, which have a graph, times and places."""
    days = functools.partial(demo_roads.make, days=3)
    monkeypatch.setattr(demo_roads, "make", days)
    args = train_stgcn.parse(["--model", name, "--epochs", "1", "--out", str(tmp_path / "run")])
    train_astgcn.main(args)
    capsys.readouterr()
    words = [str(tmp_path / "run"), "demo", "--out", str(tmp_path / "page.html")]
    report.main(report.parse(words))
    assert f"MAE of {name}" in capsys.readouterr().out


@once
def test_an_unknown_forecaster_is_refused(tmp_path, capsys):
    args = train_stgcn.parse(["--model", "NoSuch", "--out", str(tmp_path / "run")])
    with pytest.raises(SystemExit):
        scripts.run(train_astgcn.main, args)
    assert "--model must be one of ('STGCN'," in capsys.readouterr().err
