"""What a series must hold, read from the same csv file by Python's own `csv` module."""

import csv
import io
import itertools
import math
import re
from datetime import datetime, timedelta

import numpy as np

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
WORDS = {"true": 1.0, "false": 0.0, "inf": math.inf, "-inf": -math.inf, "+inf": math.inf}
NOTHING = {"", "na", "n/a", "<na>", "nan", "null", "none", "#n/a", "#na"}
FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d", "%Y%m%d%H%M") + (
    *("%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%Y%m%d", "%Y%m%d%H%M%S"),
)


def fault_of_series(series):
    """Returns what is wrong with a series by itself, or None."""
    steps, sensors, features = series.values.shape
    if series.values.dtype != np.float32:
        return f"dtype {series.values.dtype}"
    if (len(series.names), len(series.features)) != (sensors, features):
        return "names or features do not fit the values"
    if len(set(series.names)) < sensors or len(set(series.features)) < features:
        return "a name twice"
    if any(name in ("", "nan", "None", "NaT") for name in series.names):
        return f"an empty cell became a name: {series.names}"
    if np.isinf(series.values).any():
        return "an infinite reading"
    if series.null_value is None and np.isnan(series.values).any():
        return "NaN without null_value"
    if series.timestamps is not None:
        if series.timestamps.shape != (steps,) or np.isnat(series.timestamps).any():
            return "times do not fit the values"
        gaps = np.diff(series.timestamps)
        if (gaps <= np.timedelta64(0, "s")).any():
            return "times do not rise"
        if series.interval and series.interval < 1440 and len(set(gaps.tolist())) > 1:
            return "times are not even"
        if series.interval and len(gaps):
            minutes = np.median(gaps / np.timedelta64(1, "us")) / 6e7
            if series.interval < 1440 and not math.isclose(minutes, series.interval, rel_tol=1e-6):
                return f"interval {series.interval} of times {minutes} minutes apart"
    adjacency = series.adjacency
    if adjacency is not None:
        if adjacency.shape != (sensors, sensors):
            return "the adjacency has another shape"
        if not np.isfinite(adjacency).all() or (adjacency < 0).any() or adjacency.diagonal().any():
            return "the adjacency has bad weights"
    return None


def lines_of(data, separator):
    """Returns the rows of csv bytes, without blank rows; None if they cannot be read."""
    try:
        text = data.decode("utf-8-sig")
        # A quote within a cell, or text after a closing quote, has no one meaning in csv.
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    if '"' in text and any("\n" in cell for row in rows for cell in row):
        return None
    return [[cell.strip() for cell in row] for row in rows if row]


def number(cell, decimal="."):
    """Returns the number in a cell, None if it has none, NaN if it is empty."""
    if cell.lower() in NOTHING:
        return math.nan
    if decimal == ",":
        cell = cell.replace(",", ".") if "." not in cell else "two signs"
    if NUMBER.fullmatch(cell):
        return float(cell)
    return WORDS.get(cell.lower())


def times_of(cell):
    """Returns the times that a cell can mean, without a zone."""
    found = set()
    shift = timedelta(0)
    match = re.fullmatch(r"(.*\d)\s*(Z|[+-]\d\d:\d\d)", cell)
    if match and ":" in match[1]:
        cell, offset = match.groups()
        if offset != "Z":
            shift = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:])) * (
                -1 if offset[0] == "-" else 1
            )
    for form in FORMS:
        try:
            found.add(datetime.strptime(cell, form) - shift)
        except (ValueError, OverflowError):
            pass
    value = number(cell)
    if value is not None and math.isfinite(value):
        for size in (1, 10**3, 10**6, 10**9):
            if 10**8 <= value / size < 4.1e9:
                found.add(datetime(1970, 1, 1) + timedelta(seconds=value / size))
    return found


def fault_of_table(series, rows, decimal, options, exact=True):
    """Compares a series with the rows of its file.

    Args:
        series: `Series`.
        rows: list of rows of text, see `lines_of`.
        decimal: str. The decimal sign.
        options: dict of the arguments of the reader.
        exact: bool. Whether each row is one step, in order: nothing was filled, merged or sorted.
    """
    ignore = options.get("ignore", ())
    ignore = {ignore} if isinstance(ignore, str) else set(ignore)
    marks = options.get("null_value")
    head = rows[0]
    names, features = set(series.names), list(series.features)
    columns, data = _pairs(rows, series), rows[2:]
    if columns is None:
        data = rows[1:]
        if names <= set(head) and features == ["value"]:
            shown = _without_times(head, data, options)
            columns = {(n, 0): _only(shown, name) for n, name in enumerate(series.names)}
        elif _sensors(data, names) is not None:
            return _fault_of_long(series, rows, _sensors(data, names), decimal, options, exact)
        elif len(names) == 1 and set(features) <= set(head):  # one station
            shown = _without_times(head, data, options)
            columns = {(0, f): _only(shown, name) for f, name in enumerate(features)}
    if columns is None:
        return f"names {series.names} and features {features} are not in the file"
    if None in columns.values():
        return "a column twice, or a name that is in no column"
    if data and exact and len(data) - 1 == len(series.values) and not any(data[0][1:]):
        data = data[1:]  # the name of the index
    if exact and len(data) != len(series.values):
        return f"{len(data)} rows became {len(series.values)} steps"
    used = {*columns.values()}
    left = [name for i, name in enumerate(head) if i not in used and name not in ignore]
    if len(left) > 1 or (left and series.timestamps is None):
        return f"columns {left} were left out unseen"
    if not exact:
        return None
    for t, row in enumerate(data):
        for (n, f), column in columns.items():
            cell = row[column] if column < len(row) else ""
            fault = _fault_of_cell(series.values[t, n, f], cell, decimal, _mark(marks, series, f))
            if fault:
                return f"row {t}, column {column}: {fault}"
        if series.timestamps is not None and not options.get("timezone"):
            time = [i for i, name in enumerate(head) if i not in used and name not in ignore]
            fault = time and _fault_of_time(series.timestamps[t], row, time[0])
            if fault:
                return f"row {t}: {fault}"
    return None


def _fault_of_long(series, rows, sensor, decimal, options, exact):
    data = rows[1:]
    head = _without_times(rows[0], data, options)
    places = {feature: _only(head, feature) for feature in series.features}
    if None in places.values():
        return f"features {series.features} are not the columns {head}"
    if series.timestamps is None:
        return "a long table without times"
    times = {time.astype("datetime64[us]").item(): i for i, time in enumerate(series.timestamps)}
    seen = set()
    if options.get("timezone"):  # the times of the file are those of another clock
        return None
    for r, row in enumerate(data):
        name = row[sensor] if sensor < len(row) else ""
        if name not in series.names:
            return f"row {r}: sensor {name!r} is not in the series"
        n = series.names.index(name)
        steps = {
            times[time]
            for i, cell in enumerate(row)
            if i not in places.values() and i != sensor
            for time in times_of(cell)
            if time in times
        }
        if not steps:
            if options.get("timezone") or not any(map(times_of, row)):
                continue
            return f"row {r}: no step at the time of {row}"
        seen |= {(t, n) for t in steps}
        if not exact:
            continue
        for f, feature in enumerate(series.features):
            column = places[feature]
            cell = row[column] if column < len(row) else ""
            mark = _mark(options.get("null_value"), series, f)
            faults = [
                _fault_of_cell(series.values[t, n, f], cell, decimal, mark, options) for t in steps
            ]
            if all(faults):
                return f"row {r}, {feature}: {faults[0]}"
    if not options.get("timezone") and all(map(times_of, itertools.chain(*data))):
        for t, n in itertools.product(range(len(times)), range(len(series.names))):
            if (t, n) not in seen and not np.isnan(series.values[t, n]).all():
                return f"readings of {series.names[n]} at step {t} are in no row"
    return None


def _fault_of_cell(value, cell, decimal, mark, options=None):
    meant = number(cell, decimal)
    if meant is None:
        return f"{cell!r} is no number, and became {value}"
    if math.isnan(meant) or (mark is not None and not math.isnan(mark) and meant == mark):
        return None if np.isnan(value) else f"{cell!r} is missing, and became {value}"
    with np.errstate(over="ignore"):
        same = np.float32(meant) == value
    if not same and mark is not None and np.float32(meant) == np.float32(mark):
        return None if np.isnan(value) else f"{cell!r} became {value}"
    return None if same else f"{cell!r} became {value}"


def _fault_of_time(time, row, column):
    meant = times_of(row[column]) if column < len(row) else set()
    if meant and time.astype("datetime64[us]").item() not in meant:
        return f"{row[column]!r} became {time}"
    return None


def _without_times(head, data, options):
    """Returns the names of the columns, None for those that hold times.

    A number can be a reading too: of a column without a day or an hour, all cells must be times.
    """
    dated = {i for i, cell in enumerate((data or [[]])[0]) if times_of(cell)}
    dated -= {
        i for i in dated if number(data[0][i]) is not None and _has_readings(data, i, options)
    }
    dated = set() if options.get("time") is False else dated
    return [None if i in dated else name for i, name in enumerate(head)]


def _has_readings(data, i, options):
    """Returns whether the numbers of a column are readings: by `layout`, or some are no times."""
    cells = [row[i] for row in data if i < len(row) and row[i]]
    return i and (options.get("layout") == "wide" or not all(map(times_of, cells)))


def _only(names, name):
    found = [i for i, own in enumerate(names) if own == name]
    return found[0] if len(found) == 1 else None


def _sensors(data, names):
    """Returns the column whose cells are the names, or None."""
    for i in range(max(map(len, data), default=0)):
        if {row[i] if i < len(row) else "" for row in data} == names:
            return i
    return None


def _pairs(rows, series):
    """Returns the columns of two rows of names, or None."""
    if len(rows) < 2:
        return None
    columns = {}
    for (n, name), (f, feature) in itertools.product(
        enumerate(series.names), enumerate(series.features)
    ):
        pairs = list(zip(rows[0], rows[1], strict=False))
        found = [i for i, pair in enumerate(pairs) if set(pair) == {name, feature}]
        if len(found) != 1:
            return None
        columns[n, f] = found[0]
    return columns


def _mark(marks, series, f):
    if isinstance(marks, dict):
        return marks.get(series.features[f])
    if isinstance(marks, (list, tuple)):
        return marks[f]
    return marks
