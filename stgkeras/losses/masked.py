"""Losses for forecasts of series with missing readings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from stgkeras import arguments
from stgkeras._processes import mean_of_replicas, mean_over_replicas
from stgkeras.missing import check_same_shape, checked_null_value, is_finite, on_leading_axes
from stgkeras.types import Tensor

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class _MaskedLoss(keras.losses.Loss):
    """Base class of the masked losses.

    A subclass implements `call`, which computes the loss of each entry from its `_error`.
    """

    def __init__(
        self,
        null_value: float | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        scale: Sequence[float] | None = None,
    ) -> None:
        self._result_dtype = keras.dtype_policies.get(dtype or keras.config.floatx()).compute_dtype
        wide = keras.backend.result_type(self._result_dtype, "float32")
        arguments.one_of("reduction", reduction, REDUCTIONS)
        super().__init__(name=name, reduction=reduction, dtype=wide)
        self.null_value = checked_null_value(null_value)
        self.scale = None if scale is None else _checked_scale(scale)

    def __call__(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        y_true, y_pred, weight = self._marked(y_true, y_pred)
        if self.reduction in ("sum_over_batch_size", "mean"):
            # Keras divides by the number of all entries. This factor changes it to the number of
            # readings that are not missing.
            weight = ops.divide_no_nan(weight, mean_of_replicas(weight))
        if sample_weight is not None:
            weight = weight * ops.cast(on_leading_axes(sample_weight, weight), self.dtype)
        loss = super().__call__(y_true, y_pred, weight)
        if self.reduction == "mean_with_sample_weight":
            loss = mean_over_replicas(loss, weight)
        return ops.cast(loss, self._result_dtype)

    def pooled(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> tuple[Tensor, Tensor] | None:
        """Returns the terms of a mean over several batches.

        The mean is the sum of the first tensor over all batches, divided by the sum of the second
        tensor over all batches. The arguments are those of a call of the loss.

        Returns:
            Two tensors of the shape of `y_true`: the weighted losses of the entries, and their
            weights in the divisor. None if `reduction` is not a mean.
        """
        if self.reduction not in ("sum_over_batch_size", "mean", "mean_with_sample_weight"):
            return None
        y_true, y_pred, mask = self._marked(y_true, y_pred)
        weight = mask
        if sample_weight is not None:
            weight = mask * ops.cast(on_leading_axes(sample_weight, mask), self.dtype)
        entries = weight * self.call(y_true, ops.cast(y_pred, self.dtype))
        return entries, weight if self.reduction == "mean_with_sample_weight" else mask

    def _marked(self, y_true, y_pred):
        """Returns targets with NaN for missing readings, predictions, and a mask: 0 if missing."""
        y_true, y_pred = map(ops.convert_to_tensor, (y_true, y_pred))
        y_true = ops.cast(y_true, keras.backend.result_type(y_true.dtype, "float32"))
        if self.null_value is not None:
            y_true = ops.where(ops.equal(y_true, self.null_value), float("nan"), y_true)
        return y_true, y_pred, ops.cast(ops.logical_not(ops.isnan(y_true)), self.dtype)

    def _error(self, y_true, y_pred):
        """Returns prediction minus target, divided by the scale of the output.

        A missing reading gives 0 and no gradient.
        """
        check_same_shape(y_true, y_pred, other="losses.QuantileLoss")
        missing = ops.isnan(y_true)
        # The mask comes before the subtraction, so that NaN enters neither loss nor gradient.
        error = ops.where(missing, 0.0, y_pred) - ops.where(missing, 0.0, y_true)
        if self.scale is None:
            return error
        if error.shape[-1] != len(self.scale):
            raise ValueError(
                "`scale` must have a number for each output, the last axis of `y_pred`. Received: "
                f"{len(self.scale)} numbers, y_pred of shape={tuple(y_pred.shape)}"
            )
        return error / ops.convert_to_tensor(self.scale, error.dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "null_value": self.null_value,
            "dtype": self._result_dtype,
            "scale": self.scale,
        }


def _checked_scale(scale):
    """Returns a scale as a list of floats, or raises ValueError."""
    try:
        found = [float(part) for part in scale]
    except (TypeError, ValueError):
        found = []
    if not found or not all(is_finite(part) and part > 0 for part in found):
        raise ValueError(
            "`scale` must be None or a finite number above 0 for each output. Received: "
            f"scale={scale!r}. Pass a list such as the standard deviations of the outputs."
        )
    return found


@keras.saving.register_keras_serializable("stgkeras")
class MaskedMeanAbsoluteError(_MaskedLoss):
    """Mean absolute error over all readings that are not missing. NaN marks a missing reading.

        loss = Σ w m |y_pred - y_true| / Σ m,    m = 0 if the reading is missing, else 1

    The mean is over all readings of a batch, so a time step with few readings has little weight.
    As in all losses of Keras, sample weights w scale the losses but not the divisor Σ m;
    `reduction="mean_with_sample_weight"` divides by Σ w m. A missing reading gives no gradient,
    whatever the prediction is. A batch without readings has loss 0.

    Models of `stgkeras.models` report the mean over all readings of the data set as the loss of
    `evaluate` and as `val_loss`, for any batch size. The training `loss`, and all losses of other
    Keras models, are means of batch losses, weighted by the numbers of samples. For the mean over
    all readings, use `stgkeras.metrics.MaskedMeanAbsoluteError` in these cases.

    Args:
        null_value: float or None. Number that also marks a missing reading, such as 0.0. Default
            None: only NaN marks a missing reading.
        reduction: as in `keras.losses.Loss`; None returns the loss of every entry, 0 if missing.
        name: str. Name of the loss.
        dtype: dtype of the result. With float16 and bfloat16, the loss is computed in float32.
        scale: None, or a sequence of numbers above 0, one for each output (the last axis). Errors
            are divided by them, so that outputs in several units count alike.

    Call arguments:
        y_true: tensor of any shape, such as (batch, horizon, nodes, outputs). NaN if missing.
        y_pred: tensor of the shape of `y_true`.
        sample_weight: optional tensor with the leading axes of `y_true` or all its axes: (batch,),
            (batch, horizon), …

    Returns:
        A scalar, or a tensor of the shape of `y_true` if `reduction` is None.

    Raises:
        ValueError: if `null_value` is not a finite number, `scale` does not fit, the shapes differ,
            or `sample_weight` has more axes than `y_true`.

    Example:
        >>> from stgkeras.losses import MaskedMeanAbsoluteError
        >>> loss = MaskedMeanAbsoluteError(null_value=0.0)
        >>> float(loss([[60.0, float("nan"), 0.0, 50.0]], [[61.0, 7.0, 8.0, 53.0]]))
        2.0
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        error = self._error(y_true, y_pred)
        # An error of 0 must have gradient 0; on JAX, the gradient of `abs` at 0 is 1.
        return ops.where(ops.equal(error, 0.0), 0.0, ops.abs(error))


@keras.saving.register_keras_serializable("stgkeras")
class MaskedMeanSquaredError(_MaskedLoss):
    """Mean squared error over all readings that are not missing. NaN marks a missing reading.

    `MaskedMeanAbsoluteError` describes the arguments, the call and the mean.

    Example:
        >>> from stgkeras.losses import MaskedMeanSquaredError
        >>> float(MaskedMeanSquaredError()([[60.0, float("nan"), 50.0]], [[61.0, 7.0, 53.0]]))
        5.0
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.square(self._error(y_true, y_pred))


@keras.saving.register_keras_serializable("stgkeras")
class MaskedHuber(_MaskedLoss):
    """Mean Huber loss over all readings that are not missing. NaN marks a missing reading.

        loss = e² / 2 if |e| ≤ δ, else δ (|e| - δ / 2),    e = y_pred - y_true

    `MaskedMeanAbsoluteError` describes the other arguments, the call arguments and the mean.

    Args:
        delta: float > 0, in the units of the readings; with `scale`, a number of scales. The loss
            is quadratic for errors up to δ, and linear for larger errors. Default 1.

    Raises:
        ValueError: if `delta` is not a finite number above 0, and in the cases of
            `MaskedMeanAbsoluteError`.

    Example:
        >>> from stgkeras.losses import MaskedHuber
        >>> float(MaskedHuber(delta=2.0)([[60.0, float("nan"), 50.0]], [[61.0, 7.0, 53.0]]))
        2.25

    Source:
        Huber, 1964, Robust estimation of a location parameter, Annals of Mathematical Statistics.
    """

    def __init__(
        self,
        delta: float = 1.0,
        null_value: float | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        scale: Sequence[float] | None = None,
    ) -> None:
        super().__init__(null_value, reduction, name, dtype, scale)
        if not is_finite(delta) or delta <= 0:
            raise ValueError(
                f"`delta` must be a finite number above 0. Received: delta={delta!r}. "
                "Use `MaskedMeanAbsoluteError` for a loss that is linear everywhere."
            )
        self.delta = float(delta)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        error = self._error(y_true, y_pred)
        curved = ops.clip(error, -self.delta, self.delta)
        return curved * (error - 0.5 * curved)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "delta": self.delta}
