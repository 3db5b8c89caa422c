"""The model of a forecaster as an ONNX file, which needs neither Keras nor its backends."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from stgkeras.forecasting.form import Form

ONNX_FILE = "model.onnx"
ABOUT_FILE = str(pathlib.Path(ONNX_FILE).with_suffix(".json"))


class OnnxModel:
    """Calls an ONNX file that `Forecaster.export` wrote, by ONNX Runtime on one thread.

    Several threads can call it at once.

    Args:
        path: path of the file.
        form: `Form` of the data of the forecaster.
        quantiles: tuple of Q levels, or None.
        edges: (E, 2) ints, pairs of neighbours to draw.
        parts: dict of the names of the inputs with readings → number of steps. Default: "x", of
            `form.input_length` steps.

    Raises:
        ValueError: if the file cannot be read, or does not belong to the form.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        form: Form,
        quantiles: tuple[float, ...] | None,
        edges: np.ndarray,
        parts: Mapping[str, int] | None = None,
    ) -> None:
        runtime = _runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = runtime.InferenceSession(
                os.fspath(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # of classes that ONNX Runtime does not publish
            raise ValueError(f"ONNX Runtime cannot read it: {error}") from error
        self.quantiles, self.edges = quantiles, edges
        inputs = {one.name: one.shape for one in self._session.get_inputs()}
        outputs = {one.name: one.shape for one in self._session.get_outputs()}
        parts = {"x": form.input_length} if parts is None else parts
        self.horizon, self.input_length = form.horizon, parts.get("x", parts)
        self.season = form.steps_per_day if "calendar" in inputs else None
        self.past_calendar = "past_calendar" in inputs
        self._names = list(inputs)
        nodes = len(form.names)
        levels = [] if quantiles is None else [len(quantiles)]
        expected = [
            (name, inputs, [length, nodes, len(form.features)]) for name, length in parts.items()
        ]
        expected.append(("forecast", outputs, [form.horizon, nodes, len(form.targets), *levels]))
        for name, found, sizes in expected:
            if not _fits(found.get(name), sizes):
                raise ValueError(
                    f"{name!r} has the shape {found.get(name)}, instead of {['batch', *sizes]}"
                )

    def __call__(self, x: Any) -> np.ndarray:
        inputs = x if isinstance(x, dict) else {"x": x}
        return self._session.run(["forecast"], {name: inputs[name] for name in self._names})[0]


def check_origin(path: pathlib.Path, form: Form) -> None:
    """Raises ValueError if the JSON file beside an ONNX file has other data, or another file."""
    try:
        about = json.loads((path.parent / ABOUT_FILE).read_text("utf-8"))
        data, digest = Form.from_json(about["data"]), about.get("sha256")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"the {ABOUT_FILE} beside it is damaged: {error}") from error
    if data != form:
        raise ValueError(f"the {ABOUT_FILE} beside it is of another training; export it again")
    if digest not in (None, sha256(path)):  # the first files have no digest
        raise ValueError(f"it is damaged, or the {ABOUT_FILE} beside it is of another file")


def sha256(path: pathlib.Path) -> str:
    """Returns the SHA-256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fits(shape, sizes):
    """Whether a shape has these sizes after that of the batch. Text is a size that is free."""
    if shape is None or len(shape) != len(sizes) + 1:
        return False
    pairs = zip(shape[1:], sizes, strict=True)
    return all(isinstance(found, str) or found in (None, size) for found, size in pairs)


def _runtime():
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            "A forecaster in ONNX needs the package onnxruntime. Run `pip install onnxruntime`."
        ) from error
    return onnxruntime
