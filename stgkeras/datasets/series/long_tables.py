"""Builds the parts of a series from a long table: a row for each time and sensor."""

from __future__ import annotations

import numpy as np

from stgkeras.datasets.series.clocks import to_utc, zone_of
from stgkeras.datasets.series.columns import TRUTH, mistaken
from stgkeras.datasets.series.layouts import day_first_of, numbers_of, times_of
from stgkeras.datasets.series.readings import InPieces, marked, means, null_values
from stgkeras.datasets.series.row_parts import parts_column, parts_fix, warn_of_parts
from stgkeras.datasets.series.spacing_faults import duplicate_fix
from stgkeras.datasets.series.timestamps import DUPLICATES


def long_parts(
    table, roles, *, null_value=None, duplicates="raise", regularize=False, timezone=None
):
    """Returns the parts of a long table. The times are sorted.

    Args:
        table: `Table`.
        roles: `Roles`.
        null_value, duplicates, regularize, timezone: as in `from_arrays`. `duplicates` is about
            rows of the same time and sensor. Without `null_value` and `regularize`, there must be a
            row for each time and sensor.

    Returns:
        dict as `wide_parts` returns, with `quality`: None or a mask, `InPieces` (T, N, F), of
        readings that are not missing.
    """
    if duplicates not in DUPLICATES:
        raise ValueError(
            f"`duplicates` must be one of {DUPLICATES}. Received: duplicates={duplicates!r}"
        )
    features = [table.names[i] for i in roles.readings]
    _refuse_unused(table, roles)
    marks = null_values(null_value, features)
    columns = [numbers_of(table, i) for i in roles.readings]
    good = None if roles.quality is None else _good_rows(table, roles.quality)
    names, sensors = _names(table, roles.sensor)
    times, steps = _times(table, roles.time, names, sensors, timezone)
    _refuse_attributes(table, roles, columns, sensors, len(names))
    cells = steps * len(names) + sensors
    order = np.argsort(cells, kind="stable")
    cells = cells[order]
    starts = np.flatnonzero(np.append(True, cells[1:] != cells[:-1]))
    if duplicates != "raise" and len(starts) < len(order):
        warn_of_parts(table, roles, duplicates)
    elif len(starts) < len(order):
        again = np.flatnonzero(np.diff(cells) == 0)
        row = again[np.argmin(order[again + 1])] + 1
        raise ValueError(
            f"{table.where} must have one row for each time and sensor. Received: sensor "
            f"{names[sensors[order[row]]]!r} at {times[steps[order[row]]]} in rows "
            f"{order[row - 1]} and {order[row]}, the first of {len(again)} such rows. "
            + _duplicate_fix(table, roles, times[steps[sensors == sensors[order[row]]]])
        )
    cells = cells[starts]
    shape = (len(times), len(names), len(features))
    absent = shape[0] * shape[1] - len(cells)
    if absent and None in marks and not regularize:
        first = np.flatnonzero(~np.isin(np.arange(len(cells) + 1), cells))[0]
        raise ValueError(
            f"{table.where} must have a row for each time and sensor. Received: no row for sensor "
            f"{names[first % len(names)]!r} at {times[first // len(names)]}, the first of {absent} "
            "such pairs. If these readings are missing, pass `null_value=np.nan`."
        )
    ends = np.append(starts[1:], len(order))

    def readings(rows):
        part = np.stack([column[rows] for column in columns], axis=-1)
        return marked(part, marks, None if good is None else good[rows, None])

    def scattered(steps, fill, reduce):
        """Returns (steps, N, F): `reduce` of the rows of each cell, `fill` where there is none."""
        steps = np.arange(shape[0])[steps]
        low, high = steps.min(), steps.max() + 1
        first, end = np.searchsorted(cells, [low * shape[1], high * shape[1]])
        found = np.full(((high - low) * shape[1], shape[2]), fill)
        if end > first:
            rows = order[starts[first] : ends[end - 1]]
            places = cells[first:end] - low * shape[1]
            found[places] = reduce(rows, starts[first:end] - starts[first])
        return found.reshape(-1, *shape[1:])[steps - low]

    def values(rows, starts):
        part = readings(rows)
        return means(part, starts) if duplicates == "mean" else part[starts]

    def known(rows, starts):
        if good is None:
            return np.full((len(starts), 1), True)
        some = (
            np.maximum.reduceat(good[rows], starts) if duplicates == "mean" else good[rows][starts]
        )
        return some[:, None]

    quality = None
    if good is not None or absent:
        quality = InPieces(shape, lambda steps: scattered(steps, False, known))
    return {
        "values": InPieces(shape, lambda steps: scattered(steps, np.nan, values)),
        "names": names,
        "features": features,
        "times": times,
        "quality": quality,
        "day_first": day_first_of(table, roles.time),
    }


def _duplicate_fix(table, roles, times):
    """Names the fix for a sensor with several rows of the same time."""
    column = parts_column(table, roles)
    if column is not None:
        return parts_fix(table, roles, column)
    zone = times.tz and "UTC"
    times = np.sort(to_utc(times, None)[0])
    return f"{duplicate_fix(times, np.flatnonzero(times[1:] == times[:-1]), zone)}."


def _times(table, column, names, sensors, timezone):
    """Returns the sorted times (T,), and the step of each row."""
    import pandas as pd

    codes, _ = pd.factorize(table.frame[column])
    rows = np.flatnonzero(~table.frame[column].duplicated().to_numpy())
    times = times_of(table, column, rows)
    if times.tz is None and timezone is not None:
        times, codes = _local_times(times, codes, rows, names, sensors, timezone)
    order = times.argsort()
    place, times = np.empty(len(order), np.int64), times[order]
    place[order] = np.append(0, np.cumsum(times[1:] != times[:-1]))
    return times[~times.duplicated()], place[codes]


def _local_times(times, codes, rows, names, sensors, timezone):
    """Converts local times to UTC; the rows of each sensor show which of two equal times is first.

    Args:
        times: (U,) DatetimeIndex without zone, the times of the rows `rows` (U,).
        codes: (R,) ints, the time of each row.
        sensors: (R,) ints, the sensor in `names` of each row.

    Returns:
        DatetimeIndex with the zone, and the codes (R,) of its times.
    """
    import pandas as pd

    zone = zone_of(timezone)
    first, second = (
        times.tz_localize(zone, ambiguous=np.full(len(times), is_first), nonexistent="NaT")
        .tz_convert("UTC")
        .tz_localize(None)
        .to_numpy()
        for is_first in (True, False)
    )
    twice = (first != second) & ~np.isnat(first)
    once, utc = np.flatnonzero(~twice), first
    if np.isnat(first).any():  # raises the error for an hour that the clocks skip
        to_utc(times[once], timezone, lambda i: f"row {rows[once[i]]}")
    if twice.any():
        days = times.normalize()
        near = days.isin(days[twice])  # also rows around the hour that occurs twice
        chosen = np.flatnonzero(near[codes])
        chosen = chosen[np.argsort(sensors[chosen], kind="stable")]
        utc = np.append(utc, second[twice])
        later_code = np.cumsum(twice) - 1 + len(times)
        for part in np.split(chosen, np.flatnonzero(np.diff(sensors[chosen])) + 1):
            sensor = names[sensors[part[0]]]
            found, _ = to_utc(
                times[codes[part]],
                timezone,
                lambda i, part=part, sensor=sensor: f"row {part[i]} of sensor {sensor!r}",
            )
            later = part[found != utc[codes[part]]]
            codes[later] = later_code[codes[later]]
        used, codes = np.unique(codes, return_inverse=True)
        utc = utc[used]
    return pd.DatetimeIndex(utc, tz="UTC").tz_convert(zone), codes


def _names(table, column):
    """Returns the names of sensors in the order of the rows, and the sensor of each row."""
    import pandas as pd

    cells = table.frame[column]
    if cells.dtype.kind == "f" and (cells % 1 == 0).all():
        cells = cells.astype("int64")
    empty = np.flatnonzero((cells.isna() | (cells.astype(str).str.strip() == "")).to_numpy())
    if empty.size:
        raise ValueError(
            f"{table.where} must have the name of a sensor in each row. Received: an empty cell in "
            f"column {table.names[column]!r}, row {empty[0]}. Remove this row, or write the name."
        )
    codes, names = pd.factorize(cells)
    return [str(name).strip() for name in names], codes


def _good_rows(table, column):
    """Returns bool (R,), False for rows with a bad reading."""
    import pandas as pd

    cells = table.frame[column]
    if cells.dtype.kind not in "biuf":
        cells = cells.astype(str).str.strip().str.lower().map(TRUTH | {"1": 1, "0": 0})
    found = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero((found != 0) & (found != 1))
    if bad.size:
        raise ValueError(
            f"`quality` must name a column of True and False, or 1 and 0. Received: "
            f"{table.frame[column].iloc[bad[0]]!r} in column {table.names[column]!r}, row {bad[0]}"
            ". Compare the column with pandas, and pass a table with True for good readings."
        )
    return found == 1


def _refuse_attributes(table, roles, columns, sensors, count):
    """Raises ValueError for a column that has one number for each sensor, as a number of lanes."""
    rows = np.bincount(sensors, minlength=count)
    if len(columns) < 2 or count < 2 or rows.min() < 3:
        return
    order = np.argsort(sensors, kind="stable")
    starts = np.append(0, np.cumsum(rows)[:-1])
    for place, values in zip(roles.readings, columns, strict=True):
        low, high = (f.reduceat(values[order], starts) for f in (np.fmin, np.fmax))
        if (low == high).all() and low.min() < low.max():
            raise ValueError(
                f"{table.where} must have only columns of readings besides the times and the "
                f"sensors in column {table.names[roles.sensor]!r}. Received: {table.seen(place)}, "
                "with one number for each sensor at all times. Remove the column, or pass "
                f"`ignore=[{table.names[place]!r}]`."
            )


def _refuse_unused(table, roles):
    for i in roles.readings:
        name = table.names[i]
        what = mistaken(name) or ("text" if table.kinds[i] == "text" else None)
        if what:
            fix = f"Remove the column, or pass `ignore=[{name!r}]`."
            column = parts_column(table, roles)
            if column is not None:
                fix = parts_fix(table, roles, column)
            raise ValueError(
                f"{table.where} must have only columns of readings besides the times and the "
                f"sensors in column {table.names[roles.sensor]!r}. Received: {table.seen(i)}, "
                f"which looks like {what}. {fix}"
            )
