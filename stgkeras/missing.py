"""What losses, metrics and models that leave out missing readings have in common."""

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


def add_sum(pair, values):
    """Adds the sum of `values` to a variable (sum, what rounding left out of it)."""
    # Along each axis, values are cut at a bit where sums are exact in any order; only the small
    # rest rounds. Backends may add one by one, which in float32 costs up to 1e-4 a batch.
    rest = ops.zeros_like(values)
    while len(values.shape):
        bound = 2.0 * ops.sum(ops.abs(values), axis=-1, keepdims=True)
        high = (bound + values) - bound
        rest = ops.sum(rest + (values - high), axis=-1)
        values = ops.sum(high, axis=-1)
    total = pair[0] + values
    added = total - pair[0]
    rest = rest + pair[1] + ((pair[0] - (total - added)) + (values - added))
    high = total + rest
    pair.assign(ops.stack([high, rest - (high - total)]))
