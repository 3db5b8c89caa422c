"""Networks that change: contacts between pairs of nodes, and where to read them from."""

import os
from dataclasses import dataclass

import numpy as np

from stgkeras.datasets.links.snapshots import cut_snapshots

COLUMNS = ("time", "source", "target")
KEYS = {  # of npz files, the first that is there counts
    "time": ("time", "t", "edge_t"),
    "source": ("source", "i", "edge_src"),
    "target": ("target", "j", "edge_dst"),
    "weight": ("weight", "edge_weight"),
    "names": ("names", "node_id"),
}


@dataclass(frozen=True)
class Contacts:
    """E contacts between N nodes, in the order of time.

    Args:
        time: (E,) float64, seconds from a midnight, such as that before the first contact.
        source: (E,) int32, indices of nodes.
        target: (E,) int32, other nodes than `source`.
        weight: (E,) float32, positive: how long or how much, in units of the source.
        names: (N,) str.
        directed: bool. Whether a contact goes from source to target, or joins the two.
    """

    time: np.ndarray
    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    names: np.ndarray
    directed: bool = False

    def snapshots(self, width, keep_empty=False):
        """Cuts time into steps of equal width, each with the graph of its contacts.

        Args:
            width: float. Seconds of a snapshot; the first begins at a multiple of it.
            keep_empty: bool. Whether steps without contact are kept, such as the hours of a night.

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


def load_contacts(path, directed=False, *, unit=1.0, drop_loops=False):
    """Reads a list of contacts: who met whom, and when.

    Args:
        path: `.csv` or `.npz` file.
            csv: columns time, source, target and, if wanted, weight, named in a header or in that
            order; separated by commas, tabs or blanks. npz: arrays of these names, those of
            SocioPatterns, `t`, `i`, `j` and `node_id`, or of PyTorch Geometric Temporal's England
            Covid, `edge_t`, `edge_src`, `edge_dst` and `edge_weight`. Times count from a midnight,
            or are dates; nodes are names, or in an npz also indices into `names`.
        directed: bool. Whether a contact goes from source to target, or joins the two.
        unit: float. Seconds of one unit of the times: 86400 for days.
        drop_loops: bool. Whether rows of a node with itself are left out; else they are refused.

    Returns:
        `Contacts`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is of another kind, or its contents are, see
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
        SocioPatterns, sociopatterns.org, for the second form of the npz.
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


def contacts_from_arrays(time, source, target, weight=None, names=None, directed=False):
    """Makes contacts of arrays; sorts them by time.

    Args:
        time: (E,) seconds from a midnight, or dates.
        source: (E,) of names, or of indices into `names`.
        target: likewise, never equal to `source`.
        weight: None for ones, or (E,) of positive numbers.
        names: None for the names in `source` and `target`, sorted; or (N,), also of nodes without
            contact.
        directed: bool. Whether a contact goes from source to target, or joins the two.

    Returns:
        `Contacts`.

    Raises:
        ValueError: if lengths differ, there is no contact, a time or weight is missing or no
            number, a node is unknown, or a node meets itself.

    Example:
        >>> import stgkeras
        >>> contacts = stgkeras.datasets.contacts_from_arrays([20, 0], ["b", "a"], ["c", "b"])
        >>> contacts.time.tolist(), contacts.source.tolist(), contacts.names.tolist()
        ([0.0, 20.0], [0, 1], ['a', 'b', 'c'])
    """
    time, source, target = _seconds(time), *(np.asarray(list(a)) for a in (source, target))
    weight = np.ones(len(time), "float32") if weight is None else np.asarray(weight, "float32")
    lengths = {len(array) for array in (time, source, target, weight)}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            "`time`, `source`, `target` and `weight` must have one length, at least 1. Received: "
            f"{len(time)}, {len(source)}, {len(target)} and {len(weight)}"
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
            "`source` and `target` must differ: nobody meets themselves. Received: "
            f"{names[source[loops[0]]]} twice in row {loops[0]}; drop such rows."
        )
    order = np.argsort(time, kind="stable")
    arrays = (array[order] for array in (time, source, target, weight))
    return Contacts(*arrays, names, bool(directed))


def _indices(names, source, target):
    """Names (N,) and the nodes as int32 indices into them."""
    if names is None:
        names, ends = np.unique(np.concatenate([source, target]), return_inverse=True)
        return names.astype(str), *np.split(ends.astype("int32"), 2)
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
        raise ValueError(f"`names` must hold all nodes. Received: no {error}") from error
    return names, *np.array(found, "int32")


def _seconds(time):
    """Seconds from the midnight before the first of dates; numbers as they are."""
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
