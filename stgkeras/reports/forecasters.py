"""The comparison of a trained `Forecaster` with its baselines, and the graph that it uses."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from stgkeras import arguments
from stgkeras.datasets import Series
from stgkeras.datasets.series.splits import cut
from stgkeras.forecasting import Forecaster
from stgkeras.forecasting.errors import ordered
from stgkeras.models.graph_lists import edges_of
from stgkeras.models.graph_model import GraphModel
from stgkeras.reports.comparison import Comparison


def compare(
    forecaster: Forecaster, series: Series, *, test: float | int = 0.2, data: str = ""
) -> Comparison:
    """Forecasts the last part of a series with a forecaster, its model and its baselines.

    Args:
        forecaster: trained `Forecaster`.
        series: `datasets.Series` with sensors of the forecaster, in any order.
        test: float or int. Size of the last part of the series, which is tested: a fraction of the
            steps, or a number of steps. With the series and the `test` of `Forecaster.fit`, this
            part was not used in training. Default 0.2, the default of `fit`.
        data: str. Name of the data set, for titles.

    Returns:
        `Comparison`. Its forecasts are "forecaster", "model" and the baselines.

    Raises:
        ValueError: if the part is too short for a window, or the series does not fit the
            forecaster.

    Example:
        >>> import numpy as np, pandas as pd, stgkeras
        >>> times = pd.date_range("2024-05-01", periods=14 * 24, freq="h")
        >>> wave = 50 + 10 * np.sin(times.hour.to_numpy() * np.pi / 12)
        >>> speeds = pd.DataFrame({"A": wave, "B": wave + 5}, times)
        >>> series = stgkeras.datasets.from_pandas(speeds, [[0, 1], [1, 0]], units="km/h")
        >>> forecaster = stgkeras.Forecaster("GraphSTID", horizon=3, units=4, num_blocks=1)
        >>> history = forecaster.fit(series, epochs=1, verbose=0)
        >>> compared = stgkeras.reports.compare(forecaster, series)
        >>> list(compared.forecasts)
        ['forecaster', 'model', 'last value', 'usual day', 'ridge', 'ridge without season']
    """
    arguments.instance("forecaster", forecaster, Forecaster, "Pass a trained `Forecaster`.")
    arguments.instance("series", series, Series, "Pass the result of `datasets.load_series`.")
    arguments.text("data", data)
    form = forecaster.form
    series = ordered(form, series)
    total, span = len(series.values), form.input_length + form.horizon
    is_all = isinstance(test, float) and test == 1.0
    first = 0 if is_all else cut(total, 0, test)[1]
    starts = np.arange(first, total - span + 1)
    if not len(starts):
        raise ValueError(
            f"`test` must leave at least {span} steps. Received: test={test}, {total - first} of "
            f"{total} steps. Pass a larger `test`, or more readings."
        )
    forecasts, quantiles = forecaster._ready().with_quantiles(series, starts)
    first, levels = starts + form.input_length, forecaster.model.quantiles or ()
    return Comparison(series, first, forecasts, form.targets, data, quantiles, levels)


def graph_of(model: Any) -> np.ndarray:
    """Returns the edges of the fixed graph of a model, to draw them.

    Args:
        model: model such as `models.STGCN`, with a graph.

    Returns:
        (N, N), the graph operator without its diagonal. Of several operators for the same nodes,
        the sum of the absolute weights.

    Raises:
        TypeError, ValueError: if `model` is no model of this library, or has no fixed graph.

    Example:
        >>> import numpy as np, stgkeras
        >>> operator = stgkeras.graphs.scaled_laplacian([[0, 1], [1, 0]])
        >>> model = stgkeras.models.GraphSTID(2, graph=operator)
        >>> stgkeras.reports.graph_of(model).tolist()
        [[0.0, -1.0], [-1.0, 0.0]]
    """
    arguments.instance("model", model, GraphModel, "Pass a model such as `models.STGCN(...)`.")
    if getattr(model, "takes_walks", False) and model.graph:
        graph = edges_of(model.graph, model.num_nodes)
        np.fill_diagonal(graph, 0)
        return graph
    if not hasattr(model.graph, "shape"):  # none, or one for each level of a pooling
        raise ValueError(
            "`model` must have one fixed graph. Received: a model with the graph "
            f"{type(model.graph).__name__}. Pass a model that was created with `graph=`."
        )
    graph = sp.csr_array(model.graph).toarray()
    np.fill_diagonal(graph, 0)
    return graph
