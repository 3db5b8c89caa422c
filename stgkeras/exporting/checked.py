"""Exports a model, opens the file in its runtime, and compares the outputs."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from stgkeras import arguments
from stgkeras.exporting.runtimes import RUNTIMES
from stgkeras.exporting.signature import Signature
from stgkeras.exporting.windows import random_windows
from stgkeras.exporting.writers import WRITERS
from stgkeras.models.graph_model import GraphModel

FORMATS = tuple(WRITERS)
SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "litert": ".tflite", "pt2": ".pt2"}
# Packages that write a format, by backend, and the module that opens it.
ONNX = {"tensorflow": ["tf2onnx"], "jax": ["jax2onnx"], "torch": ["onnx", "onnxscript"]}
BESIDE = {"openvino": [".bin"]}  # further files that a converter writes
OPENED_BY = {"onnx": "onnxruntime", "openvino": "openvino", "litert": "ai_edge_litert"}
BATCHES = (3, 1, 7)
TOLERANCE = 1e-4  # of the largest output: single precision, with room for long sums


def export(
    model: GraphModel,
    path: str | os.PathLike[str],
    format: str = "onnx",
    *,
    description: Mapping[str, Any] | None = None,
    card: str | None = None,
) -> float | None:
    """Writes a model as a file for another runtime, and compares the file with the model.

    The file takes batches of any size. Its inputs have the names of the inputs of the model ("x"
    if there is one), float32 in original units, NaN for a missing reading if the model has a
    season or `normalize=True`. The output is "forecast", "links" or "classes". Scaler, season,
    graph and quantiles are part of the file. A JSON file beside it names the inputs.

    If the runtime is installed, the file is opened in it and compared with `predict` on random
    windows: 1, 3 and 7 of them, one ahead of a Monday at midnight, with missing readings. A file
    with another output is removed.

    Args:
        model: a model of stgkeras, with its state.
        path: path of the file; of a folder for "saved_model". It must not exist.
        format: str. "onnx" on every backend; "saved_model" on TensorFlow, and on JAX with
            TensorFlow installed; "openvino" on every backend; "litert" on TensorFlow; "pt2"
            (`torch.export`) on PyTorch. A saved model opens on every backend, so that each format
            can be written. `pip install "stgkeras[export]"` installs what ONNX needs; the packages
            openvino and ai-edge-litert are for these formats.
        description: None, or dict that is added to the JSON file.
        card: None, or a model card, Markdown text for a further file beside.

    Returns:
        The largest difference, relative to the largest output; None if the runtime is not
        installed, and nothing was compared.

    Raises:
        ValueError: if `path` exists, `format` is unknown or cannot be written on this backend, the
            converter fails, or the file computes another output.
        ImportError: if the converter is not installed.

    Example:
        >>> import tempfile, numpy as np, stgkeras
        >>> model = stgkeras.models.STGCN(5, graph=np.eye(5), block_filters=[(4, 4, 4)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     difference = stgkeras.export(model, folder + "/stgcn.onnx")
        >>> difference < 1e-5
        True
    """
    if not isinstance(model, GraphModel):
        raise ValueError(
            f"`model` must be a model of stgkeras. Received: {type(model).__name__}. Use "
            "`forecaster.export` for a forecaster, and Keras's `model.export` for other models."
        )
    model.require_state()
    _check_format(format)
    beside = [".json", *([] if card is None else [".md"]), *BESIDE.get(format, [])]
    target = _checked_path(path, format, beside)
    signature = Signature.of(model)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        made = pathlib.Path(folder) / target.name
        try:
            WRITERS[format][keras.backend.backend()](signature, made)
        except Exception as error:  # converters raise many kinds
            raise ValueError(
                _refused(format, f"the converter failed: {_first_line(error)}")
            ) from error
        difference = _compare(signature, made, format)
        text = {"format": format, **signature.description(), **(description or {})}
        text["largest difference"] = difference
        if made.is_file():
            with open(made, "rb") as file:
                text["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
        for part in made.parent.iterdir():  # OpenVINO writes its weights beside
            shutil.move(part, target.parent / part.name)
    _beside(target, ".json").write_text(json.dumps(text, indent=1), "utf-8")
    if card is not None:
        _beside(target, ".md").write_text(card, "utf-8")
    return difference


def _check_format(format):
    arguments.one_of("format", format, FORMATS)
    backend = keras.backend.backend()
    if backend not in WRITERS[format]:
        raise ValueError(
            f"`format` must be one that {backend} writes: "
            f"{', '.join(name for name in FORMATS if backend in WRITERS[name])}. Received: "
            f"format={format!r}. Save the model, set KERAS_BACKEND={next(iter(WRITERS[format]))}, "
            "open it with `keras.models.load_model` there, and export it."
        )
    needed = ONNX[backend] if format in ("onnx", "openvino") else []
    needed = needed + {"openvino": ["openvino"], "saved_model": ["tensorflow"]}.get(format, [])
    missing = [name for name in needed if not importlib.util.find_spec(name)]
    if missing:
        raise ImportError(
            f"`format={format!r}` needs {' and '.join(missing)} on {backend}. Run "
            f"`pip install {' '.join(missing)}`."
        )


def _checked_path(path, format, beside):
    path = arguments.path("path", path)
    suffix = SUFFIXES.get(format, "")
    if suffix and path.suffix != suffix:
        raise ValueError(
            f"`path` must end in {suffix!r} for format={format!r}. Received: path={str(path)!r}"
        )
    for one in (path, *(_beside(path, suffix) for suffix in beside)):
        if one.exists():
            raise ValueError(
                f"`path` must be new. Received: {str(one)!r}, which exists. Pass another name, or "
                "remove it first."
            )
    return path


def _beside(path, suffix):
    is_file = path.suffix in SUFFIXES.values()  # the name of a folder can have a dot
    return path.with_name((path.stem if is_file else path.name) + suffix)


def _compare(signature, path, format):
    """Returns the largest relative difference of a file, or None if its runtime is missing."""
    runtime = OPENED_BY.get(format)
    if runtime is not None and not importlib.util.find_spec(runtime):
        return None
    largest = 0.0
    try:
        run = RUNTIMES[format](path)
        for seed, batch in enumerate(BATCHES):
            inputs = random_windows(signature, batch, seed)
            x = inputs if isinstance(signature.model.input, dict) else inputs["x"]
            expected = signature.model.predict(x, batch_size=batch, verbose=0)
            found = np.asarray(run(inputs))
            if found.shape != expected.shape:
                raise ValueError(f"its output has shape {found.shape}, not {expected.shape}")
            scale = np.abs(expected).max()
            difference = float(np.abs(found - expected).max() / (scale if scale else 1.0))
            if not difference <= TOLERANCE:  # NaN too
                raise ValueError(f"its output differs by {difference:.1e} of the largest value")
            largest = max(largest, difference)
    except Exception as error:  # runtimes raise many kinds
        what = f"the file is wrong, and was removed: {_first_line(error)}"
        raise ValueError(_refused(format, what)) from error
    return largest


def _refused(format, what):
    return (
        f"`format={format!r}` is not possible for this model on {keras.backend.backend()}: {what}. "
        "Use another format, or open the saved model on another backend and export it there."
    )


def _first_line(error):
    # OpenVINO begins with the places in its code.
    lines = [line for line in str(error).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("Exception from ")] or lines
    return f"{type(error).__name__}: {lines[0] if lines else ''}".rstrip(". ")
