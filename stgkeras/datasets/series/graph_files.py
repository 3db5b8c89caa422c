"""Reads graphs from npz and csv files."""

from __future__ import annotations

import os

import numpy as np

from stgkeras.datasets.series import files
from stgkeras.datasets.series.coordinates import from_coordinates, has_coordinates
from stgkeras.datasets.series.csv_text import all_cells, csv_text
from stgkeras.datasets.series.edge_tables import from_edge_table, lower_case, refuse_other_headers
from stgkeras.datasets.series.joined import by_labels, joined
from stgkeras.datasets.series.sensor_names import shown

TYPES = (".npz", ".csv", ".tsv")
FIX = "Write commas between the cells, and numbers with a decimal point."


def graph_of(graph, names, unknown="raise"):
    """Returns the adjacency of `graph`, or of its file, for the sensors `names`, before checks.

    Arguments as in `graph_parts`.
    """
    return graph_parts(graph, names, unknown)["adjacency"]


def graph_parts(graph, names, unknown="raise"):
    """Returns the fields `adjacency` and `places` of the series of the sensors `names`.

    The adjacency is not checked yet. `places` is None if `graph` has no coordinates.

    Args:
        graph: None, a path, a frame with coordinates, or a graph as in `joined`.
        names: sequence of N names of sensors.
        unknown: "raise", or "drop" to leave out sensors that are not in `names`.
    """
    names = [str(name) for name in names]
    if unknown not in ("raise", "drop"):
        raise ValueError(f'`unknown` must be "raise" or "drop". Received: unknown={unknown!r}')
    is_path = isinstance(graph, (str, os.PathLike))
    if is_path and _is_coordinates_file(graph):
        table, decimal = _frame(graph)
        return from_coordinates(table, names, str(graph), unknown, decimal)
    if hasattr(graph, "iloc") and has_coordinates(getattr(graph, "columns", ())):
        return from_coordinates(graph, names, "`graph`", unknown)
    adjacency = (graph_from_file if is_path else joined)(graph, names, unknown)
    return {"adjacency": adjacency, "places": None}


def graph_from_file(path, names, unknown="raise", weigh=True):
    """Reads an adjacency `[target, source]` for the sensors `names`. Weights are not checked yet.

    Arguments as in `graph_of`; `weigh` as in `from_edge_table`. The names in a file count, also in
    npz files; only a matrix without names has the order of the sensors.
    """
    options = {"names": names, "what": str(path), "unknown": unknown}
    if files.file_type(path, TYPES, "graph") == ".npz":
        arrays = files.read_npz(path)
        adjacency = files.first_of(arrays, files.ADJACENCY_KEYS)
        if adjacency is None:
            raise ValueError(
                f"{path} must hold `adj` or `adjacency`. Received: {sorted(arrays)}. Compute an "
                "adjacency from distances with `stgkeras.graphs.gaussian_kernel`."
            )
        labels = files.first_of(arrays, files.NAME_KEYS)
        if labels is None or adjacency.ndim != 2:
            return adjacency
        if labels.ndim != 1:
            raise ValueError(
                f"{path} must have one name for each node. Received: an array of names of shape "
                f"{labels.shape}. Store a one-dimensional array."
            )
        labels = [str(label) for label in labels]
        return by_labels(adjacency, labels, labels, **options)
    text = csv_text(path, fix=FIX)
    if {"from", "to"} <= set(lower_case(text.header[0])):
        table, decimal = _frame(path)
        return from_edge_table(table, **options, decimal=decimal, weigh=weigh)
    matrix = _plain_matrix(text, len(names))
    if matrix is None:
        refuse_other_headers(text.header[0], text.rows, names, str(path))
    return _labelled_matrix(path, options) if matrix is None else matrix


def matrix_from_csv(path, text=None):
    """Reads a table of numbers without header, from a file or from its bytes `text`."""
    table = files.read_csv(path, text, header=None)
    return files.numbers_of(path, table, range(table.shape[1]))


def distances_from_csv(path):
    """Reads rows of `from,to,distance`, with or without header: ids (E, 2) and numbers (E,)."""
    skip = int([name.lower() for name in files.header_of(path)][:2] == ["from", "to"])
    table = files.read_csv(path, header=None, skiprows=skip, dtype={0: str, 1: str})
    if table.shape[1] != 3:
        raise ValueError(
            f"{path} must hold rows of from, to and distance. Received: {table.shape[1]} columns. "
            "Remove the other columns."
        )
    return table.iloc[:, :2].to_numpy(object), files.numbers_of(path, table.iloc[:, 2:], [2])[:, 0]


def _is_coordinates_file(path):
    if files.file_type(path, TYPES, "graph") == ".npz":
        return False
    return has_coordinates(csv_text(path, fix=FIX).header[0])


def _frame(path):
    """Reads a csv file with a header as a frame of str. Returns the frame and the decimal sign."""
    import pandas as pd

    (header, *rows), decimal = all_cells(path, FIX)
    return pd.DataFrame(rows, columns=header, dtype=str), decimal


def _plain_matrix(text, num_nodes):
    """Reads a matrix (N, N) of numbers without labels. None if the file has another form."""
    import pandas as pd

    form = {"sep": text.separator, "decimal": text.decimal, "encoding": "utf-8-sig"}
    try:
        table = pd.read_csv(text.path, header=None, low_memory=False, **form)
    except (pd.errors.ParserError, UnicodeDecodeError):
        return None  # `all_cells` explains the fault
    numeric = all(kind.kind in "iuf" for kind in table.dtypes)
    if table.shape != (num_nodes, num_nodes) or not numeric:
        return None
    return None if np.isnan(table.iloc[0, 0]) else table.to_numpy(np.float64)


def _labelled_matrix(path, options):
    """Reads a matrix with the names of the sensors in the first row, the first column or both."""
    rows, decimal = all_cells(path, FIX)
    cells = np.array(rows)
    (height, width), names = cells.shape, options["names"]
    top, left = int(height >= width), int(width >= height)  # whether a row or column has labels
    columns = cells[0, left:].tolist() if top else None
    rows = cells[top:, 0].tolist() if left else None
    labels, extra = columns or rows, (height - len(names), width - len(names))
    if top and left:
        is_labelled = not _is_number(cells[0, 0]) or set(names) <= set(labels)
    else:
        is_labelled = bool(set(names) & set(labels))
    is_labelled |= extra in ((1, 1), (1, 0), (0, 1))
    if abs(height - width) <= 1 and is_labelled:
        matrix = _as_numbers(path, cells[top:, left:], columns, decimal)
        return by_labels(matrix, rows, columns, **options)
    if extra == (0, 0):
        return _as_numbers(path, cells, None, decimal)
    raise ValueError(
        f"{path} must hold a matrix for the {len(names)} nodes of the series, with the names of "
        "sensors in its first row and column or without names; or edges, with the header from,to; "
        "or places, with the header sensor,latitude,longitude. "
        f"Received: a table of shape {cells.shape} with the first row {shown(cells[0].tolist())}; "
        f"the sensors are {shown(names)}."
    )


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _as_numbers(path, cells, header, decimal):
    import pandas as pd

    return files.numbers_of(path, pd.DataFrame(cells), header or range(cells.shape[1]), decimal)
