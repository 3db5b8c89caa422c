"""Cora: content, both formats, and files that are damaged or hostile."""

# ruff: noqa: F811 - fixtures are imported
import hashlib
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from graph_cases import data_file
from planetoid_writer import python2, python3, write_planetoid
from small_citations import FILES, check, small, small_arrays  # noqa: F401

from stgkeras.datasets import load_cora
from stgkeras.datasets.published import citations
from stgkeras.graphs import renormalized_adjacency

# Cora itself


@pytest.fixture(scope="module")
def cora():
    return load_cora(data_file("cora", "cora.npz"))


def test_counts(cora):
    assert cora.features.shape == (2708, 1433) and cora.features.nnz == 49216
    assert (cora.features.data == 1).all()
    assert cora.adjacency.nnz == 2 * 5278 and (cora.adjacency.data == 1).all()
    assert (cora.adjacency != cora.adjacency.T).nnz == 0 and not cora.adjacency.diagonal().any()
    assert np.bincount(cora.labels).tolist() == [351, 217, 418, 818, 426, 298, 180]
    assert np.bincount(cora.labels[cora.train]).tolist() == [20] * 7
    assert [len(part) for part in (cora.train, cora.val, cora.test)] == [140, 500, 1000]
    assert len(np.unique(np.concatenate([cora.train, cora.val, cora.test]))) == 1640


def test_words_labels_graph_and_split_belong_together(cora):
    """SGC (Wu et al., 2019) reaches 81.0 % in the paper; any of them in a wrong order, far less."""
    from sklearn.linear_model import LogisticRegression

    operator = renormalized_adjacency(cora.adjacency)
    x = operator @ (operator @ (cora.features / cora.features.sum(axis=1)[:, None]))
    x = x.tocsr()
    model = LogisticRegression(C=100, max_iter=500).fit(x[cora.train], cora.labels[cora.train])
    assert model.score(x[cora.test], cora.labels[cora.test]) >= 0.80


def test_batches_are_the_graph_with_weights_for_a_part(cora):
    sizes = {"num_nodes": 2708, "num_features": 1433, "num_classes": 7, "num_entries": 49216}
    assert cora.sizes == sizes
    batches = {part: cora.batch(part) for part in ("train", "val", "test")}
    for part, batch in batches.items():
        assert len(batch) == 1
        inputs, labels, weights = batch[0]
        np.testing.assert_array_equal(labels, cora.labels[None])
        assert np.flatnonzero(weights[0]).tolist() == getattr(cora, part).tolist()
        assert set(weights.ravel()) == {0.0, 1.0} and weights.dtype == "float32"
    dense = np.zeros((2708, 1433))
    dense[*inputs["index"][0]] = inputs["value"][0]
    np.testing.assert_allclose(dense.sum(axis=1), 1, rtol=1e-5)  # shares of the words of a paper
    assert ((dense > 0) == (cora.features.toarray() > 0)).all()
    with pytest.raises(ValueError, match='`part` must be "train", "val" or "test"'):
        cora.batch("validation")
    with pytest.raises(IndexError, match="`index` must be 0"):
        batches["train"][1]


def test_accuracy_of_the_words_counts_papers(cora):
    found = cora.accuracy_of_words()
    assert list(found) == ["validation", "test"]
    for name, count in (("validation", 500), ("test", 1000)):
        papers = found[name] * count / 100
        assert papers == pytest.approx(round(papers)) and 0.5 < found[name] / 100 < 0.62


def test_the_published_files_give_the_same(cora, tmp_path):
    arrays = dict(np.load(data_file("cora", "cora.npz")))
    write_planetoid(tmp_path, arrays)
    check(load_cora(tmp_path), arrays)
    for name in ("y", "ty", "ally", "test.index"):  # the sums of the rest depend on lost details
        name = f"ind.cora.{name}"
        sha256 = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        assert sha256 == citations._files("cora")[name]


# Formats


@pytest.mark.parametrize("dump", [python2, python3])
def test_planetoid_files(small, tmp_path, dump):
    check(load_cora(write_planetoid(tmp_path, small, dump)), small)


def test_npz_in_any_order(small, tmp_path):
    order = np.random.default_rng(1).permutation(len(small["feat_row"]))
    changed = {name: small[name][order] for name in ("feat_row", "feat_col")}
    loop, edges = np.array([[3], [3]]), small["edge_index"]
    changed["edge_index"] = np.concatenate([edges[::-1], edges[:, :2], loop], axis=1)
    np.savez(tmp_path / "cora.npz", **small | changed)
    check(load_cora(tmp_path), small)
    check(load_cora(str(tmp_path / "cora.npz")), small)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edge_index": small_arrays()["edge_index"][:, 1:]}, r"2708 nodes.*'edges': 6"),
        ({"labels": np.roll(small_arrays()["labels"], 1)}, "Delete the files and call"),
        ({"feat_col": small_arrays()["feat_col"][::-1]}, "must hold Cora: 2708 nodes"),
        ({"train_index": small_arrays()["val_index"]}, "'train': 3"),
        ({"num_nodes": 10**15}, "Received: 1000000000000000 nodes, 6 features"),
        ({"labels": np.ones((12, 3), int)}, r"arrays of ints.*'labels': \('int64', \(12, 3\)\)"),
        ({"labels": np.ones(12)}, r"arrays of ints.*'labels': \('float64', \(12,\)\)"),
        ({"feat_col": np.arange(3)}, r"equal length.*'feat_col': \(3,\)"),
        ({"edge_index": np.ones((3, 2), int)}, r"'edge_index': \(3, 2\)"),
    ],
)
def test_wrong_npz(small, tmp_path, changes, message):
    np.savez(tmp_path / "a.npz", **small | changes)
    with pytest.raises(ValueError, match=message):
        load_cora(tmp_path / "a.npz")


def test_bad_paths(small, tmp_path):
    write_planetoid(tmp_path / "eight", small)
    for name in ("ind.cora.tx", "ind.cora.graph"):
        (tmp_path / "eight" / name).unlink()
    with pytest.raises(FileNotFoundError, match=r"without ind.cora.tx, ind.cora.graph\. Pass the"):
        load_cora(tmp_path / "eight")
    with pytest.raises(FileNotFoundError, match="`path` must exist. Received: .*absent"):
        load_cora(tmp_path / "absent")
    with pytest.raises(ValueError, match="must be a folder or end in .npz.*ind.cora.x"):
        load_cora(tmp_path / "eight" / "ind.cora.x")
    np.savez(tmp_path / "a.npz", labels=np.arange(3))
    with pytest.raises(ValueError, match="'num_nodes': 'missing'.*'test_index': 'missing'"):
        load_cora(tmp_path / "a.npz")
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-40])
    with pytest.raises(ValueError, match="must be an npz file .* damaged or cut short"):
        load_cora(tmp_path / "a.npz")


# Damaged and hostile files


@pytest.mark.parametrize("name", FILES[:-1])
def test_truncated_pickles(small, tmp_path, name):
    path = write_planetoid(tmp_path, small) / name
    whole = path.read_bytes()
    for size in (0, 1, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(
            ValueError, match=f"{name} must be .* damaged, incomplete or other file"
        ):
            load_cora(tmp_path)


SYSTEM = b"cposix\nsystem\n(S'touch %s'\ntR."


def test_a_pickle_that_runs_commands_is_refused(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle.loads(SYSTEM % b"proof")
    assert (tmp_path / "proof").exists()  # the attack works
    for name in FILES[:-1]:
        path = write_planetoid(tmp_path / "cora", small) / name
        path.write_bytes(SYSTEM % b"marker")
        with pytest.raises(
            ValueError, match=f"{name} must.*import of `posix.system`.* not allowed"
        ):
            load_cora(tmp_path / "cora")
    assert not (tmp_path / "marker").exists()


NESTED = b"\x80\x02}K\x01" + 300_000 * b"\x85" + b"K\x01s."
SHARED = b"\x80\x02}(" + b"K\x00](" + 2000 * b"K\x01" + b"eq\x01"
SHARED += b"".join(b"M" + bytes([i % 256, i // 256]) + b"h\x01" for i in range(300, 5000)) + b"u."
CSR = b"cscipy.sparse.csr\ncsr_matrix\n"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("graph", b"c__builtin__\neval\n(S'1'\ntR.", "`__builtin__.eval` is not allowed"),
        ("graph", b"cnumpy\nload\n(S'a'\ntR.", "`numpy.load` is not allowed"),
        (
            "graph",
            NESTED,
            "too many tuples or too large an index",
        ),  # hashing it overflows the stack of C
        (
            "x",
            b"\x80\x02]r\xff\xff\xff\xff.",
            "too many tuples or too large an index",
        ),  # memo of 64 GB
        ("graph", SHARED, "list the neighbours of each node"),
        ("graph", b"\x80\x02]K\x01a.", "AttributeError"),
        ("x", b"\x80\x02" + CSR + b")\x81.", "has no attribute 'state'"),
        ("allx", b"\x80\x02" + CSR + b"}U\x05stateK\x01sb.", "TypeError.*__setstate__"),
        ("ty", python2(np.array([[1, 0], [1, 1]])), "each row must have a single 1"),
        ("ty", python2(np.eye(2)).replace(b"U\x02f8", b"U\x02O8"), "not dtype 'O8'"),
        ("tx", python2(sp.csr_matrix(2.0 * np.eye(4))), "CSR matrix of zeros and ones"),
        (
            "tx",
            python2(sp.csr_matrix(np.eye(5))),
            r"The files x and y, tx and ty, .*equal numbers of rows.*'tx': 5.*'ty': 4",
        ),
        ("test.index", b"8\n9\n10\n12\n", "must hold Cora: 2708 nodes.*Received: 13 nodes"),
        ("test.index", b"8\n9\n10\n", "'test.index': 3"),
        ("test.index", b"8\nnine\n", "test.index must be .* damaged.*nine"),
        ("test.index", b"8\n9\n10\n11\n", "must hold Cora: 2708 nodes"),  # another order
    ],
)
def test_wrong_planetoid_files(small, tmp_path, name, data, message):
    (write_planetoid(tmp_path, small) / f"ind.cora.{name}").write_bytes(data)
    with pytest.raises(ValueError, match=message):
        load_cora(tmp_path)
    (tmp_path / f"ind.cora.{name}").unlink()
    check(load_cora(write_planetoid(tmp_path, small)), small)  # it left nothing behind
