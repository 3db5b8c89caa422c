"""tune_astgcn.py: a search that goes on, its table, and the best model beside the default."""

import functools
import json
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))
import demo_roads
import tune_astgcn

from stgkeras.cli import series_scripts as scripts
from stgkeras.cli.errors import UserError

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
    options = "--no-season", "--tuner", "RandomSearch", "--epochs", 1, "--fix", fixed
    options += ("--out", tmp_path)

    def stop(*args, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(scripts, "print_table", stop)
        tune_astgcn.main(parse(*options, "--trials", 1))
    before = (tmp_path / "search" / "trial_0" / "trial.json").read_text()
    with pytest.raises(UserError, match="A resumed run must have .* Received: --seed 4, before 0"):
        tune_astgcn.main(parse(*options, "--trials", 2, "--seed", 4))
    tune_astgcn.main(parse(*options, "--trials", 2))
    assert (tmp_path / "search" / "trial_0" / "trial.json").read_text() == before

    trials = pd.read_csv(tmp_path / "trials.csv")
    assert len(trials) == 2 and trials["MAE"].is_monotonic_increasing
    assert all((trials[name] == value).all() for name, value in SMALL.items())
    assert sorted(path.name for path in (tmp_path / "trials").iterdir()) == ["0", "1"]
    printed = capsys.readouterr().out
    assert "Trials, sorted by validation MAE" in printed and "last value" in printed
    assert f"tensorboard --logdir {tmp_path}/trials" in printed

    # The test part is the last day, 96 of 480 steps.
    speeds = demo_roads.make()[0].to_numpy().astype("float32")
    first = np.arange(384 + 12, 480 - 12 + 1)
    truth = speeds[first[:, None] + np.arange(12)]
    inputs = speeds[first[:, None] - 12 + np.arange(12)][..., None]
    found = pd.read_csv(tmp_path / "table.csv", index_col=0)["MAE mean"]
    for name in ("best", "default"):
        model = keras.models.load_model(tmp_path / f"{name}.keras")
        assert not model.attention and model.spatial_filters == 4
        error = abs(model.predict(inputs, verbose=0)[..., 0] - truth).mean()
        assert found[name] == pytest.approx(error, rel=1e-4)
    error = abs(speeds[first - 1][:, None] - truth).mean()
    assert found["last value"] == pytest.approx(error, rel=1e-5)


def test_arrays_of_a_file_are_named(tmp_path):
    readings = {
        name: np.full((40, 2), size) for size, name in enumerate(("flow", "speed", "lanes"))
    }
    np.savez(tmp_path / "series.npz", adj=[[0, 1], [1, 0]], **readings)
    options = ("--data", tmp_path / "series.npz", "--interval", 5)
    series = scripts.load(parse(*options, "--key", "speed", "--key", "flow"), demo_roads.load)
    assert series.features == ("speed", "flow") and series.values[0, 0].tolist() == [1, 0]
    with pytest.raises(UserError, match="--key"):
        scripts.load(parse(*options), demo_roads.load)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--key", "flow"], "--key needs --data FILE"),
        (["--tuner", "Grid"], "invalid choice: 'Grid'"),
        (["--fix", "K=2"], "argument --fix: invalid loads value: 'K=2'"),
    ],
)
def test_bad_arguments(arguments, message, capsys):
    with pytest.raises(SystemExit):
        parse(*arguments)
    assert message in capsys.readouterr().err
