"""Reads the times of the steps from the arrays of an npz file, by the rules for tables."""

from __future__ import annotations

import numpy as np

from stgkeras.datasets.series.clocks import coarsest, to_utc
from stgkeras.datasets.series.columns import is_time_name, number_times
from stgkeras.datasets.series.dates import parse_times

START = "start_time"
DAY = 24 * 60
LAST_YEAR = 2262  # of times in nanoseconds


def step_minutes(path, arrays):
    """Returns the number `step_minutes` of a file, or None."""
    if "step_minutes" not in arrays:
        return None
    given = arrays["step_minutes"].ravel()
    try:
        minutes = float(given[0])
    except (IndexError, ValueError):
        minutes = 0.0
    if given.size != 1 or not 0 < minutes < np.inf:
        raise ValueError(
            f"{path} must hold one number of minutes in `step_minutes`. Received: "
            f"{given.tolist()[:3]!r}. Write the minutes between two steps."
        )
    return minutes


def npz_times(path, arrays, steps, minutes=None, timezone=None):
    """Returns the times (T,) of the steps as a pandas DatetimeIndex, or None.

    Args:
        path: path of the file, for error messages.
        arrays: dict of the arrays of the file. Times are an array (T,) with a name such as "time"
            or "timestamps", or the one time `start_time`, from which the steps are counted.
        steps: int. Number of steps T.
        minutes: float or None. Minutes between two steps.
        timezone: str or None. Time zone of a `start_time` without zone. Steps of a part of a day
            are even in UTC, also where the clocks change.
    """
    names = [name for name, a in arrays.items() if a.ndim == 1 and is_time_name(name)]
    if START in arrays:
        names = [name for name in names if name != START] + [START]
    if not names:
        return None
    if len(names) > 1:
        raise ValueError(
            f"{path} must have one array of times. Received: the arrays {names}. Remove the others."
        )
    name = names[0]
    cells = arrays[name].ravel()
    expected = 1 if name == START else steps
    if cells.size != expected:
        raise ValueError(
            f"{path} must have {expected} times in `{name}`, for {steps} steps. Received: "
            f"{cells.size} times. Write one time for each step, or rename the array."
        )
    if name == START:
        return _from_start(path, cells, steps, minutes, timezone)
    return _converted(path, name, cells, minutes)


def _from_start(path, cells, steps, minutes, timezone):
    import pandas as pd

    if minutes is None:
        raise ValueError(
            f"`interval` must be given for {path}, which has `start_time` and no `step_minutes`. "
            "Received: interval=None. Pass the minutes between two steps."
        )
    start = _converted(path, START, cells)
    if start.tz is None and timezone is not None and minutes % DAY:
        start = pd.DatetimeIndex(to_utc(start, timezone)[0], tz="UTC")
    if minutes * steps > (LAST_YEAR - start[0].year) * 365 * DAY:
        raise ValueError(
            f"{path} must have times before the year {LAST_YEAR}. Received: {steps} steps of "
            f"{minutes:g} minutes from {start[0]}. Correct `step_minutes` in the file, or pass "
            "another `interval`."
        )
    step = coarsest(np.timedelta64(round(minutes * 6e10), "ns"))
    return start[0] + pd.TimedeltaIndex(step * np.arange(steps))


def _converted(path, name, cells, minutes=None):
    """Returns a DatetimeIndex, or None for numbers from the start if `minutes` is known."""
    import pandas as pd

    must = f"{path} must hold dates and times, or Unix times, in `{name}`"
    if cells.dtype.kind not in "biuf":
        cells = cells if cells.dtype.kind == "M" else cells.astype(str)
        return parse_times(pd.Index(cells), must)
    found = number_times(cells)
    if found is None and minutes is None:
        fix = "Write each time as YYYY-MM-DD HH:MM."
        if name != START:
            fix += " If the numbers count from the start, pass `interval`, the minutes of a step."
        shown = ", ".join(str(cell) for cell in cells[:3].tolist())
        raise ValueError(f"{must}. Received: {shown}{', …' * (cells.size > 3)}. {fix}")
    return found
