"""Citation networks: papers, their words and their citations."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from stgkeras.datasets.cache import cache_folder
from stgkeras.datasets.published.downloads import download
from stgkeras.datasets.published.planetoid_files import PARTS, planetoid_arrays
from stgkeras.datasets.series.files import read_npz

ORIGIN = (
    "https://raw.githubusercontent.com/kimiyoung/planetoid/"
    "af6abf468a772cc055bec88c52e4d6f51b7c37e3/data/"
)
# GraphMLDatasets.jl publishes the XOR of these eight checksums and of those of 16 other files.
SHA256 = {
    "ind.cora.x": "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab",
    "ind.cora.tx": "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
    "ind.cora.allx": "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
    "ind.cora.y": "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1",
    "ind.cora.ty": "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
    "ind.cora.ally": "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
    "ind.cora.graph": "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
    "ind.cora.test.index": "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
}
# SHA-256 of the numbers, see `_digest`.
CONTENT = "444f2f8a4e7e45ba267fa4874af8a4814842405c27d54b6d597b5d549a0183ca"
NUM_VAL = 500
EXPECTED = (
    "Cora: 2708 nodes, 1433 features, 49216 words, 5278 edges, 140 training, 500 validation and "
    "1000 test nodes"
)
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


@dataclass(frozen=True, eq=False)
class Citations:
    """Citation network of N papers, with the words of each paper.

    Args:
        features: (N, F) csr_array of float32. Entry [n, f] is 1 if paper n contains word f. Not
            normalised.
        adjacency: (N, N) csr_array of float64. Entry [n, m] is 1 if paper n cites paper m, or m
            cites n. Symmetric, with zero diagonal.
        labels: (N,) int64. Class of each paper.
        train: sorted int64 array of the training nodes.
        val: sorted int64 array of the validation nodes.
        test: sorted int64 array of the test nodes.
    """

    features: sp.csr_array
    adjacency: sp.csr_array
    labels: np.ndarray
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


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
    if path is None:
        path = _download(cache_folder(cache_dir))
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(
            f"`path` must exist. Received: path={path}. Omit `path` to download Cora."
        )
    if path.is_dir() and (path / "cora.npz").is_file():
        path = path / "cora.npz"
    arrays = _from_folder(path) if path.is_dir() else _from_npz(path)
    arrays["words"] = np.unique(arrays["words"], axis=1)
    edges = np.sort(arrays["edges"], axis=0)
    arrays["edges"] = np.unique(edges[:, edges[0] < edges[1]], axis=1)
    _check_content(path, arrays)
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
        raise ValueError(f"`path` must be a folder or end in .npz. Received: path={path}")
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
            f"Received: {wrong}"
        )
    arrays = {
        "shape": [found["num_nodes"], found["num_features"]],
        "words": [found["feat_row"], found["feat_col"]],
        "edges": found["edge_index"],
        "labels": found["labels"],
        **{part: np.sort(found[f"{part}_index"]) for part in ("train", "val", "test")},
    }
    return {name: np.array(array, dtype=np.int64) for name, array in arrays.items()}


def _from_folder(folder):
    missing = [name for name in SHA256 if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder} must hold cora.npz or the eight files ind.cora.*. Received: a folder "
            f"without {', '.join(missing)}"
        )
    return planetoid_arrays({part: folder / f"ind.cora.{part}" for part in PARTS}, NUM_VAL)


def _download(cache):
    """Downloads the files that are missing or damaged, and returns their folder."""
    instead = "give the folder of the eight files ind.cora.* as `path`"
    for name, sha256 in SHA256.items():
        path = download(ORIGIN + name, cache / "cora" / name, sha256, instead)
    return path.parent


def _check_content(path, arrays):
    digest = _digest(arrays)
    if digest != CONTENT:
        counts = {name: array.shape[-1] for name, array in arrays.items() if name != "shape"}
        raise ValueError(
            f"{path} must hold {EXPECTED}. Received: {arrays['shape'][0]} nodes, "
            f"{arrays['shape'][1]} features, entries {counts}, SHA-256 {digest} instead of "
            f"{CONTENT}. Delete the files and call `load_cora()` to download them again."
        )


def _digest(arrays):
    """Returns the SHA-256 of the names, shapes and little-endian int64 numbers of the arrays."""
    digest = hashlib.sha256()
    for name in ("shape", "words", "edges", "labels", "train", "val", "test"):
        digest.update(f"{name} {arrays[name].shape}\n".encode())
        digest.update(arrays[name].astype("<i8").tobytes())
    return digest.hexdigest()
