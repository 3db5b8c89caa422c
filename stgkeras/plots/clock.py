"""Axes in clock time."""

from __future__ import annotations

from typing import Any

import numpy as np


def clock_axis(axes: Any, times: Any) -> np.ndarray:
    """Labels the time axis with clock times, and returns the times as Matplotlib draws them.

    Args:
        axes: Matplotlib axes.
        times: (T,) datetime64 or pandas DatetimeIndex; with a time zone, labels are local times.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    zone = getattr(times, "tz", None)
    if zone is not None:
        times = times.tz_convert("UTC").tz_localize(None)
    locator = AutoDateLocator(tz=zone)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
    axes.set_xlabel("time" if zone is None else f"local time, {zone}")
    return np.asarray(times, "datetime64[us]")
