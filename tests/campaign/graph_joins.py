"""Graphs as files, frames and networks, which are joined to the sensors of a series by names."""

import csv
import io
import os
import pathlib

import numpy as np

from stgkeras import datasets
from tests.campaign.children import Input
from tests.campaign.spoiled import Refused, close, numbers, spoiled
from tests.campaign.tables import CELLS, NAMES, damaged

NODES = (*NAMES[:5], lambda i: f"{i:05d}", lambda i: f"A{i}")


def edges_of(rng, names, most=12):
    """Returns random edges (from, to, weight) without loops, each once."""
    pairs = {(rng.choice(names), rng.choice(names)) for _ in range(rng.randint(1, most))}
    return [(a, b, round(rng.uniform(0.1, 3), 3)) for a, b in sorted(pairs) if a != b]


def sensors(rng):
    name = rng.choice(NODES)
    return [name(i) for i in range(rng.randint(2, 6))]


def matrix_of(edges, names):
    """Returns `[to, from]` of edges; the largest weight counts, and loops do not."""
    found = np.zeros((len(names), len(names)))
    for a, b, weight in edges:
        i, j = names.index(b), names.index(a)
        if i != j:
            found[i, j] = max(found[i, j], weight)
    return found


def near(edges, names, nearest=5):
    """Returns the weights of edges with distances, by the rule in the help of `load_series`."""
    distances = {}
    for a, b, distance in edges:
        for pair in ((a, b), (b, a)):
            if a != b and 0 < distance < np.inf:
                distances[pair] = min(distance, distances.get(pair, np.inf))
    kept = []
    for sensor in {a for a, _ in distances}:
        own = sorted((d, pair) for pair, d in distances.items() if pair[0] == sensor)
        kept += [(pair, d) for d, pair in own if d <= own[min(nearest, len(own)) - 1][0]]
    if not kept:
        raise Refused("no edge")
    square = np.mean([d * d for _, d in kept])
    found = np.zeros((len(names), len(names)))
    for (a, b), d in kept:
        i, j = names.index(a), names.index(b)
        found[i, j] = found[j, i] = np.exp(-d * d / square)
    return found


def known(edges, names, unknown):
    """Returns the edges between sensors; raises `Refused` for another end, unless it is dropped."""
    kept = [edge for edge in edges if edge[0] in names and edge[1] in names]
    if len(kept) < len(edges) and unknown != "drop":
        raise Refused(f"an unknown sensor in {edges}")
    return kept


def value_of(cell, infinite=False):
    try:
        weight = float(cell)
    except (TypeError, ValueError) as error:
        raise Refused(f"weight {cell!r}") from error
    if not 0 <= weight <= np.inf or (weight == np.inf and not infinite) or "_" in str(cell):
        raise Refused(f"weight {cell!r}")
    return weight


def meaning_of_csv(data, names, unknown):
    """Returns the adjacency in csv bytes; None if the bytes have no one meaning."""
    try:
        text = data.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"no csv text: {error}") from error
    if "\0" in text or "\r" in text or any("\n" in cell for row in rows for cell in row):
        return None
    rows = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise Refused("no rows")
    head, rows = rows[0], rows[1:]
    lower = [cell.lower() for cell in head]
    if "from" in lower and "to" in lower:
        ends = [i for i, name in enumerate(lower) if name.startswith(("from_", "to_"))]
        ends = ends or [lower.index("from"), lower.index("to")]
        weight = [i for i, name in enumerate(lower) if name.startswith("weight")]
        far = [i for i, name in enumerate(lower) if name.startswith(("cost", "distance"))]
        weight = weight or far
        edges = []
        for row in rows:
            if len(row) <= max(*ends, *weight) or "" in (row[ends[0]], row[ends[1]]):
                raise Refused(f"the row {row}")
            # An infinite distance is no road.
            value = value_of(row[weight[0]], bool(far)) if weight else 1.0
            edges.append((row[ends[0]], row[ends[1]], value))
        edges = known(edges, names, unknown)
        return near(edges, names) if far else matrix_of(edges, names)
    cells = [head, *rows]
    if len({*map(len, cells)}) > 1:
        raise Refused("rows of different lengths")
    height, width, count = len(cells), len(head), len(names)
    top, left = set(names) <= set(head), set(names) <= {row[0] for row in cells}
    plain = all(is_number(cell) for row in cells for cell in row)
    if (top or left) and plain and (height, width) == (count, count):
        return None
    if not top and not left:
        if (height, width) != (count, count):
            raise Refused(f"a table of shape {(height, width)}")
        found = np.array([[value_of(cell or "nan") for cell in row] for row in cells])
        np.fill_diagonal(found, 0)
        return found
    columns = head[1:] if left and len(head) > 1 and width > len(rows) - 1 and left else head
    columns = head[len(head) - (width - int(left)) :] if top else None
    labels = [row[0] for row in cells[int(top) :]] if left else None
    body = [row[int(left) :] for row in cells[int(top) :]]
    columns, labels = columns or labels, labels or columns
    if len(body) != len(labels) or any(len(row) != len(columns) for row in body):
        raise Refused("labels that do not fit the matrix")
    if len(set(columns)) < len(columns) or len(set(labels)) < len(labels):
        raise Refused("a label twice")
    if unknown != "drop" and {*columns, *labels} != set(names):
        raise Refused("other labels")
    found = np.array(
        [[value_of(body[labels.index(n)][columns.index(m)] or "nan") for m in names] for n in names]
    )
    np.fill_diagonal(found, 0)
    return found


def is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def csv_graph(rng, folder):
    names = sensors(rng)
    edges = edges_of(rng, names)
    if rng.random() < 0.5:
        kind = rng.choice(("weight", "cost", "distance", None, "Weight"))
        rows = [["from", "to", *([kind] if kind else [])]]
        rows += [[a, b, *([str(w)] if kind else [])] for a, b, w in edges]
        if rng.random() < 0.15:
            rows[0] += ["from_id", "to_id"]
            for row in rows[1:]:
                row += row[:2]
                row[:2] = [str(names.index(name)) for name in row[:2]]
    else:
        order = rng.sample(names, len(names))
        matrix = matrix_of(edges, order).tolist()
        top, left = rng.choice(((1, 1), (1, 0), (0, 1), (0, 0)))
        rows = [[str(w) for w in row] for row in matrix]
        rows = [[name, *row] if left else row for name, row in zip(order, rows, strict=True)]
        if top:
            rows.insert(0, [*([rng.choice(("", "id"))] if left else []), *order])
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
        row = rng.choice(rows) if rows else []
        fault = rng.randrange(6)
        if fault < 3 and row:
            row[rng.randrange(len(row))] = rng.choice((*CELLS, *names, "9"))
        elif fault == 3 and rows:
            rows.remove(row)
        elif fault == 4:
            rows.append(list(row))
        elif row:
            row.pop()
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    data = damaged(rng, file.getvalue().encode(), rng.choice((0, 0, 0, 0, 1)))
    path = os.path.join(folder, rng.choice((*["graph.csv"] * 9, "graph.txt", "graph.npz")))
    pathlib.Path(path).write_bytes(data)
    return joined(
        rng, names, path, lambda unknown: meaning_of_csv(data, names, unknown), data, path
    )


def joined(rng, names, graph, meaning, told, path=None):
    """Returns the `Input` of a series with a graph."""
    options = {}
    if rng.random() < 0.15:
        options["symmetric"] = rng.random() < 0.5
    if rng.random() < 0.15:
        options["unknown"] = rng.choice(("drop", "raise", "keep", None))
    readings = np.arange(3.0 * len(names)).reshape(3, -1)

    def check(series):
        try:
            wanted = meaning(options.get("unknown", "raise"))
        except Refused as error:
            return f"accepted: {error}"
        if wanted is None:
            return None
        if options.get("symmetric"):
            wanted = np.maximum(wanted, wanted.T)
        return close(series.adjacency, wanted, 1e-9)

    def call():
        return datasets.from_arrays(readings, graph=graph, names=names, interval=5, **options)

    text = f"{names} {options}\n{type(graph)} {told!r:.1500}"
    return Input(call, datasets.from_arrays, check, 1000 + len(str(told)), text, path=path)


def npz_graph(rng, folder):
    names = sensors(rng)
    order = rng.sample(names, len(names))
    matrix = matrix_of(edges_of(rng, names), order)
    arrays = {rng.choice(("adj", "adjacency")): matrix}
    if rng.random() < 0.6:
        labels = order
        if rng.random() < 0.2:
            labels = rng.choice((order[:-1], [*order[:-1], "x"], [*order[:-1], order[0]], [1, 2]))
        arrays[rng.choice(("names", "sensor_id"))] = np.array(labels)
    for _ in range(rng.choice((0, 0, 1))):
        name = rng.choice(list(arrays))
        try:
            changed = np.asarray(spoiled(rng, arrays[name]))
        except (ValueError, TypeError):
            changed = np.zeros(3)
        arrays[name] = changed if changed.dtype.kind != "O" else np.zeros((2, 2))
    path = os.path.join(folder, "graph.npz")
    np.savez(path, **arrays)
    data = damaged(rng, pathlib.Path(path).read_bytes(), rng.random() < 0.1)
    pathlib.Path(path).write_bytes(data)

    def meaning(unknown):
        found = next(arrays[name] for name in ("adj", "adjacency") if name in arrays)
        labels = next((arrays[name] for name in ("names", "sensor_id") if name in arrays), None)
        return ordered(found, labels, labels, names, unknown)

    return joined(rng, names, path, meaning, arrays, path)


def ordered(matrix, rows, columns, names, unknown):
    """Returns a matrix in the order of the sensors."""
    matrix = numbers(matrix, 2, negative=False)
    if rows is None:
        if matrix.shape != (len(names), len(names)):
            raise Refused(f"shape {matrix.shape}")
        found = matrix.copy()
    else:
        rows, columns = ([str(label).strip() for label in labels] for labels in (rows, columns))
        if len({*rows}) < len(rows) or len({*columns}) < len(columns):
            raise Refused("a label twice")
        missing = not set(names) <= set(rows) or not set(names) <= set(columns)
        if missing or (unknown != "drop" and {*rows, *columns} != set(names)):
            raise Refused("other labels")
        if matrix.shape != (len(rows), len(columns)):
            raise Refused(f"shape {matrix.shape}")
        found = matrix[[rows.index(n) for n in names]][:, [columns.index(n) for n in names]]
    np.fill_diagonal(found, 0)
    return found


TARGETS = (csv_graph, npz_graph)
