"""A fast way to read the most usual form of newest readings, a plain frame."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from stgkeras.datasets.series.clocks import zone_of
from stgkeras.forecasting.form import Form

LARGEST = np.finfo(np.float32).max
PER_MINUTE = {"s": 60, "ms": 60 * 10**3, "us": 60 * 10**6, "ns": 60 * 10**9}


def plain_readings(form: Form, newest: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns the readings and the times of a frame, or None if it is not plain.

    A plain frame has one feature, the sensors of the form in their order, and times of equal steps.
    `from_pandas` returns the same after checks that take ten times as long.

    Args:
        form: `Form`.
        newest: any object.

    Returns:
        (T, N, 1) float32, and (T,) datetime64, as in `Series`.
    """
    import pandas as pd

    if type(newest) is not pd.DataFrame or not form.dated or len(form.features) > 1:
        return None
    index = newest.index
    columns: Any = newest.columns
    if not isinstance(index, pd.DatetimeIndex) or len(index) < 2:
        return None
    known: Any = _index(form.names)
    if columns.nlevels > 1:
        return None
    # Arrays of one type are compared sooner than columns.
    if not columns.array.equals(known.array) and not columns.equals(known):
        return None
    if form.timezone is not None and index.tz is None:
        zone = zone_of(form.timezone)
        index = index.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    if (form.timezone is None) != (index.tz is None) or index.hasnans:
        return None
    times = index.asi8
    if (times[1:] - times[:-1] != form.interval * PER_MINUTE[index.unit]).any():
        return None
    values = newest.values
    if values.dtype.kind not in "iuf":
        return None
    # As in `marked`: in float64, and with an error for numbers that are none of float32.
    values, mark = values.astype(np.float64), form.null_value[0]
    if mark is not None and not np.isnan(mark):
        values[values == mark] = np.nan
    if (np.abs(values) > LARGEST).any():
        return None
    return values[..., None].astype(np.float32), times.view(f"datetime64[{index.unit}]")


@functools.lru_cache(maxsize=8)
def _index(names):
    """Returns the columns of a frame of these sensors."""
    import pandas as pd

    return pd.Index(names)
