"""Losses of forecasts for series with missing readings."""

import keras
from keras import ops

from stgkeras.missing import check_same_shape, checked_null_value, is_finite, on_leading_axes


class _MaskedLoss(keras.losses.Loss):
    """What the masked losses share; their `call` gives a loss to the `_error` of every entry."""

    def __init__(self, null_value=None, reduction="sum_over_batch_size", name=None, dtype=None):
        self._result_dtype = keras.dtype_policies.get(dtype or keras.config.floatx()).compute_dtype
        wide = keras.backend.result_type(self._result_dtype, "float32")
        super().__init__(name=name, reduction=reduction, dtype=wide)
        self.null_value = checked_null_value(null_value)

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred, weight = self._marked(y_true, y_pred)
        if self.reduction in ("sum_over_batch_size", "mean"):
            # Keras will divide by the number of all entries: undo that, divide by those there.
            weight = ops.divide_no_nan(weight, ops.mean(weight))
        if sample_weight is not None:
            weight = weight * ops.cast(on_leading_axes(sample_weight, weight), self.dtype)
        return ops.cast(super().__call__(y_true, y_pred, weight), self._result_dtype)

    def pooled(self, y_true, y_pred, sample_weight=None):
        """What a mean over several batches is made of: the sum of the first result over all
        batches, divided by that of the second.

        Returns:
            Weighted losses of all entries and their weights, both of the shape of `y_true`; None
            if `reduction` is no mean.
        """
        if self.reduction not in ("sum_over_batch_size", "mean", "mean_with_sample_weight"):
            return None
        y_true, y_pred, there = self._marked(y_true, y_pred)
        weight = there
        if sample_weight is not None:
            weight = there * ops.cast(on_leading_axes(sample_weight, there), self.dtype)
        entries = weight * self.call(y_true, ops.cast(y_pred, self.dtype))
        return entries, weight if self.reduction == "mean_with_sample_weight" else there

    def _marked(self, y_true, y_pred):
        """Both as tensors, the truth NaN where missing; and 1 where it is there, else 0."""
        y_true, y_pred = map(ops.convert_to_tensor, (y_true, y_pred))
        y_true = ops.cast(y_true, keras.backend.result_type(y_true.dtype, "float32"))
        if self.null_value is not None:
            y_true = ops.where(ops.equal(y_true, self.null_value), float("nan"), y_true)
        return y_true, y_pred, ops.cast(ops.logical_not(ops.isnan(y_true)), self.dtype)

    def _error(self, y_true, y_pred):
        """Prediction less truth, and 0 without a gradient where the truth is missing."""
        check_same_shape(y_true, y_pred)
        missing = ops.isnan(y_true)
        # Masked before the subtraction: NaN enters no arithmetic, forward or backward.
        return ops.where(missing, 0.0, y_pred) - ops.where(missing, 0.0, y_true)

    def get_config(self):
        return {
            **super().get_config(),
            "null_value": self.null_value,
            "dtype": self._result_dtype,
        }


@keras.saving.register_keras_serializable("stgkeras")
class MaskedMeanAbsoluteError(_MaskedLoss):
    """Mean absolute error over the readings that are there; NaN marks a missing one.

        loss = Σ w m |y_pred - y_true| / Σ m,    m = 0 where the reading is missing, else 1

    The mean is over all readings of a batch at once, so a step with few of them weighs little. As
    everywhere in Keras, sample weights w scale the losses and not the divisor Σ m;
    `reduction="mean_with_sample_weight"` divides by Σ w m instead. A missing reading gives no
    gradient, whatever the prediction; a batch without any reading has loss 0.

    The models of `stgkeras.models` report the mean over all readings of the set as the loss of
    `evaluate` and as `val_loss`, whatever the batches. The `loss` of training, and all losses of
    other Keras models, are means of the batches' losses, weighted by their numbers of samples: take
    `stgkeras.metrics.MaskedMeanAbsoluteError` there.

    Args:
        null_value: optional number that marks a missing reading as NaN does, such as 0.0.
        reduction: As in `keras.losses.Loss`; None gives the loss of every entry, 0 where missing.
        name: string. Name of the loss.
        dtype: Dtype of the result; float16 and bfloat16 still compute in float32.

    Call arguments:
        y_true: any shape, such as (batch, horizon, nodes, outputs), with NaN where missing.
        y_pred: the shape of `y_true`.
        sample_weight: optional, the leading axes of `y_true` or all: (batch,), (batch, horizon), …

    Returns:
        A scalar, or the shape of `y_true` if `reduction` is None.

    Raises:
        ValueError: if `null_value` is no finite number, the shapes differ, or `sample_weight` has
            more axes than `y_true`.

    Example:
        >>> from stgkeras.losses import MaskedMeanAbsoluteError
        >>> loss = MaskedMeanAbsoluteError(null_value=0.0)
        >>> float(loss([[60.0, float("nan"), 0.0, 50.0]], [[61.0, 7.0, 8.0, 53.0]]))
        2.0
    """

    def call(self, y_true, y_pred):
        error = self._error(y_true, y_pred)
        # An error of 0 gives no gradient; that of `abs` alone is 1 there on JAX.
        return ops.where(ops.equal(error, 0.0), 0.0, ops.abs(error))


@keras.saving.register_keras_serializable("stgkeras")
class MaskedMeanSquaredError(_MaskedLoss):
    """Mean squared error over the readings that are there; NaN marks a missing one.

    Arguments, call and the mean as in `MaskedMeanAbsoluteError`.

    Example:
        >>> from stgkeras.losses import MaskedMeanSquaredError
        >>> float(MaskedMeanSquaredError()([[60.0, float("nan"), 50.0]], [[61.0, 7.0, 53.0]]))
        5.0
    """

    def call(self, y_true, y_pred):
        return ops.square(self._error(y_true, y_pred))


@keras.saving.register_keras_serializable("stgkeras")
class MaskedHuber(_MaskedLoss):
    """Mean Huber loss over the readings that are there; NaN marks a missing one.

        loss = e² / 2 where |e| ≤ δ, else δ (|e| - δ / 2)

    Arguments, call and the mean as in `MaskedMeanAbsoluteError`, and one more.

    Args:
        delta: float > 0, in the units of the readings. Where squares turn into straight lines.

    Raises:
        ValueError: also if `delta` is out of range.

    Example:
        >>> from stgkeras.losses import MaskedHuber
        >>> float(MaskedHuber(delta=2.0)([[60.0, float("nan"), 50.0]], [[61.0, 7.0, 53.0]]))
        2.25

    Source:
        Huber, 1964, Robust estimation of a location parameter, Annals of Mathematical Statistics.
    """

    def __init__(
        self,
        delta=1.0,
        null_value=None,
        reduction="sum_over_batch_size",
        name=None,
        dtype=None,
    ):
        super().__init__(null_value, reduction, name, dtype)
        if not is_finite(delta) or delta <= 0:
            raise ValueError(
                f"`delta` must be a finite number above 0. Received: delta={delta!r}. "
                "Use `MaskedMeanAbsoluteError` for straight lines alone."
            )
        self.delta = float(delta)

    def call(self, y_true, y_pred):
        error = self._error(y_true, y_pred)
        curved = ops.clip(error, -self.delta, self.delta)
        return curved * (error - 0.5 * curved)

    def get_config(self):
        return {**super().get_config(), "delta": self.delta}
