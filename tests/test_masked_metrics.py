"""Masked metrics against NumPy in float64, over batches, steps, gaps and past 2^24 entries."""

import keras
import numpy as np
import pytest

from stgkeras import losses, metrics

BACKEND = keras.backend.backend()
CLASSES = {
    "masked_mae": metrics.MaskedMeanAbsoluteError,
    "masked_rmse": metrics.MaskedRootMeanSquaredError,
    "masked_mape": metrics.MaskedMeanAbsolutePercentageError,
}
SETTINGS = {
    "all": {},
    "first": {"step": 1},
    "last": {"step": 4},
    "null": {"null_value": 7.0},
    "null_step": {"step": 2, "null_value": 0.0},
}
LOGGED = {
    "masked_mae": {},
    "masked_rmse": {"step": 2, "null_value": 0.0},
    "masked_mape": {"step": 4},
}
# What `forecast_errors` and the metrics call the same thing.
FIGURES = {"masked_mae": "MAE", "masked_rmse": "RMSE", "masked_mape": "MAPE"}


def figures(y, p, step=None, null_value=None, weight=None):
    """{metric name: figure}, from the list of the readings that are there."""
    weight = np.ones(y.shape) if weight is None else np.broadcast_to(weight, y.shape)
    part = np.s_[:] if step is None else np.s_[:, step - 1]
    y, p, weight = (np.asarray(a, "float64")[part].ravel() for a in (y, p, weight))
    there = [n for n, reading in enumerate(y) if reading == reading and reading != null_value]
    y, p, weight = y[there], p[there], weight[there]
    some = y != 0
    share = np.abs(p[some] - y[some]) / np.abs(y[some])
    return {
        "masked_mae": np.average(np.abs(p - y), weights=weight),
        "masked_rmse": np.average((p - y) ** 2, weights=weight) ** 0.5,
        "masked_mape": 100 * np.average(share, weights=weight[some]),
    }


def readings(samples=23, seed=0):
    """Truth with NaN, 0 and 7 among its readings, and prediction: (samples, 4, 3, 2)."""
    rng = np.random.default_rng(seed)
    y = rng.normal(50, 20, (samples, 4, 3, 2)).astype("float32")
    p = (y + rng.normal(0, 5, y.shape)).astype("float32")
    for mark in (np.nan, 0.0, 7.0):
        y[rng.random(y.shape) < 0.2] = mark
    return y, p


def value(metric):
    return float(keras.ops.convert_to_numpy(metric.result()))


@pytest.mark.parametrize("options", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("name", CLASSES)
def test_unequal_batches_give_the_figure_of_the_whole(name, options):
    y, p = readings()
    metric = CLASSES[name](**options)
    for part in (np.s_[:10], np.s_[10:20], np.s_[20:]):
        metric.update_state(y[part], p[part])
    np.testing.assert_allclose(value(metric), figures(y, p, **options)[name], rtol=1e-6)
    metric.reset_state()
    metric.update_state(y[5:15], p[5:15])
    expected = figures(y[5:15], p[5:15], **options)[name]
    np.testing.assert_allclose(value(metric), expected, rtol=1e-6)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("axes", [1, 2, 3, 4])
def test_sample_weights_weigh_the_readings(name, axes):
    y, p = (np.repeat(a[:4, :, :1, :1], 4, axis=2) for a in readings())
    y, p = (np.repeat(a, 4, axis=3) for a in (y, p))  # equal axes: the last would fit as well
    p = p + np.random.default_rng(2).normal(size=p.shape).astype("float32")
    weight = np.random.default_rng(1).random(y.shape[:axes]).astype("float32")
    aligned = weight.reshape(weight.shape + (1,) * (4 - axes))
    for step in (None, 3):
        metric = CLASSES[name](step=step)
        metric.update_state(y, p, sample_weight=weight)
        expected = figures(y, p, step, weight=aligned)[name]
        np.testing.assert_allclose(value(metric), expected, rtol=1e-6)


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_there_is_nan_and_changes_nothing(name):
    y, p = readings()
    metric = CLASSES[name]()
    metric.update_state(np.full_like(y, np.nan), p)
    assert np.isnan(value(metric))
    metric.update_state(y, np.where(np.isnan(y), np.inf, p))
    expected = figures(y, p)[name]
    np.testing.assert_allclose(value(metric), expected, rtol=1e-6)
    metric.update_state(np.full_like(y, np.nan), p)
    np.testing.assert_allclose(value(metric), expected, rtol=1e-6)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_still_computes_in_float32(name, dtype):
    y, p = (np.tile(a, (200, 1, 1, 1)) for a in readings())  # 110,400 entries: past float16
    metric = CLASSES[name](dtype=dtype)
    metric.update_state(y, p)
    np.testing.assert_allclose(value(metric), figures(y, p)[name], rtol=1e-6)


class Batches(keras.utils.PyDataset):
    """The first of a list of (truth, prediction), then the other three in turn."""

    def __init__(self, batches, number):
        super().__init__()
        self.batches, self.number = batches, number

    def __len__(self):
        return self.number

    def __getitem__(self, index):
        y, p = self.batches[(index - 1) % 3 + 1 if index else 0]
        return p, y


def adversarial_batches(shape=(64, 12, 81, 1)):
    """One batch of large errors, then three to repeat: all alike, heavy-tailed, rare and huge."""
    rng = np.random.default_rng(0)
    errors = [
        np.full(shape, 20000.0),
        np.full(shape, 0.1),
        rng.lognormal(0, 2, shape),
        np.where(rng.random(shape) < 1e-3, 3e3, 0.7),
    ]
    batches = []
    for error in errors:
        y = np.full(shape, 3.0, "float32")
        y[rng.random(shape) < 0.05] = np.nan
        batches.append((y, (y + error).astype("float32")))
        np.copyto(batches[-1][1], 3.0, where=np.isnan(y))
    return batches


@pytest.fixture
def optimized():
    """JAX as users run it: the optimisations that other tests do without might undo sums."""
    if BACKEND == "jax":
        import jax

        jax.config.update("jax_disable_most_optimizations", False)
        yield
        jax.config.update("jax_disable_most_optimizations", True)
    else:
        yield


@pytest.mark.parametrize("jit_compile", [False, True])
def test_past_2_to_the_24_entries(optimized, jit_compile):
    if jit_compile == (BACKEND == "torch") and BACKEND != "tensorflow":
        pytest.skip("as fit runs by default on this backend: compiled on JAX, not on torch")
    number, batches = 301, adversarial_batches()
    times = [1, 100, 100, 100]
    assert sum(n * np.isfinite(y).sum() for n, (y, _) in zip(times, batches, strict=True)) > 2**24
    parts = []
    for y, p in batches:
        there = np.isfinite(y)
        error = np.abs(p[there].astype("float64") - y[there])
        parts.append([there.sum(), error.sum(), (error**2).sum(), (100 * error / 3).sum()])
    count, absolute, squared, share = np.array(times) @ np.array(parts)
    model = keras.Sequential([keras.Input((12, 81, 1)), keras.layers.Activation("linear")])
    model.compile(
        loss=losses.MaskedMeanAbsoluteError(),
        metrics=[metric() for metric in CLASSES.values()],
        jit_compile=jit_compile,
    )
    logged = model.evaluate(Batches(batches, number), verbose=0, return_dict=True)
    expected = [absolute / count, (squared / count) ** 0.5, share / count]
    np.testing.assert_allclose([logged[name] for name in CLASSES], expected, rtol=1e-6)


def forecaster():
    """A linear map of the horizon, compiled with each metric at its own setting."""
    model = keras.Sequential(
        [
            keras.Input((4, 3, 2)),
            keras.layers.Permute((3, 2, 1)),
            keras.layers.Dense(4),
            keras.layers.Permute((3, 2, 1)),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(0.0),
        loss=losses.MaskedMeanAbsoluteError(null_value=0.0),
        metrics=[CLASSES[name](name=name, **options) for name, options in LOGGED.items()],
    )
    return model


def check_logs(logs, y, p, prefix=""):
    for name, options in LOGGED.items():
        expected = figures(y, p, **options)[name]
        np.testing.assert_allclose(np.ravel(logs[prefix + name]), expected, rtol=1e-6)


def test_fit_evaluate_and_a_saved_model_log_the_figures_of_the_whole_set(tmp_path):
    y, x = readings()
    held, held_x = readings(13, seed=1)
    model = forecaster()
    history = model.fit(x, y, batch_size=5, validation_data=(held_x, held), verbose=0).history
    assert np.isfinite(history["loss"]).all()
    p, held_p = model.predict(x, verbose=0), model.predict(held_x, verbose=0)
    check_logs(history, y, p)
    check_logs(history, held, held_p, "val_")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    check_logs(again.evaluate(x, y, batch_size=5, verbose=0, return_dict=True), y, p)


@pytest.mark.parametrize("name", CLASSES)
def test_metrics_agree_with_forecast_errors(name):
    y, p = readings()
    errors = metrics.forecast_errors(y, p, {"third": 3}, null_value=7.0, percentage=True)
    for step, label in ((3, "third"), (None, "mean")):
        metric = CLASSES[name](step=step, null_value=7.0)
        metric.update_state(y, p)
        assert errors[f"{FIGURES[name]} {label}"] == pytest.approx(value(metric), rel=1e-6)


@pytest.mark.parametrize("null_value", [None, 7.0])
def test_forecast_errors_skip_missing_readings(null_value):
    y, p = readings()
    errors = metrics.forecast_errors(y, p, {"a": 1}, null_value=null_value, percentage=True)
    for step, label in ((1, "a"), (None, "mean")):
        for name, expected in figures(y, p, step, null_value).items():
            assert errors[f"{FIGURES[name]} {label}"] == pytest.approx(expected, rel=1e-12)
    assert list(errors)[:4] == list(metrics.forecast_errors(y, p, {"a": 1}))


def test_forecast_errors_are_nan_without_a_reading():
    y, p = readings()
    y[:, 1] = np.nan
    errors = metrics.forecast_errors(y, p, {"gone": 2}, percentage=True)
    gone = {key: np.isnan(error) for key, error in errors.items()}
    assert gone == {key: key.endswith("gone") for key in errors}


@pytest.mark.parametrize("name", CLASSES)
def test_config_gives_back_an_equal_metric(name):
    metric = CLASSES[name](step=3, null_value=0, dtype="float32")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert type(again) is CLASSES[name] and again.get_config() == metric.get_config()
    assert metric.get_config() == {
        "step": 3,
        "null_value": 0.0,
        "name": f"{name}_step_3",
        "dtype": "float32",
    }
    assert CLASSES[name]().name == name and CLASSES[name](name="error").name == "error"


ONES = np.ones((2, 3, 4, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m(step=0), "`step` must be None or .* Received: step=0"),
        (lambda m: m(step=1.5), "`step` must be None or .* Received: step=1.5"),
        (lambda m: m(null_value=float("nan")), "`null_value` must be .* Received: null_value=nan"),
        (
            lambda m: m(step=4)(ONES, ONES),
            "`step` must be .* horizon, 3. Received: step=4",
        ),
        (lambda m: m()(ONES[0], ONES[0]), r"the same shape .* Received: .*=\(3, 4, 1\)"),
        (lambda m: m()(ONES[..., 0], ONES), r"the same shape .* Received: .*=\(2, 3, 4\)"),
        (lambda m: m()(ONES[:, :2], ONES), r"the same shape .* Received: .*=\(2, 2, 4, 1\)"),
        (lambda m: m()(ONES, ONES, ONES[None]), "`sample_weight` must have the leading axes"),
    ],
)
@pytest.mark.parametrize("name", CLASSES)
def test_bad_input(name, call, message):
    with pytest.raises(ValueError, match=message):
        call(CLASSES[name])
