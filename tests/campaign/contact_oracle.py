"""Contacts as lists of Python objects: what `Contacts` must hold."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from tests.campaign.spoiled import Refused


def cells_of(values, name):
    """Returns the entries of a column as Python objects."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        raise Refused(f"masked {name}")
    if isinstance(values, (bytes, dict, set)) or not hasattr(values, "__iter__"):
        raise Refused(f"{name} is no column: {values!r}")
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return values.astype("datetime64[us]").tolist()
    cells = [v.item() if isinstance(v, np.generic) else v for v in list(values)]
    if any(isinstance(v, (list, tuple, np.ndarray, memoryview)) for v in cells):
        raise Refused(f"{name} has several axes")
    return cells


def seconds(cells):
    """Returns times as seconds; dates count from the midnight before the first date."""
    found = [_time(cell) for cell in cells]
    if len({isinstance(value, float) for value in found}) > 1:
        raise Refused("numbers and dates")
    if found and isinstance(found[0], datetime):
        zones = {value.tzinfo is None for value in found}
        if len(zones) > 1:
            raise Refused("times with and without a zone")
        found = [
            value.replace(tzinfo=None) - (value.utcoffset() or timedelta(0)) for value in found
        ]
        first = min(found).replace(hour=0, minute=0, second=0, microsecond=0)
        found = [(value - first) / timedelta(seconds=1) for value in found]
    if not all(math.isfinite(value) and abs(value) <= 1e11 for value in found):
        raise Refused("times out of range")
    return found


def _time(cell):
    if isinstance(cell, bool) or cell is None or cell is pd.NaT:
        raise Refused(f"time {cell!r}")
    if isinstance(cell, (int, float, np.longdouble)):
        return float(cell)
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, str):
        text = cell.strip().replace("/", "-")
        try:
            return float(text) if "_" not in text else datetime.fromisoformat(text)
        except ValueError:
            pass
        for form in (None, "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"):
            try:
                found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
                return found.astimezone(UTC) if found.tzinfo else found
            except (ValueError, OverflowError):
                pass
    raise Refused(f"time {cell!r}")


def nodes(cells, name):
    for cell in cells:
        plain = isinstance(cell, (int, str)) and not isinstance(cell, bool)
        if not plain or cell in ("", "nan", "NaN"):
            raise Refused(f"{name} {cell!r}")
    return cells


def weights(cells):
    found = []
    for cell in cells:
        try:
            value = float(cell)
        except (TypeError, ValueError, OverflowError) as error:
            raise Refused(f"weight {cell!r}") from error
        if not (0 < value < 3.4e38) or value < 7e-46:
            raise Refused(f"weight {cell!r}")
        found.append(value)
    return found


def meant(time, source, target, weight=None, names=None, directed=False, kinds=None, loops=False):
    """Returns what the contacts must be: dict of rows, names and direction.

    Args:
        time, source, target, weight, names: lists of Python objects.
        loops: bool. Whether contacts of a node with itself are left out.
    """
    times, weight = seconds(time), [1.0] * len(time) if weight is None else weights(weight)
    ends = nodes(source, "source"), nodes(target, "target")
    if len({len(times), len(weight), *map(len, ends)}) > 1 or not times:
        raise Refused("lengths differ, or no contacts")
    if not isinstance(directed, (bool, np.bool_)):
        raise Refused(f"directed={directed!r}")
    if kinds is not None:
        kinds = list(kinds)
        if names is not None or len(kinds) != 2 or not all(isinstance(k, str) for k in kinds):
            raise Refused(f"kinds={kinds!r}")
        ends = tuple(
            [f"{kind} {node}" for node in end] for kind, end in zip(kinds, ends, strict=True)
        )
    used = [node for end in ends for node in end]
    if names is None:
        known = set(map(str, used))
    else:
        names = [str(name) for name in names]
        known = set(names)
        if len(known) < len(names):
            raise Refused("a name twice")
        if not any(isinstance(node, str) for node in used):
            as_index = all(0 <= node < len(names) for node in used)
            as_name = all(str(node) in known for node in used)
            if as_index and as_name and any(names[node] != str(node) for node in used):
                raise Refused("indices or names")
            if as_index:
                ends = tuple([names[node] for node in end] for end in ends)
        if not {str(node) for end in ends for node in end} <= known:
            raise Refused("an unknown node")
    rows = [(t, str(s), str(d), w) for t, s, d, w in zip(times, *ends, weight, strict=True)]
    if any(s == d for _, s, d, _ in rows) and not loops:
        raise Refused("a contact of a node with itself")
    rows = sorted((row for row in rows if row[1] != row[2]), key=lambda row: row[0])
    if not rows:
        raise Refused("no contacts are left")
    return {"rows": rows, "names": names, "known": known, "directed": bool(directed)}


def fault_of_contacts(contacts, meant):
    """Compares `Contacts` with what they must be; returns what is wrong, or None."""
    kinds = [getattr(contacts, name).dtype for name in ("time", "source", "target", "weight")]
    if kinds != ["float64", "int32", "int32", "float32"]:
        return f"dtypes {kinds}"
    names = contacts.names.tolist()
    if meant["names"] is not None and names != meant["names"]:
        return f"names {names} instead of {meant['names']}"
    if set(names) != meant["known"] or len(names) != len(set(names)):
        return f"names {names} instead of {sorted(meant['known'])}"
    if contacts.directed is not meant["directed"]:
        return f"directed={contacts.directed!r}"
    if len(contacts.time) != len(meant["rows"]):
        return f"{len(contacts.time)} contacts instead of {len(meant['rows'])}"
    for i, (time, source, target, weight) in enumerate(meant["rows"]):
        found = names[contacts.source[i]], names[contacts.target[i]]
        if found != (source, target):
            return f"contact {i}: {found} instead of {(source, target)}"
        if not math.isclose(contacts.time[i], time, rel_tol=1e-9, abs_tol=1e-3):
            return f"contact {i}: time {contacts.time[i]} instead of {time}"
        if not math.isclose(contacts.weight[i], weight, rel_tol=1e-6, abs_tol=2e-45):
            return f"contact {i}: weight {contacts.weight[i]} instead of {weight}"
    return None
