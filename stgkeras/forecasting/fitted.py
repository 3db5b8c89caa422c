"""A trained model with its baselines: forecasts of windows and of the newest readings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets.series.series import Series
from stgkeras.forecasting import training
from stgkeras.forecasting.baselines import Baselines
from stgkeras.forecasting.blend import blended
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.newest import newest_window
from stgkeras.forecasting.one_window import compiled_call
from stgkeras.forecasting.result import Forecast

if TYPE_CHECKING:
    import pandas as pd

MODEL = "model"  # the model's own forecast, in tables
BLEND = "forecaster"  # the forecast that is given


@dataclass
class Fitted:
    """What a forecaster has learned.

    Args:
        form: `Form` of the data.
        season: bool. Whether the model has a season.
        model: Keras model.
        baselines: `Baselines`.
        weights: pandas frame, a row for each step ahead, a column for the model and each baseline.
        split: dict of "train", "val", "test" → number of windows; None if unknown.
        errors: pandas frame, the errors on the test part; None before they were computed.
    """

    form: Form
    season: bool
    model: Any
    baselines: Baselines
    weights: pd.DataFrame
    split: dict[str, int] | None = None
    errors: pd.DataFrame | None = None
    _call: Any = field(default=None, repr=False)
    earlier = 0  # steps that are read before the window of `form.input_length` steps

    def forecasts(self, series: Series, starts: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the forecasts of windows: the one that is given, then those of `members`."""
        found = members(self.form, self.season, self.model, self.baselines, series, starts)
        return {BLEND: self._bounded(blended(self.weights.T.to_numpy(), found)), **found}

    def forecast(self, newest: Any) -> Forecast:
        """Forecasts the steps after the newest readings. `Forecaster.forecast` describes them."""
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
        if self._call is None:
            self._call = compiled_call(self.model)
        found = {MODEL: self._call(inputs)}
        found |= self.baselines.forecasts(past[..., list(form.targets)], calendar)
        values = self._bounded(blended(self.weights.T.to_numpy(), found))[0]
        return Forecast(
            window.times,
            form.names,
            form.target_names,
            tuple(form.units[f] for f in form.targets),
            values,
            np.broadcast_to(window.flags, values.shape[:2]),
        )

    def _bounded(self, values):
        for c, floor in enumerate(self.form.floor):
            if floor is not None:
                np.maximum(values[..., c], floor, out=values[..., c])
        return values


def members(
    form: Form,
    season: bool,
    model: Any,
    baselines: Baselines,
    series: Series,
    starts: np.ndarray,
) -> dict[str, np.ndarray]:
    """Returns the forecasts (W, H, N, C) of windows, of the model and of each baseline."""
    past, _, calendar = training.past_and_truth(form, series, starts)
    data = training.windows(form, series, starts, season, batch_size=64)
    return {MODEL: model.predict(data, verbose=0), **baselines.forecasts(past, calendar)}
