"""Citeseer: the files skip papers; those have no words, no label, and keep their places."""

import numpy as np
import pytest
from planetoid_writer import python2, python3, write_planetoid

from stgkeras import datasets
from stgkeras.datasets.published import citations, planetoid_files

TEST = np.array([12, 8, 11, 13])  # 9 and 10 have no row


def network():
    rng = np.random.default_rng(0)
    words = rng.random((14, 5)) < 0.5
    words[[9, 10]] = False
    labels = rng.permutation([0, 1, 2] * 5)[:14]
    labels[:3], labels[[9, 10]] = (0, 1, 2), -1
    return {
        "num_nodes": 14,
        "num_features": 5,
        **dict(zip(("feat_row", "feat_col"), np.nonzero(words), strict=True)),
        "edge_index": np.array([[0, 1, 2, 8, 3, 1], [1, 12, 9, 13, 4, 2]]),
        "labels": labels,
        "train_index": np.arange(4),
        "val_index": np.arange(4, 7),
        "test_index": TEST,
    }, words


@pytest.mark.parametrize("dump", [python2, python3])
def test_papers_without_a_row_keep_their_places(tmp_path, monkeypatch, dump):
    arrays, words = network()
    monkeypatch.setattr(citations, "NUM_VAL", 3)
    monkeypatch.setattr(citations, "_check_content", lambda *args: None)
    found = datasets.load_citeseer(write_planetoid(tmp_path, arrays, dump, name="citeseer"))
    np.testing.assert_array_equal(found.features.toarray(), words)
    np.testing.assert_array_equal(found.labels, arrays["labels"])
    adjacency = np.zeros((14, 14))
    adjacency[tuple(arrays["edge_index"])] = 1
    np.testing.assert_array_equal(found.adjacency.toarray(), adjacency + adjacency.T)
    assert found.train.tolist() == [0, 1, 2, 3] and found.val.tolist() == [4, 5, 6]
    assert found.test.tolist() == sorted(TEST)
    np.savez(tmp_path / "citeseer.npz", **arrays)
    again = datasets.load_citeseer(tmp_path)
    np.testing.assert_array_equal(again.labels, found.labels)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("test.index", b"12\n8\n11\n11\n", "3 different indices of 4, after the 8 rows of allx"),
        ("test.index", b"7\n8\n11\n12\n", "which follow the rows of allx"),
        ("test.index", b"8\n9\n10\n999999999\n", "which follow the rows of allx"),
        ("graph", python3({0: [14]}), "must join the nodes 0 to 13. Received: nodes 0 … 14"),
        ("graph", python3({-1: [2]}), "must join the nodes 0 to 13. Received: nodes -1 … 2"),
    ],
)
def test_indices_out_of_place_are_refused(tmp_path, name, data, message):
    folder = write_planetoid(tmp_path, network()[0], name="citeseer")
    (folder / f"ind.citeseer.{name}").write_bytes(data)
    paths = {part: folder / f"ind.citeseer.{part}" for part in planetoid_files.PARTS}
    with pytest.raises(ValueError, match=message):
        planetoid_files.planetoid_arrays(paths, 3)


def test_another_network_is_refused(tmp_path):
    np.savez(tmp_path / "citeseer.npz", **network()[0])
    with pytest.raises(ValueError, match="must hold Citeseer: 3327 nodes.*`load_citeseer"):
        datasets.load_citeseer(tmp_path)
    with pytest.raises(FileNotFoundError, match="holds citeseer.npz or the eight files"):
        (tmp_path / "citeseer.npz").unlink()
        datasets.load_citeseer(tmp_path)
