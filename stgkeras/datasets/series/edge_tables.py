"""Reads adjacencies from tables of edges, with the names of sensors."""

from __future__ import annotations

import numpy as np

from stgkeras.datasets.series.csv_text import with_points
from stgkeras.datasets.series.distance_graphs import weights_of_edges
from stgkeras.datasets.series.sensor_names import renamed, shown

NUMBERS = ("cost", "distance", "weight")
# Names of the two columns of edges in other programs.
ENDS = set("source target src dst dest start end origin destination u v von nach de vers".split())
ENDS |= set("from_id to_id from_node to_node source_id target_id from_sensor to_sensor".split())


def from_edge_table(table, names, what, unknown="raise", decimal=".", weigh=True):
    """Reads an adjacency from a pandas frame with a row for each edge.

    Args:
        table: frame with the columns "from" and "to", and optionally a column of weights, costs or
            distances. If "from" and "to" hold positions, two more columns "from_x" and "to_x" may
            hold the names.
        what: str. Source of the table in error messages.
        names: sequence of N str, the names of the sensors.
        unknown: "raise", or "drop" to leave out edges of sensors that are not in `names`.
        decimal: str. Decimal sign of numbers in text.
        weigh: bool. Whether costs and distances become weights, see `weights_of_distances`. With
            False, each edge has weight 1.
    """
    columns = lower_case(table.columns)
    table = table.set_axis(columns, axis=1)
    more = [c for c in columns if c not in ("from", "to")]
    numbers = [c for c in more if c.startswith(NUMBERS)]
    again = [c for c in more if c not in numbers]
    is_pair = again and again[0][:5] == "from_" and again[1:] == ["to_" + again[0][5:]]
    if len(numbers) > 1 or (again and not is_pair) or len(set(columns)) < len(columns):
        kept = ["from", "to", *numbers[:1]]
        change = f"[{kept}]"
        if not numbers and len(more) == 1:
            change = f".rename(columns={{{more[0]!r}: 'distance'}})"
        raise ValueError(
            f"{what} must have the columns from and to, and at most a third column cost, distance "
            f"or weight. Received: the columns {columns}. Rename the column of distances to "
            "distance or of weights to weight, and remove the other columns, for example with "
            f"`graph=pandas.read_csv(path, dtype=str){change}`."
        )
    if not len(table):
        raise ValueError(
            f"{what} must have at least one edge. Received: only the columns {columns}. Pass "
            "`graph=None`, or an array of zeros for sensors without roads."
        )
    ends = _nodes(table[again or ["from", "to"]], names, what, unknown)
    if again:
        _check_positions(table[["from", "to"]], ends, what, len(names))
    are_weights = bool(numbers) and numbers[0].startswith("weight")
    weights = np.ones(len(table))
    if numbers and (weigh or are_weights):
        weights = _numbers(table[numbers[0]], numbers[0], what, decimal)
    kept = ends.min(axis=1) >= 0
    source, target = ends[kept].T
    if not kept.all() and not (source != target).any():
        refuse_no_edge(what, _ids(table[again or ["from", "to"]], what), names)
    if numbers and weigh and not are_weights:
        adjacency = weights_of_edges(ends[kept], weights[kept], names, what)
        return _with_edges(adjacency, table, names, what)
    adjacency = np.full((len(names), len(names)), -np.inf)
    np.maximum.at(adjacency, (target, source), weights[kept])
    return _with_edges(np.where(np.isneginf(adjacency), 0, adjacency), table, names, what)


def refuse_other_headers(columns, rows, names, what):
    """Raises ValueError if the columns of a table of edges have other names than from and to.

    Args:
        columns: list of str, the names of the columns.
        rows: list of lists of str, the first rows.
        names: sequence of N str, the names of the sensors.
        what: str. Source of the table in error messages.
    """
    known, header = set(names), lower_case(columns)
    if known & {name.strip() for name in columns} or len(columns) < 2:
        return  # a matrix with the names of sensors in its first row
    cells = [[row[i] for row in rows if i < len(row)] for i in range(len(columns))]
    ends = [i for i, found in enumerate(cells) if found and _share(found, known) > 0.5]
    if len(ends) != 2:
        ends = [i for i, name in enumerate(header) if name in ENDS]
    if len(ends) != 2:
        return
    first, second = (columns[i] for i in ends)
    rename = f".rename(columns={{{first!r}: 'from', {second!r}: 'to'}})"
    fix = f"Pass `graph{rename}`"
    if what != "`graph`":
        fix = (
            f"Rename {first!r} to from and {second!r} to to in the file, or pass "
            f"`graph=pandas.read_csv(path, dtype=str){rename}`"
        )
    more = [name for i, name in enumerate(header) if i not in ends]
    if len(more) == 1 and not more[0].startswith(NUMBERS):
        fix += f", and rename {more[0]!r} to weight if it holds weights, to distance if distances"
    elif len(more) > 1:
        fix += f", and remove all except one of {shown(more)}"
    raise ValueError(
        f"{what} must have the columns from and to for the two sensors of each edge. Received: the "
        f"columns {list(columns)}. {fix}."
    )


def _share(cells, known):
    return sum(isinstance(cell, str) and cell.strip() in known for cell in cells) / len(cells)


def refuse_no_edge(what, ids, names):
    """Raises ValueError for a graph in which `unknown="drop"` leaves no edge."""
    others = [name for name in dict.fromkeys(ids) if name not in set(names)]
    raise ValueError(
        f'{what} must have an edge between two sensors of the series. Received: unknown="drop", '
        f"and only edges with {shown(others)}; the sensors are {shown(names)}. Use the names of "
        "the sensors, or pass `graph=None`."
    )


def lower_case(columns):
    """Returns the names of columns in lower case, without spaces around them."""
    return [str(name).strip().lower() for name in columns]


def _nodes(ends, names, what, unknown):
    """Converts the ids of edges (E, 2) to indices of sensors. Dropped ids become -1.

    With `unknown="drop"`, one id must be the name of a sensor.
    """
    known = {name: i for i, name in enumerate(names)}
    ids = _ids(ends, what)
    drop = unknown == "drop" and any(node in known for node in ids)
    bad = [i for i, node in enumerate(ids) if node not in known]
    others = list(dict.fromkeys(ids[i] for i in bad))
    fix = renamed(others, names)
    if bad and (fix is not None or not drop):
        if fix is None and all(node.isdecimal() and int(node) < len(names) for node in ids):
            fix = (
                "If the ids are positions from 0, pass `graph=stgkeras.graphs.from_edges(source, "
                f"target, num_nodes={len(names)})`."
            )
        if fix is None:
            fix = 'To ignore edges of other sensors, pass `unknown="drop"`.'
        raise ValueError(
            f"{what} must contain edges between nodes of the series, given by their names. "
            f"Received: {ends.columns[bad[0] % 2]}={ids[bad[0]]!r} in row {bad[0] // 2}. The "
            f"unknown ids are {shown(others)}; the sensors are {shown(names)}. {fix}"
        )
    return np.array([known.get(node, -1) for node in ids], dtype=np.int64).reshape(-1, 2)


def _ids(ends, what):
    """Returns the ids of edges as a flat list of str, row by row."""
    cells = ends.to_numpy(object).ravel().tolist()
    empty = [i for i, cell in enumerate(cells) if cell is None or str(cell).strip() == ""]
    empty += np.flatnonzero(ends.isna().to_numpy().ravel()).tolist()
    if empty:
        first = min(empty)
        raise ValueError(
            f"{what} must have an id in each cell. Received: an empty cell in column "
            f"{ends.columns[first % 2]!r}, row {first // 2}. Fill the cell, or remove the row."
        )
    return [str(cell).strip() for cell in cells]


def _check_positions(ends, nodes, what, num_nodes):
    """Raises ValueError if the columns "from" and "to" are not the positions of the named nodes."""
    wrong = [
        i
        for i, (cell, node) in enumerate(zip(_ids(ends, what), nodes.ravel(), strict=True))
        if node >= 0 and cell != str(node)
    ]
    if wrong:
        column, row = ends.columns[wrong[0] % 2], wrong[0] // 2
        raise ValueError(
            f"{what} must give the same sensors by position and by name. Received: "
            f"{column}={ends.iloc[row, wrong[0] % 2]} in row {row}, where the name is that of the "
            f"sensor at position {nodes.ravel()[wrong[0]]} of {num_nodes}. Remove the columns from "
            "and to, and rename the columns of names to from and to."
        )


def _with_edges(adjacency, table, names, what):
    """Returns the adjacency. Raises ValueError if it has no edge between two sensors."""
    if not (adjacency[~np.eye(len(names), dtype=bool)] != 0).any():
        raise ValueError(
            f"{what} must have an edge between two sensors of the series. Received: {len(table)} "
            f"rows without such an edge, the first {table.iloc[0].to_dict()}; the sensors are "
            f"{shown(names)}. Check the names of the sensors, or pass `graph=None`."
        )
    return adjacency


def _numbers(cells, name, what, decimal):
    import pandas as pd

    weights = pd.to_numeric(with_points(cells, decimal), errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(np.isnan(weights))
    if bad.size:
        raise ValueError(
            f"{what} must hold numbers. Received: {cells.iloc[bad[0]]!r} in column {name!r}, row "
            f"{bad[0]}. Write a number in each row."
        )
    return weights
