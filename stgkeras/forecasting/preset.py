"""A preset as a forecaster: a trained model and the form of its data, without baselines."""

from __future__ import annotations

import json
import os
import pathlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stgkeras.datasets.series.component_clock import ComponentClock
from stgkeras.datasets.series.series import Series
from stgkeras.datasets.series.splits import history, read_steps
from stgkeras.forecasting import training
from stgkeras.forecasting.fitted import BLEND, MODEL, called
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.newest import dated, newest_window
from stgkeras.forecasting.onnx_model import ABOUT_FILE, ONNX_FILE, OnnxModel, check_origin
from stgkeras.forecasting.result import Forecast
from stgkeras.seasons import PERIODS


@dataclass
class Preset:
    """A preset with the methods of `Fitted`. Its forecast is the forecast of its model alone.

    Of a model with quantiles, the forecast is the median. The quantiles are not calibrated on
    validation windows, so they are not returned.

    Args:
        form: `Form` of the data.
        model: a forecaster of `stgkeras.models`, with a fixed graph, or `OnnxModel`.
        metadata: dict, see `GraphModel.save_to_preset`. Empty for an ONNX file.
        split, errors: as in `Fitted`.
    """

    form: Form
    model: Any
    metadata: dict[str, Any]
    split: dict[str, int] | None = None
    errors: Any = None
    _call: Any = field(default=None, repr=False)
    places = None

    def __post_init__(self) -> None:
        import pandas as pd

        form, length = self.form, self.model.input_length
        self.season = self.model.season is not None
        steps = pd.RangeIndex(1, form.horizon + 1, name="step")
        self.weights = pd.DataFrame({MODEL: 1.0}, steps)
        self._reads = read_steps(length, form.horizon, form.steps_per_day)
        self.earlier = history(self._reads)  # steps that are read before `form.input_length` steps

    def forecasts(self, series: Series, starts: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the forecasts (W, H, N, C) of windows, of the forecaster and of its model."""
        windows = self._windows(series.values, series.calendar, starts)
        found = self._bounded(self._median(self.model.predict(windows, verbose=0)))
        return {BLEND: found, MODEL: found}

    def with_quantiles(
        self, series: Series, starts: np.ndarray
    ) -> tuple[dict[str, np.ndarray], None]:
        """Returns `forecasts`, without quantiles: those of a preset are not calibrated."""
        return self.forecasts(series, starts), None

    def forecast(self, newest: Any, covariates: Any = None, form: Form | None = None) -> Forecast:
        """Forecasts the steps after the newest readings, see `Fitted.forecast`."""
        form = form or self.form
        window = newest_window(form, newest, self.earlier, covariates)
        found = called(self, self._inputs(window))
        return dated(form, window, self._bounded(self._median(found))[0])

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Saves the preset in a new folder."""
        self.model.save_to_preset(folder, self.metadata)

    def _windows(self, values, clock, starts):
        from stgkeras.datasets import Windows  # which needs Keras

        form, length = self.form, self.model.input_length
        more = {"calendar": clock} if self.season else {}
        if self.model.past_calendar:
            more["past_calendar"] = clock
        if isinstance(length, dict):  # steps of earlier days and weeks, at the same time of day
            more["steps_per_day"] = form.steps_per_day
        targets = values[..., list(form.targets)]
        return Windows(
            *(values, targets, starts),
            input_length=length,
            horizon=form.horizon,
            batch_size=training.batch_size(),
            clock=clock,
            missing=True,
            **more,
        )

    def _inputs(self, window):
        """Returns the inputs of the model for one window, those of `Windows`, without Keras."""
        form, calendar = self.form, window.calendar
        clock = ComponentClock(calendar, self._reads, form.horizon, form.steps_per_day)
        clock.refuse_other_times(np.array([self.earlier]))
        first = self.earlier + form.input_length  # step that is forecast
        steps = clock.read(np.array([first]))
        inputs = {name: window.values[rows] for name, rows in steps.items()}
        if self.season:
            inputs["calendar"] = calendar[None, first:]
        if self.model.past_calendar:
            past = [steps[name] for name in PERIODS if name in steps]
            inputs["past_calendar"] = calendar[np.concatenate(past, axis=1)]
        if isinstance(self.model.input_length, dict):
            return inputs
        x = inputs.pop("recent")
        return {"x": x, **inputs} if inputs else x

    def _median(self, found):
        """Returns the forecast (W, H, N, C) in the output of the model: the median of quantiles."""
        levels = self.model.quantiles
        return found if levels is None else found[..., levels.index(0.5)]

    def _bounded(self, values):
        floor = [-np.inf if low is None else low for low in self.form.floor]
        return np.maximum(values, np.asarray(floor, np.float32))


def load_onnx(folder: pathlib.Path) -> Preset:
    """Opens a preset that `Forecaster.export` wrote as ONNX file, without Keras.

    Raises:
        ValueError: if the ONNX file, or the JSON file beside it, is damaged or of another model.
    """
    file = ABOUT_FILE
    try:
        about = json.loads((folder / ABOUT_FILE).read_text("utf-8"))
        form, levels = Form.from_json(about["data"]), about["quantiles"]
        inputs = about["inputs"]
        parts = {name: inputs[name]["shape"][1] for name in ("x", *PERIODS) if name in inputs}
        edges = np.array(about["edges"], np.int32).reshape(-1, 2)
        if not form.dated or (edges < 0).any() or (edges >= len(form.names)).any():
            raise ValueError("it is not of a preset")
        read_steps(parts.get("x", parts), form.horizon, form.steps_per_day)
        file = ONNX_FILE
        levels = None if levels is None else tuple(map(float, levels))
        if levels is not None and 0.5 not in levels:
            raise ValueError("it has no median")
        check_origin(folder / ONNX_FILE, form)
        model = OnnxModel(folder / ONNX_FILE, form, levels, edges, parts)
        return Preset(form, model, {})
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        what = f"it has nothing called {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(
            "`folder` must hold a preset that `forecaster.export` wrote as ONNX file. Received: "
            f"{folder}, whose {file} cannot be used: {what.rstrip('. ')}. Export it again."
        ) from error
