"""Calls a model on a few windows without the work that `predict` does for whole data sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def compiled_call(model: keras.Model) -> Callable[[Any], np.ndarray]:
    """Returns a function of the inputs of a model (NumPy arrays) that returns its outputs.

    On TensorFlow and JAX the function is compiled at its first call, for each shape. The weights
    are those of the time of each call.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        call = tf.function(lambda x: model(x, training=False), reduce_retracing=True)
        return lambda x: call(x).numpy()
    if backend == "jax":
        import jax

        @jax.jit
        def stateless(trainable, others, x):
            return model.stateless_call(trainable, others, x, training=False)[0]

        def call_jax(x):
            parts = (model.trainable_variables, model.non_trainable_variables)
            return np.asarray(stateless(*([v.value for v in part] for part in parts), x))

        return call_jax
    if backend == "torch":
        import torch

        def call_torch(x):
            with torch.inference_mode():
                return keras.ops.convert_to_numpy(model(x, training=False))

        return call_torch
    return lambda x: keras.ops.convert_to_numpy(model(x, training=False))
