"""Puts the newest readings into the form of a forecaster: by name, on its steps, up to now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets import calendar
from stgkeras.datasets.series.clocks import zone_of
from stgkeras.datasets.series.sensor_names import renamed, shown
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.reading import as_series

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Newest:
    """The window from which a forecast is made.

    Args:
        values: (L, N, F) float32; NaN where a reading is missing.
        calendar: (L + H, 2), the calendar of the steps that are read and forecast; or None.
        times: (H,) the times of the forecast, see `Forecast.times`.
        flags: (N,) str, see `Forecast.flags`.
    """

    values: np.ndarray
    calendar: np.ndarray | None
    times: pd.Index
    flags: np.ndarray


def newest_window(form: Form, newest: Any) -> Newest:
    """Returns the last window of readings.

    Args:
        form: `Form`.
        newest: `Series`, pandas frame (times as index, a column for each sensor), or the path of
            a csv file.
    """
    series = as_series(form, newest)
    values = in_order(form, series)
    length = form.input_length
    known = np.flatnonzero(~np.isnan(values).all(axis=(1, 2)))
    if len(known):  # rows without any reading at the end are not measured yet
        values = values[: known[-1] + 1]
        if series.timestamps is not None:
            series = replace(series, timestamps=series.timestamps[: known[-1] + 1])
    if len(values) < length:
        raise ValueError(
            f"`newest` must have readings of the last {length} steps of {form.interval:g} minutes"
            f"{_from_to(form, series)}. Received: {len(values)} steps. Pass older readings too."
        )
    values = values[-length:]
    if not len(known):
        raise ValueError(
            f"`newest` must have a reading in the last {length} steps"
            f"{_from_to(form, series)}. Received: none of any sensor. Pass newer readings."
        )
    # A sensor counts as present at a step if it has all targets.
    present = ~np.isnan(values[..., list(form.targets)]).any(axis=-1)  # (L, N)
    times, clock = _ahead(form, series)
    return Newest(values, clock, times, _flags(form, series, present.sum(axis=0)))


def in_order(form: Form, series: Series) -> np.ndarray:
    """Returns values (T, N, F) in the order of the sensors and features of a form."""
    unknown = [name for name in series.names if name not in form.names]
    if unknown:
        fix = renamed(unknown, form.names) or "Remove them, or fit the forecaster again."
        raise ValueError(
            f"`newest` must have sensors of the forecaster: {shown(form.names)}. Received: "
            f"{shown(unknown)}, which it does not know. {fix}"
        )
    features = list(series.features)
    if len(form.features) == len(features) == 1:
        features = list(form.features)  # "value" of a wide table
    absent = [name for name in form.features if name not in features]
    if absent:
        raise ValueError(
            f"`newest` must have the features {form.features}. Received: {tuple(features)}, "
            f"without {shown(absent)}"
        )
    values = np.full((len(series.values), len(form.names), len(form.features)), np.nan, np.float32)
    places = [form.names.index(name) for name in series.names]
    values[:, places] = series.values[..., [features.index(name) for name in form.features]]
    return values


def _ahead(form, series):
    """Returns the times of the forecast, and the calendar of the window and the forecast."""
    import pandas as pd

    if not form.dated:
        return pd.RangeIndex(1, form.horizon + 1, name="step"), None
    step = np.timedelta64(round(form.interval * 60e6), "us")
    steps = np.arange(1 - form.input_length, form.horizon + 1)
    utc = series.timestamps[-1].astype("datetime64[us]") + steps * step
    clock = calendar(utc, form.timezone, form.holidays)
    times = pd.DatetimeIndex(utc[-form.horizon :], name="time")
    if form.timezone is not None:
        times = times.tz_localize("UTC").tz_convert(zone_of(form.timezone))
    return times, clock


def _flags(form, series, counts):
    """Returns the flag of each sensor from its number of readings in the window."""
    flags = np.full(len(form.names), "", object)
    length = form.input_length
    for n in np.flatnonzero((counts > 0) & (counts <= length // 2)).tolist():
        flags[n] = f"{counts[n]} of {length} readings"
    for n in np.flatnonzero(~np.array(form.trained)).tolist():
        flags[n] = "no reading in training"
    for n in np.flatnonzero(counts == 0).tolist():
        last = form.last_seen[n]
        name = form.names[n]
        if name in series.names:
            column = series.values[:, series.names.index(name)]
            rows = np.flatnonzero(~np.isnan(column).all(axis=-1))
            if len(rows) and series.timestamps is not None:
                last = str(series.timestamps[rows[-1]])
        flags[n] = "never a reading" if last is None else f"no reading since {_local(form, last)}"
    return flags


def _local(form, time):
    """Returns a stored time as local time with its UTC offset."""
    import pandas as pd

    if not form.dated:
        return f"step {time}"
    stamp = pd.Timestamp(time)
    if form.timezone is not None:
        stamp = stamp.tz_localize("UTC").tz_convert(zone_of(form.timezone))
    return stamp.isoformat(sep=" ", timespec="minutes")


def _from_to(form, series):
    if series.timestamps is None:
        return ""
    last = series.timestamps[-1]
    first = last - (form.input_length - 1) * np.timedelta64(round(form.interval * 60), "s")
    return f", from {_local(form, str(first))} to {_local(form, str(last))}"
