"""Searches by the tuners of keras-tuner: their trials, logs, failures, breaks and processes."""

import gc
import json
import os
import subprocess
import sys
import weakref

import keras
import keras_tuner
import numpy as np
import pytest
import tuned_search
from conftest import EVERYTHING, free_port, on_fastest, once, slow
from tensorboard_logs import read, scalars
from tuned_search import SERIES, SPLIT, space, tuner

from stgkeras.callbacks import TensorBoard

KINDS = {
    "RandomSearch": {"max_trials": 2},
    "BayesianOptimization": {"max_trials": 2, "num_initial_points": 1},
    "Hyperband": {"max_epochs": 2, "factor": 2},
    "GridSearch": {"max_trials": 2},
}


@pytest.fixture(autouse=True, scope="module")
def quick_collection():
    """keras-tuner collects garbage twice a trial; what was there before takes most of the time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("kind", on_fastest(list(KINDS), ["RandomSearch", "Hyperband"]))
def test_searches_of_every_kind(kind, tmp_path):
    alive, most = weakref.WeakSet(), [0]
    hypermodel = space(batch_size=None, log_dir=tmp_path / "logs")
    if kind != "RandomSearch" or not EVERYTHING:  # `test_tuning` trains an STGCN on each backend
        hypermodel.model, hypermodel.values = tuned_search.light, None
    build = hypermodel.build

    def watched(hp):
        model = build(hp)
        alive.add(model)
        most.append(len(alive))
        return model

    search = tuner(kind, hypermodel, tmp_path, **KINDS[kind])
    hypermodel.build = watched
    search.search(epochs=2, verbose=0)
    trials = search.oracle.trials
    assert {trial.status for trial in trials.values()} == {"COMPLETED"}
    assert len(trials) == KINDS[kind].get("max_trials", len(trials)) >= 2
    gc.collect()
    assert max(most) == 1 and not alive, "models of earlier trials are kept"

    # The weights of the best epoch of the best trial come back.
    (best,) = search.oracle.get_best_trials(1)
    assert best.score == min(trial.score for trial in trials.values())
    predicted = search.get_best_models()[0].predict(tuned_search.windows(16, 6)[1], verbose=0)
    truth = SERIES[SPLIT.val[:, None] + 6 + np.arange(2)]
    assert abs(predicted - truth).mean() == pytest.approx(best.score, rel=1e-4)

    # Each trial has a log of its own.
    assert sorted(os.listdir(tmp_path / "logs")) == sorted(trials)
    for name, trial in trials.items():
        folder = tmp_path / "logs" / name / "execution0"
        error = scalars(read(folder / "validation"))["epoch_masked_mae"]
        assert min(error.values()) == pytest.approx(trial.score, rel=1e-6)
        assert hparams(folder) == trial.hyperparameters.values


def hparams(folder):
    from tensorboard.plugins.hparams import metadata

    found = read(folder / "hparams").SummaryMetadata(metadata.SESSION_START_INFO_TAG)
    start = metadata.parse_session_start_info_plugin_data(found.plugin_data.content)
    return {name: getattr(v, v.WhichOneof("kind")) for name, v in start.hparams.items()}


FOLDERS = []  # of TensorBoard, of what `Quick` would have trained


class Quick(keras.Model):
    """What a trial costs nothing with."""

    input_length = 6

    def fit(self, *args, callbacks, **kwargs):
        FOLDERS.extend(c.log_dir for c in callbacks if isinstance(c, TensorBoard))
        history = keras.callbacks.History()
        history.history = {"loss": [1.0], "val_masked_mae": [2.0]}
        return history


def quick_space(monkeypatch, windows):
    hypermodel = space(windows, batch_size=None)
    monkeypatch.setattr(hypermodel, "model", lambda chosen: Quick())
    hypermodel.values = None
    return hypermodel


def test_executions_of_a_trial_have_logs_of_their_own(tmp_path, monkeypatch):
    FOLDERS.clear()
    hypermodel = quick_space(monkeypatch, lambda **sizes: (None, None))
    hypermodel.log_dir = tmp_path
    search = tuner("RandomSearch", hypermodel, tmp_path, max_trials=2, executions_per_trial=2)
    search.search(epochs=1, verbose=0)
    names = ("0/execution0", "0/execution1", "1/execution0", "1/execution1")
    assert FOLDERS == [tmp_path / name for name in names]


def test_a_failing_trial_shows_its_error_and_stays(tmp_path, capsys, monkeypatch):
    def windows(batch_size, input_length):
        if batch_size == 32:
            raise OSError("the disk of the readings is gone")
        return None, None

    hypermodel = quick_space(monkeypatch, windows)
    hp = keras_tuner.HyperParameters()
    hp.Choice("batch_size", [16, 32])
    hp.Fixed("learning_rate", 0.01)
    search = tuner("GridSearch", hypermodel, tmp_path, hyperparameters=hp)
    search.search(epochs=1, verbose=0)
    assert "OSError: the disk of the readings is gone" in capsys.readouterr().err
    good, bad = search.oracle.trials.values()
    assert (good.status, bad.status) == ("COMPLETED", "FAILED")
    found = json.loads((tmp_path / "search" / f"trial_{bad.trial_id}" / "trial.json").read_text())
    assert found["status"] == "FAILED" and "in windows" in found["message"]
    assert found["message"].endswith("OSError: the disk of the readings is gone\n")


def test_a_search_whose_every_trial_fails_raises(tmp_path, monkeypatch):
    def windows(**sizes):
        raise OSError("the disk of the readings is gone")

    search = tuner("RandomSearch", quick_space(monkeypatch, windows), tmp_path, max_trials=9)
    with pytest.raises(RuntimeError, match="(?s)consecutive failures .*disk of the readings"):
        search.search(epochs=1, verbose=0)
    assert len(search.oracle.trials) == 3


@once
@pytest.mark.parametrize("kind", ["RandomSearch", "Hyperband"])
def test_an_interrupted_search_goes_on(kind, tmp_path, monkeypatch):
    ran, stop = [], True

    def windows(batch_size, input_length):
        if stop and len(ran) == 3:
            raise KeyboardInterrupt
        ran.append(batch_size)
        return None, None

    def new_search():
        hypermodel = quick_space(monkeypatch, windows)
        limit = {"max_trials": 6} if kind == "RandomSearch" else {"max_epochs": 4, "factor": 2}
        monkeypatch.setattr(Quick, "load_weights", lambda self, path: None)
        return tuner(kind, hypermodel, tmp_path, **limit)

    search = new_search()
    with pytest.raises(KeyboardInterrupt):
        search.search(epochs=1, verbose=0)
    values = {name: dict(t.hyperparameters.values) for name, t in search.oracle.trials.items()}
    assert len(values) == 4  # three are done
    stop, search = False, new_search()
    search.search(epochs=1, verbose=0)
    after = search.oracle.trials
    assert {name: after[name].hyperparameters.values for name in values} == values
    assert len(ran) == len(after) > 4
    assert {trial.status for trial in after.values()} == {"COMPLETED"}
    new_search().search(epochs=1, verbose=0)
    assert len(ran) == len(after)


@slow
def test_a_chief_and_workers_share_a_search(tmp_path):
    names = ("chief", "worker0", "worker1")
    number = 2 * len(names[1:])
    shared = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": str(free_port())}
    runs = [
        subprocess.Popen(
            [sys.executable, tuned_search.__file__, str(tmp_path), str(number)],
            env={**os.environ, **shared, "KERASTUNER_TUNER_ID": name},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    try:
        for run in runs[::-1]:
            errors = run.communicate(timeout=600)[1]
            assert run.returncode == 0, errors
    finally:
        for run in runs:
            run.kill()
    chief, *ran = ((tmp_path / f"{name}.txt").read_text().split() for name in names)
    assert chief == [] and sum(map(len, ran)) == number
    trials = [
        json.loads((tmp_path / "search" / f"trial_{n}" / "trial.json").read_text())
        for n in range(number)
    ]
    assert {trial["status"] for trial in trials} == {"COMPLETED"}
    sizes = sorted(str(trial["hyperparameters"]["values"]["batch_size"]) for trial in trials)
    assert sizes == sorted(sum(ran, []))
    assert sorted(os.listdir(tmp_path / "logs")) == [str(n) for n in range(number)]
    for n, trial in enumerate(trials):
        error = scalars(read(tmp_path / "logs" / str(n) / "execution0" / "validation"))
        assert error["epoch_masked_mae"][0] == pytest.approx(trial["score"], rel=1e-5)
