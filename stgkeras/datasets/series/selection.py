"""Chooses sensors of a series, with the graph between them."""

from __future__ import annotations

import dataclasses

import numpy as np

from stgkeras.datasets.series.sensor_names import check_names, repeated, shown


def select(series, names, contract=False):
    """Returns the series of the sensors `names`. `Series.select` describes the arguments."""
    if isinstance(names, (str, bytes)):
        raise TypeError(
            f"`names` must be a list of names of sensors. Received: names={names!r}. Pass "
            f"[{names!r}]."
        )
    names = [str(name) for name in names]
    check_names(names, series.names, "`names`")
    if not names or len(set(names)) < len(names):
        raise ValueError(
            "`names` must have at least one name, and each name once. Received: "
            f"{shown(names)}, more than once: {shown(repeated(names))}. Remove the repetitions."
        )
    index = [series.names.index(name) for name in names]
    changed = {"names": tuple(names)}
    for field in dataclasses.fields(series):
        value = getattr(series, field.name)
        # Readings and whatever else has the axes (steps, nodes, …), such as a mask.
        is_array = isinstance(value, np.ndarray) and field.name not in ("adjacency", "places")
        if is_array and value.shape[:2] == series.values.shape[:2]:
            changed[field.name] = value[:, index]
    if series.places is not None:
        changed["places"] = series.places[index]
    if series.adjacency is None and contract:
        raise ValueError(
            "`contract` must be False for a series without a graph. Received: contract=True and "
            "no adjacency. Pass `graph` to the function that creates the series."
        )
    if series.adjacency is not None:
        whole = contracted(series.adjacency, index) if contract else series.adjacency
        changed["adjacency"] = whole[np.ix_(index, index)]
    return dataclasses.replace(series, **changed)


def contracted(adjacency, kept):
    """Adds edges for the paths over the nodes that are not `kept`.

    The weight of a path is the product of the weights of its edges. A new edge has the weight of
    the path with the largest weight.
    """
    if adjacency.max(initial=0) > 1:
        raise ValueError(
            "`contract` must be False for a graph with weights above 1, because the weights of a "
            f"path are multiplied. Received: contract=True and the weight {adjacency.max():g}. "
            "Divide the adjacency by its largest weight first."
        )
    weights = adjacency.copy()
    for node in np.setdiff1d(np.arange(len(adjacency)), kept):
        # The path m → node → n, for all pairs. Cycles never have a larger weight, up to 1.
        ends, starts = np.flatnonzero(weights[:, node]), np.flatnonzero(weights[node])
        through = np.outer(weights[ends, node], weights[node, starts])
        block = np.ix_(ends, starts)
        weights[block] = np.maximum(weights[block], through)
    np.fill_diagonal(weights, 0)
    return weights
