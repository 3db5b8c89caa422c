"""Opens the folder of a preset: a trained model of Keras and its metadata."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping

from stgkeras import arguments
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.preset import Preset
from stgkeras.models import preset_files
from stgkeras.models.forecaster import Forecaster as ForecasterModel
from stgkeras.models.graph_classifier import GraphClassifier
from stgkeras.models.link_predictor import LinkPredictor

# Keys that `metadata["data"]` of a preset must have, so that it opens as a forecaster.
KEYS = ("sensors", "features", "targets", "interval", "timezone", "null_value", "minimum", "end")


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
