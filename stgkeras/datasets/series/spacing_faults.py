"""The causes of timestamps that are not evenly spaced, and what the user can do about each.

Each function returns the last sentence of an error message. `times` are the times in the order of
the rows, and `wrong` (W,) are the rows before those that are wrong.
"""

from __future__ import annotations

import numpy as np

MINUTE, HOUR, DAY = np.timedelta64(1, "m"), np.timedelta64(1, "h"), np.timedelta64(1, "D")
ROUND = [
    *(np.timedelta64(count, "ms") for count in (1, 10, 20, 50, 100, 200, 250, 500)),
    *(np.timedelta64(count, "s") for count in (1, 2, 5, 10, 15, 20, 30)),
    *(np.timedelta64(count, "m") for count in (1, 2, 3, 5, 10, 15, 20, 30)),
    *(np.timedelta64(count, "h") for count in (1, 2, 3, 4, 6, 8, 12)),
    *(np.timedelta64(count, "D") for count in (1, 7)),
]


def order_fix(times, wrong, timezone):
    """Names the fix for times that go back."""
    usual = _usual(np.diff(times))
    back = times[wrong] - times[wrong + 1]  # from 02:55 to 02:00
    if timezone is None and _near_changes(times[wrong]) and (back + usual == HOUR).all():
        zone = _zone_fix("repeat an hour", times[wrong[0]])
        return f"{zone}. Otherwise sort the rows, or pass `regularize=True`"
    return "Sort the rows, or pass `regularize=True`"


def duplicate_fix(times, wrong, timezone):
    """Names the fix for rows of the same time."""
    found, counts = np.unique(times, return_counts=True)
    if counts.mean() >= 2 and (counts > 1).mean() > 0.9:
        return (
            f"Each time occurs {np.median(counts):g} times, as in a table with a row for each time "
            "and sensor. Give each sensor a column: `frame.pivot_table(index=…, columns=…, "
            "values=…)` with the names of the columns of times, sensors and readings, and pass the "
            "result to `from_pandas`. If a time and sensor have several rows, such as lanes, pass "
            '`aggfunc="sum"` for counts; the default is the mean'
        )
    steps = np.diff(np.sort(times))
    usual = _usual(steps[steps.astype(np.int64) > 0])
    nights = np.unique(times[wrong].astype("datetime64[D]"))
    fix = 'ass `duplicates="first"` or `"mean"`'
    if (
        timezone is None
        and _near_changes(times[wrong])
        and len(wrong) * usual == len(nights) * HOUR
    ):
        return f"{_zone_fix('repeat an hour', times[wrong[0]])}. Otherwise p{fix}"
    return f"P{fix}"


def gap_fix(times, wrong, timezone):
    """Names the fix for times that have gaps or lie between the steps."""
    steps = np.diff(times)
    usual = _usual(steps)
    fix = "ass `regularize=True` to fill the gaps with missing readings"
    if np.datetime_data(usual.dtype)[0] == "M":
        return f"P{fix}"
    if (steps % usual).astype(np.int64).any():
        return grid_fix(times, usual)
    skips = wrong[steps[wrong] - usual == HOUR]
    if timezone is None and len(skips) and _near_changes(times[skips]):
        return f"{_zone_fix('skip an hour', times[skips[0]])}. Otherwise p{fix}"
    return f"P{fix}"


def grid_fix(times, step, most_steps=10):
    """Names the fix for times that are no multiples of a step."""
    near = _nearest_round_step(times)
    rounded = _rounded(times, near)
    off = np.abs(times - rounded)
    distinct = (np.diff(rounded).astype(np.int64) > 0).all()
    if distinct and off.any() and (10 * off <= near).all():
        return (
            f"Round the times: they lie within {_text(off.max())} of multiples of {_text(near)}. "
            f'Use `times.round("{_frequency(near)}")` of a pandas DatetimeIndex, and '
            "`from_pandas`"
        )
    counts = (times - times[0]).astype(np.int64)
    common = int(np.gcd.reduce(counts))
    if counts[-1] // common < most_steps * len(times):
        minutes = float(np.timedelta64(common, np.datetime_data(times.dtype)[0]) / MINUTE)
        return f"Pass `regularize=True` and `interval={minutes:g}`, or {_resample(near)}"
    return f"The times are irregular: {_resample(near)}"


def _resample(step):
    text = f'`frame.resample("{_frequency(step)}").mean()`'
    return f"compute means over equal steps with {text} and pass them to `from_pandas`"


def _zone_fix(what, time):
    return (
        f"If these are local times that {what} at the clock change of {str(time)[:10]}, pass "
        f'`timezone="…"` with the name of the time zone, such as "Europe/Paris"'
    )


def _near_changes(times):
    """Whether times are at night, in months in which countries change clocks, once in 100 days."""
    if np.datetime_data(times.dtype)[0] == "M":
        return False
    days = times.astype("datetime64[D]")
    months = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    at_night = np.isin(months, (3, 4, 5, 9, 10, 11)) & (times - days <= 4 * HOUR)
    return bool(at_night.all() and (np.diff(np.unique(days)) > 100 * DAY).all())


def _usual(steps):
    found, counts = np.unique(steps, return_counts=True)
    return found[counts.argmax()]


def _nearest_round_step(times):
    """Returns the round step that is nearest to the median step."""
    median = np.median(np.diff(times).astype("timedelta64[ns]").astype(np.int64))
    return min(ROUND, key=lambda step: abs(np.log(_ns(step) / max(median, 1))))


def _ns(step):
    return int(step.astype("timedelta64[ns]").astype(np.int64))


def _rounded(times, step):
    size = _ns(step)
    counts = times.astype("datetime64[ns]").astype(np.int64)
    return ((counts + size // 2) // size * size).astype("datetime64[ns]")


def _frequency(step):
    unit, _ = np.datetime_data(step.dtype)
    return f"{step.astype(np.int64)}{'min' if unit == 'm' else unit}"


def _text(step):
    seconds = _ns(step) / 1e9
    return f"{seconds:g} seconds" if seconds < 60 else f"{seconds / 60:g} minutes"
