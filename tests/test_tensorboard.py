"""TensorBoard logs, read back with TensorBoard's own reader."""

import os
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
from training_runs import Fail, fit, make_model

from stgkeras.callbacks import TensorBoardScalars, WarmRestarts


def read_scalars(folder, monkeypatch):
    """{tag: {step: value}}; a step that shows twice fails."""
    # Tells tensorboard to read through its own file code, so that it loads no TensorFlow.
    monkeypatch.setitem(sys.modules, "tensorboard.compat.notf", types.ModuleType("notf"))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder))
    reader.Reload()
    scalars = {}
    for tag in reader.Tags()["scalars"]:
        events = reader.Scalars(tag)
        scalars[tag] = {event.step: event.value for event in events}
        assert len(scalars[tag]) == len(events)
    return scalars


def test_every_number_of_the_logs_is_written(tmp_path, monkeypatch):
    x = np.ones((4, 2), "float32")
    history = fit(
        make_model(metrics=["mae"]),
        [WarmRestarts(), TensorBoardScalars(tmp_path / "logs")],
        epochs=3,
        validation_data=(x, x[:, :1]),
    )
    train = read_scalars(tmp_path / "logs" / "train", monkeypatch)
    validation = read_scalars(tmp_path / "logs" / "validation", monkeypatch)
    assert set(train) == {"epoch_loss", "epoch_mae", "epoch_learning_rate"}
    assert set(validation) == {"epoch_loss", "epoch_mae"}
    for prefix, scalars in (("", train), ("val_", validation)):
        for tag, values in scalars.items():
            expected = history[prefix + tag.removeprefix("epoch_")]
            assert values == pytest.approx(dict(enumerate(expected)), rel=1e-6)


def test_logs_are_readable_after_each_epoch_and_other_values_are_left_out(tmp_path, monkeypatch):
    writer = TensorBoardScalars(tmp_path)
    writer.on_train_begin()
    writer.on_epoch_begin(0)
    writer.on_epoch_end(0, {"loss": np.float32(0.5), "count": 3, "note": "fine"})
    scalars = read_scalars(tmp_path / "train", monkeypatch)
    assert scalars == {"epoch_loss": {0: 0.5}, "epoch_count": {0: 3.0}}
    assert not (tmp_path / "validation").exists()
    writer.on_train_end()


def test_a_run_that_goes_on_shows_every_step_once(tmp_path, monkeypatch):
    x = np.ones((4, 2), "float32")
    arguments = {"validation_data": (x, x[:, :1])}
    model = make_model()
    first = fit(model, [TensorBoardScalars(tmp_path)], epochs=4, **arguments)
    writer = TensorBoardScalars(tmp_path)
    with pytest.raises(InterruptedError):  # trains epoch 3 once more
        fit(model, [writer, Fail(5)], epochs=6, initial_epoch=3, **arguments)
    last = fit(model, [writer], epochs=6, initial_epoch=4, **arguments)
    for run, name in (("train", "loss"), ("validation", "val_loss")):
        losses = read_scalars(tmp_path / run, monkeypatch)["epoch_loss"]
        assert list(losses) == [0, 1, 2, 3, 4, 5]
        expected = {**dict(enumerate(first[name][:3])), **dict(enumerate(last[name], start=4))}
        expected[3] = losses[3]
        assert losses == pytest.approx(expected, rel=1e-6)
        assert losses[3] != pytest.approx(first[name][3], rel=1e-6)


@pytest.mark.parametrize("installed", [True, False])
def test_tensorflow_is_not_imported(installed, tmp_path):
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow is the backend")
    script = f"""
import sys
if not {installed}:
    sys.modules["tensorflow"] = None
from stgkeras.callbacks import TensorBoardScalars
assert "tensorboard" not in sys.modules
writer = TensorBoardScalars({str(tmp_path)!r})
writer.on_train_begin()
for epoch in range(2):
    writer.on_epoch_begin(epoch)
    writer.on_epoch_end(epoch, {{"loss": 1.0 + epoch, "val_loss": 2.0}})
writer.on_train_end()
assert sys.modules.get("tensorflow") is None, "TensorFlow was imported"
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert len(os.listdir(tmp_path / "train")) == len(os.listdir(tmp_path / "validation")) == 1
