"""What losses and metrics that leave out missing readings have in common."""

import math
import numbers

from keras import ops


def is_finite(value):
    """Whether `value` is a finite number."""
    return isinstance(value, numbers.Real) and math.isfinite(value)


def checked_null_value(null_value):
    """`null_value` as a float, or None."""
    if null_value is None:
        return None
    if not is_finite(null_value):
        raise ValueError(
            f"`null_value` must be None or a finite number. Received: null_value={null_value!r}. "
            "NaN marks a missing reading without it."
        )
    return float(null_value)


def on_leading_axes(sample_weight, y):
    """`sample_weight` with axes of length 1 added at its end; broadcasting adds them in front."""
    sample_weight = ops.convert_to_tensor(sample_weight)
    missing = len(y.shape) - len(sample_weight.shape)
    if missing < 0:
        raise ValueError(
            "`sample_weight` must have the leading axes of `y_true`. Received: sample_weight of "
            f"shape {tuple(sample_weight.shape)} and y_true of shape {tuple(y.shape)}"
        )
    for _ in range(missing):
        sample_weight = ops.expand_dims(sample_weight, -1)
    return sample_weight


def check_same_shape(y_true, y_pred):
    """Raises if the shapes of targets and predictions differ where both are known."""
    shapes = tuple(y_true.shape), tuple(y_pred.shape)
    same_rank = len(shapes[0]) == len(shapes[1])
    if not same_rank or any(a != b for a, b in zip(*shapes, strict=True) if a and b):
        raise ValueError(
            "`y_true` must have the shape of `y_pred`. "
            f"Received: y_true of shape {shapes[0]} and y_pred of shape {shapes[1]}"
        )
