"""What the models share: their graph, their scaler, and a saved form that every backend opens."""

import functools

import keras
import scipy.sparse
from keras import ops

from stgkeras.layers import SeasonalScaler, StandardScaler, StaticGraph, StaticTerms, _checks
from stgkeras.models import preset_files
from stgkeras.seasons import PERIODS, component_steps


class GraphModel(keras.Model):
    """A functional model that owns a graph operator, or takes a graph as input.

    Args:
        inputs, outputs: as in `keras.Model`.
        arguments: dict of the subclass's constructor arguments, without those that are state
            (`graph`). They become attributes and the config.
    """

    def __init__(self, inputs, outputs, arguments, **kwargs):
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        for name, value in arguments.items():
            setattr(self, name, value)
        self._argument_names = tuple(arguments)

    @property
    def graph(self):
        """The operator that the model multiplies by, an (N, N) array or scipy csr_array; None for
        a model that takes its graph as input."""
        return None if self.dynamic_graph else self.get_layer("static_graph").graph

    @graph.setter
    def graph(self, graph):
        if self.dynamic_graph:
            raise ValueError(
                f"`graph` cannot be set with dynamic_graph={self.dynamic_graph!r}: the model takes "
                "its graph as input."
            )
        self.get_layer("static_graph").graph = graph

    def adapt(self, values, calendar=None):
        """Fits the scaler of a model with `normalize=True` or a season.

        Args:
            values: (..., num_features), the readings of the training steps in original units; NaN
                where missing. With a season (T, num_nodes, num_features).
            calendar: (T, 2), `datasets.calendar` of these steps; for a season alone.
        """
        season = getattr(self, "season", None)
        if season is None and not self.normalize:
            raise ValueError(
                "`adapt` needs a model with normalize=True or a season. Received: normalize=False"
            )
        if (season is None) != (calendar is None):
            raise ValueError(
                f"`calendar` must be given to a model with a season, and to no other. "
                f"Received: season={season}, calendar of type {type(calendar).__name__}"
            )
        if calendar is None:
            self.get_layer("scaler").adapt(values)
        else:
            self.get_layer("scaler").adapt(values, calendar)
            self.get_layer("level").adapt(values)

    @classmethod
    def from_preset(cls, preset):
        """Opens a trained model.

        Args:
            preset: str or path. A name among `stgkeras.models.presets()`, or the folder of a model
                saved by `save_to_preset`.

        Returns:
            The model, not compiled. It takes and gives original units.

        Raises:
            ValueError: if there is no such preset, it holds another kind of model, or it is damaged
                or of a version that this one does not open.
        """
        model = preset_files.load(preset)
        if not isinstance(model, cls):
            raise ValueError(
                f"`preset` must hold a {cls.__name__}. Received: preset={str(preset)!r}, a "
                f"{type(model).__name__}; open it by {type(model).__name__}.from_preset."
            )
        return model

    def save_to_preset(self, folder, metadata):
        """Saves the model, and where it comes from, as a folder that `from_preset` opens.

        Args:
            folder: path that does not exist yet.
            metadata: dict of data, split, scaler, seed, command, versions and metrics: what it
                takes to reproduce the model, and its figures on test data. Kept as JSON.

        Raises:
            ValueError: if `folder` exists, or `metadata` has other keys.
        """
        preset_files.save(self, folder, metadata)

    def get_config(self):
        arguments = {name: getattr(self, name) for name in self._argument_names}
        return {"name": self.name, "trainable": self.trainable, **arguments}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)

    def compile_from_config(self, config):
        # A file tells which backend wrote it: torch saves an optimizer class of its own, and what
        # `jit_compile="auto"` came to. Neither is meant for the backend that reads.
        config = {**config, "jit_compile": "auto"}
        config["optimizer"] = _portable_optimizer(config.get("optimizer"))
        super().compile_from_config(config)


def _portable_optimizer(config):
    if not isinstance(config, dict) or "class_name" not in config:
        return config
    config = {**config, "config": dict(config["config"])}
    if config["module"].startswith("keras.src.backend."):
        config.update(module="keras.optimizers", registered_name=None)
    if "inner_optimizer" in config["config"]:
        config["config"]["inner_optimizer"] = _portable_optimizer(
            config["config"]["inner_optimizer"]
        )
    return config


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


def forecaster_arguments(*, num_edges, normalize, season, **integers):
    """The checked arguments that every forecaster has, but for its `input_length`."""
    return {
        **{name: _checks.integer(name, value) for name, value in integers.items()},
        "num_edges": num_edges,
        "normalize": bool(normalize),
        "season": season if season is None else _checks.integer("season", season),
    }


def window_lengths(input_length):
    """The checked `input_length` of a model: an int, or a dict of the components' ints."""
    if not isinstance(input_length, dict):
        return _checks.integer("input_length", input_length)
    if not input_length or not set(input_length) <= set(PERIODS):
        raise ValueError(
            f"`input_length` must be an int, or a dict with keys among {tuple(PERIODS)}. "
            f"Received: input_length={input_length!r}"
        )
    return {
        name: _checks.integer(f"input_length[{name!r}]", input_length[name])
        for name in PERIODS
        if name in input_length
    }


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
