"""Baseline forecasts of the test windows of a series."""

from __future__ import annotations

from typing import Any

import numpy as np

from stgkeras import arguments, datasets
from stgkeras.datasets import Series, Split
from stgkeras.datasets.series.calendar import whole_steps_per_day


def baselines(
    series: Series, split: Split, *, input_length: int, horizon: int, num_outputs: int = 1
) -> dict[str, np.ndarray]:
    """Forecasts the test windows of a split without a model, for comparison.

    The forecasts are the last value, the readings at the same time one day and one week before, the
    historical mean by time of day for working days and weekends, and a ridge regression on the
    residuals of the historical mean. The last two need timestamps. The readings of the last day or
    week need enough steps before the test part; if such a reading is missing, the forecast is the
    last value.

    Args:
        series: `datasets.Series` with an interval.
        split: `datasets.Split` of the windows.
        input_length: int. Number of steps that are read.
        horizon: int. Number of steps to forecast.
        num_outputs: int. Number of features to forecast, from the first. Default 1.

    Returns:
        dict of name → (W, horizon, N, num_outputs) for the W windows of `split.test`.

    Raises:
        TypeError: if `series` is no `Series`.
        ValueError: if the series has no interval, `split` has no test windows, or a number is out
            of range.

    Example:
        >>> import numpy as np, stgkeras
        >>> series = stgkeras.datasets.from_arrays(np.arange(80.0).reshape(40, 2), interval=60)
        >>> reach = {"input_length": 4, "horizon": 2}
        >>> split = stgkeras.datasets.split_windows(40, **reach)
        >>> found = stgkeras.reports.baselines(series, split, **reach)
        >>> {name: forecast.shape for name, forecast in found.items()}
        {'last value': (3, 2, 2, 1), 'same time last day': (3, 2, 2, 1)}
    """
    arguments.instance("series", series, Series, "Pass the result of `datasets.load_series`.")
    if not isinstance(split, tuple) or len(split) != 3 or not np.size(split[2]):
        raise ValueError(
            f"`split` must have a training, a validation and a test part. Received: split of "
            f"type {type(split).__name__}, or without test windows. Pass "
            "the result of `datasets.split_windows`, with windows in the test part."
        )
    split = Split(*split)
    input_length = arguments.integer("input_length", input_length)
    horizon = arguments.integer("horizon", horizon)
    if arguments.integer("num_outputs", num_outputs) > len(series.features):
        raise ValueError(
            f"`num_outputs` must be at most {len(series.features)}, the number of features. "
            f"Received: num_outputs={num_outputs}"
        )
    if series.interval is None:
        raise ValueError(
            "`series` must have an interval. Received: interval=None. Pass `interval` in minutes "
            "when you create the series."
        )
    targets = series.values[..., :num_outputs]
    reach = {"input_length": input_length, "horizon": horizon}
    past: dict[str, Any] = {"values": targets, "starts": split.test, **reach}
    day = whole_steps_per_day(series.interval)
    clock: dict[str, Any] = {}
    if series.timestamps is not None and day:
        clock = {"calendar": series.calendar, "steps_per_day": day}
    rows = {"last value": datasets.last_value(**past)}
    lags = {"same time last day": day, "same time last week": 7 * day} if day else {}
    for name, lag in lags.items():
        if horizon <= lag <= split.test[0] + input_length:
            then = datasets.same_time(**past, lag=lag, **clock)
            if not np.isnan(then).all():  # as on the clock of a series without weekends
                rows[name] = np.where(np.isnan(then), rows["last value"], then)
    if clock:
        known = datasets.training_steps(split, **reach)
        rows["historical mean"] = datasets.historical_mean(**past, **clock, num_train=known)
        rows["ridge on the residual"] = np.concatenate(
            [
                datasets.residual_ridge(**{**past, **clock, "values": one}, train=split.train)
                for one in np.split(targets, num_outputs, axis=-1)
            ],
            axis=-1,
        )
    return rows
