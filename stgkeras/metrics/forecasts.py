"""Errors of forecasts: a function for whole arrays, and Keras metrics."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from stgkeras import arguments
from stgkeras.missing import add_sum, checked_null_value, on_leading_axes, quantile_advice
from stgkeras.types import Array, Tensor


def forecast_errors(
    truth: Array,
    forecast: Array,
    steps: Mapping[str, int],
    null_value: float | None = None,
    percentage: bool = False,
) -> dict[str, float]:
    """Computes the MAE, RMSE and MAPE of forecasts, at chosen time steps and over all steps.

    Args:
        truth: (windows, horizon, nodes, outputs) numbers in original units; NaN if missing.
        forecast: array of the shape of `truth`.
        steps: dict of label → number of steps ahead, from 1, such as {"15 min": 3}.
        null_value: float or None. Number that also marks a missing reading, such as 0.0. Default
            None: only NaN marks a missing reading.
        percentage: bool. Whether to add the mean absolute percentage error, MAPE. Default False.

    Returns:
        dict with "MAE <label>" and "RMSE <label>" for each label, and "MAE mean" and "RMSE mean"
        over all steps, in the units of `truth`. With `percentage`, also "MAPE <label>" and "MAPE
        mean", in percent, over readings other than 0. Each mean is over all readings that are not
        missing; without such readings it is NaN.

    Raises:
        ValueError: if the shapes differ, or a step is not from 1 to the horizon.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.zeros((4, 3, 2, 1))
        >>> stgkeras.metrics.forecast_errors(truth, truth + 2, {"15 min": 3})["RMSE 15 min"]
        2.0
    """
    truth = arguments.array("truth", truth)
    forecast = arguments.array("forecast", forecast).astype("float64")
    percentage = arguments.boolean("percentage", percentage)
    null_value = checked_null_value(null_value)
    if truth.ndim != 4 or truth.shape != forecast.shape:
        raise ValueError(
            "`truth` and `forecast` must have the same shape (windows, horizon, nodes, outputs). "
            f"Received: truth.shape={truth.shape}, forecast.shape={forecast.shape}."
            + quantile_advice((truth.shape, forecast.shape), "forecast", "metrics.quantile_scores")
        )
    if not isinstance(steps, Mapping):
        raise TypeError(
            f"`steps` must be a dict of label → number of steps ahead. Received: steps={steps!r}. "
            'Pass a dict such as {"15 min": 3}.'
        )
    steps = {label: arguments.integer("steps", step) for label, step in steps.items()}
    beyond = {label: step for label, step in steps.items() if not 1 <= step <= truth.shape[1]}
    if beyond:
        raise ValueError(
            f"`steps` must be from 1 to the horizon, {truth.shape[1]}. Received: steps={beyond}"
        )
    missing = np.isnan(truth) if null_value is None else np.isnan(truth) | (truth == null_value)
    truth = truth.astype("float64")
    error = np.abs(forecast - truth)
    parts = {label: np.s_[:, step - 1] for label, step in steps.items()} | {"mean": np.s_[:]}

    def means(name, entries, included):
        pairs = {label: (entries[part], included[part]) for label, part in parts.items()}
        return {
            f"{name} {label}": float(entry[mask].mean()) if mask.any() else float("nan")
            for label, (entry, mask) in pairs.items()
        }

    squares = means("RMSE", error**2, ~missing)
    errors = means("MAE", error, ~missing) | {key: mean**0.5 for key, mean in squares.items()}
    if percentage:
        nonzero = ~missing & (truth != 0)
        errors |= means("MAPE", 100 * error / np.where(nonzero, np.abs(truth), 1), nonzero)
    return errors


class _MaskedMean(keras.metrics.Metric):
    """Base class of the masked metrics: Σ w v / Σ w over all readings that are not missing.

    Each sum is a pair of float32 numbers (sum, rounding error). A single float32 number cannot
    count beyond 2^24, where adding 1 changes nothing.
    """

    _short_name: str

    def __init__(
        self,
        step: int | None = None,
        null_value: float | None = None,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        is_count = isinstance(step, numbers.Integral) and not isinstance(step, bool) and step >= 1
        if step is not None and not is_count:
            raise ValueError(
                f"`step` must be None or an integer of at least 1. Received: step={step!r}. "
                "Use `step=1` for the first step ahead, or `step=None` for all steps."
            )
        name = name or self._short_name + ("" if step is None else f"_step_{step}")
        super().__init__(name=name, dtype=dtype)
        self.step = None if step is None else int(step)
        self.null_value = checked_null_value(null_value)
        wide = keras.backend.result_type(self.dtype, "float32")
        self._total = self.add_variable((2,), "zeros", dtype=wide, name="total")
        self._weight = self.add_variable((2,), "zeros", dtype=wide, name="weight")

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        y_true, y_pred = (ops.convert_to_tensor(y) for y in (y_true, y_pred))
        self._check(y_true, y_pred)
        y_true, y_pred = (ops.cast(y, self._total.dtype) for y in (y_true, y_pred))
        weight = ops.cast(self._counted(y_true), y_true.dtype)
        if sample_weight is not None:
            weight = weight * ops.cast(on_leading_axes(sample_weight, y_true), y_true.dtype)
        if self.step is not None:
            y_true, y_pred, weight = (a[:, self.step - 1] for a in (y_true, y_pred, weight))
        # All other entries get the target 1 and the prediction 1, so that their error is 0.
        counted = self._counted(y_true)
        y_true = ops.where(counted, y_true, 1.0)
        if len(y_pred.shape) > len(counted.shape):  # with an axis of quantiles
            counted = ops.expand_dims(counted, -1)
        y_pred = ops.where(counted, y_pred, 1.0)
        values = weight * self._entries(y_true, y_pred)
        add_sum(self._total, values)
        add_sum(self._weight, weight)

    def _check(self, y_true, y_pred):
        _check_forecast(y_true, y_pred, self.step)

    def _counted(self, y_true):
        """Returns True for the readings that the metric includes, else False."""
        counted = ops.logical_not(ops.isnan(y_true))
        if self.null_value is not None:
            counted = ops.logical_and(counted, ops.not_equal(y_true, self.null_value))
        return counted

    def result(self) -> Tensor:
        return self._total[0] / self._weight[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "step": self.step, "null_value": self.null_value}


# The package name is not "stgkeras", because a loss with the same name is registered there.
@keras.saving.register_keras_serializable("stgkeras.metrics")
class MaskedMeanAbsoluteError(_MaskedMean):
    """Mean absolute error of forecasts over all readings that are not missing.

    The metric adds up errors and counts over all batches of an epoch. Its result is the mean over
    all readings of the epoch, with a relative accuracy of 1e-6, in the units of `y_true`.

    Args:
        step: int ≥ 1 or None. Time step to evaluate; the first step ahead is 1. Default None: all
            steps.
        null_value: float or None. Number that also marks a missing reading, such as 0.0. Default
            None: only NaN marks a missing reading.
        name: str or None. Name in the logs. Default None: "masked_mae", or with `step=3`
            "masked_mae_step_3".
        dtype: as in `keras.metrics.Metric`; float16 and bfloat16 still compute in float32.

    Call arguments:
        y_true: tensor (batch, horizon, nodes, outputs). NaN if missing.
        y_pred: tensor of the shape of `y_true`.
        sample_weight: optional tensor w with the leading axes of `y_true` or all its axes. The
            result is then Σ w |y_pred - y_true| / Σ w.

    Returns:
        A scalar; NaN before the first reading.

    Raises:
        ValueError: if `step` or `null_value` is out of range, the tensors do not have the same
            shape (batch, horizon, nodes, outputs), or `step` is above the horizon.

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
    """Root mean squared error of forecasts over all readings that are not missing.

    The result is the root of the mean squared error over all readings of an epoch.
    `MaskedMeanAbsoluteError` describes the arguments and the call. The default name is
    "masked_rmse".

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

    def result(self) -> Tensor:
        return ops.sqrt(super().result())


@keras.saving.register_keras_serializable("stgkeras.metrics")
class MaskedMeanAbsolutePercentageError(_MaskedMean):
    """Mean absolute percentage error over all readings that are neither missing nor 0.

    The result is the mean of 100 |y_pred - y_true| / |y_true|, in percent.
    `MaskedMeanAbsoluteError` describes the arguments and the call. The default name is
    "masked_mape".

    Example:
        >>> import numpy as np, stgkeras
        >>> metric = stgkeras.metrics.MaskedMeanAbsolutePercentageError()
        >>> truth = np.array([50.0, 0.0, np.nan, 40.0]).reshape(1, 4, 1, 1)
        >>> float(metric(truth, truth + 10))
        22.5
    """

    _short_name = "masked_mape"

    def _counted(self, y_true):
        return ops.logical_and(super()._counted(y_true), ops.not_equal(y_true, 0.0))

    def _entries(self, y_true, y_pred):
        return 100.0 * ops.abs((y_pred - y_true) / y_true)


def _check_forecast(y_true, y_pred, step):
    shapes = tuple(y_true.shape), tuple(y_pred.shape)
    ranks = [len(shape) for shape in shapes]
    if ranks != [4, 4] or any(a != b for a, b in zip(*shapes, strict=True) if a and b):
        raise ValueError(
            "`y_true` and `y_pred` must have the same shape (batch, horizon, nodes, outputs). "
            f"Received: y_true.shape={shapes[0]}, y_pred.shape={shapes[1]}."
            + quantile_advice(shapes, "y_pred", "metrics.QuantileCRPS")
        )
    check_step(step, shapes[1][1])


def check_step(step: int | None, horizon: int | None) -> None:
    """Raises ValueError if the step of a metric is above the horizon, where both are known."""
    if step is not None and horizon is not None and step > horizon:
        raise ValueError(f"`step` must be from 1 to the horizon, {horizon}. Received: step={step}")
