"""The constructor of models, extended by `dtype` and by clones of `keras.models.clone_model`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from stgkeras.layers._state import StateLayer
from stgkeras.models import saved_form


def constructor(init: Callable[..., None], base: Any) -> Callable[..., None]:
    """Returns a constructor that also accepts `dtype` and creates clones.

    `keras.models.clone_model` calls the constructor with only the inputs and outputs of the cloned
    layers. The attribute `cloned_from` of the outputs is then the original model. The clone gets
    the arguments, the graph and the scaler of the original model.

    Args:
        init: the constructor of the model.
        base: the class `GraphModel`.
    """

    @functools.wraps(init)
    def __init__(self, *args, **kwargs):
        tensors = keras.tree.flatten(args[1:2])
        source = getattr(tensors[0], "cloned_from", None) if tensors else None
        if source is None:
            with _dtype_policy(kwargs.pop("dtype", None)):
                init(self, *args, **kwargs)
            return
        arguments = {name: getattr(source, name) for name in source._argument_names}
        with _dtype_policy(source.dtype_policy):
            if type(self).__module__.startswith("stgkeras."):
                base.__init__(self, *args, arguments, **kwargs)
            else:  # the constructor of a user's subclass can create more parts
                config = source.get_config()
                quantized = config.pop("quantized", {})
                del config["dtype"]  # the context manager sets the dtype
                init(self, **config)
                saved_form.quantize_layers(self, quantized)
        for layer in self.layers:
            if isinstance(layer, StateLayer):
                for ours, theirs in zip(
                    layer.weights, source.get_layer(layer.name).weights, strict=True
                ):
                    ours.assign(ops.convert_to_numpy(theirs))

    # `clone_model` keeps the class of a model only if `inspect` shows a constructor with the
    # arguments (*args, **kwargs). Without `__wrapped__`, `inspect` does not find `init`.
    del __init__.__wrapped__
    return __init__


@contextlib.contextmanager
def _dtype_policy(policy):
    """Context in which new layers get a dtype policy. None is the current global policy."""
    before = keras.config.dtype_policy()
    try:
        if policy is not None:
            _set_policy(policy)
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _set_policy(policy):
    try:
        keras.config.set_dtype_policy(keras.dtype_policies.get(policy))
    except Exception as error:  # of the classes that a config names, too
        raise ValueError(
            f"`dtype` must be a dtype policy of Keras. Received: dtype={policy!r}. Pass a name "
            'such as "float32" or "mixed_bfloat16".'
        ) from error
