"""Gradients of a scalar function and products of its second derivatives, on any backend."""

import functools

import keras
import numpy as np
from keras import ops

STEP = 1e-5


def products(function, inputs, directions):
    """The gradient of `function`, and what the backend and central differences have for the
    derivative of the gradient along the directions.

    Args:
        function: takes one backend tensor per input, returns a scalar tensor.
        inputs: list of float64 arrays.
        directions: list of float64 arrays of the same shapes.
    Returns:
        (list of what the backend has, by each of its ways, what differences have), each a list of
        arrays, zeros where the function ignores an input.
    """
    derive = globals()[f"_{keras.backend.backend()}"](function)
    moved = [
        derive([x + step * v for x, v in zip(inputs, directions, strict=True)], directions)[0]
        for step in (STEP, -STEP)
    ]
    expected = [(up - down) / (2 * STEP) for up, down in zip(*moved, strict=True)]
    return derive(inputs, directions)[1], expected


def _arrays(found, inputs):
    pairs = zip(found, inputs, strict=True)
    return [np.zeros_like(x) if g is None else ops.convert_to_numpy(g) for g, x in pairs]


def by_tapes(function, tensors, directions):
    """TensorFlow's gradient of a function, and the derivative of that along the directions."""
    import tensorflow as tf

    zero = tf.UnconnectedGradients.ZERO
    with tf.GradientTape() as outer:
        outer.watch(tensors)
        with tf.GradientTape() as inner:
            inner.watch(tensors)
            value = function(*tensors)
        found = inner.gradient(value, tensors, unconnected_gradients=zero)
        along = sum(tf.reduce_sum(g * v) for g, v in zip(found, directions, strict=True))
    return found, outer.gradient(along, tensors, unconnected_gradients=zero)


def _tensorflow(function):
    import tensorflow as tf

    derive = functools.partial(by_tapes, function)
    compiled = tf.function(derive, jit_compile=False)

    def of_arrays(inputs, directions):
        tensors = [[tf.constant(x) for x in arrays] for arrays in (inputs, directions)]
        found, first = compiled(*tensors)
        ways = [first, derive(*tensors)[1]]
        return _arrays(found, inputs), [_arrays(way, inputs) for way in ways]

    return of_arrays


def _jax(function):
    import jax

    @jax.jit
    def derive(inputs, directions):
        def gradient(inputs):
            return jax.grad(lambda inputs: function(*inputs))(inputs)

        def along(inputs):
            pairs = zip(gradient(inputs), directions, strict=True)
            return sum(jax.numpy.sum(g * v) for g, v in pairs)

        found, forward = jax.jvp(gradient, (inputs,), (directions,))
        return found, [jax.grad(along)(inputs), forward]

    def of_arrays(inputs, directions):
        found, ways = derive(*([jax.numpy.asarray(x) for x in a] for a in (inputs, directions)))
        return _arrays(found, inputs), [_arrays(way, inputs) for way in ways]

    return of_arrays


def _torch(function):
    import torch

    def of_arrays(inputs, directions):
        tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
        directions = [torch.tensor(v) for v in directions]
        plain = torch.autograd.grad(function(*tensors), tensors, allow_unused=True)
        value = function(*tensors)
        found = torch.autograd.grad(value, tensors, create_graph=True, allow_unused=True)
        for ours, again in zip(plain, found, strict=True):
            if ours is not None:
                torch.testing.assert_close(again.detach(), ours)
        pairs = zip(found, directions, strict=True)
        along = sum((g * v).sum() for g, v in pairs if g is not None)
        again = [None] * len(tensors)
        if along.requires_grad:
            again = torch.autograd.grad(along, tensors, allow_unused=True)
        return _arrays(plain, inputs), [_arrays(again, inputs)]

    return of_arrays
