"""Layers built on random inputs, for the tests of their values and of their laws."""

import functools

import keras
import numpy_layers
from cases import NODES, randomize
from numpy_layers import normal

B, T, N, F = 2, 4, NODES, 3
SCORES = {"return_attention_scores": True}
directed = functools.partial(numpy_layers.directed_operators, N)
X = normal(B, T, N, F)


def attention():
    return numpy_layers.softmax(normal(B, N, N), axis=-1)


def built(layer, arrays, **call):
    """The layer as a function of arrays, built for them and with random weights."""
    symbols = keras.tree.map_structure(
        lambda a: keras.Input(batch_shape=a.shape, dtype=str(a.dtype)), arrays
    )
    layer(*symbols, **call)
    randomize(layer)
    return functools.partial(layer, **call)
