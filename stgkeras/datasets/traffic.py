"""Series measured at the sensors of a network, read from files."""

from dataclasses import dataclass

import numpy as np

from stgkeras.datasets.traffic_files import (
    file_type,
    graph_from_file,
    series_from_csv,
    series_from_npz,
)
from stgkeras.datasets.windows import check_no_nan


@dataclass(frozen=True)
class Series:
    """T steps of F features at N sensors.

    Args:
        values: (T, N, F) float32, in the units of the source.
        adjacency: (N, N) float64 or None. `[n, m]` weighs what n receives from m; zero diagonal.
        names: tuple of N str, the sensors.
        features: tuple of F str.
        interval: float or None. Minutes from one step to the next.
        timestamps: (T,) datetime64 or None.
    """

    values: np.ndarray
    adjacency: np.ndarray | None
    names: tuple
    features: tuple
    interval: float | None
    timestamps: np.ndarray | None


def load_series(path, graph=None, *, key=None, symmetric=False, interval=None):
    """Reads a series and, where there is one, the graph of its sensors.

    Args:
        path: `.npz` or `.csv` file.
            npz: arrays (T, N) or (T, N, F) under `key`, times the number `<key>_scale` if there
            is one; also `adj` or `adjacency` (N, N), `sensor_id` or `names` (N,), `start_time`
            (ISO 8601) and `step_minutes`. csv: a header of sensor names and one row a step; a
            first column that is not numeric holds timestamps.
        graph: None, or the file of the graph; it replaces the one in `path`.
            csv with the header `from,to[,cost | distance | weight]`: row `from,to` fills
            `[to, from]`, ids being names of sensors or else indices. Weights are taken as given;
            cost or distance only says that there is an edge, of weight 1 (ASTGCN's rule; for
            weights that fall with distance see `stgkeras.graphs.gaussian_kernel`). Of rows given
            twice the larger weight counts. csv without header: the adjacency matrix. npz:
            `adj` or `adjacency`.
        key: str, or sequence of str to be stacked as features. Which arrays of an npz to read;
            not needed where only one fits.
        symmetric: bool. Whether to return `np.maximum(A, A.T)`.
        interval: float. Minutes between steps, where the file does not say.

    Returns:
        `Series`.

    Raises:
        FileNotFoundError: if a file is missing.
        ValueError: if a file is damaged, pickled or ambiguous, or values and graph do not fit.

    Example:
        >>> import numpy as np, os, stgkeras, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "speed.npz")
        ...     np.savez(path, speed=np.ones((5, 2)), adj=np.eye(2) + [[0, 1], [0, 0]])
        ...     series = stgkeras.datasets.load_series(path, interval=5)
        >>> series.values.shape, series.features, series.adjacency.tolist()
        ((5, 2, 1), ('speed',), [[0.0, 1.0], [0.0, 0.0]])
    """
    if file_type(path) == ".npz":
        found = series_from_npz(path, key, interval)
    elif key is not None:
        raise ValueError(f"`key` must be None for a csv file. Received: key={key!r}")
    else:
        found = series_from_csv(path)
    values, names, timestamps = found["values"], found["names"], found["timestamps"]
    check_no_nan("values", values)
    names = _checked_names(names, values.shape[1])
    adjacency = found["adjacency"] if graph is None else graph_from_file(graph, names)
    if adjacency is not None:
        adjacency = _checked_adjacency(adjacency, len(names), symmetric)
    return Series(
        values.astype(np.float32),
        adjacency,
        names,
        found["features"],
        _agreed_interval(interval, found["interval"]),
        timestamps,
    )


def _checked_names(names, num_nodes):
    names = tuple(str(name) for name in names)
    if len(names) != num_nodes:
        raise ValueError(
            f"Names of sensors must be as many as nodes. Received: {len(names)} for {num_nodes}"
        )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"Names of sensors must be unique. Received more than once: {repeated}")
    return names


def _checked_adjacency(adjacency, num_nodes, symmetric):
    adjacency = np.array(adjacency, dtype=np.float64)
    if adjacency.shape != (num_nodes, num_nodes):
        raise ValueError(
            f"The graph must have the {num_nodes} nodes of the series. "
            f"Received: an adjacency of shape {adjacency.shape}"
        )
    check_no_nan("adjacency", adjacency)
    if (adjacency < 0).any():
        raise ValueError(f"The graph must not have negative weights. Received: {adjacency.min()}")
    np.fill_diagonal(adjacency, 0)
    return np.maximum(adjacency, adjacency.T) if symmetric else adjacency


def _agreed_interval(given, found):
    if given is not None and found is not None and given != found:
        raise ValueError(
            f"`interval` must agree with the file: {found} minutes. Received: interval={given}"
        )
    return found if given is None else float(given)
