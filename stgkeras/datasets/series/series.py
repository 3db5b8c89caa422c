"""Time series of the sensors of a network, and the checks that every series must pass."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Real

import numpy as np

from stgkeras.datasets.series.adjacencies import checked_adjacency
from stgkeras.datasets.series.calendar import calendar as compute_calendar
from stgkeras.datasets.series.clocks import Holidays, checked_holidays, to_utc
from stgkeras.datasets.series.coordinates import kilometres
from stgkeras.datasets.series.doubts import LostDigits, warn_of_total
from stgkeras.datasets.series.readings import (
    mark_missing,
    marked,
    means,
    null_values,
    quality_mask,
    refuse_missing,
)
from stgkeras.datasets.series.selection import select
from stgkeras.datasets.series.sensor_names import repeated, shown, texts
from stgkeras.datasets.series.timestamps import even_steps
from stgkeras.seasons import pieces


@dataclass(frozen=True, eq=False)
class Series:
    """Time series of N sensors: T steps of F features, and the graph of the sensors.

    Args:
        values: (T, N, F) float32, in `units`. NaN marks a missing reading. May be a memory map.
        adjacency: (N, N) float64 or None. `[n, m]` is the weight of the edge from node m to node
            n. The diagonal is zero.
        names: tuple of N str. Names of the sensors.
        features: tuple of F str. Names of the features.
        interval: float or None. Minutes from one step to the next. None if the steps are months.
        timestamps: (T,) datetime64 or None, evenly spaced; UTC with a `timezone`. Steps of days or
            months are even on the local clock. One published set has gaps between its rows:
            PeMSD7(M) leaves out weekends.
        units: tuple of F str. Unit of each feature; "" if the unit is not known.
        null_value: float or None, or tuple of F float or None, one for each feature. The number
            that marks a missing reading in the source. NaN if missing readings are NaN or empty.
            None if the source marks no missing readings.
        source, licence: str or None. Origin of the data, and its licence if the source states it.
        timezone: str or None. Time zone of the local clock: an IANA name such as "Europe/Paris",
            or a UTC offset such as "+01:00". `timestamps` are then UTC. None: `timestamps` are the
            times of the source, with no known zone.
        holidays: None, a country code, or a tuple of dates. Days that `calendar` counts as
            Sundays.
        places: (N, 2) float64 or None. Latitude and longitude of each sensor, in degrees. None if
            the graph was not given by coordinates.
        day_first: bool or None. Whether the day comes before the month in the dates of the file,
            such as 13/05/2024. None for other dates, such as 2024-05-13.
        covariates: `Series` or None. Its features are the covariates, see `Forecaster.fit`.

    Example:
        >>> import stgkeras
        >>> series = stgkeras.datasets.from_arrays([[60, 50], [61, 52]], names="AB", interval=5)
        >>> series.values.shape, series.names, series.interval
        ((2, 2, 1), ('A', 'B'), 5.0)
    """

    values: np.ndarray
    adjacency: np.ndarray | None
    names: tuple[str, ...]
    features: tuple[str, ...]
    interval: float | None
    timestamps: np.ndarray | None
    units: tuple[str, ...] = ()
    null_value: float | tuple[float | None, ...] | None = None
    source: str | None = None
    licence: str | None = None
    timezone: str | None = None
    holidays: Holidays = None
    places: np.ndarray | None = None
    day_first: bool | None = None
    covariates: Series | None = None

    @functools.cached_property
    def calendar(self) -> np.ndarray:
        """Local time of day and day of the week of each step, (T, 2) float32.

        `stgkeras.datasets.calendar` describes the values.

        Raises:
            ValueError: if the series has no timestamps.

        Example:
            >>> import pandas as pd, stgkeras
            >>> times = pd.date_range("2024-03-31", periods=4, freq="h", tz="Europe/Paris")
            >>> speeds = pd.DataFrame({"A": [60.0, 58.0, 61.0, 59.0]}, times)
            >>> series = stgkeras.datasets.from_pandas(speeds)
            >>> (24 * series.calendar[:, 0]).round().tolist()  # clocks skip 02:00
            [0.0, 1.0, 3.0, 4.0]
        """
        if self.timestamps is None:
            raise ValueError(
                "`calendar` needs a series with timestamps. Received: timestamps=None. "
                "Pass `timestamps` when you create the series."
            )
        return compute_calendar(self.timestamps, self.timezone, self.holidays)

    @property
    def positions(self) -> np.ndarray | None:
        """Positions of the sensors in km east and north of their centre, (N, 2) float64, or None.

        `stgkeras.plots.graph` draws the sensors at these positions. Without `places`, None.

        Example:
            >>> import pandas as pd, stgkeras
            >>> places = pd.DataFrame({"sensor": ["A", "B"], "lat": [60.0, 60.0], "lon": [10, 11]})
            >>> series = stgkeras.datasets.from_arrays([[1, 2], [3, 4]], names="AB", graph=places)
            >>> series.positions.round(1).tolist()
            [[-27.8, 0.0], [27.8, 0.0]]
        """
        return None if self.places is None else kilometres(self.places)

    def select(self, names: Iterable[str], contract: bool = False) -> Series:
        """Returns a series of some sensors, with the graph between them.

        Args:
            names: iterable of names of sensors, each once. The result has this order.
            contract: bool. Whether a path over sensors that are left out becomes an edge. The
                weight of a path is the product of the weights of its edges, and the path with the
                largest weight counts. All weights must be at most 1. With False, only the edges
                between the chosen sensors remain. Default False.

        Returns:
            `Series` with the same steps, features and further fields.

        Raises:
            TypeError: if `names` is a str.
            ValueError: if a name is no sensor or is repeated, or with `contract`, if there is no
                graph or a weight above 1.

        Example:
            >>> import numpy as np, stgkeras
            >>> road = np.diag([0.5, 0.8], -1)  # A → B → C
            >>> series = stgkeras.datasets.from_arrays(np.ones((4, 3)), names="ABC", graph=road)
            >>> series.select(["C", "A"]).adjacency.tolist()
            [[0.0, 0.0], [0.0, 0.0]]
            >>> series.select(["C", "A"], contract=True).adjacency.tolist()
            [[0.0, 0.4], [0.0, 0.0]]
        """
        return select(self, names, contract)


def make_series(
    values,
    *,
    where,
    names,
    features,
    times=None,
    adjacency=None,
    symmetric=False,
    units="",
    interval=None,
    null_value=None,
    regularize=False,
    duplicates="raise",
    quality=None,
    timezone=None,
    holidays=None,
    places=None,
    day_first=None,
):
    """Checks the parts of a series and returns the series.

    Args:
        values: (T, N, F) of real numbers, or `InPieces`. Not changed; copied once.
        where: str. Name of the source of the values: the start of error messages.
        times: (T,) datetime64 or pandas DatetimeIndex, or None.
        adjacency: (N, N) array-like, or None.
        places: (N, 2) latitudes and longitudes in degrees, or None.
        units: str for all features, or sequence of F str.
        names, features, symmetric, interval, null_value, regularize, duplicates, quality,
            timezone, holidays: as for `from_arrays`; day_first: as in `Series`.

    Returns:
        `Series`.
    """
    names = _unique("names", texts("names", names, where), where)
    features = _unique("features", texts("features", features, where), where)
    if len(names) != values.shape[1]:
        raise ValueError(
            f"{where} must have one of `names` for each node. Received: {len(names)} names for "
            f"{values.shape[1]} nodes. Pass a name for each node."
        )
    check_interval(interval)
    marks = null_values(null_value, features)
    mask = None if quality is None else quality_mask(quality, values.shape)
    refuse_missing(values, marks, where, features, mask)
    digits = LostDigits(where)
    repair = regularize or duplicates != "raise"
    if times is None and repair:
        raise ValueError(
            "`regularize` and `duplicates` must be used with timestamps. Received: "
            f"regularize={regularize}, duplicates={duplicates!r} and no timestamps. Pass the "
            "timestamps too."
        )
    if times is None and (timezone, holidays) != (None, None):
        raise ValueError(
            "`timezone` and `holidays` must be used with timestamps. Received: "
            f"timezone={timezone!r}, holidays={holidays!r} and no timestamps. Pass the timestamps "
            "too."
        )
    holidays = checked_holidays(holidays)
    if times is not None:
        times, timezone = to_utc(times, timezone)
        times, rows, found = even_steps(
            times, where, interval if regularize else None, regularize, duplicates, timezone
        )
        interval = agreed_interval(interval, found, "the timestamps")
        if repair:
            values = _repaired(values, rows, marks, mask, digits)
        del rows
    if not repair:
        values = mark_missing(values, marks, mask, digits)
    digits.warn()
    warn_of_total(values, names, where)
    if adjacency is not None:
        adjacency = checked_adjacency(adjacency, len(names), symmetric, where)
    return Series(
        values,
        adjacency,
        names,
        features,
        None if interval is None else float(interval),
        times,
        _checked_units(units, features),
        null_value if null_value is None or isinstance(null_value, Real) else marks,
        timezone=timezone,
        holidays=holidays,
        places=places,
        day_first=day_first,
    )


def _repaired(values, rows, marks, quality, digits):
    """Returns the float32 values of the steps of `rows`, NaN where a step has no row."""
    filled = np.full((rows.total, *values.shape[1:]), np.nan, np.float32)
    ends = np.append(rows.starts[1:], len(rows.order))
    for piece in pieces(np.broadcast_to(0, (len(ends), *values.shape[1:]))):
        first, end = rows.starts[piece][0], ends[piece][-1]
        order = rows.order[first:end]
        read = values[order].astype(np.float64, copy=False)  # indexing made a copy
        read = marked(read, marks, None if quality is None else quality[order])
        starts = rows.starts[piece] - first
        read = means(read, starts) if rows.mean else read[starts]
        filled[rows.steps[piece]] = read
        digits.add(read, filled[rows.steps[piece]])
    return filled


def agreed_interval(given, found, owner):
    """Returns the interval that the caller or the data give; raises ValueError if they differ."""
    check_interval(given)
    if given is not None and found is not None and not math.isclose(given, found):
        raise ValueError(
            f"`interval` must agree with {owner}: {found} minutes. Received: interval={given}. "
            "Omit `interval`."
        )
    return found if given is None else given


def check_interval(interval):
    """Raises ValueError unless `interval` is None or a number of minutes, of at most 190 years."""
    if interval is not None and not (isinstance(interval, Real) and 0 < interval <= 1e8):
        raise ValueError(
            f"`interval` must be a positive number of minutes. Received: interval={interval!r}"
        )


def _unique(argument, names, where):
    again = repeated(names)
    if again:
        raise ValueError(
            f"{where} must have unique `{argument}`. Received: {shown(again)} more than once. "
            "Rename them, or remove the columns that are not needed."
        )
    return names


def _checked_units(units, features):
    if isinstance(units, str) or not isinstance(units, Iterable):
        units = (units,) * len(features)
    units = tuple(units)
    if len(units) != len(features) or not all(isinstance(unit, str) for unit in units):
        raise ValueError(
            f"`units` must be a str, or one str for each of {tuple(features)}. "
            f"Received: units={units}"
        )
    return units
