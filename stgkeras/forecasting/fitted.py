"""A trained model with its baselines: forecasts of windows and of the newest readings."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets.series.series import Series
from stgkeras.forecasting import training
from stgkeras.forecasting.baselines import Baselines
from stgkeras.forecasting.blend import PLAIN, SURE, blended
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.intervals import Intervals
from stgkeras.forecasting.newest import dated, newest_window, recent_windows
from stgkeras.forecasting.one_window import compiled_call
from stgkeras.forecasting.result import Forecast

if TYPE_CHECKING:
    import pandas as pd

MODEL = "model"  # the model's own forecast, in tables
BLEND = "forecaster"  # the weighted mean, which the forecaster returns
MEMBERS = ("last value", "usual day", "ridge", PLAIN)
FORECASTS = (MODEL, *MEMBERS)  # columns of the weights; without a season, all but the last
MOST_FOLLOWED = 2016  # windows before the newest one that shifts of quantiles follow
MAKING = threading.Lock()
SEASONAL = ("usual day", "ridge", MODEL)  # forecasts that use a season, if the model has one


@dataclass
class Fitted:
    """What a forecaster has learned.

    Args:
        form: `Form` of the data.
        season: bool. Whether the model has a season.
        model: Keras model.
        baselines: `Baselines`.
        plain: `Baselines` without a season; None if `baselines` have no season.
        weights: pandas frame, a row for each step ahead, a column for the model and each baseline.
        split: dict of "train", "val", "test" → number of windows; None if unknown.
        begins: dict of these parts → local time, or number, of their first step, as text.
        errors: pandas frame of errors on the test part; None before `Forecaster.evaluate()`.
        intervals: `Intervals` that calibrate the quantiles of the model; None without quantiles.
        places: (N, 2) latitudes and longitudes of the sensors, or None.
    """

    form: Form
    season: bool
    model: Any
    baselines: Baselines
    plain: Baselines | None
    weights: pd.DataFrame
    split: dict[str, int] | None = None
    errors: pd.DataFrame | None = None
    intervals: Intervals | None = None
    places: np.ndarray | None = None
    begins: dict[str, str] = field(default_factory=dict)
    _call: Any = field(default=None, repr=False)
    earlier = 0  # steps that are read before the window of `form.input_length` steps

    @property
    def levels(self) -> Any:
        """The levels of the quantiles of the model, or None."""
        return getattr(self.model, "quantiles", None)

    def forecasts(self, series: Series, starts: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the forecasts (W, H, N, C) of windows: the weighted mean, then `members`."""
        return self.uncalibrated(series, starts)[0]

    def with_quantiles(
        self, series: Series, starts: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """Returns `forecasts`, and the quantiles (W, H, N, C, Q) of the one that is given, or None.

        Quantiles that follow the readings use those before each window, see `Intervals`.

        Args:
            series: `Series` in the order of the form.
            starts: (W,) rising ints, the first steps of the windows.
        """
        found, quantiles = self.uncalibrated(series, starts)
        if quantiles is None or self.intervals is None:
            return found, None
        shifts = self._shifts(series, starts, quantiles)
        return found, self._bounded(self.intervals.applied(quantiles, shifts))

    def _shifts(self, series, starts, quantiles):
        """Returns the shifts (W, H, N, C, Q) of windows, or None for fixed ones."""
        if not self.intervals.rate:
            return None
        _, truth, _ = training.past_and_truth(self.form, series, starts)
        return self.intervals.followed(truth, quantiles, starts)

    def uncalibrated(
        self, series: Series, starts: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """Returns `with_quantiles`, but the quantiles of the model about the given forecast."""
        found, quantiles = self.members(series, starts)
        calendar = training.calendar_of(self.form, series, starts)
        blend = self._blended(self._shares(), found, self.unsure(calendar))
        if quantiles is not None:
            quantiles = around(blend, quantiles, self.levels)
        return {BLEND: blend, **found}, quantiles

    def members(
        self, series: Series, starts: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """Returns forecasts (W, H, N, C) of the model and each baseline, and its quantiles or None.

        The forecast of a model with quantiles is their median.
        """
        past, _, calendar = training.past_and_truth(self.form, series, starts)
        size = training.batch_size()
        data = training.windows(self.form, series, starts, self.model, batch_size=size)
        own, quantiles = self._median(self.model.predict(data, verbose=0))
        return {MODEL: own, **self._baselines(past, calendar)}, quantiles

    def _median(self, found):
        """Returns the median of the output of the model, and all its quantiles, or None."""
        levels = self.levels
        return (found, None) if levels is None else (found[..., levels.index(0.5)], found)

    def unsure(self, calendar: np.ndarray | None) -> np.ndarray | None:
        """Returns whether the season of each step ahead is unknown, see `Baselines.unsure`.

        Args:
            calendar: (W, L + H, 2), or None.

        Returns:
            (W, H) bool; None without a calendar or without a season.
        """
        if calendar is None or self.plain is None:
            return None
        return self.baselines.unsure(calendar[:, self.form.input_length :])

    def forecast(self, newest: Any, covariates: Any = None, form: Form | None = None) -> Forecast:
        """Forecasts the steps after the newest readings, see `Forecaster.forecast`.

        Args:
            form: the form of the data with later last readings, which flags show; or None.
        """
        form = form or self.form
        window = newest_window(form, newest, covariates=covariates)
        past, length = window.values[None], form.input_length
        calendar = None
        if form.steps_per_day is not None and window.calendar is not None:
            calendar = window.calendar[None]
        inputs: Any = past
        more = dict(window.covariates)
        if self.season and calendar is not None:
            more["calendar"] = calendar[:, length:]
        if self.model.past_calendar and calendar is not None:
            more["past_calendar"] = calendar[:, :length]
        if more:
            inputs = {"x": past, **more}
        shares = self._shares()
        names = list(shares)
        if self.intervals is not None and MODEL not in names:
            names.append(MODEL)  # its quantiles are needed
        unsure = self.unsure(calendar)
        if unsure is not None and unsure.any():
            names += [name for name in SURE if name not in names]
        found, quantiles = {}, None
        if MODEL in names:
            found[MODEL], quantiles = self._median(called(self, inputs))
        found |= self._baselines(form.targets_of(past), calendar, names)
        values = self._blended(shares, found, unsure)
        levels: tuple[float, ...] = ()
        if self.intervals is not None and quantiles is not None:
            levels = self.intervals.quantiles
            quantiles = around(values, quantiles, levels)
            quantiles = self.intervals.applied(quantiles, self._newest_shifts(newest, covariates))
            quantiles = self._bounded(quantiles)[0]
        made = dated(form, window, values[0], quantiles, levels)
        if unsure is None or not unsure.any():
            return made
        new = unsure[0][:, None] & (made.flags == "")
        return replace(made, flags=np.where(new, "no such day in training", made.flags))

    def _newest_shifts(self, newest, covariates):
        """Returns the shifts (1, H, N, C, Q) after the newest readings, or None for fixed ones."""
        rows = getattr(newest, "values", None)  # of a series or a frame
        if not self.intervals.rate or (rows is not None and len(rows) <= self.form.input_length):
            return None
        series, starts = recent_windows(self.form, newest, MOST_FOLLOWED, covariates)
        if len(starts) == 1:
            return None
        _, quantiles = self.uncalibrated(series, starts)
        return self._shifts(series, starts, quantiles)[-1:]

    def _shares(self):
        """Returns the weights (H,) of each forecast that has any."""
        rows = self.weights.to_numpy().T
        used = zip(FORECASTS, rows, rows.any(axis=1).tolist(), strict=False)
        return {name: row for name, row, is_used in used if is_used}

    def _baselines(self, past, calendar, names=MEMBERS):
        found = self.baselines.forecasts(past, calendar, names)
        if self.plain is not None and PLAIN in names:
            found[PLAIN] = self.plain.forecasts(past, None, ["ridge"])["ridge"]
        return found

    def _blended(self, shares, found, unsure):
        values = blended(shares, found, unsure, SEASONAL[: 2 + self.season])
        return self._bounded(values)

    def _bounded(self, values):
        """Returns values (W, H, N, C) or (W, H, N, C, Q) of at least the floor of each target."""
        for c, floor in enumerate(self.form.floor):
            if floor is not None:
                part = values[:, :, :, c]
                np.maximum(part, floor, out=part)
        return values


def called(fitted: Any, inputs: Any) -> np.ndarray:
    """Calls the compiled model of a `Fitted` or `Preset`, which is made at the first call."""
    if fitted._call is None:
        with MAKING:
            fitted._call = fitted._call or compiled_call(fitted.model)
    return fitted._call(inputs)


def around(values: np.ndarray, quantiles: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Moves quantiles (..., Q) so that their median is `values` (...)."""
    middle = quantiles[..., levels.index(0.5)]
    return quantiles + (values - middle)[..., None]
