"""Published traffic sets: the known properties of a set, and the function that loads it.

To add a set, copy one of the source files beside this one, such as `tgcn.py`, and export its load
functions in `stgkeras/datasets/__init__.py`.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from stgkeras import arguments
from stgkeras.datasets.cache import cache_folder
from stgkeras.datasets.published.downloads import download
from stgkeras.datasets.published.traffic_files import read_files, read_graph, read_series
from stgkeras.datasets.series.readings import mark_missing
from stgkeras.datasets.series.series import Series


@dataclass(frozen=True)
class File:
    """A file of a set.

    Args:
        name: str. Name of the file.
        url: str. Address of the file.
        digest: str or None. SHA-256 (64 digits) or MD5 (32 digits) checksum. None: not known.
        also: tuple of str. Other names that the file may have in the user's folder.
    """

    name: str
    url: str
    digest: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrafficSet:
    """Files and known properties of a published traffic set.

    Args:
        title: str. Name of the set in error messages.
        files: dict of `File`: "series" and "graph", and "names" if a file lists the sensors.
        shape: (T, N, F): steps, nodes and features. Checked.
        start: str. Local time of the first step. The times of all T steps are checked.
        features: tuple of F str.
        units: tuple of F str.
        means: tuple of F pairs (mean, tolerance): the mean reading of each feature. Checked.
        source: str. Address of the set.
        licence: str or None.
        interval: float. Minutes between steps.
        null_value: float or None. The number that marks a missing reading.
        num_edges: int or None. Number of edges. Checked if known.
        largest: float or None. Largest value of the first feature. Checked if known.
        timezone: str or None. Time zone of the times of the source, if they follow its clock
            changes.
        weekdays: bool. Whether weekends have no rows.
        whole: str or None. Ending of a series file that also contains the graph.
        read_series: function of the set and the path of the series; see `read_series`.
        read_graph: function of the set, the paths, the result of `read_series`, and the names of
            the sensors. Returns the adjacency. See `read_graph`.
    """

    title: str
    files: dict[str, File]
    shape: tuple[int, int, int]
    start: str
    features: tuple[str, ...]
    units: tuple[str, ...]
    means: tuple[tuple[float, float], ...]
    source: str
    licence: str | None
    interval: float = 5.0
    null_value: float | None = None
    num_edges: int | None = None
    largest: float | None = None
    timezone: str | None = None
    weekdays: bool = False
    whole: str | None = None
    read_series: Callable[..., dict[str, Any]] = read_series
    read_graph: Callable[..., Any] = read_graph


SETS: dict[str, TrafficSet] = {}  # filled by the source files

REST = """
The function checks the shape, the times, the graph and the numbers above. It loads no pickles and
extracts no archives to disk.

Args:
    path: path or None. Path of a folder that contains the files, or of the series file. The other
        files must be in the same folder. None: read the files from the cache, and download
        missing files.
    cache_dir: folder of the cache. Default: `datasets/stgkeras` in the Keras home (`KERAS_HOME`
        or `~/.keras`). Undamaged files in the cache are not downloaded again.

Returns:
    `Series`, float32, with units, source and licence. Missing readings are NaN.

Raises:
    FileNotFoundError: if `path` or one of its files is missing.
    OSError: if the download fails. No incomplete file remains.
    ValueError: if a file is damaged or does not have the expected content.

Example:
    >>> import stgkeras
    >>> series = stgkeras.datasets.{name}()  # doctest: +SKIP
    >>> series.values.shape  # doctest: +SKIP
    {shape}
"""


NULL_VALUE = """\
    null_value: float or None. The number that marks a missing reading, such as 0, which becomes
        NaN. None keeps all numbers. Default None.
"""

Load = TypeVar("Load", bound=Callable[..., Series])


def documented(function: Load) -> Load:
    """Adds the common sections to the docstring of a load function, before its source."""
    shape = SETS[function.__name__.removeprefix("load_")].shape
    text, source = inspect.cleandoc(function.__doc__ or "").split("\nSource:")
    rest = REST.format(name=function.__name__, shape=shape)
    if "null_value" in inspect.signature(function).parameters:
        rest = rest.replace("\nReturns:", NULL_VALUE + "\nReturns:")
    function.__doc__ = f"{text}{rest}\nSource:{source}\n"
    return function


def load_set(
    name: str, path: str | os.PathLike[str] | None, cache_dir: str | os.PathLike[str] | None
) -> Series:
    """Loads the set `SETS[name]` from a path, or from the cache after a download."""
    known = SETS[name]
    if path is not None:
        return read_files(known, _local(known, arguments.path("path", path)))
    folder = cache_folder(cache_dir) / name
    names = ", ".join(file.name for file in known.files.values())
    instead = f"give a folder that holds {names} as `path`"
    series = folder / known.files["series"].name
    paths = {
        role: download(file.url, folder / file.name, file.digest, instead)
        for role, file in known.files.items()
        if not _inside(known, role, series)
    }
    try:
        return read_files(known, paths)
    except ValueError as error:
        for file in known.files.values():
            if file.digest is None:  # a file without checksum may be damaged
                (folder / file.name).unlink(missing_ok=True)
        raise ValueError(
            f"{str(error).rstrip('.')}. Call `load_{name}()` to download the files again, or "
            f"{instead}."
        ) from error


def _local(known, path):
    """Finds the files of a set in a folder, or beside the series file; returns a dict of paths."""
    if not path.exists():
        raise FileNotFoundError(
            f"`path` must exist. Received: path={path}. Omit `path` to download the set."
        )
    folder = path if path.is_dir() else path.parent
    there = {found.name.lower(): found for found in folder.iterdir()}
    paths = {} if path.is_dir() else {"series": path}
    for role, file in known.files.items():
        if role in paths or _inside(known, role, paths.get("series")):
            continue
        names = (file.name, *file.also)
        found = [there[name.lower()] for name in names if name.lower() in there]
        if not found:
            raise FileNotFoundError(
                f"`path` must be in a folder that holds {' or '.join(names)}. Received: {folder}, "
                f"which does not. Download the file from {file.url}"
            )
        paths[role] = found[0]
    return paths


def _inside(known, role, series):
    """Returns whether the series file also contains this part of the set."""
    return role != "series" and series.suffix.lower() == known.whole


def with_null_value(series: Series, null_value: float | None) -> Series:
    """Returns a series in which a number that marks missing readings is replaced by NaN."""
    if null_value is None:
        return series
    if isinstance(null_value, bool) or not isinstance(null_value, (int, float, np.number)):
        raise ValueError(
            f"`null_value` must be None or a number. Received: null_value={null_value!r}. "
            "Use `null_value=0` if 0 marks a missing reading."
        )
    values = mark_missing(series.values, float(null_value))
    return dataclasses.replace(series, values=values, null_value=float(null_value))
