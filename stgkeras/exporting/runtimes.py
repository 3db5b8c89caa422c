"""Opens exported files in their runtimes, as functions of a dict of NumPy arrays."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping

import numpy as np

Run = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def onnx(path: pathlib.Path) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, dict(inputs))[0]


def saved_model(path: pathlib.Path) -> Run:
    import tensorflow as tf

    model = tf.saved_model.load(str(path))

    def run(inputs):
        (y,) = model.serve({name: tf.constant(x) for name, x in inputs.items()}).values()
        return y.numpy()

    return run


def openvino(path: pathlib.Path) -> Run:
    import openvino

    # Its default on some processors is half precision.
    exact = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    model = openvino.Core().compile_model(path, "CPU", exact)
    return lambda inputs: model(dict(inputs))[0]


def litert(path: pathlib.Path) -> Run:
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(model_path=str(path)).get_signature_runner()
    return lambda inputs: next(iter(run(**inputs).values()))


def pt2(path: pathlib.Path) -> Run:
    import torch

    model = torch.export.load(path).module()

    def run(inputs):
        with torch.inference_mode():
            return model({name: torch.from_numpy(x) for name, x in inputs.items()}).numpy()

    return run


RUNTIMES = {
    "onnx": onnx,
    "saved_model": saved_model,
    "openvino": openvino,
    "litert": litert,
    "pt2": pt2,
}
