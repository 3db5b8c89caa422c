"""Puts the newest readings into the form of a forecaster: by name, on its steps, up to now."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets import calendar
from stgkeras.datasets.series.calendar import on_clock
from stgkeras.datasets.series.clocks import in_zone, zone_of
from stgkeras.datasets.series.sensor_names import renamed, shown
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting.covariates import covariate_inputs, known_steps, with_covariates
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.plain_frame import plain_readings
from stgkeras.forecasting.reading import as_series
from stgkeras.forecasting.result import Forecast

if TYPE_CHECKING:
    import pandas as pd

DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, eq=False)
class Newest:
    """The window from which a forecast is made.

    Args:
        values: (L, N, F) float32; NaN where a reading is missing.
        calendar: (L + H, 2), the calendar of the steps that are read and forecast; or None.
        times: (H,) the times of the forecast, see `Forecast.times`.
        flags: (N,) str, see `Forecast.flags`.
        covariates: dict of "past_covariates" (1, L, N, P) and "future_covariates" (1, H, N, C), as
            far as the forecaster has them.
    """

    values: np.ndarray
    calendar: np.ndarray | None
    times: pd.Index
    flags: np.ndarray
    covariates: dict[str, np.ndarray] = field(default_factory=dict)


def newest_window(form: Form, newest: Any, earlier: int = 0, covariates: Any = None) -> Newest:
    """Returns the last window of readings.

    Args:
        form: `Form`.
        newest: `Series`, pandas frame (times as index, a column for each sensor), or the path of
            a csv file.
        earlier: int. Number of steps before the window, which the values and the calendar then
            begin with. They count for no flag.
        covariates: None, or covariates of the steps that are read and forecast.
    """
    series = _with_covariates(form, newest, covariates)
    if series is None:
        values, stamps = plain_readings(form, newest) or _readings(form, newest)
    else:
        values, stamps = series.values, series.timestamps
    length = form.input_length + earlier
    rows = len(values)
    while rows and np.isnan(values[rows - 1]).all():  # rows that are not measured yet
        rows -= 1
    if rows:
        values, stamps = values[:rows], None if stamps is None else stamps[:rows]
    if len(values) < length:
        raise ValueError(
            f"`newest` must have readings of the last {length} steps of {form.interval:g} minutes"
            f"{_from_to(form, stamps, length)}. Received: {len(values)} steps. Pass older readings "
            "too."
        )
    if not rows:
        raise ValueError(
            f"`newest` must have a reading in the last {length} steps"
            f"{_from_to(form, stamps, length)}. Received: none of any sensor. Pass newer readings."
        )
    window = values[-length:]
    times, clock = _ahead(form, stamps, length)
    inputs = {}
    if series is not None:
        end = len(values) + form.horizon
        for name, part in covariate_inputs(form, series, len(values) - length, end).items():
            part = part if name == "past_covariates" else part[length:]
            part = part if part.ndim == 3 else np.repeat(part[:, None], len(form.names), axis=1)
            inputs[name] = part[None].astype(np.float32, copy=False)
    return Newest(window, clock, times, _flags(form, values, stamps), inputs)


def _with_covariates(form, newest, covariates):
    """Returns the readings in the order of a form, with covariates; None if it needs none."""
    if covariates is None and not any(form.covariate_counts.values()):
        return None
    series = with_covariates(as_series(form, newest), covariates, form)
    values = in_order(form, series)
    return replace(series, values=values, names=form.names, features=form.features, adjacency=None)


def recent_windows(
    form: Form, newest: Any, most: int, covariates: Any = None
) -> tuple[Series, np.ndarray]:
    """Returns the newest readings as a series, and the starts of its last windows.

    The last window is that of `newest_window`. The series has missing readings after its end, so
    that each window has all its targets.

    Args:
        form: `Form`.
        newest: as in `newest_window`.
        most: int. Largest number of windows. There are fewer if covariates are not known as long.
        covariates: as in `newest_window`.
    """
    given = _with_covariates(form, newest, covariates)
    if given is None:
        values, stamps = _readings(form, newest)
    else:
        values, stamps = given.values, given.timestamps
    rows = np.flatnonzero(~np.isnan(values).all(axis=(1, 2)))[-1] + 1
    values = values[:rows]
    first = 0 if given is None else known_steps(form, given, rows + form.horizon)
    end = rows - form.input_length + 1
    starts = np.arange(max(first, end - most), end)
    ahead = np.full((form.horizon, *values.shape[1:]), np.nan, np.float32)
    if stamps is not None:
        step = np.timedelta64(round(form.interval * 60e6), "us")
        first = stamps[0].astype("datetime64[us]")
        stamps = first + np.arange(rows + form.horizon) * step
    series = Series(
        np.concatenate([values, ahead]),
        None,
        form.names,
        form.features,
        form.interval,
        stamps,
        form.units,
        timezone=form.timezone,
        holidays=form.holidays,
        covariates=None if given is None else given.covariates,
    )
    return series, starts


def _readings(form, newest):
    """Returns the readings (T, N, F) in the order of a form, and the times (T,) or None."""
    series = as_series(form, newest)
    return in_order(form, series), series.timestamps


def dated(
    form: Form,
    window: Newest,
    values: np.ndarray,
    quantiles: np.ndarray | None = None,
    levels: tuple[float, ...] = (),
) -> Forecast:
    """Returns the `Forecast` of the steps after a window, from values (H, N, C) and quantiles."""
    return Forecast(
        window.times,
        form.names,
        form.target_names,
        tuple(form.units[f] for f in form.targets),
        values,
        window.flags[None].repeat(len(values), axis=0),
        quantiles,
        levels,
    )


def in_order(form: Form, series: Series) -> np.ndarray:
    """Returns values (T, N, F) in the order of the sensors and features of a form."""
    if series.names != form.names:
        check_names(form, series.names)
    features = list(series.features)
    if len(form.features) == len(features) == 1:
        features = list(form.features)  # "value" of a wide table
    absent = [name for name in form.features if name not in features]
    if absent:
        raise ValueError(
            f"`newest` must have the features {form.features}. Received: {tuple(features)}, "
            f"without {shown(absent)}"
        )
    given = series.values
    if tuple(features) != form.features:
        given = given[..., [features.index(name) for name in form.features]]
    if series.names == form.names:
        return given.astype(np.float32, copy=False)
    values = np.full((len(given), len(form.names), len(form.features)), np.nan, np.float32)
    places = {name: n for n, name in enumerate(form.names)}
    values[:, [places[name] for name in series.names]] = given
    return values


def check_names(form: Form, names: Sequence[str], argument: str = "newest") -> None:
    """Raises ValueError if a form does not have one of the names of sensors."""
    known = set(form.names)
    unknown = [name for name in names if name not in known]
    if unknown:
        fix = renamed(unknown, form.names) or "Remove them, or fit the forecaster again."
        raise ValueError(
            f"`{argument}` must have sensors of the forecaster: {shown(form.names)}. Received: "
            f"{shown(unknown)}, which it does not know. {fix}"
        )


def _ahead(form, stamps, length):
    """Returns the times of the forecast, and the calendar of the window and the forecast."""
    import pandas as pd

    if not form.dated:
        return pd.RangeIndex(1, form.horizon + 1, name="step"), None
    utc = stamps[-1].astype("datetime64[us]") + _steps(form.interval, length, form.horizon)
    times = in_zone(utc[-form.horizon :], form.timezone)
    times.name = "time"
    return times, _calendar(form, utc)


@functools.lru_cache(maxsize=8)
def _steps(interval, length, horizon):
    """Returns the times of the steps that are read and forecast, from the last one that is read."""
    return np.arange(1 - length, horizon + 1) * np.timedelta64(round(interval * 60e6), "us")


def _calendar(form, utc):
    """Returns the calendar of rising UTC times, sooner if the clock does not change on the way."""
    if form.timezone is not None and utc[-1] - utc[0] <= DAY:
        zone = zone_of(form.timezone)
        first, last = (
            time.item().replace(tzinfo=datetime.UTC).astimezone(zone).utcoffset()
            for time in (utc[0], utc[-1])
        )
        if first == last:
            return on_clock(utc + np.timedelta64(first), form.holidays)
    return calendar(utc, form.timezone, form.holidays)


def _flags(form, values, stamps):
    """Returns the flag of each sensor, from the readings of its targets in the window.

    Of several targets, the one with the fewest readings counts.
    """
    flags = np.full(len(form.names), "", object)
    length = form.input_length
    window = form.targets_of(values[len(values) - length :])  # (L, N, C)
    missing = np.isnan(window)
    lowest = [-np.inf if low is None else low for low in form.floor]
    below = window < np.array(lowest, np.float32)
    if all(form.trained) and not missing.any() and not below.any():
        return flags
    each, below = (~missing).sum(axis=0), below.any(axis=0)  # (N, C)
    counts = each.min(axis=-1)
    for n in np.flatnonzero((counts > 0) & (counts <= length // 2)).tolist():
        flags[n] = f"{counts[n]} of {length} readings"
    for n, c in np.argwhere(below).tolist():
        flags[n] = f"reading below {form.floor[c]:g}"
    for n in np.flatnonzero(~np.array(form.trained)).tolist():
        flags[n] = "no reading in training"
    for n in np.flatnonzero(counts == 0).tolist():
        last = form.last_seen[n]
        c = form.targets[int(each[n].argmin())]
        rows = np.flatnonzero(~np.isnan(values[:, n, c]))
        if len(rows) and stamps is not None:
            last = str(stamps[rows[-1]])
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


def _from_to(form, stamps, length):
    if stamps is None:
        return ""
    last = stamps[-1]
    first = last - (length - 1) * np.timedelta64(round(form.interval * 60), "s")
    return f", from {_local(form, str(first))} to {_local(form, str(last))}"
