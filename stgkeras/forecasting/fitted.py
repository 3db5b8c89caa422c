"""A trained model with its baselines: forecasts of windows and of the newest readings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets.series.series import Series
from stgkeras.forecasting import training
from stgkeras.forecasting.baselines import Baselines
from stgkeras.forecasting.blend import PLAIN, blended
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.newest import dated, newest_window
from stgkeras.forecasting.one_window import compiled_call
from stgkeras.forecasting.result import Forecast

if TYPE_CHECKING:
    import pandas as pd

MODEL = "model"  # the model's own forecast, in tables
BLEND = "forecaster"  # the weighted mean, which the forecaster returns
MEMBERS = ("last value", "usual day", "ridge", PLAIN)
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
        errors: pandas frame of errors on the test part; None before `Forecaster.evaluate()`.
    """

    form: Form
    season: bool
    model: Any
    baselines: Baselines
    plain: Baselines | None
    weights: pd.DataFrame
    split: dict[str, int] | None = None
    errors: pd.DataFrame | None = None
    _call: Any = field(default=None, repr=False)
    earlier = 0  # steps that are read before the window of `form.input_length` steps

    def forecasts(self, series: Series, starts: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the forecasts (W, H, N, C) of windows: the weighted mean, then `members`."""
        found = self.members(series, starts)
        calendar = training.calendar_of(self.form, series, starts)
        return {BLEND: self._blended(self._shares(), found, self.unsure(calendar)), **found}

    def members(self, series: Series, starts: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the forecasts (W, H, N, C) of windows, of the model and of each baseline."""
        past, _, calendar = training.past_and_truth(self.form, series, starts)
        data = training.windows(self.form, series, starts, self.season, batch_size=64)
        return {MODEL: self.model.predict(data, verbose=0), **self._baselines(past, calendar)}

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

    def forecast(self, newest: Any) -> Forecast:
        """Forecasts the steps after the newest readings, see `Forecaster.forecast`."""
        form = self.form
        window = newest_window(form, newest)
        past, length = window.values[None], form.input_length
        calendar = None
        if form.steps_per_day is not None and window.calendar is not None:
            calendar = window.calendar[None]
        inputs: Any = past
        if self.season and calendar is not None:
            inputs = {
                "x": past,
                "calendar": calendar[:, length:],
                "past_calendar": calendar[:, :length],
            }
        shares = self._shares()
        names = [name for name, share in shares.items() if share.any()]
        unsure = self.unsure(calendar)
        if unsure is not None and unsure.any() and PLAIN not in names:
            names.append(PLAIN)
        found = {}
        if MODEL in names:
            if self._call is None:
                self._call = compiled_call(self.model)
            found[MODEL] = self._call(inputs)
        found |= self._baselines(past[..., list(form.targets)], calendar, names)
        made = dated(form, window, self._blended(shares, found, unsure)[0])
        if unsure is None or not unsure.any():
            return made
        new = unsure[0][:, None] & (made.flags == "")
        return replace(made, flags=np.where(new, "no such day in training", made.flags))

    def _shares(self):
        """Returns the weights (H,) of each forecast."""
        return dict(zip(self.weights.columns, self.weights.to_numpy().T, strict=True))

    def _baselines(self, past, calendar, names=MEMBERS):
        found = self.baselines.forecasts(past, calendar, names)
        if self.plain is not None and PLAIN in names:
            found[PLAIN] = self.plain.forecasts(past, None, ["ridge"])["ridge"]
        return found

    def _blended(self, shares, found, unsure):
        values = blended(shares, found, unsure, SEASONAL[: 2 + self.season])
        for c, floor in enumerate(self.form.floor):
            if floor is not None:
                np.maximum(values[..., c], floor, out=values[..., c])
        return values
