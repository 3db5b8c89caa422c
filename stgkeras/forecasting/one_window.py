"""Calls a model on a few windows without the work that `predict` does for whole data sets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.forecasting.onnx_model import OnnxModel

if TYPE_CHECKING:
    import keras

Call = Callable[[Any], np.ndarray]


def compiled_call(model: keras.Model | OnnxModel) -> Call:
    """Returns a function of the inputs of a model (NumPy arrays) that returns its outputs.

    On TensorFlow and JAX the function is compiled at its first call, for each shape. On PyTorch it
    is traced at its second call, because a single forecast is sooner without. The weights are those
    of the time of each call. What has changed if Keras drops `model.predict_function`, such as the
    number of edges of the graph, is compiled again. Several threads can call the function at once.
    """
    if isinstance(model, OnnxModel):
        return model
    import keras

    forms = {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}
    form = forms.get(keras.backend.backend(), _plain)
    made: tuple[Any, Call | None] = None, None
    lock = threading.Lock()

    def newest():
        nonlocal made
        with lock:
            if made[1] is None or model.predict_function is not made[0]:
                model.make_predict_function()
                made = model.predict_function, form(model)
            return made[1]

    def call(x):
        key, compiled = made
        if compiled is None or model.predict_function is not key:
            compiled = newest()
        return compiled(x)

    return call


def _plain(model):
    import keras

    return lambda x: keras.ops.convert_to_numpy(model(x, training=False))


def _on_tensorflow(model):
    import tensorflow as tf

    call = tf.function(lambda x: model(x, training=False), reduce_retracing=True)
    return lambda x: call(x).numpy()


def _on_jax(model):
    import jax
    import keras

    variables = [*model.trainable_variables, *model.non_trainable_variables]

    @jax.jit
    def stateless(values, x):
        with keras.StatelessScope(zip(variables, values, strict=True)):
            return model(x, training=False)

    # The list of the variables takes longer to find than their values, and the property `value`,
    # which looks for scopes of Keras, twenty times as long as the attribute that it returns.
    return lambda x: np.asarray(stateless([variable._value for variable in variables], x))


def _on_torch(model):
    import keras
    import torch

    forms: dict[Any, Any] = {}  # shapes and types of inputs → None after one call, then the graph
    lock = threading.Lock()  # PyTorch traces in one thread, while no other calls the model

    def call(x):
        parts = [keras.ops.convert_to_tensor(part) for part in keras.tree.flatten(x)]
        form = tuple((part.shape, part.dtype) for part in parts)

        def run(*parts):
            return model(keras.tree.pack_sequence_as(x, parts), training=False)

        if forms.get(form) is None:
            with lock:
                if form not in forms:
                    forms[form] = None
                    return answer(run, parts)
                if forms[form] is None:
                    forms[form] = _traced(model, run, parts) or False
        return answer(forms[form] or run, parts)

    def answer(function, parts):
        with torch.inference_mode():
            return keras.ops.convert_to_numpy(function(*parts))

    return call


def _traced(model, run, parts):
    """Returns the operations of PyTorch that a model calls, without Keras; or None.

    More than half of the time of a small model is Keras's, between these operations. The graph
    refers to the variables of the model, so it has their values at the time of each call. It is
    refused if it holds other tensors, which would be values of the time of the trace, or if its
    result is not that of the model.
    """
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    try:
        with torch.no_grad():
            module = make_fx(run)(*parts)
            own = {id(variable.value) for variable in model.weights}
            for node in module.graph.find_nodes(op="get_attr"):
                # A number in the code of the model is a tensor that the next operation copies.
                is_number = all("lift_fresh" in str(user.target) for user in node.users)
                if id(getattr(module, node.target)) not in own and not is_number:
                    return None
            module.graph.eliminate_dead_code()
            module.recompile()
            return module.forward if torch.equal(module(*parts), run(*parts)) else None
    except Exception:  # of a model that cannot be traced; the plain call raises what is wrong
        return None
