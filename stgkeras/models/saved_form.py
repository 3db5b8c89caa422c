"""Parts of the saved form of a model: quantized layers, optimizers, and file formats.

`GraphModel` uses these functions to write and read its config.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import keras


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
