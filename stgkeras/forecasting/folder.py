"""The folder of a saved forecaster: Keras file, JSON and plain arrays."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import tempfile

import keras
import numpy as np

from stgkeras.datasets.series.files import read_npz
from stgkeras.forecasting.baselines import Baselines
from stgkeras.forecasting.fitted import Fitted
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.training import check_sizes

MODEL, RECORD, ARRAYS = "model.keras", "forecaster.json", "baselines.npz"
FORMAT = 1
FITTED = ("season", "ridge", "offset", "days")  # arrays of `Baselines`


def save(folder: str | os.PathLike[str], fitted: Fitted) -> None:
    """Writes all files to a temporary folder, which is renamed when it is complete."""
    folder = pathlib.Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            f"`folder` must not exist, or be empty. Received: folder={str(folder)!r}. Pass another "
            "name, or remove the folder first."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = pathlib.Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fitted.model.save(partial / MODEL)
        arrays = {name: getattr(fitted.baselines, name) for name in FITTED}
        if fitted.plain is not None:
            arrays |= {f"plain_{name}": getattr(fitted.plain, name) for name in FITTED}
        np.savez(partial / ARRAYS, weights=fitted.weights.to_numpy(), **arrays)
        record = {
            "format": FORMAT,
            "data": fitted.form.to_json(),
            "season": fitted.season,
            "members": list(fitted.weights),
            "steps_per_day": fitted.baselines.steps_per_day,
            "split": fitted.split,
            "errors": None if fitted.errors is None else fitted.errors.to_dict("split"),
            "versions": _versions(),
        }
        (partial / RECORD).write_text(json.dumps(record, indent=1), "utf-8")
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def load(folder: str | os.PathLike[str]) -> Fitted:
    """Reads the files that `save` wrote."""
    import pandas as pd

    folder = pathlib.Path(folder)
    missing = [name for name in (MODEL, RECORD, ARRAYS) if not (folder / name).is_file()]
    if missing:
        raise ValueError(
            f"`folder` must be a folder that `Forecaster.save` wrote. Received: {folder} without "
            f"{', '.join(missing)}"
        )
    try:
        record = json.loads((folder / RECORD).read_text("utf-8"))
        if record["format"] != FORMAT:
            raise ValueError(f"format {record['format']}")
        form = Form.from_json(record["data"])
        arrays = read_npz(folder / ARRAYS)
        model = keras.models.load_model(folder / MODEL)
        steps_per_day = record["steps_per_day"]
        _check(model, form, arrays, record)
        baselines = Baselines(
            **{name: arrays[name] for name in FITTED}, steps_per_day=steps_per_day
        )
        plain = None
        if steps_per_day is not None:
            plain = Baselines(**{name: arrays[f"plain_{name}"] for name in FITTED})
        steps = pd.RangeIndex(1, form.horizon + 1, name="step")
        weights = pd.DataFrame(arrays["weights"], steps, record["members"])
        # The first folders had neither a split nor errors.
        split, errors = (record.get(name) for name in ("split", "errors"))
        if split is not None:
            split = {name: int(split[name]) for name in ("train", "val", "test")}
        if errors is not None:
            errors = pd.DataFrame(errors["data"], errors["index"], errors["columns"], "float64")
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise ValueError(
            "`folder` must hold a forecaster that this version can open. Received: "
            f"{folder}, with {type(error).__name__}: {error}. Use an undamaged copy."
        ) from error
    return Fitted(form, bool(record["season"]), model, baselines, plain, weights, split, errors)


def _check(model, form, arrays, record):
    """Raises ValueError if the parts of a folder do not belong together."""
    nodes, targets = len(form.names), len(form.targets)
    shapes = {
        "ridge": (nodes, targets, form.input_length, form.horizon),
        "offset": (nodes, targets, form.horizon),
        "days": (2,),
        "season": (1, nodes, targets),
    }
    if record["steps_per_day"]:
        plain = {f"plain_{name}": shape for name, shape in shapes.items()}
        shapes |= {"season": (2 * record["steps_per_day"], nodes, targets), **plain}
    shapes["weights"] = (form.horizon, len(record["members"]))
    for name, shape in shapes.items():
        found = arrays[name]
        if found.shape != shape or found.dtype.kind != "f" or not np.isfinite(found).all():
            raise ValueError(f"{name} must have shape {shape} and finite numbers")
    check_sizes(model, form)


def _versions():
    import stgkeras

    return {
        "stgkeras": stgkeras.__version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "numpy": np.__version__,
    }
