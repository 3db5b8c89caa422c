"""Handling of missing readings and links, shared by losses, metrics and models."""

from __future__ import annotations

import math
import numbers
from typing import Any

import keras
import numpy as np
from keras import ops

from stgkeras.types import Tensor


def is_finite(value: Any) -> bool:
    """Returns whether `value` is a finite number."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def checked_null_value(null_value: float | None) -> float | None:
    """Checks `null_value` and returns it as a float, or None."""
    if null_value is None:
        return None
    if not is_finite(null_value):
        raise ValueError(
            f"`null_value` must be None or a finite number. Received: null_value={null_value!r}. "
            "Use `null_value=None` if only NaN marks missing readings."
        )
    return float(null_value)


def asymmetric_entry(graphs: np.ndarray) -> tuple[int, int, int] | None:
    """Returns the first index of `graphs` (B, N, N) where a graph is not symmetric, or None.

    A pair of entries with NaN counts as symmetric.
    """
    wrong = graphs != graphs.swapaxes(1, 2)
    if graphs.dtype.kind == "f":
        wrong &= ~np.isnan(graphs + graphs.swapaxes(1, 2))
    return tuple(np.argwhere(wrong)[0].tolist()) if wrong.any() else None


def on_leading_axes(sample_weight: Tensor, y: Tensor) -> Tensor:
    """Appends axes of length 1 to `sample_weight` until it has the rank of `y`.

    Broadcasting alone would insert the axes at the front.
    """
    sample_weight = ops.convert_to_tensor(sample_weight)
    missing = len(y.shape) - len(sample_weight.shape)
    if missing < 0:
        raise ValueError(
            "`sample_weight` must have the leading axes of `y_true`. Received: "
            f"sample_weight.shape={tuple(sample_weight.shape)}, y_true.shape={tuple(y.shape)}. "
            "Remove the extra axes of `sample_weight`."
        )
    for _ in range(missing):
        sample_weight = ops.expand_dims(sample_weight, -1)
    return sample_weight


def known_labels(y: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any]:
    """Replaces labels below 0, of samples without a class, by the class 0 with weight 0.

    Without this, such labels stop TensorFlow and PyTorch, even with weight 0.

    Args:
        y: integer labels with the axes of `y_pred` except the last. Other targets are not changed.
        y_pred: logits or probabilities of the classes.
        sample_weight: None, or weights with the leading axes of `y`.
    """
    is_label = hasattr(y, "shape") and hasattr(y_pred, "shape")
    if not is_label or len(y.shape) != len(y_pred.shape) - 1:
        return y, sample_weight
    if not keras.backend.is_int_dtype(keras.backend.standardize_dtype(y.dtype)):
        return y, sample_weight
    y = ops.convert_to_tensor(y)
    weight = ops.cast(y >= 0, "float32")
    if sample_weight is not None:
        weight = weight * ops.cast(on_leading_axes(sample_weight, y), "float32")
    return ops.maximum(y, 0), weight


def quantile_advice(shapes: Any, forecast: str, other: str) -> str:
    """Returns the fix for a forecast with a last axis that the truth lacks, or "".

    Args:
        shapes: shapes of the truth and of the forecast.
        forecast: name of the argument with the forecast.
        other: name of a function or class that takes quantiles.
    """
    truth, found = shapes
    same = all(a == b for a, b in zip(truth, found, strict=False) if a and b)
    if len(found) != len(truth) + 1 or not same:
        return ""
    return (
        f" If the last axis of `{forecast}` holds quantiles, use `{other}`, or pass the median, "
        f"`{forecast}[..., quantiles.index(0.5)]`."
    )


def check_same_shape(y_true: Tensor, y_pred: Tensor, other: str = "") -> None:
    """Raises an error if the known axes of targets and predictions differ in length.

    Args:
        other: str. The loss that takes an axis of quantiles, which the error then names.
    """
    shapes = tuple(y_true.shape), tuple(y_pred.shape)
    same_rank = len(shapes[0]) == len(shapes[1])
    if not same_rank or any(a != b for a, b in zip(*shapes, strict=True) if a and b):
        fix = quantile_advice(shapes, "y_pred", other) if other else ""
        raise ValueError(
            "`y_true` must have the shape of `y_pred`. "
            f"Received: y_true.shape={shapes[0]}, y_pred.shape={shapes[1]}."
            f"{fix or ' Reshape the targets to the output of the model.'}"
        )


def add_sum(pair: Tensor, values: Tensor) -> None:
    """Adds the sum of `values` to the variable `pair`, which holds (sum, rounding error)."""
    # Each value is split into a high part and a small rest. The sum of the high parts is exact in
    # any order, so only the small rests are rounded. A backend that adds the values one by one in
    # float32 would lose up to 1e-4 per batch.
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
