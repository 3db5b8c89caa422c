"""Reads the eight files of a Planetoid citation network without running code in their pickles."""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path

import numpy as np

PARTS = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")
# The files may import only these names: old names from Python 2, NumPy and SciPy, and the same
# names in present versions.
NAMES = {
    (module, name)
    for modules, names in (
        (("numpy.core.multiarray", "numpy._core.multiarray"), ("_reconstruct",)),
        (("numpy",), ("ndarray", "dtype")),
        (("scipy.sparse.csr", "scipy.sparse._csr"), ("csr_matrix",)),
        (("collections",), ("defaultdict",)),
        (("__builtin__", "builtins"), ("list", "object")),
        (("copy_reg", "copyreg"), ("_reconstructor",)),
        (("_codecs",), ("encode",)),
    )
    for module in modules
    for name in names
}
MAX_TUPLES = 1000  # in a file; the published files have fewer than 30
NUMBERS = ("b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")


def planetoid_arrays(paths: dict[str, Path], num_val: int) -> dict[str, np.ndarray]:
    """Reads a citation network. The nodes have the order of the GCN code of Kipf.

    The first nodes are the rows of allx. Row i of tx is the node with the number in row i of
    test.index. A node with neither row, such as 15 nodes of Citeseer, has no words and no label.
    The rows of x are the training nodes, the next `num_val` rows of allx are the validation nodes.

    Args:
        paths: dict from each of `PARTS` to the path of its file.
        num_val: int. Number of validation nodes.

    Returns:
        dict of int arrays: `shape` (nodes, features), `words` (2, entries), `edges` (2, entries),
        `labels` (-1: no label), `train`, `val` and `test`. Entries may be repeated and in any
        order.

    Raises:
        ValueError: if a file is damaged, or holds anything but plain arrays.
    """
    found = {}
    for part, path in paths.items():
        convert = {"graph": _edges, "test.index": _integers}.get(
            part, _words if part.endswith("x") else _classes
        )
        data = path.read_bytes()
        try:
            found[part] = convert(data)
        except Exception as error:  # a damaged pickle can raise any exception
            raise ValueError(
                f"{path} must be the Planetoid file of that name. Received: a damaged, "
                f"incomplete or other file ({type(error).__name__}: {error}). Use an undamaged "
                "copy."
            ) from error
    (train, _), test = found["x"]["shape"], found["test.index"]
    known, num_features = found["allx"]["shape"]
    rows = {part: found[part]["shape"][0] for part in ("x", "tx", "allx")}
    rows |= {part: len(found[part]) for part in ("y", "ty", "ally", "test.index")}
    if (
        any(rows[part + "x"] != rows[part + "y"] for part in ("", "t", "all"))
        or rows["tx"] != rows["test.index"]
        or train + num_val > known
    ):
        raise ValueError(
            "The files x and y, tx and ty, allx and ally must have equal numbers of rows, and "
            "test.index must hold the indices of the rows of tx, which follow the rows of allx. "
            f"Received: rows {rows} in {paths['x'].parent}. Use all files of one data set."
        )
    span = test - known  # at most as many nodes without a row as with one
    in_range = len(test) and 0 <= span.min() <= span.max() < 2 * len(test)
    if not in_range or len(np.unique(test)) < len(test):
        raise ValueError(
            "test.index must hold the indices of the rows of tx, which follow the rows of allx. "
            f"Received: {len(np.unique(test))} different indices of {len(test)}, after the "
            f"{known} rows of allx, in {paths['test.index']}. Use all files of one data set."
        )
    num_nodes = max(known, int(test.max()) + 1)
    edges = found["graph"]
    if edges.size and not 0 <= edges.min() <= edges.max() < num_nodes:
        raise ValueError(
            f"The file graph must join the nodes 0 to {num_nodes - 1}. Received: nodes "
            f"{edges.min()} … {edges.max()} in {paths['graph']}. Use all files of one data set."
        )
    labels = np.full(num_nodes, -1, np.int64)
    labels[:known], labels[test] = found["ally"], found["ty"]
    node, word = found["tx"]["entries"]
    return {
        "shape": np.array([num_nodes, num_features]),
        "words": np.concatenate([found["allx"]["entries"], [test[node], word]], axis=1),
        "edges": edges,
        "labels": labels,
        "train": np.arange(train),
        "val": np.arange(train, train + num_val),
        "test": np.sort(test),
    }


class _Record(dict):
    """Replaces each object of a pickle. Stores the arguments, the state and the items."""

    def __init__(self, *args):
        super().__init__()
        self.args = args

    def __setstate__(self, state):
        self.state = state


class _Unpickler(pickle.Unpickler):
    """Unpickler without imports: allowed names become `_Record`, other names raise an error."""

    def find_class(self, module, name):
        if (module, name) not in NAMES:
            raise pickle.UnpicklingError(f"the import of `{module}.{name}` is not allowed")
        return _Record


def _load(data):
    num_tuples = 0
    for opcode, argument, _ in pickletools.genops(data):  # limits the use of memory and stack
        num_tuples += opcode.name.startswith("TUPLE")
        if num_tuples > MAX_TUPLES or (opcode.name.endswith("PUT") and argument > len(data)):
            raise pickle.UnpicklingError("the file has too many tuples or too large an index")
    return _Unpickler(io.BytesIO(data), encoding="latin1").load()


def _array(record):
    """Returns an array from its pickled state (version, shape, dtype, Fortran order, bytes)."""
    _, shape, dtype, fortran, data = record.state
    code, order = dtype.args[0], dtype.state[1]
    if code not in NUMBERS:
        raise ValueError(f"arrays must hold numbers, not dtype {code!r}")
    if isinstance(data, _Record):  # Python 3 writes bytes as `_codecs.encode(text, "latin1")`
        data = data.args[0]
    data = data.encode("latin1") if isinstance(data, str) else data
    array = np.frombuffer(data, np.dtype(code).newbyteorder(order))
    return array.reshape(shape, order="F" if fortran else "C")


def _words(data):
    """Returns the shape of a CSR matrix of zeros and ones, and the indices of its ones (2, E)."""
    state = _load(data).state
    values, indices, indptr = (_array(state[name]) for name in ("data", "indices", "indptr"))
    num_rows, num_columns = map(int, state["_shape"])
    counts = np.diff(indptr)
    if (
        indptr.shape != (num_rows + 1,)
        or not values.shape == indices.shape == (indptr[-1],)
        or indptr[0] != 0
        or (counts < 0).any()
        or not np.isin(values, (0, 1)).all()
    ):
        raise ValueError("the file must contain a CSR matrix of zeros and ones")
    entries = np.stack([np.repeat(np.arange(num_rows), counts), indices.astype(np.int64)])
    return {"shape": (num_rows, num_columns), "entries": entries[:, values == 1]}


def _classes(data):
    one_hot = _array(_load(data))
    if one_hot.ndim != 2 or not (np.sort(one_hot)[:, ::-1] == np.eye(1, one_hot.shape[1])).all():
        raise ValueError("each row must have a single 1")
    return one_hot.argmax(axis=1)


def _edges(data):
    lists = _load(data)
    if sum(map(len, lists.values())) > len(data):
        raise ValueError("the file must list the neighbours of each node")
    pairs = [(node, other) for node, others in lists.items() for other in others]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2).T


def _integers(data):
    return np.array([int(line) for line in data.split()], dtype=np.int64)
