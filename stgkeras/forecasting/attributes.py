"""Attributes of sensors that do not change, such as the number of lanes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from stgkeras.datasets.series.columns import is_sensor_name
from stgkeras.datasets.series.files import file_type
from stgkeras.datasets.series.sensor_names import differences, renamed, repeated, shown
from stgkeras.datasets.series.tables import TABLES, read_table

LARGEST = float(np.finfo("float32").max)


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
        if found and found == [str(number) for number in range(len(found))]:
            fix = "Pass the names of the sensors as index, with `frame.set_index(column)`."
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
        cells = frame[column]
        if cells.dtype.kind not in "biuf":
            raise ValueError(
                f"`attributes` must hold finite numbers. Received: the column {label!r} with "
                f"{cells.iloc[0]!r}, of dtype {cells.dtype}. Remove the column, convert it by "
                "`pandas.to_numeric`, or turn kinds such as land use into columns of 0 and 1 by "
                "`pandas.get_dummies`."
            )
        wrong = ~(np.abs(cells.to_numpy("float64")) <= LARGEST)
        if wrong.any():
            n = int(wrong.argmax())
            raise ValueError(
                "`attributes` must hold finite numbers of float32. Received: "
                f"{cells.iloc[n]} in the column {label!r}, sensor {names[n]!r}. Fill missing "
                "values, or remove the column."
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
    file_type(attributes, TABLES, "attributes")
    names = read_table(attributes).names
    column = next((name for name in names if is_sensor_name(name)), names[0])
    table = read_table(attributes, as_text=[column])
    frame = table.frame.set_axis(table.names, axis=1).set_index(column)
    return frame.set_axis([str(name).strip() for name in frame.index])
