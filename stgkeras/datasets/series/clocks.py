"""Time zones and holidays: local clock times to UTC and back."""

from __future__ import annotations

import datetime
import difflib
import functools
import re
import zoneinfo
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

UNITS = ("s", "ms", "us", "ns")


def coarsest(times):
    """Returns datetime64 or timedelta64 in the coarsest unit from seconds that keeps its values."""
    for unit in UNITS:
        found = times.astype(f"{times.dtype.kind}8[{unit}]")
        if (found == times).all():
            break
    return found


def zone_of(timezone: str) -> datetime.tzinfo:
    """Returns the time zone of an IANA name such as "Europe/Paris", or of an offset "+01:00"."""
    if isinstance(timezone, str):
        offset = re.fullmatch(r"(?:UTC)?([+-])(\d{2}):?(\d{2})", timezone)
        if offset:
            sign, hours, minutes = offset.groups()
            size = datetime.timedelta(hours=int(hours), minutes=int(minutes))
            if size < datetime.timedelta(days=1):
                return datetime.timezone(-size if sign == "-" else size)
        elif timezone == "UTC":
            return datetime.UTC
        else:
            try:
                return zoneinfo.ZoneInfo(timezone)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
                pass
    near = difflib.get_close_matches(str(timezone), zoneinfo.available_timezones(), 3, 0.7)
    raise ValueError(
        '`timezone` must be None, an IANA name such as "Europe/Paris", or a UTC offset such as '
        f'"+01:00". Received: timezone={timezone!r}. '
        + (f"Similar names: {', '.join(near)}." if near else "Use `timezone=None`, or such a name.")
    )


def zone_name(zone: datetime.tzinfo) -> str:
    """Returns the name of a time zone for which `zone_of` returns the zone."""
    offset = zone.utcoffset(None)
    if offset is None:
        zone_of(str(zone))
        return str(zone)
    if not offset and "," in str(zone):  # of `parse_times`
        raise ValueError(
            "`timestamps` must have one UTC offset, or a time zone. Received: the offsets "
            f'{zone}. Pass the name of the time zone, such as `timezone="Europe/Paris"`.'
        )
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}" if minutes else "UTC"


def to_utc(
    times: Any, timezone: str | None, place: Callable[[int], str] = "row {}".format
) -> tuple[np.ndarray, str | None]:
    """Converts times to UTC.

    Args:
        times: (T,) datetime64 or pandas DatetimeIndex. Times without a time zone are local times
            of `timezone`. An hour that occurs twice in autumn is resolved by the order of the rows.
        timezone: None, or str, see `zone_of`.
        place: function of an index of `times` that returns its place for error messages.

    Returns:
        (T,) datetime64 in the coarsest unit from seconds, and the name of the time zone. Without
        any time zone, the times are not changed and the name is None.
    """
    import pandas as pd

    times = pd.DatetimeIndex(times)
    if timezone is not None:
        zone = zone_of(timezone)
        name = timezone if zone.utcoffset(None) is None else zone_name(zone)
        if times.tz is None:
            times = _located(times, zone, name, place)
    elif times.tz is not None:
        name = zone_name(times.tz)
    else:
        return coarsest(times.to_numpy()), None
    return coarsest(times.tz_convert("UTC").tz_localize(None).to_numpy()), name


def _located(times, zone, name, place):
    """Returns local times with their time zone."""
    import pandas as pd

    every = times.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    if not every.isna().any():
        return every
    shifted = times.tz_localize(
        zone, ambiguous=np.ones(len(times), bool), nonexistent="shift_forward"
    )
    skipped = np.flatnonzero(shifted.tz_localize(None) != times)
    if skipped.size:
        row = skipped[0]
        raise ValueError(
            f"`timestamps` must be times that occur in {name}. Received: {times[row]} in "
            f"{place(row)}, in an hour that the clocks of {name} skip. If the times follow one "
            "offset all year, such as winter time, pass this offset, for example "
            '`timezone="+01:00"`.'
        )
    twice = np.asarray(every.isna())
    start, end = _one_copy(times, twice)
    parts = [(times[:start], False), (times[end:], True)]
    before, after = (part.tz_localize(zone, ambiguous=np.full(len(part), x)) for part, x in parts)
    # pandas takes the first of two equal times as the earlier one, also if the newest row is first.
    certain = pd.Series(times.where(~twice))
    falls = (certain.ffill() > times) | (certain.bfill() < times)
    row = int(np.argmax(twice & falls.to_numpy()))
    try:
        if twice[row] and falls[row]:
            raise ValueError("the rows do not rise")
        between = times[start:end].tz_localize(zone, ambiguous="infer")
    except ValueError as error:  # pandas raises subclasses of ValueError
        row = row if twice[row] else start + int(np.argmax(twice[start:end]))
        fix = (
            f"Write the UTC offset of each time, such as {shifted[row].isoformat()}. If the first "
            "or last rows lie in this hour, add rows before or after the hour. Otherwise remove "
            "the rows of this hour and pass `regularize=True`."
        )
        rest = times[~twice]
        if len(rest) > 1 and rest[::-1].is_monotonic_increasing:
            # Sorting by local time would mix the two copies of the hour.
            fix = (
                "The newest row is first. Sort the rows in ascending order of time: reverse the "
                "order of all rows, in pandas with `frame[::-1]`."
            )
        raise ValueError(
            f"`timestamps` must show both times of an hour that occurs twice in {name}, in order "
            f"of time. Received: {times[row]} in {place(row)}, and the rows around it do not show "
            f"which of the two times it is. {fix}"
        ) from error
    return before.append([between, after])


def _one_copy(times, twice):
    """Finds the one copy of an hour that occurs twice, at the start or the end of a table.

    If the table ends in the hour, and there is no gap before the hour, its last rows are the first
    copy. If the table starts in the hour, and there is no gap after it, its first rows are the
    second copy.

    Args:
        times: (T,) DatetimeIndex of local times.
        twice: bool (T,), whether a time occurs twice.

    Returns:
        Number of rows at the start that are a second copy, and the index of the row from which
        all rows are a first copy.
    """
    steps = np.diff(times.to_numpy()).astype(np.int64)
    known = steps[~twice[1:] & ~twice[:-1] & (steps > 0)]
    if not len(known):
        return 0, len(times)
    even = (steps > 0) & (steps <= np.median(known))
    once = np.flatnonzero(~twice)
    start, end = int(once[0]), int(once[-1]) + 1
    start = start if even[:start].all() else 0
    end = end if even[end - 1 :].all() else len(times)
    return start, end


def in_zone(times: np.ndarray, timezone: str | None) -> pd.DatetimeIndex:
    """Returns UTC times (T,) datetime64 in a time zone; without a time zone, as they are."""
    import pandas as pd

    if timezone is None:
        return pd.DatetimeIndex(times)
    return pd.DatetimeIndex(times, tz=datetime.UTC).tz_convert(zone_of(timezone))


def wall_clock(times: np.ndarray, timezone: str | None) -> np.ndarray:
    """Converts UTC times to local times (T,) datetime64. Without a time zone, changes nothing."""
    if timezone is None or timezone == "UTC":
        return times
    local = in_zone(times, timezone).tz_localize(None)
    return local.to_numpy().astype(times.dtype)


def from_wall_clock(local: np.ndarray, timezone: str) -> np.ndarray:
    """Returns the UTC times of local times.

    A time that occurs twice is taken as the first of both. A time that the clock skips becomes the
    first time after the skipped hour.
    """
    import pandas as pd

    times = pd.DatetimeIndex(local).tz_localize(
        zone_of(timezone), ambiguous=np.ones(len(local), bool), nonexistent="shift_forward"
    )
    return times.tz_convert("UTC").tz_localize(None).to_numpy().astype(local.dtype)


def with_offset(times: np.ndarray, timezone: str | None) -> list[str]:
    """Returns UTC times as text; with a time zone, as local times with their UTC offset."""
    if timezone is None:
        return times.astype(str).tolist()
    import pandas as pd

    local = pd.DatetimeIndex(times, tz="UTC").tz_convert(zone_of(timezone))
    return [time.isoformat() for time in local]


Holidays = str | tuple[datetime.date, ...] | None


def checked_holidays(holidays: str | Sequence[Any] | None) -> Holidays:
    """Returns a country code unchanged, and dates as a tuple of `datetime.date`."""
    if holidays is None:
        return None
    if isinstance(holidays, str):
        _country_holidays(holidays, ())
        return holidays
    import pandas as pd

    if not isinstance(holidays, Iterable):
        raise TypeError(
            '`holidays` must be dates, or a country code such as "AT" or "US-CA". '
            f"Received: holidays={holidays!r}. Pass a list of dates, or a code."
        )
    found = []
    for day in holidays:
        try:
            time: Any = None if isinstance(day, (int, float)) else pd.Timestamp(day)
        except (TypeError, ValueError):
            time = None
        if pd.isna(time):
            raise ValueError(
                '`holidays` must be dates, or a country code such as "AT" or "US-CA". '
                f"Received: {day!r}. Write each date as YYYY-MM-DD."
            )
        found.append(time.date())
    return tuple(found)


def is_holiday(days: np.ndarray, holidays: Holidays) -> np.ndarray:
    """Returns whether each of the days (T,) datetime64[D] is a holiday, as bool (T,)."""
    if isinstance(holidays, str):
        years = days.astype("datetime64[Y]").astype(int) + 1970
        holidays = _country_holidays(holidays, tuple(np.unique(years).tolist()))
    if not holidays:
        return np.zeros(len(days), bool)
    return np.isin(days, np.array(holidays, "datetime64[D]"))


def _country_holidays(code, years):
    """Returns the holidays of a country, or of one of its parts ("US-CA"), in these years."""
    try:
        import holidays  # noqa: F401 - `_holidays` uses it
    except ImportError as error:
        raise ImportError(
            f"`holidays={code!r}` needs the package holidays. Install it with `pip install "
            '"stgkeras[holidays]"`, or pass a sequence of dates.'
        ) from error
    try:
        return _holidays(code, years)
    except NotImplementedError as error:
        raise ValueError(
            '`holidays` must be dates, or a country code (ISO 3166) such as "AT" or "US-CA". '
            f"Received: holidays={code!r}. {error}"
        ) from error


@functools.lru_cache(maxsize=64)
def _holidays(code, years):
    import holidays

    country, _, part = code.partition("-")
    return tuple(holidays.country_holidays(country, subdiv=part or None, years=years))
