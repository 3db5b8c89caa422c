"""Timestamps: conversion to UTC, check of even spacing, and assignment to even steps."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

SECOND = np.timedelta64(1, "s")
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


def parse_times(cells, must, column=""):
    """Converts times to (T,) datetime64[s]. Times with a time zone are converted to UTC.

    Args:
        cells: (T,) of strings, datetimes or datetime64.
        must: str. Start of the error message, which states the rule.
        column: str. Name of the column for the error message.
    """
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns if a cell is not a date
        times = pd.to_datetime(pd.Index(cells), utc=True, errors="coerce")
    times = times.tz_localize(None).to_numpy("datetime64[s]")
    bad = np.flatnonzero(np.isnat(times))
    if bad.size:
        raise ValueError(f"{must}. Received: {list(cells)[bad[0]]!r} in {column}row {bad[0]}")
    return times


def even_steps(times, where, interval, regularize, duplicates, hint):
    """Checks that timestamps are evenly spaced, or assigns them to evenly spaced steps.

    Args:
        times: (T,) datetime64[s].
        where: str. Name of the source of the times: the start of error messages.
        interval: float or None. Minutes between steps. None: the most frequent difference.
        regularize: bool. Whether to sort the times and to fill gaps with steps without rows.
        duplicates: "raise", "first" or "mean". How to treat several rows of the same time.
        hint: str. Text before the argument that an error message recommends.

    Returns:
        The times (T,) of the steps, the `Rows` of the steps, and the minutes between steps, which
        are None for a single step.
    """
    if duplicates not in DUPLICATES:
        raise ValueError(
            f"`duplicates` must be one of {DUPLICATES}. Received: duplicates={duplicates!r}"
        )
    order = np.argsort(times, kind="stable") if regularize else np.arange(len(times))
    times = times[order]
    steps = np.diff(times)
    fix = f"Sort the rows, or pass {hint}`regularize=True`"
    _refuse(where, times, steps < 0 * SECOND, "in rising order", fix)
    starts = np.arange(len(times))
    if duplicates == "raise":
        fix = (
            f'Pass {hint}`duplicates="first"` or `"mean"`. If the times are local times, in which '
            "an hour occurs twice in autumn, add their time zone"
        )
        _refuse(where, times, steps == 0 * SECOND, "each once", fix)
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
        fix = f"Pass {hint}`regularize=True` to fill the gaps with missing readings"
        _refuse(where, times, steps != step, f"{_minutes(step):g} minutes apart", fix)
    return times, Rows(order, starts, place, len(times), mean), _minutes(step)


def _refuse(where, times, wrong, rule, fix):
    wrong = np.flatnonzero(wrong)
    if wrong.size:
        row = wrong[0] + 1
        raise ValueError(
            f"{where} must have evenly spaced timestamps, {rule}. Received: {times[row]} in row "
            f"{row} after {times[row - 1]}, the first of {wrong.size} such rows. {fix}."
        )


def _minutes(step):
    return float(step / (60 * SECOND))


def _usual_step(steps):
    found, counts = np.unique(steps, return_counts=True)
    return found[counts.argmax()]


def _on_grid(times, where, step):
    """Returns the number of steps from the first time to each of the rising times."""
    place, rest = np.divmod(times - times[0], step)
    wrong = np.flatnonzero(rest != 0 * SECOND)
    if wrong.size:
        raise ValueError(
            f"{where} must have timestamps at multiples of {_minutes(step):g} minutes from "
            f"{times[0]}. Received: {times[wrong[0]]}, the first of {wrong.size} such times. Pass "
            "the right `interval`, or resample the rows with `frame.resample(...).mean()`."
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
