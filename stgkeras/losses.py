"""Losses for link prediction on graphs."""

import math
import numbers

import keras
from keras import ops


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
        if not _is_finite(alpha) or alpha <= 0:
            raise ValueError(
                f"`alpha` must be a finite number above 0. Received: alpha={alpha!r}. "
                "Use `alpha=1.0` to leave the loss unscaled."
            )
        if not _is_finite(gamma) or gamma < 0:
            raise ValueError(
                f"`gamma` must be a finite number of at least 0. Received: gamma={gamma!r}. "
                "Use `gamma=0.0` for plain cross-entropy."
            )
        self.alpha = float(alpha)
        self.gamma = float(gamma)
        self.from_logits = from_logits

    def __call__(self, y_true, y_pred, sample_weight=None):
        if sample_weight is not None:
            # Weights align with the leading axes; plain broadcasting would take the last ones.
            y_pred, sample_weight = map(ops.convert_to_tensor, (y_pred, sample_weight))
            for _ in range(len(y_pred.shape) - len(sample_weight.shape)):
                sample_weight = ops.expand_dims(sample_weight, -1)
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


def _bounded_log(log, x, near, floor):
    """`log(x)` stopped at -100; where `near`, its slope is 1 / `floor`, or 0 if the stop binds.

    The exact value enters without a gradient; what carries the gradient never meets 1 / 0.
    """
    exact = ops.stop_gradient(ops.maximum(log(x), -100.0))
    smooth = log(ops.where(near, 0.5 if log is ops.log else -0.5, x))
    line = ops.where(ops.logical_and(near, exact > -100.0), x, 0.0) / floor
    return smooth + (line - ops.stop_gradient(line)) + ops.stop_gradient(exact - smooth)


def _is_finite(value):
    return isinstance(value, numbers.Real) and math.isfinite(value)


def _check_same_shape(y_true, y_pred):
    shapes = tuple(y_true.shape), tuple(y_pred.shape)
    same_rank = len(shapes[0]) == len(shapes[1])
    if not same_rank or any(a != b for a, b in zip(*shapes, strict=True) if a and b):
        raise ValueError(
            "`y_true` must have the shape of `y_pred`. "
            f"Received: y_true of shape {shapes[0]} and y_pred of shape {shapes[1]}"
        )
