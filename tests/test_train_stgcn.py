"""train_stgcn.py, and published sets, written small, in both trainings."""

import functools
import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import traffic_writer
from conftest import on_fastest, once
from tensorboard_logs import read, scalars

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import demo_roads
import train_astgcn
import train_stgcn

from stgkeras import metrics
from stgkeras.cli import series_scripts as scripts
from stgkeras.cli.errors import UserError


def run(script, *arguments):
    script.main(script.parse([str(argument) for argument in arguments]))


@once
def test_made_up_roads_stop_and_go_on(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo_roads, "make", functools.partial(demo_roads.make, days=5))
    out = tmp_path / "run"
    run(train_stgcn, "--epochs", 1, "--season", "--out", out)
    run(train_stgcn, "--epochs", 2, "--season", "--out", out, "--resume")
    assert len((out / "log.csv").read_text().splitlines()) == 3  # header, two epochs
    table = json.loads((out / "metrics.json").read_text())["test"]
    assert list(table) == [
        *("STGCN", "last value", "same time last day"),
        *("historical mean", "ridge on the residual"),
    ]
    logs = scalars(read(out / "tensorboard" / "train"))
    shown = {"loss", *(f"masked_mae_step_{step}" for step in (3, 6, 12))}
    shown |= {"learning_rate", "gradient_norm", "seconds_per_step"}
    assert logs.keys() == {f"epoch_{name}" for name in shown}
    assert all(list(values) == [0, 1] for values in logs.values())
    pictures = set(read(out / "tensorboard").Tags()["images"])
    assert pictures == {"forecast", "errors", "sensors", "most"}
    # The test part is the last day, 96 of 480 steps.
    speeds = demo_roads.make()[0].to_numpy()
    first = np.arange(384 + 12, 480 - 12 + 1)
    ahead = first[:, None] + np.arange(12)
    truth = speeds[ahead]
    error = truth - speeds[first - 1][:, None]
    assert table["last value"]["MAE 180 min"] == pytest.approx(abs(error[:, 11]).mean(), rel=1e-5)
    assert table["last value"]["RMSE mean"] == pytest.approx((error**2).mean() ** 0.5, rel=1e-5)
    model = keras.models.load_model(out / "model.keras")
    assert type(model).__name__ == "STGCN" and model.season == 96
    windows = speeds[first[:, None] - 12 + np.arange(12)][..., None].astype("float32")
    week = np.stack([ahead % 96 / 96, ahead // 96], axis=-1).astype("float32")  # from a Monday
    forecast = model.predict({"x": windows, "calendar": week}, verbose=0)
    found = metrics.forecast_errors(truth[..., None], forecast, {"45 min": 3})
    assert table["STGCN"]["MAE 45 min"] == pytest.approx(found["MAE 45 min"], rel=1e-4)
    assert "historical mean" in capsys.readouterr().out
    for name in ("forecast", "errors", "sensors"):
        assert (out / f"{name}.png").stat().st_size > 5_000


SCRIPTS = [train_stgcn, train_astgcn]


@pytest.mark.parametrize("script", on_fastest(SCRIPTS, SCRIPTS[:1]))
def test_published_set_by_path(script, tmp_path, monkeypatch):
    monkeypatch.setitem(traffic_writer.STEPS, "pems08", 200)
    folder, _, values, _ = traffic_writer.install_set(tmp_path, monkeypatch, "pems08")
    task = () if script is train_stgcn else ("--task", "forecast")
    options = ("--dataset", "pems08", "--path", folder, "--epochs", 1, "--out", tmp_path / "run")
    run(script, *task, *options)
    table = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    first = np.arange(160 + 12, 200 - 12 + 1)
    error = values[first[:, None] + np.arange(12)] - values[first - 1][:, None]
    # The set is compared by its first feature, flow; the model reads all three.
    assert table["last value"]["MAE mean"] == pytest.approx(abs(error[..., 0]).mean(), rel=1e-5)
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert (model.num_features, model.num_outputs) == (3, 1)
    assert list(table)[0] == type(model).__name__


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--path", "a"], "--path needs --dataset NAME"),
        (["--dataset", "los_loop", "--data", "a"], "--data is not allowed with --dataset"),
        (["--dataset", "los_loop", "--null-value", "0"], "--null-value needs --data FILE"),
        (["--dataset", "mnist"], "invalid choice: 'mnist'"),
    ],
)
def test_bad_arguments(arguments, message, capsys):
    for script in (train_stgcn, train_astgcn):
        with pytest.raises(SystemExit):
            script.parse(arguments)
        assert message in capsys.readouterr().err


def test_what_stgcn_forecasts_by_default():
    args = train_stgcn.parse([])
    assert (args.model, args.task, args.dataset) == ("STGCN", "forecast", "demo")
    assert train_stgcn.parse(["--data", "a.npz"]).data == "a.npz"


@once
def test_a_resumed_run_has_the_options_of_the_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    values = np.arange(600.0).reshape(200, 3)
    np.savez("a.npz", speed=values, adj=np.ones((3, 3)), step_minutes=60)
    np.savez("b.npz", speed=values + 1, adj=np.ones((3, 3)), step_minutes=60)
    options = ["--data", "a.npz", "--units", "km/h", "--out", "run"]
    scripts.new_folder(train_astgcn.parse(options), False, "last.keras")  # as `main` starts
    (tmp_path / "run" / "last.keras").touch()
    with pytest.raises(UserError, match="--resume must have .* Received: model STGCN, before AST"):
        run(train_stgcn, *options, "--resume")
    for words, message in {
        ("--seed", "3"): "Received: --seed 3, before 0. Pass the same, or remove the folder.",
        ("--units", "mph"): "Received: --units km/h --units mph, before km/h",
        ("--data", "b.npz"): r"Received: --data b.npz \(SHA-256 \w+\), before a.npz \(SHA",
        ("--timezone", "UTC"): "Received: --timezone UTC, before no --timezone",
        ("--batch-size", "8"): "Received: --batch-size 8, before 32",
    }.items():
        with pytest.raises(UserError, match=message):
            run(train_astgcn, *options, *words, "--resume")
    with pytest.raises(UserError, match="Received: no --units, before km/h"):
        run(train_astgcn, *options[:2], *options[4:], "--resume")
    np.savez("a.npz", speed=values + 2, adj=np.ones((3, 3)), step_minutes=60)  # the same name
    with pytest.raises(UserError, match="Received: --data a.npz"):
        run(train_astgcn, *options, "--resume")
    with pytest.raises(UserError, match="Received: --task links, before forecast"):
        run(train_astgcn, "--task", "links", "--out", "run", "--resume")
    (tmp_path / "run" / "run.json").unlink()  # of an earlier version
    args = train_astgcn.parse([*options, "--epochs", "9", "--resume"])
    scripts.new_folder(args, True, "last.keras")
    assert "The options of the run cannot be compared" in capsys.readouterr().out
