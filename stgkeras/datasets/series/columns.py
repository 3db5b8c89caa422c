"""Recognises what a column of a table contains: times, ids, row numbers, features or readings."""

from __future__ import annotations

import re

import numpy as np

# Text that starts with a date: 2024-05-01, 01.05.2024, 5/1/24, 2024-05, 1 May 2024, 20240501T08.
DATE = re.compile(
    r"\s*(\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d\d)|\d{8}t\d+"
    r"|(\d{1,2}[ -])?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
    r"[ -](\d{1,2},? )?\d{4}"
    r"|\d{4} ?-?q[1-4])(?!\d)([t ,z].*)?$",
    re.IGNORECASE,
)
CLOCK = re.compile(r"\s*\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*([AaPp]\.?[Mm]\.?)?\s*$")
# Digits of a date without separators → the format of the date.
COMPACT = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
NUMBER = re.compile(
    r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$|\s*[+-]?(inf|infinity|nan)\s*$", re.IGNORECASE
)
TRUTH = {"true": 1.0, "false": 0.0}
YEARS = (1900, 2100)
UNIX = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}  # units of Unix time in one second
EARLIEST, LATEST = 10**8, 4.1e9  # 1973 and 2099 in seconds since 1970

FILLERS = {"utc", "gmt", "local", "unix", "start", "end", "begin", "of", "measurement"} | set(
    "s ms us ns sec seconds milliseconds iso".split()
)
TIMES = set("time times when timestamp timestamps datetime date dates ts epoch ds".split()) | set(
    "unixtime starttime zeit zeitstempel datum uhrzeit fecha heure hora".split()
)
SENSORS = set(
    "sensor sensors station stations detector detectors vds node nodes loop segment link road "
    "location site device meter entity place region province city county country".split()
)
IDS = {"id", "ids", "name", "names", "code", "uid", "unique", "item", "series", "key"}
ROWS = {"index", "idx", "row", "rows", "no", "nr", "number", "step", "rownumber", "rowid", "record"}
PARTS = set(
    "year month week day hour minute minutes seconds weekday dayofweek dow doy yearweek epiweek "
    "isoweek yearmonth jahr monat woche kw tag stunde lat latitude lon lng longitude elevation "
    "quality flag lane fips".split()
)
QUANTITIES = set(
    "flow speed occupancy occ volume density temperature temp humidity pressure rain rainfall "
    "precipitation wind pm25 pm10 no2 so2 o3 count load power price demand inflow outflow "
    "traveltime headway".split()
)
FEATURES = {"feature", "features", "variable", "variables", "quantity", "measure", "channel"}


def is_time_name(name):
    """Whether a column name means a time, such as "Timestamp" or "Start time (UTC)"."""
    words = _words(name)
    words = words - FILLERS or words & {"unix"}
    return bool(words) and words <= TIMES | {"unix"}


def is_sensor_name(name):
    """Whether a column name means the names of sensors, such as "sensor_id"."""
    words = _words(name)
    joined = {word + "id" for word in SENSORS} | {word + "name" for word in SENSORS}
    return bool(words) and words <= SENSORS | IDS | joined


def is_feature_name(name):
    """Whether the name of a level of columns means features."""
    return bool(_words(name)) and _words(name) <= FEATURES


def quantity(name):
    """Returns the quantity that a name contains, such as "speed" in "speed (km/h)", or None."""
    found = _words(name.replace("travel_time", "traveltime")) & QUANTITIES
    return found.pop() if len(found) == 1 else None


def mistaken(name):
    """Returns what a column is by its name if it is no sensor, such as "an id", or None."""
    if not name:
        return "a column without a name"
    if is_time_name(name):
        return "a time"
    words = _words(name)
    if is_sensor_name(name):
        return "an id"
    if words <= ROWS | IDS:
        return "a row number"
    return "no reading" if words <= PARTS else None


def _words(name):
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", str(name)).lower()
    return set(re.findall(r"[^\W_]+", words))


def kind_of(cells):
    """Returns what the first cells of a column contain.

    Args:
        cells: list of numbers, datetimes or text, with None, NaN or "" in empty cells.

    Returns:
        "date" (text or datetimes), "clock" (times of a day), "text", "unix" or "compact" (numbers
        that may be times), "rows" (0, 1, 2, … or 1, 2, 3, …), "number", or "empty".
    """
    cells = [cell for cell in cells if not (is_empty(cell) or cell == "")]
    if not cells:
        return "empty"
    first = cells[0]
    if hasattr(first, "isoformat"):
        return "date"
    if as_number(first) is None:
        if DATE.match(str(first)):
            return "date"
        return "clock" if CLOCK.match(str(first)) else "text"
    numbers = np.array([number for number in map(as_number, cells) if number is not None])
    if number_times(numbers) is not None:
        return "compact" if compact_times(numbers) is not None else "unix"
    counts = np.arange(len(numbers))
    starts = any(np.array_equal(numbers, counts + first) for first in (0, 1))
    return "rows" if len(numbers) > 1 and starts else "number"


def is_empty(cell):
    """Whether a cell is None, NaN, NaT or pandas.NA."""
    import pandas as pd

    return bool(pd.api.types.is_scalar(cell) and pd.isna(cell))


def as_number(cell):
    """Returns a cell as a number, or None if it is no number. True is 1 and False is 0."""
    if isinstance(cell, str):
        return float(cell) if NUMBER.match(cell) else TRUTH.get(cell.strip().lower())
    try:
        return float(cell)
    except OverflowError:  # an int of hundreds of digits
        return float("inf")
    except (TypeError, ValueError):
        return None


def number_times(numbers):
    """Converts numbers that are times to a `pandas.DatetimeIndex`; returns None for others.

    Times are dates without separators, such as 201205010005, or Unix times in s, ms, µs or ns.
    Unix times have the time zone UTC.
    """
    import pandas as pd

    numbers = np.asarray(numbers)
    if not len(numbers) or not np.isfinite(numbers).all() or numbers.min() < 10**7:
        return None
    found = compact_times(numbers)
    if found is not None:
        return found
    for unit, size in UNIX.items():
        if numbers.min() >= EARLIEST * size and numbers.max() < LATEST * size:
            if unit == "s" and numbers.dtype.kind == "f":
                unit, numbers = "us", np.round(numbers * 10**6)
            return pd.DatetimeIndex(pd.to_datetime(numbers.astype(np.int64), unit=unit, utc=True))
    return None


def compact_times(numbers):
    """Converts dates without separators, such as 20120501, or returns None."""
    import pandas as pd

    if (numbers != np.floor(numbers)).any() or numbers.max() >= 10**14:
        return None
    text = np.char.mod("%d", numbers.astype(np.int64))
    form = COMPACT.get(len(text[0]))
    years = np.array([int(cell[:4]) for cell in text])
    if form is None or (np.char.str_len(text) != len(text[0])).any():
        return None
    if years.min() < YEARS[0] or years.max() >= YEARS[1]:
        return None
    found = pd.to_datetime(pd.Index(text), format=form, errors="coerce")
    return None if found.isna().any() else found
