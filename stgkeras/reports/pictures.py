"""Figures of a comparison: a day of forecasts, errors in time, and errors of the sensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import scipy.sparse as sp

from stgkeras import arguments, plots
from stgkeras.datasets import Series
from stgkeras.plots.looks import with_units
from stgkeras.reports.comparison import Comparison
from stgkeras.reports.windows import model_windows
from stgkeras.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

USUAL = ("usual day", "historical mean")  # names of the mean by time of day
SHOWN = ("last value", *USUAL, "ridge", "ridge on the residual")  # in the figure of errors
KINDS = {"temporal": "steps", "spatial": "sensors"}


def pictures(
    comparison: Comparison, *, steps: Sequence[int] | None = None, graph: Array | None = None
) -> dict[str, Figure]:
    """Draws the first forecast of a comparison and its errors, beside the baselines.

    Args:
        comparison: `Comparison`. The first target is drawn.
        steps: sequence of ints. Steps ahead, of which the first and the last are drawn. Default: a
            quarter, half and the end of the horizon.
        graph: (N, N), the edges to draw on the map of the errors. Default: the adjacency of the
            series.

    Returns:
        dict of name → figure: "forecast", a day of the sensor with the largest changes; "errors",
        by minutes ahead and hour of the day (only with timestamps); "sensors", the errors on the
        map or graph; and "most", the sensors with the largest errors. With quantiles, also "fan",
        forecasts with their interval, and "intervals" (only with timestamps), see
        `plots.intervals`.

    Raises:
        TypeError, ValueError: if an argument is invalid.

    Example:
        >>> import numpy as np, stgkeras
        >>> series = stgkeras.datasets.from_arrays(np.arange(80.0).reshape(40, 2), interval=60)
        >>> first = np.arange(12, 39)
        >>> truth = series.values[first[:, None] + np.arange(2)]
        >>> compared = stgkeras.reports.Comparison(series, first, {"ours": truth + 1})
        >>> list(stgkeras.reports.pictures(compared, graph=1 - np.eye(2)))
        ['forecast', 'sensors', 'most']
    """
    fix = "Pass a `reports.Comparison(...)`, or the result of `reports.compare`."
    arguments.instance("comparison", comparison, Comparison, fix)
    series, truth = comparison.series, comparison.truth[..., 0]
    steps = comparison.checked(steps)
    forecasts = {name: forecast[..., 0] for name, forecast in comparison.forecasts.items()}
    ours, predicted = next(iter(forecasts.items()))
    target = series.features[comparison.targets[0]]
    units = comparison.units or target
    if comparison.units and target != "value":  # the name of a table without names of features
        units = f"{target} ({units})"
    about = f" on {comparison.data}" if comparison.data else ""
    figures = {"forecast": _day(comparison, truth, forecasts, steps, units, about)}
    if comparison.times is not None:
        hours = 24 * series.calendar[comparison.ahead, 0]
        shown = {name: forecasts[name] for name in (ours, *SHOWN) if name in forecasts}
        figures["errors"] = plots.errors_in_time(
            truth,
            shown,
            hours,
            step_minutes=series.interval,
            title=f"{ours}{about}",
            units=comparison.units,
        )
        if comparison.quantiles is not None:
            figures["intervals"] = plots.intervals(
                truth,
                comparison.quantiles[..., 0, :],
                comparison.levels,
                hours,
                title=f"{ours}{about}",
                units=comparison.units,
            )
    if comparison.quantiles is not None:
        figures["fan"] = _fan(comparison, truth, predicted, units, f"{ours}{about}")
    graph = series.adjacency if graph is None else _edges(graph, len(series.names))
    errors = np.ma.masked_invalid(abs(predicted - truth)).mean((0, 1))  # (N,)
    if graph is not None:
        worst = series.names[errors.filled(-1).argmax()]
        figures["sensors"] = plots.graph(
            np.asarray(graph),
            errors.filled(np.nan),
            series.positions,
            title=f"{ours}{about}\nlargest error at sensor {worst}",
            label=with_units("mean absolute error", comparison.units),
        )
    first = {name: forecasts[name] for name in (ours, "last value") if name in forecasts}
    figures["most"] = plots.errors_by_sensor(
        truth, first, series.names, title=f"{ours}{about}", units=comparison.units
    )
    return figures


def _edges(graph, nodes):
    """Returns the array of a graph to draw. Raises an error unless it is a (N, N) array."""
    graph = arguments.array("graph", graph.toarray() if sp.issparse(graph) else graph)
    if graph.shape != (nodes, nodes):
        raise ValueError(
            f"`graph` must have shape {(nodes, nodes)}, for the sensors. Received: graph.shape="
            f"{graph.shape}. Pass an adjacency of the sensors."
        )
    return graph


def attention(model: Any, series: Series, starts: np.ndarray) -> dict[str, Figure]:
    """Draws the mean attention weights of a model over windows.

    Args:
        model: forecaster model, such as `models.ASTGCN`.
        series: `datasets.Series`.
        starts: (W,) ints. First steps of windows. At most 64 of them are used, at equal distances.

    Returns:
        {"attention": figure}, or {} for a model without spatial attention.

    Raises:
        TypeError, ValueError: if an argument is invalid, or the series does not fit the model.

    Example:
        >>> import numpy as np, stgkeras
        >>> series = stgkeras.datasets.from_arrays(np.arange(80.0).reshape(40, 2), interval=60)
        >>> model = stgkeras.models.ASTGCN(2, graph=np.eye(2), num_blocks=1)
        >>> list(stgkeras.reports.attention(model, series, np.arange(10)))
        ['attention']
    """
    from stgkeras import layers, models

    arguments.instance("model", model, keras.Model, "Pass a model such as `models.ASTGCN(...)`.")
    if not any(isinstance(layer, layers.SpatialAttention) for layer in model.layers):
        return {}
    starts = arguments.array("starts", starts, "(windows)")
    if not len(starts):
        raise ValueError(
            "`starts` must have at least one window. Received: no windows. Pass first steps of "
            "windows, such as `split.test`."
        )
    starts = starts[:: -(-len(starts) // 64)]
    inputs, _ = model_windows(model, series, starts, batch_size=64)[0]
    scores: dict[str, Any] = {}
    for name, array in models.attention_scores(model, inputs).items():
        block, kind, _ = name.rsplit("_", 2)
        scores[f"{block}, between {KINDS[kind]}"] = array
    figure = plots.attention(
        scores,
        clustered=[name for name in scores if name.endswith("sensors")],
        names=series.names,
        title=f"mean over {len(starts)} windows",
    )
    return {"attention": figure}


def _fan(comparison, truth, predicted, units, title):
    """Draws a day of forecasts with their interval, of the sensor with the largest changes."""
    part, sensor = _busiest(comparison, truth)
    quantiles = comparison.quantiles[part, :, sensor, 0]
    level = comparison.levels[-1] - comparison.levels[0]
    axis = {"step_minutes": comparison.series.interval}
    if comparison.times is not None:
        ahead = comparison.ahead[part]
        axis = {"times": comparison.times[ahead[0, 0] : ahead[-1, -1] + 1]}
    return plots.forecast_fan(
        truth[part, :, sensor],
        predicted[part, :, sensor],
        bands={f"{100 * level:.4g} %": (quantiles[..., 0], quantiles[..., -1])},
        **axis,
        title=f"{title}, sensor {comparison.series.names[sensor]}",
        units=units,
    )


def _busiest(comparison, truth):
    """Returns the windows of a day and the sensor with the largest changes in them.

    The day begins at midnight if there is a whole day from then on.
    """
    length, begin = comparison.steps_per_day, 0
    if comparison.times is not None:
        times = comparison.times[comparison.ahead[:, 0]]
        clock = times.hour * 3600 + times.minute * 60 + times.second
        midnights = np.flatnonzero(clock < comparison.series.interval * 60)
        whole = midnights[midnights + length <= len(times)]
        begin = int(whole[0]) if len(whole) else 0
    part = slice(begin, begin + length)
    changes = np.ma.masked_invalid(truth[part]).std((0, 1)).filled(-1)
    return part, int(changes.argmax())


def _day(comparison, truth, forecasts, steps, units, about):
    """Draws a day of forecasts of the sensor with the largest changes."""
    series, (part, busiest) = comparison.series, _busiest(comparison, truth)
    axis = {"step_minutes": series.interval}
    if comparison.times is not None:
        axis = {"times": comparison.times[comparison.ahead[part, 0]]}
    ours, predicted = next(iter(forecasts.items()))
    baseline = next((name for name in (*USUAL, "last value") if name in forecasts), None)
    drawn = {}
    if baseline is not None and baseline != ours:
        label = baseline if baseline in USUAL else f"{baseline}, {comparison.label(steps[-1])}"
        drawn[f"baseline: {label}"] = forecasts[baseline][part, :, busiest]
    return plots.forecast(
        truth[part, :, busiest],
        predicted[part, :, busiest],
        {comparison.label(step): step for step in (steps[0], steps[-1])},
        baseline=drawn,
        title=f"{ours}{about}, sensor {series.names[busiest]}",
        units=units,
        **axis,
    )
