"""What the calendar says of each step."""

import numpy as np


def calendar(timestamps):
    """Tells time of day and day of week, the two inputs of a model that knows the calendar.

    Args:
        timestamps: (T,) datetime64.

    Returns:
        (T, 2) float32: time of day as a share of the day, in [0, 1), and day of the week, 0 being
        Monday.

    Raises:
        TypeError: if `timestamps` are no datetimes.
        ValueError: if one is not a time.

    Example:
        >>> import numpy as np, stgkeras
        >>> stgkeras.datasets.calendar(np.array(["2024-01-03T06:00"], "datetime64[m]")).tolist()
        [[0.25, 2.0]]
    """
    timestamps = np.asarray(timestamps)
    if timestamps.dtype.kind != "M":
        raise TypeError(f"`timestamps` must be datetime64. Received: dtype={timestamps.dtype}")
    if np.isnat(timestamps).any():
        raise ValueError("`timestamps` must all be times. Received: NaT among them")
    days = timestamps.astype("datetime64[D]")
    share = (timestamps - days) / np.timedelta64(1, "D")
    week = (days.astype(np.int64) + 3) % 7  # day 0, 1970-01-01, was a Thursday
    return np.stack([share, week], axis=-1).astype(np.float32)
