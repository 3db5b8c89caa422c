"""Time of day and day of week of each step, on the local clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras import arguments
from stgkeras.datasets.series.clocks import (
    Holidays,
    checked_holidays,
    is_holiday,
    to_utc,
    wall_clock,
)
from stgkeras.types import Array

if TYPE_CHECKING:
    import pandas as pd

SUNDAY = 6
MINUTES = 24 * 60  # in a day


def calendar(
    timestamps: Array | pd.DatetimeIndex,
    timezone: str | None = None,
    holidays: str | Sequence[Any] | None = None,
) -> np.ndarray:
    """Computes the time of day and the day of the week of each timestamp.

    Models that use the calendar take these two values as input. `Series.calendar` computes the
    calendar of a series in its own time zone, with its holidays.

    Args:
        timestamps: (T,) datetime64, or pandas DatetimeIndex.
        timezone: str or None. The time zone of the clock: an IANA name such as "Europe/Paris", or a
            UTC offset such as "+01:00". The timestamps are then UTC, as in `Series.timestamps`.
            None: the calendar shows the timestamps as they are. A DatetimeIndex with a time zone
            needs no `timezone`.
        holidays: None, a sequence of dates, or the ISO 3166 code of a country or of a part of it,
            such as "AT" or "US-CA". Holidays count as Sundays. A code needs the package holidays:
            `pip install "stgkeras[holidays]"`.

    Returns:
        (T, 2) float32. The first column is the time of day as a fraction of the day, in [0, 1).
        The second column is the day of the week, from 0 (Monday) to 6 (Sunday or holiday). On a
        day of 23 or 25 hours, the time of day is the local time divided by 24 hours.

    Raises:
        ImportError: if `holidays` is a code and the package holidays is not installed.
        TypeError: if `timestamps` do not have a datetime64 type, or another argument has a wrong
            type.
        ValueError: if a timestamp is NaT (not a time), or `timezone` or `holidays` is not known.

    Example:
        >>> import numpy as np, stgkeras
        >>> times = np.array(["2024-01-03T06:00", "2024-07-04T18:00"], "datetime64[m]")
        >>> stgkeras.datasets.calendar(times).tolist()
        [[0.25, 2.0], [0.75, 3.0]]
        >>> stgkeras.datasets.calendar(times, "America/New_York", ["2024-07-04"])[1].round(3)
        array([0.583, 6.   ], dtype=float32)
    """
    if timezone is not None and not isinstance(timezone, str):
        raise TypeError(
            f"`timezone` must be a str or None. Received: timezone={timezone!r}. Pass a name such "
            'as "Europe/Paris", or an offset such as "+01:00".'
        )
    if holidays is not None and not isinstance(holidays, str):
        holidays = _as_list(holidays)
    if holidays is not None and not isinstance(holidays, (str, list)):
        raise TypeError(
            f"`holidays` must be dates or the code of a country. Received: holidays={holidays!r}. "
            'Pass a list of dates such as ["2024-05-01"], or a code such as "AT".'
        )
    if getattr(timestamps, "tz", None) is not None:
        timestamps, timezone = to_utc(timestamps, timezone)
    timestamps = np.asarray(arguments.entries("timestamps", timestamps))
    if timestamps.ndim != 1:
        raise ValueError(
            f"`timestamps` must have shape (T,). Received: shape={timestamps.shape}. Pass a "
            "sequence of times."
        )
    if timestamps.dtype.kind != "M":
        raise TypeError(
            f"`timestamps` must be datetime64. Received: dtype={timestamps.dtype}. Convert times "
            'without a time zone with `np.asarray(timestamps, "datetime64[s]")`, and others with '
            "`pandas.DatetimeIndex(timestamps)`."
        )
    if np.isnat(timestamps).any():
        raise ValueError(
            "`timestamps` must all be times. Received: NaT (not a time) in row "
            f"{np.isnat(timestamps).argmax()}. Remove this row, or correct its time."
        )
    return on_clock(wall_clock(timestamps, timezone), checked_holidays(holidays))


def on_clock(times: np.ndarray, holidays: Holidays = None) -> np.ndarray:
    """Returns the calendar of local times (T,) datetime64, of which nothing is checked."""
    days = times.astype("datetime64[D]")
    found = np.empty((len(times), 2), np.float32)
    found[:, 0] = (times - days) / np.timedelta64(1, "D")
    found[:, 1] = (days.astype(np.int64) + 3) % 7  # day 0, 1970-01-01, was a Thursday
    if holidays:
        found[is_holiday(days, holidays), 1] = SUNDAY
    return found


def _as_list(values):
    """Returns a sequence as a list, and another value as it is."""
    try:
        return list(values)
    except TypeError:
        return values


def whole_steps_per_day(interval: float | None) -> int | None:
    """Returns the number of steps in a day. None if it is not a whole number.

    Args:
        interval: float or None. Minutes from one step to the next.

    Example:
        >>> from stgkeras.datasets.series.calendar import whole_steps_per_day
        >>> whole_steps_per_day(5), whole_steps_per_day(7), whole_steps_per_day(None)
        (288, None, None)
    """
    if interval is None:
        return None
    steps = round(MINUTES / interval)
    return steps if steps and abs(steps * interval - MINUTES) < 1e-6 * MINUTES else None
