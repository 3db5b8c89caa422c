"""Series of sensors and their graph, read from a file."""

from stgkeras.datasets.series.files import file_type, series_from_npz
from stgkeras.datasets.series.own_data import from_csv, graph_of
from stgkeras.datasets.series.series import agreed_interval, make_series


def load_series(path, graph=None, *, key=None, symmetric=False, interval=None, null_value=None):
    """Reads a series and, where there is one, the graph of its sensors.

    A csv file is read by `from_csv`, which can also mend gaps, rows that come twice, and edges of
    unknown sensors.

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
        null_value: float or None. The number that marks a missing reading, which becomes NaN;
            with any, `np.nan` too, NaN and empty cells are missing readings. None: they are
            errors.

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
    if file_type(path) == ".csv":
        if key is not None:
            raise ValueError(f"`key` must be None for a csv file. Received: key={key!r}")
        return from_csv(path, graph, symmetric=symmetric, interval=interval, null_value=null_value)
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
    )
