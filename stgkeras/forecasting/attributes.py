"""Attributes of sensors that do not change, such as the number of lanes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from stgkeras.datasets.series.columns import is_sensor_name
from stgkeras.datasets.series.sensor_names import differences, renamed, repeated, shown
from stgkeras.datasets.series.tables import read_table


def attributes_of(
    attributes: Any, names: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[tuple[float, ...], ...]]:
    """Returns the names of attributes, and a tuple of their values for each sensor.

    Args:
        attributes: None; pandas frame with the sensors as index and a column for each attribute; or
            path of a csv or Parquet file, whose first column, or a column such as "sensor", has the
            sensors.
        names: tuple of N str, the sensors.

    Raises:
        ValueError: if a sensor is missing or repeated, or a value is not a finite number.
    """
    if attributes is None:
        return (), ()
    frame = _frame(attributes)
    found, columns = [str(name) for name in frame.index], [str(name) for name in frame.columns]
    missing, other = differences(names, found)
    again = [name for name in repeated(found) if name in names]
    if missing or again:
        fix = renamed(other, missing) or f"Add a row for {shown(missing)}."
        raise ValueError(
            f"`attributes` must have one row for each sensor of the series: {shown(names)}. "
            f"Received: rows for {shown(found)}. "
            f"{fix if missing else f'Keep one row for each of {shown(again)}.'}"
        )
    if not columns or repeated(columns):
        raise ValueError(
            "`attributes` must have at least one column, each with its own name. Received: the "
            f"columns {columns}. Pass a column for each attribute."
        )
    frame = frame.set_axis(found).loc[list(names)]
    for label, column in zip(columns, frame, strict=True):
        kind = frame[column].dtype.kind
        if kind not in "biuf" or not np.isfinite(frame[column].to_numpy("float64")).all():
            cell = "NaN or infinite values" if kind in "biuf" else repr(frame[column].iloc[0])
            raise ValueError(
                "`attributes` must hold finite numbers. Received: the column "
                f"{label!r} with {cell}. Fill missing values, and turn kinds such as land use "
                "into columns of 0 and 1, for example with `pandas.get_dummies`."
            )
    values = frame.to_numpy("float64").tolist()
    return tuple(columns), tuple(tuple(row) for row in values)


def _frame(attributes):
    if hasattr(attributes, "columns"):
        return attributes
    if not isinstance(attributes, (str, os.PathLike)):
        raise TypeError(
            "`attributes` must be a pandas frame with the sensors as index, or the path of a csv "
            f"file. Received: {type(attributes).__name__}. Pass a frame or a path."
        )
    names = read_table(attributes).names
    column = next((name for name in names if is_sensor_name(name)), names[0])
    table = read_table(attributes, as_text=[column])
    frame = table.frame.set_axis(table.names, axis=1).set_index(column)
    return frame.set_axis([str(name).strip() for name in frame.index])
