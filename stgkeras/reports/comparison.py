"""Forecasts of the same windows of a series beside the readings: errors, times and units."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stgkeras import arguments
from stgkeras.datasets.series.clocks import in_zone
from stgkeras.datasets.series.series import Series
from stgkeras.metrics import forecast_errors, quantile_scores

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Comparison:
    """Forecasts of the same windows, beside the readings.

    Args:
        series: `datasets.Series` with an interval.
        first: (W,) ints. The first forecast step of each window: its start plus the number of
            steps that are read. Consecutive, for figures in time.
        forecasts: dict of name → (W, horizon, N, C). The report is about the first forecast; the
            others are baselines.
        targets: sequence of C ints. Indices of the features that are forecast. Default: the first.
        data: str. Name of the data set, for titles.
        quantiles: (W, horizon, N, C, Q), quantiles of the first forecast, or None.
        levels: the Q levels of the quantiles.

    Raises:
        TypeError: if `series` is no `Series`, or `forecasts` are no dict of arrays.
        ValueError: if the series has no interval, a forecast has another shape, or `first` or
            `targets` are out of range.

    Example:
        >>> import numpy as np, stgkeras
        >>> speeds = np.arange(40.0).reshape(20, 2)
        >>> series = stgkeras.datasets.from_arrays(speeds, interval=60, units="km/h")
        >>> first = np.arange(12, 19)  # each window forecasts two steps
        >>> truth = series.values[first[:, None] + np.arange(2)]
        >>> compared = stgkeras.reports.Comparison(series, first, {"ours": truth + 1})
        >>> compared.errors()["ours"]["MAE mean"]
        1.0
    """

    series: Series
    first: np.ndarray
    forecasts: Mapping[str, np.ndarray]
    targets: Sequence[int] = (0,)
    data: str = ""
    quantiles: np.ndarray | None = None
    levels: Sequence[float] = ()

    def __post_init__(self) -> None:
        fix = "Pass the result of `datasets.load_series`."
        arguments.instance("series", self.series, Series, fix)
        if self.series.interval is None:
            raise ValueError(
                "`series` must have an interval. Received: interval=None. Pass `interval` in "
                "minutes when you create the series."
            )
        arguments.text("data", self.data)
        arguments.indices("targets", self.targets, len(self.series.features), "features")
        if not isinstance(self.forecasts, Mapping) or not self.forecasts:
            raise TypeError(
                "`forecasts` must be a dict of name → forecast. Received: forecasts of type "
                f"{type(self.forecasts).__name__}. Pass at least one forecast, with its name."
            )
        axes: str | None = "(windows, horizon, sensors, targets)"
        for name, forecast in self.forecasts.items():
            arguments.text("forecasts", name)
            arguments.array("forecasts", forecast, axes)
            axes = None  # the others must have the shape of the first
        last = len(self.series.values) - self.horizon
        if last < 0:
            raise ValueError(
                f"`forecasts` must be shorter than the series. Received: {self.horizon} steps, a "
                f"series of {len(self.series.values)}. Pass forecasts of steps of the series."
            )
        arguments.indices("first", self.first, last + 1, "first steps with a whole horizon")
        shape = self.truth.shape
        wrong = {name: np.shape(f) for name, f in self.forecasts.items() if np.shape(f) != shape}
        if wrong:
            raise ValueError(
                f"`forecasts` must have the shape (windows, horizon, sensors, targets), {shape}. "
                f"Received: {wrong}. Pass forecasts of the windows in `first`."
            )
        wide = (*shape, len(self.levels))
        if self.quantiles is not None and np.shape(self.quantiles) != wide:
            raise ValueError(
                f"`quantiles` must have the shape (…, quantiles), {wide}. Received: shape="
                f"{np.shape(self.quantiles)}. Pass quantiles of the windows in `first`."
            )

    @property
    def horizon(self) -> int:
        """The number of steps that each window forecasts."""
        return np.shape(next(iter(self.forecasts.values())))[1]

    @functools.cached_property
    def ahead(self) -> np.ndarray:
        """The steps that are forecast, (W, horizon)."""
        return np.asarray(self.first)[:, None] + np.arange(self.horizon)

    @functools.cached_property
    def truth(self) -> np.ndarray:
        """The readings of these steps, (W, horizon, N, C)."""
        return self.series.values[..., list(self.targets)][self.ahead]

    @property
    def units(self) -> str:
        """The units of the first target, or "" if they are not known."""
        return self.series.units[self.targets[0]]

    @property
    def interval(self) -> float:
        """Minutes from one step to the next."""
        return self.series.interval or 0.0

    @property
    def steps_per_day(self) -> int:
        """The number of steps in a day, rounded; at least 1."""
        return max(1, round(24 * 60 / self.interval))

    @functools.cached_property
    def times(self) -> pd.DatetimeIndex | None:
        """The times of all steps of the series, in its time zone; None without timestamps."""
        if self.series.timestamps is None:
            return None
        return in_zone(self.series.timestamps, self.series.timezone)

    @property
    def steps(self) -> list[int]:
        """The steps ahead of tables: a quarter, half and the end of the horizon."""
        return sorted({max(1, self.horizon // 4), max(1, self.horizon // 2), self.horizon})

    def checked(self, steps: Sequence[int] | None) -> list[int]:
        """Returns steps ahead in increasing order, each once.

        Args:
            steps: sequence of ints. None: the attribute `steps`.

        Raises:
            ValueError: if a step is not from 1 to the horizon.
        """
        chosen = self.steps if steps is None else arguments.sequence("steps", steps)
        found = sorted({arguments.integer("steps", step, 0) for step in chosen})
        if not found or found[0] < 1 or found[-1] > self.horizon:
            raise ValueError(
                f"`steps` must be from 1 to {self.horizon}, the horizon. Received: steps="
                f"{found}. Pass other steps."
            )
        return found

    def label(self, step: int) -> str:
        """Returns the time from the last reading to a step ahead, such as "15 min"."""
        return f"{step * self.interval:g} min"

    def errors(
        self, steps: Sequence[int] | None = None, target: int = 0
    ) -> dict[str, dict[str, float]]:
        """Computes the MAE and RMSE of each forecast, at chosen steps and over all steps.

        Args:
            steps: sequence of ints from 1 to the horizon. Default: the attribute `steps`.
            target: int. Index of the target in `targets`. Default 0, the target of all figures.
        """
        labels = {self.label(step): step for step in self.checked(steps)}
        chosen = [range(len(self.targets))[target]]
        truth = self.truth[..., chosen]
        return {
            name: forecast_errors(truth, np.asarray(one)[..., chosen], labels)
            for name, one in self.forecasts.items()
        }

    def facts(self) -> dict[str, str]:
        """Describes the data and the windows in words, {term: text}."""
        series, missing = self.series, np.isnan(self.series.values).mean()
        features = [
            f"{name} ({unit})" if unit else name
            for name, unit in zip(series.features, series.units, strict=True)
        ]
        data = f"{len(series.names)} sensors, {', '.join(features)}; "
        data += f"{len(series.values)} steps of {series.interval:g} minutes"
        tested = f"{len(self.first)} windows of {self.horizon} steps"
        if self.times is not None:
            ends = [f"{time:%Y-%m-%d %H:%M}" for time in self.times[[0, -1]]]
            data += f", {ends[0]} to {ends[1]}"
            data += f", local time of {series.timezone}" if series.timezone else ""
            ends = [f"{time:%Y-%m-%d %H:%M}" for time in self.times[self.ahead[[0, -1], [0, -1]]]]
            tested += f", forecast from {ends[0]} to {ends[1]}"
        data += f"; {missing:.1%} of the readings missing"
        found = {"Data": f"{self.data}: {data}" if self.data else data, "Tested": tested}
        if self.quantiles is not None:
            scores = quantile_scores(self.truth, self.quantiles, self.levels)
            shares = [f"{s:.1%} in {n[9:]}" for n, s in scores.items() if n.startswith("coverage")]
            found["Intervals"] = f"share of readings inside: {', '.join(shares)}"
        if len(self.targets) > 1:
            first = series.features[self.targets[0]]
            found["Figures"] = f"of {first}, the first of {len(self.targets)} targets"
        return found
