"""A small citation network, which `load_cora` takes for Cora in a test."""

import numpy as np
import pytest
import scipy.sparse as sp

from stgkeras.datasets import Citations
from stgkeras.datasets.published import citations

FILES = tuple(citations._files("cora"))


def small_arrays(seed=0):
    """12 nodes in the npz format: 4 for training, 3 for validation, 4 at the end for testing."""
    rng = np.random.default_rng(seed)
    return {
        "num_nodes": 12,
        "num_features": 6,
        **dict(zip(("feat_row", "feat_col"), np.nonzero(rng.random((12, 6)) < 0.4), strict=True)),
        "edge_index": np.array([[0, 0, 1, 2, 5, 8, 3], [1, 11, 2, 9, 6, 10, 4]]),
        "labels": rng.permutation([0, 1, 2] * 4),
        "train_index": np.arange(4),
        "val_index": np.arange(4, 7),
        "test_index": np.array([10, 8, 11, 9]),
    }


def check(found, arrays):
    n, (i, j) = int(arrays["num_nodes"]), arrays["edge_index"]
    features = np.zeros((n, int(arrays["num_features"])), np.float32)
    features[arrays["feat_row"], arrays["feat_col"]] = 1
    adjacency = np.zeros((n, n))
    adjacency[i, j] = adjacency[j, i] = 1
    assert isinstance(found, Citations) and found.labels.dtype == found.test.dtype == np.int64
    for name, expected in (("features", features), ("adjacency", adjacency)):
        array = getattr(found, name)
        assert isinstance(array, sp.csr_array) and array.dtype == expected.dtype
        np.testing.assert_array_equal(array.toarray(), expected)
    np.testing.assert_array_equal(found.labels, arrays["labels"])
    for part in ("train", "val", "test"):
        np.testing.assert_array_equal(getattr(found, part), np.sort(arrays[f"{part}_index"]))


@pytest.fixture
def small(monkeypatch):
    """Lets `load_cora` expect the small network instead of Cora."""
    arrays = small_arrays()
    content = {"shape": np.array([12, 6]), "labels": arrays["labels"]}
    content["words"] = np.stack([arrays["feat_row"], arrays["feat_col"]])
    content["edges"] = arrays["edge_index"][:, np.lexsort(arrays["edge_index"][::-1])]
    content |= {part: np.sort(arrays[f"{part}_index"]) for part in ("train", "val", "test")}
    monkeypatch.setitem(citations.CONTENT, "cora", citations._digest(content))
    monkeypatch.setattr(citations, "NUM_VAL", 3)
    return arrays
