"""Times of measurement: read as UTC, held to an even grid or mended to one."""

import warnings
from dataclasses import dataclass

import numpy as np

SECOND = np.timedelta64(1, "s")
DUPLICATES = ("raise", "first", "mean")
MOST_STEPS = 10  # that `regularize` may make of a row, on average


@dataclass(frozen=True)
class Rows:
    """Which rows make the steps of an even series.

    Args:
        order: (R,) ints, the rows by time.
        starts: (S,) ints, rising: step `steps[s]` has the rows `order[starts[s] : starts[s + 1]]`.
        steps: (S,) ints, rising, the steps that have rows.
        total: int, number of steps T.
        mean: bool. Whether a step gets the mean of its rows, or else the first.
    """

    order: np.ndarray
    starts: np.ndarray
    steps: np.ndarray
    total: int
    mean: bool


def parse_times(cells, must, column=""):
    """Returns (T,) datetime64[s]: UTC where a time has a zone, else as it is.

    Args:
        cells: (T,) of strings, datetimes or datetime64.
        must: str. The rule that a bad cell breaks: the start of the error message.
        column: str. Said in it too.
    """
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, on a cell that is no date
        times = pd.to_datetime(pd.Index(cells), utc=True, errors="coerce")
    times = times.tz_localize(None).to_numpy("datetime64[s]")
    bad = np.flatnonzero(np.isnat(times))
    if bad.size:
        raise ValueError(f"{must}. Received: {list(cells)[bad[0]]!r} in {column}row {bad[0]}")
    return times


def even_steps(times, where, interval, regularize, duplicates, hint):
    """Holds times to even steps, or mends them.

    Args:
        times: (T,) datetime64[s].
        where: str. What holds the times: the start of error messages.
        interval: float or None. Minutes of a step; None: the most frequent difference.
        regularize: bool. Whether to sort, and to give steps that have no row NaN.
        duplicates: what becomes of rows of one time: "raise", "first" or "mean".
        hint: str. Said before the arguments that would mend a fault.

    Returns:
        The times (T,) of the steps, the `Rows` that make them, and the minutes of a step, None of a
        single one.
    """
    if duplicates not in DUPLICATES:
        raise ValueError(
            f"`duplicates` must be one of {DUPLICATES}. Received: duplicates={duplicates!r}"
        )
    order = np.argsort(times, kind="stable") if regularize else np.arange(len(times))
    times = times[order]
    steps = np.diff(times)
    fix = f"sort it, or pass {hint}`regularize=True`"
    _refuse(where, times, steps < 0 * SECOND, f"in rising order: {fix}")
    starts = np.arange(len(times))
    if duplicates == "raise":
        fix = (
            f'pass {hint}`duplicates="first"` or `"mean"`; if they are local times, in which an '
            "hour comes twice in autumn, give them their zone"
        )
        _refuse(where, times, steps == 0 * SECOND, f"each once: {fix}")
    else:
        starts = np.flatnonzero(np.append(True, steps > 0 * SECOND))
        times = times[starts]
    mean = duplicates == "mean"
    if len(times) == 1:
        return times, Rows(order, starts, np.zeros(1, np.int64), 1, mean), None
    steps = np.diff(times)
    step = _usual_step(steps) if interval is None else round(interval * 60) * SECOND
    place = np.arange(len(times))
    if regularize:
        place = _on_grid(times, where, step)
        times = times[0] + step * np.arange(place[-1] + 1)
    else:
        fix = f"pass {hint}`regularize=True` to make the steps between missing readings"
        _refuse(where, times, steps != step, f"{_minutes(step):g} minutes apart: {fix}")
    return times, Rows(order, starts, place, len(times), mean), _minutes(step)


def _refuse(where, times, wrong, rule):
    wrong = np.flatnonzero(wrong)
    if wrong.size:
        row = wrong[0] + 1
        raise ValueError(
            f"{where} must have evenly spaced timestamps, {rule}. Received: {times[row]} in row "
            f"{row} after {times[row - 1]}, the first of {wrong.size} such"
        )


def _minutes(step):
    return float(step / (60 * SECOND))


def _usual_step(steps):
    found, counts = np.unique(steps, return_counts=True)
    return found[counts.argmax()]


def _on_grid(times, where, step):
    """The steps of rising times, ints, counted from the first."""
    place, rest = np.divmod(times - times[0], step)
    wrong = np.flatnonzero(rest != 0 * SECOND)
    if wrong.size:
        raise ValueError(
            f"{where} must have timestamps at multiples of {_minutes(step):g} minutes from "
            f"{times[0]}. Received: {times[wrong[0]]}, the first of {wrong.size} such; pass the "
            "right `interval`, or resample first: `frame.resample(...).mean()`."
        )
    total = int(place[-1]) + 1
    if total > MOST_STEPS * len(times):
        gap = np.diff(times).argmax()
        raise ValueError(
            f"{where} must have a row for every {MOST_STEPS}th step at least. Received: "
            f"{len(times)} rows for {total} steps, the longest gap from {times[gap]} to "
            f"{times[gap + 1]}; is a date wrong?"
        )
    return place
