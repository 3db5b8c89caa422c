"""The folder of a saved forecaster: Keras file, JSON and plain arrays."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import tempfile
import zipfile
from typing import Any

import numpy as np

from stgkeras import arguments
from stgkeras.datasets.series.files import read_npz
from stgkeras.forecasting.baselines import Baselines
from stgkeras.forecasting.card import card
from stgkeras.forecasting.fitted import FORECASTS, Fitted
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.intervals import Intervals
from stgkeras.forecasting.onnx_model import ABOUT_FILE, ONNX_FILE, OnnxModel, check_origin, sha256
from stgkeras.forecasting.preset import Preset, load_onnx

MODEL_FILE, RECORD_FILE, ARRAYS_FILE = "model.keras", "forecaster.json", "baselines.npz"
CARD_FILE = "README.md"
FORMAT = 1
FITTED = ("season", "ridge", "offset", "days")  # arrays of `Baselines`
INTERVALS = ("shifts", "spread")  # arrays of `Intervals`
# Errors that functions raise when they read damaged files.
DAMAGED = (
    *(ValueError, TypeError, KeyError, AttributeError, OSError, RecursionError),
    *(IndexError, OverflowError, RuntimeError, zipfile.BadZipFile),
)


def save(folder: str | os.PathLike[str], fitted: Fitted | Preset) -> None:
    """Saves a forecaster. Writes a temporary folder, and renames it when it is complete."""
    if not isinstance(fitted, Fitted):
        fitted.save(folder)
        (pathlib.Path(folder) / CARD_FILE).write_text(card(fitted), "utf-8")
        return
    from stgkeras.forecasting.graph import drawn_edges

    folder = pathlib.Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            f"`folder` must not exist, or be empty. Received: folder={str(folder)!r}. Pass another "
            "name, or remove the folder first."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = pathlib.Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fitted.model.save(partial / MODEL_FILE)
        arrays = {name: getattr(fitted.baselines, name) for name in FITTED}
        if fitted.plain is not None:
            arrays |= {f"plain_{name}": getattr(fitted.plain, name) for name in FITTED}
        if fitted.intervals is not None:
            arrays |= {name: getattr(fitted.intervals, name) for name in INTERVALS}
        if fitted.places is not None:
            arrays["places"] = fitted.places
        arrays["edges"] = drawn_edges(fitted.model)
        np.savez(partial / ARRAYS_FILE, weights=fitted.weights.to_numpy(), **arrays)
        record = {
            "format": FORMAT,
            "data": fitted.form.to_json(),
            "season": fitted.season,
            "members": list(fitted.weights),
            "quantiles": fitted.levels,
            "rate": None if fitted.intervals is None else fitted.intervals.rate,
            "steps_per_day": fitted.baselines.steps_per_day,
            "split": fitted.split,
            "begins": fitted.begins,
            "errors": None if fitted.errors is None else fitted.errors.to_dict("split"),
            "versions": _versions(),
            "digests": {name: sha256(partial / name) for name in (MODEL_FILE, ARRAYS_FILE)},
        }
        (partial / RECORD_FILE).write_text(json.dumps(record, indent=1), "utf-8")
        (partial / CARD_FILE).write_text(card(fitted), "utf-8")
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def load(folder: str | os.PathLike[str], onnx: bool = False) -> Fitted | Preset:
    """Reads the files that `save` wrote, or opens a preset.

    Args:
        folder: path of a folder, or name of a preset.
        onnx: bool. Whether the model is the ONNX file in the folder. Keras is not imported then.
    """
    import pandas as pd

    if not onnx:
        from stgkeras.forecasting import preset_folder

        if preset_folder.is_preset(folder):
            return preset_folder.load(folder)
    folder = pathlib.Path(folder)
    if onnx and not (folder / RECORD_FILE).is_file() and (folder / ABOUT_FILE).is_file():
        return load_onnx(folder)
    model_file = ONNX_FILE if onnx else MODEL_FILE
    _check_complete(folder, model_file)
    file = RECORD_FILE  # that is read now
    try:
        record = json.loads((folder / RECORD_FILE).read_text("utf-8"))
        form = _form(record)
        for file in (ARRAYS_FILE,) if onnx else (MODEL_FILE, ARRAYS_FILE):
            _check_file(folder / file, record)
        arrays = read_npz(folder / ARRAYS_FILE)
        file = model_file
        model = (_onnx_model if onnx else _keras_model)(folder / file, form, record, arrays)
        file, steps_per_day = ARRAYS_FILE, form.steps_per_day
        _check_arrays(form, arrays, record["members"], model.quantiles)
        baselines = Baselines(
            **{name: arrays[name] for name in FITTED}, steps_per_day=steps_per_day
        )
        plain = None
        if steps_per_day is not None:
            plain = Baselines(**{name: arrays[f"plain_{name}"] for name in FITTED})
        steps = pd.RangeIndex(1, form.horizon + 1, name="step")
        weights = pd.DataFrame(arrays["weights"], steps, record["members"])
        weights = weights[list(FORECASTS[: len(record["members"])])]
        intervals = None
        if model.quantiles is not None:
            rate = arguments.number("rate", record["rate"], low=0)
            parts = {name: arrays[name] for name in INTERVALS}
            intervals = Intervals(model.quantiles, **parts, rate=rate)
        # The first folders had neither a split nor errors, and no times of the parts.
        file = RECORD_FILE
        begins = {n: arguments.text(n, time) for n, time in record.get("begins", {}).items()}
        split, errors = (record.get(name) for name in ("split", "errors"))
        if split is not None:
            split = {name: int(split[name]) for name in ("train", "val", "test")}
        if errors is not None:
            errors = _table(errors)
        places = arrays.get("places")
    except DAMAGED as error:
        what = str(error).rstrip(". ")
        if isinstance(error, KeyError):
            what = f"it has nothing called {error}"
        elif file != model_file and isinstance(error, (TypeError, AttributeError, IndexError)):
            what = "it has a value of another type than `save` writes"
        raise ValueError(
            "`folder` must hold a forecaster that this version can open. Received: "
            f"{folder}, whose {file} cannot be used: {what}. Use an undamaged copy."
        ) from error
    season = record["season"]
    found = Fitted(form, season, model, baselines, plain, weights, split, errors, intervals)
    found.places, found.begins = places, begins
    return found


def _check_complete(folder, model_file):
    """Raises ValueError if a folder lacks a file."""
    files = (model_file, RECORD_FILE, ARRAYS_FILE)
    missing = [name for name in files if not (folder / name).is_file()]
    if not missing:
        return
    where = ", or the name of a preset from `stgkeras.models.presets()`"
    fix = "Correct the path or the name."
    if model_file == ONNX_FILE:
        where = f", with the file {ONNX_FILE}"
        fix = f"Write the file with `forecaster.export({str(folder / ONNX_FILE)!r})`."
    raise ValueError(
        f"`folder` must be a folder that `Forecaster.save` wrote{where}. Received: {folder} "
        f"without {', '.join(missing)}. {fix}"
    )


def _keras_model(path, form, record, arrays):
    """Opens the model of a forecaster. The loss and the optimizer are for training only."""
    import keras

    from stgkeras.forecasting.building import check_sizes
    from stgkeras.models.saved_form import weights_follow

    with weights_follow():
        model: Any = keras.models.load_model(path, compile=False)
    check_sizes(model, form)
    if record["season"] != (model.season is not None):
        raise ValueError(f"season is {model.season}, but {record['season']} in {RECORD_FILE}")
    return model


def _onnx_model(path, form, record, arrays):
    """Opens the ONNX file of a forecaster."""
    if "quantiles" not in record:
        raise ValueError(
            f"{RECORD_FILE} is of an earlier version, without what ONNX needs; open the forecaster "
            "with `Forecaster.load`, and save and export it again"
        )
    if (path.parent / ABOUT_FILE).exists():
        check_origin(path, form)
    levels = record["quantiles"]
    return OnnxModel(path, form, None if levels is None else tuple(levels), arrays["edges"])


def _form(record):
    """Returns the form of the data in a record, and checks the other fields of the record."""
    if not isinstance(record, dict):
        raise ValueError(f"it is {json.dumps(record)[:50]}, no description of a forecaster")
    if record["format"] != FORMAT:
        raise ValueError(f"its format is {record['format']!r}, not {FORMAT}")
    form, members = Form.from_json(record["data"]), record["members"]
    if not isinstance(record.get("digests", {}), dict):
        raise ValueError(f"digests is {record['digests']!r}")
    if not isinstance(record["season"], bool):
        raise ValueError(f"season is {record['season']!r}")
    if record["steps_per_day"] != form.steps_per_day:
        raise ValueError(
            f"steps_per_day is {record['steps_per_day']!r}, for {form.steps_per_day} steps in a day"
        )
    known = {*FORECASTS} if form.steps_per_day else {*FORECASTS[:-1]}
    if not isinstance(members, list) or {*map(str, members)} != known:
        raise ValueError(f"members is {members!r}, not {sorted(known)}")
    return form


def _table(found):
    """Returns a table of errors from JSON, in which the rows of several targets are lists."""
    import pandas as pd

    rows = found["index"]
    if isinstance(rows[0], list):
        rows = pd.MultiIndex.from_tuples(map(tuple, rows), names=["target", "forecast"])
    return pd.DataFrame(found["data"], rows, found["columns"], "float64")


def _check_file(path, record):
    """Raises ValueError if a file is no complete zip file, or its digest is not in the record."""
    if not zipfile.is_zipfile(path):
        raise ValueError("it is damaged or cut short")
    # Folders of the first versions have no digests.
    digest = record.get("digests", {}).get(path.name)
    if digest is not None and digest != sha256(path):
        raise ValueError(
            f"{path.name} and {RECORD_FILE} do not belong together, or {path.name} is damaged"
        )


def _check_arrays(form, arrays, members, quantiles):
    """Raises an error if an array is missing, has another shape, or is not finite."""
    nodes, targets = len(form.names), len(form.targets)
    shapes = {
        "ridge": (nodes, targets, form.input_length, form.horizon),
        "offset": (nodes, targets, form.horizon),
        "days": (2,),
        "season": (1, nodes, targets),
    }
    if form.steps_per_day:
        plain = {f"plain_{name}": shape for name, shape in shapes.items()}
        shapes |= {"season": (2 * form.steps_per_day, nodes, targets), **plain}
    shapes["weights"] = (form.horizon, len(members))
    if "places" in arrays:
        shapes["places"] = (nodes, 2)
    if quantiles is not None:
        shapes["spread"] = (form.horizon, nodes, targets)
        shapes["shifts"] = (*shapes["spread"], len(quantiles))
    for name, shape in shapes.items():
        found = arrays[name]
        if found.shape != shape or found.dtype.kind != "f" or not np.isfinite(found).all():
            raise ValueError(f"{name} must have shape {shape} and finite numbers")


def _versions():
    import keras

    import stgkeras

    return {
        "stgkeras": stgkeras.__version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "numpy": np.__version__,
    }
