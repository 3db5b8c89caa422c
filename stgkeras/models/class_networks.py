"""The layers of the classifiers, from the input to the logits."""

from __future__ import annotations

import keras
from keras import layers

from stgkeras.layers import GraphPooling, SparseFeatures


def signal_input(arguments):
    """Returns the input of the model: a signal, or the entries of sparse features."""
    nodes, features = arguments["num_nodes"], arguments["num_features"]
    entries = arguments["num_entries"]
    if entries is None:
        return keras.Input((nodes, features), name="x")
    index = keras.Input((2, entries), dtype="int32", name="index")
    return {"index": index, "value": keras.Input((entries,), name="value")}


def _signal(x, arguments, dropout=0.0):
    """Returns the signal, after dropout, as a dense tensor."""
    # Sparse features: dropout on the stored entries is enough, because all other values are 0.
    drop = layers.Dropout(dropout) if dropout else lambda value: value
    if arguments["num_entries"] is None:
        return drop(x)
    x = {"index": x["index"], "value": drop(x["value"])}
    sizes = arguments["num_nodes"], arguments["num_features"]
    return SparseFeatures(*sizes, name="features")(x)


def node_classes(x, operator, convolution, arguments):
    """Returns the logits (B, N, classes): convolutions, with dropout before each of them."""
    rate, regularizer = arguments["dropout"], arguments["kernel_regularizer"]
    x = _signal(x, arguments, rate)
    for number, filters in enumerate(arguments["filters"], start=1):
        x = convolution(
            filters, activation="relu", kernel_regularizer=regularizer, name=f"convolution_{number}"
        )(x, operator)
        x = layers.Dropout(rate)(x)
    return convolution(arguments["num_classes"], dtype="float32", name="output")(x, operator)


def signal_classes(x, operators, pools, convolution, arguments):
    """Returns the logits (B, classes): convolutions and pooling, dense layers with dropout."""
    regularizer = arguments["kernel_regularizer"]
    x = _signal(x, arguments)
    for level, filters in enumerate(arguments["filters"]):
        x = convolution(
            filters,
            activation="relu",
            kernel_regularizer=regularizer,
            name=f"convolution_{level + 1}",
        )(x, operators[level if pools else 0])
        if pools:
            x = GraphPooling(arguments["pooling"], name=f"pooling_{level + 1}")(x, pools[level])
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(arguments["units"], start=1):
        x = layers.Dense(
            units, activation="relu", kernel_regularizer=regularizer, name=f"dense_{number}"
        )(x)
    x = layers.Dropout(arguments["dropout"], name="dropout")(x)
    return layers.Dense(arguments["num_classes"], dtype="float32", name="output")(x)
