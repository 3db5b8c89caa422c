"""Parts of the saved form of a model: quantized layers, optimizers, and file formats.

`GraphModel` uses these functions to write and read its config.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import keras
import numpy as np

_weights_follow = contextvars.ContextVar("weights_follow", default=False)


@contextlib.contextmanager
def weights_follow() -> Iterator[None]:
    """Context manager for opening a model if its weights are loaded directly after its config.

    Keras draws random weights for a model that is created from a config. JAX compiles a program for
    each shape of these weights, which takes most of the time to open a model: 10 of 11 s for the
    preset astgcn_metr_la. In this context, weights begin with zeros that need no program.
    """
    token = _weights_follow.set(True)
    try:
        yield
    finally:
        _weights_follow.reset(token)


def created(cls: type, arguments: Mapping[str, Any]) -> Any:
    """Creates a model. On JAX, it draws no random weights within `weights_follow`."""
    if not _weights_follow.get() or keras.backend.backend() != "jax":
        return cls(**arguments)
    # Variables that are created in this scope get their values at its end, from the initializer in
    # a private attribute. If a later Keras has no such attribute, the weights are random, which is
    # slower but not wrong.
    with contextlib.suppress(Exception), keras.StatelessScope():
        model = cls(**arguments)
        for weight in model.weights:
            weight._initializer = _zeros
        return model
    return cls(**arguments)  # a layer that needs values, or bad arguments, which raise again


def _zeros(shape, dtype=None):
    return np.zeros(shape, dtype)


def refuse_legacy_file(received: str) -> NoReturn:
    """Raises the error for a file in the legacy .h5 format.

    Args:
        received: str. The part of the message after "Received: ".
    """
    raise ValueError(
        "`filepath` must end in '.keras', because Keras can write this model to its legacy .h5 "
        f"format, but cannot open it again. Received: {received}. Save the model to a '.keras' "
        "file, or only its weights to a '.weights.h5' file with `save_weights`."
    )


def is_for_legacy_file() -> bool:
    """Returns whether Keras asks for the config in order to write a legacy .h5 file."""
    from keras.src.backend.common import global_state

    return global_state.get_global_attribute("use_legacy_config", False)


def quantization(layer: keras.layers.Layer) -> dict[str, Any]:
    """Returns how a layer is quantized, as a dict for the config of the model."""
    config = getattr(layer, "quantization_config", None)
    return {
        "mode": layer.quantization_mode,
        "config": None if config is None else keras.saving.serialize_keras_object(config),
    }


def quantize_layers(model: keras.Model, quantized: Mapping[str, Any]) -> None:
    """Quantizes layers of a model as in another model.

    Args:
        model: model with layers of the same names.
        quantized: dict of layer names and the results of `quantization`.
    """
    for name, how in quantized.items():
        how = keras.saving.deserialize_keras_object(how)
        model.get_layer(name).quantize(how["mode"], config=how["config"])


def portable_optimizer(config: Any) -> Any:
    """Returns the config of an optimizer with the class that every backend can open.

    On PyTorch, Keras saves a class that only exists on PyTorch.
    """
    if not isinstance(config, dict) or "class_name" not in config:
        return config
    config = {**config, "config": dict(config["config"])}
    if config["module"].startswith("keras.src.backend."):
        config.update(module="keras.optimizers", registered_name=None)
    if "inner_optimizer" in config["config"]:
        config["config"]["inner_optimizer"] = portable_optimizer(
            config["config"]["inner_optimizer"]
        )
    return config
