"""Weekly seasons of a series: seasonal means, and the steps of daily and weekly components.

This module needs only NumPy. `pieces` lets other modules process a series that exceeds memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stgkeras import arguments
from stgkeras.types import Array

PERIODS = {"recent": 0, "daily": 1, "weekly": 7}  # period of each component in days
# Added before rounding down. It is less than 0.5, so that steps halfway between two slots, such as
# 00:02:30, are rounded alike in spite of rounding errors.
HALF = 0.49
PIECE = 1 << 17  # number of values in a piece


def pieces(array: np.ndarray) -> list[slice]:
    """Divides an array into slices of consecutive rows, with about 2^17 numbers each."""
    rows = max(1, PIECE // max(1, array[:1].size))
    return [slice(low, low + rows) for low in range(0, len(array), rows)]


def component_steps(name: str, length: int, horizon: int, steps_per_day: int) -> np.ndarray:
    """Returns the input steps of a component, relative to the first predicted step.

    Args:
        name: str. "recent": the last `length` steps before the forecast. "daily" or "weekly": the
            time of day of the forecast, on the `length / horizon` previous days or weeks.
        length: int. Number of input steps; for "daily" and "weekly" a multiple of `horizon`.
        horizon: int. Number of predicted steps.
        steps_per_day: int. Steps per day. "recent" does not use it.

    Returns:
        Int array (length,), in ascending order.
    """
    if name == "recent":
        return np.arange(-length, 0)
    if length % horizon:
        raise ValueError(
            f"`input_length[{name!r}]` must be a multiple of the horizon, {horizon}. "
            f"Received: input_length[{name!r}]={length}. Use `horizon` steps for each day or week."
        )
    back = np.arange(-(length // horizon), 0) * PERIODS[name] * steps_per_day
    return (back[:, None] + np.arange(horizon)).ravel()


def same_clock(
    calendar: np.ndarray, steps: np.ndarray, targets: np.ndarray, days: Any, steps_per_day: int
) -> tuple[np.ndarray, np.ndarray]:
    """Moves earlier steps to the same local time of day as the target steps.

    A step that lies a whole number of days of 24 hours before a target step has another local time
    of day if the clocks changed in between. A local time that was skipped becomes the time an hour
    later.

    Args:
        calendar: (T, 2) numbers, time of day and day of week. NaN if unknown.
        steps: ints. The steps `days` times `steps_per_day` before `targets`.
        targets: ints of the shape of `steps`.
        days: ints that broadcast to `steps`. Numbers of days.
        steps_per_day: int. Number of steps per day.

    Returns:
        The steps, and whether they are at the local time of day of the targets (or at a skipped
        hour), on the right day of the week. Holidays may be any day.
    """
    hour, weekday = np.moveaxis(calendar[targets].astype("float64"), -1, 0)
    change = (hour - calendar[steps, 0] + 0.5) % 1 - 0.5
    change = np.where(np.abs(change) < 3.1 / 24, change, 0)  # no clock changes by more; NaN too
    moved = steps + np.rint(change * steps_per_day).astype(np.int64)
    inside = (moved >= 0) & (moved < len(calendar))
    moved = np.where(inside, moved, steps)
    there, on = np.moveaxis(calendar[moved].astype("float64"), -1, 0)
    off = np.abs((hour - there + 0.5) % 1 - 0.5)
    wrong_day = ((weekday - on - days) % 7 != 0) & (weekday != 6) & (on != 6)
    return moved, np.isnan(off) | (inside & (off < 1.1 / 24) & ~wrong_day)


def check_calendar(
    calendar: Array, num_steps: int, steps_per_day: int, may_be_unknown: bool = False
) -> np.ndarray:
    """Returns the calendar of a series as an array (num_steps, 2), or raises an error.

    With `may_be_unknown`, NaN is an unknown time.
    """
    arguments.integer("steps_per_day", steps_per_day)
    calendar = arguments.array("calendar", calendar)
    if calendar.shape != (num_steps, 2):
        raise ValueError(
            f"`calendar` must have shape ({num_steps}, 2), two numbers for each step of "
            f"`values`. Received: calendar.shape={calendar.shape}. Pass the calendar of the same "
            "steps."
        )
    is_time = (calendar >= 0) & (calendar < [1, 7])
    is_time |= may_be_unknown & np.isnan(calendar)
    if not is_time.all():
        raise ValueError(
            "`calendar` must hold times of day in [0, 1) and days of the week from 0 to 6. "
            f"Received: {calendar[~is_time][0]}. Use `stgkeras.datasets.calendar`."
        )
    return calendar


def slot(position: Any, steps_per_day: int) -> Any:
    """Returns the slot of a time step: the index of its mean among the 2 · S seasonal means.

    Slots 0 to S - 1 are the times of a working day. Slots S to 2 · S - 1 are the times of a weekend
    day.

    Args:
        position: array of whole numbers, steps since a Monday began. NaN stays NaN.
        steps_per_day: int. Number S of steps per day.
    """
    position = position % (7 * steps_per_day)
    weekend = position // (5 * steps_per_day)  # 0 or 1
    return weekend * steps_per_day + position % steps_per_day


def slots(calendar: np.ndarray, steps_per_day: int) -> np.ndarray:
    """Returns the slot of each step of a calendar (T, 2), as integers (T,)."""
    check_steps_per_day(calendar, steps_per_day)
    return slots_at(calendar, steps_per_day)


def slots_at(calendar: np.ndarray, steps_per_day: int) -> np.ndarray:
    """Returns the slots (...) of steps with the calendar (..., 2), which need not be in a row."""
    position = calendar.sum(axis=-1, dtype="float64") * steps_per_day
    return slot(np.floor(position + HALF).astype(np.int64), steps_per_day)


def check_steps_per_day(calendar: np.ndarray, steps_per_day: int) -> None:
    """Raises ValueError if the steps of a calendar (T, 2) are not 1 / `steps_per_day` of a day."""
    hour = np.asarray(calendar)[:, 0].astype("float64")
    hour = hour[np.isfinite(hour)]
    if len(hour) < 2:
        return
    steps = np.diff(hour * steps_per_day)
    rest = steps - np.rint(steps)
    changes = np.abs(rest) > 0.02  # of a clock, by a part of a step that is longer than an hour
    drift = np.abs(np.cumsum(np.where(changes, 0, rest))).max()
    nexts = np.rint(steps - 1) % steps_per_day == 0
    if drift <= 0.02 and nexts.mean() >= 0.5 and changes.sum() <= max(2, 0.01 * len(hour)):
        return
    day = np.diff(hour) % 1
    day = day[np.abs(day - np.median(day)) < np.median(day) / 2]
    minutes = 24 * 60 * float(day.mean()) if len(day) else 24 * 60
    found = 24 * 60 / minutes
    fix = f"Pass `steps_per_day={round(found)}`."
    if abs(found - round(found)) > 0.01 or round(found) == steps_per_day:
        fix = (
            "A day is no whole number of such steps. Resample the series, for example with "
            '`frame.resample("10min").mean()`.'
        )
    raise ValueError(
        "`steps_per_day` must be the number of steps of the calendar in a day. Received: "
        f"steps_per_day={steps_per_day}, and a calendar with steps of {minutes:.5g} minutes. {fix}"
    )


def seasonal_mean(
    values: np.ndarray, calendar: np.ndarray, steps_per_day: int, spread: int = 0
) -> np.ndarray:
    """Computes the mean reading of each slot, together with `spread` neighbouring slots.

    A slot without readings gets the mean of its node over the same kind of day (working day or
    weekend). Without such readings, it gets the mean of its node, or else the mean of all nodes.

    Args:
        values: (T, N, F) readings; NaN if missing.
        calendar: (T, 2) numbers, time of day and day of week.
        steps_per_day: int. Number S of steps per day.
        spread: int. Number of neighbouring slots before and after each slot. Default 0.

    Returns:
        (2 · S, N, F) float64.
    """
    total, count = _sums(values, slots(calendar, steps_per_day), steps_per_day, spread)
    mean = _ratio(total, count)
    axes: Any
    # Mean over the slots of a kind of day, then over all slots, then over all nodes too.
    for axes in (1, (0, 1), (0, 1, 2)):
        wide = _ratio(total.sum(axes, keepdims=True), count.sum(axes, keepdims=True))
        mean = np.where(np.isnan(mean), wide, mean)
    return mean.reshape(2 * steps_per_day, *values.shape[1:])


def ten_minutes(steps_per_day: int) -> int:
    """Returns the number of slots in ten minutes, which is the `spread` of a season."""
    return steps_per_day // 144


def day_starts(calendar: np.ndarray, steps_per_day: int) -> np.ndarray:
    """Returns the steps of a calendar (T, 2) with which each day but the first begins."""
    hour, weekday = calendar.T
    goes_back = np.diff(hour)
    # An hour that occurs twice in autumn is not a new day.
    again = (steps_per_day >= 24) & (goes_back > -1.1 / 24)
    return np.flatnonzero((goes_back <= 0) & ~again | (np.diff(weekday) != 0)) + 1


def leave_one_day_out(values: Array, calendar: Array, steps_per_day: int) -> np.ndarray:
    """Computes how much the readings of each day change their own seasonal mean (leave-one-out).

    The seasonal mean includes the training readings. Therefore training readings lie closer to the
    seasonal mean than new readings. `Windows(…, shift=…)` adds the result of this function to the
    training windows. Reading minus season is then reading minus the seasonal mean of other days.

    Args:
        values: (T, N, F) training readings, from which the season is computed; NaN if missing.
        calendar: (T, 2) numbers. `stgkeras.datasets.calendar` of the same steps.
        steps_per_day: int. Number of steps per day.

    Returns:
        (T, N, F) float32: the seasonal mean minus the seasonal mean without the day of the step.
        The value is 0 if no other day has readings.

    Raises:
        ValueError: if the lengths of `values` and `calendar` differ.

    Example:
        >>> import numpy as np, stgkeras
        >>> stamps = np.datetime64("2024-01-01") + np.arange(2)  # a Monday and a Tuesday
        >>> calendar = stgkeras.datasets.calendar(stamps)
        >>> values = np.array([10.0, 20.0]).reshape(2, 1, 1)  # their season is 15
        >>> stgkeras.datasets.leave_one_day_out(values, calendar, 1).ravel().tolist()
        [-5.0, 5.0]
    """
    values = arguments.array("values", values, "(time, nodes, features)")
    calendar = check_calendar(calendar, len(values), steps_per_day)
    rows, spread = slots(calendar, steps_per_day), ten_minutes(steps_per_day)
    total, count = _sums(values, rows, steps_per_day, spread)
    season = _ratio(total, count).reshape(-1, *values.shape[1:])
    begins = day_starts(calendar, steps_per_day)
    shift = np.zeros(values.shape, "float32")
    for day in np.split(np.arange(len(values)), begins):
        own_total, own_count = _sums(values[day], rows[day], steps_per_day, spread)
        others = _ratio(total - own_total, count - own_count).reshape(season.shape)
        shift[day] = np.nan_to_num((season - others)[rows[day]])
    return shift


def _sums(values, rows, steps_per_day, spread):
    """Returns the sum and the number of the readings of each slot and its neighbours.

    Both have shape (2, S, N, F).
    """
    total, count = np.zeros((2, 2 * steps_per_day, *values.shape[1:]))
    for piece in pieces(values):
        present = ~np.isnan(values[piece])
        np.add.at(total, rows[piece], np.where(present, values[piece], 0.0))
        np.add.at(count, rows[piece], present)
    found = []
    for sums in (total, count):
        kinds = sums.reshape(2, steps_per_day, *values.shape[1:])
        found.append(sum(np.roll(kinds, by, axis=1) for by in range(-spread, spread + 1)))
    return found


def _ratio(total, count):
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
