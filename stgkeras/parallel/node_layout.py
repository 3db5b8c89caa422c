"""Layouts of models whose nodes are divided over devices."""

from __future__ import annotations

from typing import Any

import keras

from stgkeras import arguments, layers
from stgkeras.models.forecaster import Forecaster

# The axes of each variable with the size of the graph. N is the axis of the nodes to divide.
VARIABLES = {
    layers.AdaptiveAdjacency: {"source": "NF", "target": "NF"},
    layers.AdaptiveEmbedding: {"embeddings": "TNF"},
    layers.CenteredLayerNormalization: {"gamma": "NF", "beta": "NF"},
    layers.ComponentFusion: {"kernel": "CTNF"},
    layers.CovariateEffect: {"embeddings": "NF"},
    layers.NodeEmbedding: {"embeddings": "NF"},
    layers.SeasonalScaler: {"season": "TNF"},
    layers.SpatialAttention: {"b_s": "NM", "v_s": "NM"},
    layers.SpatioTemporalEmbedding: {"node_embeddings": "NF"},
    layers.StaticGraph: {"graph": "NM"},
    layers.TemporalAttention: {"u1": "N", "u2": "FN", "query_kernel": "NF", "key_kernel": "NF"},
}


def node_layout(
    model: Forecaster, mesh: keras.distribution.DeviceMesh
) -> keras.distribution.LayoutMap:
    """Returns the layout of a forecaster whose nodes are divided over devices, on JAX.

    A graph with many nodes then needs less memory on each device, in training and in forecasts:
    the devices divide the windows of a batch and the nodes. Each device holds the rows of its nodes
    of the graph, of embeddings, of the N × N weights of attention, of the weights of normalisations
    over nodes and of the season, and the outputs of layers at its nodes. All other weights, a
    sparse graph and the inputs of the model are on all devices. Forecasts and training are the same
    as on one device, except for rounding errors and for the random numbers of dropout.

    A distribution divides the variables of layers that are created after it is set. So create the
    model once for the layout, and again under the distribution.

    Args:
        model: `models.STGCN` or another forecaster of this library. Only the names and shapes of
            its layers are used.
        mesh: `keras.distribution.DeviceMesh` with two axes: the first one divides the windows of a
            batch, and the second one the nodes. Its size must divide the number of nodes.

    Returns:
        `keras.distribution.LayoutMap` for `keras.distribution.ModelParallel`. It has an entry for
        each variable with an axis of nodes, and one for the output of each layer with such an axis.

    Raises:
        RuntimeError: if the backend is not JAX. The other backends of Keras 3.15 cannot divide
            variables.
        TypeError: if `model` is no forecaster, or `mesh` no `DeviceMesh`.
        ValueError: if `mesh` does not have two axes, or does not divide the number of nodes.

    Example:
        >>> import keras, numpy as np, stgkeras
        >>> def create():
        ...     return stgkeras.models.STGCN(6, graph=np.eye(6), horizon=3)
        >>> if keras.backend.backend() == "jax":
        ...     mesh = keras.distribution.DeviceMesh((1, 1), ("windows", "nodes"))
        ...     layout = stgkeras.parallel.node_layout(create(), mesh)
        ...     distribution = keras.distribution.ModelParallel(layout_map=layout)
        ...     with distribution.scope():
        ...         y = create().predict(np.zeros((2, 12, 6, 1)), verbose=0)
    """
    if keras.backend.backend() != "jax":
        raise RuntimeError(
            "`node_layout` needs the backend JAX, because Keras cannot divide variables on others. "
            f"Received: the backend {keras.backend.backend()!r}. Set KERAS_BACKEND=jax."
        )
    check_forecaster(model)
    arguments.instance(
        "mesh",
        mesh,
        keras.distribution.DeviceMesh,
        "Use `keras.distribution.DeviceMesh((1, 4), ('windows', 'nodes'))`.",
    )
    if len(mesh.axis_names) != 2:
        raise ValueError(
            "`mesh` must have two axes, for windows and for nodes. Received: mesh.axis_names="
            f"{mesh.axis_names}. Use `keras.distribution.DeviceMesh((1, 4), ('windows', 'nodes'))`."
        )
    devices = mesh.shape[1]
    if model.num_nodes % devices:
        raise ValueError(
            "`mesh` must divide the number of nodes by its second axis. Received: a second axis "
            f"of {devices} devices for {model.num_nodes} nodes. Use fewer devices for nodes, or "
            "append nodes without edges and without readings."
        )
    layout = keras.distribution.LayoutMap(mesh)
    for layer in model.layers:
        for path, axes in node_variables(layer).items():
            layout[path] = tuple(mesh.axis_names[1] if axis == "N" else None for axis in axes)
        axis = _node_axis(layer, model, devices)
        if axis is not None:
            divided: list[str | None] = [None] * len(layer.output.shape)
            divided[0] = mesh.axis_names[0] if layer.output.shape[0] is None else None
            divided[axis] = mesh.axis_names[1]
            layout[f"{layer.name}/output"] = tuple(divided)
    return layout


def check_forecaster(model: Any) -> None:
    """Raises TypeError if a model is no forecaster of this library."""
    if not isinstance(model, Forecaster):
        raise TypeError(
            "`model` must be a forecaster of `stgkeras.models`. Received: model of type "
            f"{type(model).__name__}. Pass, for example, a `stgkeras.models.STGCN`."
        )


def node_variables(layer: Any) -> dict[str, str]:
    """Returns {path: axes} of the variables of a layer that have an axis of nodes."""
    known: dict[str, str] = {}
    for kind, axes in VARIABLES.items():
        if isinstance(layer, kind):
            known.update(axes)
    return {
        variable.path: known[variable.name]
        for variable in layer.variables
        if len(variable.shape) == len(known.get(variable.name, ()))
    }


def _node_axis(layer: Any, model: Forecaster, devices: int) -> int | None:
    """Returns the axis of nodes in the output of a layer, or of patches of nodes; None without."""
    if isinstance(layer, keras.layers.InputLayer) or not isinstance(
        layer.output, keras.KerasTensor
    ):
        return None
    shape = layer.output.shape
    if len(shape) > 1 and shape[-2] == model.num_nodes:
        return len(shape) - 2
    slots = [one.num_slots for one in model.layers if isinstance(one, layers.StaticPatches)]
    is_patched = len(shape) == 4 and slots == [shape[1] * shape[2]]
    return 1 if is_patched and shape[1] % devices == 0 else None
