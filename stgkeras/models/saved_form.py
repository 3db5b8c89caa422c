"""What the config of a model says beside its arguments, and which files it refuses."""

import keras


def refuse_legacy_file(received):
    raise ValueError(
        "`filepath` must end in '.keras': Keras writes its older .h5 format with this model, but "
        f"cannot open it. Received: {received}. Weights alone can go to a '.weights.h5' file, by "
        "`save_weights`."
    )


def is_for_legacy_file():
    from keras.src.backend.common import global_state

    return global_state.get_global_attribute("use_legacy_config", False)


def quantization(layer):
    config = getattr(layer, "quantization_config", None)
    return {
        "mode": layer.quantization_mode,
        "config": None if config is None else keras.saving.serialize_keras_object(config),
    }


def quantize_layers(model, quantized):
    """Quantizes the layers of a model as another's were, by name: dict of what `quantization`
    said of each."""
    for name, how in quantized.items():
        how = keras.saving.deserialize_keras_object(how)
        model.get_layer(name).quantize(how["mode"], config=how["config"])


def portable_optimizer(config):
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
