"""Checks and converts the fields of contacts: times, and names of nodes."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from stgkeras.graphs._checks import check_masked
from stgkeras.types import Array

ISO = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[T ]|$)")
ZONE = re.compile(r"\d(?:Z|[+-]\d\d:?\d\d)$")
DIGITS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}  # of dates written as one number
LATEST = 1e11  # seconds, more than 3000 years
DATES = (
    "Write all times as numbers, or all as dates from year to second, such as 2024-05-01 08:00:00."
)


def column(name: str, values: Any) -> np.ndarray:
    """Returns the entries of one field as an array with one axis. A str is its characters.

    Args:
        name: str. Name of the argument in error messages.
        values: sequence or array.
    """
    check_masked(name, values)
    no_column = isinstance(values, (bytes, Mapping, Set)) or hasattr(values, "columns")
    shape: Any = None
    if isinstance(values, Iterable) and not no_column and getattr(values, "ndim", 1) == 1:
        try:
            found = list(values)
            cells = np.asarray(found)
            if cells.dtype.kind == "U" and not all(isinstance(cell, str) for cell in found):
                cells = np.array(found, object)  # a number among texts stays a number
        except (ValueError, NotImplementedError):
            pass  # entries of different lengths, or a buffer that Python cannot read
        else:
            if cells.ndim == 1:
                return cells
            shape = cells.shape
    shape = shape or getattr(values, "shape", None)
    received = f"shape={shape}" if shape else f"{name}={values!r:.200}"
    raise ValueError(
        f"`{name}` must be a list or an array with one axis. Received: {received}. Pass one entry "
        "for each contact, or one name for each node."
    )


def seconds(time: np.ndarray | Sequence[Any]) -> np.ndarray:
    """Converts dates to seconds since the midnight before the first date. Keeps numbers.

    Args:
        time: (E,) numbers, or dates: str, datetime, datetime64.

    Returns:
        (E,) float64.
    """
    import pandas as pd

    cells = column("time", time)
    if cells.dtype.kind not in "iufUOM":
        raise ValueError(
            "`time` must hold one number or date for each contact. Received: "
            f"dtype={cells.dtype}. {DATES}"
        )
    if cells.dtype.kind in "iuf":
        return _not_dates(cells.astype("float64"))
    is_text = cells.dtype.kind == "U" or any(isinstance(cell, str) for cell in cells)
    if is_text:
        numbers = pd.to_numeric(pd.Series(cells), errors="coerce").to_numpy("float64")
        known = ~np.isnan(numbers)
        if known.all():
            return _not_dates(numbers)
        if known.any():
            # The cells of the rarer kind are the wrong ones.
            wrong = np.flatnonzero(known != (known.mean() > 0.5))[0]
            other = np.flatnonzero(known != known[wrong])[0]
            _refuse(cells, wrong, f", but {str(cells[other])!r} in row {other}")
        texts = pd.Series(cells).astype(str).str.strip()
        wrong = np.flatnonzero(~texts.str.match(ISO))
        if wrong.size:
            _refuse(cells, wrong[0])
        zones = texts.str.contains(ZONE).to_numpy()
        if zones.any() and not zones.all():
            with_zone, without = np.flatnonzero(zones)[0], np.flatnonzero(~zones)[0]
            _refuse(cells, with_zone, f", but no time zone in row {without}")
        dates = pd.to_datetime(texts, utc=True, errors="coerce", format="ISO8601")
    else:
        if cells.dtype.kind == "O":
            _check_dates(cells)
        dates = pd.to_datetime(pd.Series(cells), utc=True, errors="coerce")
    missing = np.flatnonzero(dates.isna())
    if missing.size:
        _refuse(cells, missing[0])
    passed = dates - dates.min().normalize()
    return (passed / pd.Timedelta(seconds=1)).to_numpy("float64")


def _check_dates(cells):
    """Refuses objects that are no dates, and dates of which only some have a time zone."""
    for row, cell in enumerate(cells):
        if not isinstance(cell, (datetime.date, np.datetime64)):
            _refuse(cells, row)
        if (getattr(cell, "tzinfo", None) is None) != (getattr(cells[0], "tzinfo", None) is None):
            _refuse(cells, row, ", but only some of the dates have a time zone")


def _refuse(cells, row, also=""):
    cell = cells[row].item() if isinstance(cells[row], np.generic) else cells[row]
    raise ValueError(
        f"`time` must hold numbers or dates. Received: {cell!r} in row {row}{also}. {DATES}"
    )


def _not_dates(numbers):
    """Refuses numbers that are certainly dates, such as 202405010800. Returns other numbers."""
    import pandas as pd

    first = numbers[:1]
    whole = np.isfinite(numbers).all() and (numbers == np.round(numbers)).all()
    pattern = DIGITS.get(len(str(int(first[0])))) if len(first) and whole else None
    if pattern is not None:
        texts = pd.Series(numbers.astype(np.int64)).astype(str)
        dates = pd.to_datetime(texts, format=pattern, errors="coerce")
        if dates.dt.year.between(1900, 2100).all():
            _refuse(texts.tolist(), 0, f", which looks like the date {dates[0]}")
    return numbers


def check_range(time: np.ndarray) -> None:
    """Raises ValueError if a time in seconds is so large that its unit must be another one."""
    if len(time) and np.abs(time).max() > LATEST:
        raise ValueError(
            "`time` must be in seconds, within 3000 years of 0. Received: "
            f"{time[np.abs(time).argmax()]}. Convert it to seconds. For a file in milliseconds, "
            "pass `unit=0.001` to `load_contacts`."
        )


def ends(name: str, values: Array) -> np.ndarray:
    """Checks the names or indices of nodes of one column, and returns them as ints or str.

    Args:
        name: str. "source", "target" or "names".
        values: (E,) ints or str.
    """
    import pandas as pd

    cells = column(name, values)
    if cells.dtype.kind in "iu" and (cells < 2**63).all():
        return cells.astype(np.int64)
    wrong = np.arange(len(cells))
    if cells.dtype.kind in "iuUO":
        names = [
            isinstance(cell, (str, int)) and not isinstance(cell, bool) for cell in cells.tolist()
        ]
        texts = pd.Series(cells.astype(str))
        wrong = np.flatnonzero(~np.array(names, bool) | texts.isin(("", "nan", "NaN")))
    if len(wrong):
        cell = cells[wrong[0]]
        raise ValueError(
            f"`{name}` must hold a name or an int in each row. Received: "
            f"{cell.item() if isinstance(cell, np.generic) else cell!r} in row {wrong[0]}. "
            "Remove incomplete rows, and convert numbers with `astype(int)`."
        )
    return cells.astype(str)


def with_kinds(kinds: Sequence[str], *columns: np.ndarray) -> list[np.ndarray]:
    """Returns the names of the nodes of two columns, each with the kind of its column in front."""
    is_pair = isinstance(kinds, (list, tuple)) and len(kinds) == 2
    if not is_pair or not all(isinstance(k, str) for k in kinds) or kinds[0] == kinds[1]:
        raise ValueError(
            "`kinds` must be None or two different names, of the kinds of source and target. "
            f"Received: kinds={kinds!r}. Pass, for example, `kinds=('user', 'item')`."
        )
    return [
        np.char.add(f"{kind} ", column.astype(str))
        for kind, column in zip(kinds, columns, strict=True)
    ]


def indices(
    names: Array | None, source: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the names (N,) and the nodes as int32 indices into the names.

    Args:
        names: (N,) names of all nodes, or None.
        source, target: (E,) results of `ends`.
    """
    both = np.concatenate([source, target])  # str if one of the two is str
    if names is None:
        found, numbers = np.unique(both, return_inverse=True)
        source, target = np.split(numbers.astype("int32"), 2)
        return found.astype(str), source, target
    names = ends("names", names).astype(str)
    place = {name: index for index, name in enumerate(names.tolist())}
    if len(place) < len(names):
        found, counts = np.unique(names, return_counts=True)
        raise ValueError(
            f"`names` must differ. Received: {found[counts > 1][0].item()!r} more than once. "
            "Remove or rename repeated names."
        )
    used, numbers = np.unique(both, return_inverse=True)
    as_names = np.array([place.get(name, -1) for name in used.astype(str).tolist()])
    if both.dtype.kind in "iu":
        is_index = used[0] >= 0 and used[-1] < len(names)
        is_name = as_names.min() >= 0
        if is_index and is_name and (as_names != used).any():
            other = np.flatnonzero(as_names != used)[0]
            raise ValueError(
                "`source` and `target` must be names as str, or indices into `names`. Received: "
                f"{used[other]}, which is the name of node {as_names[other]} and also the index "
                f"of node {names[used[other]].item()!r}. Convert names with `astype(str)`, or give "
                "the nodes names that are not digits."
            )
        if not is_index and not is_name:
            raise ValueError(
                f"`source` and `target` must be indices of the {len(names)} `names`, or names. "
                f"Received: {used[0]} … {used[-1]}. Add the missing names."
            )
        chosen = used if is_index else as_names
    elif as_names.min() < 0:
        raise ValueError(
            "`names` must contain all nodes. Received: names without "
            f"{used[as_names < 0][0].item()!r}. Add this name."
        )
    else:
        chosen = as_names
    source, target = np.split(chosen[numbers].astype("int32"), 2)
    return names, source, target
