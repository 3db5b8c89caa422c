"""Baselines for forecasts: repeat or average past readings."""

from __future__ import annotations

import numpy as np

from stgkeras import arguments
from stgkeras.datasets.series.starts import checked_starts
from stgkeras.seasons import (
    check_calendar,
    check_steps_per_day,
    same_clock,
    seasonal_mean,
    slots,
)
from stgkeras.types import Array

AXES = "(time, nodes, features)"


def last_value(values: np.ndarray, starts: Array, input_length: int, horizon: int) -> np.ndarray:
    """Predicts the last reading of each window at all target steps (persistence forecast).

    If the last reading is missing, the function uses the last reading before it.

    Args:
        values: (T, N, F) series. NaN marks a missing reading.
        starts: (W,) int. First steps of the windows.
        input_length: int. Number of input steps of a window.
        horizon: int. Number of target steps of a window.

    Returns:
        (W, horizon, N, F).

    Example:
        >>> import numpy as np, stgkeras
        >>> series = np.arange(9.0).reshape(9, 1, 1)
        >>> stgkeras.datasets.last_value(series, np.array([0, 2]), 3, 2).ravel().tolist()
        [2.0, 2.0, 4.0, 4.0]
    """
    values, first = _checked(values, starts, input_length, horizon)
    steps = np.arange(len(values)).reshape(-1, 1, 1)
    known = np.maximum.accumulate(np.where(np.isnan(values), 0, steps), axis=0)
    filled = np.take_along_axis(np.asarray(values), known, axis=0)
    last = first + input_length - 1
    return np.repeat(filled[last][:, None], horizon, axis=1)


def same_time(
    values: np.ndarray,
    starts: Array,
    input_length: int,
    horizon: int,
    lag: int,
    *,
    calendar: np.ndarray | None = None,
    steps_per_day: int | None = None,
) -> np.ndarray:
    """Predicts the reading `lag` steps before each target step (seasonal naive forecast).

    Args:
        values: (T, N, F) series.
        starts: (W,) int. First steps of the windows.
        input_length: int. Number of input steps of a window.
        horizon: int. Number of target steps of a window.
        lag: int ≥ horizon. Number of steps in a day or a week.
        calendar: None, or (T, 2), `Series.calendar`. With a calendar, the reading has the local
            time of the target step, also if the clocks changed in between. An hour that the clocks
            skip is replaced by the next hour. Without a calendar, the lag is always the same.
        steps_per_day: int. Number of steps of the series in a day. Only needed with `calendar`.

    Returns:
        (W, horizon, N, F). With a calendar, NaN where the local time of a target step has no
        earlier step.

    Raises:
        ValueError: if `lag` is less than the horizon, or a step before the series is needed. With
            `calendar`, also if `lag` is no whole number of days.

    Example:
        >>> import numpy as np, stgkeras
        >>> series = np.arange(9.0).reshape(9, 1, 1)
        >>> stgkeras.datasets.same_time(series, np.array([4]), 3, 2, lag=5).ravel().tolist()
        [2.0, 3.0]
    """
    values, first = _checked(values, starts, input_length, horizon)
    lag = arguments.integer("lag", lag)
    if lag < horizon:
        raise ValueError(
            f"`lag` must be at least `horizon`={horizon}, because a shorter lag reads target "
            f"steps. Received: lag={lag}. Pass a longer lag."
        )
    steps = first[:, None] + input_length + np.arange(horizon) - lag
    if steps.min() < 0:
        raise ValueError(
            f"`lag` must be at most {steps.min() + lag}, the first predicted step, because the "
            f"series begins at step 0. Received: lag={lag}. Remove the first windows."
        )
    if calendar is None:
        return values[steps]
    if steps_per_day is not None:
        steps_per_day = arguments.integer("steps_per_day", steps_per_day)
    if steps_per_day is None or lag % steps_per_day:
        raise ValueError(
            "`lag` must be a multiple of `steps_per_day` with a calendar. Received: "
            f"lag={lag}, steps_per_day={steps_per_day}. Pass the number of steps in a day or a "
            "week, or omit `calendar`."
        )
    calendar = check_calendar(calendar, len(values), steps_per_day)
    check_steps_per_day(calendar, steps_per_day)
    days = lag // steps_per_day
    steps, right = same_clock(calendar, steps, steps + lag, days, steps_per_day)
    right &= steps < np.asarray(starts)[:, None] + input_length
    return np.where(right[..., None, None], values[steps], np.nan)


def historical_mean(
    values: np.ndarray,
    calendar: np.ndarray,
    starts: Array,
    input_length: int,
    horizon: int,
    *,
    steps_per_day: int,
    num_train: int,
) -> np.ndarray:
    """Predicts the mean of the training readings at the same time of day (historical average).

    Working days and weekends have separate means.

    Args:
        values: (T, N, F) series. NaN marks a missing reading.
        calendar: (T, 2). `calendar` of the steps.
        starts: (W,) int. First steps of the windows.
        input_length: int. Number of input steps of a window.
        horizon: int. Number of target steps of a window.
        steps_per_day: int. Number of steps of the series in a day.
        num_train: int. Number of training steps at the start of the series, see
            `training_steps`.

    Returns:
        (W, horizon, N, F).

    Raises:
        ValueError: if `num_train` is above the number of steps, or the calendar does not fit
            `values` or `steps_per_day`.

    Example:
        >>> import numpy as np, stgkeras
        >>> hours = np.datetime64("2024-01-01T00", "h") + np.arange(96)
        >>> calendar = stgkeras.datasets.calendar(hours)
        >>> series = np.arange(96.0).reshape(96, 1, 1)
        >>> y = stgkeras.datasets.historical_mean(
        ...     series, calendar, [70], 2, 1, steps_per_day=24, num_train=48)
        >>> y.item()  # midnight: the mean of step 0 and step 24
        12.0
    """
    values, first = _checked(values, starts, input_length, horizon, least=0)
    calendar = check_calendar(calendar, len(values), steps_per_day)
    num_train = arguments.integer("num_train", num_train)
    if num_train > len(values):
        raise ValueError(
            f"`num_train` must be at most {len(values)}, the number of steps of `values`. "
            f"Received: num_train={num_train}. Use `training_steps`."
        )
    season = seasonal_mean(values[:num_train], calendar[:num_train], steps_per_day)
    ahead = first[:, None] + input_length + np.arange(horizon)
    return season[slots(calendar, steps_per_day)[ahead]]


def residual_ridge(
    values: np.ndarray,
    calendar: np.ndarray,
    train: np.ndarray,
    starts: Array,
    input_length: int,
    horizon: int,
    *,
    steps_per_day: int,
    alpha: float = 1.0,
) -> np.ndarray:
    """Predicts residuals of the historical mean by ridge regression, and adds the mean again.

    A residual is a reading minus its historical mean. The residual of a missing reading is 0. Each
    node has its own regression, which predicts the next residuals from the last residuals of the
    node. This baseline has low errors on data with a daily pattern. Compare it with models that
    use the calendar.

    Args:
        values: (T, N, F) series. NaN marks a missing reading. Only the first feature is used and
            predicted.
        calendar: (T, 2). `calendar` of the steps.
        train: int array. First steps of the training windows.
        starts: (W,) int. First steps of the windows to predict.
        input_length: int. Number of input steps of a window.
        horizon: int. Number of target steps of a window.
        steps_per_day: int. Number of steps of the series in a day.
        alpha: float. Weight of the penalty on the squared coefficients.

    Returns:
        (W, horizon, N, 1).

    Example:
        >>> import numpy as np, stgkeras
        >>> hours = np.datetime64("2024-01-01T00", "h") + np.arange(300)
        >>> calendar = stgkeras.datasets.calendar(hours)
        >>> series = np.tile(np.arange(24.0), 13)[:300].reshape(300, 1, 1)
        >>> y = stgkeras.datasets.residual_ridge(
        ...     series, calendar, np.arange(200), [260], 12, 2, steps_per_day=24)
        >>> y.ravel().round().tolist()
        [8.0, 9.0]
    """
    from sklearn.linear_model import Ridge

    values, first = _checked(values, starts, input_length, horizon)
    _, train = _checked(values, train, input_length, horizon, "train")
    calendar = check_calendar(calendar, len(values), steps_per_day)
    alpha = arguments.number("alpha", alpha, low=0)
    values = values.astype("float64")[..., :1]
    num_train = int(np.max(train)) + input_length + horizon
    season = seasonal_mean(values[:num_train], calendar[:num_train], steps_per_day)
    season = season[slots(calendar, steps_per_day)]
    left = np.nan_to_num(values - season)[..., 0]  # (T, N)
    read, ahead = np.arange(input_length), input_length + np.arange(horizon)
    train, first = train[:, None], first[:, None]
    forecast = season[first + ahead]
    for node in range(values.shape[1]):
        x = left[:, node]
        ridge = Ridge(alpha=alpha).fit(x[train + read], x[train + ahead])
        forecast[:, :, node, 0] += ridge.predict(x[first + read]).reshape(len(first), horizon)
    return forecast


def _checked(values, starts, input_length, horizon, name="starts", least=1):
    """Returns the series as an array, and the starts as int64, or raises an error."""
    values = arguments.array("values", values, AXES)
    input_length = arguments.integer("input_length", input_length, least)
    span = input_length + arguments.integer("horizon", horizon)
    return values, checked_starts(starts, len(values), 0, span, name)
