"""Finds the role of each column of a table: time, sensor or readings. Doubts are refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stgkeras.datasets.series.columns import (
    DATE,
    QUANTITIES,
    as_number,
    is_sensor_name,
    is_time_name,
    mistaken,
    number_times,
    quantity,
)
from stgkeras.datasets.series.edge_tables import lower_case
from stgkeras.datasets.series.sensor_names import shown

LAYOUTS = ("wide", "long", "station")
WIDE = "a row for each step and a column for each sensor"


@dataclass(frozen=True)
class Roles:
    """Roles of the columns of a table, by their numbers.

    Args:
        layout: "wide", "long" or "station".
        time: int or None.
        sensor: int or None. The column of the names of sensors, in a long table.
        readings: list of int.
        quality: int or None. The column that marks good readings, in a long table.
    """

    layout: str
    time: int | None
    sensor: int | None
    readings: list[int]
    quality: int | None


def roles_of(table, *, layout=None, time=None, sensor=None, ignore=(), quality=None):
    """Returns the `Roles` of the columns of a `Table`. Arguments as in `from_csv`."""
    if layout not in (None, *LAYOUTS):
        raise ValueError(f"`layout` must be None or one of {LAYOUTS}. Received: layout={layout!r}")
    if table.second is not None and (layout is not None or sensor is not None):
        raise ValueError(
            f"`layout` and `sensor` must be None for {table.where}, which has two rows of names. "
            f"Received: layout={layout!r}, sensor={sensor!r}, rows {shown(table.names)} and "
            f"{shown(table.second)}. Omit the argument."
        )
    ignore = [ignore] if isinstance(ignore, str) else list(ignore)
    # Several columns may have no name, as after further commas at the end of each row.
    unnamed = {i for i, name in enumerate(table.names) if name == ""}
    left_out: set[int] = set()
    for name in ignore:
        left_out |= unnamed if name == "" and unnamed else {_column(table, "ignore", name)}
    _refuse_turned(table)
    if quality is not None:
        quality = _column(table, "quality", quality)
    free = [i for i in range(len(table.names)) if i not in left_out and i != quality]
    found = _time(table, free, time, sensor)
    if found is None and time is None and layout in ("wide", "station"):
        _refuse_damaged_times(table, free)
    free = [i for i in free if i != found]
    if sensor is None and layout not in ("wide", "station") and table.second is None:
        sensor = _sensor(table, free, found, layout)
    elif sensor is not None:
        if layout in ("wide", "station"):
            raise ValueError(
                f'`sensor` must be None with `layout="{layout}"`. Received: sensor={sensor!r}. '
                "Omit one of the two arguments."
            )
        sensor = _column(table, "sensor", sensor)
    free = [i for i in free if i != sensor]
    layout = "long" if sensor is not None else layout or "wide"
    if quality is not None and layout != "long":
        raise ValueError(
            f"`quality` may name a column only in a long table. Received: "
            f"quality={table.names[quality]!r}, and {table.where} has {WIDE}. Pass the path of a "
            "file of the same form, or an array."
        )
    if layout == "long" and found is None:
        raise ValueError(
            f"{table.where} must have a column of times, because it is a long table with the "
            f"sensors in {table.seen(sensor)}. Received: columns {shown(table.names)}. Pass "
            '`time="…"`.'
        )
    if not free:
        raise ValueError(
            f"{table.where} must have columns of readings. Received: columns {shown(table.names)}. "
            "Add such a column, or remove names of readings from `ignore`."
        )
    return Roles(layout, found, sensor, free, quality)


def _column(table, argument, name):
    found = [i for i, own in enumerate(table.names) if own == name]
    if len(found) != 1:
        raise ValueError(
            f"`{argument}` must name a column of {table.where}. Received: {argument}={name!r}, "
            f"columns {shown(table.names)}. Use one of these names."
        )
    return found[0]


def _time(table, free, time, sensor):
    """Returns the column of times, or None."""
    if time is False:
        return None
    if time is not None:
        return _column(table, "time", time)
    names, kinds = table.names, table.kinds
    free = [i for i in free if names[i] != sensor]
    clocks = [i for i in free if kinds[i] == "clock"]
    if clocks:
        raise ValueError(
            f"{table.where} must have date and time in one column. Received: "
            f"{table.seen(clocks[0])}, without dates. Join the columns of dates and of times with "
            "pandas, and pass `ignore` for columns that you do not need."
        )
    dates = [i for i in free if kinds[i] == "date"]
    numbers = [i for i in free if kinds[i] in ("unix", "compact")]
    named = [i for i in numbers if is_time_name(names[i]) or not names[i]]
    found = dates + named
    if len(found) > 1:
        raise ValueError(
            f"{table.where} must have one column of times. Received: "
            f"{' and '.join(table.seen(i) for i in found)}. Pass the column of times as "
            f"`time={names[found[0]]!r}`, and the other as `ignore=[{names[found[1]]!r}]`."
        )
    if found:
        return found[0]
    rising = [i for i in numbers if _rises(table.sample[i])]
    if rising:
        raise ValueError(
            f"{table.where} must show which column contains the times. Received: "
            f"{table.seen(rising[0])}, which look like times. If they are times, pass "
            f"`time={names[rising[0]]!r}`. If they are readings, pass `time=False`."
        )
    text = [i for i in free if kinds[i] == "text" and (is_time_name(names[i]) or i == 0)]
    text = [i for i in text if i or not is_sensor_name(names[i])]
    if text and not is_time_name(names[text[0]]):
        if {"from", "to"} <= set(lower_case(names)):
            raise ValueError(
                f"{table.where} must hold readings. Received: columns {shown(names)}, which are "
                "those of a graph. Pass the file of readings first, and that of the graph second."
            )
        raise ValueError(
            f"{table.where} must hold numbers, or timestamps in its first column. Received: "
            f"{table.sample[text[0]][0]!r} in column {names[text[0]]!r}, row 0. Each table has "
            f"{WIDE}, or columns of times, of sensors and of readings."
            + (" Pass `separator`, the sign between two cells." if len(names) == 1 else "")
        )
    return text[0] if text else None


def _refuse_damaged_times(table, free):
    """Raises ValueError for a column of times that has a number that is no time."""
    for i in free:
        cells = table.frame[i]
        if not is_time_name(table.names[i]) or cells.dtype.kind not in "iuf" or not len(cells):
            continue
        digits = [len(str(cell).removesuffix(".0")) for cell in cells.tolist()]
        row = next((r for r, count in enumerate(digits) if count != digits[0]), 0)
        raise ValueError(
            f"{table.where} must hold timestamps in column {table.names[i]!r}. Received: "
            f"{cells.iloc[row]} in row {row}. Correct the cell. If the column has no times, pass "
            "`time=False`."
        )


def _rises(cells):
    numbers = [as_number(cell) for cell in cells]
    numbers = np.array([number for number in numbers if number is not None])
    return len(numbers) > 1 and bool((np.diff(numbers) > 0).all())


def _sensor(table, free, time, layout):
    """Returns the column of sensors of a long table, or None for another table."""
    names, frame = table.names, table.frame
    named = [i for i in free if is_sensor_name(names[i])]
    found = named or [i for i in free if table.kinds[i] == "text"]
    repeats = time is not None and frame[time].duplicated().any()
    if len(found) > 1 and (repeats or layout == "long"):
        raise ValueError(
            f"{table.where} must have one column of sensors. Received: "
            f"{' and '.join(table.seen(i) for i in found)}. Pass the column of sensors as "
            f"`sensor={names[found[0]]!r}`, and the others in `ignore`."
        )
    if len(found) == 1:
        each = repeats and frame[time].nunique() * 1.5 <= len(frame)
        each = each and not frame[[time, found[0]]].duplicated().any()
        one = time is not None and frame[found[0]].nunique() == 1
        if layout == "long" or each or (named and (repeats or one)):
            return found[0]
    if layout == "long":
        raise ValueError(
            f"`sensor` must name the column of sensors in {table.where}. Received: sensor=None, "
            f'columns {shown(names)}. Pass `sensor="…"`.'
        )
    if found or not repeats or frame[time].nunique() * 1.5 > len(frame):
        return None
    for i in free:
        whole = frame[i].dtype.kind in "iu" or table.kinds[i] == "rows"
        if whole and frame[i].nunique() * 2 <= len(frame):
            if not frame[[time, i]].duplicated().any():
                raise ValueError(
                    f"{table.where} must have {WIDE}, or name its column of sensors. Received: "
                    f"each time in several rows, and {table.seen(i)}, as in a long table with a "
                    f"row for each time and sensor. Pass `sensor={names[i]!r}`. If it is no "
                    'column of sensors, pass `layout="wide"`.'
                )
    return None


def _refuse_turned(table):
    """Raises ValueError for a table with a row for each sensor and a column for each time."""
    names = [name for i, name in enumerate(table.names) if i or name]
    dates = [bool(DATE.match(name)) for name in names]
    start = next((i for i, date in enumerate(dates) if date), len(names))
    turned = sum(dates) > 1 and all(dates[start:])
    if not turned and table.kinds[0] not in ("date", "unix", "compact"):
        while start and names[start - 1].isdigit():
            start -= 1
        tail = np.array([float(name) for name in names[start:] if name.isdigit()])
        years = len(tail) > 2 and (np.diff(tail) == 1).all() and tail.min() >= 1900
        times = number_times(tail) is not None and (np.diff(tail) > 0).all()
        turned = len(tail) > 1 and bool(times or (years and tail.max() < 2100))
    if turned:
        raise ValueError(
            f"{table.where} must have {WIDE}. Received: a row for each sensor and a column for "
            f"each time, {shown(names[start:])}. Transpose the table: read it with pandas, set the "
            "names of the sensors as index, and pass `frame.T` to `from_pandas`."
        )


def check_sensors(where, names, kinds, seen, fix):
    """Raises ValueError if a column of a wide table looks like something else than a sensor.

    Args:
        where: str. The source of the table, for error messages.
        names: list of str.
        kinds: list of str, see `kind_of`.
        seen: function of the number of a column that returns its name and values as text.
        fix: function of the name of a column, and of None, "station" or "features", that returns
            the fix as text.
    """
    for i, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        what = mistaken(name)
        if what is None and kind == "compact":
            what = "a time"
        if what is None and i == 0:
            what = {"rows long": "a row number", "counts": "a time or a row number"}.get(kind)
        if what:
            raise ValueError(
                f"{where} must have {WIDE}. Received: {seen(i)}, which looks like {what}. "
                f"{fix(name, None)}"
            )
    found = [quantity(name) for name in names]
    single = [i for i, name in enumerate(names) if name.lower() in QUANTITIES]
    if None in found and single:
        raise ValueError(
            f"{where} must have {WIDE}. Received: {seen(single[0])}, which looks like a feature. "
            f"{fix(names[single[0]], None)}"
        )
    many = sorted({item for item in found if item})
    if len(many) > 1 and None not in found:
        one = len(many) == len(names)
        raise ValueError(
            f"{where} must have {WIDE}. Received: columns {shown(names)}, which look like "
            f"{'features of one station' if one else 'several features of each sensor'}. "
            + fix(names[0], "station" if one else "features")
        )
