"""The graph of a forecaster: another graph for a series, and a summary of its edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from stgkeras.datasets.series.adjacencies import checked_adjacency
from stgkeras.datasets.series.graph_files import graph_parts
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting.errors import ordered
from stgkeras.models.graph_lists import as_list, edges_of

if TYPE_CHECKING:
    from stgkeras.datasets.series.joined import GraphLike

HEAVIEST = 3  # neighbours of a node on a map


def with_graph(series: Series, graph: GraphLike | None) -> Series:
    """Returns a series with another graph. Nodes are matched to sensors by name.

    Args:
        series: `Series`.
        graph: graph as in `load_series`. None: the series is returned as it is.
    """
    if not isinstance(series, Series):
        raise TypeError(
            f"`series` must be a `Series`. Received: {type(series).__name__}. Create it with "
            "`datasets.from_csv`, `from_pandas` or `from_arrays`."
        )
    if graph is None:
        return series
    found = graph_parts(graph, series.names)
    adjacency = checked_adjacency(found["adjacency"], len(series.names))
    return replace(series, adjacency=adjacency, places=found["places"])


def with_graph_of(forecaster: Any, series: Series) -> tuple[Series, dict[str, Any]]:
    """Returns a series with a graph, and the model arguments of a new forecaster for it.

    A series without a graph has the sensors and the graph of the forecaster, if that is trained.

    Args:
        forecaster: `Forecaster`, trained or not.
        series: `Series`.
    """
    given = forecaster.model_arguments
    if forecaster._fitted is None:
        return series, given
    model = forecaster.model
    if isinstance(model.input_length, dict):
        raise ValueError(
            "The `forecaster` must read consecutive steps, because `fit` trains no other. "
            f"Received: a preset with input_length={model.input_length}. Fit a forecaster on your "
            "readings, and use that one."
        )
    if series.adjacency is not None or forecaster.graph is not None:
        return series, given
    if not model.takes_graph:
        return ordered(forecaster.form, series), given
    edges = edges_of(model.graph, model.num_nodes)
    np.fill_diagonal(edges, 0)
    series = replace(ordered(forecaster.form, series), adjacency=edges)
    return series, {**given, "graph": model.graph}  # the operators, exactly those of the model


def drawn_edges(model: Any) -> np.ndarray:
    """Returns the edges (E, 2) of the graph of a model that a map shows, as numbers of nodes.

    These are pairs of different nodes, each once, of which one is among the `HEAVIEST` neighbours
    of the other. A model without a graph has none.
    """
    edges = edges_of(model.graph, model.num_nodes) if model.takes_graph else np.zeros((1, 1))
    edges = np.maximum(edges, edges.T)
    np.fill_diagonal(edges, 0)
    order = np.argsort(-edges, axis=1, kind="stable")[:, :HEAVIEST]  # (N, HEAVIEST)
    pairs = np.stack([np.arange(len(edges))[:, None].repeat(order.shape[1], 1), order], axis=-1)
    pairs = pairs[np.take_along_axis(edges, order, axis=1) > 0]
    return np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int32)


def graph_summary(operator: Any, names: Sequence[str]) -> dict[str, Any]:
    """Counts the edges and parts of graph operators, see `Forecaster.graph_summary`."""
    if not as_list(operator):
        return {}
    operator = edges_of(operator, len(names))
    edges = (operator != 0) & ~np.eye(len(operator), dtype=bool)
    degree = edges.sum(axis=1)
    return {
        "sensors": len(operator),
        "edges": int(np.triu(edges | edges.T).sum()),
        "isolated": [names[n] for n in np.flatnonzero(degree == 0).tolist()],
        "parts": int(sp.csgraph.connected_components(edges)[0]),
        "median_edges": float(np.median(degree)),
    }
