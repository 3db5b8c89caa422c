"""Losses for link prediction, and for forecasts of series with missing readings."""

import keras
from keras import ops

from stgkeras.missing import checked_null_value, is_finite, on_leading_axes


@keras.saving.register_keras_serializable("stgkeras")
class FocalLoss(keras.losses.Loss):
    """Binary cross-entropy that fades out for entries already predicted well.

        loss = α (1 - e^-bce)^γ bce,    bce = -y log p - (1 - y) log(1 - p)

    With a hard target `e^-bce` is the probability given to the true class. Logarithms stop at
    -100, so no value exceeds 100 α. The gradient of an entry, before averaging, is at most 1e7 in
    size, and zero where the stop binds: a saturated wrong prediction costs 100 α but pulls nothing.
    Logits have no such stop and pull everywhere; prefer them where the model can give them.

    Args:
        alpha: float > 0. Multiplies the whole loss; it does not balance the classes.
        gamma: float ≥ 0. How fast easy entries fade; 0 leaves α times the cross-entropy.
        from_logits: bool. Whether `y_pred` holds logits instead of probabilities.
        reduction: As in `keras.losses.Loss`; None gives the loss of every entry.
        name: string. Name of the loss.
        dtype: Dtype of the result; float16 and bfloat16 still compute in float32.

    Call arguments:
        y_true: any shape, targets in [0, 1], hard or soft.
        y_pred: the shape of `y_true`, probabilities in [0, 1] or logits.
        sample_weight: optional, the leading axes of `y_true` or all: (batch,), (batch, nodes), …

    Returns:
        A scalar, or the shape of `y_true` if `reduction` is None.

    Raises:
        ValueError: if `alpha` or `gamma` is out of range, or the shapes differ.

    Example:
        >>> from stgkeras.losses import FocalLoss
        >>> loss = FocalLoss(alpha=1.0, gamma=2.0)
        >>> round(float(loss([[0.0, 1.0]], [[0.1, 0.6]])), 4)
        0.0414

    Source:
        Lin et al., 2017, arXiv:1708.02002, eq. 4 and 5. Departs from the paper: one α for both
        classes where the paper has α_t (α for y = 1, 1 - α for y = 0), and soft targets.
    """

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        reduction="sum_over_batch_size",
        name="focal_loss",
        dtype=None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not is_finite(alpha) or alpha <= 0:
            raise ValueError(
                f"`alpha` must be a finite number above 0. Received: alpha={alpha!r}. "
                "Use `alpha=1.0` to leave the loss unscaled."
            )
        if not is_finite(gamma) or gamma < 0:
            raise ValueError(
                f"`gamma` must be a finite number of at least 0. Received: gamma={gamma!r}. "
                "Use `gamma=0.0` for plain cross-entropy."
            )
        self.alpha = float(alpha)
        self.gamma = float(gamma)
        self.from_logits = from_logits

    def __call__(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None:
            sample_weight = on_leading_axes(sample_weight, ops.convert_to_tensor(y_pred))
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        dtype = keras.backend.result_type(self.dtype, "float32")
        y_true, y_pred = ops.cast(y_true, dtype), ops.cast(y_pred, dtype)
        _check_same_shape(y_true, y_pred)
        if self.from_logits:
            log_p, log_not_p = -ops.softplus(-y_pred), -ops.softplus(y_pred)
        else:
            # α / floor bounds the slope of the loss; the last factor is for what γ adds to it.
            floor = 1e-7 * self.alpha * (1.0 + 1e-6 + 2e-6 * self.alpha * self.gamma)
            log_p = _bounded_log(ops.log, y_pred, y_pred < floor, floor)
            log_not_p = _bounded_log(ops.log1p, -y_pred, 1.0 - y_pred < floor, floor)
        bce = -(y_true * log_p + (1.0 - y_true) * log_not_p)
        # 1e-30 keeps the slope of the power finite at bce = 0, and changes no value there.
        miss = ops.maximum(-ops.expm1(-bce), 1e-30)
        return self.alpha * ops.power(miss, self.gamma) * bce

    def get_config(self):
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "gamma": self.gamma,
            "from_logits": self.from_logits,
            "dtype": self.dtype,
        }


class _MaskedLoss(keras.losses.Loss):
    """What the masked losses share; their `call` gives a loss to the `_error` of every entry."""

    def __init__(self, null_value=None, reduction="sum_over_batch_size", name=None, dtype=None):
        self._result_dtype = keras.dtype_policies.get(dtype or keras.config.floatx()).compute_dtype
        wide = keras.backend.result_type(self._result_dtype, "float32")
        super().__init__(name=name, reduction=reduction, dtype=wide)
        self.null_value = checked_null_value(null_value)

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = map(ops.convert_to_tensor, (y_true, y_pred))
        y_true = ops.cast(y_true, keras.backend.result_type(y_true.dtype, "float32"))
        if self.null_value is not None:
            y_true = ops.where(ops.equal(y_true, self.null_value), float("nan"), y_true)
        weight = ops.cast(ops.logical_not(ops.isnan(y_true)), self.dtype)
        if self.reduction in ("sum_over_batch_size", "mean"):
            # Keras will divide by the number of all entries: undo that, divide by those there.
            weight = ops.divide_no_nan(weight, ops.mean(weight))
        if sample_weight is not None:
            weight = weight * ops.cast(on_leading_axes(sample_weight, weight), self.dtype)
        return ops.cast(super().__call__(y_true, y_pred, weight), self._result_dtype)

    def _error(self, y_true, y_pred):
        """Prediction less truth, and 0 without a gradient where the truth is missing."""
        _check_same_shape(y_true, y_pred)
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

    `fit` averages the batches' losses by their number of samples, present or not: take
    `stgkeras.metrics.MaskedMeanAbsoluteError` for the mean over all readings of an epoch.

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
        return ops.abs(self._error(y_true, y_pred))


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
        size = ops.abs(self._error(y_true, y_pred))
        curved = ops.minimum(size, self.delta)
        return curved * (size - 0.5 * curved)

    def get_config(self):
        return {**super().get_config(), "delta": self.delta}


def _bounded_log(log, x, near, floor):
    """`log(x)` stopped at -100; where `near`, its slope is 1 / `floor`, or 0 if the stop binds.

    The exact value enters without a gradient; what carries the gradient never meets 1 / 0.
    """
    exact = ops.stop_gradient(ops.maximum(log(x), -100.0))
    smooth = log(ops.where(near, 0.5 if log is ops.log else -0.5, x))
    line = ops.where(ops.logical_and(near, exact > -100.0), x, 0.0) / floor
    return smooth + (line - ops.stop_gradient(line)) + ops.stop_gradient(exact - smooth)


def _check_same_shape(y_true, y_pred):
    shapes = tuple(y_true.shape), tuple(y_pred.shape)
    same_rank = len(shapes[0]) == len(shapes[1])
    if not same_rank or any(a != b for a, b in zip(*shapes, strict=True) if a and b):
        raise ValueError(
            "`y_true` must have the shape of `y_pred`. "
            f"Received: y_true of shape {shapes[0]} and y_pred of shape {shapes[1]}"
        )
