"""Reads covariates from frames and files, and checks them against the readings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from stgkeras import datasets
from stgkeras.datasets.series.columns import is_sensor_name
from stgkeras.datasets.series.files import file_type
from stgkeras.datasets.series.sensor_names import differences, renamed, repeated, shown
from stgkeras.datasets.series.series import Series
from stgkeras.datasets.series.tables import TABLES, read_table
from stgkeras.forecasting.reading import ARGUMENT

# Words of the readers → words about covariates, which are always regularised, with NaN as missing.
OTHER_WORDS = {
    "Readings must be finite": "`covariates` must be finite",
    "these readings are missing, replace them by NaN and pass `null_value=np.nan`": "these values "
    "are missing, replace them by NaN",
    " and pass `regularize=True`": "",
}
ALL = "all sensors"  # name of the only node of covariates that count for all sensors


def read_covariates(series: Series, given: Any) -> Series:
    """Reads covariates as a series with the covariates as features.

    Args:
        series: `Series` of the readings.
        given: `Series`, pandas frame, dict of frames or path, see `Forecaster.fit`.

    Raises:
        TypeError, ValueError, FileNotFoundError: if `given` cannot be read.
    """
    if isinstance(given, Series):
        return given
    parts = list(given.values()) if isinstance(given, Mapping) else [given]
    are_frames = bool(parts) and all(hasattr(one, "columns") for one in parts)
    are_paths = bool(parts) and all(isinstance(one, (str, os.PathLike)) for one in parts)
    if not are_frames and not are_paths:
        of = f" of {type(parts[0]).__name__}" if isinstance(given, Mapping) and parts else ""
        raise TypeError(
            "`covariates` must be a pandas frame, a dict of name → frame, a `Series` or the path "
            f"of a csv file. Received: {type(given).__name__}{of}. Pass a frame with times as "
            "index and a column for each covariate."
        )
    try:
        return _from_frames(series, given) if are_frames else _from_files(series, given)
    except (TypeError, ValueError, FileNotFoundError) as error:
        if type(error) not in (TypeError, ValueError, FileNotFoundError):
            raise
        raise type(error)(_worded(str(error))) from error


def checked_covariates(series: Series, found: Any) -> Series:
    """Returns covariates, or raises ValueError if their times or sensors do not fit a series."""
    if not isinstance(found, Series):
        raise TypeError(
            "`covariates` of a series must be a `Series`. Received: "
            f"{type(found).__name__}. Pass other covariates to the argument `covariates`."
        )
    if (found.timestamps is None) != (series.timestamps is None):
        readings, others = (
            "no times" if one.timestamps is None else "times" for one in (series, found)
        )
        raise ValueError(
            "`covariates` must have times if the readings have times, and none otherwise. "
            f"Received: readings with {readings}, covariates with {others}. Pass both with times, "
            "or both without."
        )
    if (found.timezone is None) != (series.timezone is None):
        fix = "Pass `timezone` when you read the readings."
        if found.timezone is None:
            fix = "Pass `timezone` when you read the covariates."
        raise ValueError(
            "`covariates` must have a time zone if the readings have one, and none otherwise. "
            f"Received: timezone={series.timezone!r} of the readings, {found.timezone!r} of the "
            f"covariates. {fix}"
        )
    if found.interval is None:
        rows = len(found.values)
        kind = "one row" if rows == 1 else "steps of months"
        raise ValueError(
            "`covariates` must have at least two rows, at equal intervals. Received: "
            f"{kind}. Pass {'more rows' if rows == 1 else 'a row for each day'}."
        )
    missing, others = differences(series.names, found.names)
    if missing and (len(found.names) > 1 or found.names[0] in series.names):
        fix = renamed(others, missing) or (
            "If they are stations, repeat the rows of the nearest station for each sensor, with "
            "the name of the sensor; or keep one station, which then counts for all sensors."
        )
        raise ValueError(
            "`covariates` must have all sensors of the series, or one station for all sensors. "
            f"Received: {shown(found.names)}, without {shown(missing)}. {fix}"
        )
    same = [name for name in found.features if name in series.names]
    if same and missing:
        raise ValueError(
            "`covariates` must have a column for each covariate. Received: columns with the names "
            f"of sensors, {shown(same)}. If each column is a covariate of one sensor, pass a "
            'dict of name → frame, such as {"rain": frame}, or a file with the columns time, '
            "sensor and rain. Otherwise, rename the columns."
        )
    return found


def _from_files(series, given):
    paths = given.values() if isinstance(given, Mapping) else [given]
    types = [file_type(path, (".npz", *TABLES), "covariates") for path in paths]
    options: dict[str, Any] = {"null_value": np.nan, "timezone": series.timezone}
    dated = series.timestamps is not None
    options |= {"regularize": True} if dated else {"interval": series.interval}
    if not isinstance(given, Mapping) and types[0] != ".npz":
        table = read_table(given)
        is_long = table.second is not None or any(map(is_sensor_name, table.names))
        options["layout"] = None if is_long else "station"
    try:
        return datasets.load_series(given, **options)
    except ValueError as error:
        if dated and str(error).startswith("`regularize` and `duplicates` must be used with"):
            raise ValueError(
                "`covariates` must have times, because the readings have times. Received: "
                f"{given} without a column of times. Add one."
            ) from error
        raise


def _from_frames(series, given):
    if not isinstance(given, Mapping) and given.columns.nlevels == 1:
        _check_columns(given)
        numbered = given.index.nlevels == 1 and given.index.dtype.kind in "iu"
        if numbered and series.timestamps is not None:
            raise TypeError(
                "`covariates` must have times as index, because the readings have times. Received: "
                f"an index with {', '.join(map(str, given.index[:3]))}, …. Call "
                "`frame.set_index(column)` with the column of times."
            )
        if numbered:
            values = given.to_numpy("float64")[:, None]
            columns = [str(name) for name in given.columns]
            options = {"names": [ALL], "features": columns, "interval": series.interval}
            return datasets.from_arrays(values, **options)
        given = {str(name): given[[name]].set_axis([ALL], axis=1) for name in given.columns}
    options = {"null_value": np.nan, "timezone": series.timezone, "regularize": True}
    return datasets.from_pandas(given, **options)


def _check_columns(frame):
    """Raises an error if a column of a frame (times × covariates) has no name or no numbers."""
    columns = [str(name) for name in frame.columns]
    if not columns or repeated(columns):
        raise ValueError(
            "`covariates` must have at least one column, each with its own name. Received: the "
            f"columns {columns}. Pass a column for each covariate."
        )
    for label, dtype in zip(columns, frame.dtypes, strict=True):
        if dtype.kind in "biuf":
            continue
        fix = "Remove it, convert it by `pandas.to_numeric`, or turn its values into columns of 0 "
        fix += "and 1 by `pandas.get_dummies`."
        if dtype.kind == "M":
            fix = f"Call `frame.set_index({label!r})`."
        raise TypeError(
            f"`covariates` must hold real numbers. Received: the column {label!r} of dtype "
            f"{dtype}. {fix}"
        )


def _worded(message):
    """Returns a message of the readers in the words of the argument `covariates`."""
    for name in ("`frames`", "`path`", "`timestamps`"):
        message = message.replace(name, "`covariates`")
    for old, new in OTHER_WORDS.items():
        message = message.replace(old, new)
    named = ARGUMENT.findall(message)
    if not named:
        return message
    end = "" if message.endswith((".", "!", "?")) else "."
    return (
        f"{message}{end} For covariates, correct the table itself; or read it with "
        f"`datasets.load_series` or `from_pandas`, which take `{named[0][1]}`, and pass the "
        "`Series` as `covariates`."
    )
