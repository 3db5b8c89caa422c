"""Errors of forecasts: a function on whole arrays, and metrics that `fit` logs."""

import numbers

import keras
import numpy as np
from keras import ops

from stgkeras.missing import add_sum, checked_null_value, on_leading_axes


def forecast_errors(truth, forecast, steps, null_value=None, percentage=False):
    """Mean absolute and root mean squared error at chosen steps ahead, and over all.

    Args:
        truth: (windows, horizon, nodes, outputs), in original units; NaN where missing.
        forecast: of the same shape.
        steps: dict of label → step ahead, 1 being the first, such as {"15 min": 3}.
        null_value: optional number that marks a missing reading as NaN does, such as 0.0.
        percentage: bool. Whether to add the mean absolute percentage error, MAPE.

    Returns:
        dict of "MAE <label>", "MAE mean" over all steps, "RMSE <label>" and "RMSE mean", in the
        units of `truth`, and with `percentage` "MAPE <label>" and "MAPE mean", in percent, over
        readings other than 0; each pooled over all readings that are there, NaN without any.

    Raises:
        ValueError: if the shapes differ, or a step is beyond the horizon.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.zeros((4, 3, 2, 1))
        >>> stgkeras.metrics.forecast_errors(truth, truth + 2, {"15 min": 3})["RMSE 15 min"]
        2.0
    """
    truth, forecast = np.asarray(truth), np.asarray(forecast, "float64")
    if truth.ndim != 4 or truth.shape != forecast.shape:
        raise ValueError(
            "`truth` and `forecast` must have one shape (windows, horizon, nodes, outputs). "
            f"Received: {truth.shape} and {forecast.shape}"
        )
    beyond = {label: step for label, step in steps.items() if not 1 <= step <= truth.shape[1]}
    if beyond:
        raise ValueError(f"`steps` must lie in 1 … {truth.shape[1]}. Received: {beyond}")
    missing = np.isnan(truth) if null_value is None else np.isnan(truth) | (truth == null_value)
    truth = truth.astype("float64")
    error = np.abs(forecast - truth)
    parts = {label: np.s_[:, step - 1] for label, step in steps.items()} | {"mean": np.s_[:]}

    def means(name, entries, there):
        pairs = {label: (entries[part], there[part]) for label, part in parts.items()}
        return {
            f"{name} {label}": float(entry[mask].mean()) if mask.any() else float("nan")
            for label, (entry, mask) in pairs.items()
        }

    squares = means("RMSE", error**2, ~missing)
    errors = means("MAE", error, ~missing) | {key: mean**0.5 for key, mean in squares.items()}
    if percentage:
        there = ~missing & (truth != 0)
        errors |= means("MAPE", 100 * error / np.where(there, np.abs(truth), 1), there)
    return errors


class _MaskedMean(keras.metrics.Metric):
    """What the masked metrics share: Σ w v / Σ w over the readings that are there.

    Both sums are kept as float32 pairs (sum, what rounding left out of it), so that they count on
    past 2^24, where float32 alone loses 1.
    """

    def __init__(self, step=None, null_value=None, name=None, dtype=None):
        if step is not None and not (isinstance(step, numbers.Integral) and step >= 1):
            raise ValueError(
                f"`step` must be None or a whole number of at least 1. Received: step={step!r}. "
                "The first step ahead is 1; None takes all."
            )
        name = name or self._short_name + ("" if step is None else f"_step_{step}")
        super().__init__(name=name, dtype=dtype)
        self.step = None if step is None else int(step)
        self.null_value = checked_null_value(null_value)
        wide = keras.backend.result_type(self.dtype, "float32")
        self._total = self.add_variable((2,), "zeros", dtype=wide, name="total")
        self._weight = self.add_variable((2,), "zeros", dtype=wide, name="weight")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = (ops.convert_to_tensor(y) for y in (y_true, y_pred))
        _check_forecast(y_true, y_pred, self.step)
        y_true, y_pred = (ops.cast(y, self._total.dtype) for y in (y_true, y_pred))
        weight = ops.cast(self._there(y_true), y_true.dtype)
        if sample_weight is not None:
            weight = weight * ops.cast(on_leading_axes(sample_weight, y_true), y_true.dtype)
        if self.step is not None:
            y_true, y_pred, weight = (a[:, self.step - 1] for a in (y_true, y_pred, weight))
        # 1 against 1 where nothing is there: no error under any of the metrics.
        there = self._there(y_true)
        y_true, y_pred = (ops.where(there, y, 1.0) for y in (y_true, y_pred))
        values = weight * self._entries(y_true, y_pred)
        add_sum(self._total, values)
        add_sum(self._weight, weight)

    def _there(self, y_true):
        """Where there is a reading that counts."""
        there = ops.logical_not(ops.isnan(y_true))
        if self.null_value is not None:
            there = ops.logical_and(there, ops.not_equal(y_true, self.null_value))
        return there

    def result(self):
        return self._total[0] / self._weight[0]

    def get_config(self):
        return {**super().get_config(), "step": self.step, "null_value": self.null_value}


# Not in "stgkeras" alone: the loss of the same name is registered there.
@keras.saving.register_keras_serializable("stgkeras.metrics")
class MaskedMeanAbsoluteError(_MaskedMean):
    """Mean absolute error of forecasts over the readings that are there, at one step or all.

    Sums and counts run over all batches of an epoch, so the figure is the mean over all its
    readings, to 1e-6 relative however many they are. It is in the units of `y_true`.

    Args:
        step: optional int ≥ 1, the step ahead to look at, 1 being the first; None takes all.
        null_value: optional number that marks a missing reading as NaN does, such as 0.0.
        name: string. Name in the logs; default "masked_mae", with `step` "masked_mae_step_3".
        dtype: As in `keras.metrics.Metric`; float16 and bfloat16 still compute in float32.

    Call arguments:
        y_true: (batch, horizon, nodes, outputs), with NaN where missing.
        y_pred: the shape of `y_true`.
        sample_weight: optional, the leading axes of `y_true` or all; the result is then
            Σ w |y_pred - y_true| / Σ w.

    Returns:
        A scalar, NaN before the first reading.

    Raises:
        ValueError: if `step` or `null_value` is out of range, `y_true` has other axes or another
            shape than `y_pred`, or `step` is beyond the horizon.

    Example:
        >>> import numpy as np, stgkeras
        >>> metric = stgkeras.metrics.MaskedMeanAbsoluteError(step=2)
        >>> truth = np.array([1.0, np.nan, 5.0, 7.0]).reshape(2, 2, 1, 1)  # missing at step 2
        >>> float(metric(truth, np.zeros((2, 2, 1, 1))))
        7.0
    """

    _short_name = "masked_mae"

    def _entries(self, y_true, y_pred):
        return ops.abs(y_pred - y_true)


@keras.saving.register_keras_serializable("stgkeras.metrics")
class MaskedRootMeanSquaredError(_MaskedMean):
    """Root mean squared error of forecasts over the readings that are there, at one step or all.

    The root is taken once, of the mean over all readings of an epoch. Arguments and call as in
    `MaskedMeanAbsoluteError`; the default name is "masked_rmse".

    Example:
        >>> import numpy as np, stgkeras
        >>> metric = stgkeras.metrics.MaskedRootMeanSquaredError(null_value=0.0)
        >>> truth = np.array([1.0, 0.0, 5.0, 7.0]).reshape(1, 4, 1, 1)
        >>> float(metric(truth, np.zeros((1, 4, 1, 1))))
        5.0
    """

    _short_name = "masked_rmse"

    def _entries(self, y_true, y_pred):
        return ops.square(y_pred - y_true)

    def result(self):
        return ops.sqrt(super().result())


@keras.saving.register_keras_serializable("stgkeras.metrics")
class MaskedMeanAbsolutePercentageError(_MaskedMean):
    """Mean of 100 |y_pred - y_true| / |y_true| over the readings that are there and not 0.

    In percent. Arguments and call as in `MaskedMeanAbsoluteError`; the default name is
    "masked_mape".

    Example:
        >>> import numpy as np, stgkeras
        >>> metric = stgkeras.metrics.MaskedMeanAbsolutePercentageError()
        >>> truth = np.array([50.0, 0.0, np.nan, 40.0]).reshape(1, 4, 1, 1)
        >>> float(metric(truth, truth + 10))
        22.5
    """

    _short_name = "masked_mape"

    def _there(self, y_true):
        return ops.logical_and(super()._there(y_true), ops.not_equal(y_true, 0.0))

    def _entries(self, y_true, y_pred):
        return 100.0 * ops.abs((y_pred - y_true) / y_true)


def _check_forecast(y_true, y_pred, step):
    shapes = tuple(y_true.shape), tuple(y_pred.shape)
    ranks = [len(shape) for shape in shapes]
    if ranks != [4, 4] or any(a != b for a, b in zip(*shapes, strict=True) if a and b):
        raise ValueError(
            "`y_true` and `y_pred` must have one shape (batch, horizon, nodes, outputs). "
            f"Received: y_true of shape {shapes[0]} and y_pred of shape {shapes[1]}"
        )
    if step is not None and shapes[1][1] is not None and step > shapes[1][1]:
        raise ValueError(f"`step` must lie in 1 … {shapes[1][1]}. Received: step={step}")
