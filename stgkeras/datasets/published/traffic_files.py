"""Reads and checks the files of published traffic sets: HDF5 of pandas, npz and csv."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets.series.adjacencies import checked_adjacency
from stgkeras.datasets.series.clocks import to_utc, wall_clock
from stgkeras.datasets.series.files import file_type, series_from_npz
from stgkeras.datasets.series.graph_files import graph_from_file
from stgkeras.datasets.series.hdf5 import frame_from_hdf5
from stgkeras.datasets.series.readings import mark_missing, refuse_missing
from stgkeras.datasets.series.series import Series
from stgkeras.datasets.series.table_parts import table_parts
from stgkeras.seasons import pieces

if TYPE_CHECKING:
    from stgkeras.datasets.published.traffic_set import TrafficSet


def read_files(known: TrafficSet, paths: dict[str, Path]) -> Series:
    """Reads the files of a set, and checks their content.

    Args:
        known: `TrafficSet`.
        paths: dict of the paths of the files.

    Raises:
        ValueError: if a file is damaged or has other content.
    """
    steps, num_nodes, width = known.shape
    with _naming(paths["series"], known):
        found = known.read_series(known, paths["series"])
    names, times = found.get("names"), known_times(known)
    if "names" in paths:
        with _naming(paths["names"], known):
            names = paths["names"].read_text("utf-8").split()
    if found["values"].shape != known.shape or (names is not None and len(names) != num_nodes):
        raise ValueError(
            f"{paths['series']} must hold {known.title}: {steps} steps of {num_nodes} sensors with "
            f"{width} features. Received: shape={found['values'].shape} and "
            f"{'no' if names is None else len(names)} names. Use the published file, or read yours "
            "with `load_series`."
        )
    if found.get("times") is not None:
        given, local = to_utc(found["times"], None)[0], wall_clock(times, known.timezone)
        wrong = np.flatnonzero(given != local)
        if wrong.size:
            raise ValueError(
                f"{paths['series']} must hold {known.title}, with {local[wrong[0]]} in row "
                f"{wrong[0]}. Received: {given[wrong[0]]}. Use the published file, or read yours "
                "with `load_series`."
            )
    names = tuple(str(name) for name in (range(num_nodes) if names is None else names))
    refuse_missing(found["values"], known.null_value, str(paths["series"]))
    with _naming(paths["series"], known):
        values = mark_missing(found["values"], known.null_value)
    with _naming(paths.get("graph", paths["series"]), known):
        adjacency = checked_adjacency(known.read_graph(known, paths, found, names), num_nodes)
    _check_numbers(known, paths["series"], values, adjacency)
    return Series(
        values,
        adjacency,
        names,
        known.features,
        known.interval,
        times,
        known.units,
        known.null_value,
        known.source,
        known.licence,
        known.timezone,
    )


@contextlib.contextmanager
def _naming(path: Path, known: TrafficSet) -> Iterator[None]:
    """Adds the name of the file to an error about its content."""
    try:
        yield
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path} must hold data of {known.title}. Received: {error}") from error


def known_times(known: TrafficSet) -> np.ndarray:
    """Returns the times of the rows of a set, (T,) datetime64[s]; UTC if the zone is known."""
    step = np.timedelta64(round(known.interval * 60), "s")
    longest = 2 * known.shape[0]  # longer than the set with its weekends and gaps
    first, _ = to_utc(np.array([known.start], "datetime64[s]"), known.timezone)
    times = first + step * np.arange(longest)
    if known.weekdays:
        times = times[np.is_busday(times.astype("datetime64[D]"))]
    return times[: known.shape[0]]


def read_series(known: TrafficSet, path: Path) -> dict[str, Any]:
    """Reads the series of a set from an h5, npz or csv file.

    Returns:
        dict of `values` (T, N, F) and, if the file contains them, `names`, `times` and
        `adjacency`. From an npz file, only the values are read, unless `known.whole` is ".npz".
    """
    kind = path.suffix.lower()
    if kind == ".h5":
        return _pandas_frame(path, known.shape[:2])
    if file_type(path) == ".npz":
        found = series_from_npz(path)
        return found if kind == known.whole else {"values": found["values"]}
    return table_parts(path, layout="wide")


def read_graph(
    known: TrafficSet, paths: dict[str, Path], found: dict[str, Any], names: tuple[str, ...]
) -> Any:
    """Returns the adjacency that the series file holds, or reads it from the graph file.

    A graph file is a list of edges or an adjacency matrix, as for `load_series`. Here edges with a
    distance have weight 1, as published.
    """
    if "graph" not in paths and found.get("adjacency") is not None:
        return found["adjacency"]
    return graph_from_file(paths["graph"], names, weigh=False)


def _check_numbers(known, path, values, adjacency):
    """Raises ValueError if a mean, the largest value or the number of edges is not as expected."""
    wrong = []
    for i, (mean, tolerance) in enumerate(known.means):
        found = _mean(values[..., i])
        if not abs(found - mean) <= tolerance:
            expected = f"{mean:.6g} ± {tolerance:g}"
            wrong.append(f"mean {known.features[i]} {found:.6g} instead of {expected}")
    largest = np.nanmax(values[..., 0])
    if known.largest is not None and not abs(largest - known.largest) <= 1e-3:
        wrong.append(f"largest {known.features[0]} {largest:.6g} instead of {known.largest:.6g}")
    edges = np.count_nonzero(adjacency)
    if known.num_edges not in (None, edges):
        wrong.append(f"{edges} edges instead of {known.num_edges}")
    if wrong:
        raise ValueError(
            f"{path} and its graph must hold {known.title}. Received: {', '.join(wrong)}. Use the "
            "published files, or read yours with `load_series`."
        )


def _mean(values):
    """Computes the mean of values (T, N) without NaN, in pieces."""
    parts = [values[piece] for piece in pieces(values)]
    total = sum(np.nansum(part, dtype=np.float64) for part in parts)
    return total / sum(np.count_nonzero(~np.isnan(part)) for part in parts)


def _pandas_frame(path, shape):
    """Reads a frame that pandas stored in its "fixed" layout, without its pickled attributes."""
    frame = frame_from_hdf5(path)
    if frame.shape != shape:
        raise ValueError(
            f"{path} must hold a frame of shape {shape}. Received: shape={frame.shape}. Use the "
            "published file, or read yours with `load_series`."
        )
    values = frame.to_numpy()[:, :, None]
    return {"values": values, "names": list(map(str, frame.columns)), "times": frame.index}
