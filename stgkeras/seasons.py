"""The week as a season: which readings share a mean, that mean, and which hours come again.

NumPy alone.
"""

import numpy as np

PERIODS = {"recent": 0, "daily": 1, "weekly": 7}  # days from one repetition to the next


def component_steps(name, length, horizon, steps_per_day):
    """The steps that a component of a window reads, counted from the first that it predicts.

    Args:
        name: "recent", the last steps; "daily" or "weekly", the hours of the forecast, on as many
            days or weeks before it as `length` has horizons.
        length: int. Number of steps.
        horizon: int. Steps to predict.
        steps_per_day: int; not read for "recent".

    Returns:
        Rising int array (length,).
    """
    if name == "recent":
        return np.arange(-length, 0)
    if length % horizon:
        raise ValueError(
            f"`input_length[{name!r}]` must be a multiple of the horizon, {horizon}, for each day "
            f"or week as much. Received: {length}"
        )
    back = np.arange(-(length // horizon), 0) * PERIODS[name] * steps_per_day
    return (back[:, None] + np.arange(horizon)).ravel()


def slot(position, steps_per_day):
    """Which of the 2 · S means stands for a step: S of working days, then S of weekends.

    Args:
        position: steps since a Monday began, ints, an array or a tensor of any backend.
        steps_per_day: int, S.
    """
    position = position % (7 * steps_per_day)
    weekend = position // (5 * steps_per_day)  # 0 or 1
    return weekend * steps_per_day + position % steps_per_day


def slots(calendar, steps_per_day):
    """The slot of each step of a calendar (T, 2), ints (T,)."""
    position = np.rint(np.sum(calendar, axis=-1, dtype="float64") * steps_per_day)
    return slot(position.astype(np.int64), steps_per_day)


def seasonal_mean(values, calendar, steps_per_day, spread=0):
    """The mean of the readings of each slot, and of the `spread` slots before and after it.

    A slot without a reading gets the mean of its node on that kind of day, else of the node, else
    of all.

    Args:
        values: (T, N, F), NaN where missing.
        calendar: (T, 2), time of day and day of week.
        steps_per_day: int, S.
        spread: int.

    Returns:
        (2 · S, N, F) float64.
    """
    rows, there = slots(calendar, steps_per_day), ~np.isnan(values)
    total = np.zeros((2 * steps_per_day, *values.shape[1:]))
    count = np.zeros_like(total)
    np.add.at(total, rows, np.where(there, values, 0.0))
    np.add.at(count, rows, there)
    kinds = (2, steps_per_day, *values.shape[1:])
    total, count = (
        sum(np.roll(sums.reshape(kinds), shift, axis=1) for shift in range(-spread, spread + 1))
        for sums in (total, count)
    )
    mean = _ratio(total, count)
    for axes in (1, (0, 1), (0, 1, 2)):  # of a kind of day; of a node; of all
        wide = _ratio(total.sum(axes, keepdims=True), count.sum(axes, keepdims=True))
        mean = np.where(np.isnan(mean), wide, mean)
    return mean.reshape(2 * steps_per_day, *values.shape[1:])


def _ratio(total, count):
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
