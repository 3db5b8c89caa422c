"""A preset as a forecaster: a trained model and the form of its data, without baselines."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stgkeras import arguments
from stgkeras.datasets import Windows
from stgkeras.datasets.series.series import Series
from stgkeras.datasets.series.splits import history, read_steps
from stgkeras.forecasting.fitted import BLEND, MODEL, called
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.newest import dated, newest_window
from stgkeras.forecasting.result import Forecast
from stgkeras.models import preset_files
from stgkeras.models.forecaster import Forecaster as ForecasterModel
from stgkeras.models.graph_classifier import GraphClassifier
from stgkeras.models.link_predictor import LinkPredictor

# Keys that `metadata["data"]` of a preset must have, so that it opens as a forecaster.
KEYS = ("sensors", "features", "targets", "interval", "timezone", "null_value", "minimum", "end")


@dataclass
class Preset:
    """A preset with the methods of `Fitted`. Its forecast is the forecast of its model alone.

    Of a model with quantiles, the forecast is the median. The quantiles are not calibrated on
    validation windows, so they are not returned.

    Args:
        form: `Form` of the data.
        model: a forecaster of `stgkeras.models`, with a fixed graph.
        metadata: dict, see `GraphModel.save_to_preset`.
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
        self._options = {"input_length": length, "horizon": form.horizon, "missing": True}
        if isinstance(length, dict):  # steps of earlier days and weeks, at the same time of day
            self._options["steps_per_day"] = form.steps_per_day
        read = read_steps(length, form.horizon, form.steps_per_day)
        self.earlier = history(read)  # steps that are read before `form.input_length` steps

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
        ahead = np.full((form.horizon, *window.values.shape[1:]), np.nan, np.float32)
        values = np.concatenate([window.values, ahead])
        inputs = self._windows(values, window.calendar, np.array([self.earlier]))[0][0]
        return dated(form, window, self._bounded(self._median(called(self, inputs)))[0])

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Saves the preset in a new folder."""
        self.model.save_to_preset(folder, self.metadata)

    def _windows(self, values, clock, starts):
        season = {"calendar": clock} if self.season else {}
        past = {"past_calendar": clock} if self.model.past_calendar else {}
        targets = values[..., list(self.form.targets)]
        return Windows(
            values, targets, starts, clock=clock, batch_size=64, **season, **past, **self._options
        )

    def _median(self, found):
        """Returns the forecast (W, H, N, C) in the output of the model: the median of quantiles."""
        levels = self.model.quantiles
        return found if levels is None else found[..., levels.index(0.5)]

    def _bounded(self, values):
        floor = [-np.inf if low is None else low for low in self.form.floor]
        return np.maximum(values, np.asarray(floor, np.float32))


def is_preset(folder: str | os.PathLike[str]) -> bool:
    """Returns whether a path is the folder of a preset, or else the name of a preset."""
    path = arguments.path("folder", folder)
    return (path / preset_files.CONFIG).is_file() or (
        not path.exists() and str(folder) in preset_files.names()
    )


def load(folder: str | os.PathLike[str]) -> Preset:
    """Opens a preset.

    Args:
        folder: name or folder, see `is_preset`.
    """
    model = preset_files.load(folder, argument="folder")
    kind = type(model).__name__
    if not isinstance(model, ForecasterModel) or model.dynamic_graph:
        raise ValueError(
            f"`folder` must be the preset of a forecaster with a fixed graph. Received: "
            f"{str(folder)!r} of class {kind}, {_purpose(model)}. Open it with "
            f"`stgkeras.models.{kind}.from_preset({str(folder)!r})`."
        )
    try:
        metadata = preset_files.metadata(folder)
        data = metadata.get("data")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"`folder` must have a readable {preset_files.METADATA}. Received: {str(folder)!r}, "
            f"with {type(error).__name__}: {error}. Use an undamaged copy."
        ) from error
    absent = [key for key in KEYS if not isinstance(data, Mapping) or key not in data]
    if absent:
        raise ValueError(
            f"`folder` must be a preset with {', '.join(KEYS)} in the data of its metadata. "
            f"Received: {str(folder)!r} without {', '.join(absent)}. Add them, or call "
            f"`stgkeras.models.{kind}.from_preset({str(folder)!r})`."
        )
    _check_quantiles(folder, model)
    return Preset(_form(folder, model, data), model, metadata)


def _check_quantiles(folder, model):
    """Warns of quantiles, which are not calibrated. Raises ValueError if they lack the median."""
    if model.quantiles is None:
        return
    received = f"{str(folder)!r} with quantiles={model.quantiles}"
    if 0.5 not in model.quantiles:
        raise ValueError(
            "`folder` must be a preset with the quantile 0.5, the median, which is the forecast. "
            f"Received: {received}. Open it with `stgkeras.models.{type(model).__name__}."
            f"from_preset({str(folder)!r})`, or train a model with 0.5 among its `quantiles`."
        )
    warnings.warn(
        f"The preset {received} forecasts their median only, because the other quantiles are not "
        "calibrated. For calibrated quantiles, train `Forecaster(quantiles=…)`.",
        stacklevel=5,
    )


def _purpose(model):
    if isinstance(model, LinkPredictor):
        return "which predicts links"
    if isinstance(model, GraphClassifier):
        return "which classifies nodes or graphs"
    return "which takes the graph as an input, or is no model of stgkeras"


def _form(folder, model, data):
    try:
        names, features = tuple(data["sensors"]), tuple(data["features"])
        targets = tuple(features.index(name) for name in data["targets"])
        own = model.targets or tuple(range(model.num_outputs))
        if (len(names), len(features)) != (model.num_nodes, model.num_features) or targets != own:
            raise ValueError(
                f"{len(names)} sensors, {len(features)} features and the targets {targets}"
            )
        length = model.input_length
        seen = {**dict.fromkeys(names, data["end"]), **data.get("silent_since", {})}
        form = Form.from_json(
            {
                "names": names,
                "features": features,
                "units": tuple(data["features"].values()),
                "targets": targets,
                "interval": float(data["interval"]),
                "timezone": data["timezone"],
                "holidays": data.get("holidays"),
                "null_value": (data["null_value"],) * len(features),
                "input_length": length.get("recent", 0) if isinstance(length, dict) else length,
                "horizon": model.horizon,
                "dated": True,
                "floor": (data["minimum"],) * len(targets),
                "last_seen": tuple(seen[name] for name in names),
                "trained": (True,) * len(names),
            }
        )
        if model.past_covariates or model.future_covariates:
            raise ValueError("covariates, which only `Forecaster.save` describes")
        if model.season not in (None, form.steps_per_day):
            raise ValueError(f"{form.steps_per_day} steps in a day for a season of {model.season}")
        return form
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"`folder` must be a preset whose metadata fit its model. Received: {str(folder)!r}, "
            f"with {type(error).__name__}: {error}. Use an undamaged copy."
        ) from error
