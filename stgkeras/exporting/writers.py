"""Writes models as files: one function for each format and backend that can make it.

A writer receives the `Signature` of a model and the path. It may leave a file that is wrong, for
converters only log what they cannot convert: `export` opens each file and compares its output.
"""

from __future__ import annotations

import contextlib
import io
import pathlib
import tempfile
import types
import unittest.mock
from typing import Any

import keras

from stgkeras.exporting.signature import Signature

OPSET = 18  # version of the ONNX operations, for onnxruntime from 1.14 (2023)


def onnx_from_tensorflow(signature: Signature, path: pathlib.Path) -> None:
    import tensorflow as tf
    import tf2onnx
    from tf2onnx.optimizer import _get_optimizers as optimizers

    specs = _tensorflow_specs(signature)
    call = signature.positional()
    # The key of the dict becomes the name of the output.
    function = tf.function(lambda *x: {signature.output: call(*x)}, specs, autograph=False)
    # One of its optimizers (1.17) takes a transposition that moves two axes for a change of shape.
    passes = {name: one for name, one in optimizers().items() if name != "optimize_transpose"}
    with unittest.mock.patch.object(tf2onnx.optimizer, optimizers.__name__, lambda: passes):
        tf2onnx.convert.from_function(function, specs, opset=OPSET, output_path=str(path))


def onnx_from_jax(signature: Signature, path: pathlib.Path) -> None:
    import jax
    import jax2onnx
    from jax.extend.core import jaxpr_as_fun
    from jax2onnx.plugins.jax.lax import pad

    (batch,) = jax.export.symbolic_shape("batch")
    shapes = [
        jax.ShapeDtypeStruct((batch, *shape[1:]), "float32") for shape in signature.inputs.values()
    ]
    # The converter replaces functions of jax.numpy while it traces, by some that fail. It gets the
    # operations that a trace of ours has found.
    traced = jaxpr_as_fun(jax.make_jaxpr(signature.positional())(*shapes))
    # Its padding (0.17.1) fails for a free batch, whose size must be a text.
    ir, shape = types.SimpleNamespace(**vars(pad.ir)), pad.ir.Shape
    ir.Shape = lambda sizes: shape([n if isinstance(n, int) else str(n) for n in sizes])
    with unittest.mock.patch.object(pad, "ir", ir):
        jax2onnx.to_onnx(
            lambda *x: traced(*x)[0],
            shapes,
            opset=OPSET,
            return_mode="file",
            output_path=str(path),
            input_names=list(signature.inputs),
            output_names=[signature.output],
        )


def onnx_from_torch(signature: Signature, path: pathlib.Path) -> None:
    import torch

    program = _program(signature)
    # Keras's `take` squeezes an axis that has more than one entry. PyTorch then leaves it as it is,
    # and ONNX raises an error.
    for node in program.graph.find_nodes(op="call_function", target=torch.ops.aten.squeeze.dim):
        if node.meta["val"].ndim == node.args[0].meta["val"].ndim:
            node.replace_all_uses_with(node.args[0])
            program.graph.erase_node(node)
    with contextlib.redirect_stdout(io.StringIO()):  # a report of each step
        program = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(signature.inputs),
            output_names=[signature.output],
            verbose=False,
        )
    program.save(str(path))


def pt2(signature: Signature, path: pathlib.Path) -> None:
    import torch

    torch.export.save(_program(signature), path)


def saved_model(signature: Signature, path: pathlib.Path) -> None:
    archive = keras.export.ExportArchive()
    archive.track(signature.model)
    specs = {
        name: keras.InputSpec(shape=shape, dtype="float32", name=name)
        for name, shape in signature.inputs.items()
    }
    archive.add_endpoint(
        "serve", lambda x: {signature.output: signature.call(x)}, input_signature=[specs]
    )
    archive.write_out(str(path), verbose=False)


def litert(signature: Signature, path: pathlib.Path) -> None:
    import tensorflow as tf

    function = tf.function(
        lambda **x: {signature.output: signature.call(x)}, autograph=False
    ).get_concrete_function(
        **dict(zip(signature.inputs, _tensorflow_specs(signature), strict=True))
    )
    # Given the model, the converter would trace it again, without the portable forms.
    holder = tf.Module()
    holder.variables_of_model = [variable.value for variable in signature.model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], holder)
    path.write_bytes(converter.convert())


def openvino(signature: Signature, path: pathlib.Path) -> None:
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        onnx = pathlib.Path(folder) / "model.onnx"
        WRITERS["onnx"][keras.backend.backend()](signature, onnx)
        model = openvino.convert_model(onnx)
    openvino.save_model(model, path, compress_to_fp16=False)


def _tensorflow_specs(signature):
    import tensorflow as tf

    return [tf.TensorSpec(shape, "float32", name) for name, shape in signature.inputs.items()]


def _program(signature: Signature) -> Any:
    """Returns the model as PyTorch exports it, for batches of any size."""
    import torch

    class Program(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = signature.model

        def forward(self, x):
            return signature.call(x)

    # A batch of one sample would become a fixed size.
    x = {name: torch.zeros(2, *shape[1:]) for name, shape in signature.inputs.items()}
    batch = {name: {0: torch.export.Dim("batch")} for name in x}
    with torch.no_grad():
        return torch.export.export(Program().eval(), (x,), dynamic_shapes=(batch,), strict=False)


WRITERS = {
    "onnx": {"tensorflow": onnx_from_tensorflow, "jax": onnx_from_jax, "torch": onnx_from_torch},
    "saved_model": {"tensorflow": saved_model, "jax": saved_model},
    "openvino": {"tensorflow": openvino, "jax": openvino, "torch": openvino},
    "litert": {"tensorflow": litert},
    "pt2": {"torch": pt2},
}
