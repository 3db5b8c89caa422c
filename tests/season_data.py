"""Four weeks of readings each three hours, three of them missing, and their season by hand."""

import numpy as np
from cases import NODES

from stgkeras import datasets

N, F, DAY = NODES, 2, 8
STAMPS = np.datetime64("2024-01-03T00", "s") + np.arange(4 * 7 * DAY) * np.timedelta64(3, "h")
CALENDAR = datasets.calendar(STAMPS)
VALUES = np.random.default_rng(0).normal(50.0, 10.0, (len(STAMPS), N, F))
VALUES[[3, 40, 90], 1, 0] = np.nan


def season_at(step):
    """The mean of all readings at that hour, on days of that kind, one step after the other."""
    stamp = STAMPS[0] + step * np.timedelta64(3, "h")
    weekday, hour = _when(stamp)
    rows = [
        VALUES[t]
        for t, other in enumerate(STAMPS)
        if (_when(other)[0] >= 5) == (weekday >= 5) and _when(other)[1] == hour
    ]
    return np.nanmean(rows, axis=0)


def _when(stamp):
    moment = stamp.astype("datetime64[s]").item()
    return moment.weekday(), moment.hour
