"""Base class of the models that forecast a signal on a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from stgkeras.layers import _checks
from stgkeras.models.covariates import adapt_covariates, with_covariates
from stgkeras.models.graph_model import GraphModel
from stgkeras.models.model_inputs import (
    component_inputs,
    forecast_of,
    graph_inputs,
    joined,
    scaling,
    signal_inputs,
)
from stgkeras.models.target_checks import FeatureCheck, TargetCheck, check_levels
from stgkeras.seasons import PERIODS
from stgkeras.types import Array, Tensor


class Forecaster(GraphModel):
    """Base class of forecasters: states their common arguments, creates their inputs and scaler.

    Each forecaster has a function `network`, which computes the forecast, and its own arguments.
    The constructor of the forecaster checks these arguments and passes them to this class as `own`.

    Args:
        network: function (signals, operator, arguments), which returns the forecast (batch,
            horizon, num_nodes, num_outputs). `signals` is a dict with the standardised signal
            (batch, time, nodes, features) of each component. A model without components has the one
            key "recent". `operator` is the graph operator; if the class reads the calendar and no
            graph, the input "past_calendar". `arguments` is a dict of all arguments.
        own: dict of the arguments that only this forecaster has, already checked.
        normalization: None, or the layer that converts an adjacency input to the graph operator.
        num_nodes: int. Number of nodes N.
        graph: None, or the graph operator `graphs.scaled_laplacian(A)`, an (N, N) array or SciPy
            sparse array. The model saves it with the weights. With None, set `model.graph` or load
            weights before the model is used. Default None.
        input_length: int or dict. Number of input steps T. A dict gives the numbers of steps of
            several components, for example {"recent": 24, "daily": 12, "weekly": 24}. "recent" are
            the steps directly before the forecast. "daily" and "weekly" are steps at the time of
            day of the forecast, on earlier days and weeks, see `datasets.Windows`. Default 12.
        horizon: int. Number of steps to forecast. Default 12.
        num_features: int. Number of input features F of each node. Default 1.
        num_outputs: int. Number of features to forecast. Default 1.
        targets: None, or a sequence of `num_outputs` ints: the features of the input to forecast,
            counted from 0. With `normalize` or a `season`, forecasts have the units of these
            features. None: the features that are equal to the targets in `fit`, where the model
            can compare them (in `datasets.Windows` and NumPy arrays), else the first ones.
            Default None.
        num_edges: None, or int: the largest number of entries of a sparse graph. Only needed if a
            sparse graph is set or loaded later. Default: taken from `graph`.
        normalize: bool. Whether to standardise the input features. Forecasts are in original units.
            Call `adapt` with the training values before `fit`. Default False.
        season: None, or int: the number of steps in a day. The season is the mean training value of
            each node at each time of day, with separate means for working days and weekends. The
            network receives each reading twice: standardised, and minus the season. The season is
            added to the output of the network. The model has one more input, "calendar". Call
            `adapt` with the training values and their calendar before `fit`. Default None.
        past_calendar: bool. Whether a model with a season has one more input, "past_calendar"
            (batch, T, 2), the `datasets.calendar` of the input steps, see `datasets.Windows`. With
            several components, T is the sum of their steps. The season of each step is then that
            of its own local time and day. With False, the model counts all steps from the first
            step of the forecast, in days of 24 hours: near a clock change it takes the season of
            another hour, and near a holiday that of another kind of day. Default False.
        quantiles: None, or rising numbers between 0 and 1, such as (0.05, 0.5, 0.95). The model
            then forecasts these quantiles of each target, which never cross. Its output has one
            more axis, (batch, horizon, num_nodes, num_outputs, quantiles). Train it with
            `losses.QuantileLoss(quantiles)`. Default None: one number for each target.
        past_covariates: int ≥ 0. Number P of covariates that are known up to now, such as measured
            rain. The model has one more input, "past_covariates" (batch, T, num_nodes, P), which
            the network reads beside the signal. With several components, T is the sum of their
            steps. With `normalize` or a `season`, covariates are standardised, see `adapt`.
            Default 0.
        future_covariates: int ≥ 0. Number C of covariates that are known for the steps to forecast,
            such as a weather forecast or holidays. The model has one more input,
            "future_covariates" (batch, horizon, num_nodes, C). Two dense layers add their effect to
            the forecast of each step, see `layers.CovariateEffect`. Default 0.
    """

    hidden_arguments = ("network", "own", "normalization")  # which only a model passes on
    takes_components = True
    takes_walks = False  # whether `graph` is a list of random walks, both ways
    reads_calendar = False  # whether "past_calendar" is always an input
    takes_places = False  # whether the constructor has an argument `places`

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Leaves out the arguments that a class without a graph, or with a clock, does not take."""
        cls.left_out = () if cls.takes_graph else ("graph", "num_edges")
        if cls.reads_calendar:
            cls.left_out += ("past_calendar",)
            cls.past_calendar = True
        super().__init_subclass__(**kwargs)

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
        targets: Sequence[int] | None = None,
        num_edges: int | None = None,
        normalize: bool = False,
        season: int | None = None,
        past_calendar: bool = False,
        quantiles: Sequence[float] | None = None,
        past_covariates: int = 0,
        future_covariates: int = 0,
        **kwargs: Any,
    ) -> None:
        arguments = {
            "num_nodes": _checks.integer("num_nodes", num_nodes),
            "horizon": _checks.integer("horizon", horizon),
            "num_features": _checks.integer("num_features", num_features),
            "num_outputs": _checks.integer("num_outputs", num_outputs),
            "targets": _checks.targets(targets, num_features, num_outputs),
            "num_edges": num_edges,
            "normalize": _checks.boolean("normalize", normalize),
            "season": season if season is None else _checks.integer("season", season),
            "past_calendar": _checks.boolean("past_calendar", past_calendar) or self.reads_calendar,
            "input_length": self._input_length(input_length),
            "quantiles": None if quantiles is None else _checks.levels("quantiles", quantiles),
            "past_covariates": _checks.integer("past_covariates", past_covariates, 0),
            "future_covariates": _checks.integer("future_covariates", future_covariates, 0),
            **own,
        }
        if not self.takes_graph and (graph is not None or num_edges is not None):
            raise ValueError(
                f"`graph` must be None, because {type(self).__name__} reads no graph. Received: "
                f"graph of type {type(graph).__name__}, num_edges={num_edges}. Omit both."
            )
        if arguments["past_calendar"] and season is None and not self.reads_calendar:
            raise ValueError(
                "`past_calendar` must be False without a season. Received: past_calendar=True, "
                "season=None. Pass the number of steps in a day as `season`."
            )
        operator: Any = None
        if not self.takes_graph:
            inputs, signals = signal_inputs(arguments)
        elif isinstance(arguments["input_length"], dict):
            inputs, signals, operator = component_inputs(arguments, graph)
        else:
            inputs, x, operator = graph_inputs(arguments, graph, normalization)
            signals = {"recent": x}
        scale, unscale, more = scaling(arguments)
        if operator is None:
            operator = more.get("past_calendar")
        arguments = {name: one for name, one in arguments.items() if name not in self.left_out}
        signals = {name: scale(x, name) for name, x in signals.items()}
        signals, future, covariates = with_covariates(signals, arguments)
        outputs = forecast_of(network, signals, operator, arguments, unscale, future)
        super().__init__(joined(inputs, {**more, **covariates}), outputs, arguments, **kwargs)

    def adapt(
        self,
        values: Array,
        calendar: Array | None = None,
        *,
        past_covariates: Array | None = None,
        future_covariates: Array | None = None,
    ) -> None:
        """Computes the mean and standard deviation, or the season, from training values.

        Args:
            values: array (..., num_features), in original units, NaN where a reading is missing.
                With a season, (T, num_nodes, num_features).
            calendar: None, or for a season, array (T, 2), `datasets.calendar` of the same steps.
            past_covariates, future_covariates: None, or (T, P) or (T, num_nodes, P) arrays of the
                covariates of the training steps, for a model that takes them.

        Raises:
            ValueError: if the model has neither `normalize=True` nor a season, or an argument does
                not fit the model.
        """
        super().adapt(values, calendar)
        given = {"past_covariates": past_covariates, "future_covariates": future_covariates}
        adapt_covariates(self, given)

    def check_compiled(self, given: Mapping[str, Any]) -> None:
        metrics = [given.get(name) for name in ("metrics", "weighted_metrics")]
        losses, metrics = (keras.tree.flatten(part) for part in (given.get("loss"), metrics))
        check_levels(self.quantiles, losses, metrics)

    def target_check(self, call: str) -> TargetCheck:
        if call not in ("fit", "evaluate"):
            return super().target_check(call)
        return FeatureCheck(self, may_choose=call == "fit")

    def choose_targets(self, targets: tuple[int, ...]) -> None:
        """Sets the features to forecast. The scaler returns forecasts in the units of these."""
        self.targets = self.get_layer("scaler").targets = targets
        # Functions that were compiled before return the units of other features.
        self.train_function = self.test_function = self.predict_function = None

    def _input_length(self, input_length):
        if not self.takes_components or not isinstance(input_length, Mapping):
            return _checks.integer("input_length", input_length)
        if not input_length or not set(input_length) <= set(PERIODS):
            raise ValueError(
                f"`input_length` must be an int, or a dict with keys among {tuple(PERIODS)}. "
                f"Received: input_length={input_length!r}. Give the number of steps of each "
                "component, such as {'recent': 12, 'daily': 12}."
            )
        return {
            name: _checks.integer(f"input_length[{name!r}]", input_length[name])
            for name in PERIODS
            if name in input_length
        }
