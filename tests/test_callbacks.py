"""WarmRestarts against its formula and torch, checkpoints across failures, TensorBoard logs."""

import math
import os
import pathlib
import subprocess
import sys
import types

import keras
import numpy as np
import pytest

from stgkeras.callbacks import Checkpoint, TensorBoardScalars, WarmRestarts

STEPS = 7


def reference(name):
    folder = pathlib.Path(os.environ.get("STGKERAS_REFERENCE", "-"))
    if not (folder / f"{name}.npz").exists():
        pytest.skip(f"STGKERAS_REFERENCE names no folder with {name}.npz")
    return np.load(folder / f"{name}.npz")


def sgdr(epoch, base=1e-3, min_lr=0.0, T_0=5, T_mult=2):
    starts = [T_0 * sum(T_mult**j for j in range(i)) for i in range(70)]
    i = max(i for i, start in enumerate(starts) if start <= epoch)
    share = (epoch - starts[i]) / (T_0 * T_mult**i)
    return min_lr + (base - min_lr) * (1 + math.cos(math.pi * share)) / 2


def make_model(optimizer=None, **compile_arguments):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer or keras.optimizers.Adam(1e-3), "mse", **compile_arguments)
    return model


def fit(model, callbacks=(), epochs=8, initial_epoch=0, **arguments):
    x = np.random.default_rng(0).normal(size=(2 * STEPS, 2)).astype("float32")
    arguments = {"batch_size": 2, "shuffle": False, "verbose": 0, **arguments}
    return model.fit(
        x,
        x.sum(axis=1, keepdims=True),
        epochs=epochs,
        initial_epoch=initial_epoch,
        callbacks=list(callbacks),
        **arguments,
    ).history


class RecordRates(keras.callbacks.Callback):
    """The optimizer's rate right after each step, as {(epoch, batch): rate}."""

    def __init__(self):
        super().__init__()
        self.rates = {}

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        self.rates[self.epoch, batch] = float(rate)


class Fail(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.at = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if self.now == self.at and batch == 3:
            raise InterruptedError("the machine is gone")


# WarmRestarts


@pytest.mark.parametrize("T_0, T_mult", [(5, 2), (1, 1), (3, 1), (1, 3), (4, 2)])
@pytest.mark.parametrize("min_lr", [0.0, 1e-4])
def test_rate_follows_the_formula(T_0, T_mult, min_lr):
    schedule = WarmRestarts(T_0, T_mult, min_lr=min_lr, base_lr=1e-3)
    for epoch in np.arange(60 * STEPS) / STEPS:
        expected = sgdr(epoch, min_lr=min_lr, T_0=T_0, T_mult=T_mult)
        assert schedule.rate(epoch) == pytest.approx(expected, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(
    "suffix, arguments",
    [
        ("", {"base_lr": 1e-3}),
        ("_lr0.5", {"base_lr": 0.5}),
        # "etamin0.1" is a share: eta_min = 0.1 × the base rate
        ("_etamin0.1", {"base_lr": 1e-3, "min_lr": 1e-4}),
        ("_etamin0.1_lr0.5", {"base_lr": 0.5, "min_lr": 0.05}),
    ],
)
def test_rate_equals_torch(suffix, arguments):
    data = reference("torch_cawr")
    schedule = WarmRestarts(**arguments)
    rates = [schedule.rate(epoch) for epoch in range(60)]
    np.testing.assert_allclose(rates, data[f"cawr_epoch_lr{suffix}"], rtol=1e-9, atol=1e-15)
    if f"cawr_frac_lr_after{suffix}" in data:
        expected = data[f"cawr_frac_lr_after{suffix}"]
        rates = [[schedule.rate(e + i / STEPS) for i in range(STEPS)] for e in range(60)]
        np.testing.assert_allclose(rates, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("update", ["epoch", "batch"])
def test_every_step_trains_with_its_rate(update):
    record = RecordRates()
    history = fit(make_model(), [WarmRestarts(update=update), record])
    batch_share = 1 / STEPS if update == "batch" else 0
    expected = {(e, i): sgdr(e + i * batch_share) for e in range(8) for i in range(STEPS)}
    assert record.rates == pytest.approx(expected, rel=1e-6)
    last = [expected[e, STEPS - 1] for e in range(8)]
    assert history["learning_rate"] == pytest.approx(last, rel=1e-6)


def test_the_weights_move_by_the_rates_with_nobody_watching():
    # JAX holds the state aside during an epoch: a rate set beside it would be lost, unless
    # another callback happens to look at the model.
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, p: keras.ops.mean(p, axis=-1))
    start = model.get_weights()[0]
    x = np.ones((2 * STEPS, 2), "float32")  # the gradient of each weight is 1
    callbacks = [WarmRestarts(T_0=2, update="batch")]
    model.fit(x, x[:, :1], batch_size=2, epochs=3, verbose=0, callbacks=callbacks)
    rates = [sgdr(e + i / STEPS, base=1.0, T_0=2) for e in range(3) for i in range(STEPS)]
    np.testing.assert_allclose(start - model.get_weights()[0], sum(rates), rtol=1e-5)


def test_steps_that_execute_together_share_the_rate_of_the_first():
    if keras.backend.backend() == "torch":
        pytest.skip("Keras refuses steps_per_execution above 1 on torch")
    record = RecordRates()
    fit(make_model(steps_per_execution=3), [WarmRestarts(update="batch"), record], epochs=2)
    firsts = sorted({rate for (epoch, _), rate in record.rates.items() if epoch == 1})
    expected = sorted(sgdr(1 + i / STEPS) for i in (0, 3, 6))
    assert firsts == pytest.approx(expected, rel=1e-6)


def test_no_step_is_traced_again():
    if keras.backend.backend() == "torch":
        pytest.skip("torch runs eagerly and traces nothing")
    calls = []

    def loss(y_true, y_pred):
        calls.append(1)
        return keras.ops.square(y_true - y_pred)

    model = make_model()
    model.compile(keras.optimizers.SGD(1e-3), loss)
    fit(model, [WarmRestarts(update="batch")], epochs=1)
    traced = len(calls)
    fit(model, [WarmRestarts(update="batch", base_lr=0.1)], epochs=4)
    assert 0 < len(calls) == traced


@pytest.mark.parametrize("update", ["epoch", "batch"])
def test_an_interrupted_run_goes_on_with_the_same_rates(update, tmp_path):
    whole, before, after = RecordRates(), RecordRates(), RecordRates()
    fit(make_model(), [WarmRestarts(update=update), whole])

    def callbacks(record):
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
        return [backup, WarmRestarts(update=update), record]

    with pytest.raises(InterruptedError):
        fit(make_model(), [*callbacks(before), Fail(epoch=3)])
    fit(make_model(), callbacks(after))
    assert min(after.rates) == (3, 0)
    assert {**before.rates, **after.rates} == pytest.approx(whole.rates, rel=1e-6)


def test_the_base_rate_is_captured_once():
    schedule, model = WarmRestarts(), make_model()
    first = fit(model, [schedule], epochs=3)["learning_rate"]
    again = fit(model, [schedule], epochs=3)["learning_rate"]
    assert first == again == pytest.approx([sgdr(e) for e in range(3)], rel=1e-6)


def test_a_given_base_rate_wins_over_the_optimizers():
    history = fit(make_model(), [WarmRestarts(base_lr=0.5)], epochs=2)
    assert history["learning_rate"] == pytest.approx([sgdr(e, base=0.5) for e in range(2)])


@pytest.mark.parametrize(
    "argument, value",
    [
        ("T_0", 0),
        ("T_0", 2.5),
        ("T_mult", 0),
        ("T_mult", 1.5),
        ("min_lr", -0.1),
        ("min_lr", float("nan")),
        ("update", "step"),
        ("base_lr", 0.0),
        ("base_lr", "fast"),
    ],
)
def test_bad_schedule_argument_is_refused(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must be .*Received: {argument}="):
        WarmRestarts(**{argument: value})


def test_lowest_rate_above_the_base_is_refused():
    with pytest.raises(ValueError, match="`min_lr` must be at most the base learning rate"):
        WarmRestarts(min_lr=0.1, base_lr=0.01)
    with pytest.raises(ValueError, match="`min_lr` must be at most the base learning rate"):
        fit(make_model(), [WarmRestarts(min_lr=0.1)])


def test_rate_before_the_base_is_known_is_refused():
    with pytest.raises(ValueError, match="`base_lr` must be known"):
        WarmRestarts().rate(0)


def test_batches_of_unknown_number_are_refused():
    batches = ((np.ones((2, 2)), np.ones((2, 1))) for _ in range(4))
    with pytest.raises(ValueError, match="number of batches of an epoch is unknown"):
        make_model().fit(batches, verbose=0, callbacks=[WarmRestarts(update="batch")])


def test_batches_of_unknown_number_pass_with_steps_per_epoch():
    batches = ((np.ones((2, 2)), np.ones((2, 1))) for _ in range(4))
    record = RecordRates()
    make_model().fit(
        batches, steps_per_epoch=4, verbose=0, callbacks=[WarmRestarts(update="batch"), record]
    )
    expected = [sgdr(i / 4) for i in range(4)]
    assert list(record.rates.values()) == pytest.approx(expected, rel=1e-6)


def test_an_optimizer_with_a_schedule_is_refused():
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, 10)
    with pytest.raises(TypeError, match="`learning_rate` of the optimizer must be a number"):
        fit(make_model(keras.optimizers.SGD(schedule)), [WarmRestarts()])


# Checkpoint


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


# TensorBoardScalars


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
