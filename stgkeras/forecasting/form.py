"""The description of the data of a forecaster: sensors, features, units, times and bounds."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Self

import numpy as np

from stgkeras.arguments import is_number
from stgkeras.datasets.series.calendar import whole_steps_per_day
from stgkeras.datasets.series.clocks import Holidays, zone_of
from stgkeras.datasets.series.series import Series


@dataclass(frozen=True)
class Form:
    """The form of the data of a forecaster, which its file stores as JSON.

    Args:
        names: tuple of N str. Names of the sensors.
        features: tuple of F str. Names of the features that are read.
        units: tuple of F str. Units of the features, "" if unknown.
        targets: tuple of C ints. Indices of the features that are forecast.
        interval: float. Minutes between steps.
        timezone, holidays: as in `Series`.
        null_value: tuple of F float or None. For each feature, the number that marks missing
            readings in files.
        input_length: int. Number L of steps that are read.
        horizon: int. Number H of steps that are forecast.
        dated: bool. Whether the series has timestamps.
        floor: tuple of C float or None. Lower bound of the forecasts of each target: 0 if no
            training reading is negative, otherwise None.
        last_seen: tuple of N str or None. The time of the last reading of each sensor; with several
            targets, of the target that ended first. None if a target has no reading.
        trained: tuple of N bool. Whether each sensor has a training reading of each target.
        day_first: as in `Series`. Files of the newest readings are read in the same order.
        past_covariates, future_covariates: tuples of str. Names of the covariates that are known
            up to now, and of those that are known ahead.
        attributes: tuple of A str. Names of numbers of each sensor that do not change.
        attribute_values: tuple of N tuples of A floats.
    """

    names: tuple[str, ...]
    features: tuple[str, ...]
    units: tuple[str, ...]
    targets: tuple[int, ...]
    interval: float
    timezone: str | None
    holidays: Holidays
    null_value: tuple[float | None, ...]
    input_length: int
    horizon: int
    dated: bool
    floor: tuple[float | None, ...]
    last_seen: tuple[str | None, ...]
    trained: tuple[bool, ...]
    day_first: bool | None = None
    past_covariates: tuple[str, ...] = ()
    future_covariates: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    attribute_values: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of(
        cls,
        series: Series,
        targets: Sequence[str] | str | None,
        input_length: int,
        horizon: int,
        known: int,
    ) -> Self:
        """Creates the form of a series.

        Args:
            targets: names of the features to forecast; None: all.
            known: int. Number of steps, from the first, that training may use.

        Raises:
            ValueError: if `targets` names no feature, or the series has no interval.
        """
        chosen = target_numbers(series.features, targets)
        values = series.values[:known]
        present = ~np.isnan(series.values[..., list(chosen)])  # (T, N, C)
        trained = ~np.isnan(values[..., list(chosen)]).all(axis=0).any(axis=-1)
        seen: list[str | None] = [None] * len(series.names)
        times = series.timestamps
        ends = len(present) - 1 - present[::-1].argmax(axis=0)  # (N, C)
        for n in np.flatnonzero(present.any(axis=0).all(axis=-1)).tolist():
            last = int(ends[n].min())
            seen[n] = str(last if times is None else times[last])
        lowest = [float(np.nanmin(values[..., f], initial=np.inf)) for f in chosen]
        null = series.null_value
        each = null if isinstance(null, tuple) else (null,) * len(series.features)
        if series.interval is None:
            raise ValueError(
                "`series` must have an interval. Received: interval=None. Forecasters need steps "
                "of equal length: resample months to days, or pass `interval` in minutes."
            )
        return cls(
            series.names,
            series.features,
            series.units,
            chosen,
            series.interval,
            series.timezone,
            series.holidays,
            each,
            input_length,
            horizon,
            times is not None,
            tuple(0.0 if low >= 0 else None for low in lowest),
            tuple(seen),
            tuple(trained.tolist()),
            series.day_first,
        )

    def targets_of(self, values: np.ndarray) -> np.ndarray:
        """Returns the targets (..., C) among readings (..., F), without a copy if these are all."""
        if self.targets == tuple(range(len(self.features))):
            return values
        return values[..., list(self.targets)]

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of the features that are forecast, (C,)."""
        return tuple(self.features[f] for f in self.targets)

    @property
    def target_units(self) -> tuple[str, ...]:
        """The units of the features that are forecast, (C,)."""
        return tuple(self.units[f] for f in self.targets)

    @property
    def covariate_counts(self) -> dict[str, int]:
        """The arguments of a model that takes the covariates and attributes.

        Covariates that are known ahead are inputs for the past too.
        """
        ahead = len(self.future_covariates)
        past = len(self.past_covariates) + ahead + len(self.attributes)
        return {"past_covariates": past, "future_covariates": ahead}

    @property
    def steps_per_day(self) -> int | None:
        """The number of steps in a day; None without times, or if it is not a whole number."""
        return whole_steps_per_day(self.interval) if self.dated else None

    def to_json(self) -> dict[str, Any]:
        found = asdict(self)
        if isinstance(self.holidays, tuple):
            found["holidays"] = [day.isoformat() for day in self.holidays]
        return found

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Creates the form from JSON, where tuples are lists.

        Raises:
            ValueError: if a value is missing, unknown, or of another type or size.
        """
        if not isinstance(found, Mapping):
            raise ValueError(f"the description of the data is {found!r}")
        needed = {field.name for field in fields(cls) if field.default is MISSING}
        odd = sorted((needed - set(found)) | (set(found) - {field.name for field in fields(cls)}))
        if odd:
            raise ValueError(f"the description of the data lacks, or does not know, {odd}")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in found.items()
        }
        if isinstance(values["holidays"], tuple):
            values["holidays"] = tuple(map(_date, values["holidays"]))
        rows = values.get("attribute_values", ())
        if isinstance(rows, tuple):
            rows = tuple(tuple(row) if isinstance(row, list) else row for row in rows)
            values["attribute_values"] = rows
        _check(values)
        return cls(**values)


def _date(text):
    try:
        return datetime.date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"holidays has {text!r}, which is no date") from error


def _check(values: Mapping[str, Any]) -> None:
    """Raises ValueError if a field of a form has another type or size than `Form` describes."""
    import pandas as pd

    sizes = {"names": None, "features": None, "units": "features", "targets": None}
    sizes |= {"null_value": "features", "floor": "targets"}
    sizes |= {"last_seen": "names", "trained": "names"}
    for name, of in sizes.items():
        found = values[name]
        if not isinstance(found, tuple) or not found:
            raise ValueError(f"{name} is {found!r}, no list")
        if of is not None and len(found) != len(values[of]):
            raise ValueError(f"{name} has {len(found)} entries for {len(values[of])} {of}")
        wrong = [one for one in found if not TYPES[name](one)]
        if wrong:
            raise ValueError(f"{name} has {wrong[0]!r}")
    for name in ("interval", "timezone", "holidays", "input_length", "horizon", "dated"):
        if not TYPES[name](values[name]):
            raise ValueError(f"{name} is {values[name]!r}")
    for name in ("past_covariates", "future_covariates", "attributes"):
        found = values.get(name, ())
        if not isinstance(found, tuple) or not all(isinstance(one, str) for one in found):
            raise ValueError(f"{name} is {found!r}")
    rows, width = values.get("attribute_values", ()), len(values.get("attributes", ()))
    whole = isinstance(rows, tuple) and len(rows) == (len(values["names"]) if width else 0)
    if not whole or not all(_are_numbers(row, width) for row in rows):
        raise ValueError(f"attribute_values is {rows!r}")
    if values.get("day_first") not in (None, True, False):
        raise ValueError(f"day_first is {values['day_first']!r}")
    if max(values["targets"]) >= len(values["features"]):
        raise ValueError(f"targets is {values['targets']} for {len(values['features'])} features")
    if values["timezone"] is not None:
        zone_of(values["timezone"])
    for time in {*values["last_seen"]} - {None}:
        try:
            pd.Timestamp(time) if values["dated"] else int(time)
        except ValueError as error:
            raise ValueError(f"last_seen has {time!r}") from error


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text_or_none(value):
    return value is None or isinstance(value, str)


def _are_numbers(row, width):
    return isinstance(row, tuple) and len(row) == width and all(map(is_number, row))


def _is_number_or_none(value):
    return value is None or is_number(value)


# Whether a value, or each entry of a list, can be that of a field.
TYPES: dict[str, Callable[[Any], bool]] = {
    "names": lambda value: isinstance(value, str),
    "features": lambda value: isinstance(value, str),
    "units": lambda value: isinstance(value, str),
    "targets": _is_count,
    "interval": lambda value: is_number(value) and 0 < value < np.inf,
    "timezone": _is_text_or_none,
    "holidays": lambda value: _is_text_or_none(value) or isinstance(value, tuple),
    "null_value": _is_number_or_none,
    "input_length": _is_count,
    "horizon": lambda value: _is_count(value) and value > 0,
    "dated": lambda value: isinstance(value, bool),
    "floor": _is_number_or_none,
    "last_seen": _is_text_or_none,
    "trained": lambda value: isinstance(value, bool),
}


def target_numbers(features: Sequence[str], targets: Sequence[str] | str | None) -> tuple[int, ...]:
    """Returns the indices of the features to forecast; of all features if `targets` is None."""
    if targets is None:
        return tuple(range(len(features)))
    chosen = [targets] if isinstance(targets, str) else list(targets)
    unknown = [name for name in chosen if name not in features]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"`targets` must name features of the series, each once: {tuple(features)}. "
            f"Received: targets={targets!r}. Use these names, or omit `targets` for all features."
        )
    return tuple(features.index(name) for name in chosen)
