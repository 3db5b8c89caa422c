"""The weights of a model for a model of another network, node by node."""

from __future__ import annotations

import keras
import numpy as np

from stgkeras.layers._state import StateLayer
from stgkeras.models.graph_model import GraphModel


def carry_weights(before: GraphModel, model: GraphModel, shares: np.ndarray) -> None:
    """Copies the weights of a model to a model with other nodes.

    An axis of a weight belongs to the nodes if its size changes when the model is built with one
    node more. Along such an axis, the values of a new node are weighted means of the values of the
    old nodes. A node may have several values, one after the other. Other axes are copied. `model`
    keeps its own graph, and the mean and standard deviation of its scaler.

    Args:
        before: model with M nodes.
        model: model of the same class with N nodes. Its weights are replaced.
        shares: (N, M) share of each old node in the mean of each new node.

    Raises:
        ValueError: if the models have other layers.
    """
    nodes = before.num_nodes
    larger = type(before).from_config({**before.get_config(), "num_nodes": nodes + 1})
    found = [_weights(one) for one in (before, model, larger)]
    if len({tuple((w.name, len(w.shape)) for w in weights) for weights in found}) > 1:
        raise _other(f"{len(found[1])} weights, of other layers")
    carried = []
    for old, new, probe in zip(*found, strict=True):
        value = keras.ops.convert_to_numpy(old)
        for axis, (size, more) in enumerate(zip(old.shape, probe.shape, strict=True)):
            if size == more:
                continue
            each = more - size  # numbers of a node
            if each < 1 or size != each * nodes:
                raise _other(f"{old.path} of shape {tuple(old.shape)}, {size} for {nodes} nodes")
            value = _mixed(value, axis, each, shares)
        if value.shape != tuple(new.shape):
            raise _other(f"{new.path} of shape {tuple(new.shape)} instead of {value.shape}")
        carried.append(value)
    for new, value in zip(found[1], carried, strict=True):
        new.assign(value)


def _weights(model):
    """Returns the variables of a model without the state of its graph and its scaler."""
    state = {
        id(weight)
        for layer in model._flatten_layers()
        if isinstance(layer, StateLayer)
        for weight in layer.weights
    }
    return [weight for weight in model.weights if id(weight) not in state]


def _mixed(value, axis, each, shares):
    """Applies shares (N, M) to an axis of length M · each."""
    last = np.moveaxis(value, axis, -1).astype("float64")
    parts = last.reshape(*last.shape[:-1], -1, each)  # (..., M, each)
    mixed = (shares @ parts).reshape(*last.shape[:-1], -1)
    return np.moveaxis(mixed, -1, axis).astype(value.dtype)


def _other(received):
    return ValueError(
        "`model` must have the same layers as the model that gives the weights, with a whole "
        f"number of weights for each node. Received: {received}. Build both with the same "
        "arguments."
    )
