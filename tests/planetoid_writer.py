"""Writes a citation network as Planetoid published Cora: pickles of Python 2."""

import pickle
import struct
from collections import defaultdict

import numpy as np
import scipy.sparse as sp


class Python2:
    """Pickles as cPickle of Python 2 did: the published label files come out byte for byte."""

    def __init__(self, value):
        self.memo = {}
        self.bytes = b"\x80\x02" + self.dump(value) + b"."

    def put(self, key):
        self.memo[key] = len(self.memo) + 1
        return b"q" + bytes([self.memo[key]])

    def name(self, name):
        if name in self.memo:
            return b"h" + bytes([self.memo[name]])
        return b"c" + name.replace(" ", "\n").encode() + b"\n" + self.put(name)

    def dump(self, value):
        if value is None or isinstance(value, bool):
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        if isinstance(value, int):
            short = b"M" + struct.pack("<H", value) if 256 <= value < 65536 else b""
            return (
                b"K" + bytes([value])
                if 0 <= value < 256
                else short or struct.pack("<ci", b"J", value)
            )
        if isinstance(value, bytes):
            size = len(value)
            return (b"U" + bytes([size]) if size < 256 else struct.pack("<cI", b"T", size)) + value
        if isinstance(value, tuple):
            items = b"".join(map(self.dump, value))
            return items + bytes([0x84 + len(value)]) if len(value) < 4 else b"(" + items + b"t"
        if isinstance(value, list):
            return b"](" + b"".join(map(self.dump, value)) + b"e"
        if isinstance(value, defaultdict):
            items = b"".join(self.dump(part) for item in value.items() for part in item)
            return (
                self.name("collections defaultdict")
                + self.name("__builtin__ list")
                + b"\x85R"
                + self.put(id(value))
                + b"("
                + items
                + b"u"
            )
        if isinstance(value, np.dtype):
            if value in self.memo:
                return b"h" + bytes([self.memo[value]])
            made = self.name("numpy dtype") + self.dump((value.str[1:].encode(), 0, 1)) + b"R"
            return made + self.put(value) + self.dump((3, b"<", None, None, None, -1, -1, 0)) + b"b"
        if isinstance(value, np.ndarray):
            made = self.name("numpy.core.multiarray _reconstruct") + self.name("numpy ndarray")
            made += self.dump((0,)) + self.dump(b"b") + b"\x87R" + self.put(id(value)) + b"("
            return (
                made
                + b"".join(map(self.dump, (1, value.shape, value.dtype, False, value.tobytes())))
                + b"tb"
            )
        names = ("_shape", "data", "indices", "indptr")
        state = b"".join(self.dump(n.encode()) + self.dump(getattr(value, n)) for n in names)
        return self.name("scipy.sparse.csr csr_matrix") + b")\x81}(" + state + b"ub"


def python2(value):
    return Python2(value).bytes


def python3(value):
    return pickle.dumps(value, protocol=2)


def write_planetoid(folder, arrays, dump=python2, name="cora"):
    """Writes the eight files, with edges given twice and a self loop, as the published ones are."""
    n, test, train = int(arrays["num_nodes"]), arrays["test_index"], len(arrays["train_index"])
    places = (arrays["feat_row"], arrays["feat_col"])
    features = sp.csr_matrix(
        (np.ones(len(places[0]), np.float32), places), shape=(n, int(arrays["num_features"]))
    )
    one_hot = np.eye(max(arrays["labels"]) + 1, dtype=np.int32)[arrays["labels"]]
    graph = defaultdict(list, {0: [0], 2: [1]})
    for i, j in arrays["edge_index"].T.tolist():
        graph[i].append(j)
        graph[j].append(i)
    known = int(min(test))  # the nodes after these that are not in `test` have no row
    parts = {"x": features[:train], "allx": features[:known], "tx": features[test], "graph": graph}
    parts |= {"y": one_hot[:train], "ally": one_hot[:known], "ty": one_hot[test]}
    folder.mkdir(exist_ok=True)
    for part, value in parts.items():
        (folder / f"ind.{name}.{part}").write_bytes(dump(value))
    (folder / f"ind.{name}.test.index").write_text("".join(f"{node}\n" for node in test))
    return folder
