"""Loads a series and its graph from an npz or csv file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from stgkeras.datasets.series.files import file_type, series_from_npz
from stgkeras.datasets.series.own_data import from_csv, graph_of
from stgkeras.datasets.series.series import Series, agreed_interval, make_series
from stgkeras.types import Array


def load_series(
    path: str | os.PathLike[str],
    graph: Array | str | os.PathLike[str] | None = None,
    *,
    key: str | Sequence[str] | None = None,
    symmetric: bool = False,
    interval: float | None = None,
    null_value: float | None = None,
    timezone: str | None = None,
    holidays: str | Sequence[Any] | None = None,
) -> Series:
    """Loads a time series of sensors from an npz or csv file, with the graph of the sensors.

    For csv files with gaps, duplicate rows or edges of unknown sensors, use `from_csv`.

    Args:
        path: path of an `.npz` or `.csv` file.
            An npz file contains an array (T, N) or (T, N, F) of readings. If the file also
            contains a number `<key>_scale`, the array `key` is multiplied by this number. Optional
            arrays: `adj` or `adjacency` (N, N), `sensor_id` or `names` (N,), `start_time`
            (ISO 8601) and `step_minutes`.
            A csv file has a header with the sensor names, and one row for each step. The first
            column may contain timestamps.
        graph: None, an adjacency (N, N), or the path of a graph file. It replaces the graph in
            `path`. A graph file has one of three forms:
            1. A csv file with the header `from,to` and an optional third column `cost`, `distance`
            or `weight`. Each row is an edge, stored as `adjacency[to, from]`. Sensors are given by
            name or index. A `weight` is the weight of the edge. Without a `weight`, each edge has
            weight 1, as in ASTGCN. (`stgkeras.graphs.gaussian_kernel` computes weights that
            decrease with distance.) If an edge has several rows, the largest weight is used.
            2. A csv file without header: the adjacency matrix.
            3. An npz file with the array `adj` or `adjacency`.
        key: str or sequence of str. Name of the array in the npz file, or names of several arrays,
            which become features. Not needed if only one array has a suitable shape.
        symmetric: bool. Whether to return the symmetric adjacency `np.maximum(A, A.T)`.
        interval: float. Minutes between steps. Only needed if the file does not state them.
        null_value: float or None. The number that marks a missing reading in the file. Missing
            readings become NaN. With a number or `np.nan`, NaN and empty cells in the file are
            missing readings too. With None, NaN and empty cells raise an error.
        timezone, holidays: as in `from_arrays`.

    Returns:
        `Series`.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is damaged, contains pickled objects or is ambiguous, or if the
            values and the graph have different numbers of nodes.

    Example:
        >>> import numpy as np, os, stgkeras, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "speed.npz")
        ...     np.savez(path, speed=np.ones((5, 2)), adj=np.eye(2) + [[0, 1], [0, 0]])
        ...     series = stgkeras.datasets.load_series(path, interval=5)
        >>> series.values.shape, series.features, series.adjacency.tolist()
        ((5, 2, 1), ('speed',), [[0.0, 1.0], [0.0, 0.0]])
    """
    if file_type(path) == ".csv":
        if key is not None:
            raise ValueError(f"`key` must be None for a csv file. Received: key={key!r}")
        return from_csv(
            path,
            graph,
            symmetric=symmetric,
            interval=interval,
            null_value=null_value,
            timezone=timezone,
            holidays=holidays,
        )
    found = series_from_npz(path, key, interval)
    return make_series(
        found["values"],
        where=str(path),
        names=found["names"],
        features=found["features"],
        times=found["times"],
        adjacency=found["adjacency"] if graph is None else graph_of(graph, found["names"]),
        symmetric=symmetric,
        interval=agreed_interval(interval, found["interval"], "the file"),
        null_value=null_value,
        timezone=timezone,
        holidays=holidays,
    )
