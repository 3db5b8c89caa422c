"""Reads contacts from csv and npz files. A column is recognised with certainty or refused."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np

from stgkeras.datasets.series.csv_faults import refuse_lines_above
from stgkeras.datasets.series.files import read_npz

# Names of columns of csv files, and of arrays in npz files.
KEYS = {
    "time": ("time", "t", "edge_t"),
    "source": ("source", "i", "src", "edge_src"),
    "target": ("target", "j", "dst", "edge_dst"),
    "weight": ("weight", "edge_weight"),
    "names": ("names", "node_id"),
}
NEEDED = ("time", "source", "target")
ROLES = (*NEEDED, "weight")
SEPARATORS = ("\t", ";", ",")
DATE = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}")  # at the start of a cell
DATE_HOUR = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}[T ]\d{1,2}:\d{2}")
DATE_BLANK_HOUR = re.compile(r"(\d{4}[-/]\d{1,2}[-/]\d{1,2}) +(\d{1,2}:\d{2})")


def from_npz(path, columns, weight):
    """Returns a dict of the arrays of an npz file, see `load_contacts`."""
    if columns is not None:
        raise ValueError(
            "`columns` must be None for an npz file, whose arrays have names. "
            f"Received: columns={columns!r}. Remove `columns`."
        )
    arrays = read_npz(path)
    keys = {role: [k for k in keys if k in arrays][:1] for role, keys in KEYS.items()}
    missing = [role for role in NEEDED if not keys[role]]
    if missing:
        raise ValueError(
            f"an npz file must hold arrays {', '.join(NEEDED)}. Received: {sorted(arrays)}, "
            f"without {', '.join(missing)}. Rename the arrays."
        )
    if weight is not None:
        keys["weight"] = [_known_weight(weight, arrays)]
    used = {key for found in keys.values() for key in found}
    rows = arrays[keys["time"][0]].shape[:1]
    unused = [name for name, a in arrays.items() if name not in used and a.shape[:1] == rows != ()]
    if unused:
        raise ValueError(
            "`weight` must name the array to read as the weight if a contact has further values. "
            f"Received: unused arrays {unused}. Pass `weight={unused[0]!r}`, or pass only the "
            "arrays that you need to `contacts_from_arrays`."
        )
    return {role: arrays[found[0]] for role, found in keys.items() if found}


def from_csv(path, columns, weight):
    """Returns a dict of the columns of a csv file, see `load_contacts`."""
    rows = _rows(path)
    if columns is not None:
        roles = _checked_columns(rows, columns, weight)
        time = rows.iloc[:, roles.index("time")]
        skip = len(rows) > 1 and not _is_time(time[0]) and _is_time(time[1])  # a header
    else:
        roles = _header_roles(rows, weight)
        skip = roles is not None
        if roles is None:
            roles = _recognised_roles(rows)
    rows = rows.iloc[int(skip) :]
    found = {}
    for place, role in enumerate(roles):
        if role is None:
            continue
        cells = rows.iloc[:, place]
        empty = np.flatnonzero(cells.isna() | cells.isin(("", "nan", "NaN")))
        if empty.size:
            cell = cells.iloc[empty[0]]
            raise ValueError(
                f"`{role}` must not be empty. Received: "
                f"{'an empty cell' if cell != cell or not cell else repr(cell)} in row {empty[0]}. "
                "Remove the incomplete rows, or fill their cells."
            )
        times = np.flatnonzero(cells.str.match(DATE_HOUR)) if role in ("source", "target") else []
        if len(times):
            raise ValueError(
                f"`{role}` must hold names of nodes. Received: {cells.iloc[times[0]]!r}, a time, "
                f"in row {times[0]}. Correct this row."
            )
        found[role] = cells.to_numpy(object)
    return found


def _rows(path):
    """Returns all rows of a csv file as a frame of str, the header included."""
    import pandas as pd

    try:
        text = Path(path).read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"a csv file must be text in UTF-8. Received: {error}. Save it in this encoding."
        ) from error
    _refuse_lines_above(text)
    separator = _separator(text)
    if separator == " ":  # a date and an hour are one cell
        text = DATE_BLANK_HOUR.sub(r"\1T\2", text)
    try:
        rows = pd.read_csv(
            io.StringIO(text),
            sep=r"\s+" if separator == " " else separator,
            header=None,
            dtype=str,
            na_filter=False,
            skipinitialspace=True,
        )
    except ValueError as error:  # pandas: an empty file, or rows of different length
        raise ValueError(
            "a csv file must have at least one row, and as many cells in each row as in the first. "
            f"Received, with columns separated by {separator!r}: {str(error).strip()}. "
            "Correct this row."
        ) from error
    return rows.apply(lambda cells: cells.str.strip())


def _refuse_lines_above(text):
    """Raises ValueError if a title or a comment stands above the names of the columns."""
    lines = text[:100_000].splitlines(keepends=True)[:100]
    for line in lines[1:]:
        cells = {cell.strip().lower() for cell in re.split(r"[,;\t]", line)}
        if all(cells & set(KEYS[role]) for role in NEEDED):
            refuse_lines_above("a csv file", lines, [",", ";", "\t"])


def _separator(text):
    """Returns the separator of the columns: a tab, semicolon or comma, or else blanks."""
    lines = [re.sub(r'"[^"]*"', "", line) for line in text[:100_000].splitlines() if line.strip()]
    counts = {sep: [line.count(sep) for line in lines[:20]] for sep in SEPARATORS}
    found = [sep for sep in SEPARATORS if lines and counts[sep][0] >= 2]
    # A decimal comma and a comma in a name do not occur equally often in each row.
    found.sort(key=lambda sep: len(set(counts[sep])) > 1)
    return found[0] if found else " "


def _checked_columns(rows, columns, weight):
    """Checks the argument `columns`, and returns it as a list."""
    roles = list(columns) if isinstance(columns, (list, tuple)) else [columns]
    named = [role for role in roles if role is not None]
    fits = all(isinstance(role, str) for role in named)
    fits = fits and set(NEEDED) <= set(named) <= set(ROLES) and len(set(named)) == len(named)
    if not fits or len(roles) != rows.shape[1]:
        raise ValueError(
            "`columns` must have one entry for each column of the file, in its order: 'time', "
            "'source' and 'target' once each, 'weight' at most once, and `None` for a column to "
            f"leave out. Received: columns={columns!r}, first row {_first(rows)} with "
            f"{rows.shape[1]} columns. Name all columns."
        )
    if weight is not None:
        raise ValueError(
            "`weight` must be None with `columns`. Received: "
            f"weight={weight!r}, columns={columns!r}. Write 'weight' in `columns` instead."
        )
    return roles


def _header_roles(rows, weight):
    """Returns the role of each column, None without a header that names time, source, target."""
    header = list(_first(rows))
    names = [name.lower() for name in header]
    places = {
        role: next((names.index(key) for key in KEYS[role] if key in names), None) for role in ROLES
    }
    if any(places[role] is None for role in NEEDED):
        if weight is not None or set(names) & set(ROLES):
            raise ValueError(
                f"a csv file must have the columns {', '.join(NEEDED)}. Received: first row "
                f"{_first(rows)}. {_name_columns(rows)}"
            )
        return None
    if weight is not None:
        places["weight"] = header.index(_known_weight(weight, header))
    roles = [next((r for r in ROLES if places[r] == place), None) for place in range(len(header))]
    unused = [name for name, role in zip(header, roles, strict=True) if role is None]
    if unused:
        fix = f"Pass `columns={tuple(roles)}` to leave them out"
        if "weight" not in roles:
            fix += f", or `weight={unused[0]!r}` to read this column as the weight"
        raise ValueError(
            f"`columns` must say what to do with each column. Received: unused columns {unused}. "
            f"{fix}."
        )
    return roles


def _recognised_roles(rows):
    """Returns the role of each of three columns without header, if the time is certain."""
    if rows.shape[1] == 3:
        dates = [place for place in range(3) if rows[place].str.match(DATE).all()]
        numbers = [place for place in range(3) if _are_numbers(rows[place])]
        if len(dates) == 1 or (not dates and numbers == [0]):
            others = iter(("source", "target"))
            time = dates[0] if dates else 0
            return [("time" if place == time else next(others)) for place in range(3)]
    raise ValueError(
        "`columns` must name the columns of a file without a header, unless its only column of "
        "dates, or of numbers in the first place, is certainly the time. Received: columns=None, "
        f"first row {_first(rows)}. {_name_columns(rows)}"
    )


def _name_columns(rows):
    """Returns the instruction how to name the columns."""
    others = ("weight", *(rows.shape[1] * (None,)))[: max(0, rows.shape[1] - 3)]
    examples = [
        f"`columns={(*names, *others)}`" for names in (NEEDED, ("source", "target", "time"))
    ]
    return (
        f"Pass a name for each column in the order of the file, such as {' or '.join(examples)}; "
        "`None` leaves a column out."
    )


def _first(rows):
    return tuple(rows.iloc[0].tolist())


def _known_weight(weight, names):
    if isinstance(weight, str) and weight in names:
        return weight
    raise ValueError(
        f"`weight` must name a column or array of the file. Received: weight={weight!r}, the "
        f"names are {list(names)}. Use one of these names."
    )


def _are_numbers(cells):
    import pandas as pd

    return bool(pd.to_numeric(cells, errors="coerce").notna().all())


def _is_time(cell):
    import pandas as pd

    return _are_numbers(pd.Series([cell])) or bool(DATE.match(str(cell)))
