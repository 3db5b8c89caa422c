"""TensorBoard logs, read back with TensorBoard's own reader."""

import os
import subprocess
import sys
import types
from importlib.util import find_spec

import keras
import numpy as np
import pytest
from tensorboard_logs import read, scalars
from training_runs import STEPS, Fail, fit, make_model

from stgkeras.callbacks import GradientNorm, TensorBoard, WarmRestarts


def test_every_number_of_the_logs_is_written(tmp_path):
    x = np.ones((4, 2), "float32")
    history = fit(
        make_model(metrics=["mae"]),
        [WarmRestarts(), TensorBoard(tmp_path / "logs")],
        epochs=3,
        validation_data=(x, x[:, :1]),
    )
    train = scalars(read(tmp_path / "logs" / "train"))
    validation = scalars(read(tmp_path / "logs" / "validation"))
    assert all(seconds > 0 for seconds in train.pop("epoch_seconds_per_step").values())
    assert set(train) == {"epoch_loss", "epoch_mae", "epoch_learning_rate"}
    assert set(validation) == {"epoch_loss", "epoch_mae"}
    for prefix, found in (("", train), ("val_", validation)):
        for tag, values in found.items():
            expected = history[prefix + tag.removeprefix("epoch_")]
            assert values == pytest.approx(dict(enumerate(expected)), rel=1e-6)


def test_logs_are_readable_after_each_epoch_and_other_values_are_left_out(tmp_path):
    writer = TensorBoard(tmp_path)
    writer.set_model(make_model())
    writer.set_params({"epochs": 1})
    writer.on_train_begin()
    writer.on_epoch_begin(0)
    writer.on_epoch_end(0, {"loss": np.float32(0.5), "count": 3, "note": "fine"})
    found = scalars(read(tmp_path / "train"))
    del found["epoch_learning_rate"]
    assert found == {"epoch_loss": {0: 0.5}, "epoch_count": {0: 3.0}}
    assert not (tmp_path / "validation").exists()
    writer.on_train_end()


def test_a_run_that_goes_on_shows_every_step_once(tmp_path):
    x = np.ones((4, 2), "float32")
    arguments = {"validation_data": (x, x[:, :1])}
    model = make_model()
    first = fit(model, [TensorBoard(tmp_path)], epochs=4, **arguments)
    writer = TensorBoard(tmp_path)
    with pytest.raises(InterruptedError):  # trains epoch 3 once more
        fit(model, [writer, Fail(5)], epochs=6, initial_epoch=3, **arguments)
    last = fit(model, [writer], epochs=6, initial_epoch=4, **arguments)
    for run, name in (("train", "loss"), ("validation", "val_loss")):
        losses = scalars(read(tmp_path / run))["epoch_loss"]
        assert list(losses) == [0, 1, 2, 3, 4, 5]
        expected = {**dict(enumerate(first[name][:3])), **dict(enumerate(last[name], start=4))}
        expected[3] = losses[3]
        assert losses == pytest.approx(expected, rel=1e-6)
        assert losses[3] != pytest.approx(first[name][3], rel=1e-6)


def test_rates_norms_and_seconds(tmp_path, monkeypatch):
    class Clock(keras.callbacks.Callback):
        now = 0.0

        def on_train_batch_end(self, batch, logs=None):
            self.now += 2.0

        def on_test_batch_end(self, batch, logs=None):
            self.now += 100.0

    clock, means, x = Clock(), [], np.ones((4, 2), "float32")
    fake = types.SimpleNamespace(perf_counter=lambda: clock.now)
    monkeypatch.setattr("stgkeras.callbacks.tensorboard.time", fake)
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: means.append(model.optimizer.mean_norm())
    )
    model = make_model(GradientNorm(keras.optimizers.SGD(0.1)))
    callbacks = [WarmRestarts(T_0=2), TensorBoard(tmp_path), note, clock]
    fit(model, callbacks, epochs=3, validation_data=(x, x[:, :1]))
    found = scalars(read(tmp_path / "train"))
    assert found["epoch_learning_rate"] == pytest.approx({0: 0.1, 1: 0.05, 2: 0.1})
    assert found["epoch_seconds_per_step"] == {0: 2.0, 1: 2.0, 2: 2.0}
    assert found["epoch_gradient_norm"] == pytest.approx(dict(enumerate(means)), rel=1e-6)
    assert len({round(mean, 5) for mean in means}) == 3  # of an epoch each, not of the run


def test_the_rate_is_written_also_where_nothing_logs_it(tmp_path):
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, STEPS, 0.5)
    fit(make_model(keras.optimizers.SGD(rate)), [TensorBoard(tmp_path)], epochs=2)
    found = scalars(read(tmp_path / "train"))["epoch_learning_rate"]
    assert found == pytest.approx({0: 0.05, 1: 0.025}, rel=1e-5)


def test_hyperparameters_and_last_figures(tmp_path):
    from tensorboard.plugins.hparams import api_pb2, metadata

    given = {"rate": np.float32(0.5), "units": 3, "gate": "glu", "season": True, "kernel": (2, 3)}
    history = fit(make_model(), [TensorBoard(tmp_path, hparams=given)], epochs=3)
    reader = read(tmp_path / "hparams")
    assert scalars(reader) == {"final/loss": {2: np.float32(history["loss"][-1])}}

    def content(tag):
        return reader.SummaryMetadata(tag).plugin_data.content

    start = metadata.parse_session_start_info_plugin_data(content(metadata.SESSION_START_INFO_TAG))
    found = {name: getattr(v, v.WhichOneof("kind")) for name, v in start.hparams.items()}
    assert found == given | {"kernel": "(2, 3)"}
    end = metadata.parse_session_end_info_plugin_data(content(metadata.SESSION_END_INFO_TAG))
    assert end.status == api_pb2.STATUS_SUCCESS
    assert end.end_time_secs >= start.start_time_secs > 0


def test_watching_changes_nothing(tmp_path):
    def images(model):
        model.evaluate(np.zeros((4, 2)), np.zeros((4, 1)), verbose=0)
        return {"picture": model.predict(np.ones((2, 2)), verbose=0) * 0}

    models = []
    for callbacks in ([], [TensorBoard(tmp_path, every=1, images=images, hparams={})]):
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Dense(9), keras.layers.Dropout(0.5), keras.layers.Dense(1)]
        model = keras.Sequential([keras.Input((2,)), *layers])
        model.compile("adam", "mse")
        fit(model, callbacks, epochs=3)
        models.append(model)
    for alone, watched in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(alone, watched)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"every": 0}, "`every` must be an integer of at least 1. Received: every=0"),
        ({"images": {"a": 1}}, "`images` must be a function that takes the model"),
    ],
)
def test_bad_arguments(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        TensorBoard(tmp_path, **arguments)


@pytest.mark.parametrize("installed", [True, False])
def test_tensorflow_is_not_imported(installed, tmp_path):
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow is the backend")
    if keras.backend.backend() == "torch" and installed != (find_spec("tensorflow") is not None):
        pytest.skip("this or the other, as the environment is: `nox` runs both")
    script = f"""
import sys
if not {installed}:
    sys.modules["tensorflow"] = None
from stgkeras.callbacks import GradientNorm, TensorBoard
assert "tensorboard" not in sys.modules
import keras, numpy as np
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile(GradientNorm(keras.optimizers.SGD()), "mse")
x = np.ones((8, 2), "float32")
board = TensorBoard({str(tmp_path)!r}, hparams={{"a": 1}}, images=lambda model: {{"x": x}})
model.fit(x, x[:, :1], validation_split=0.5, epochs=2, verbose=0, callbacks=[board])
assert sys.modules.get("tensorflow") is None, "TensorFlow was imported"
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    for run in ("train", "validation", "hparams"):
        assert len(os.listdir(tmp_path / run)) == 1
