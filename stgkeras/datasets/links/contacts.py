"""Contacts between pairs of nodes: the links of a network that changes in time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from stgkeras import arguments
from stgkeras.datasets.links.contact_fields import (
    check_range,
    column,
    ends,
    indices,
    seconds,
    with_kinds,
)
from stgkeras.datasets.links.contact_files import from_csv, from_npz
from stgkeras.datasets.links.snapshots import Snapshots, cut_snapshots
from stgkeras.graphs._checks import check_flag, check_number
from stgkeras.types import Array


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

    Example:
        >>> import stgkeras
        >>> contacts = stgkeras.datasets.contacts_from_arrays([0, 20], "ab", "bc")
        >>> contacts.names.tolist(), contacts.source.tolist(), contacts.target.tolist()
        (['a', 'b', 'c'], [0, 1], [1, 2])
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

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Writes the contacts to a csv file, which `load_contacts` reads.

        The file has the columns time (in seconds), source, target and weight. Nodes without
        contacts are not in the file.

        Args:
            path: path of the file.

        Example:
            >>> import os, stgkeras, tempfile
            >>> contacts = stgkeras.datasets.contacts_from_arrays([0, 20], "ab", "bc")
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = os.path.join(folder, "contacts.csv")
            ...     contacts.to_csv(path)
            ...     stgkeras.datasets.load_contacts(path).names.tolist()
            ['a', 'b', 'c']
        """
        import pandas as pd

        ends = {"source": self.names[self.source], "target": self.names[self.target]}
        columns = {"time": self.time, **ends, "weight": self.weight}
        pd.DataFrame(columns).to_csv(arguments.path("path", path), index=False)


def load_contacts(
    path: str | os.PathLike[str],
    directed: bool = False,
    *,
    unit: float = 1.0,
    drop_loops: bool = False,
    columns: Sequence[str | None] | None = None,
    weight: str | None = None,
    kinds: Sequence[str] | None = None,
) -> Contacts:
    """Loads a list of contacts (time, source, target) from a csv or npz file.

    Args:
        path: path of a `.csv` or `.npz` file.
            A csv file has the columns time, source, target and, optionally, weight, in any order,
            named in a header. The file separates the columns by commas, semicolons, tabs or
            blanks. Without a header, a file of three columns is read if the time is certain: the
            only column of dates, or the only column of numbers if it is the first. `columns` names
            the columns of other files.
            An npz file contains arrays with these names. Other accepted names are `t`, `i`, `j`
            and `node_id` of SocioPatterns; `edge_t`, `edge_src`, `edge_dst` and `edge_weight` of
            the England Covid data in PyTorch Geometric Temporal; and `src` and `dst`.
            Times are numbers counted from a midnight, or dates. Nodes are given by name. In an npz
            file, nodes may also be indices into `names`.
        directed: bool. True if a contact is a directed edge from source to target. False if it is
            an undirected edge.
        unit: float. Unit of numeric times, in seconds, for example 86400 for days.
        drop_loops: bool. Whether to leave out contacts of a node with itself. If False, such
            contacts raise an error.
        columns: None, or a name for each column of a csv file, in its order: "time", "source",
            "target", "weight", or None for a column to leave out. A header is then skipped.
        weight: None, or str: name of the column or array to read as the weight.
        kinds: None or a pair of str, see `contacts_from_arrays`.

    Returns:
        `Contacts`.

    Raises:
        FileNotFoundError: if the file is missing.
        ValueError: if the file has another ending, lacks a column or has an unused one, a cell is
            empty, the time column is not certain, and in the cases listed in
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
    kind = arguments.path("path", path).suffix.lower()
    if kind not in (".csv", ".npz"):
        raise ValueError(
            f"`path` must end in .csv or .npz. Received: path={str(path)!r}. Rename or convert the "
            "file."
        )
    if not os.path.isfile(path):
        raise FileNotFoundError(f"`path` must be a file. Received: path={str(path)!r}")
    check_number("unit", unit, "a finite number above 0, in seconds", lambda v: 0 < v < np.inf)
    check_flag("drop_loops", drop_loops)
    try:
        found = (from_npz if kind == ".npz" else from_csv)(path, columns, weight)
        found["time"] = unit * seconds(found["time"])
        return _contacts(**found, directed=directed, kinds=kinds, drop_loops=drop_loops)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def contacts_from_arrays(
    time: np.ndarray | Sequence[Any],
    source: np.ndarray | Sequence[Any],
    target: np.ndarray | Sequence[Any],
    weight: Array | None = None,
    names: Array | None = None,
    directed: bool = False,
    kinds: Sequence[str] | None = None,
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
        kinds: None, or a pair of str: the kinds of nodes in `source` and in `target`, if they
            differ, for example ("user", "item"). The names of the nodes are then "user 1" and
            "item 1", so that equal ids of different kinds are different nodes.

    Returns:
        `Contacts`.

    Raises:
        ValueError: if lengths differ, there are no contacts, a time or weight is not a number, a
            node is missing or unknown, or a contact joins a node to itself.

    Example:
        >>> import stgkeras
        >>> contacts = stgkeras.datasets.contacts_from_arrays([20, 0], ["b", "a"], ["c", "b"])
        >>> contacts.time.tolist(), contacts.source.tolist(), contacts.names.tolist()
        ([0.0, 20.0], [0, 1], ['a', 'b', 'c'])
    """
    return _contacts(seconds(time), source, target, weight, names, directed, kinds)


def _contacts(
    time, source, target, weight=None, names=None, directed=False, kinds=None, drop_loops=False
):
    """Returns `Contacts`, see `contacts_from_arrays`. The time is in seconds."""
    check_flag("directed", directed)
    source, target = ends("source", source), ends("target", target)
    weight = np.ones(len(time), "float32") if weight is None else _weights(weight)
    lengths = {len(array) for array in (time, source, target, weight)}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            "`time`, `source`, `target` and `weight` must have the same length, at least 1. "
            f"Received: {len(time)}, {len(source)}, {len(target)} and {len(weight)}. Pass one "
            "value of each for every contact."
        )
    bad = np.flatnonzero(~np.isfinite(time))
    if bad.size:
        raise ValueError(
            f"`time` must hold numbers or dates. Received: {time[bad[0]]} in row {bad[0]}. "
            "Remove this row."
        )
    check_range(time)
    if kinds is not None:
        if names is not None:
            raise ValueError(
                "`kinds` must be None with `names`, which already tell the nodes apart. Received: "
                f"kinds={kinds!r} and names. Use one of the two."
            )
        source, target = with_kinds(kinds, source, target)
    names, source, target = indices(names, source, target)
    loops = source == target
    if loops.any() and not drop_loops:
        row = np.flatnonzero(loops)[0]
        raise ValueError(
            "`source` and `target` must differ in each row. Received: "
            f"{names[source[row]]} twice in row {row}. If both columns name nodes of the same "
            "kind, remove such rows: pass `drop_loops=True` to `load_contacts`. If they do not, "
            "such as users and items, pass `kinds=('user', 'item')`: otherwise user 1 and item 1 "
            "are the same node."
        )
    kept = np.flatnonzero(~loops)
    if not kept.size:
        raise ValueError(
            "`source` and `target` must differ in some row. Received: only contacts of nodes with "
            "themselves. Check which columns hold the source and the target."
        )
    order = kept[np.argsort(time[kept], kind="stable")]
    time, source, target, weight = time[order], source[order], target[order], weight[order]
    return Contacts(time, source, target, weight, names, bool(directed))


def _weights(weight):
    """Checks the weights, numbers or str of numbers, and returns them as float32."""
    import pandas as pd

    cells = column("weight", weight)
    numbers = np.full(len(cells), np.nan)
    if cells.dtype.kind in "biufUO":
        plain = cells
        if cells.dtype.kind == "O":  # pandas would take dates for numbers
            plain = np.array([c if isinstance(c, (str, Real)) else None for c in cells], object)
        numbers = pd.to_numeric(pd.Series(plain), errors="coerce").to_numpy("float64")
    with np.errstate(over="ignore"):
        numbers = numbers.astype("float32")
    bad = np.flatnonzero(~(np.isfinite(numbers) & (numbers > 0)))
    if bad.size:
        raise ValueError(
            f"`weight` must hold numbers above 0. Received: {cells[bad[0]]} in row {bad[0]}. "
            "A graph adds up the weights of its contacts, so it can have no negative or zero "
            "contacts. Keep only the contacts with positive weight, or make two networks: one of "
            "the contacts with positive weight, and one of the others with `-weight`."
        )
    return numbers
