"""Reads series from npz files."""

from __future__ import annotations

import csv
import io
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from stgkeras.datasets.series.csv_faults import fault
from stgkeras.datasets.series.csv_text import with_points
from stgkeras.datasets.series.npz_times import npz_times, step_minutes
from stgkeras.datasets.series.readings import InPieces, in_pieces

ADJACENCY_KEYS = ("adj", "adjacency")
NAME_KEYS = ("names", "sensor_id", "vds_id")
# What numpy and zipfile raise on a damaged file; NotImplementedError is a RuntimeError.
NPZ_ERRORS = (
    *(OSError, TypeError, ValueError, EOFError, RuntimeError, KeyError, OverflowError),
    *(zipfile.BadZipFile, zlib.error),
)


def file_type(path, types=(".npz", ".csv"), argument="path"):
    """Returns the ending of a file. Raises an error if it is missing or has another ending."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"`{argument}` must be the path of a file. Received: {path!r}")
    given = os.fspath(path) or "an empty text"
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"`{argument}` must be the path of an existing file. Received: {given}. Correct the "
            "path."
        )
    suffix = path.suffix.lower()
    if suffix not in types:
        reason = ""
        if suffix in (".pkl", ".pickle"):
            reason = (
                ". A pickle file can run harmful code when it is opened. `load_metr_la` and "
                "`load_pems_bay` compute the graphs that are published as pickles."
            )
        endings = ", ".join(types[:-1])
        raise ValueError(
            f"`{argument}` must end in {endings} or {types[-1]}. Received: {path}{reason}"
        )
    return suffix


def series_from_npz(path, key=None, interval=None, timezone=None):
    """Reads a series from an npz file.

    Returns a dict of the fields of `Series`. A field that is not in the file is None.
    """
    arrays = read_npz(path)
    keys = [key] if isinstance(key, str) else key
    fits = [
        name
        for name, data in arrays.items()
        if data.ndim in (2, 3)
        and data.size
        and data.dtype.kind in "iuf"
        and name not in ADJACENCY_KEYS
    ]
    keys = fits if keys is None else list(keys)
    windows = key is None and any(data.ndim == 4 for data in arrays.values())
    if windows or not keys or set(keys) - set(fits) or (key is None and len(fits) > 1):
        shapes = {name: data.shape for name, data in arrays.items()}
        reason = ""
        if any(data.ndim == 4 for data in arrays.values()) or {"x", "y"} <= set(arrays):
            reason = (
                ". An array (samples, length, nodes, features), such as x and y, contains windows "
                "that were cut from a series and overlap. Load the series from which the windows "
                "were cut, and cut windows with `datasets.Windows`."
            )
        raise ValueError(
            "`key` must name a numeric array (steps, nodes) or (steps, nodes, features) of the "
            "file. It may be None only if the file has exactly one such array. "
            f"Received: key={key!r}, arrays: {shapes}{reason}"
        )
    scales = [arrays.get(f"{name}_scale") for name in keys]
    stacked = [arrays[name] for name in keys]
    stacked = [data.reshape(*data.shape[:2], -1) for data in stacked]  # (T, N, F)
    if len({data.shape[:2] for data in stacked}) > 1:
        shapes = {name: arrays[name].shape for name in keys}
        raise ValueError(
            "`key` must name arrays with equal numbers of steps and of nodes. "
            f"Received: shapes {shapes}. Name other arrays."
        )
    widths = {name: data.shape[-1] for name, data in zip(keys, stacked, strict=True)}
    for name, scale in zip(keys, scales, strict=True):
        if scale is not None and (scale.ndim or scale.dtype.kind not in "iuf"):
            raise ValueError(
                f"`{name}_scale` in {path} must be one number. Received: an array of shape "
                f"{scale.shape} and dtype {scale.dtype}. Store a number, or remove the array."
            )
    minutes = step_minutes(path, arrays)

    def read(steps):
        parts = zip(stacked, scales, strict=True)
        read = [data[steps] if scale is None else data[steps] * scale for data, scale in parts]
        return np.concatenate(read, axis=-1)

    names = first_of(arrays, NAME_KEYS, np.arange(stacked[0].shape[1]))
    if names.shape != (stacked[0].shape[1],):
        raise ValueError(
            f"`names` in {path} must have one name for each of the {stacked[0].shape[1]} nodes. "
            f"Received: an array of shape {names.shape}. Store these names, or remove the array."
        )
    values = InPieces((*stacked[0].shape[:2], sum(widths.values())), read)
    return {
        "values": values,
        "features": tuple(
            name if width == 1 else f"{name}_{i}"
            for name, width in widths.items()
            for i in range(width)
        ),
        "names": names,
        "adjacency": first_of(arrays, ADJACENCY_KEYS),
        "interval": minutes,
        "times": npz_times(path, arrays, len(values), minutes or interval, timezone),
    }


def table_from_csv(path, text=None):
    """Reads a table of numbers as `InPieces` (T, N, 1), from a file or from its bytes `text`."""
    table = read_csv(path, text, header=None)
    columns = [
        cells.to_numpy()
        if cells.dtype.kind in "iuf"
        else numbers_of(path, cells.to_frame(), [i])[:, 0]
        for i, cells in table.items()
    ]
    return in_pieces(columns, (len(columns), 1))


def write_npz(path, arrays):
    """Writes a dict of arrays to an npz file, which is complete or absent."""
    partial = path.with_name(f".{path.name}")
    with open(partial, "wb") as file:
        np.savez(file, **arrays)
    os.replace(partial, path)


def read_npz(path):
    """Reads all arrays of an npz file, without pickles; returns a dict."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except NPZ_ERRORS as error:
        pickled = "pickle" in str(error) and zipfile.is_zipfile(path)
        fault, fix = "a file that is damaged or cut short", "Use an undamaged copy"
        if pickled:
            fault, fix = "pickled objects", "Store arrays of numbers and of str with `numpy.savez`"
        raise ValueError(
            f"{path} must be an npz file of plain arrays. Received: {fault}. {fix}."
        ) from error


def read_csv(path, text=None, **kwargs):
    import pandas as pd

    try:
        file = path if text is None else io.BytesIO(text)
        return pd.read_csv(file, low_memory=False, **kwargs)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        content = (text or b"").decode("utf-8", "replace")
        raise ValueError(fault(path, error, text=content)) from error


def header_of(path):
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            return [name.strip() for name in next(csv.reader(file), [])]
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(fault(path, error)) from error


def first_of(arrays, keys, default=None):
    return next((arrays[key] for key in keys if key in arrays), default)


def numbers_of(path, table, header, decimal="."):
    """Converts a table to float64. An error names the first cell that is not a number."""
    import pandas as pd

    numbers = np.empty(table.shape)
    for i, (name, (_, cells)) in enumerate(zip(header, table.items(), strict=True)):
        plain = with_points(cells, decimal)
        numbers[:, i] = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)
        bad = np.flatnonzero(np.isnan(numbers[:, i]) & cells.notna().to_numpy())
        if bad.size:
            raise ValueError(
                f"{path} must hold numbers. Received: {cells.iloc[bad[0]]!r} in column {name!r}, "
                f"row {bad[0]}. Correct the cell."
            )
    return numbers
