"""Reads dates and times from text: ISO 8601, day first or month first, hour 24, UTC offsets."""

from __future__ import annotations

import datetime

import numpy as np

# A time of day, and a UTC offset after it. The "-2024" of a date alone is no offset.
OFFSET = r"^(.*(?::\d{2}|T\d{4}|T\d{6})(?:[.,]\d+)?)\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$"
ISO = r"^\d{4}-\d{2}(?:-\d{2}(?:[T ]|$)|$)|^\d{8}(?:T|$)"
HOUR_24 = r"(?<=[T ])24(?=:?00(?::?00(?:[.,]0+)?)?$)"
YEAR_FIRST = r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?!\d)(.*)$"
YEAR_LAST = r"^(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?!\d)(.*)$"
TIME = r"\s+\d{1,2}(?::\d{2}){1,2}(?:[.,]\d+)?(?:\s*[AaPp]\.?[Mm]\.?)?"
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
# Other forms that have one meaning: "2024-05-01 8:00 PM", "1 May 2024 08:00", "May 1, 2024".
CLEAR = (
    rf"(?i)^(?:\d{{4}}-\d{{2}}-\d{{2}}{TIME}"
    rf"|(?:\d{{1,2}}[ -]{MONTH}[ -]|{MONTH} \d{{1,2}},? )\d{{4}}(?:{TIME})?)$"
)


PANDAS_FIX = (
    "convert the times with `pandas.to_datetime(times, dayfirst=True)` (day first) or "
    "`dayfirst=False` (month first), and use `from_pandas`"
)


def parse_times(cells, must, column="", day_first=None, fix=PANDAS_FIX):
    """Converts times to a pandas DatetimeIndex (T,), with a time zone if the times have one.

    Times in text have the form YYYY-MM-DD HH:MM (ISO 8601), DD.MM.YYYY, DD/MM/YYYY or MM/DD/YYYY.
    With a slash or a hyphen, `day_first` or one of the rows must decide between day first and month
    first. Hour 24:00 is midnight at the end of the day.

    Args:
        cells: (T,) of strings, dates, datetimes or datetime64.
        must: str. Start of the error message, which states the rule.
        column: str. Name of the column for the error message.
        day_first: None or bool, whether the day comes before the month.
        fix: str. Advice if neither the rows nor `day_first` show the order.
    """
    import pandas as pd

    index = cells if isinstance(cells, pd.Index) else pd.Index(cells)
    if isinstance(index, pd.PeriodIndex):
        index = index.to_timestamp()
    if index.dtype == object and all(hasattr(cell, "isoformat") for cell in index):
        try:
            index = pd.DatetimeIndex(list(index))
        except (TypeError, ValueError):  # datetimes of several offsets
            pass
    if isinstance(index, pd.DatetimeIndex):
        times = index
    else:
        times = _from_text(index, must, column, day_first, fix)
    bad = np.flatnonzero(times.isna())
    if bad.size:
        raise ValueError(
            f"{must}. Received: {_quoted(index[bad[0]])} in {column}row {bad[0]}. Write each time "
            "as YYYY-MM-DD HH:MM."
        )
    far = np.flatnonzero((times.year < 2) | (times.year > 9998))
    if far.size:  # Python and pandas cannot convert all of them to another time zone
        raise ValueError(
            f"{must} of the years 2 to 9998. Received: {times.year[far[0]]} in {column}row "
            f"{far[0]}. Correct the year."
        )
    return times


def times_of_steps(timestamps, steps, name="`timestamps`"):
    """Converts the `timestamps` of `steps` steps; `parse_times` describes the result."""
    if len(timestamps) != steps:
        raise ValueError(
            f"{name} must have one time for each step. "
            f"Received: {len(timestamps)} times for {steps} steps. Pass the times of these steps."
        )
    must = f"{name} must hold dates and times"
    kind = np.asarray(timestamps).dtype.kind
    if kind in "biufm":
        found = "durations" if kind == "m" else "numbers"
        fix = "Pass `interval` in minutes instead of `timestamps`."
        if name != "`timestamps`":
            fix = "Set the times as index, or pass arrays and `interval` to `from_arrays`."
        raise TypeError(f"{must}. Received: {found}. {fix}")
    return parse_times(timestamps, must)


def _quoted(cell):
    return repr(cell if isinstance(cell, str) else str(cell))


def _from_text(index, must, column, day_first, fix):
    import pandas as pd

    text = pd.Series([getattr(cell, "isoformat", lambda cell=cell: cell)() for cell in index])
    text = text.where(text.map(lambda cell: isinstance(cell, str)), "").astype(str).str.strip()
    found = text.str.extract(OFFSET)
    has_offset = found[1].notna().to_numpy()
    clock = found[0].where(has_offset, text)
    late = clock.str.contains(HOUR_24).to_numpy(bool)
    clock = clock.str.replace(HOUR_24, "00", regex=True)
    clock = _year_first(clock, index, must, column, day_first, fix)
    times = _parsed(clock.where(clock.str.contains(ISO), None), "ISO8601")
    rest = times.isna() & clock.str.contains(CLEAR)
    if rest.any():
        times = pd.concat([times[~rest], _parsed(clock[rest], "mixed")]).sort_index()
    times = pd.DatetimeIndex(times) + pd.to_timedelta(late.astype(np.int64), unit="D")
    if not has_offset.any():
        return times
    if not has_offset.all():
        rows = np.argmax(has_offset), np.argmin(has_offset)
        raise ValueError(
            f"{must}, all with a UTC offset or all without. Received: {index[rows[0]]!r} in "
            f"{column}row {rows[0]} and {index[rows[1]]!r} in row {rows[1]}. Write an offset in "
            "each row."
        )
    minutes = found[1].map(_minutes)
    times = times - pd.to_timedelta(minutes.to_numpy(), unit="m")
    return times.tz_localize("UTC").tz_convert(_fixed_zone(sorted(set(minutes))))


def _parsed(clock, style):
    """Converts text in a format of pandas to times. Other text and times with zones become NaT."""
    import pandas as pd

    def one(cell):
        time = pd.to_datetime(cell, format=style, errors="coerce")
        return pd.NaT if time is None or time.tzinfo else time

    try:
        times = pd.to_datetime(clock, format=style, errors="coerce")
    except ValueError:  # pandas finds zones that differ
        return clock.map(one).astype("datetime64[us]")
    return times if times.dt.tz is None else clock.map(one).astype("datetime64[us]")


def _minutes(offset):
    """Returns the minutes of a UTC offset such as "+05:30" or "Z"."""
    digits = offset.strip("+-").replace(":", "")
    if not digits.isdigit():
        return 0
    minutes = 60 * int(digits[:2]) + int(digits[2:] or 0)
    return -minutes if offset[0] == "-" else minutes


def _fixed_zone(minutes):
    """Returns the zone of one UTC offset. The name of several offsets has a comma."""
    names = [str(datetime.timezone(datetime.timedelta(minutes=int(m)))) for m in minutes]
    if len(names) > 1:
        return datetime.timezone(datetime.timedelta(0), ", ".join(names))
    return datetime.timezone(datetime.timedelta(minutes=int(minutes[0])))


def day_is_first(text):
    """Returns whether the day comes before the month in dates with slashes or hyphens, or None.

    Args:
        text: pandas Series of str. None is returned if no row shows the order.
    """
    parts = text.str.extract(YEAR_LAST)
    parts = parts[parts[1].isin(("/", "-"))]
    first, second = (parts[i].astype(int) > 12 for i in (0, 2))
    return True if first.any() else False if second.any() else None


def _year_first(clock, index, must, column, given, fix):
    """Writes dates such as 13/05/2024 as 2024-05-13, in all rows alike."""
    parts = clock.str.extract(YEAR_FIRST)
    if parts[0].notna().any():
        iso = parts[0] + "-" + parts[1].str.zfill(2) + "-" + parts[2].str.zfill(2) + parts[3]
        clock = iso.where(parts[0].notna(), clock)
    parts = clock.str.extract(YEAR_LAST)
    rows = np.flatnonzero(parts[0].notna())
    if not len(rows):
        return clock
    first, second = (parts[i].iloc[rows].astype(int).to_numpy() for i in (0, 2))
    wrong = first if given is False else second
    if given is not None and (wrong > 12).any() and (parts[1].iloc[rows] != ".").all():
        row = rows[wrong > 12][0]
        raise ValueError(
            f"{must}, all with the {'day' if given else 'month'} first, because of "
            f"`day_first={given}`. Received: {index[row]!r} in {column}row {row}. Write each date "
            "in this order, or as YYYY-MM-DD."
        )
    if (first > 12).any() and (second > 12).any():
        row = rows[second > 12][0]
        other = rows[first > 12][0]
        raise ValueError(
            f"{must}, all with the day first or all with the month first. Received: "
            f"{index[other]!r} in {column}row {other} and {index[row]!r} in row {row}. Write each "
            "date as YYYY-MM-DD."
        )
    # Dates with dots have the day first in all countries that write them.
    day_first = given or (first > 12).any() or (parts[1].iloc[rows] == ".").all()
    if not day_first and given is None and not (second > 12).any():
        row = rows[0]
        raise ValueError(
            f"{must}, and one of them must show whether the day or the month is first. Received: "
            f"{index[row]!r} in {column}row {row}, and no row with a day after the 12th. Write "
            f"each date as YYYY-MM-DD, or {fix}."
        )
    day, month = (parts[0], parts[2]) if day_first else (parts[2], parts[0])
    iso = parts[3] + "-" + month.str.zfill(2) + "-" + day.str.zfill(2) + parts[4]
    return iso.where(parts[0].notna(), clock)
