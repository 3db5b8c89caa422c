"""Builds the parts of a series from a table: wide, long, of one station, or of two levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stgkeras.datasets.series.columns import (
    as_number,
    is_feature_name,
    is_sensor_name,
    is_time_name,
    number_times,
    quantity,
)
from stgkeras.datasets.series.dates import day_is_first, parse_times
from stgkeras.datasets.series.readings import in_pieces
from stgkeras.datasets.series.roles import check_sensors
from stgkeras.datasets.series.sensor_names import shown


def wide_parts(table, roles, layout):
    """Returns the parts of a table with one row for each step.

    Args:
        table: `Table`.
        roles: `Roles`.
        layout: the argument `layout` of the user.

    Returns:
        dict of `values`, `InPieces` (T, N, F), `names`, `features`, and `times`, a pandas
        DatetimeIndex (T,) or None. Times are not checked for even steps.
    """
    columns = roles.readings
    names = [table.names[i] for i in columns]
    features, positions = ["value"], np.array(columns)[:, None]
    if table.second is not None:
        pairs = [(table.names[i], table.second[i]) for i in columns]
        names, features, places = two_levels(table.where, pairs, table.levels)
        positions = np.array(columns)[places]
    elif roles.layout == "station":
        if "" in names:
            raise ValueError(
                f"{table.where} must have a name for each feature. Received: names {shown(names)}. "
                "Write a name above each column."
            )
        names, features, positions = [Path(table.where).stem], names, np.array([columns])
    elif "" in names:
        raise ValueError(
            f"{table.where} must have a name for each column. Received: a column without a name. "
            "If it contains row numbers or nothing, remove this column from the file, or pass "
            '`ignore=[""]`.'
        )
    elif layout is None:
        _refuse_others(table, columns, names, roles.time is not None)
    times = None if roles.time is None else times_of(table, roles.time)
    return {
        "values": columns_in_pieces(table, positions),
        "names": names,
        "features": features,
        "times": times,
        "day_first": None if roles.time is None else day_first_of(table, roles.time),
    }


def _refuse_others(table, columns, names, has_times):
    kinds = [table.kinds[i] for i in columns]
    if not has_times:  # `time=False`, or numbers that would not rise
        kinds = ["number" if kind == "compact" else kind for kind in kinds]
    if kinds[0] in ("rows", "number") and _counts(table.frame[columns[0]]):
        if kinds[0] == "rows" or not has_times:
            kinds[0] = "rows long" if kinds[0] == "rows" else "counts"

    def fix(name, form):
        if form == "station":
            return (
                'Pass `layout="station"` if each column is a feature, or `layout="wide"` if each '
                "column is a sensor."
            )
        if form == "features":
            return (
                "Write one file for each feature and pass a dict of feature name → path, or write "
                'two rows of names. If each column is a sensor, pass `layout="wide"`.'
            )
        counts = ""
        if any(is_sensor_name(other) for other in table.names):
            counts = "A long table needs dates and times, written as YYYY-MM-DD HH:MM. "
        elif name == names[0] and (is_time_name(name) or kinds[0] == "counts"):
            counts = (
                "If it counts from the start, such as minutes without a date, pass "
                f"`ignore=[{name!r}]`, and the minutes between two rows as `interval`. "
            )
        return counts + (
            f"If it is not a sensor, remove the column or pass `ignore=[{name!r}]`. If it is a "
            'sensor, pass `layout="wide"`.'
        )

    check_sensors(table.where, names, kinds, lambda i: table.seen(columns[i]), fix)


def _counts(cells):
    """Whether integers rise by the same number from row to row, in all of at least 10 rows."""
    if cells.dtype.kind not in "iu" or len(cells) < 10:
        return False
    steps = np.diff(cells.to_numpy(np.int64))
    return bool(steps[0] > 0 and (steps == steps[0]).all())


def two_levels(where, pairs, levels):
    """Returns names, features and positions (N, F) of columns with two levels.

    Args:
        where: str. The source of the columns, for error messages.
        pairs: list of the names (first, second) of each column.
        levels: names of the two levels.
    """
    first, second = ({pair[i] for pair in pairs} for i in range(2))
    order = None
    for i in range(2):
        if is_sensor_name(levels[i]) or is_feature_name(levels[1 - i]):
            order = i
    if order is None:
        known = [all(quantity(value) for value in values) for values in (first, second)]
        order = {(False, True): 0, (True, False): 1}.get(tuple(known))
    if order is None:
        raise ValueError(
            f"{where} must show which of the two levels of columns contains the sensors. "
            f"Received: levels named {levels[0]!r} and {levels[1]!r}, with "
            f"{shown(sorted(first))} and {shown(sorted(second))}. Name the levels: "
            '`frame.columns.names = ["sensor", "feature"]`, or in a csv file in the first cells of '
            "the two rows of names. If the second row of a csv file contains units, remove the row."
        )
    place = {(pair[order], pair[1 - order]): i for i, pair in enumerate(pairs)}
    names = list(dict.fromkeys(pair[order] for pair in pairs))
    features = list(dict.fromkeys(pair[1 - order] for pair in pairs))
    absent = [(name, item) for name in names for item in features if (name, item) not in place]
    if absent or len(place) < len(pairs):
        raise ValueError(
            f"{where} must have one column for each sensor and feature. Received: "
            + (f"no column {absent[0]}" if absent else "a column twice")
            + f". {'Add' if absent else 'Remove'} the column."
        )
    return names, features, np.array([[place[name, item] for item in features] for name in names])


def columns_in_pieces(table, positions):
    """Returns the columns at `positions` (N, F) of a table as `InPieces` (T, N, F).

    A cell that is no number raises ValueError.
    """
    return in_pieces([_array(table, i) for i in positions.ravel().tolist()], positions.shape)


def _array(table, column):
    """Returns the numbers of a column as a NumPy array, without a copy if they are numbers."""
    cells = table.frame[column]
    plain = isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "biuf"
    return cells.to_numpy() if plain else numbers_of(table, column)


def numbers_of(table, column):
    """Converts a column to float64. An error names the first cell that is not a number."""
    import pandas as pd

    cells = table.frame[column]
    if cells.dtype.kind in "biuf":
        return cells.to_numpy(np.float64, na_value=np.nan)
    text = cells.astype(object)
    empty = text.isna() | (text == "")
    plain = text
    if table.decimal == ",":  # a dot may separate thousands, so it is refused
        plain = text.map(lambda cell: str(cell).replace(".", "?").replace(",", "."))
    plain = plain.where(~empty, None)
    try:
        numbers = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)
    except OverflowError:  # hundreds of digits
        found = [np.nan if cell is None else as_number(cell) for cell in plain]
        numbers = np.array([np.nan if number is None else number for number in found])
    bad = np.flatnonzero(np.isnan(numbers) & ~empty.to_numpy())
    if bad.size:
        cell, fix = text.iloc[bad[0]], ""
        if "," in str(cell) or "." in str(cell):
            fix = (
                f". The decimal sign is {table.decimal!r}: pass `decimal` if it is another one, "
                "and write numbers without thousands separators"
            )
        elif table.kinds[column] == "text":
            fix = f". If the column has no readings, pass `ignore=[{table.names[column]!r}]`"
        else:
            fix = ". Write a number, or leave the cell empty if the reading is missing"
        raise ValueError(
            f"{table.where} must hold numbers. Received: {cell!r} in column "
            f"{table.names[column]!r}, row {bad[0]}{fix}"
        )
    return numbers


def times_of(table, column, rows=None):
    """Converts a column of times to a pandas DatetimeIndex.

    Args:
        table: `Table`.
        column: int.
        rows: (R,) ints, the rows to convert. Default None: all rows.
    """
    import pandas as pd

    must = f"{table.where} must hold numbers, or timestamps in its first column"
    if column:
        must = f"{table.where} must hold timestamps in column {table.names[column]!r}"
    name = f"column {table.names[column]!r}, "
    cells = table.frame[column]
    part = cells if rows is None else cells.iloc[rows]
    numbers = pd.to_numeric(part, errors="coerce") if part.dtype.kind != "M" else None
    if numbers is not None and numbers.notna().any() and table.kinds[column] != "date":
        found = number_times(numbers.to_numpy(np.float64 if numbers.isna().any() else None))
        if found is not None:
            return found
        bad = np.flatnonzero(numbers.isna()) if numbers.isna().any() else [0]
        raise ValueError(
            f"{must}. Received: {str(part.iloc[bad[0]])!r} in {name}row {bad[0]}. Write each time "
            "as YYYY-MM-DD HH:MM. If the numbers count from the start, and each sensor has a "
            f"column, pass `ignore=[{table.names[column]!r}]` and `interval`."
        )
    fix = "pass `day_first=True` (day first) or `day_first=False` (month first)"
    try:
        return parse_times(pd.Index(part), must, name, table.day_first, fix)
    except ValueError:
        if rows is None:
            raise
        # This raises the error with the right row.
        return parse_times(pd.Index(cells), must, name, table.day_first, fix)


def day_first_of(table, column):
    """Returns whether the day comes before the month in a column of times; None if unknown."""
    cells = table.frame[column]
    if table.day_first is not None or table.kinds[column] != "date" or cells.dtype.kind == "M":
        return table.day_first
    return day_is_first(cells.drop_duplicates().astype(str).str.strip())
