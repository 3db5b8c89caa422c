"""What a forecaster knows of its data: sensors, features, units, times and bounds."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from stgkeras.datasets.series.clocks import Holidays
from stgkeras.datasets.series.series import Series

MINUTES = 24 * 60


@dataclass(frozen=True)
class Form:
    """The form of the data of a forecaster, which its file stores as JSON.

    Args:
        names: tuple of N str. Names of the sensors.
        features: tuple of F str. Names of the features that are read.
        units: tuple of F str.
        targets: tuple of C ints. Numbers of the features that are forecast.
        interval: float. Minutes between steps.
        timezone, holidays: as in `Series`.
        null_value: tuple of F float or None, the numbers that mark missing readings in files.
        input_length: int. Number L of steps that are read.
        horizon: int. Number H of steps that are forecast.
        dated: bool. Whether the series has timestamps.
        floor: tuple of C float or None. 0 for a target without a negative training reading.
        last_seen: tuple of N str or None. Time of the last reading of each sensor.
        trained: tuple of N bool. Whether each sensor has a training reading of each target.
        day_first: as in `Series`. Files of the newest readings have the same order.
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

    @classmethod
    def of(
        cls,
        series: Series,
        targets: Sequence[str] | str | None,
        input_length: int,
        horizon: int,
        known: int,
    ) -> Self:
        """Returns the form of a series, of which the first `known` steps are for training."""
        numbers = target_numbers(series.features, targets)
        values = series.values[:known]
        present = ~np.isnan(series.values).all(axis=-1)  # (T, N)
        trained = ~np.isnan(values[..., list(numbers)]).all(axis=0).any(axis=-1)
        seen: list[str | None] = [None] * present.shape[1]
        times = series.timestamps
        for n in np.flatnonzero(present.any(axis=0)).tolist():
            last = int(np.flatnonzero(present[:, n])[-1])
            seen[n] = str(last if times is None else times[last])
        lowest = [float(np.nanmin(values[..., f], initial=np.inf)) for f in numbers]
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
            numbers,
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

    @property
    def target_names(self) -> tuple[str, ...]:
        return tuple(self.features[f] for f in self.targets)

    @property
    def steps_per_day(self) -> int | None:
        """The number of steps in a day; None if a day is no whole number, or without times."""
        steps = round(MINUTES / self.interval)
        whole = abs(steps * self.interval - MINUTES) < 1e-6 * MINUTES and steps > 0
        return steps if whole and self.dated else None

    def to_json(self) -> dict[str, Any]:
        found = asdict(self)
        if isinstance(self.holidays, tuple):
            found["holidays"] = [day.isoformat() for day in self.holidays]
        return found

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Creates the form from JSON, where tuples are lists."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in found.items()
        }
        if isinstance(fields["holidays"], tuple):
            days = (datetime.date.fromisoformat(day) for day in fields["holidays"])
            fields["holidays"] = tuple(days)
        return cls(**fields)


def target_numbers(features: Sequence[str], targets: Sequence[str] | str | None) -> tuple[int, ...]:
    """Returns the numbers of the features to forecast; all of them if `targets` is None."""
    if targets is None:
        return tuple(range(len(features)))
    chosen = [targets] if isinstance(targets, str) else list(targets)
    unknown = [name for name in chosen if name not in features]
    if unknown or not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"`targets` must name features of the series, each once: {tuple(features)}. "
            f"Received: targets={targets!r}"
        )
    return tuple(features.index(name) for name in chosen)
