"""Reads the parts of a series from the files of tables: one reader for all forms."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from stgkeras.datasets.series.files import file_type
from stgkeras.datasets.series.layouts import wide_parts
from stgkeras.datasets.series.long_tables import long_parts
from stgkeras.datasets.series.readings import InPieces
from stgkeras.datasets.series.roles import roles_of
from stgkeras.datasets.series.sensor_names import shown
from stgkeras.datasets.series.tables import TABLES, paths_of_features, read_table

TABLE_OPTIONS = {"layout", "time", "sensor", "ignore", "separator", "decimal", "day_first"}


def table_parts(
    path,
    *,
    null_value=None,
    duplicates="raise",
    regularize=False,
    quality=None,
    layout=None,
    time=None,
    sensor=None,
    ignore=(),
    separator=None,
    decimal=None,
    day_first=None,
    timezone=None,
):
    """Reads a table, or a dict of feature name → path. Arguments as in `from_csv`.

    Returns:
        dict of `values`, `InPieces` (T, N, F), `names`, `features`, `times`, a pandas DatetimeIndex
        (T,) or None, `quality`, None or a mask, `duplicates`, the action for the rows of
        `times` that is left to do, and `day_first`, as in `Series`.
    """
    form = {
        "layout": layout,
        "time": time,
        "sensor": sensor,
        "ignore": ignore,
        "separator": separator,
        "decimal": decimal,
        "day_first": day_first,
        "timezone": timezone,
    }
    if isinstance(path, Mapping):
        found = _of_features(paths_of_features(path), form)
        column = None
    else:
        as_text = [name for name in (time, sensor) if isinstance(name, str)]
        table = read_table(
            path, separator=separator, decimal=decimal, day_first=day_first, as_text=as_text
        )
        column = quality if isinstance(quality, str) and quality in table.names else None
        roles = roles_of(
            table, layout=layout, time=time, sensor=sensor, ignore=ignore, quality=column
        )
        if roles.layout == "long":
            found = long_parts(
                table,
                roles,
                null_value=null_value,
                duplicates=duplicates,
                regularize=regularize,
                timezone=timezone,
            )
            duplicates = "raise"
        else:
            found = wide_parts(table, roles, layout)
    found = {"quality": None, "duplicates": duplicates, **found}
    if quality is not None and column is None:
        found["quality"] = _quality(quality, found, form)
    return found


def _of_features(paths, form):
    """Reads one wide table for each feature, and joins their columns by name."""
    parts = {}
    for feature, path in paths.items():
        parts[feature] = found = table_parts(path, **form)
        if len(found["features"]) > 1:
            raise ValueError(
                f"`path` must name wide tables, with one feature in each. Received: {path} for "
                f"{feature!r}, with the features {shown(found['features'])}. Pass this path alone."
            )
    first, *others = parts
    values = [parts[first]["values"]]
    for feature in others:
        values.append(_aligned(parts[feature], parts[first], paths[feature], paths[first]))
    shape = (*values[0].shape[:2], len(values))
    masks = [part["quality"] for part in parts.values() if part["quality"] is not None]
    if masks:
        raise ValueError(
            "`path` must name tables with a row for each time and sensor. Received: missing rows "
            f"in one of {[str(path) for path in paths.values()]}. Join the tables with pandas, and "
            "pass one long table."
        )

    def read(steps):
        return np.concatenate([part[steps] for part in values], axis=-1)

    return {**parts[first], "values": InPieces(shape, read), "features": list(paths)}


def _aligned(part, first, path, first_path):
    """Returns the values of a table with the sensors in the order of the first table."""
    names, others = list(first["names"]), list(part["names"])
    if sorted(names) != sorted(others):
        different = sorted(set(names) ^ set(others))
        raise ValueError(
            f"{path} must have the sensors of {first_path}. Received: {shown(different)} in one of "
            "the files only. Remove these columns, or add the others."
        )
    times, given = part["times"], first["times"]
    same = len(part["values"]) == len(first["values"]) and (times is None) == (given is None)
    if not same or (times is not None and not times.equals(given)):
        place = ""
        if times is not None and given is not None:
            unequal = [i for i, (a, b) in enumerate(zip(times, given, strict=False)) if a != b]
            row = unequal[0] if unequal else min(len(times), len(given))
            place = f", the first difference in row {row}"
        raise ValueError(
            f"{path} must have the times of {first_path}. Received: {len(part['values'])} rows and "
            f"{len(first['values'])} rows{place}. Write the same times in both files."
        )
    order = [others.index(name) for name in names]
    values = part["values"]
    return InPieces(values.shape, lambda steps: values[steps][:, order])


def _quality(quality, found, form):
    """Returns the quality mask of an array or of a file of the same form."""
    if hasattr(quality, "columns"):
        raise TypeError(
            "`quality` must be an array, a path or the name of a column. Received: a frame. Read "
            "the readings with pandas too, and pass both frames to `from_pandas`."
        )
    if isinstance(quality, (str, os.PathLike)):
        file_type(quality, TABLES, "quality")
        read = table_parts(quality, **form)
        return _aligned(read, found, quality, "`path`")
    return quality
