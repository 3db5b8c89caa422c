"""Loads a series and its graph from files: npz, csv, Parquet and HDF5."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stgkeras.datasets.series.files import file_type, series_from_npz
from stgkeras.datasets.series.graph_files import graph_parts
from stgkeras.datasets.series.series import Series, agreed_interval, check_interval, make_series
from stgkeras.datasets.series.table_parts import TABLE_OPTIONS, table_parts
from stgkeras.datasets.series.tables import CSV, TABLES, paths_of_features
from stgkeras.types import Array

if TYPE_CHECKING:
    from stgkeras.datasets.series.joined import GraphLike


def load_series(
    path: str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]],
    graph: GraphLike | None = None,
    *,
    key: str | Sequence[str] | None = None,
    symmetric: bool = False,
    interval: float | None = None,
    null_value: float | Mapping[str, float | None] | Sequence[float | None] | None = None,
    timezone: str | None = None,
    holidays: str | Sequence[Any] | None = None,
    **options: Any,
) -> Series:
    """Loads a time series of sensors from a file, with the graph of the sensors.

    Args:
        path: path of an `.npz` file, or of a table: `.csv` or `.tsv`, `.parquet` (needs pyarrow:
            `pip install "stgkeras[table]"`), or `.h5` with a pandas frame, such as metr-la.h5.
            Or a dict of feature name → path of a table.
            An npz file contains an array (T, N) or (T, N, F) of readings. If the file also
            contains a number `<key>_scale`, the array `key` is multiplied by this number. Optional
            arrays: `adj` or `adjacency` (N, N), `sensor_id` or `names` (N,), `time` or
            `timestamps` (T,), or `start_time`, the time of the first step; and `step_minutes`.
            `from_csv` describes the forms of tables.
        graph: None, a graph, or the path of a graph file. It replaces the graph in `path`. Sensors
            are joined by their names, see the forms of graphs below. Only an array and a matrix
            without names have the order of the sensors.
        key: str or sequence of str. Name of the array in the npz file, or names of several arrays,
            which become features. Not needed if only one array has a suitable shape.
        symmetric: bool. Whether to return the symmetric adjacency `np.maximum(A, A.T)`.
        interval: float. Minutes between steps. Only needed if the file does not state them.
        null_value: the number that marks a missing reading in the file, as in `from_arrays`. With a
            number or `np.nan`, NaN and empty cells in the file are missing readings too. With None,
            NaN and empty cells raise an error.
        timezone, holidays: as in `from_arrays`.
        **options: for all files `units`, `regularize`, `duplicates`, `unknown` and `quality`; for
            tables also `layout`, `time`, `sensor`, `ignore`, `separator`, `decimal` and
            `day_first`, as in `from_csv`.

    Forms of graphs:
        1. Edges: a csv file or pandas frame with the columns `from` and `to`, and at most a third
        column. Each row is an edge. If `from` and `to` are positions, two more columns such as
        `from_id` and `to_id` must give the names. For positions alone, use
        `stgkeras.graphs.from_edges`. The third column sets the weights:
        `weight`: the weight of the edge, stored as `adjacency[to, from]`. If an edge has several
        rows, the largest weight is used.
        `distance` or `cost`, in any unit: weights by the rule for distances, see below.
        No third column: each edge has weight 1, stored as `adjacency[to, from]`.
        2. Coordinates: a csv file or frame with a row for each sensor, the names in any column,
        and the columns `latitude` and `longitude` (or `lat` and `lon`), in degrees. The distances
        between all sensors, along great circles, give weights by the rule for distances. The
        coordinates become `Series.places`.
        3. A csv file or frame with the adjacency matrix, with the names of the sensors in the
        first row, the first column or both; or a csv file without names. Csv files may have
        semicolons, tabs and decimal commas.
        4. An npz file with the array `adj` or `adjacency`, and the names in `sensor_id` or `names`,
        if the order is not that of the series.
        5. A networkx graph of the names, or an igraph graph with the vertex attribute "name". The
        edge attribute "weight" is the weight; without it, each edge has weight 1.
        6. An array (N, N) or SciPy sparse matrix, in the order of the sensors.

    The rule for distances:
        Two sensors have an edge in both directions, if one of them is among the 5 nearest sensors
        of the other. (Sensors at the same distance as the fifth count too.) The weight is
        exp(-d² / σ²). d is the smallest known distance of the two sensors, in either direction. σ²
        is the mean of d² over all pairs of a sensor and one of its nearest sensors. A distance of 0
        in a list of edges makes no edge, and causes a warning. Sensors with equal coordinates have
        an edge of weight 1. For another graph, compute the weights, for example with
        `stgkeras.graphs.gaussian_kernel`; or keep only the columns `from` and `to`, so that each
        edge has weight 1, as in ASTGCN.

    Returns:
        `Series`.

    Raises:
        FileNotFoundError: if a file is missing.
        ImportError: if the file is a Parquet file and pyarrow is not installed.
        ValueError: if a file is damaged, contains pickled objects or is ambiguous, if the values
            and the graph have different numbers of nodes, or if a list of edges has no edge
            between two sensors.

    Example:
        >>> import numpy as np, os, stgkeras, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "speed.npz")
        ...     np.savez(path, speed=np.ones((5, 2)), adj=np.eye(2) + [[0, 1], [0, 0]])
        ...     series = stgkeras.datasets.load_series(path, interval=5)
        >>> series.values.shape, series.features, series.adjacency.tolist()
        ((5, 2, 1), ('speed',), [[0.0, 1.0], [0.0, 0.0]])
    """
    options |= {
        "symmetric": symmetric,
        "interval": interval,
        "null_value": null_value,
        "timezone": timezone,
        "holidays": holidays,
    }
    if isinstance(path, Mapping) or file_type(path, (".npz", *TABLES)) != ".npz":
        if key is not None:
            kind = "table" if isinstance(path, Mapping) else f"{file_type(path, TABLES)[1:]} file"
            raise ValueError(
                f"`key` must be None for a {kind}. Received: key={key!r}. Omit `key`, which names "
                "arrays of npz files."
            )
        return _series(path, graph, **options)
    tabular = sorted(set(options) & TABLE_OPTIONS)
    if tabular:
        raise ValueError(
            f"`{tabular[0]}` must be used with a table. Received: {tabular[0]}="
            f"{options[tabular[0]]!r} and {path}. Omit the argument."
        )
    check_interval(interval)
    unknown = options.pop("unknown", "raise")
    found = series_from_npz(path, key, interval, timezone)
    parts = {"adjacency": found["adjacency"]}
    if graph is not None:
        parts = graph_parts(graph, found["names"], unknown)
    return make_series(
        found["values"],
        where=str(path),
        names=found["names"],
        features=found["features"],
        times=found["times"],
        **parts,
        **options | {"interval": agreed_interval(interval, found["interval"], "the file")},
    )


def from_csv(
    path: str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]],
    graph: GraphLike | None = None,
    *,
    units: str | Sequence[str] = "",
    symmetric: bool = False,
    interval: float | None = None,
    null_value: float | Mapping[str, float | None] | Sequence[float | None] | None = None,
    regularize: bool = False,
    duplicates: str = "raise",
    unknown: str = "raise",
    timezone: str | None = None,
    holidays: str | Sequence[Any] | None = None,
    quality: Array | str | os.PathLike[str] | None = None,
    layout: str | None = None,
    time: str | bool | None = None,
    sensor: str | None = None,
    ignore: str | Sequence[str] = (),
    separator: str | None = None,
    decimal: str | None = None,
    day_first: bool | None = None,
) -> Series:
    """Creates a series from a csv file.

    The first row of the file contains the names of the columns. The columns have one of four forms:

    1. Wide: a row for each step, a column for each sensor, and optionally a column of times.
    2. Long: a row for each time and sensor, with a column of times, a column of sensors (such as
       `sensor` or `station_id`), and a column for each feature. If each row is one reading of one
       feature or lane, combine the rows with pandas first; the error shows how.
    3. One station: a column of times, and a column for each feature. Pass `layout="station"`.
    4. Two rows of names: the name of a sensor and of a feature above each column.

    Times are dates and times, Unix times (UTC) or numbers such as 201205010005. If a column of
    readings looks like a time, an id or a row number, the function raises an error that shows the
    values. Names of sensors are text: "007" stays "007".

    Args:
        path: path of a `.csv` or `.tsv` file, or a dict of feature name → path of a wide table.
            Empty cells are NaN.
        graph: None, an adjacency (N, N), or the path of a graph file, as in `load_series`.
        units, symmetric, interval, null_value, regularize, unknown, timezone, holidays: as in
            `from_arrays`.
        duplicates: "raise", "first" or "mean", as in `from_arrays`. In a long table, action for
            rows of the same time and sensor.
        quality: None, or the readings that are good; all others become missing. An array of bool
            (T, N) or (T, N, F), the path of a csv file of the same form with 1 or True at good
            readings and 0 or False elsewhere, or the name of such a column of a long table.
        layout: "wide", "long" or "station". Default: recognised from the columns. With "wide",
            each column besides the times is a sensor, whatever its name.
        time: str or False. Name of the column of times; False if there is none. Default:
            recognised.
        sensor: str. Name of the column of sensors in a long table. Default: recognised.
        ignore: str or sequence of str. Names of columns that are not read.
        separator: str. Sign between two cells. Default: a comma, semicolon or tab, as in the file.
        decimal: "." or ",". Decimal sign. Default: as in the file.
        day_first: bool. Whether the day comes before the month in dates such as 03/04/2024.
            Default: as in a row of the file with a day after the 12th.

    Returns:
        `Series`. A wide table has one feature, "value".

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is damaged or ambiguous, if the values and the graph have different
            numbers of nodes, and in the cases listed in `from_arrays`.

    Example:
        >>> import numpy as np, os, stgkeras, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "speeds.csv")
        ...     with open(path, "w") as file:
        ...         _ = file.write("time,A,B\\n2024-05-01 08:00,60,50\\n2024-05-01 08:05,,51\\n")
        ...     wide = stgkeras.datasets.from_csv(path, null_value=np.nan, units="km/h")
        ...     with open(path, "w") as file:
        ...         _ = file.write("time;sensor;speed;flow\\n2024-05-01 08:00;007;60,5;11\\n")
        ...     long = stgkeras.datasets.from_csv(path)
        >>> wide.values[..., 0].tolist(), wide.interval
        ([[60.0, 50.0], [nan, 51.0]], 5.0)
        >>> long.names, long.features, long.values.tolist()
        (('007',), ('speed', 'flow'), [[[60.5, 11.0]]])
    """
    paths = paths_of_features(path).values() if isinstance(path, Mapping) else [path]
    for file in paths:
        if file_type(file, (".npz", *TABLES)) not in CSV:
            raise ValueError(
                f"`path` must end in .csv or .tsv. Received: {file}. Read this file with "
                "`load_series`."
            )
    return _series(
        path,
        graph,
        units=units,
        symmetric=symmetric,
        interval=interval,
        null_value=null_value,
        regularize=regularize,
        duplicates=duplicates,
        unknown=unknown,
        timezone=timezone,
        holidays=holidays,
        quality=quality,
        layout=layout,
        time=time,
        sensor=sensor,
        ignore=ignore,
        separator=separator,
        decimal=decimal,
        day_first=day_first,
    )


READER = TABLE_OPTIONS | {"null_value", "duplicates", "regularize", "quality", "timezone"}


def _series(path, graph, *, unknown="raise", **options):
    """Creates the series of one table, or of one table for each feature."""
    found = table_parts(path, **{name: options[name] for name in READER & set(options)})
    where = next(iter(path.values())) if isinstance(path, Mapping) else path
    given = {name: value for name, value in options.items() if name not in TABLE_OPTIONS}
    return make_series(
        found.pop("values"),
        where=str(where),
        **graph_parts(graph, found["names"], unknown),
        **given | found,
    )
