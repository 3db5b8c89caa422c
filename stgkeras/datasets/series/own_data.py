"""Series of the user's own: arrays, pandas frames, csv files."""

import os

import numpy as np

from stgkeras.datasets.series.files import file_type, graph_from_file, series_from_csv
from stgkeras.datasets.series.series import InPieces, make_series
from stgkeras.datasets.series.timestamps import parse_times


def from_arrays(
    values,
    timestamps=None,
    graph=None,
    *,
    names=None,
    features=None,
    units="",
    symmetric=False,
    interval=None,
    null_value=None,
    regularize=False,
    duplicates="raise",
    unknown="raise",
):
    """Makes a series of arrays. Faults are refused unless one asks to have them mended.

    Args:
        values: (T, N) or (T, N, F) of real numbers; copied once, to float32. A memory map of
            float32 stays one, not copied, unless readings are to be changed: by a `null_value`
            other than NaN, `regularize` or `duplicates`.
        timestamps: None, or (T,) of datetimes, datetime64 or strings, to the second. Those with a
            zone become UTC; others are taken as they are.
        graph: None, an adjacency (N, N), dense or SciPy sparse, `[n, m]` weighing what n receives
            from m, or a file as for `load_series`. See below for how to make one.
        names: sequence of N unique names. Default: "0", "1", …
        features: sequence of F names. Default: "value", or "value_0", "value_1", …
        units: str for all features, or sequence of F str. Reported, never guessed.
        symmetric: bool. Whether the series gets `np.maximum(A, A.T)`.
        interval: float. Minutes between steps. Needed only without timestamps, or with
            `regularize` if the most frequent difference is another.
        null_value: float or None. The number that marks a missing reading, which becomes NaN;
            with any, `np.nan` too, NaN is a missing reading. None: NaN is an error.
        regularize: bool. Whether to sort the rows by time, and to put in a row of missing
            readings where a step has none.
        duplicates: "raise", "first" or "mean": what becomes of rows of the same time. The mean is
            of the readings that are not missing.
        unknown: "raise" or "drop": what becomes of edges of a graph file whose sensors `names`
            lacks.

    Returns:
        `Series`.

    Raises:
        FileNotFoundError: if the graph file is missing.
        TypeError: if `values` are not real numbers.
        ValueError: if shapes do not fit, or there is a fault that was not to be mended: it names
            the first offender and the argument that mends it.

    Example:
        A gap and a time that comes twice:

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

        Graphs of road distances in km, of coordinates, and of the correlation of the readings
        (take those of the training part):

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
    values = values if isinstance(values, np.memmap) else np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise TypeError(f"`values` must hold real numbers. Received: dtype={values.dtype}")
    if values.ndim not in (2, 3) or 0 in values.shape:
        raise ValueError(
            "`values` must have shape (steps, nodes) or (steps, nodes, features). "
            f"Received: shape={values.shape}"
        )
    return _series(
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
    )


def _series(values, timestamps, graph, *, names=None, features=None, unknown="raise", **kwargs):
    """What `from_arrays` returns, of values (T, N, F)."""
    steps, num_nodes, width = values.shape
    if features is None:
        features = ["value"] if width == 1 else [f"value_{i}" for i in range(width)]
    features = [features] if isinstance(features, str) else list(map(str, features))
    if len(features) != width:
        raise ValueError(f"`features` must name {width} features. Received: features={features}")
    names = [str(name) for name in (range(num_nodes) if names is None else names)]
    return make_series(
        values,
        where="The series",
        names=names,
        features=features,
        times=None if timestamps is None else _times(timestamps, steps),
        adjacency=graph_of(graph, names, unknown),
        **kwargs,
    )


def from_pandas(frames, graph=None, **kwargs):
    """Makes a series of a frame, or of one a feature.

    Args:
        frames: `pandas.DataFrame` whose index holds times and whose columns are sensors; or dict
            from the name of each feature to such a frame, all of the same index and columns.
        graph: as for `from_arrays`.
        **kwargs: `units`, `symmetric`, `interval`, `null_value`, `regularize`, `duplicates`,
            `unknown` of `from_arrays`.

    Returns:
        `Series`.

    Raises:
        FileNotFoundError, TypeError, ValueError: as `from_arrays`.

    Example:
        >>> import pandas as pd, stgkeras
        >>> times = pd.date_range("2024-05-01", periods=3, freq="15min", tz="Europe/Paris")
        >>> speeds = pd.DataFrame({"A": [60.0, 58.0, 61.0], "B": [50.0, 51.0, 49.0]}, times)
        >>> series = stgkeras.datasets.from_pandas({"speed": speeds}, units="km/h")
        >>> series.names, series.features, series.interval, str(series.timestamps[0])
        (('A', 'B'), ('speed',), 15.0, '2024-04-30T22:00:00')
    """
    given = {"names", "features", "timestamps"} & set(kwargs)
    if given:
        raise TypeError(f"The frames hold {sorted(given)}: leave them out.")
    frames = frames if isinstance(frames, dict) else {"value": frames}
    first = next(iter(frames.values()))
    for name, frame in frames.items():
        for axis in ("index", "columns"):
            if not getattr(frame, axis).equals(getattr(first, axis)):
                raise ValueError(
                    f"`frames` must have the same {axis}. Received: that of {name!r} differs from "
                    f"that of {next(iter(frames))!r}; `reindex` one like the other."
                )
        wrong = [column for column, kind in frame.dtypes.items() if kind.kind not in "biuf"]
        if wrong:
            raise TypeError(
                f"`frames` must hold real numbers. Received: {name!r} with column {wrong[0]!r} of "
                f"dtype {frame.dtypes[wrong[0]]}; is it the one for `frame.set_index(...)`?"
            )
    if 0 in first.shape:
        raise ValueError(
            f"`frames` must have rows and columns. Received: a frame of shape {first.shape}"
        )

    def read(steps):
        parts = [frame.iloc[steps] for frame in frames.values()]
        return np.stack([part.to_numpy(np.float64, na_value=np.nan) for part in parts], axis=-1)

    return _series(
        InPieces((*first.shape, len(frames)), read),
        first.index,
        graph,
        names=first.columns,
        features=list(frames),
        **kwargs,
    )


def from_csv(
    path,
    graph=None,
    *,
    units="",
    symmetric=False,
    interval=None,
    null_value=None,
    regularize=False,
    duplicates="raise",
    unknown="raise",
):
    """Reads a series from a csv file: a column a sensor, a row a step.

    What `load_series` does with a csv file, and more: this can mend.

    Args:
        path: `.csv` file with a header of sensor names. A first column that is not numeric holds
            timestamps, as for `from_arrays`.
        graph: None, an adjacency (N, N), or a file as for `load_series`.
        units, symmetric, interval, null_value, regularize, duplicates, unknown: as for
            `from_arrays`. Empty cells are NaN.

    Returns:
        `Series` with the one feature "value".

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is damaged or ambiguous, values and graph do not fit, or there is a
            fault that was not to be mended.

    Example:
        >>> import numpy as np, os, stgkeras, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "speeds.csv")
        ...     with open(path, "w") as file:
        ...         _ = file.write("time,A,B\\n2024-05-01 08:00,60,50\\n2024-05-01 08:05,,51\\n")
        ...     series = stgkeras.datasets.from_csv(path, null_value=np.nan, units="km/h")
        >>> series.values[..., 0].tolist(), series.interval
        ([[60.0, 50.0], [nan, 51.0]], 5.0)
    """
    if file_type(path) != ".csv":
        raise ValueError(f"`path` must end in .csv; read others by `load_series`. Received: {path}")
    found, hint = series_from_csv(path), "`from_csv` with "
    return make_series(
        found["values"],
        where=str(path),
        names=found["names"],
        features=["value"],
        times=found["times"],
        adjacency=graph_of(graph, found["names"], unknown, hint),
        symmetric=symmetric,
        units=units,
        interval=interval,
        null_value=null_value,
        regularize=regularize,
        duplicates=duplicates,
        hint=hint,
    )


def graph_of(graph, names, unknown="raise", hint=""):
    """Returns the adjacency that `graph` is or names, not yet checked, or None."""
    if isinstance(graph, (str, os.PathLike)):
        return graph_from_file(graph, [str(name) for name in names], unknown, hint)
    return graph


def _times(timestamps, steps):
    if len(timestamps) != steps:
        raise ValueError(
            f"`timestamps` must be as many as steps. Received: {len(timestamps)} for {steps}"
        )
    must = "`timestamps` must hold dates and times"
    kind = np.asarray(timestamps).dtype.kind
    if kind in "biuf":
        raise TypeError(
            f"{must}. Received: numbers; without timestamps, pass `interval=` in minutes."
        )
    return parse_times(timestamps, must)
