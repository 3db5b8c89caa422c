"""What a forecaster is measured against: repetitions of the past."""

import numpy as np

from stgkeras.seasons import seasonal_mean, slots


def last_value(values, starts, input_length, horizon):
    """Repeats the last step that each window reads; where it is missing, the last reading before.

    Args:
        values: (T, N, F) series, NaN where missing.
        starts: (W,) int, first steps of the windows.
        input_length: int. Steps that a window reads.
        horizon: int. Steps that it predicts.

    Returns:
        (W, horizon, N, F).

    Example:
        >>> import numpy as np, stgkeras
        >>> series = np.arange(9.0).reshape(9, 1, 1)
        >>> stgkeras.datasets.last_value(series, np.array([0, 2]), 3, 2).ravel().tolist()
        [2.0, 2.0, 4.0, 4.0]
    """
    steps = np.arange(len(values)).reshape(-1, 1, 1)
    known = np.maximum.accumulate(np.where(np.isnan(values), 0, steps), axis=0)
    filled = np.take_along_axis(np.asarray(values), known, axis=0)
    last = np.asarray(starts) + input_length - 1
    return np.repeat(filled[last][:, None], horizon, axis=1)


def same_time(values, starts, input_length, horizon, lag):
    """Repeats what was measured `lag` steps before each step to predict.

    Args:
        values: (T, N, F) series.
        starts: (W,) int, first steps of the windows.
        input_length: int. Steps that a window reads.
        horizon: int. Steps that it predicts.
        lag: int ≥ horizon. One day or one week in steps.

    Returns:
        (W, horizon, N, F).

    Raises:
        ValueError: if `lag` is shorter than the horizon, or reaches back beyond the series.

    Example:
        >>> import numpy as np, stgkeras
        >>> series = np.arange(9.0).reshape(9, 1, 1)
        >>> stgkeras.datasets.same_time(series, np.array([4]), 3, 2, lag=5).ravel().tolist()
        [2.0, 3.0]
    """
    if lag < horizon:
        raise ValueError(
            f"`lag` must be at least `horizon`={horizon}, or it looks ahead. Received: lag={lag}"
        )
    steps = np.asarray(starts)[:, None] + input_length + np.arange(horizon) - lag
    if steps.min() < 0:
        raise ValueError(
            f"`lag` must stay within the series: the first window predicts step "
            f"{steps.min() + lag}. Received: lag={lag}"
        )
    return values[steps]


def historical_mean(values, calendar, starts, input_length, horizon, *, steps_per_day, num_train):
    """Predicts the mean of the training readings at that time of day and kind of day.

    Args:
        values: (T, N, F) series, NaN where missing.
        calendar: (T, 2), `calendar` of its steps.
        starts: (W,) int, first steps of the windows.
        input_length: int. Steps that a window reads.
        horizon: int. Steps that it predicts.
        steps_per_day: int. Steps of the series in a day.
        num_train: int. Leading steps to take means of, see `training_steps`.

    Returns:
        (W, horizon, N, F).

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
    season = seasonal_mean(values[:num_train], calendar[:num_train], steps_per_day)
    ahead = np.asarray(starts)[:, None] + input_length + np.arange(horizon)
    return season[slots(calendar, steps_per_day)[ahead]]


def residual_ridge(
    values, calendar, train, starts, input_length, horizon, *, steps_per_day, alpha=1.0
):
    """Ridge regression, a node at a time, of what is left of the historical mean.

    The last readings of a node less their historical mean predict its next ones; of a missing
    reading nothing is left. Hard to beat where a season rules: the bar for a model that knows the
    calendar.

    Args:
        values: (T, N, F) series, NaN where missing. The first feature is predicted, from itself.
        calendar: (T, 2), `calendar` of its steps.
        train: int array, first steps of the training windows.
        starts: (W,) int, first steps of the windows to predict.
        input_length: int. Steps that a window reads.
        horizon: int. Steps that it predicts.
        steps_per_day: int. Steps of the series in a day.
        alpha: float. Weight of the penalty on squared coefficients.

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

    values = np.asarray(values, "float64")[..., :1]
    num_train = int(np.max(train)) + input_length + horizon
    season = seasonal_mean(values[:num_train], calendar[:num_train], steps_per_day)
    season = season[slots(calendar, steps_per_day)]
    left = np.nan_to_num(values - season)[..., 0]  # (T, N)
    read, ahead = np.arange(input_length), input_length + np.arange(horizon)
    train, starts = np.asarray(train)[:, None], np.asarray(starts)[:, None]
    forecast = season[starts + ahead]
    for node in range(values.shape[1]):
        x = left[:, node]
        ridge = Ridge(alpha=alpha).fit(x[train + read], x[train + ahead])
        forecast[:, :, node, 0] += ridge.predict(x[starts + read]).reshape(len(starts), horizon)
    return forecast
