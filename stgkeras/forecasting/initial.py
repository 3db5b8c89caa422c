"""Training that starts with the weights of an earlier forecaster, also with other sensors."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from stgkeras.datasets.series.sensor_names import differences, renamed, shown
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting.building import adjacency_of, built, own_arguments
from stgkeras.forecasting.fitted import Fitted
from stgkeras.forecasting.form import Form
from stgkeras.models.carried_weights import carry_weights
from stgkeras.models.forecaster import Forecaster as ForecasterModel

# Arguments of models that may differ, because the weights keep their meaning. The targets are
# compared by name.
FREE = {"num_nodes", "num_edges", "dropout", "past_calendar", "targets"}
FREE |= {"num_patches", "depth", "leaf_size"}


def fitted_of(initial: Any, forecaster: Any) -> Fitted:
    """Returns the `Fitted` of a forecaster, or of the forecaster in a folder.

    Args:
        initial: trained forecaster, or path of its folder.
        forecaster: the class `Forecaster`.
    """
    if isinstance(initial, (str, os.PathLike)):
        initial = forecaster.load(initial)
    if not isinstance(initial, forecaster) or initial._fitted is None:
        kind = "an untrained forecaster" if isinstance(initial, forecaster) else repr(initial)
        raise ValueError(
            "`initial` must be a trained forecaster or the folder of one. Received: "
            f"initial={kind}. Call its `fit` first, or omit `initial`."
        )
    return initial._fitted


def with_features_of(series: Series, form: Form) -> Series:
    """Returns a series with its features and covariates in the order of a form.

    Features without units have those of the form.

    Raises:
        ValueError: if the series has other features.
    """
    if set(series.features) != set(form.features):
        raise _refused("series", "have the features", form.features, f"features={series.features}")
    found = _ordered(series, form.features)
    units = zip(found.units, form.units, strict=True)
    found = replace(found, units=tuple(own or other for own, other in units))
    names = form.past_covariates + form.future_covariates
    covariates = series.covariates
    if covariates is not None and set(names) == set(covariates.features):
        found = replace(found, covariates=_ordered(covariates, names))
    return found


def _ordered(series, names):
    """Returns a series with its features in the order of their names."""
    order, null = [series.features.index(name) for name in names], series.null_value
    return replace(
        series,
        values=series.values[..., order],
        features=tuple(names),
        units=tuple(series.units[f] for f in order),
        null_value=tuple(null[f] for f in order) if isinstance(null, tuple) else null,
    )


def check_form(form: Form, season: str | bool, initial: Fitted) -> None:
    """Raises ValueError if the weights of `initial` do not fit data of this form."""
    before = initial.form
    for name in ("horizon", "input_length"):
        old, new = getattr(before, name), getattr(form, name)
        if old != new:
            raise _refused(name, "be", old, f"{name}={new}")
    check_beside(form, before)
    if form.target_names != before.target_names:
        raise _refused("targets", "be", before.target_names, f"targets={form.target_names}")
    if not np.isclose(form.interval, before.interval):
        steps = f"{before.interval:g} minutes"
        raise _refused("series", "have steps of", steps, f"interval={form.interval:g}")
    if initial.season and form.steps_per_day is None:
        raise _refused("series", "have", "timestamps", "timestamps=None")
    if season != "auto" and season != initial.season:
        raise _refused("season", "be", initial.season, f"season={season}")
    lost, added = differences(before.names, form.names)
    fix = renamed(added, lost)
    if fix or len(added) == len(form.names):
        raise ValueError(
            f"`series` must have sensors of `initial`: {shown(before.names)}. Received: "
            f"{shown(added)}, which `initial` does not know. {fix or 'Fit without `initial`.'}"
        )


def check_beside(form: Form, before: Form) -> None:
    """Raises ValueError if two forms have other covariates or attributes."""
    for name in ("covariates", "attributes"):
        old, new = (_beside(one, name) for one in (before, form))
        if old != new:
            received = f"{name} with {new}" if new else f"{name}=None"
            raise _refused(name, "have" if old else "be", old or None, received)


def _beside(form, name):
    if name == "attributes":
        return ", ".join(map(repr, form.attributes))
    past, ahead = form.past_covariates, form.future_covariates
    words = [f"{one!r} (past)" for one in past] + [f"{one!r} (future)" for one in ahead]
    return ", ".join(words)


def continued(
    initial: Fitted,
    form: Form,
    season: str | bool,
    build: Callable[..., Any],
    arguments: dict[str, Any],
    series: Series,
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Returns a function that builds a model with the weights of `initial`, and its arguments.

    If `build` is a model class, arguments that are missing in `arguments` are those of `initial`.
    """
    check_form(form, season, initial)
    if isinstance(build, type):  # a function has its own arguments
        _check_class(build, initial.model)
        arguments = {**own_arguments(initial.model), **arguments}
    adjacency = np.zeros((len(form.names),) * 2)  # of a model that takes no graph
    if initial.model.takes_graph or series.adjacency is not None:
        adjacency = adjacency_of(series)
    return grown(build, initial, form.names, adjacency), arguments


def grown(
    build: Callable[..., Any], initial: Fitted, names: Sequence[str], adjacency: np.ndarray
) -> Callable[..., ForecasterModel]:
    """Returns a function that builds a model with the weights of `initial`.

    If the graph of `initial` is sparse, the new graph is sparse too.

    Args:
        build: model class, or function that builds a model.
        initial: `Fitted`.
        names: N names of sensors of the new model.
        adjacency: (N, N), the graph of these sensors.
    """
    before = initial.model
    shares = node_shares(names, initial.form.names, adjacency)

    def carried(num_nodes, **arguments):
        if before.num_edges is not None:
            arguments.pop("num_edges", None)  # there is room for the entries of the new graph
            graph = arguments["graph"]
            is_list = isinstance(graph, (list, tuple))
            arguments["graph"] = [*map(sp.csr_array, graph)] if is_list else sp.csr_array(graph)
        model = built(build, num_nodes, arguments)
        _check_class(type(model), before)
        for name in before._argument_names:
            old, new = getattr(before, name), getattr(model, name)
            if name not in FREE and old != new:
                raise _refused(name, "be", repr(old), f"{name}={new!r}")
        carry_weights(before, model, shares)
        return model

    for name in ("takes_graph", "takes_walks", "reads_calendar", "takes_places"):
        setattr(carried, name, getattr(before, name))
    return carried


def node_shares(names: Sequence[str], known: Sequence[str], adjacency: np.ndarray) -> np.ndarray:
    """Returns the shares of the known sensors in the initial weights of each sensor.

    Args:
        names: N names of sensors.
        known: M names of the sensors that have weights.
        adjacency: (N, N). An entry other than 0 is an edge.

    Returns:
        (N, M) float64. A known sensor keeps its own weights. A new one has the mean of its known
        neighbours, or of all known sensors if there are none. Rows sum to 1.
    """
    place = {name: m for m, name in enumerate(known)}
    edges = (adjacency != 0) | (adjacency != 0).T
    shares = np.zeros((len(names), len(known)))
    for n, name in enumerate(names):
        near = [place[names[m]] for m in np.flatnonzero(edges[n]).tolist() if names[m] in place]
        chosen = [place[name]] if name in place else near or list(place.values())
        shares[n, chosen] = 1 / len(chosen)
    return shares


def _check_class(cls, before):
    if cls is not type(before):
        name = type(before).__name__
        raise _refused("model", "be", name, f"model={cls.__name__!r}")


def _refused(name, verb, expected, received):
    return ValueError(
        f"`{name}` must {verb} {expected}, as in `initial`. Received: {received}. Use the same, or "
        "fit without `initial`."
    )
