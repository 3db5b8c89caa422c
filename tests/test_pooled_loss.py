"""`evaluate` and `val_loss` with a loss that leaves missing readings out: means over readings."""

import keras
import numpy as np
import pytest
from conftest import on_fastest
from model_cases import CASES, inputs_of, make

from stgkeras import losses, models

SAMPLES = 23  # windows; the last batches are partial
LOSSES = {
    "mae": (losses.MaskedMeanAbsoluteError, lambda e: np.abs(e)),
    "mse": (losses.MaskedMeanSquaredError, lambda e: e**2),
    "huber": (
        losses.MaskedHuber,
        lambda e: np.where(np.abs(e) <= 1, e**2 / 2, np.abs(e) - 0.5),
    ),
}
every_loss = pytest.mark.parametrize("name", on_fastest(list(LOSSES), ["mae", "huber"]))


@pytest.fixture(scope="module")
def data():
    """A forecaster, its inputs, what it forecasts, and targets: few of them at night."""
    model = make("stgcn")
    x = inputs_of(model, batch=SAMPLES)
    forecast = model.predict(x, verbose=0)
    rng = np.random.default_rng(1)
    # Errors grow over the windows, and so does the share of missing readings.
    noise = rng.normal(size=forecast.shape) * (1 + np.arange(SAMPLES)[:, None, None, None] / 4)
    y = (forecast + noise).astype("float32")
    y[rng.random(y.shape) < np.linspace(0, 0.9, SAMPLES)[:, None, None, None]] = np.nan
    y[8:16] = np.nan  # whole batches of 4 and of 8 without a reading
    return model, x, y, forecast


def expected(entries, y, weight=1.0, by_weight=False):
    """Σ w m e / Σ m over the whole set, in float64."""
    there = ~np.isnan(y)
    weight = np.broadcast_to(weight, y.shape)
    total = np.sum(np.where(there, weight * np.nan_to_num(entries), 0.0), dtype="float64")
    return total / np.sum(there * (weight if by_weight else 1.0), dtype="float64")


def entries_of(name, y, forecast):
    return LOSSES[name][1](forecast.astype("float64") - y.astype("float64"))


def test_the_mean_of_batch_means_is_another(data):
    """What Keras takes: a batch without readings counts as 0."""
    _, _, y, forecast = data
    entries = entries_of("mae", y, forecast)
    parts = [slice(i, i + 4) for i in range(0, SAMPLES, 4)]
    means = [0.0 if np.isnan(y[p]).all() else np.nanmean(entries[p]) for p in parts]
    mean = np.average(means, weights=[len(y[p]) for p in parts])
    assert mean < 0.95 * expected(entries, y) or mean > 1.05 * expected(entries, y)


@every_loss
def test_evaluate_is_the_mean_over_all_readings(data, name):
    model, x, y, forecast = data
    model.compile("sgd", LOSSES[name][0]())
    for batch_size in on_fastest([1, 4, 8, SAMPLES], [1, 8]):
        found = model.evaluate(x, y, batch_size=batch_size, verbose=0)
        np.testing.assert_allclose(found, expected(entries_of(name, y, forecast), y), rtol=1e-6)
        found = model.evaluate(x[:8], y[:8], batch_size=batch_size, verbose=0)  # begins anew
        wanted = expected(entries_of(name, y[:8], forecast[:8]), y[:8])
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize("by_weight", [False, True])
def test_weights_of_samples(data, by_weight):
    model, x, y, forecast = data
    reduction = "mean_with_sample_weight" if by_weight else "sum_over_batch_size"
    model.compile("sgd", losses.MaskedMeanAbsoluteError(reduction=reduction))
    weight = np.linspace(0.5, 3, SAMPLES).astype("float32")
    weight = np.broadcast_to(weight[:, None, None, None], y.shape).copy()
    found = model.evaluate(x, y, batch_size=4, sample_weight=weight, verbose=0)
    wanted = expected(entries_of("mae", y, forecast), y, weight, by_weight)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_null_value_loss_weight_and_steps_at_once(data):
    model, x, y, forecast = data
    zeros = np.nan_to_num(y)
    loss = losses.MaskedMeanAbsoluteError(null_value=0.0)
    steps = 1 if keras.backend.backend() == "torch" else 2
    model.compile("sgd", [loss], loss_weights=[2.5], steps_per_execution=steps)
    found = model.evaluate(x, zeros, batch_size=4, verbose=0)
    wanted = 2.5 * expected(entries_of("mae", y, forecast), y)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_val_loss_and_what_watches_it(data):
    _, x, y, forecast = data
    model = make("stgcn")
    model.compile(keras.optimizers.SGD(0.0), losses.MaskedMeanAbsoluteError(), metrics=["mse"])
    stop = keras.callbacks.EarlyStopping("val_loss", patience=5)
    history = model.fit(
        x, y, batch_size=4, epochs=2, verbose=0, validation_data=(x, y), callbacks=[stop]
    ).history
    wanted = expected(entries_of("mae", y, forecast), y)
    np.testing.assert_allclose(history["val_loss"], [wanted, wanted], rtol=1e-6)
    np.testing.assert_allclose(stop.best, wanted, rtol=1e-6)
    logs = model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    assert set(logs) == {"loss", "mse"}


def test_regularizers_are_added_once():
    model = make("stgcn")
    x = inputs_of(model, batch=SAMPLES)
    y = np.zeros((SAMPLES, *model.output_shape[1:]), "float32")
    y[:16, ..., 0] = np.nan
    dense = model.get_layer("output_dense")
    dense.kernel_regularizer = dense.kernel.regularizer = keras.regularizers.L2(0.1)
    model.compile("sgd", losses.MaskedMeanSquaredError())
    entries = np.square(model.predict(x, verbose=0), dtype="float64")
    kernel = keras.ops.convert_to_numpy(dense.kernel).astype("float64")
    found = model.evaluate(x, y, batch_size=8, verbose=0)
    np.testing.assert_allclose(found, expected(entries, y) + 0.1 * (kernel**2).sum(), rtol=1e-6)


def test_a_set_without_any_reading_has_no_loss(data):
    model, x, y, _ = data
    model.compile("sgd", losses.MaskedMeanAbsoluteError())
    assert np.isnan(model.evaluate(x, np.full_like(y, np.nan), verbose=0))


def test_other_losses_stay_as_keras_means_them(data):
    model, x, y, forecast = data
    full = np.nan_to_num(y)
    model.compile("sgd", "mse")
    wanted = np.mean((forecast.astype("float64") - full) ** 2)
    np.testing.assert_allclose(model.evaluate(x, full, batch_size=8, verbose=0), wanted, rtol=1e-5)


def test_a_loaded_model_pools_as_well(data, tmp_path):
    model, x, y, forecast = data
    model.compile("sgd", losses.MaskedMeanAbsoluteError())
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    found = loaded.evaluate(x, y, batch_size=8, verbose=0)
    np.testing.assert_allclose(found, expected(entries_of("mae", y, forecast), y), rtol=1e-6)
    loaded.reset_metrics()
    first = loaded.test_on_batch(x[:8], y[:8])
    wanted = expected(entries_of("mae", y[:8], forecast[:8]), y[:8])
    np.testing.assert_allclose(first, wanted, rtol=1e-6)


@keras.saving.register_keras_serializable("test_pooled_loss")
class Penalised(models.STGCN):
    """A model of the user's, with a loss of its own."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x, y, y_pred, sample_weight, training) + 100.0


def test_a_loss_of_the_users_stays_whole(data):
    _, x, y, _ = data
    cls, arguments, _ = CASES["stgcn"]
    model = Penalised(**{**arguments, "graph": arguments["graph"]()})
    model.compile("sgd", losses.MaskedMeanAbsoluteError())
    assert model.evaluate(x, y, batch_size=8, verbose=0) > 100


def test_losses_that_differ_by_batch_are_averaged(data):
    _, x, y, forecast = data
    model = make("stgcn")
    model.get_layer("output").activity_regularizer = keras.regularizers.L2(0.01)
    model.compile("sgd", losses.MaskedMeanAbsoluteError())
    found = model.evaluate(x, y, batch_size=8, verbose=0)
    output = keras.Model(model.input, model.get_layer("output").output)
    squares = np.sum(np.square(output.predict(x, verbose=0), dtype="float64"))
    # Keras divides an activity loss by the samples of the batch.
    wanted = expected(entries_of("mae", y, forecast), y) + 0.01 * squares / SAMPLES
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
