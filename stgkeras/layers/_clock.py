"""Rows of tables that hold a value for each time of day or of the week.

Whole numbers stay floating-point numbers here, because exported models differ in the remainders of
negative integers, and some exporters know none of integers.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras import ops

from stgkeras.seasons import HALF
from stgkeras.types import Tensor


def calendar_rows(calendar: Tensor, steps_per_day: int) -> tuple[Tensor, Tensor]:
    """Returns the step of the day and the day of the week of each time, as int32.

    Args:
        calendar: (..., 2), `datasets.calendar`.
        steps_per_day: int.

    Returns:
        Two tensors (...), from 0 to steps_per_day - 1 and from 0 to 6.
    """
    step = _remainder(ops.floor(calendar[..., 0] * steps_per_day + HALF), steps_per_day)
    day = _remainder(ops.floor(calendar[..., 1] + HALF), 7)
    return ops.cast(step, "int32"), ops.cast(day, "int32")


def season_rows(calendar: Tensor, steps_per_day: int, steps: Sequence[int] | None) -> Tensor:
    """Returns the row of each step in a season, as int32. See `seasons.slot` for the rows.

    Args:
        calendar: (batch, time, 2), `datasets.calendar`.
        steps_per_day: int.
        steps: None, or T ints: steps counted from the first step of `calendar`.

    Returns:
        (batch, time); or with `steps`, (batch, T).
    """
    position = ops.floor(ops.sum(calendar, axis=-1) * steps_per_day + HALF)
    if steps is not None:
        position = position[:, :1] + ops.convert_to_tensor(list(steps), dtype=position.dtype)
    position = _remainder(position, 7 * steps_per_day)
    weekend = _quotient(position, 5 * steps_per_day)  # 0 or 1
    return ops.cast(weekend * steps_per_day + _remainder(position, steps_per_day), "int32")


def _quotient(x, divisor):
    return ops.floor((x + 0.5) / divisor)  # + 0.5 keeps rounding errors away from whole numbers


def _remainder(x, divisor):
    return x - divisor * _quotient(x, divisor)
