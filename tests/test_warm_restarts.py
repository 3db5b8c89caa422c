"""WarmRestarts against its formula and torch, step by step and across interruptions."""

import math

import keras
import numpy as np
import pytest
import reference_files
from conftest import on_fastest
from training_runs import STEPS, Fail, RecordRates, fit, make_model

from stgkeras.callbacks import WarmRestarts


def sgdr(epoch, base=1e-3, min_lr=0.0, T_0=5, T_mult=2):
    starts = [T_0 * sum(T_mult**j for j in range(i)) for i in range(70)]
    i = max(i for i, start in enumerate(starts) if start <= epoch)
    share = (epoch - starts[i]) / (T_0 * T_mult**i)
    return min_lr + (base - min_lr) * (1 + math.cos(math.pi * share)) / 2


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
    data = reference_files.load("torch_cawr")
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


@pytest.mark.parametrize("update", on_fastest(["batch", "epoch"], ["batch"]))
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
    with pytest.raises(ValueError, match="`base_lr` must be a number to compute a rate"):
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
