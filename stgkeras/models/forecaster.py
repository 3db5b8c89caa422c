"""The base class of the models that forecast a signal on a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from stgkeras.layers import _checks
from stgkeras.models.graph_model import GraphModel
from stgkeras.models.model_inputs import component_inputs, graph_inputs, joined, scaling
from stgkeras.seasons import PERIODS
from stgkeras.types import Array, Tensor


class Forecaster(GraphModel, is_family=True):
    """Base class of forecasters: their common arguments, inputs and scaling.

    A forecaster consists of a function `network`, which maps standardised signals to a forecast,
    and of the arguments that only it has. Its constructor checks these arguments and passes them to
    this constructor as `own`, together with all common arguments.

    Args:
        network: function (signals, operator, arguments), which returns the forecast (batch,
            horizon, num_nodes, num_outputs). `signals` is a dict of the standardised signals
            (batch, time, nodes, features) by component, with the one key "recent" for a single
            signal; `operator` is the graph operator; `arguments` is a dict of all arguments.
        own: dict of the checked arguments that only this forecaster has.
        normalization: None, or the layer that turns an adjacency given as input into the operator.
        num_nodes: int. Number of nodes N.
        graph: None, or the graph operator (N, N), `graphs.scaled_laplacian(A)`, as an array or a
            SciPy sparse array. It is saved with the weights. With None, set it by `model.graph = …`
            or load weights before use.
        input_length: int, the number of input steps T; or a dict of the numbers of steps of several
            components, a subset of {"recent": …, "daily": …, "weekly": …}.
        horizon: int. Number of steps to forecast.
        num_features: int. Number of input features F.
        num_outputs: int. Number of features to forecast, the first ones of the input.
        num_edges: None, or the number of entries of a sparse graph; taken from `graph`.
        normalize: bool. Whether to standardise the input and to return forecasts in original units.
            Call `adapt` with the training steps before `fit`.
        season: None, or int, the number of steps in a day. The model then forecasts the deviation
            from the seasonal mean, which is the mean training value of a node at a time of day,
            separately for working days and weekends. The model gets another input, "calendar"; call
            `adapt` with the training steps and their calendar before `fit`.
    """

    for_models = ("network", "own", "normalization")  # arguments that users of a model do not see
    takes_components = True

    def __init__(
        self,
        network: Callable[[Mapping[str, Tensor], Tensor, dict[str, Any]], Tensor],
        own: dict[str, Any],
        normalization: keras.layers.Layer | None,
        num_nodes: int,
        *,
        graph: Array | None = None,
        input_length: int | Mapping[str, int] = 12,
        horizon: int = 12,
        num_features: int = 1,
        num_outputs: int = 1,
        num_edges: int | None = None,
        normalize: bool = False,
        season: int | None = None,
        **kwargs: Any,
    ) -> None:
        arguments = {
            "num_nodes": _checks.integer("num_nodes", num_nodes),
            "horizon": _checks.integer("horizon", horizon),
            "num_features": _checks.integer("num_features", num_features),
            "num_outputs": _checks.integer("num_outputs", num_outputs),
            "num_edges": num_edges,
            "normalize": bool(normalize),
            "season": season if season is None else _checks.integer("season", season),
            "input_length": self._input_length(input_length),
            **own,
        }
        if isinstance(arguments["input_length"], dict):
            signals, operator = component_inputs(arguments, graph)
            inputs: Any = signals
        else:
            inputs, x, operator = graph_inputs(arguments, graph, normalization)
            signals = {"recent": x}
        scale, unscale, more = scaling(arguments)
        signals = {name: scale(x, name) for name, x in signals.items()}
        outputs = unscale(network(signals, operator, arguments))
        super().__init__(joined(inputs, more), outputs, arguments, **kwargs)

    def _input_length(self, input_length):
        if not self.takes_components or not isinstance(input_length, Mapping):
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
