"""Covariates of a forecaster: numbers beside the readings, such as weather, matched by time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets.series.clocks import wall_clock
from stgkeras.datasets.series.sensor_names import shown
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting.attributes import attributes_of
from stgkeras.forecasting.covariate_files import checked_covariates, read_covariates

if TYPE_CHECKING:
    from stgkeras.forecasting.form import Form

DAY = 24 * 60  # minutes


def with_covariates(series: Series, covariates: Any, form: Form | None = None) -> Series:
    """Returns a series with covariates, or with those that it has already.

    Args:
        series: `Series`.
        covariates: `Series`, pandas frame, dict of frames or path, see `Forecaster.fit`; or None.
        form: `Form` of a trained forecaster, which names the covariates; None before training.

    Raises:
        ValueError: if covariates are missing, or were not used in training.
    """
    if covariates is None:
        covariates = series.covariates
    if covariates is not None:
        found = checked_covariates(series, read_covariates(series, covariates))
        series = replace(series, covariates=found)
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

    Raises:
        ValueError: if `known` is another value, or given without covariates.
    """
    if series.covariates is None:
        if known == "past" or known == {}:
            return (), ()
        raise ValueError(
            f"`known` must be omitted without covariates. Received: known={known!r}. Pass "
            "`covariates` too, or omit `known`."
        )
    names = series.covariates.features
    kinds = known if isinstance(known, Mapping) else dict.fromkeys(names, known)
    is_kind = [isinstance(kind, str) and kind in ("past", "future") for kind in kinds.values()]
    if set(kinds) != set(names) or not all(is_kind):
        example = {name: "future" if number else "past" for number, name in enumerate(names)}
        raise ValueError(
            '`known` must be "past", "future", or a dict with one of them for each covariate: '
            f"{shown(names)}. Received: known={known!r}. Name each covariate, for example "
            f"`known={example}`."
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
            "it. Pass rows of these steps, or fill the gaps with the last value that was known."
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
        times, stamps = found.timestamps.astype("datetime64[us]"), _times(series, first, end)
        rows = np.searchsorted(times, stamps, side="right") - 1
        local = wall_clock(times, series.timezone)
        if found.interval % DAY == 0 and _are_local_days(times, local):
            # They have 23 or 25 hours when the clocks change.
            times, stamps = local, wall_clock(stamps, series.timezone)
        ages = stamps - times[rows]
        inside = (rows >= 0) & (ages < np.timedelta64(round(found.interval * 60e6), "us"))
    values = found.values[np.where(inside, rows, 0)]
    values = np.where(inside[:, None, None], values, np.nan)
    values = values[..., [found.features.index(name) for name in names]]
    if len(found.names) == 1 and found.names[0] not in form.names:
        return values[:, 0]
    return values[:, [found.names.index(name) for name in form.names]]


def _are_local_days(times, local):
    """Returns whether rows a day apart follow the local clock, by their UTC and local times."""
    at, local_at = (np.unique(one - one.astype("datetime64[D]")) for one in (times, local))
    return len(local_at) == 1 and (len(at) > 1 or not local_at[0].astype(int))


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
