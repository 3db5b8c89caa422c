"""Series from your own arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras import arguments
from stgkeras.datasets.series.columns import number_times
from stgkeras.datasets.series.dates import times_of_steps
from stgkeras.datasets.series.graph_files import graph_parts
from stgkeras.datasets.series.sensor_names import texts
from stgkeras.datasets.series.series import Series, make_series
from stgkeras.graphs._checks import check_masked
from stgkeras.types import Array

if TYPE_CHECKING:
    import pandas as pd

    from stgkeras.datasets.series.joined import GraphLike


def from_arrays(
    values: Array,
    timestamps: Array | pd.Index | None = None,
    graph: GraphLike | None = None,
    *,
    names: Sequence[Any] | np.ndarray | None = None,
    features: Sequence[Any] | np.ndarray | None = None,
    units: str | Sequence[str] = "",
    symmetric: bool = False,
    interval: float | None = None,
    null_value: float | Mapping[str, float | None] | Sequence[float | None] | None = None,
    regularize: bool = False,
    duplicates: str = "raise",
    unknown: str = "raise",
    timezone: str | None = None,
    holidays: str | Sequence[Any] | None = None,
    quality: Array | None = None,
) -> Series:
    """Creates a series from arrays.

    Gaps, duplicate rows and NaN raise an error, unless an argument says how to repair them.

    Args:
        values: (T, N) or (T, N, F) real numbers: T steps, N sensors, F features. The array is
            copied to float32. A float32 memory map is copied only if `null_value` (other than
            NaN), `regularize` or `duplicates` changes readings.
        timestamps: None, or (T,) datetimes, datetime64, strings, Unix times (UTC), or numbers
            such as 201205010005. A time zone becomes `Series.timezone`, and the times are
            converted to UTC. Other times are not changed.
        graph: None, an adjacency (N, N) in the order of the sensors, dense or SciPy sparse; or a
            pandas frame, a networkx or igraph graph, or the path of a graph file, which are joined
            by the names of the sensors. `load_series` lists the forms, and the rule that computes
            weights from distances and coordinates. `[n, m]` is the weight of the edge from
            node m to node n. The example below computes graphs.
        names: sequence of N unique names of sensors. Default: the columns of `values`, if it is a
            pandas frame, else "0", "1", …
        features: sequence of F names of features. Default: "value", or "value_0", "value_1", …
        units: str for all features, or sequence of F str.
        symmetric: bool. Whether the adjacency of the series is `np.maximum(A, A.T)`.
        interval: float. Minutes between steps. Default: the difference of the timestamps. With
            `regularize`, the default is the most frequent difference.
        null_value: float or None. The number that marks a missing reading in `values`. Missing
            readings become NaN. With a number or `np.nan`, NaN in `values` is a missing reading
            too. With None, NaN raises an error. A dict of feature name → float or None, or a
            sequence of one float or None for each feature, marks each feature in its own way.
        regularize: bool. Whether to sort the rows by time and to fill gaps with missing readings.
        duplicates: "raise", "first" or "mean". Action for rows of the same time: raise an error,
            keep the first row, or take the mean of the readings that are not missing.
        unknown: "raise" or "drop". Action for sensors of the graph that are not in `names`: raise
            an error, or ignore them and their edges.
        timezone: str or None. Time zone of the local clock: an IANA name such as "Europe/Paris",
            or a UTC offset such as "+01:00". Timestamps without a zone are local times; their rows
            must be in order of time where an hour occurs twice in autumn. Default: the time zone
            of the timestamps, if they have one.
        holidays: None, a sequence of dates, or a country code such as "AT", see
            `datasets.calendar`. The calendar of the series counts holidays as Sundays.
        quality: None, or bool (T, N) or (T, N, F). Readings with False become missing (NaN).

    Returns:
        `Series`.

    Raises:
        FileNotFoundError: if the graph file is missing.
        ImportError: if `holidays` is a code and the package holidays is not installed.
        TypeError: if `values` are not real numbers.
        ValueError: if shapes do not fit, or if there is a gap, a duplicate row, NaN or an unknown
            sensor, and no argument repairs it. The message names the first such place and the
            argument.

    Example:
        Fill a gap and merge a duplicate row:

        >>> import numpy as np
        >>> from stgkeras import datasets, graphs
        >>> stamps = ["2024-05-01 08:00", "2024-05-01 08:05", "2024-05-01 08:05",
        ...           "2024-05-01 08:15"]
        >>> series = datasets.from_arrays(
        ...     [[60, 50], [58, 51], [56, 53], [61, 49]], stamps, names=["A", "B"], units="km/h",
        ...     features=["speed"], regularize=True, duplicates="mean")
        >>> series.values[..., 0].tolist()
        [[60.0, 50.0], [57.0, 52.0], [nan, nan], [61.0, 49.0]]
        >>> series.interval, series.units, str(series.timestamps[2])
        (5.0, ('km/h',), '2024-05-01T08:10:00')

        Compute a graph from road distances in km, from coordinates, or from the correlation of
        the training readings:

        >>> roads = graphs.gaussian_kernel([[0, 1.2], [np.inf, 0]], sigma2=10.0, epsilon=0.1)
        >>> places = graphs.distances_km([34.15, 34.12], [-118.32, -118.24])
        >>> near = graphs.gaussian_kernel(places, sigma2=100.0, epsilon=0.1)
        >>> speeds = np.array([[60.0, 50.0], [58.0, 51.0], [61.0, 49.0]])
        >>> scores = (speeds - speeds.mean(axis=0)) / speeds.std(axis=0)
        >>> alike = graphs.estimate_graph(scores, k=1, num_neighbors=1)
        >>> datasets.from_arrays(speeds, graph=near, interval=5).adjacency.round(2)
        array([[0.  , 0.52],
               [0.52, 0.  ]])
    """
    if hasattr(values, "columns"):
        names = _names_of_frame(values, timestamps, names)
    check_masked("values", values)
    values = arguments.array("values", values)
    if values.ndim not in (2, 3) or 0 in values.shape:
        raise ValueError(
            "`values` must have shape (steps, nodes) or (steps, nodes, features). "
            f"Received: shape={values.shape}. Reshape the array."
        )
    return series_of_values(
        values.reshape(*values.shape[:2], -1),  # (T, N, F)
        timestamps,
        graph,
        names=names,
        features=features,
        unknown=unknown,
        units=units,
        symmetric=symmetric,
        interval=interval,
        null_value=null_value,
        regularize=regularize,
        duplicates=duplicates,
        timezone=timezone,
        holidays=holidays,
        quality=quality,
    )


def _names_of_frame(frame, timestamps, names):
    """Returns `names`, or the columns of a pandas frame if there are none.

    Raises ValueError if the frame holds more than readings, which an array would lose.
    """
    columns = [str(name) for name in frame.columns]
    index = getattr(frame, "index", None)
    lost = "two levels of columns" if getattr(frame.columns, "nlevels", 1) > 1 else None
    if timestamps is None and getattr(index, "dtype", np.dtype(int)).kind == "M":
        lost = f"a frame with times as index, such as {index[0]}"
    if lost:
        raise ValueError(
            f"`values` must be an array, or a frame of readings alone. Received: {lost}. Pass the "
            "frame to `from_pandas`."
        )
    given = columns if names is None else [str(name) for name in names]
    if given != columns and sorted(given) == sorted(columns):
        raise ValueError(
            f"`names` must have the order of the columns of `values`. Received: names {given[:6]}, "
            f"columns {columns[:6]}. Omit `names`."
        )
    return given


def series_of_values(
    values,
    timestamps,
    graph,
    *,
    names=None,
    features=None,
    unknown="raise",
    where="The series",
    times="`timestamps`",
    **kwargs,
):
    """Creates the series of `from_arrays` from values (T, N, F).

    `where` and `times` name the sources of values and times in error messages.
    """
    steps, num_nodes, width = values.shape
    if features is None:
        features = ["value"] if width == 1 else [f"value_{i}" for i in range(width)]
    features = [features] if isinstance(features, str) else texts("features", features, where)
    if len(features) != width:
        raise ValueError(
            f"`features` must name {width} features, the last axis of `values`. Received: features="
            f"{features}. Pass {width} names."
        )
    names = texts("names", range(num_nodes) if names is None else names, where)
    given = None if timestamps is None else np.asarray(arguments.entries("timestamps", timestamps))
    if given is not None and given.ndim != 1:
        raise ValueError(
            f"`timestamps` must have one time for each step. Received: {timestamps!r}"[:300]
        )
    if given is not None and given.dtype.kind in "iuf":
        found = number_times(given)
        timestamps = timestamps if found is None else found
    return make_series(
        values,
        where=where,
        names=names,
        features=features,
        times=None if timestamps is None else times_of_steps(timestamps, steps, times),
        **graph_parts(graph, names, unknown),
        **kwargs,
    )
