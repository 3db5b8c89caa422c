"""Gradients of a scalar function on whichever backend is active."""

import contextlib
import functools
from unittest import mock

import keras
import numpy as np
from keras.src.backend.common import dtypes


@contextlib.contextmanager
def double_precision():
    """Everything in float64. Away from TensorFlow, Keras computes in float32 what is given in
    float64, unless told; and some layers of models ask for float32 by name."""
    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.dict(dtypes.BIT64_TO_BIT32_DTYPE, float64="float64"))
        names = mock.patch.object(
            keras.DTypePolicy, "_parse_name", lambda *_: ("float64", "float64")
        )
        stack.enter_context(names)
        if keras.backend.backend() == "jax":
            import jax

            stack.enter_context(jax.enable_x64(True))
        try:
            keras.config.set_floatx("float64")
            keras.config.set_dtype_policy("float64")
            yield
        finally:
            keras.config.set_floatx(floatx)
            keras.config.set_dtype_policy(policy)


def gradients(function, inputs):
    """Value of `function` and its gradient with respect to each input.

    Args:
        function: takes one backend tensor per input, returns a scalar tensor.
        inputs: list of floating NumPy arrays; their dtype is kept.
    Returns:
        (value, [gradient, …]) as NumPy arrays; zeros where the function ignores an input.
    """
    inputs = [np.asarray(array) for array in inputs]
    value, grads = globals()[f"_{keras.backend.backend()}"](function, inputs)
    zeros = [np.zeros_like(array) for array in inputs]
    grads = [
        zero if grad is None else keras.ops.convert_to_numpy(grad)
        for grad, zero in zip(grads, zeros, strict=True)
    ]
    return keras.ops.convert_to_numpy(value), grads


def _tensorflow(function, inputs):
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(array) for array in inputs]
    with tf.GradientTape() as tape:
        for tensor in tensors:
            tape.watch(tensor)
        value = function(*tensors)
    return value, [
        None if grad is None else tf.convert_to_tensor(grad)
        for grad in tape.gradient(value, tensors)
    ]


def _jax(function, inputs):
    return _compiled(function, len(inputs))(*inputs)


@functools.lru_cache(maxsize=1)  # what is called again with other inputs is compiled once
def _compiled(function, count):
    import jax

    return jax.jit(jax.value_and_grad(function, argnums=tuple(range(count))))


def _torch(function, inputs):
    import torch

    device = keras.ops.convert_to_tensor(0.0).device
    tensors = [torch.tensor(array, device=device, requires_grad=True) for array in inputs]
    value = function(*tensors)
    return value.detach(), torch.autograd.grad(value, tensors, allow_unused=True)
