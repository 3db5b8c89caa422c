"""Time of day and day of week of each step."""

from __future__ import annotations

import numpy as np

from stgkeras.types import Array


def calendar(timestamps: Array) -> np.ndarray:
    """Computes the time of day and the day of the week of each timestamp.

    Models that use the calendar take these two values as input.

    Args:
        timestamps: (T,) datetime64.

    Returns:
        (T, 2) float32. The first column is the time of day as a fraction of the day, in [0, 1).
        The second column is the day of the week, from 0 (Monday) to 6 (Sunday).

    Raises:
        TypeError: if `timestamps` do not have a datetime64 type.
        ValueError: if a timestamp is NaT (not a time).

    Example:
        >>> import numpy as np, stgkeras
        >>> stgkeras.datasets.calendar(np.array(["2024-01-03T06:00"], "datetime64[m]")).tolist()
        [[0.25, 2.0]]
    """
    timestamps = np.asarray(timestamps)
    if timestamps.dtype.kind != "M":
        raise TypeError(
            f"`timestamps` must be datetime64. Received: dtype={timestamps.dtype}. Convert them "
            'with `np.asarray(timestamps, "datetime64[s]")`.'
        )
    if np.isnat(timestamps).any():
        raise ValueError(
            "`timestamps` must all be times. Received: NaT (not a time) in row "
            f"{np.isnat(timestamps).argmax()}."
        )
    days = timestamps.astype("datetime64[D]")
    share = (timestamps - days) / np.timedelta64(1, "D")
    week = (days.astype(np.int64) + 3) % 7  # day 0, 1970-01-01, was a Thursday
    return np.stack([share, week], axis=-1).astype(np.float32)
