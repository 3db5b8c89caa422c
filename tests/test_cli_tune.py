"""`stgkeras tune`: a search that goes on, and the `stgkeras fit` command of its best trial."""

# ruff: noqa: F811 - fixtures are imported
import re
import shlex

import keras
import numpy as np
import pandas as pd
import pytest
from cli_runs import FIT, error, folder, here, run, speeds  # noqa: F401
from conftest import once

import stgkeras
from stgkeras.cli import fit, main
from stgkeras.cli import search as searching
from stgkeras.tuning import settings

TUNE = ["tune", "speeds.csv", "roads.csv", *FIT, "--epochs", "2"]


def test_the_printed_command_trains_the_best_trial_again(here, run, error, capsys, monkeypatch):
    command = [*TUNE, "--set", "dropout=0", "--learning-rate", "0.003", "--out", "search"]
    first, trials = searching._error, []

    def interrupted(*arguments):
        trials.append(arguments)
        if len(trials) == 2:
            raise KeyboardInterrupt
        return first(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(searching, "_error", interrupted)
        patch.setattr(settings, "SETTINGS", {**settings.SETTINGS})
        assert main([*command, "--trials", "2"]) == 130
    assert "Pass --resume to continue." in capsys.readouterr().err
    assert "search holds a search. Pass --resume" in error(*command, "--trials", "2")
    text = error(*command, "--trials", "2", "--resume", "--horizon", "2")
    assert "Received: --horizon 2, before 3" in text
    text = run(*command, "--trials", "3", "--resume").out
    assert "Trial 1:" not in text and text.count("Trial ") == 2  # the first was finished
    table = pd.read_csv("search/trials.csv").set_index("trial")
    assert sorted(table.index) == [1, 2, 3] and table["validation error"].is_monotonic_increasing
    assert table.loc[1, ["K", "node_units"]].tolist() == [3, 16]  # the defaults
    assert not {"dropout", "units", "learning_rate"} & set(table)  # fixed
    best = table.iloc[0]
    assert f"Smallest validation error of 3 trials: {best['validation error']:.4g} km/h" in text
    default = table.loc[1, "validation error"]
    assert f"default settings: {default:.4g} km/h" in text

    line = re.search(r"^  stgkeras (fit .*)$", text, re.MULTILINE)[1]
    assert f"--set K={best['K']:.0f}" in line and "--learning-rate 0.003" in line
    seen = []
    train = keras.Model.fit
    monkeypatch.setattr(keras.Model, "fit", lambda *a, **k: seen.append(train(*a, **k)) or seen[-1])
    run(*shlex.split(line))
    assert min(seen[0].history["val_loss"]) == pytest.approx(best["validation error"], rel=1e-4)
    assert float(seen[0].model.optimizer.learning_rate) == pytest.approx(0.003)
    assert stgkeras.Forecaster.load("search/best").form.units == ("km/h",)


@once
def test_errors_name_options(here, error, capsys):
    def refused(*options):
        return error("tune", "speeds.csv", "roads.csv", *options, "--out", "refused")

    names = "GraphSTID, STGCN, ASTGCN, STID"
    assert f"--model must be one of {names}" in refused("--model", "GCN")
    assert "--set must name arguments of GraphSTID" in refused("--set", "filters=2")
    assert "--null-value must be a number" in refused("--null-value", "x")
    assert not (here / "refused").exists()
    assert "The training part must have" in refused("--horizon", "100")
    assert "gone.csv must be" in error("tune", "gone.csv", "roads.csv", "--out", "gone")
    (here / "full").mkdir()
    (here / "full" / "a").touch()
    assert "--out must be a new folder" in error(*TUNE, "--out", "full")
    with pytest.raises(SystemExit):
        main([*TUNE, "--learning-rate", "0", "--out", "a"])
    assert "must be above 0 and below 1. Received: 0" in capsys.readouterr().err
    assert fit.optimizer(None) is None


@once
def test_the_same_seed_draws_the_same_trials(tmp_path, monkeypatch):
    """keras-tuner 1.4.8 takes the seed 0 as none."""
    monkeypatch.setattr(searching, "_error", lambda *_: 1.0)
    drawn = [
        searching.search(tmp_path / name, None, {"model": "STGCN"}, {}, trials=3, epochs=1, seed=0)
        for name in "ab"
    ]
    assert drawn[0] == drawn[1] and len({str(trial.settings) for trial in drawn[0]}) == 3


@once
@pytest.mark.parametrize("name", settings.SETTINGS)
def test_the_first_trial_has_the_defaults_and_all_choices_build(name):
    keras_tuner = pytest.importorskip("keras_tuner")
    hp = keras_tuner.HyperParameters()
    found = settings.chosen(hp, settings.SETTINGS[name], {})
    assert found.pop("learning_rate") == 1e-3
    model = getattr(stgkeras.models, name)
    sizes = {"num_nodes": 3, "input_length": 12, "horizon": 2}
    sizes |= {"graph": np.eye(3)} if model.takes_graph else {}
    usual = model(**sizes).get_config()
    assert str({key: usual[key] for key in found}) == str(found)
    if name == "STGCN":
        for filters in settings.SETTINGS[name]["block_filters"][1]["values"]:
            hp.values["block_filters"] = filters
            chosen = settings.chosen(hp, settings.SETTINGS[name], {"learning_rate": 1})
            model(**sizes, **chosen)


@once
def test_options_of_fit_that_a_search_does_not_take(here, error, capsys):
    for option in (["--initial", "city"], ["--quantiles", "0.1,0.5,0.9"]):
        text = error(*TUNE, "--out", "search2", *option)
        assert f"{option[0]} must not be used here" in text
    with pytest.raises(SystemExit):
        main(["tune", "--help"])
    shown = capsys.readouterr().out
    assert "--trials" in shown and "FEATURE" in shown
    assert "new weights" not in shown and "levels of quantiles" not in shown
