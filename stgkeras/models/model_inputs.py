"""The inputs of models on a graph, the scaling of signals, and the axes of the outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import scipy.sparse
from keras import ops

from stgkeras.layers import (
    CovariateEffect,
    MonotoneQuantiles,
    SeasonalScaler,
    StandardScaler,
    StaticGraph,
    StaticTerms,
    _checks,
)
from stgkeras.models.graph_lists import static_operators
from stgkeras.models.operator_check import check_operator
from stgkeras.seasons import component_steps
from stgkeras.types import Array, Tensor

DYNAMIC = (False, "sample", "step")


def graph_inputs(
    arguments: dict[str, Any], graph: Array | None, normalization: Any = None
) -> tuple[Tensor | dict[str, Tensor], Tensor, Tensor]:
    """Creates the inputs of a model with one signal.

    Args:
        arguments: dict of the arguments of the model: "num_nodes", "input_length", "num_features",
            "num_edges" and, if the model can have a graph input, "dynamic_graph".
        graph: None, or the operator of a model with a fixed graph.
        normalization: None, or the layer that converts an adjacency input to the operator.

    Returns:
        The inputs of the model, a tensor or a dict; the signal x (batch, time, nodes, features),
        which is one of these inputs; and the graph operator.
    """
    nodes, steps = arguments["num_nodes"], arguments["input_length"]
    dynamic = arguments.get("dynamic_graph", False)
    _checks.one_of("dynamic_graph", dynamic, DYNAMIC)
    x = keras.Input((steps, nodes, arguments["num_features"]), name="x")
    if not dynamic:
        return x, x, static_operator(x, arguments, graph)
    if graph is not None:
        raise ValueError(
            f"`graph` must be None with dynamic_graph={dynamic!r}. Received: graph of type "
            f"{type(graph).__name__}. Call the model with {{'x': …, 'graph': …}} instead."
        )
    if arguments["num_edges"] is not None:
        raise ValueError(
            f"`num_edges` must be None with dynamic_graph={dynamic!r}, because only a fixed graph "
            f"can be sparse. Received: num_edges={arguments['num_edges']}. Use `num_edges=None`."
        )
    shape = (nodes, nodes) if dynamic == "sample" else (steps, nodes, nodes)
    adjacency = keras.Input(shape, name="graph")
    return {"x": x, "graph": adjacency}, x, normalization(adjacency)


def component_inputs(
    arguments: dict[str, Any], graph: Array | None
) -> tuple[Tensor | dict[str, Tensor], dict[str, Tensor], Tensor]:
    """Creates the inputs of a model with several components.

    Args:
        arguments: dict of the arguments of the model: "num_nodes", "num_features", "num_edges" and
            the dict "input_length".
        graph: None, or the operator of the model.

    Returns:
        `signal_inputs`, and the graph operator.
    """
    if _checks.one_of("dynamic_graph", arguments.get("dynamic_graph", False), DYNAMIC):
        raise ValueError(
            "`dynamic_graph` must be False with several components. "
            f"Received: dynamic_graph={arguments['dynamic_graph']!r}, "
            f"input_length={arguments['input_length']!r}. Use `dynamic_graph=False`, or an int as "
            "`input_length`."
        )
    inputs, signals = signal_inputs(arguments)
    return inputs, signals, static_operator(next(iter(signals.values())), arguments, graph)


def signal_inputs(
    arguments: Mapping[str, Any],
) -> tuple[Tensor | dict[str, Tensor], dict[str, Tensor]]:
    """Creates the inputs of the signal, or of its components.

    Args:
        arguments: dict of the arguments of the model: "num_nodes", "num_features" and
            "input_length".

    Returns:
        The inputs of the model, a tensor or a dict; and a dict of the signal of each component,
        with the key "recent" for a single signal.
    """
    nodes, features = arguments["num_nodes"], arguments["num_features"]
    lengths = arguments["input_length"]
    if not isinstance(lengths, dict):
        x = keras.Input((lengths, nodes, features), name="x")
        return x, {"recent": x}
    inputs = {
        name: keras.Input((steps, nodes, features), name=name) for name, steps in lengths.items()
    }
    return inputs, inputs


def static_operator(x: Tensor, arguments: dict[str, Any], graph: Any) -> Any:
    """Creates the layer that stores the graph, and returns its operator.

    With "num_graphs", see `static_operators`. A sparse graph is stored with its Chebyshev terms if
    the model has attention. Its number of entries is written into `arguments["num_edges"]`.
    """
    if "num_graphs" in arguments:
        return static_operators(x, arguments, graph)
    room = {"num_edges": arguments["num_edges"], "name": "static_graph"}
    is_sparse = room["num_edges"] is not None or scipy.sparse.issparse(graph)
    has_attention = "spatial_score" in arguments and arguments.get("attention", True)
    if is_sparse and has_attention:
        layer = StaticTerms(arguments["num_nodes"], arguments["K"], graph, **room)
    else:
        layer = StaticGraph(arguments["num_nodes"], graph, **room)
    check_operator(graph, arguments)
    arguments["num_edges"] = layer.num_edges
    return layer(x)


def scaling(
    arguments: Mapping[str, Any],
) -> tuple[Callable[..., Tensor], Callable[[Tensor], Tensor], dict[str, Tensor]]:
    """Creates the scaler of a model.

    Args:
        arguments: dict of the arguments of the model: "num_nodes", "num_features", "normalize", and
            for a forecaster "horizon", "num_outputs", "targets" and "season".

    Returns:
        Function (x, component), which returns the standardised x of a component, by default of
        "recent"; function (y), which returns the forecast, or its quantiles (batch, horizon,
        nodes, outputs, quantiles), in original units; and a dict of the further inputs that the two
        functions need.
    """
    num_features, num_outputs = arguments["num_features"], arguments.get("num_outputs", 1)
    season, lengths = arguments.get("season"), arguments["input_length"]
    lengths = lengths if isinstance(lengths, dict) else {"recent": lengths}
    inputs = {}
    if arguments.get("past_calendar"):
        inputs["past_calendar"] = keras.Input((sum(lengths.values()), 2), name="past_calendar")
    if season is None and not arguments["normalize"]:
        return (lambda x, component=None: x), (lambda y: y), inputs
    if num_outputs > num_features:
        raise ValueError(
            "`num_outputs` must be at most `num_features` with normalize=True or a season, because "
            "forecasts have the units of input features. Received: "
            f"num_outputs={num_outputs}, num_features={num_features}. Use a smaller `num_outputs`."
        )
    if season is None:
        scaler: Any = StandardScaler(
            num_features, arguments.get("targets"), dtype="float32", name="scaler"
        )

        def unscale(y):
            if len(y.shape) == 4:
                return scaler(y, inverse=True)
            return ops.swapaxes(scaler(ops.swapaxes(y, -1, -2), inverse=True), -1, -2)

        return (lambda x, component=None: scaler(x)), unscale, inputs
    if arguments["normalize"]:
        raise ValueError(
            "`normalize` must be False with a season, because the season also standardises the "
            f"input. Received: normalize=True, season={season}. Use `normalize=False`."
        )
    horizon = arguments["horizon"]
    calendar = keras.Input((horizon, 2), name="calendar")
    scaler = SeasonalScaler(
        arguments["num_nodes"],
        num_features,
        season,
        arguments["targets"],
        dtype="float32",
        name="scaler",
    )
    level = StandardScaler(num_features, dtype="float32", name="level")

    inputs = {"calendar": calendar, **inputs}

    def scale(x, component="recent"):
        steps = component_steps(component, x.shape[1], horizon, season).tolist()
        clock = calendar
        if "past_calendar" in inputs:
            names = list(lengths)
            low = sum(lengths[name] for name in names[: names.index(component)])
            clock = inputs["past_calendar"][:, low : low + x.shape[1]]
            steps = None
        # The deviation from the season alone does not show the level: the same deviation of 100
        # vehicles means something else at night than at noon.
        return ops.concatenate([scaler(x, clock, steps=steps), level(x)], axis=-1)

    # Saved models count from the first step of the forecast, and must keep their forecasts.
    ahead = None if "past_calendar" in inputs else list(range(horizon))
    return scale, lambda y: scaler(y, calendar, steps=ahead, inverse=True), inputs


def forecast_of(
    network: Callable[..., Tensor],
    signals: Mapping[str, Tensor],
    operator: Tensor,
    arguments: Mapping[str, Any],
    unscale: Callable[[Tensor], Tensor],
    future: Tensor | None = None,
) -> Tensor:
    """Returns the forecast of a network in original units.

    Args:
        network: function (signals, operator, arguments), see `Forecaster`. With "quantiles", it is
            asked for as many outputs more.
        signals, operator, arguments: what the network receives.
        unscale: function (y) of `scaling`.
        future: (batch, horizon, nodes, covariates), standardised covariates, or None.

    Returns:
        (batch, horizon, nodes, outputs), or with Q "quantiles", (…, outputs, Q).
    """
    levels = arguments["quantiles"]
    count = arguments["num_outputs"] * len(levels or (0.5,))
    y = network(signals, operator, {**arguments, "num_outputs": count})
    if future is not None:
        y = CovariateEffect(dtype="float32", name="covariate_effect")(y, future)
    if levels is None:
        return unscale(y)
    return unscale(MonotoneQuantiles(levels, dtype="float32", name="quantiles")(y))


def adapt_scaler(model: keras.Model, values: Array, calendar: Array | None) -> None:
    """Fits the scaler of a model. `GraphModel.adapt` describes the arguments."""
    season = getattr(model, "season", None)
    if season is None and not model.normalize:
        raise ValueError(
            "`adapt` needs a model with normalize=True or a season. Received: normalize=False, "
            "season=None. Create the model with `normalize=True`, or a forecaster with a `season`."
        )
    if (season is None) != (calendar is None):
        fix = "Call `adapt` without `calendar`." if season is None else "Pass `datasets.calendar`."
        raise ValueError(
            "`calendar` must be given to a model with a season, and to no other model. "
            f"Received: season={season}, calendar of type {type(calendar).__name__}. {fix}"
        )
    if calendar is None:
        model.get_layer("scaler").adapt(values)
    else:
        model.get_layer("scaler").adapt(values, calendar)
        model.get_layer("level").adapt(values)


def refuse_other_names(x: Any, inputs: Any) -> None:
    """Raises ValueError if a dict of inputs has other names than the inputs of a model.

    Keras 3.15.1 takes the values of such a dict in the order of the sorted names, so that an
    additional name shifts the inputs, with only a warning about structures.
    """
    if not isinstance(x, dict) or not isinstance(inputs, dict) or set(x) == set(inputs):
        return
    more, less = (sorted(map(str, a)) for a in (set(x) - set(inputs), set(inputs) - set(x)))
    fixes = [f"Remove {more}."] * bool(more) + [f"Add {less}."] * bool(less)
    raise ValueError(
        f"`x` must be a dict with exactly the inputs of the model, {sorted(inputs)}. Received: a "
        f"dict with {sorted(map(str, x))}. {' '.join(fixes)}"
    )


def joined(
    inputs: Tensor | Mapping[str, Tensor], more: Mapping[str, Tensor]
) -> Tensor | dict[str, Tensor]:
    """Returns the inputs of a model together with the dict `more` of further inputs."""
    if not more:
        return inputs
    return {**(inputs if isinstance(inputs, dict) else {"x": inputs}), **more}


def forecast_head(y: Tensor, horizon: int, num_outputs: int) -> Tensor:
    """Reshapes (batch, nodes, horizon·outputs) to the forecast (batch, horizon, nodes, outputs)."""
    nodes = y.shape[1]
    y = ops.reshape(y, (-1, nodes, horizon, num_outputs))
    return ops.transpose(y, (0, 2, 1, 3))  # (B, horizon, N, outputs)


def by_node(x: Tensor) -> Tensor:
    """Reshapes (batch, time, nodes, features) to (batch, nodes, time·features)."""
    _, steps, nodes, features = x.shape
    return ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, nodes, steps * features))


def with_calendar(x: Tensor, calendar: Tensor) -> Tensor:
    """Appends the calendar (batch, time, 2) to the features of (batch, time, nodes, features)."""
    return ops.concatenate([x, ops.repeat(calendar[:, :, None], x.shape[2], axis=2)], axis=-1)
