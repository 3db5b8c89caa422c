"""Checkpoints hold the whole model, and survive failures."""

import json
import os
import pathlib
import shutil
import zipfile

import keras
import numpy as np
import pytest
from training_runs import STEPS, Fail, fit, make_model

from stgkeras.callbacks import Checkpoint, WarmRestarts


def state(model):
    return [*model.get_weights(), *map(keras.ops.convert_to_numpy, model.optimizer.variables)]


def assert_same_state(model, other):
    for array, expected in zip(state(model), state(other), strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-6, atol=1e-8)


def test_checkpoint_holds_the_trained_model_and_its_optimizer(tmp_path):
    path = tmp_path / "new" / "folder" / "model.keras"
    model, start = make_model(), state(make_model())
    fit(model, [Checkpoint(path)], epochs=3)
    loaded = keras.models.load_model(path)
    assert_same_state(loaded, model)
    assert not np.allclose(state(loaded)[0], start[0])
    assert int(loaded.optimizer.iterations) == 3 * STEPS
    assert Checkpoint.epoch(path) == 3
    assert os.listdir(path.parent) == ["model.keras"]


def test_a_resumed_run_ends_where_the_whole_one_does(tmp_path):
    path = tmp_path / "model.keras"
    whole = make_model()
    rates = fit(whole, [WarmRestarts(T_0=2, update="batch")], epochs=5)["learning_rate"]
    with pytest.raises(InterruptedError):
        fit(make_model(), [WarmRestarts(T_0=2, update="batch"), Checkpoint(path), Fail(3)])
    model, epoch = keras.models.load_model(path), Checkpoint.epoch(path)
    callbacks = [WarmRestarts(T_0=2, update="batch", base_lr=1e-3), Checkpoint(path)]
    history = fit(model, callbacks, epochs=5, initial_epoch=epoch)
    assert epoch == 3 and Checkpoint.epoch(path) == 5
    assert history["learning_rate"] == pytest.approx(rates[3:], rel=1e-6)
    assert_same_state(model, whole)


def dropping_model(layers=1):
    keras.utils.set_random_seed(0)
    dropout = [keras.layers.Dropout(0.5) for _ in range(layers)]
    dense = [keras.layers.Dense(8), *dropout, keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((2,)), *dense])
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    return model


def test_dropout_goes_on_where_it_was(tmp_path):
    path, whole = tmp_path / "model.keras", dropping_model()
    fit(whole, epochs=4)
    fit(dropping_model(), [Checkpoint(path)], epochs=2)
    elsewhere, resumed = keras.models.load_model(path), keras.models.load_model(path)
    keras.utils.set_random_seed(7)
    fit(elsewhere, [Checkpoint(tmp_path / "other.keras")], epochs=4, initial_epoch=2)
    assert not np.allclose(state(elsewhere)[0], state(whole)[0], rtol=1e-4)
    fit(resumed, [Checkpoint(path)], epochs=4, initial_epoch=2)
    assert_same_state(resumed, whole)


def test_another_model_cannot_go_on_at_the_epoch_of_the_file(tmp_path):
    path = tmp_path / "model.keras"
    fit(dropping_model(), [Checkpoint(path)], epochs=2)
    with pytest.raises(ValueError, match="with 1 random states; the model has 2"):
        fit(dropping_model(2), [Checkpoint(path)], epochs=3, initial_epoch=2)
    fit(dropping_model(2), [Checkpoint(path)], epochs=1)  # begins anew
    assert Checkpoint.epoch(path) == 1


def test_a_file_that_records_no_epoch_is_replaced(tmp_path):
    path = tmp_path / "plain.keras"
    make_model().save(path)
    fit(make_model(), [Checkpoint(path)], epochs=2, initial_epoch=1)
    assert Checkpoint.epoch(path) == 2


@pytest.mark.parametrize("target", ["keras.Model.save", "zipfile.ZipFile.writestr", "os.replace"])
def test_a_failed_save_leaves_the_previous_file_and_nothing_else(target, tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    model = make_model()
    fit(model, [Checkpoint(path)], epochs=1)
    before = path.read_bytes()

    def broken(*arguments, **keywords):
        if target == "keras.Model.save":
            pathlib.Path(arguments[1]).write_bytes(before[:100])
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(target, broken)
        with pytest.raises(OSError, match="the disk is full"):
            fit(model, [Checkpoint(path)], epochs=2, initial_epoch=1)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["model.keras"]


def test_what_a_killed_process_left_behind_is_overwritten(tmp_path):
    (tmp_path / ".model.partial.keras").write_bytes(b"half a file")
    fit(make_model(), [Checkpoint(tmp_path / "model.keras")], epochs=1)
    assert os.listdir(tmp_path) == ["model.keras"]
    assert Checkpoint.epoch(tmp_path / "model.keras") == 1


def test_a_path_without_the_keras_suffix_is_refused():
    with pytest.raises(ValueError, match=r'`path` must end in ".keras". Received: path='):
        Checkpoint("model.h5")


def test_the_epoch_of_a_plain_model_file_is_refused(tmp_path):
    make_model().save(tmp_path / "plain.keras")
    with pytest.raises(ValueError, match="`path` must be a file that `Checkpoint` wrote"):
        Checkpoint.epoch(tmp_path / "plain.keras")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A checkpoint of `dropping_model` after one epoch."""
    path = tmp_path_factory.mktemp("written") / "model.keras"
    fit(dropping_model(), [Checkpoint(path)], epochs=1)
    return path


def damaged_record(path, record):
    """Replaces the record of a checkpoint."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["checkpoint.json"] = record if isinstance(record, bytes) else json.dumps(record)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "record",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, [1], {"epoch": "2"}, {"epoch": -1}, {"epoch": True}]
    + [{"epoch": 2, "random": 5}, {"epoch": 2, "random": {"layer": []}}, b" " * (2**24 + 1)],
    ids=lambda record: str(record)[:20],
)
def test_a_damaged_record_is_refused(written, tmp_path, record):
    path = shutil.copy(written, tmp_path)
    damaged_record(path, record)
    with pytest.raises(ValueError, match="`path` must be an undamaged file .*model.keras"):
        Checkpoint.epoch(path)


@pytest.mark.parametrize("random", [{"layers": [["a", "b"]]}, {"layers": [[1]]}])
def test_a_damaged_random_state_is_refused(written, tmp_path, random):
    path = shutil.copy(written, tmp_path)
    damaged_record(path, {"epoch": 1, "random": random})
    with pytest.raises(ValueError, match="`path` must be an undamaged file"):
        fit(dropping_model(), [Checkpoint(path)], epochs=2, initial_epoch=1)


def test_what_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(FileNotFoundError, match="`path` must be an existing file.*model.keras"):
        Checkpoint.epoch(path)
    for content in (b"", b"PK", b"text"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="`path` must be an undamaged file.*BadZipFile"):
            Checkpoint.epoch(path)
    for given in (None, 5, b"model.keras"):
        with pytest.raises(TypeError, match="`path` must be a path: a str .*. Received: path="):
            Checkpoint(given)
