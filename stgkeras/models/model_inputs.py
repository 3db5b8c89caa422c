"""The inputs of models on a graph, their scaling, and the form of their outputs."""

from __future__ import annotations

import functools

import keras
import scipy.sparse
from keras import ops

from stgkeras.layers import SeasonalScaler, StandardScaler, StaticGraph, StaticTerms, _checks
from stgkeras.seasons import component_steps
from stgkeras.types import Tensor


def graph_inputs(arguments, graph, normalization=None):
    """The inputs of a model with one signal, and its graph operator.

    Args:
        arguments: dict with num_nodes, input_length, num_features, num_edges and, if the graph may
            come as input, dynamic_graph, as the model took them.
        graph: None, or the operator of a model with a fixed graph.
        normalization: layer that turns an adjacency given as input into the operator.

    Returns:
        The inputs, x (batch, time, nodes, features) among them, and the operator.
    """
    nodes, steps = arguments["num_nodes"], arguments["input_length"]
    dynamic = arguments.get("dynamic_graph", False)
    _checks.one_of("dynamic_graph", dynamic, (False, "sample", "step"))
    x = keras.Input((steps, nodes, arguments["num_features"]), name="x")
    if not dynamic:
        return x, x, static_operator(x, arguments, graph)
    if graph is not None:
        raise ValueError(
            f"`graph` must be None with dynamic_graph={dynamic!r}: the model takes its graph as "
            "input, {'x': …, 'graph': …}."
        )
    if arguments["num_edges"] is not None:
        raise ValueError(
            f"`num_edges` must be None with dynamic_graph={dynamic!r}: it sizes a fixed graph. "
            f"Received: num_edges={arguments['num_edges']}"
        )
    shape = (nodes, nodes) if dynamic == "sample" else (steps, nodes, nodes)
    adjacency = keras.Input(shape, name="graph")
    return {"x": x, "graph": adjacency}, x, normalization(adjacency)


def component_inputs(arguments, graph):
    """The inputs of a model with several components, by name, and its graph operator.

    Args:
        arguments: dict with num_nodes, num_features, num_edges and the dict input_length, as the
            model took them.
        graph: None, or the operator.
    """
    if arguments.get("dynamic_graph"):
        raise ValueError(
            "`dynamic_graph` must be False with several components. "
            f"Received: dynamic_graph={arguments['dynamic_graph']!r}, "
            f"input_length={arguments['input_length']!r}"
        )
    nodes, features = arguments["num_nodes"], arguments["num_features"]
    inputs = {
        name: keras.Input((steps, nodes, features), name=name)
        for name, steps in arguments["input_length"].items()
    }
    return inputs, static_operator(next(iter(inputs.values())), arguments, graph)


def static_operator(x, arguments, graph):
    """The operator of the layer that holds the graph; a sparse one with its terms if an attention
    weighs them. The edge count of a sparse one goes into the arguments."""
    room = {"num_edges": arguments["num_edges"], "name": "static_graph"}
    is_sparse = room["num_edges"] is not None or scipy.sparse.issparse(graph)
    has_attention = "spatial_score" in arguments and arguments.get("attention", True)
    if is_sparse and has_attention:
        layer = StaticTerms(arguments["num_nodes"], arguments["K"], graph, **room)
    else:
        layer = StaticGraph(arguments["num_nodes"], graph, **room)
    arguments["num_edges"] = layer.num_edges
    return layer(x)


def scaling(arguments):
    """The scaler of a model, into standardised units and back.

    Args:
        arguments: dict with num_nodes, num_features and normalize, and for a forecaster horizon,
            num_outputs and season, as the model took them.

    Returns:
        Function (x, component) → standardised x, where `component` names the steps that x reads,
        by default "recent"; function y → forecast in original units; dict of the inputs that the
        two need.
    """
    num_features, num_outputs = arguments["num_features"], arguments.get("num_outputs", 1)
    season = arguments.get("season")
    if season is None and not arguments["normalize"]:
        return (lambda x, component=None: x), (lambda y: y), {}
    if num_outputs > num_features:
        raise ValueError(
            "`num_outputs` must be at most `num_features` with normalize=True or a season: "
            f"forecasts take the units of the first features. Received: num_outputs={num_outputs}, "
            f"num_features={num_features}"
        )
    if season is None:
        scaler = StandardScaler(num_features, dtype="float32", name="scaler")
        return (lambda x, component=None: scaler(x)), functools.partial(scaler, inverse=True), {}
    if arguments["normalize"]:
        raise ValueError(
            "`normalize` must be False with a season, which has a scaler of its own. "
            f"Received: normalize=True, season={season}"
        )
    horizon = arguments["horizon"]
    calendar = keras.Input((horizon, 2), name="calendar")
    scaler = SeasonalScaler(
        arguments["num_nodes"], num_features, season, dtype="float32", name="scaler"
    )
    level = StandardScaler(num_features, dtype="float32", name="level")

    def scale(x, component="recent"):
        steps = component_steps(component, x.shape[1], horizon, season).tolist()
        # What is left of the season, and where it stands: a hundred vehicles at night or at noon.
        return ops.concatenate([scaler(x, calendar, steps=steps), level(x)], axis=-1)

    return (
        scale,
        lambda y: scaler(y, calendar, steps=list(range(horizon)), inverse=True),
        {"calendar": calendar},
    )


def joined(inputs, more):
    """The inputs of a model, `more` of them by name."""
    if not more:
        return inputs
    return {**(inputs if isinstance(inputs, dict) else {"x": inputs}), **more}


def forecast_head(y, horizon, num_outputs):
    """Splits the last axis of y (batch, nodes, horizon·outputs) into the forecast's axes."""
    nodes = y.shape[1]
    y = ops.reshape(y, (-1, nodes, horizon, num_outputs))
    return ops.transpose(y, (0, 2, 1, 3))  # (B, horizon, N, outputs)


def by_node(x: Tensor) -> Tensor:
    """Returns (batch, time, nodes, features) as (batch, nodes, time·features)."""
    _, steps, nodes, features = x.shape
    return ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, nodes, steps * features))
