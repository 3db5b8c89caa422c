"""The week as a season: which readings share a mean, that mean, and which hours come again; and
how a series too long for memory is read, in pieces.

NumPy alone.
"""

import numpy as np

PERIODS = {"recent": 0, "daily": 1, "weekly": 7}  # days from one repetition to the next
PIECE = 1 << 17  # numbers


def pieces(array):
    """Slices of rows that cover an array, each of about a hundred thousand numbers."""
    rows = max(1, PIECE // max(1, array[:1].size))
    return [slice(low, low + rows) for low in range(0, len(array), rows)]


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
    total, count = _sums(values, slots(calendar, steps_per_day), steps_per_day, spread)
    mean = _ratio(total, count)
    for axes in (1, (0, 1), (0, 1, 2)):  # of a kind of day; of a node; of all
        wide = _ratio(total.sum(axes, keepdims=True), count.sum(axes, keepdims=True))
        mean = np.where(np.isnan(mean), wide, mean)
    return mean.reshape(2 * steps_per_day, *values.shape[1:])


def ten_minutes(steps_per_day):
    """The spread of a season: the slots in ten minutes."""
    return steps_per_day // 144


def leave_one_day_out(values, calendar, steps_per_day):
    """How far each step's season would lie lower if its own day had not been counted.

    A model that learns on the days that its season was taken from sees readings closer to the
    season than it ever will again. Added to training windows, by `Windows(…, shift=…)`, this gives
    them the distance that a season of the other days would have.

    Args:
        values: (T, N, F), the readings that the season is taken from; NaN where missing.
        calendar: (T, 2), `calendar` of these steps.
        steps_per_day: int. Steps of the series in a day.

    Returns:
        (T, N, F) float32: season minus season without the day; 0 where no other day is left.

    Raises:
        ValueError: if the lengths differ.

    Example:
        >>> import numpy as np, stgkeras
        >>> stamps = np.datetime64("2024-01-01") + np.arange(2)  # a Monday and a Tuesday
        >>> calendar = stgkeras.datasets.calendar(stamps)
        >>> values = np.array([10.0, 20.0]).reshape(2, 1, 1)  # their season is 15
        >>> stgkeras.datasets.leave_one_day_out(values, calendar, 1).ravel().tolist()
        [-5.0, 5.0]
    """
    values, calendar = np.asarray(values), np.asarray(calendar)
    if calendar.shape != (len(values), 2):
        raise ValueError(
            f"`calendar` must have shape ({len(values)}, 2), two numbers a step of `values`. "
            f"Received: calendar.shape={calendar.shape}"
        )
    rows, spread = slots(calendar, steps_per_day), ten_minutes(steps_per_day)
    total, count = _sums(values, rows, steps_per_day, spread)
    season = _ratio(total, count).reshape(-1, *values.shape[1:])
    hour, weekday = calendar.T
    begins = np.flatnonzero((np.diff(hour) < 0) | (np.diff(weekday) != 0)) + 1
    shift = np.zeros(values.shape, "float32")
    for day in np.split(np.arange(len(values)), begins):
        own_total, own_count = _sums(values[day], rows[day], steps_per_day, spread)
        others = _ratio(total - own_total, count - own_count).reshape(season.shape)
        shift[day] = np.nan_to_num((season - others)[rows[day]])
    return shift


def _sums(values, rows, steps_per_day, spread):
    """Sum and number of the readings of each slot and its neighbours, (2, S, N, F) each."""
    total, count = np.zeros((2, 2 * steps_per_day, *values.shape[1:]))
    for piece in pieces(values):
        there = ~np.isnan(values[piece])
        np.add.at(total, rows[piece], np.where(there, values[piece], 0.0))
        np.add.at(count, rows[piece], there)
    found = []
    for sums in (total, count):
        kinds = sums.reshape(2, steps_per_day, *values.shape[1:])
        found.append(sum(np.roll(kinds, by, axis=1) for by in range(-spread, spread + 1)))
    return found


def _ratio(total, count):
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
