"""Masked losses against loops over the readings that are there, and their gradients."""

import json

import keras
import numpy as np
import pytest
from gradients import gradients

from stgkeras.losses import MaskedHuber, MaskedMeanAbsoluteError, MaskedMeanSquaredError

# Each loss, its value at an error, and the slope of that.
CASES = {
    "mae": (MaskedMeanAbsoluteError, abs, np.sign),
    "mse": (MaskedMeanSquaredError, lambda e: e**2, lambda e: 2 * e),
    "huber": (
        lambda **options: MaskedHuber(1.5, **options),
        lambda e: e**2 / 2 if abs(e) <= 1.5 else 1.5 * (abs(e) - 0.75),
        lambda e: np.clip(e, -1.5, 1.5),
    ),
}
case = pytest.mark.parametrize("make, value, slope", CASES.values(), ids=CASES)


def readings(gaps="nan", shape=(5, 4, 3, 2)):
    """Truth with a third missing, prediction, and where the truth is there."""
    rng = np.random.default_rng(0)
    y, p = rng.normal(50, 3, (2, *shape)).astype("float32")
    there = rng.random(shape) > 1 / 3
    y[~there] = np.nan if gaps == "nan" else 0
    if gaps == "both":
        y[0][~there[0]] = np.nan
    return y, p, there


def looped(value, y, p, there, weight=None):
    """Sum of the weighted losses, and sum of the weights, of the readings that are there."""
    total = norm = 0.0
    weight = np.ones(y.shape) if weight is None else np.broadcast_to(weight, y.shape)
    for index in np.ndindex(y.shape):
        if there[index]:
            total += weight[index] * value(float(p[index]) - float(y[index]))
            norm += weight[index]
    return total, norm


@case
@pytest.mark.parametrize("gaps, null_value", [("nan", None), ("zero", 0.0), ("both", 0.0)])
def test_mean_is_over_the_readings_that_are_there(make, value, slope, gaps, null_value):
    y, p, there = readings(gaps)
    loss, (grad,) = gradients(lambda x: make(null_value=null_value)(y, x), [p])
    np.testing.assert_allclose(loss, looped(value, y, p, there)[0] / there.sum(), rtol=1e-5)
    assert (grad[~there] == 0).all()
    expected = slope(p[there].astype("float64") - y[there]) / there.sum()
    np.testing.assert_allclose(grad[there], expected, rtol=1e-5)


@case
def test_null_value_is_an_ordinary_reading_unless_named(make, value, slope):
    y, p, there = readings("zero")
    expected = looped(value, y, p, np.ones_like(there))[0] / y.size
    np.testing.assert_allclose(float(make()(y, p)), expected, rtol=1e-5)


@case
def test_nothing_missing_gives_the_plain_mean(make, value, slope):
    _, p, there = readings()
    y = np.full_like(p, 48.0)
    expected = looped(value, y, p, np.ones_like(there))[0] / y.size
    np.testing.assert_allclose(float(make()(y, p)), expected, rtol=1e-5)


@case
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
def test_batch_without_a_reading_has_loss_and_gradient_zero(
    make, value, slope, reduction, weighted
):
    y, p, _ = readings()
    weight = np.ones(len(y), "float32") if weighted else None
    loss = make(reduction=reduction)
    result, (grad,) = gradients(lambda x: loss(np.full_like(y, np.nan), x, weight), [p])
    assert result == 0 and (grad == 0).all()


@case
@pytest.mark.parametrize("wild", [np.nan, np.inf])
def test_predictions_where_readings_are_missing_do_not_matter(make, value, slope, wild):
    y, p, there = readings()
    loss, (grad,) = gradients(lambda x: make()(y, x), [np.where(there, p, wild)])
    np.testing.assert_allclose(loss, looped(value, y, p, there)[0] / there.sum(), rtol=1e-5)
    assert np.isfinite(grad).all() and (grad[~there] == 0).all()


# Where a slope jumps, or the code chooses between two forms: 0 and, for Huber, ±δ.
KINKS = np.array([0.0, -0.0, 1.5, -1.5, 0.5, -2.0, 3.0], "float32")


@case
def test_at_a_kink_the_slope_is_that_between_both_sides(make, value, slope):
    y = np.float32([50, 50, 50, 50, 50, 50, np.nan])
    p = np.where(np.isnan(y), 7, y) + KINKS
    p[:2] = 50
    loss, (grad,) = gradients(lambda x: make(reduction="sum")(y, x), [p])
    errors = KINKS[:-1].astype("float64")
    np.testing.assert_allclose(loss, sum(map(value, errors)), rtol=1e-6)
    assert grad.tolist() == [*slope(errors).tolist(), 0.0]
    entries = keras.ops.convert_to_numpy(make(reduction=None)(y, p))
    assert entries.tolist() == [*map(value, errors.tolist()), 0.0]


@pytest.mark.parametrize("name", CASES)
def test_the_slope_of_the_slope_is_finite_at_a_kink(name):
    weights = np.arange(1, 8).astype("float32")

    def slopes(x):
        slope = slope_of(CASES[name][0](reduction="sum"), np.zeros_like(KINKS), x)
        return keras.ops.sum(slope * keras.ops.convert_to_tensor(weights))

    _, (grad,) = gradients(slopes, [KINKS])
    size = abs(KINKS)
    expected = {"mae": 0 * size, "mse": 0 * size + 2, "huber": size < 1.5}[name] * weights
    one_sided = (size == 1.5) & (name == "huber")  # from 1 to 0
    assert np.isfinite(grad).all()
    assert np.array_equal(grad[~one_sided], expected[~one_sided])


def slope_of(loss, y, x):
    """Its gradient with respect to `x`, to be differentiated once more."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(lambda x: loss(y, x))(x)
    if keras.backend.backend() == "torch":
        import torch

        return torch.autograd.grad(loss(y, x), x, create_graph=True)[0]
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x)
        found = loss(y, x)
    return tape.gradient(found, x)


@case
@pytest.mark.parametrize("axes", [1, 2, 3, 4])
def test_sample_weights_scale_losses_and_divisor_as_the_reduction_says(make, value, slope, axes):
    y, p, there = readings(shape=(4, 4, 4, 4))  # equal axes: the last would fit as well
    weight = np.random.default_rng(1).random(y.shape[:axes]).astype("float32")
    aligned = weight.reshape(weight.shape + (1,) * (4 - axes))
    total, norm = looped(value, y, p, there, aligned)
    for reduction, expected in {
        "sum": total,
        "mean": total / there.sum(),
        "sum_over_batch_size": total / there.sum(),
        "mean_with_sample_weight": total / norm,
    }.items():
        result = float(make(reduction=reduction)(y, p, weight))
        np.testing.assert_allclose(result, expected, rtol=1e-5, err_msg=reduction)


@case
def test_reduction_none_gives_every_entry_and_zero_where_missing(make, value, slope):
    y, p, there = readings()
    entries = keras.ops.convert_to_numpy(make(reduction=None)(y, p))
    expected = [value(e) for e in p[there].astype("float64") - y[there]]
    np.testing.assert_allclose(entries[there], expected, rtol=1e-5)
    assert entries.shape == y.shape and (entries[~there] == 0).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_results_are_computed_in_float32(dtype):
    # Neither the sum of the entries nor their number fits float16; -9999 does not fit bfloat16.
    y, p = np.zeros((70_000, 2), "float32"), np.full((70_000, 2), 100.0, "float32")
    y[::2] = -9999
    loss = MaskedMeanAbsoluteError(null_value=-9999, dtype=dtype)(y, p)
    assert keras.backend.standardize_dtype(loss.dtype) == dtype and float(loss) == 100


def test_bfloat16_predictions_are_computed_in_float32():
    y, p, there = readings()
    p = keras.ops.cast(p, "bfloat16")
    expected = looped(abs, y, keras.ops.convert_to_numpy(keras.ops.cast(p, "float32")), there)
    result = MaskedMeanAbsoluteError()(y, p)
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    np.testing.assert_allclose(float(result), expected[0] / there.sum(), rtol=1e-5)


@case
def test_whole_numbers_are_readings_too(make, value, slope):
    y, p = np.array([[0, 50, 52]], "int32"), np.array([[1, 51, 50]], "float32")
    np.testing.assert_allclose(float(make(null_value=0)(y, p)), (value(1) + value(-2)) / 2)


@case
def test_fit_on_gaps_has_the_loss_and_takes_the_step_of_numpy(make, value, slope):
    y, _, there = readings(shape=(8, 3))
    x = np.random.default_rng(2).normal(size=(8, 2)).astype("float32")
    there[:] |= np.arange(8)[:, None] % 2 == 0
    y = np.where(there, np.float32(2) + np.nan_to_num(y) / 50, np.nan).astype("float32")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model.compile(keras.optimizers.SGD(0.5), make())
    kernel = model.get_weights()[0].astype("float64")
    p = x @ kernel
    logged = model.fit(x, y, batch_size=8, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(logged, [looped(value, y, p, there)[0] / there.sum()], rtol=1e-5)
    pull = np.where(there, slope(p - np.where(there, y, 0)), 0) / there.sum()
    np.testing.assert_allclose(model.get_weights()[0], kernel - 0.5 * x.T @ pull, atol=1e-5)


@case
def test_saved_model_goes_on_with_the_same_loss(make, value, slope, tmp_path):
    y, x, there = readings("both", (6, 4))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.compile("sgd", make(null_value=0.0))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    expected = looped(value, y, model.predict(x, verbose=0), there)[0] / there.sum()
    np.testing.assert_allclose(again.evaluate(x, y, verbose=0), expected, rtol=1e-5)


@case
def test_config_gives_back_an_equal_loss(make, value, slope):
    loss = make(null_value=-1, reduction="sum", name="gaps", dtype="float16", scale=(1, 2))
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    expected = {"null_value": -1.0, "reduction": "sum", "name": "gaps", "dtype": "float16"}
    expected["scale"] = [1.0, 2.0]
    delta = {"delta": 1.5} if isinstance(loss, MaskedHuber) else {}
    assert loss.get_config() == expected | delta


@pytest.mark.parametrize("delta", [0, -1.0, float("nan"), float("inf"), None])
def test_bad_delta_is_refused(delta):
    with pytest.raises(ValueError, match="`delta` must be .* Received: delta="):
        MaskedHuber(delta)


@case
@pytest.mark.parametrize("null_value", [float("nan"), float("inf"), "0"])
def test_bad_null_value_is_refused(make, value, slope, null_value):
    with pytest.raises(ValueError, match="`null_value` must be .* Received: null_value="):
        make(null_value=null_value)


@case
@pytest.mark.parametrize("shape", [(4,), (4, 2), (1, 1)])
def test_targets_of_another_shape_are_refused(make, value, slope, shape):
    with pytest.raises(ValueError, match="`y_true` must have the shape of `y_pred`"):
        make()(np.zeros(shape), np.ones((4, 1)))


def test_sample_weights_with_too_many_axes_are_refused():
    with pytest.raises(ValueError, match="`sample_weight` must have the leading axes of `y_true`"):
        MaskedMeanAbsoluteError()(np.zeros((4, 3)), np.ones((4, 3)), np.ones((4, 3, 1)))


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "none"])
def test_errors_of_each_output_are_divided_by_its_scale(reduction):
    """A loss of scaled errors is that of scaled targets and predictions."""
    rng = np.random.default_rng(3)
    y, p = rng.normal(size=(2, 4, 5, 3, 2)).astype("float32")
    y[0, :2] = np.nan
    scale = np.array([0.5, 8.0], "float32")
    for make, _, _ in CASES.values():
        loss = make(reduction=reduction, scale=scale)
        expected = make(reduction=reduction)(y / scale, p / scale)
        again = type(loss).from_config(json.loads(json.dumps(loss.get_config())))
        for one in (loss, again):
            np.testing.assert_allclose(
                *map(keras.ops.convert_to_numpy, (one(y, p), expected)), rtol=1e-6
            )


@pytest.mark.parametrize("scale", [3.0, [], [1, 0], [1, float("nan")], "ab"])
def test_scales_that_are_refused(scale):
    with pytest.raises(ValueError, match=r"`scale` must be None or a finite number above 0"):
        MaskedMeanAbsoluteError(scale=scale)
    with pytest.raises(ValueError, match="`scale` must have a number for each output.*2 numbers"):
        MaskedMeanAbsoluteError(scale=[1, 2])(np.ones((2, 3)), np.ones((2, 3)))
