"""tune_astgcn.py: a search that goes on, its table, and the best model beside the default."""

import functools
import json
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import on_fastest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import demo_roads
import tasks
import tune_astgcn

SMALL = {"num_blocks": 1, "K": 1, "spatial_filters": 4, "temporal_filters": 4, "batch_size": 64}


@pytest.fixture(autouse=True)
def few_days(monkeypatch):
    monkeypatch.setattr(demo_roads, "make", functools.partial(demo_roads.make, days=5))


def parse(*arguments):
    return tune_astgcn.parse([str(argument) for argument in arguments])


def interrupt(*args):
    raise KeyboardInterrupt


def test_a_search_goes_on_and_ends_with_a_test(tmp_path, capsys, monkeypatch):
    fixed = json.dumps(SMALL | {"attention": False})  # quicker to compile
    options = ("--tuner", "RandomSearch", "--epochs", 1, "--fix", fixed, "--out", tmp_path)
    trials = on_fastest(2, 1)
    if trials == 2:  # the first is of a search that is stopped
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(tune_astgcn, "retrained", interrupt)
            tune_astgcn.main(parse(*options, "--trials", 1))
        before = (tmp_path / "search" / "trial_0" / "trial.json").read_text()
    tune_astgcn.main(parse(*options, "--trials", trials))
    if trials == 2:
        assert (tmp_path / "search" / "trial_0" / "trial.json").read_text() == before

    figures = json.loads((tmp_path / "figures.json").read_text())
    seconds = (tmp_path / "seconds.txt").read_text().split()
    assert len(seconds) == len(figures["trials"]) == trials
    assert all(trial.items() >= SMALL.items() for trial in figures["trials"])
    errors = [trial["MAE"] for trial in figures["trials"]]
    assert errors == sorted(errors)
    assert sorted(path.name for path in (tmp_path / "trials").iterdir()) == ["0", "1"][:trials]
    printed = capsys.readouterr().out
    minutes = sum(map(float, seconds)) / 60
    assert f"The search took {trials} trials, {trials} epochs, {minutes:.1f} minutes." in printed
    assert "Trials, sorted by validation MAE" in printed and "last value" in printed

    # The test part is the last day, 96 of 480 steps.
    speeds = demo_roads.make()[0].to_numpy().astype("float32")
    first = np.arange(384 + 12, 480 - 12 + 1)
    truth = speeds[first[:, None] + np.arange(12)]
    inputs = speeds[first[:, None] - 12 + np.arange(12)][..., None]
    for name in ("best", "default"):
        model = keras.models.load_model(tmp_path / f"{name}.keras")
        assert not model.attention and model.spatial_filters == 4
        error = abs(model.predict(inputs, verbose=0)[..., 0] - truth).mean()
        assert figures["test"][name]["MAE mean"] == pytest.approx(error, rel=1e-4)
    error = abs(speeds[first - 1][:, None] - truth).mean()
    assert figures["test"]["last value"]["MAE mean"] == pytest.approx(error, rel=1e-5)


def test_days_and_weeks_before_can_be_searched(tmp_path):
    args = parse("--days", "--season", "--out", tmp_path)
    task, hypermodel = tune_astgcn.problem(args, tmp_path)
    parts = {"recent": 12, "daily": 12}
    train, val = hypermodel.windows(batch_size=16, input_length=parts)
    inputs, targets = val[0]
    assert {name: array.shape for name, array in inputs.items()} == {
        **{"recent": (16, 12, 9, 1), "daily": (16, 12, 9, 1), "calendar": (16, 12, 2)}
    }
    speeds = demo_roads.make()[0].to_numpy()
    first = task.split.val[0] + 12
    np.testing.assert_allclose(targets[0, ..., 0], speeds[first : first + 12], rtol=1e-6)
    daily = speeds[first - 96 : first - 84]
    np.testing.assert_allclose(inputs["daily"][0, ..., 0], daily, rtol=1e-6)
    recent, _ = (part[0] for part in hypermodel.windows(batch_size=16, input_length=12))
    assert set(recent[0]) == {"x", "calendar"} and len(train) == -(-len(task.split.train) // 16)


def test_arrays_of_a_file_are_named(tmp_path):
    readings = {
        name: np.full((40, 2), size) for size, name in enumerate(("flow", "speed", "lanes"))
    }
    np.savez(tmp_path / "series.npz", adj=[[0, 1], [1, 0]], **readings)
    options = ("--data", tmp_path / "series.npz", "--interval", 5)
    series = tasks.measured(parse(*options, "--key", "speed", "flow"))
    assert series.features == ("speed", "flow") and series.values[0, 0].tolist() == [1, 0]
    with pytest.raises(ValueError, match="`key`"):
        tasks.measured(parse(*options))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--key", "flow"], "--graph, --key, --interval and --null-value need --data FILE"),
        (["--tuner", "Grid"], "invalid choice: 'Grid'"),
        (["--fix", "K=2"], "argument --fix: invalid loads value: 'K=2'"),
    ],
)
def test_bad_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit):
        parse(*arguments)
    assert message in capsys.readouterr().err
