"""Contacts between pairs of nodes: the links of a network that changes in time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stgkeras.datasets.links.snapshots import Snapshots, cut_snapshots
from stgkeras.types import Array

COLUMNS = ("time", "source", "target")
KEYS = {  # names of arrays in npz files; the first that exists is read
    "time": ("time", "t", "edge_t"),
    "source": ("source", "i", "edge_src"),
    "target": ("target", "j", "edge_dst"),
    "weight": ("weight", "edge_weight"),
    "names": ("names", "node_id"),
}


@dataclass(frozen=True)
class Contacts:
    """Temporal network: E contacts between N nodes, sorted by time.

    A contact is a link between two nodes at one time, for example a message or a meeting.

    Args:
        time: (E,) float64. Time of each contact in seconds. Time 0 is a midnight, for example the
            midnight before the first contact.
        source: (E,) int32. Index of the first node of each contact.
        target: (E,) int32. Index of the second node, which differs from the first node.
        weight: (E,) float32, positive. Duration or strength of the contact, in the unit of the
            data.
        names: (N,) str. Names of the nodes.
        directed: bool. True if a contact is a directed edge from source to target. False if it is
            an undirected edge.
    """

    time: np.ndarray
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    names: np.ndarray
    directed: bool = False

    def snapshots(self, width: float, keep_empty: bool = False) -> Snapshots:
        """Divides time into steps of equal width and collects the contacts of each step.

        Args:
            width: float. Length of a step in seconds. Steps begin at multiples of `width`.
            keep_empty: bool. Whether to keep steps without contacts, such as hours at night.

        Returns:
            `Snapshots`.

        Raises:
            ValueError: if `width` is not positive.

        Example:
            >>> import stgkeras
            >>> contacts = stgkeras.datasets.contacts_from_arrays([0, 20, 650], "aab", "bcc")
            >>> snapshots = contacts.snapshots(width=600)
            >>> snapshots.adjacency([0, 1]).sum(axis=(1, 2)).tolist()
            [4.0, 2.0]
        """
        return cut_snapshots(self, width, keep_empty)


def load_contacts(
    path: str | os.PathLike[str],
    directed: bool = False,
    *,
    unit: float = 1.0,
    drop_loops: bool = False,
) -> Contacts:
    """Loads a list of contacts (time, source, target) from a csv or npz file.

    Args:
        path: path of a `.csv` or `.npz` file.
            A csv file has the columns time, source, target and, optionally, weight. Without a
            header, the columns must have this order. Commas, tabs or blanks separate the columns.
            An npz file contains arrays with these names. Other accepted names are `t`, `i`, `j`
            and `node_id` of SocioPatterns, and `edge_t`, `edge_src`, `edge_dst` and `edge_weight`
            of the England Covid data in PyTorch Geometric Temporal.
            Times are numbers counted from a midnight, or dates. Nodes are given by name. In an npz
            file, nodes may also be indices into `names`.
        directed: bool. True if a contact is a directed edge from source to target. False if it is
            an undirected edge.
        unit: float. Unit of numeric times, in seconds, for example 86400 for days.
        drop_loops: bool. Whether to leave out contacts of a node with itself. If False, such
            contacts raise an error.

    Returns:
        `Contacts`.

    Raises:
        FileNotFoundError: if the file is missing.
        ValueError: if the file has another ending or lacks a column, and in the cases listed in
            `contacts_from_arrays`.

    Example:
        >>> import os, stgkeras, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "contacts.csv")
        ...     with open(path, "w") as file:
        ...         _ = file.write("time,source,target\\n0,ann,bob\\n20,bob,cleo\\n")
        ...     contacts = stgkeras.datasets.load_contacts(path)
        >>> contacts.names.tolist(), contacts.source.tolist(), contacts.target.tolist()
        (['ann', 'bob', 'cleo'], [0, 1], [1, 2])

    Source:
        SocioPatterns, sociopatterns.org, for the names `t`, `i`, `j` and `node_id`.
    """
    kind = os.path.splitext(path)[1].lower()
    if kind not in (".csv", ".npz"):
        raise ValueError(f"`path` must end in .csv or .npz. Received: path={str(path)!r}")
    found = (_from_npz if kind == ".npz" else _from_csv)(path)
    if drop_loops:
        kept = found["source"] != found["target"]
        found |= {key: a[kept] for key, a in found.items() if key != "names"}
    try:
        found["time"] = unit * _seconds(found["time"])
        return contacts_from_arrays(**found, directed=directed)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def contacts_from_arrays(
    time: np.ndarray | Sequence[Any],
    source: np.ndarray | Sequence[Any],
    target: np.ndarray | Sequence[Any],
    weight: Array | None = None,
    names: Array | None = None,
    directed: bool = False,
) -> Contacts:
    """Creates `Contacts` from arrays, and sorts the contacts by time.

    Args:
        time: (E,) numbers or dates. Time of each contact: seconds counted from a midnight, or the
            date.
        source: (E,) names of nodes, or indices into `names`. First node of each contact.
        target: (E,) names or indices, as in `source`. Second node of each contact.
        weight: (E,) positive numbers, or None. Weight of each contact. None: each weight is 1.
        names: (N,) names of all nodes, also of nodes without contacts, or None. None: the sorted
            names in `source` and `target`.
        directed: bool. True if a contact is a directed edge from source to target. False if it is
            an undirected edge.

    Returns:
        `Contacts`.

    Raises:
        ValueError: if lengths differ, there are no contacts, a time or weight is not a number, a
            node is unknown, or a contact joins a node to itself.

    Example:
        >>> import stgkeras
        >>> contacts = stgkeras.datasets.contacts_from_arrays([20, 0], ["b", "a"], ["c", "b"])
        >>> contacts.time.tolist(), contacts.source.tolist(), contacts.names.tolist()
        ([0.0, 20.0], [0, 1], ['a', 'b', 'c'])
    """
    time, source, target = _seconds(time), np.asarray(list(source)), np.asarray(list(target))
    weight = np.ones(len(time), "float32") if weight is None else np.asarray(weight, "float32")
    lengths = {len(array) for array in (time, source, target, weight)}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            "`time`, `source`, `target` and `weight` must have the same length, at least 1. "
            f"Received: {len(time)}, {len(source)}, {len(target)} and {len(weight)}"
        )
    for name, array, is_good in (("time", time, True), ("weight", weight, weight > 0)):
        bad = np.flatnonzero(~(np.isfinite(array) & is_good))
        if bad.size:
            rule = "numbers above 0" if name == "weight" else "numbers or dates"
            raise ValueError(
                f"`{name}` must hold {rule}. Received: {array[bad[0]]} in row {bad[0]}"
            )
    names, source, target = _indices(names, source, target)
    loops = np.flatnonzero(source == target)
    if loops.size:
        raise ValueError(
            "`source` and `target` must differ in each row. Received: "
            f"{names[source[loops[0]]]} twice in row {loops[0]}. Remove such rows."
        )
    order = np.argsort(time, kind="stable")
    time, source, target, weight = time[order], source[order], target[order], weight[order]
    return Contacts(time, source, target, weight, names, bool(directed))


def _indices(
    names: Array | None, source: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the names (N,) and the nodes as int32 indices into the names."""
    if names is None:
        names, ends = np.unique(np.concatenate([source, target]), return_inverse=True)
        source, target = np.split(ends.astype("int32"), 2)
        return names.astype(str), source, target
    if np.issubdtype(source.dtype, np.integer):
        names = np.asarray(names).astype(str)
        both = np.concatenate([source, target])
        if both.min() < 0 or both.max() >= len(names):
            raise ValueError(
                f"`source` and `target` must be indices of the {len(names)} `names`. "
                f"Received: {both.min()} … {both.max()}"
            )
        return names, source.astype("int32"), target.astype("int32")
    names = np.asarray(names).astype(str)
    place = {name: index for index, name in enumerate(names.tolist())}
    try:
        found = [[place[name] for name in array.astype(str).tolist()] for array in (source, target)]
    except KeyError as error:
        raise ValueError(
            f"`names` must contain all nodes. Received: names without {error}. Add this name."
        ) from error
    return names, *np.array(found, "int32")


def _seconds(time: np.ndarray | Sequence[Any]) -> np.ndarray:
    """Converts dates to seconds since the midnight before the first date. Keeps numbers."""
    import pandas as pd

    time = np.asarray(list(time))
    if time.dtype.kind in "biuf":
        return time.astype("float64")
    numbers = pd.to_numeric(pd.Series(time), errors="coerce").to_numpy("float64")
    if not np.isnan(numbers).all():
        return numbers
    dates = pd.to_datetime(pd.Index(time), utc=True, errors="coerce")
    return ((dates - dates.min().normalize()) / pd.Timedelta(seconds=1)).to_numpy("float64")


def _from_npz(path):
    with np.load(path, allow_pickle=False) as file:
        keys = {name: [k for k in keys if k in file.files] for name, keys in KEYS.items()}
        missing = [name for name in COLUMNS if not keys[name]]
        if missing:
            raise ValueError(
                f"{path} must hold arrays {', '.join(COLUMNS)}. Received: {file.files}, "
                f"without {', '.join(missing)}"
            )
        return {name: file[found[0]] for name, found in keys.items() if found}


def _from_csv(path):
    import pandas as pd

    rows = pd.read_csv(path, sep=r"[,;\t ]+", engine="python", header=None, dtype=str)
    first = [str(cell).strip().lower() for cell in rows.iloc[0]]
    if set(COLUMNS) <= set(first):
        rows = rows.iloc[1:]
        rows.columns = first
    elif rows.shape[1] >= 3 and any(cell in KEYS for cell in first):
        raise ValueError(f"{path} must have the columns {', '.join(COLUMNS)}. Received: {first}")
    elif rows.shape[1] < 3:
        raise ValueError(
            f"{path} must have the columns {', '.join(COLUMNS)}. Received: {rows.shape[1]} columns"
        )
    else:
        rows = rows.rename(columns=dict(enumerate(COLUMNS)))
    found = {name: rows[name].to_numpy() for name in COLUMNS}
    if "weight" in rows:
        found["weight"] = pd.to_numeric(rows["weight"], errors="coerce").to_numpy()
    return found
