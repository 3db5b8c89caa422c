"""Models for the data of a forecaster."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from stgkeras import models
from stgkeras.arguments import instance, refuse_unknown
from stgkeras.datasets.series.calendar import whole_steps_per_day
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting.covariates import covariate_inputs
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.season import usual_day, without_effect
from stgkeras.graphs import random_walk, renormalized_adjacency, scaled_laplacian
from stgkeras.models.forecaster import Forecaster as ForecasterModel
from stgkeras.models.overview import FORECASTERS
from stgkeras.seasons import slots

ZOO = tuple(FORECASTERS)
# Arguments of models that the data, the graph and the forecaster determine.
GIVEN = {"num_nodes", "num_edges", "num_graphs", "num_features", "num_outputs", "targets"}
SIZES = ("input_length", "horizon", "num_features", "num_outputs")
GIVEN |= {"input_length", "horizon", "normalize", "season", "past_calendar", "quantiles"}
COUNTS = ("past_covariates", "future_covariates")
GIVEN |= {*COUNTS, "steps_per_day"}


def constructor_of(
    model: str | type | Callable[..., Any], arguments: Mapping[str, Any] | None = None
) -> Callable[..., Any]:
    """Returns the function or class that builds a model.

    Args:
        model: name in `ZOO`, model class, or function.
        arguments: None; or dict of the arguments of a `Forecaster` for a model. A name that a model
            class does not take raises TypeError.
    """
    if isinstance(model, str):
        if model not in ZOO:
            raise ValueError(
                f"`model` must be one of {ZOO}, a model class or a function that builds a model. "
                f"Received: model={model!r}. Use one of these names."
            )
        return constructor_of(getattr(models, model), arguments)
    is_other = isinstance(model, type) and not issubclass(model, ForecasterModel)
    if not callable(model) or isinstance(model, keras.Model) or is_other:
        given = f"the class {model.__name__}" if is_other else type(model).__name__
        raise TypeError(
            f"`model` must be one of {ZOO}, a model class of `stgkeras.models` or a function that "
            f"builds such a model. Received: {given}. Pass a name, a class or a function."
        )
    if arguments and isinstance(model, type):
        # A class of the user may pass **kwargs on to the model that it extends.
        kinds = [kind for kind in model.__mro__ if issubclass(kind, ForecasterModel)][:-1]
        found = [one for kind in kinds for one in inspect.signature(kind).parameters.values()]
        stars = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        known = dict.fromkeys(one.name for one in found if one.kind not in stars)
        refuse_unknown(model.__name__, arguments, [*known, "name", "trainable"])
    return model


def new_model(
    build: Callable[..., Any], form: Form, series: Series, season: bool, arguments: Mapping
) -> ForecasterModel:
    """Builds the model of a form of data, with the graph of the series."""
    for name in COUNTS:
        if name in arguments:
            raise ValueError(
                f"`{name}` must be given to `fit`, as `covariates`. Received: {name}="
                f"{arguments[name]!r} as an argument of the model. Omit it."
            )
    own = series_arguments(build, series, **arguments)
    scale = {"season": form.steps_per_day, "past_calendar": True} if season else {"normalize": True}
    return built(
        build,
        len(form.names),
        {
            **own,
            "input_length": form.input_length,
            "horizon": form.horizon,
            "num_features": len(form.features),
            "num_outputs": len(form.targets),
            "targets": form.targets,
            **scale,
            **{name: count for name, count in form.covariate_counts.items() if count},
            **arguments,
        },
    )


def series_arguments(
    model: str | type | Callable[..., Any], series: Series, **arguments: Any
) -> dict[str, Any]:
    """Returns the arguments of a model that come from a series: its graph, clock and places.

    Args:
        model: name of a forecaster, class, or function that builds a model.
        series: `datasets.Series`.
        **arguments: further arguments of the model, which are not returned. `graph_conv` decides
            about the operator.

    Returns:
        dict with those of "graph", "steps_per_day" and "places" that the model takes.

    Raises:
        ValueError: if the model needs a graph, timestamps or places that the series does not have.
        TypeError: if `model` is no model, or `series` no series.

    Example:
        >>> import numpy as np, pandas as pd, stgkeras
        >>> times = pd.date_range("2024-05-01", periods=96, freq="15min")
        >>> speeds = pd.DataFrame(np.ones((96, 2)), times, ["A", "B"])
        >>> series = stgkeras.datasets.from_pandas(speeds, np.array([[0, 1], [1, 0]]))
        >>> stgkeras.forecasting.series_arguments("STID", series)
        {'steps_per_day': 96}
    """
    build, own = constructor_of(model), {}
    instance("series", series, Series, "Pass the result of `datasets.load_series`.")
    if getattr(build, "takes_graph", True) and "graph" not in arguments:
        own["graph"] = _operators(build, adjacency_of(series), arguments)
    if getattr(build, "reads_calendar", False) and "steps_per_day" not in arguments:
        own["steps_per_day"] = _steps_per_day(series)
    if getattr(build, "takes_places", False) and "places" not in arguments:
        own["places"] = places_of(series)
    return own


def _steps_per_day(series):
    dated, interval = series.timestamps is not None, series.interval
    found = whole_steps_per_day(interval) if dated else None
    if found is None:
        given = "None" if interval is None else f"{interval:g}"
        raise ValueError(
            "`model` must be one that reads no calendar for a series without timestamps, or if a "
            f"day is not a whole number of steps. Received: interval={given}, "
            f"timestamps={dated}. Use another model, or a series with timestamps."
        )
    return found


def _operators(build, adjacency, arguments):
    """Returns the graph operator of a model; random walks keep the direction of the edges."""
    if getattr(build, "takes_walks", False):
        return [random_walk(adjacency), random_walk(adjacency.T)]
    adjacency = np.maximum(adjacency, adjacency.T)
    first_order = arguments.get("graph_conv") == "gcn"  # of STGCN
    return (renormalized_adjacency if first_order else scaled_laplacian)(adjacency)


def built(build: Callable[..., Any], num_nodes: int, arguments: Mapping) -> ForecasterModel:
    """Calls a function that builds a model, and checks its arguments and the model.

    Raises:
        TypeError: if the function does not take the arguments, or returns no forecaster.
        ValueError: if the model has other sizes than the arguments.
    """
    name = getattr(build, "__name__", type(build).__name__)
    is_own = isinstance(build, type) and issubclass(build, ForecasterModel)
    if not is_own:  # constructors of stgkeras name unknown arguments themselves
        try:
            inspect.signature(build).bind(num_nodes, **arguments)
        except (TypeError, ValueError) as error:  # ValueError: the function has no signature
            if isinstance(error, TypeError):
                raise TypeError(
                    f"`model` must take the number of sensors and the keyword arguments "
                    f"{', '.join(arguments)}. Received: {name}, with {error}. Add **arguments, and "
                    f"pass them to the model: `def build(num_nodes, **arguments): return "
                    "stgkeras.models.GraphSTID(num_nodes, **arguments)`."
                ) from error
    model = build(num_nodes, **arguments)
    if not isinstance(model, ForecasterModel):
        raise TypeError(
            f"`model` must return a forecaster of `stgkeras.models`, such as {' or '.join(ZOO)}. "
            f"Received: {name}, which returns {type(model).__name__}. Pass the arguments of the "
            "function to such a model, or to a class derived from one."
        )
    given = {key: arguments[key] for key in SIZES}
    given |= {key: arguments[key] for key in COUNTS if key in arguments}
    own = {key: getattr(model, key) for key in given}
    if model.num_nodes != num_nodes or own != given:
        raise ValueError(
            f"`model` must return a model of the sizes that it receives, num_nodes={num_nodes} and "
            f"{given}. Received: {name}, which returns one with num_nodes={model.num_nodes} and "
            f"{own}. Pass the arguments of the function to the model."
        )
    return model


def adjacency_of(series: Series) -> np.ndarray:
    """Returns the adjacency (N, N) of a series, or raises ValueError if it has none."""
    if series.adjacency is None:
        raise ValueError(
            "`graph` must be given, because the series has no graph. Received: graph=None. Pass "
            "the path of a file of distances, coordinates or weights, or an adjacency."
        )
    return series.adjacency


def places_of(series: Series) -> np.ndarray:
    """Returns the places (N, 2) of the sensors of a series, or raises ValueError without them."""
    if series.places is None:
        raise ValueError(
            "`graph` must hold the `places` of the sensors, because the model makes patches of "
            "near sensors. Received: places=None. Pass a table with the columns sensor, latitude "
            "and longitude."
        )
    return series.places


def adapt(model: ForecasterModel, form: Form, series: Series, known: int) -> None:
    """Fits the scaler of a model to the first `known` steps.

    The season of the scaler is the usual day of the readings, see `usual_day`, without the linear
    effect of covariates.
    """
    values = series.values[:known]
    covariates = covariate_inputs(form, series, 0, known + form.horizon)
    for name, array in covariates.items():
        covariates[name] = array[:known]
    if model.season is None or form.steps_per_day is None:
        model.adapt(values, **covariates)
        return
    calendar = series.calendar[:known]
    model.adapt(values, calendar, **covariates)
    usual = values
    if "past_covariates" in covariates:  # which has those that are known ahead too
        known_by = covariates["past_covariates"]
        usual = without_effect(values, known_by, calendar, form.steps_per_day)
    season = usual_day(usual, calendar, form.steps_per_day)
    rest = values - season[slots(calendar, form.steps_per_day)]
    std = np.sqrt(np.nanmean(np.square(rest), axis=(0, 1)))
    scaler = model.get_layer("scaler")
    scaler.season.assign(season)
    scaler.std.assign(np.where(std > 0, std, 1.0))


def own_arguments(model: ForecasterModel) -> dict[str, Any]:
    """Returns the arguments of a model that a user can pass to a forecaster."""
    return {name: getattr(model, name) for name in model._argument_names if name not in GIVEN}


def check_sizes(model: ForecasterModel, form: Form) -> None:
    """Raises ValueError if a model does not have the sizes of a form of data."""
    own = (model.num_nodes, model.horizon, model.num_features, model.num_outputs)
    if own != (len(form.names), form.horizon, len(form.features), len(form.targets)):
        raise ValueError(f"a model of {own} nodes, steps, features and outputs")
    counts = {name: getattr(model, name) for name in COUNTS}
    if counts != form.covariate_counts:
        raise ValueError(f"a model with {counts}, instead of {form.covariate_counts}")
