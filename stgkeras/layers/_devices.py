"""Where tensors are, for products that have a form of their own on a CPU."""

import keras


def on_cpu(x):
    """Whether what is computed of the tensor `x` is computed on a CPU."""
    if keras.backend.backend() == "torch":
        return x.device.type == "cpu"
    if keras.backend.backend() == "jax":
        import jax

        return jax.default_backend() == "cpu"
    import tensorflow as tf

    return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())
