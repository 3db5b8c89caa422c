"""Series measured at the sensors of a network, and what all of them must satisfy."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from stgkeras.datasets.series.timestamps import even_steps
from stgkeras.seasons import pieces


@dataclass(frozen=True, eq=False)
class Series:
    """T steps of F features at N sensors.

    Args:
        values: (T, N, F) float32, in `units`; a missing reading is NaN. May be a memory map.
        adjacency: (N, N) float64 or None. `[n, m]` weighs what n receives from m; zero diagonal.
        names: tuple of N str, the sensors.
        features: tuple of F str.
        interval: float or None. Minutes from one step to the next.
        timestamps: (T,) datetime64 or None, evenly spaced. Two published sets leave times out
            between their rows: PeMSD7(M) the weekends, PEMS-BAY an hour.
        units: tuple of F str, "" where the unit is not known.
        null_value: float or None. What marked a missing reading in the source (NaN: no number);
            None if readings were not marked as missing.
        source: str or None. Where the data come from.
        licence: str or None. As far as the source states one.
    """

    values: np.ndarray
    adjacency: np.ndarray | None
    names: tuple
    features: tuple
    interval: float | None
    timestamps: np.ndarray | None
    units: tuple = ()
    null_value: float | None = None
    source: str | None = None
    licence: str | None = None


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
    hint="",
):
    """Checks and assembles what was read.

    Args:
        values: (T, N, F) of real numbers, or `InPieces`. Not changed, and copied once.
        where: str. What holds the data: the start of error messages.
        times: (T,) datetime64[s] or None.
        adjacency: (N, N) of anything that makes an array, or None.
        units: str for all features, or sequence of F str.
        hint: str. Said before arguments of the caller's that would mend a fault.
        names, features, symmetric, interval, null_value, regularize, duplicates: as for
            `from_arrays`.

    Returns:
        `Series`.
    """
    names = _checked_names(names, values.shape[1])
    refuse_missing(values, null_value, where, hint)
    mend = regularize or duplicates != "raise"
    if times is None and mend:
        raise ValueError(
            "`regularize` and `duplicates` must go with timestamps. "
            f"Received: regularize={regularize}, duplicates={duplicates!r} and {where} without"
        )
    if times is not None:
        times, rows, found = even_steps(
            times, where, interval if regularize else None, regularize, duplicates, hint
        )
        interval = agreed_interval(interval, found, "the timestamps")
        if mend:
            values = _mended(values, rows, null_value)
        del rows
    if not mend:
        values = mark_missing(values, null_value)
    if adjacency is not None:
        adjacency = checked_adjacency(adjacency, len(names), symmetric)
    return Series(
        values,
        adjacency,
        names,
        tuple(features),
        None if interval is None else float(interval),
        times,
        _checked_units(units, features),
        null_value,
    )


class InPieces:
    """(T, N, F) numbers that are put together as they are read, some steps at a time.

    Args:
        shape: (T, N, F).
        read: function of a slice or an int array of steps, gives (steps, N, F).
    """

    ndim = 3

    def __init__(self, shape, read):
        self.shape, self._read = shape, read
        self.size = math.prod(shape)

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, steps):
        return self._read(steps)


def refuse_missing(values, null_value, where, hint=""):
    """Raises ValueError at NaN in `values`, if there is no `null_value`."""
    if null_value is None:
        refuse_nan(
            f"{where} must not hold NaN",
            values,
            f"fill or drop them, or, if these readings are missing, pass {hint}`null_value=np.nan`",
        )


def mark_missing(values, null_value):
    """Returns float32 values with NaN for `null_value`: the one copy that is made.

    A memory map of float32 in which nothing is to be marked is returned as it is.
    """
    marks = null_value is not None and not np.isnan(null_value)
    if isinstance(values, np.memmap) and values.dtype == np.float32 and not marks:
        return values
    found = np.empty(values.shape, np.float32)
    for piece in pieces(values):
        found[piece] = _marked(np.array(values[piece], np.float64), null_value)
    return found


def _marked(values, null_value):
    """Changes `values`: NaN for `null_value`."""
    if null_value is not None:
        values[values == null_value] = np.nan
    return values


def _mended(values, rows, null_value):
    """Returns float32 values of the steps that `rows` make, NaN where a step has none."""
    filled = np.full((rows.total, *values.shape[1:]), np.nan, np.float32)
    ends = np.append(rows.starts[1:], len(rows.order))
    for piece in pieces(np.broadcast_to(0, (len(ends), *values.shape[1:]))):
        first, end = rows.starts[piece][0], ends[piece][-1]
        read = values[rows.order[first:end]].astype(np.float64, copy=False)  # a copy already
        read = _marked(read, null_value)
        starts = rows.starts[piece] - first
        filled[rows.steps[piece]] = _means(read, starts) if rows.mean else read[starts]
    return filled


def _means(values, starts):
    """Means over the rows from each start to the next, of what is not NaN."""
    present = ~np.isnan(values)
    counts = np.add.reduceat(present, starts, axis=0, dtype=np.int64)
    sums = np.add.reduceat(np.where(present, values, 0), starts, axis=0)
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def agreed_interval(given, found, owner):
    if given is not None and found is not None and given != found:
        raise ValueError(
            f"`interval` must agree with {owner}: {found} minutes. Received: interval={given}"
        )
    return found if given is None else given


def checked_adjacency(adjacency, num_nodes, symmetric=False):
    """Returns (N, N) float64 without loops."""
    if sp.issparse(adjacency):
        adjacency = adjacency.toarray()
    adjacency = np.array(adjacency, dtype=np.float64)
    if adjacency.shape != (num_nodes, num_nodes):
        raise ValueError(
            f"The graph must have the {num_nodes} nodes of the series. "
            f"Received: an adjacency of shape {adjacency.shape}"
        )
    refuse_nan("`adjacency` must not hold NaN", adjacency, "an absent edge is 0")
    if (adjacency < 0).any():
        raise ValueError(f"The graph must not have negative weights. Received: {adjacency.min()}")
    np.fill_diagonal(adjacency, 0)
    return np.maximum(adjacency, adjacency.T) if symmetric else adjacency


def refuse_nan(rule, array, fix):
    """Raises ValueError at NaN in `array`; reads it in pieces, for memory maps."""
    count, first = 0, None
    for piece in pieces(array):
        where = np.argwhere(np.isnan(array[piece]))
        if first is None and len(where):
            first = (piece.start + int(where[0, 0]), *where[0, 1:].tolist())
        count += len(where)
    if count:
        raise ValueError(
            f"{rule}. Received: {count} of {array.size} values, the first at {first}; {fix}."
        )


def _checked_names(names, num_nodes):
    names = tuple(str(name) for name in names)
    if len(names) != num_nodes:
        raise ValueError(
            f"Names of sensors must be as many as nodes. Received: {len(names)} for {num_nodes}"
        )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"Names of sensors must be unique. Received more than once: {repeated}")
    return names


def _checked_units(units, features):
    units = (units,) * len(features) if isinstance(units, str) else tuple(units)
    if len(units) != len(features) or not all(isinstance(unit, str) for unit in units):
        raise ValueError(
            f"`units` must be a str, or one for each of {tuple(features)}. Received: units={units}"
        )
    return units
