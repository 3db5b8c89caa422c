"""Citation networks: papers, their words and their citations."""

from __future__ import annotations

import hashlib
import os

import numpy as np
import scipy.sparse as sp

from stgkeras import arguments
from stgkeras.datasets.cache import cache_folder
from stgkeras.datasets.published.citation_network import Citations
from stgkeras.datasets.published.downloads import download
from stgkeras.datasets.published.planetoid_files import PARTS, planetoid_arrays
from stgkeras.datasets.series.files import read_npz

ORIGIN = (
    "https://raw.githubusercontent.com/kimiyoung/planetoid/"
    "af6abf468a772cc055bec88c52e4d6f51b7c37e3/data/"
)
# GraphMLDatasets.jl publishes the XOR of the checksums of Cora and of those of 16 other files.
SHA256 = {  # of the files ind.<name>.<part>
    "cora": {
        "x": "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",
        "tx": "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
        "allx": "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
        "y": "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
        "ty": "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
        "ally": "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
        "graph": "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
        "test.index": "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
    },
    "citeseer": {
        "x": "d20de19150741e555de0ed037195630fc194114ebc7fd72ced62810148aa22f6",
        "tx": "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21",
        "allx": "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668",
        "y": "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924",
        "ty": "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce",
        "ally": "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95",
        "graph": "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7",
        "test.index": "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4",
    },
}
# SHA-256 of the numbers, see `_digest`.
CONTENT = {
    "cora": "444f2f8a4e7e45ba267fa4874af8a4814842405c27d54b6d597b5d549a0183ca",
    "citeseer": "54be52faf70483ea7a221c38eba725f4209a76b99e03204bd5ed34e53501b51c",
}
NUM_VAL = 500
EXPECTED = {
    "cora": "Cora: 2708 nodes, 1433 features, 49216 words, 5278 edges, 140 training, 500 "
    "validation and 1000 test nodes",
    "citeseer": "Citeseer: 3327 nodes, 3703 features, 105165 words, 4552 edges, 120 training, 500 "
    "validation and 1000 test nodes",
}
DIMENSIONS = {  # number of axes of each array in an npz file
    "num_nodes": 0,
    "num_features": 0,
    "feat_row": 1,
    "feat_col": 1,
    "edge_index": 2,
    "labels": 1,
    "train_index": 1,
    "val_index": 1,
    "test_index": 1,
}


def load_cora(
    path: str | os.PathLike[str] | None = None, cache_dir: str | os.PathLike[str] | None = None
) -> Citations:
    """Loads the Cora citation network with its public split (download of 0.5 MB).

    2708 papers of 7 classes, 1433 words, 5278 citations. The split has 140 training nodes (20 of
    each class), 500 validation nodes and 1000 test nodes.

    The function checks the SHA-256 checksum of the numbers (words, citations, labels, split).
    Before it opens downloaded files, it also checks the SHA-256 checksums of the files. The files
    are pickles, but the function runs no code from them.

    Args:
        path: None, or the path of a file or folder to read instead of the cache.
            A folder contains `cora.npz`, or the eight files `ind.cora.x`, `tx`, `allx`, `y`, `ty`,
            `ally`, `graph` and `test.index` of Planetoid. An npz file contains arrays of ints:
            `num_nodes` and `num_features`; `feat_row` and `feat_col`, the row and column indices
            of the features that are 1; `edge_index` (2, edges), each edge once; `labels` (nodes,);
            `train_index`, `val_index` and `test_index`.
        cache_dir: folder of the cache for the eight files. Default: `datasets/stgkeras` in the
            Keras home (`KERAS_HOME` or `~/.keras`). Undamaged files in the cache are not
            downloaded again.

    Returns:
        `Citations`.

    Raises:
        FileNotFoundError: if `path` or one of its files is missing.
        OSError: if the download fails.
        ValueError: if a file is damaged or contains other objects, or its content is not Cora.

    Example:
        >>> import stgkeras
        >>> cora = stgkeras.datasets.load_cora()  # doctest: +SKIP
        >>> cora.features.shape, cora.adjacency.nnz // 2  # doctest: +SKIP
        ((2708, 1433), 5278)

    Source:
        Yang et al., 2016 (Planetoid), arXiv:1603.08861, for the files and the split; Kipf and
        Welling, 2017 (GCN), arXiv:1609.02907, for the order of the nodes and the 500 validation
        nodes. Departs from the GCN code: the features are not normalized, repeated citations
        count once, and citations of a paper by itself are left out.
    """
    return _load("cora", path, cache_dir)


def load_citeseer(
    path: str | os.PathLike[str] | None = None, cache_dir: str | os.PathLike[str] | None = None
) -> Citations:
    """Loads the Citeseer citation network with its public split (download of 1 MB).

    3327 papers of 6 classes, 3703 words, 4552 citations. The split has 120 training nodes (20 of
    each class), 500 validation nodes and 1000 test nodes. 15 papers have no words and no label:
    their label is -1, and they are in no part of the split.

    The files are `citeseer.npz` or `ind.citeseer.x`, …; all else is as in `load_cora`.

    Args:
        path: None, or the path of a file or folder, see `load_cora`.
        cache_dir: folder of the cache, see `load_cora`.

    Returns:
        `Citations`.

    Raises:
        FileNotFoundError: if `path` or one of its files is missing.
        OSError: if the download fails.
        ValueError: if a file is damaged or contains other objects, or its content is not Citeseer.

    Example:
        >>> import stgkeras
        >>> citeseer = stgkeras.datasets.load_citeseer()  # doctest: +SKIP
        >>> int((citeseer.labels < 0).sum())  # doctest: +SKIP
        15

    Source:
        See `load_cora`.
    """
    return _load("citeseer", path, cache_dir)


def _load(name, path, cache_dir):
    """Loads a citation network, see `load_cora`."""
    if path is None:
        path = _download(name, cache_folder(cache_dir))
    path = arguments.path("path", path)
    if not path.exists():
        title = name.capitalize()
        raise FileNotFoundError(
            f"`path` must exist. Received: path={str(path)!r}. Omit `path` to download {title}."
        )
    if path.is_dir() and (path / f"{name}.npz").is_file():
        path = path / f"{name}.npz"
    arrays = _from_folder(name, path) if path.is_dir() else _from_npz(path)
    arrays["words"] = np.unique(arrays["words"], axis=1)
    edges = np.sort(arrays["edges"], axis=0)
    arrays["edges"] = np.unique(edges[:, edges[0] < edges[1]], axis=1)
    _check_content(name, path, arrays)
    return _citations(**arrays)


def _citations(shape, words, edges, labels, train, val, test):
    links = np.concatenate([edges, edges[::-1]], axis=1)
    return Citations(
        sp.csr_array((np.ones(words.shape[1], np.float32), words), shape=tuple(shape)),
        sp.csr_array((np.ones(links.shape[1]), links), shape=(shape[0], shape[0])),
        labels,
        train,
        val,
        test,
    )


def _from_npz(path):
    if path.suffix != ".npz":
        raise ValueError(
            f"`path` must be a folder or end in .npz. Received: path={path}. Pass the folder of "
            "the Planetoid files, or an npz file."
        )
    found = read_npz(path)
    wrong = {
        name: (found[name].dtype.name, found[name].shape) if name in found else "missing"
        for name, ndim in DIMENSIONS.items()
        if name not in found or found[name].dtype.kind not in "iu" or found[name].ndim != ndim
    }
    if not wrong and len(found["feat_row"]) != len(found["feat_col"]):
        wrong = {name: found[name].shape for name in ("feat_row", "feat_col")}
    if not wrong and len(found["edge_index"]) != 2:
        wrong = {"edge_index": found["edge_index"].shape}
    if wrong:
        raise ValueError(
            f"{path} must hold arrays of ints with these numbers of axes: {DIMENSIONS}, with "
            "feat_row and feat_col of equal length, and edge_index of shape (2, edges). "
            f"Received: {wrong}. Pass another file, or omit `path` to download the set."
        )
    arrays = {
        "shape": [found["num_nodes"], found["num_features"]],
        "words": [found["feat_row"], found["feat_col"]],
        "edges": found["edge_index"],
        "labels": found["labels"],
        **{part: np.sort(found[f"{part}_index"]) for part in ("train", "val", "test")},
    }
    return {name: np.array(array, dtype=np.int64) for name, array in arrays.items()}


def _from_folder(name, folder):
    missing = [file for file in _files(name) if not (folder / file).is_file()]
    if missing:
        raise FileNotFoundError(
            f"`path` must be a folder that holds {name}.npz or the eight files ind.{name}.*. "
            f"Received: {folder}, without {', '.join(missing)}. Pass the right folder."
        )
    return planetoid_arrays({part: folder / f"ind.{name}.{part}" for part in PARTS}, NUM_VAL)


def _files(name):
    """Returns {file name: SHA-256} of the eight files of a network."""
    return {f"ind.{name}.{part}": sha256 for part, sha256 in SHA256[name].items()}


def _download(name, cache):
    """Downloads the files that are missing or damaged, and returns their folder."""
    instead = f"give the folder of the eight files ind.{name}.* as `path`"
    for file, sha256 in _files(name).items():
        path = download(ORIGIN + file, cache / name / file, sha256, instead)
    return path.parent


def _check_content(name, path, arrays):
    digest = _digest(arrays)
    if digest != CONTENT[name]:
        counts = {key: array.shape[-1] for key, array in arrays.items() if key != "shape"}
        raise ValueError(
            f"{path} must hold {EXPECTED[name]}. Received: {arrays['shape'][0]} nodes, "
            f"{arrays['shape'][1]} features, entries {counts}, SHA-256 {digest} instead of "
            f"{CONTENT[name]}. Delete the files and call `load_{name}()` to download them again."
        )


def _digest(arrays):
    """Returns the SHA-256 of the names, shapes and little-endian int64 numbers of the arrays."""
    digest = hashlib.sha256()
    for name in ("shape", "words", "edges", "labels", "train", "val", "test"):
        digest.update(f"{name} {arrays[name].shape}\n".encode())
        digest.update(arrays[name].astype("<i8").tobytes())
    return digest.hexdigest()
