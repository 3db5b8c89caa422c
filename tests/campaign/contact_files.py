"""Files of contacts, csv and npz, against a plain reading of the same rows."""

import csv
import io
import os
import pathlib

import numpy as np

from stgkeras import datasets
from tests.campaign import contact_oracle as oracle
from tests.campaign.children import Input
from tests.campaign.contact_arrays import contacts
from tests.campaign.spoiled import WRONG, Refused, number, spoiled
from tests.campaign.tables import CELLS, damaged

NAMES = {
    "time": ("time", "t", "Time", "edge_t"),
    "source": ("source", "i", "src", "edge_src"),
    "target": ("target", "j", "dst", "edge_dst"),
    "weight": ("weight", "edge_weight"),
}
OTHERS = ("rating", "id", "note", "", "time", "source", "x")
ROLES = ("time", "source", "target", "weight")


def rows_of(rng):
    """Returns the roles and rows of a file, and its header. `None` is a foreign column."""
    columns = contacts(rng, 12)
    roles = ["time", "source", "target", *(["weight"] if rng.random() < 0.5 else [])]
    if rng.random() < 0.25:
        rng.shuffle(roles)
    rows = [list(map(str, row)) for row in zip(*(columns[r] for r in roles), strict=True)]
    header = [rng.choice(NAMES[role]) for role in roles]
    if rng.random() < 0.1:
        place = rng.randrange(len(roles) + 1)
        roles.insert(place, None)
        header.insert(place, rng.choice(OTHERS))
        for row in rows:
            row.insert(place, rng.choice(("1", "0.5", "-1", "x")))
    return roles, header, rows


def spoil_rows(rng, header, rows, count):
    """Makes faults in rows; each may leave a file that can be read."""
    for _ in range(count):
        row = rng.choice(rows) if rows else []
        fault = rng.randrange(8)
        if fault < 3 and row:
            row[rng.randrange(len(row))] = rng.choice((*CELLS, "-5", "1.5"))
        elif fault == 3 and rows:
            rows.remove(row)
        elif fault == 4:
            rows.append(list(row))
        elif fault == 5 and row:
            del row[rng.randrange(len(row)) :]
        elif fault == 6 and row:
            row.append(rng.choice(CELLS))
        elif header:
            header[rng.randrange(len(header))] = rng.choice((*OTHERS, "weight", "t", "i"))


def options_of(rng, roles, header):
    options = {}
    if rng.random() < (0.2 if header else 0.5):
        options["columns"] = roles if rng.random() < 0.8 else rng.choice((*CHOICES, roles[::-1]))
    if rng.random() < 0.1:
        options["weight"] = rng.choice(("weight", "rating", "absent", "", "x", 5, None))
    if rng.random() < 0.3:
        options["directed"] = rng.random() < 0.5
    for name, choices in (
        ("unit", (1.0, 86400, 0.001, 20, 0, -1, np.nan, "s")),
        ("drop_loops", (True, False)),
        ("kinds", (("user", "item"), ["a", "b"], ("a", "a"))),
    ):
        if rng.random() < 0.1:
            options[name] = rng.choice(choices)
    if options and rng.random() < 0.1:
        options[rng.choice(list(options))] = rng.choice(WRONG)()
    return options


CHOICES = (("time", "source"), ("source", "target", "time"), "time", (), (None, None, None))


def expected_of(columns, options):
    """Returns what columns of text or arrays mean: dict of `contact_oracle.meant`."""
    cells = {name: oracle.cells_of(values, name) for name, values in columns.items()}
    unit, loops = number(options.get("unit", 1.0)), options.get("drop_loops", False)
    if unit <= 0 or not isinstance(loops, (bool, np.bool_)):
        raise Refused(f"unit={unit}, drop_loops={loops!r}")
    if "names" in cells:
        cells["names"] = [str(name) for name in cells["names"]]
    cells["time"] = [t * float(unit) for t in oracle.seconds(cells["time"])]
    if not cells["time"]:
        raise Refused("no contacts")
    kinds = options.get("kinds")
    if isinstance(kinds, (str, bytes, dict, set)):
        raise Refused(f"kinds={kinds!r}")
    return oracle.meant(
        cells["time"],
        cells["source"],
        cells["target"],
        cells.get("weight"),
        cells.get("names"),
        options.get("directed", False),
        kinds,
        loops,
    )


def csv_file(rng, folder):
    roles, header, rows = rows_of(rng)
    named = rng.random() < 0.7
    faults = rng.choice((0, 0, 0, 1, 1, 2))
    header = header if named else []
    spoil_rows(rng, header, rows, faults)
    separator = rng.choice((",", ",", ";", "\t", " "))
    file = io.StringIO()
    lines = [header, *rows] if named else rows
    if separator == " ":
        file.write("".join(" ".join(row) + "\n" for row in lines))
    else:
        csv.writer(file, delimiter=separator, lineterminator="\n").writerows(lines)
    changes = rng.choice((0, 0, 0, 0, 1, 2))
    data = damaged(rng, file.getvalue().encode(), changes)
    path = os.path.join(folder, rng.choice((*["c.csv"] * 8, "c.CSV", "c.txt")))
    pathlib.Path(path).write_bytes(data)
    options = options_of(rng, roles, header)

    def check(result):
        try:
            columns = columns_of(data, separator, options)
            if columns is None:
                return None
            return oracle.fault_of_contacts(result, expected_of(columns, options))
        except Refused as error:
            return f"accepted: {error}"

    return file_input(path, options, check, data, data[:1500])


def columns_of(data, separator, options):
    """Returns the columns of a csv file as lists of text; None if the oracle cannot tell."""
    try:
        text = data.decode("utf-8-sig").lstrip("\ufeff")
        if separator == " ":
            rows = [line.split() for line in text.splitlines() if line.strip()]
        else:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"no csv text: {error}") from error
    if '"' in text or "\0" in text or "\r" in text:
        return None
    rows = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
    if separator == " ":
        rows = [joined_dates(row) for row in rows]
    if not rows:
        raise Refused("an empty file")
    roles = options.get("columns")
    head = [cell.lower() for cell in rows[0]]
    if roles is None:
        roles = [
            next((r for r in ROLES if cell in map(str.lower, NAMES[r])), None) for cell in head
        ]
        if {"time", "source", "target"} <= set(roles):
            if options.get("weight") is not None:
                roles = [r if r != "weight" else None for r in roles]
                roles[rows[0].index(options["weight"])] = "weight"
            rows = rows[1:]
        else:
            dates = [i for i, cell in enumerate(rows[0]) if "-" in cell[4:5] or "/" in cell[4:5]]
            roles = ["source", "target"]
            roles.insert(dates[0] if dates else 0, "time")
    else:
        try:
            oracle.seconds([rows[0][roles.index("time")]])
        except Refused:
            rows = rows[1:]
    if any(len(row) != len(roles) for row in rows):
        raise Refused(f"rows that have not {len(roles)} cells")
    named = [role for role in roles if role is not None]
    if len(set(named)) < len(named):
        raise Refused("a role twice")
    return {role: [row[i] for row in rows] for i, role in enumerate(roles) if role is not None}


def joined_dates(row):
    """A date and an hour, separated by a blank, are one cell."""
    for i in range(len(row) - 1):
        if row[i][4:5] in ("-", "/") and ":" in row[i + 1][:3]:
            return [*row[:i], f"{row[i]} {row[i + 1]}", *row[i + 2 :]]
    return row


def npz_file(rng, folder):
    columns = contacts(rng, 12)
    arrays = {}
    for role in rng.choice((ROLES, ROLES[:3])):
        cells = [str(v) if not isinstance(v, (int, float, str)) else v for v in columns[role]]
        arrays[rng.choice(NAMES[role])] = np.array(cells)
    used = sorted({str(node) for node in [*columns["source"], *columns["target"]]})
    if rng.random() < 0.4:
        arrays[rng.choice(("names", "node_id"))] = np.array([*used, "other"])
    if rng.random() < 0.1:
        arrays[rng.choice(("extra", "rating"))] = np.arange(len(columns["time"]))
    for _ in range(rng.choice((0, 0, 1, 2))):
        name = rng.choice(list(arrays))
        fault = rng.random()
        if fault < 0.15:
            del arrays[name]
        elif fault < 0.25:
            arrays[rng.choice((*OTHERS, "names", "weight"))] = arrays.pop(name)
        else:
            arrays[name] = as_stored(spoiled(rng, arrays[name]))
        if not arrays:
            break
    path = os.path.join(folder, "c.npz")
    np.savez(path, **{name or "x": array for name, array in arrays.items()})
    data = damaged(rng, pathlib.Path(path).read_bytes(), rng.random() < 0.1)
    pathlib.Path(path).write_bytes(data)
    options = options_of(rng, list(ROLES[: len(arrays)]), ["a header"])
    if rng.random() < 0.9:
        options.pop("columns", None)

    def check(result):
        roles = {}
        for role, names in (*NAMES.items(), ("names", ("names", "node_id"))):
            found = [name for name in names if name in arrays]
            if found:
                roles[role] = arrays[found[0]]
        if options.get("weight") is not None:
            roles["weight"] = arrays[options["weight"]]
        try:
            return oracle.fault_of_contacts(result, expected_of(roles, options))
        except Refused as error:
            return f"accepted: {error}"

    told = {name: (array.dtype.str, array.shape) for name, array in arrays.items()}
    return file_input(path, options, check, data, f"{told} {arrays}"[:1500])


def as_stored(value):
    """Returns an array that an npz file can hold without a pickle, if there is one."""
    try:
        array = np.asarray(value)
    except (ValueError, TypeError):
        return np.zeros(3)
    return array if array.dtype.kind != "O" else np.array(list(map(str, array.ravel())))


def file_input(path, options, check, data, told):
    function = datasets.load_contacts
    return Input(
        lambda: function(path, **options),
        function,
        check,
        len(data),
        f"{options}\n{told}",
        path=path,
    )


TARGETS = (csv_file, npz_file)
