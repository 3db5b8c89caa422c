"""Timestamps: check of even spacing, and assignment to even steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stgkeras.datasets.series.clocks import coarsest, from_wall_clock, wall_clock, with_offset
from stgkeras.datasets.series.spacing_faults import duplicate_fix, gap_fix, grid_fix, order_fix

ZERO = np.timedelta64(0, "s")
HOUR = np.timedelta64(1, "h")
DUPLICATES = ("raise", "first", "mean")
MOST_STEPS = 10  # largest ratio of steps to rows in `regularize`: more suggests a wrong date


@dataclass(frozen=True)
class Rows:
    """Assigns the rows of a table to the steps of an evenly spaced series.

    Args:
        order: (R,) ints, the rows sorted by time.
        starts: (S,) increasing ints. Step `steps[s]` has the rows
            `order[starts[s] : starts[s + 1]]`.
        steps: (S,) increasing ints, the steps that have rows.
        total: int. Number of steps T.
        mean: bool. True if a step is the mean of its rows, False if it is the first row.
    """

    order: np.ndarray
    starts: np.ndarray
    steps: np.ndarray
    total: int
    mean: bool


def even_steps(times, where, interval, regularize, duplicates, timezone=None):
    """Checks that timestamps are evenly spaced, or assigns them to evenly spaced steps.

    The steps may also be calendar months, or even steps of the local clock, such as days.

    Args:
        times: (T,) datetime64; UTC with a `timezone`.
        where: str. Name of the source of the times: the start of error messages.
        interval: float or None. Minutes between steps. None: the most frequent difference.
        regularize: bool. Whether to sort the times and to fill gaps with steps without rows.
        duplicates: "raise", "first" or "mean". How to treat several rows of the same time.
        timezone: str or None. Time zone of the series.

    Returns:
        The times (T,) of the steps, the `Rows` of the steps, and the minutes between steps, which
        are None for a single step and for months.
    """
    if duplicates not in DUPLICATES:
        raise ValueError(
            f"`duplicates` must be one of {DUPLICATES}. Received: duplicates={duplicates!r}"
        )
    step = None if interval is None else coarsest(np.timedelta64(round(interval * 6e10), "ns"))
    if step is not None and step <= ZERO:
        raise ValueError(
            f"`interval` must be a positive number of minutes. Received: interval={interval}"
        )
    clock, restore = _clock(times, timezone, step)
    order = np.argsort(clock, kind="stable") if regularize else np.arange(len(times))
    times, clock = times[order], clock[order]
    steps = np.diff(clock).astype(np.int64)
    faults = where, timezone
    _refuse(*faults, times, clock, steps < 0, "in rising order", order_fix)
    starts = np.arange(len(clock))
    if duplicates == "raise":
        _refuse(*faults, times, clock, steps == 0, "each once", duplicate_fix)
    else:
        starts = np.flatnonzero(np.append(True, steps > 0))
        times, clock = times[starts], clock[starts]
    mean = duplicates == "mean"
    if len(clock) == 1:
        return times, Rows(order, starts, np.zeros(1, np.int64), 1, mean), None
    steps = np.diff(clock)
    step = _usual_step(steps) if step is None else step
    place = np.arange(len(clock))
    if regularize:
        place = _on_grid(clock, where, step)
        times = restore(clock[0] + step * np.arange(place[-1] + 1))
    else:
        _refuse(*faults, times, clock, steps != step, f"{_step_text(step)} apart", gap_fix)
    return times, Rows(order, starts, place, len(times), mean), _minutes(step)


def _clock(times, timezone, step):
    """Returns the clock on which the times are evenly spaced, and its function back to times.

    The clock is the times themselves, or the local clock, or the calendar of months.
    """
    local, back = times, lambda clock: clock
    if timezone is not None:
        local, back = wall_clock(times, timezone), lambda clock: from_wall_clock(clock, timezone)
    if step is None and _are_months(local):
        months = local.astype("datetime64[M]")
        days = local.astype("datetime64[D]")
        last = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - days  # 1: a last day
        rest = local[0] - days[0]
        at_end = (last == np.timedelta64(1, "D")).all()
        place = last[0] if at_end else (months - days)[0]

        def day(clock):  # the last day of a month lies before the next month
            return (clock + int(at_end)).astype("datetime64[D]") - place

        return months, lambda clock: back((day(clock) + rest).astype(times.dtype))
    # Steps of days, or such as 6 hours, are even on the local clock alone.
    if local is not times and _rests(local, step, least=HOUR) < _rests(times, step):
        return local, back
    return times, lambda clock: clock


def _are_months(local):
    """Whether all times are the same time of the same day of a month, or of its last day."""
    found = np.unique(local)
    days, months = found.astype("datetime64[D]"), found.astype("datetime64[M]")
    if len(found) < 2 or (np.diff(days) < np.timedelta64(28, "D")).any():
        return False
    place, left = days - months, (months + 1).astype("datetime64[D]") - days
    same_place = (place == place[0]).all() or (left == np.timedelta64(1, "D")).all()
    return bool(same_place and (found - days == found[0] - days[0]).all())


def _rests(times, step, least=ZERO):
    """Counts the times that are no whole number of steps after the first time."""
    found = np.unique(times)
    if len(found) < 2:
        return 0
    step = _usual_step(np.diff(found)) if step is None else step
    if step <= least:
        return len(times)
    return np.count_nonzero((found - found[0]) % step != ZERO)


def _refuse(where, timezone, times, clock, wrong, rule, fix):
    wrong = np.flatnonzero(wrong)
    if wrong.size:
        row = wrong[0] + 1
        before, here = with_offset(times[row - 1 : row + 1], timezone)
        raise ValueError(
            f"{where} must have evenly spaced timestamps, {rule}. Received: {here} in row {row} "
            f"after {before}, the first of {wrong.size} such rows. "
            f"{fix(clock, wrong, timezone)}."
        )


def _minutes(step):
    return None if _is_months(step) else float(step / np.timedelta64(1, "m"))


def _step_text(step):
    minutes = _minutes(step)
    if minutes is None:
        return f"{step.astype(int)} months" if step.astype(int) > 1 else "one month"
    return f"{minutes:g} minutes" if minutes >= 1 else f"{60 * minutes:g} seconds"


def _usual_step(steps):
    found, counts = np.unique(steps, return_counts=True)
    if _is_months(found):  # few rows
        return np.timedelta64(int(np.gcd.reduce(found.astype(np.int64))), "M")
    return found[counts.argmax()]


def _is_months(steps):
    return np.datetime_data(steps.dtype)[0] == "M"


def _on_grid(times, where, step):
    """Returns the number of steps from the first time to each of the rising times."""
    place, rest = np.divmod(times - times[0], step)
    wrong = np.flatnonzero(rest != rest[0])
    if wrong.size:
        raise ValueError(
            f"{where} must have timestamps at multiples of {_step_text(step)} from {times[0]}. "
            f"Received: {times[wrong[0]]}, the first of {wrong.size} such times. "
            f"{grid_fix(times, step, MOST_STEPS)}."
        )
    total = int(place[-1]) + 1
    if total > MOST_STEPS * len(times):
        gap = np.diff(times).argmax()
        raise ValueError(
            f"{where} must have rows for at least 1/{MOST_STEPS} of the steps. Received: "
            f"{len(times)} rows for {total} steps, with the longest gap from {times[gap]} to "
            f"{times[gap + 1]}. Check the dates at this gap."
        )
    return place
