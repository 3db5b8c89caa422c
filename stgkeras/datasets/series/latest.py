"""The window from which the newest forecast is made."""

from __future__ import annotations

from typing import Any

import numpy as np

from stgkeras import arguments
from stgkeras.datasets.series.calendar import calendar as compute_calendar
from stgkeras.datasets.series.series import Series
from stgkeras.datasets.series.splits import history, reach, read_steps
from stgkeras.types import Array


def latest_window(
    series: Series | Array,
    *,
    input_length: int | dict[str, int],
    horizon: int,
    timestamps: Array | None = None,
    steps_per_day: int | None = None,
    calendar: bool | None = None,
    past_calendar: bool = False,
    past_covariates: Array | None = None,
    future_covariates: Array | None = None,
) -> Any:
    """Returns the inputs of a model for the steps after the last reading.

    Args:
        series: `Series`, or an array (T, N, F) of its values; NaN if missing.
        input_length: int or dict, as in `Windows`.
        horizon: int. Number of steps to forecast.
        timestamps: None, or (T,) datetime64, the local times of the steps. Only for an array: a
            `Series` contains its times.
        steps_per_day: int. Number of steps per day, for daily and weekly components.
        calendar: bool. Whether the inputs contain the calendar of the steps to forecast, for a
            model with a season. Default: if there are timestamps.
        past_calendar: bool. Whether the inputs contain the calendar of the steps that are read, for
            a model with `past_calendar=True`. Default False.
        past_covariates: None, or (T, P) or (T, N, P), covariates of the steps of `series`.
        future_covariates: None, or (T + horizon, C) or (T + horizon, N, C), covariates of these
            steps and of the steps to forecast.

    Returns:
        Array (1, L, N, F) float32, or a dict of the inputs as in `Windows`: "x", or a key for each
        component, "calendar" (1, horizon, 2) and "past_calendar" (1, L, 2). Pass it to
        `model.predict`.

    Raises:
        TypeError, ValueError: if an argument is invalid, the series is too short, covariates do not
            reach the end, or a calendar is asked for without timestamps.

    Example:
        >>> import numpy as np, stgkeras
        >>> hours = np.datetime64("2024-01-01T00", "h") + np.arange(48)
        >>> values = np.arange(48.0).reshape(48, 1, 1)
        >>> inputs = stgkeras.datasets.latest_window(
        ...     values, timestamps=hours, input_length=2, horizon=3)
        >>> inputs["x"].ravel().tolist(), (24 * inputs["calendar"][0, :, 0]).round().tolist()
        ([46.0, 47.0], [0.0, 1.0, 2.0])
    """
    # Imported here, because `Windows` needs Keras. The other data functions need no backend.
    from stgkeras.datasets.series.windows import Windows

    timezone = holidays = None
    times = (
        None if timestamps is None else np.atleast_1d(arguments.entries("timestamps", timestamps))
    )
    if isinstance(series, Series):
        if times is not None:
            raise ValueError(
                "`timestamps` must be None for a `Series`, which has its own. Received: "
                f"{len(times)} timestamps. Omit `timestamps`."
            )
        values, times = series.values, series.timestamps
        timezone, holidays = series.timezone, series.holidays
    else:
        values = np.atleast_1d(arguments.array("series", series))
    arguments.integer("horizon", horizon)
    if steps_per_day is not None:
        arguments.integer("steps_per_day", steps_per_day)
    if calendar is not None:
        calendar = arguments.boolean("calendar", calendar)
    past_calendar = arguments.boolean("past_calendar", past_calendar)
    read = read_steps(input_length, horizon, steps_per_day)
    need = history(read) + reach(input_length, horizon) - horizon
    if len(values) < need:
        raise ValueError(
            f"`series` must have at least {need} steps for input_length={input_length}. "
            f"Received: {len(values)} steps. Pass older readings too."
        )
    if times is not None and len(times) != len(values):
        raise ValueError(
            f"`timestamps` must have one time for each of the {len(values)} steps. "
            f"Received: {len(times)} timestamps. Pass the times of these steps."
        )
    calendar = times is not None if calendar is None else calendar
    if (calendar or past_calendar) and times is None:
        raise ValueError(
            "`timestamps` must be given for a calendar. Received: timestamps=None, "
            f"calendar={calendar}, past_calendar={past_calendar}. Pass `timestamps`, or a `Series` "
            "with timestamps."
        )
    # Only the last steps are read: `need` of them, and those of a clock change.
    keep, total = min(len(values), need + (steps_per_day or 0)), len(values)
    ahead = np.full((horizon, *values.shape[1:]), np.nan, np.float32)
    values = np.concatenate([np.asarray(values[-keep:], np.float32), ahead])
    clock = None
    if times is not None:
        clock = compute_calendar(_continued(times, keep, horizon), timezone, holidays)
    given = {"past_covariates": past_covariates, "future_covariates": future_covariates}
    covariates = {
        name: _to_the_end(name, array, total, keep, horizon)
        for name, array in given.items()
        if array is not None
    }
    start = len(values) - reach(input_length, horizon)
    windows = Windows(
        values,
        values,
        np.array([start]),
        input_length=input_length,
        horizon=horizon,
        steps_per_day=steps_per_day,
        missing=True,
        calendar=clock if calendar else None,
        past_calendar=clock if past_calendar else None,
        clock=clock,
        **covariates,
    )
    return windows[0][0]


def _to_the_end(name, array, total, keep, horizon):
    """Returns the last covariates, of `keep` read steps and the steps to forecast."""
    array = arguments.array(name, array)
    wanted = total if name == "past_covariates" else total + horizon
    if len(array) != wanted:
        steps = "the steps of `series`"
        steps += "" if wanted == total else f" and the {horizon} steps to forecast"
        raise ValueError(
            f"`{name}` must have a row for each of {steps}, {wanted} rows. Received: {len(array)} "
            "rows. Pass the covariates of these steps."
        )
    if wanted == total:  # the steps to forecast are not read
        array = np.concatenate([array, np.zeros((horizon, *array.shape[1:]), array.dtype)])
    return array[-(keep + horizon) :]


def _continued(times, keep, horizon):
    """Returns the last `keep` times and the `horizon` next times, with the last time step."""
    if times.dtype.kind != "M" or times.ndim != 1 or len(times) < 2:
        raise ValueError(
            "`timestamps` must be at least two datetime64. Received: "
            f"dtype={times.dtype}, shape={times.shape}. Pass the times of all steps."
        )
    step = times[-1] - times[-2]
    if step <= np.timedelta64(0):
        raise ValueError(
            f"`timestamps` must rise. Received: {times[-2]} and then {times[-1]} at the end. Sort "
            "the steps by time."
        )
    return np.concatenate([times[-keep:], times[-1] + step * np.arange(1, horizon + 1)])
