"""Reads the files of published traffic sets: pandas HDF5, npz, csv, and csv in zip archives."""

import zipfile
import zlib
from pathlib import PurePosixPath

import numpy as np

from stgkeras.datasets.series.files import (
    distances_from_csv,
    file_type,
    graph_from_file,
    matrix_from_csv,
    series_from_csv,
    series_from_npz,
    table_from_csv,
)
from stgkeras.datasets.series.series import Series, checked_adjacency, mark_missing, refuse_missing
from stgkeras.graphs import gaussian_kernel
from stgkeras.seasons import pieces

MEMBERS = {"series": "PeMSD7_V_228.csv", "graph": "PeMSD7_W_228.csv"}  # of the zip archive
MAX_MEMBER = 1 << 28  # bytes; the largest has 13 MB


def read_published(known, paths):
    """Returns the `Series` that the files hold, if they are those of the set.

    Args:
        known: `Published`.
        paths: dict of the paths of its files.

    Raises:
        ValueError: if a file is damaged or holds something else.
    """
    steps, num_nodes, width = known.shape
    found = _series(known, paths["series"])
    names, times = found.get("names"), known_times(known)
    if "names" in paths:
        names = paths["names"].read_text().split()
    if found["values"].shape != known.shape or (names is not None and len(names) != num_nodes):
        raise ValueError(
            f"{paths['series']} must hold {known.title}: {steps} steps of {num_nodes} sensors with "
            f"{width} features. Received: shape={found['values'].shape} and "
            f"{'no' if names is None else len(names)} names"
        )
    if found.get("times") is not None:
        wrong = np.flatnonzero(found["times"] != times)
        if wrong.size:
            raise ValueError(
                f"{paths['series']} must hold {known.title}, with {times[wrong[0]]} in row "
                f"{wrong[0]}. Received: {found['times'][wrong[0]]}"
            )
    names = tuple(str(name) for name in (range(num_nodes) if names is None else names))
    refuse_missing(found["values"], known.null_value, str(paths["series"]))
    values = mark_missing(found["values"], known.null_value)
    adjacency = checked_adjacency(_graph(known, paths, found, names), num_nodes)
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
    )


def known_times(known):
    """Returns (T,) datetime64[s], the times of the rows of a set."""
    step = np.timedelta64(round(known.interval * 60), "s")
    longest = 2 * known.shape[0]  # more than weekends and gaps take
    times = np.datetime64(known.start, "s") + step * np.arange(longest)
    if known.weekdays:
        times = times[np.is_busday(times.astype("datetime64[D]"))]
    if known.skipped is not None:
        first, end = (np.datetime64(time, "s") for time in known.skipped)
        times = times[(times < first) | (times >= end)]
    return times[: known.shape[0]]


def _series(known, path):
    kind = path.suffix.lower()
    if kind == ".h5":
        return _pandas_frame(path, known.shape[:2])
    if kind == ".zip":
        return {"values": table_from_csv(path, _member(path, MEMBERS["series"]))}
    if file_type(path) == ".npz":
        found = series_from_npz(path)
        return found if kind == known.whole else {"values": found["values"]}  # no names: indices
    if known.graph == "distances":
        return {"values": table_from_csv(path)}
    return series_from_csv(path)


def _graph(known, paths, found, names):
    if "graph" not in paths and found.get("adjacency") is not None:
        return found["adjacency"]
    if known.graph == "roads":
        return _road_graph(paths["graph"], names)
    if known.graph != "distances":
        return graph_from_file(paths["graph"], names)
    if "graph" in paths:
        metres = matrix_from_csv(paths["graph"])
    else:
        metres = matrix_from_csv(paths["series"], _member(paths["series"], MEMBERS["graph"]))
    return gaussian_kernel(metres / 1000)


def _road_graph(path, names):
    """The graph of DCRNN: exp(-d² / σ²), σ the deviation of all distances, cut below 0.1."""
    ends, lengths = distances_from_csv(path)
    index = {name: i for i, name in enumerate(names)}
    ends = np.array([[index.get(end, -1) for end in pair] for pair in ends]).reshape(-1, 2)
    known = ends.min(axis=1) >= 0
    if not known.any():
        raise ValueError(f"{path} must link sensors of the series. Received: none of them")
    distances = np.full((len(names), len(names)), np.inf)
    source, target = ends[known].T
    distances[target, source] = lengths[known]
    sigma2 = np.var(distances[np.isfinite(distances)])
    return gaussian_kernel(distances, sigma2=sigma2, epsilon=0.1)


def _check_numbers(known, path, values, adjacency):
    wrong = []
    for i, (mean, tolerance) in enumerate(known.means):
        found = _mean(values[..., i])
        if not abs(found - mean) <= tolerance:
            wrong.append(f"mean {known.features[i]} {found:.6g} for {mean:.6g} ± {tolerance:g}")
    largest = np.nanmax(values[..., 0])
    if known.largest is not None and not abs(largest - known.largest) <= 1e-3:
        wrong.append(f"largest {known.features[0]} {largest:.6g} for {known.largest:.6g}")
    edges = np.count_nonzero(adjacency)
    if known.num_edges not in (None, edges):
        wrong.append(f"{edges} edges for {known.num_edges}")
    if wrong:
        raise ValueError(
            f"{path} and its graph must hold {known.title}. Received: {', '.join(wrong)}"
        )


def _mean(values):
    """Mean of the readings that are there, of values (T, N) read in pieces."""
    parts = [values[piece] for piece in pieces(values)]
    total = sum(np.nansum(part, dtype=np.float64) for part in parts)
    return total / sum(np.count_nonzero(~np.isnan(part)) for part in parts)


def _pandas_frame(path, shape):
    """Reads a frame that pandas wrote in its "fixed" layout; pickled attributes are not touched."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            (frame,) = file.values()
            if frame["block0_values"].shape != shape:
                raise ValueError(f"shape {frame['block0_values'].shape} for {shape}")
            names, stamps = frame["axis0"][()], frame["axis1"][()]
            if not np.array_equal(names, frame["block0_items"][()]):
                raise ValueError("columns out of order")
            kind = frame["axis1"].attrs["kind"].decode()
            unit = "ns" if kind == "datetime64" else kind.removeprefix("datetime64[").rstrip("]")
            times = stamps.astype(np.int64).astype(f"datetime64[{unit}]").astype("datetime64[s]")
            values = frame["block0_values"][()]
    except Exception as error:  # h5py raises almost any on a damaged file
        raise ValueError(
            f"{path} must be an HDF5 file in which pandas stored one frame of numbers by times. "
            f"Received: one that is damaged, cut short or another ({error})"
        ) from error
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in names.tolist()]
    return {"values": values[:, :, None], "names": names, "times": times}


def _member(path, name):
    """Returns the bytes of the file of that name in a zip archive; nothing is written to disk."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [m for m in archive.infolist() if PurePosixPath(m.filename).name == name]
            if len(found) != 1 or found[0].file_size > MAX_MEMBER:
                sizes = [member.file_size for member in found]
                raise ValueError(
                    f"{path} must hold one {name} of at most {MAX_MEMBER} bytes. "
                    f"Received: {len(found)} of sizes {sizes}"
                )
            return archive.read(found[0])
    except (OSError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} must be a zip archive. Received: one that is damaged or cut short ({error})"
        ) from error
