"""Covariates of a forecaster: numbers beside the readings, such as weather, matched by time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets import from_pandas, load_series
from stgkeras.datasets.series.columns import is_sensor_name
from stgkeras.datasets.series.files import file_type
from stgkeras.datasets.series.sensor_names import differences, shown
from stgkeras.datasets.series.series import Series
from stgkeras.datasets.series.tables import TABLES, read_table
from stgkeras.forecasting.attributes import attributes_of

if TYPE_CHECKING:
    from stgkeras.forecasting.form import Form

ALL = "all sensors"  # name of the only node of covariates that count for all sensors
MINUTE = np.timedelta64(60_000_000, "us")


def with_covariates(series: Series, covariates: Any, form: Form | None = None) -> Series:
    """Returns a series with covariates, or with those that it has already.

    Args:
        series: `Series`.
        covariates: `Series`, pandas frame, dict of frames or path, see `Forecaster.fit`; or None.
        form: `Form` of a trained forecaster, which names the covariates; None before training.

    Raises:
        ValueError: if covariates are missing, or were not used in training.
    """
    if covariates is not None:
        series = replace(series, covariates=_checked(series, _read(series, covariates)))
    if form is None:
        return series
    wanted = form.past_covariates + form.future_covariates
    known = () if series.covariates is None else series.covariates.features
    missing = [name for name in wanted if name not in known]
    if missing:
        raise ValueError(
            f"`covariates` must have {shown(wanted)}, as in training. Received: "
            f"{shown(known) if known else 'none'}, without {shown(missing)}. Pass `covariates` "
            "for the steps that are read and, if they are known ahead, those that are forecast."
        )
    if covariates is not None and not wanted:
        raise ValueError(
            "`covariates` must be None, because the forecaster was trained without covariates. "
            f"Received: {shown(known)}. Omit `covariates`, or fit the forecaster with them."
        )
    return series


def known_as(series: Series, known: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the names of the covariates of a series that are known up to now, and ahead.

    Args:
        known: "past", "future", or a dict of the name of each covariate → one of them.
    """
    if series.covariates is None:
        return (), ()
    names = series.covariates.features
    kinds = known if isinstance(known, Mapping) else dict.fromkeys(names, known)
    if set(kinds) != set(names) or not all(kind in ("past", "future") for kind in kinds.values()):
        raise ValueError(
            '`known` must be "past", "future", or a dict with one of them for each covariate of '
            f"{shown(names)}. Received: known={known!r}. Pass, for example, {{{names[0]!r}: "
            '"future"}.'
        )
    past = tuple(name for name in names if kinds[name] == "past")
    return past, tuple(name for name in names if name not in past)


def described(series: Series, known: Any, attributes: Any) -> dict[str, Any]:
    """Returns the fields of a `Form` about covariates and attributes, as `Forecaster.fit` has them.

    Args:
        series: `Series`, with covariates or without.
        known, attributes: as in `Forecaster.fit`.
    """
    past, ahead = known_as(series, known)
    names, values = attributes_of(attributes, series.names)
    return {
        "past_covariates": past,
        "future_covariates": ahead,
        "attributes": names,
        "attribute_values": values,
    }


def fit_options(form: Form) -> dict[str, Any]:
    """Returns the arguments `known` and `attributes` of `Forecaster.fit` for the same data."""
    import pandas as pd

    found: dict[str, Any] = {}
    if form.past_covariates or form.future_covariates:
        found["known"] = dict.fromkeys(form.past_covariates, "past")
        found["known"] |= dict.fromkeys(form.future_covariates, "future")
    if form.attributes:
        values = np.array(form.attribute_values)
        found["attributes"] = pd.DataFrame(values, [*form.names], [*form.attributes])
    return found


def covariate_inputs(form: Form, series: Series, first: int, end: int) -> dict[str, np.ndarray]:
    """Returns the covariates of the steps `first` to `end` - 1 as inputs of a model.

    The last `form.horizon` of these steps are those to forecast: there, only covariates that are
    known ahead are needed. Covariates that are known ahead are inputs for the past too.

    Args:
        form: `Form`.
        series: `Series` with covariates. Steps after its end continue its times.

    Returns:
        dict of "past_covariates" (end - first - H, P) or (…, N, P), and "future_covariates"
        (end - first, C) or (…, N, C). A key is missing if there are no such covariates.
    """
    steps, ahead, named = end - first, len(form.future_covariates), {}
    names = form.past_covariates + form.future_covariates
    values = np.zeros((steps, 0), np.float32)
    if names:
        values = _at(form, series, names, first, end)  # (K, C) or (K, N, C)
    past = values[: steps - form.horizon]
    if form.attributes:
        fixed = np.array(form.attribute_values, np.float32)  # (N, A)
        if past.ndim == 2:
            past = np.broadcast_to(past[:, None], (len(past), len(fixed), past.shape[-1]))
        fixed = np.broadcast_to(fixed, (len(past), *fixed.shape))
        past = np.concatenate([past, fixed], axis=-1) if names else fixed
    if past.shape[-1]:
        named["past_covariates"] = past
    if ahead:
        named["future_covariates"] = values[..., len(names) - ahead :]
    return named


def covariates_of(form: Form, series: Series, starts: np.ndarray) -> dict[str, Any]:
    """Returns the covariates of the steps of a series, as `Windows` takes them.

    Covariates of steps that no window reads are 0.
    """
    if not any(form.covariate_counts.values()):
        return {}
    first, last = int(np.min(starts)), int(np.max(starts))
    found = covariate_inputs(form, series, first, last + form.input_length + form.horizon)
    whole = {}
    for name, part in found.items():
        whole[name] = np.zeros((len(series.values), *part.shape[1:]), np.float32)
        whole[name][first : first + len(part)] = part
    return whole


def known_steps(form: Form, series: Series, end: int) -> int:
    """Returns the first step from which on, up to `end` - 1, all covariates are known."""
    names = form.past_covariates + form.future_covariates
    if not names:
        return 0
    values = _values(form, series, names, 0, end)
    unknown = _unknown(form, values, len(form.past_covariates))
    return int(unknown[-1][0]) + 1 if len(unknown) else 0


def _at(form, series, names, first, end):
    """Returns the covariates of steps, or raises ValueError if a needed one is not known."""
    values = _values(form, series, names, first, end)
    unknown = _unknown(form, values, len(form.past_covariates))
    if len(unknown):
        step, *place, number = unknown[0].tolist()
        sensor = f" of sensor {form.names[place[0]]!r}" if place else ""
        steps = {int(row[0]) for row in unknown if row[-1] == number}
        shown_at = _shown_time(series, first + step)
        raise ValueError(
            f"`covariates` must have {names[number]!r} for each step from "
            f"{_shown_time(series, first)} to {_shown_time(series, end - 1)}"
            f"{'' if number >= len(form.past_covariates) else ', except the steps to forecast'}. "
            f"Received: none{sensor} at {shown_at}, {len(steps)} of {end - first} steps without "
            "it. Pass newer values, or fill the gaps with the last value that was known."
        )
    return np.nan_to_num(values)


def _unknown(form, values, past):
    """Returns the indices (steps, …, covariates) of needed covariates that are not finite."""
    needed = ~np.isfinite(values)
    needed[len(values) - form.horizon :, ..., :past] = False
    return np.argwhere(needed)


def _values(form, series, names, first, end):
    """Returns covariates (K, C) or (K, N, C) float32; NaN where there is no row."""
    found = series.covariates
    if found.timestamps is None:
        rows = np.arange(first, end)
        inside = rows < len(found.values)
    else:
        # The last row that is not later than the step, and not older than the rows are apart.
        # A day on the local clock can have 25 hours.
        times = found.timestamps.astype("datetime64[us]")
        room = found.interval + (60 if found.interval % 1440 == 0 else 0)
        stamps = _times(series, first, end)
        rows = np.searchsorted(times, stamps, side="right") - 1
        inside = (rows >= 0) & (stamps - times[rows] < np.timedelta64(round(room * 60e6), "us"))
    values = found.values[np.where(inside, rows, 0)]
    values = np.where(inside[:, None, None], values, np.nan)
    values = values[..., [found.features.index(name) for name in names]]
    if len(found.names) == 1 and found.names[0] not in form.names:
        return values[:, 0]
    return values[:, [found.names.index(name) for name in form.names]]


def _times(series, first, end):
    """Returns the times of steps, also after the end of the series."""
    stamps = series.timestamps.astype("datetime64[us]")
    more = end - len(stamps)
    if more > 0:
        step = np.timedelta64(round(series.interval * 60e6), "us")
        stamps = np.concatenate([stamps, stamps[-1] + step * np.arange(1, more + 1)])
    return stamps[first:end]


def _shown_time(series, step):
    if series.timestamps is None:
        return f"step {step}"
    from stgkeras.datasets.series.clocks import in_zone

    stamp = in_zone(_times(series, step, step + 1), series.timezone)[0]
    return stamp.isoformat(sep=" ", timespec="minutes")


def _read(series, given):
    """Reads covariates as a series, whose features they are."""
    if isinstance(given, Series):
        return given
    options: dict[str, Any] = {"null_value": np.nan, "timezone": series.timezone}
    dated = series.timestamps is not None
    options |= {"regularize": True} if dated else {"interval": series.interval}
    first = next(iter(given.values()), None) if isinstance(given, Mapping) else given
    try:
        if hasattr(first, "columns"):
            return from_pandas(_frames(series, given), **options)
        if isinstance(given, (str, os.PathLike)) and file_type(given, (".npz", *TABLES)) != ".npz":
            table = read_table(given)
            is_long = table.second is not None or any(map(is_sensor_name, table.names))
            options["layout"] = None if is_long else "station"
        return load_series(given, **options)
    except (TypeError, ValueError) as error:
        if type(error) not in (TypeError, ValueError):
            raise
        raise type(error)(str(error).replace("`frames`", "`covariates`")) from error


def _frames(series, given):
    """Returns frames as `from_pandas` takes them: columns of a plain frame are covariates."""
    if isinstance(given, Mapping) or given.columns.nlevels > 1:
        return given
    sensors = [str(name) for name in given.columns if str(name) in series.names]
    if sensors:
        raise ValueError(
            "`covariates` must have a column for each covariate. Received: columns with the names "
            f"of sensors, {shown(sensors)}. If each column is a covariate of one sensor, pass a "
            'dict of name → frame, such as {"rain": frame}.'
        )
    return {str(name): given[[name]].set_axis([ALL], axis=1) for name in given.columns}


def _checked(series, found):
    if (found.timestamps is None) != (series.timestamps is None):
        raise ValueError(
            "`covariates` must have times if the readings have times, and none otherwise. "
            f"Received: readings with timestamps={series.timestamps is not None}, covariates with "
            f"{found.timestamps is not None}. Pass both with times, or both without."
        )
    if (found.timezone is None) != (series.timezone is None):
        raise ValueError(
            "`covariates` must have a time zone if the readings have one, and none otherwise. "
            f"Received: timezone={series.timezone!r} of the readings, {found.timezone!r} of the "
            "covariates. Pass `timezone` when you read them."
        )
    if found.timestamps is not None and found.interval is None:
        raise ValueError(
            "`covariates` must have steps of equal length. Received: steps of months. Pass a row "
            "for each day."
        )
    missing, _ = differences(series.names, found.names)
    if missing and (len(found.names) > 1 or found.names[0] in series.names):
        raise ValueError(
            f"`covariates` must have all sensors of the series, or one node for all. Received: "
            f"{shown(found.names)}, without {shown(missing)}. Add the missing sensors."
        )
    return found
