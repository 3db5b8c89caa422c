"""The published traffic sets: written small in their formats, and read by path."""

import functools
import os
import pickle
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from traffic_writer import check, file_of, install_set, load, times_of, write_hdf5, write_zip

from stgkeras import datasets
from stgkeras.datasets.published import stgcn
from stgkeras.datasets.published.traffic_set import SETS

every_set = pytest.mark.parametrize("key", SETS)


@pytest.fixture
def write(tmp_path, monkeypatch):
    return functools.partial(install_set, tmp_path, monkeypatch)


# By path


@every_set
def test_by_path(write, key):
    folder, *expected = write(key)
    check(load(key, folder), *expected)
    check(load(key, str(file_of(folder, expected[0]))), *expected)
    series = load(key, folder)
    named = key in ("metr_la", "pems_bay", "pems03", "los_loop", "sz_taxi")
    assert series.names == (("773869", "767541", "400017", "9") if named else tuple("0123"))


@pytest.mark.parametrize("key", ["metr_la", "pems_bay"])
@pytest.mark.parametrize("ids", [str, int])
def test_pandas_hdf5(write, key, ids):
    folder, known, values, adjacency = write(key)
    os.remove(file_of(folder, known))
    names = [ids(name) for name in ("773869", "767541", "400017", "9")]
    frame = pd.DataFrame(values[..., 0], times_of(known), names)
    write_hdf5(folder / known.files["series"].also[0].upper(), frame, key="speed")
    check(load(key, folder), known, values, adjacency)


@pytest.mark.parametrize("key", ["sz_taxi", "pems03", "pems04", "pems07", "pems08"])
def test_the_user_says_what_marks_a_missing_reading(write, key):
    folder, known, values, _ = write(key)
    load_it = getattr(datasets, f"load_{key}")
    assert load_it(folder).null_value is None
    mark = float(np.float32(values[0, 0, 0]))
    found = load_it(folder, null_value=mark)
    expected = np.where(values.astype("float32") == np.float32(mark), np.nan, values)
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)
    assert np.isnan(found.values).any() and found.null_value == mark
    with pytest.raises(ValueError, match="`null_value` must be None or a number. Received: null_v"):
        load_it(folder, null_value="0")


def test_other_names_of_files(write):
    folder, *expected = write("pems08")
    os.rename(file_of(folder, expected[0]), folder / "mine.npz")
    os.rename(file_of(folder, expected[0], "graph"), folder / "distance.csv")
    check(load("pems08", folder / "mine.npz"), *expected)
    folder, known, values, adjacency = write("pemsd7m")
    with zipfile.ZipFile(file_of(folder, known)) as archive:
        for name in "VW":
            text = archive.read(f"a/PeMSD7_{name}_228.csv")
            (folder / f"{name}_228.csv").write_bytes(text)
    os.remove(file_of(folder, known))
    check(load("pemsd7m", folder), known, values, adjacency)


def test_missing_files(write, tmp_path):
    folder, known, *_ = write("pems03")
    for role, names in (("names", "PEMS03.txt"), ("graph", "PEMS03.csv or distance.csv")):
        os.remove(file_of(folder, known, role))
        with pytest.raises(FileNotFoundError, match=f"that holds {names}.* from https://zenodo"):
            load("pems03", folder)
    with pytest.raises(FileNotFoundError, match="`path` must exist. Received: path=.*absent"):
        load("pems03", tmp_path / "absent")


# What is not the set


@every_set
def test_wrong_content(write, key):
    folder, known, *_ = write(key)
    steps, num_nodes, width = known.shape
    (mean, _), *others = known.means
    for change, message in (
        ({"shape": (steps + 1, num_nodes, width)}, rf"{steps + 1} steps of 4 .*\({steps}, 4"),
        ({"shape": (steps, 5, width)}, rf"{steps} steps of 5 sensors.*\({steps}, 4"),
        (
            {"means": ((mean + 0.01, 0.001), *others)},
            f"mean {known.features[0]} .* instead of .* ± 0.001",
        ),
        ({"largest": 81}, f"largest {known.features[0]} .* instead of 81"),
        (
            {"num_edges": known.num_edges + 1},
            f"{known.num_edges} edges instead of {known.num_edges + 1}",
        ),
    ):
        SETS[key] = replace(known, **change)
        with pytest.raises(ValueError, match=f"(?s)must .*{message}"):
            load(key, folder)
    SETS[key] = known
    load(key, folder)


def test_wrong_second_feature(write):
    folder, known, *_ = write("pems04")
    SETS["pems04"] = replace(known, means=(*known.means[:1], (500, 1), known.means[2]))
    with pytest.raises(ValueError, match=r"mean occupancy .* instead of 500 ± 1\. Use"):
        load("pems04", folder)


def test_wrong_times(write):
    folder, known, *_ = write("pems_bay")
    path = file_of(folder, known)
    text = path.read_text().replace("2017-03-12 03:00:00", "2017-03-12 02:00:00")
    path.write_text(text)
    with pytest.raises(ValueError, match=r"T03:00:00 in row 6. Received: 2017-03-12T02:00:00"):
        load("pems_bay", folder)


def test_missing_readings_where_there_are_none(write):
    folder, known, values, _ = write("pems08")
    values[2, 1, 0] = np.nan
    np.savez(file_of(folder, known), data=values)
    with pytest.raises(ValueError, match=r"PEMS08.npz must not hold NaN.*first at \(2, 1, 0\)"):
        load("pems08", folder)


@every_set
def test_damaged(write, key):
    folder, known, *_ = write(key)
    path = file_of(folder, known)
    data = path.read_bytes()
    for damaged in (data[: len(data) // 2], data[:-30], b"", b"\x80\x02cos\nsystem\n."):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"{path.name} must"):
            load(key, folder)


@pytest.mark.parametrize("size", [0, 100, 3000, -20])
def test_damaged_hdf5(write, size):
    folder, known, values, _ = write("metr_la")
    write_hdf5(folder / "a.h5", pd.DataFrame(values[..., 0], times_of(known), list("abcd")))
    (folder / "a.h5").write_bytes((folder / "a.h5").read_bytes()[:size])
    with pytest.raises(ValueError, match=r"a.h5 must be an HDF5 file in which pandas"):
        load("metr_la", folder / "a.h5")


def test_hdf5_of_something_else(write):
    import h5py

    folder, known, values, _ = write("metr_la")
    frame = pd.DataFrame(values[..., 0], times_of(known), list("abcd"))

    def break_items(group):
        del group["block0_items"]
        group["block0_items"] = np.array(list("badc"), "S1")

    for change, message in (
        (lambda group: group.file.create_group("other"), "too many values"),
        (lambda group: group.__delitem__("axis1"), "axis1"),
        (lambda group: group["axis1"].attrs.__setitem__("kind", np.bytes_("integer")), "integer"),
        (break_items, "the columns are not in order"),
    ):
        write_hdf5(folder / "a.h5", frame)
        with h5py.File(folder / "a.h5", "r+") as file:
            change(file["df"])
        with pytest.raises(ValueError, match=f"a.h5 must be an HDF5 .*{message}"):
            load("metr_la", folder / "a.h5")
    write_hdf5(folder / "a.h5", frame.iloc[:5])
    with pytest.raises(ValueError, match=r"a.h5 .*shape \(12, 4\)\. Received: shape=\(5, 4\)"):
        load("metr_la", folder / "a.h5")


class Touch:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_pickles_are_not_opened(write, tmp_path):
    folder, known, *_ = write("pems04")
    np.savez(file_of(folder, known), data=np.array([Touch(tmp_path / "evil")], dtype=object))
    with pytest.raises(ValueError, match="PEMS04.npz must be an npz .* pickled objects"):
        load("pems04", folder)
    (folder / "adj_mx.pkl").write_bytes(pickle.dumps(Touch(tmp_path / "evil")))
    with pytest.raises(ValueError, match="adj_mx.pkl. A pickle file can run harmful code"):
        load("pems04", folder / "adj_mx.pkl")
    assert not (tmp_path / "evil").exists()


def test_zip_archives_are_not_unpacked(write, tmp_path, monkeypatch):
    folder, known, values, adjacency = write("pemsd7m")
    path = file_of(folder, known)
    with zipfile.ZipFile(path) as archive:
        speeds, metres = (archive.read(f"a/PeMSD7_{name}_228.csv") for name in "VW")
    hostile = {"../../evil.csv": "1", "/PeMSD7_V_228.csv": speeds, "../PeMSD7_W_228.csv": metres}
    write_zip(path, hostile)
    before = sorted(tmp_path.rglob("*"))
    check(load("pemsd7m", folder), known, values, adjacency)
    assert sorted(tmp_path.rglob("*")) == before
    monkeypatch.setattr(stgcn, "MAX_MEMBER", len(speeds) - 1)
    with pytest.raises(ValueError, match=f"one PeMSD7_V_228.csv of at most .*{len(speeds)}"):
        load("pemsd7m", folder)
    monkeypatch.setattr(stgcn, "MAX_MEMBER", len(speeds))
    write_zip(path, hostile | {"b/PeMSD7_W_228.csv": "1"})
    with pytest.raises(ValueError, match="must hold one PeMSD7_W_228.csv .*Received: 2 of sizes"):
        load("pemsd7m", folder)


def test_errors_name_the_file_at_fault(write):
    folder, known, *_ = write("pems03")
    file_of(folder, known, "names").write_bytes(b"773869\n\xff\xfe\n")
    with pytest.raises(ValueError, match=r"PEMS03.txt must hold data of PEMS03. Received: 'utf-8'"):
        load("pems03", folder)
    folder, known, *_ = write("metr_la")
    path = file_of(folder, known, "graph")
    path.write_text(path.read_text().replace("1500.0", ""))
    with pytest.raises(ValueError, match="distances_la_2012.csv must hold data of METR-LA.*NaN"):
        load("metr_la", folder)
    folder, known, *_ = write("pems04")
    np.savez(file_of(folder, known), data=np.array(1.0))
    with pytest.raises(
        ValueError, match=r"PEMS04.npz must hold data of PEMS04. .* arrays: {'data'"
    ):
        load("pems04", folder)


@pytest.mark.parametrize("name", [*SETS, "cora", "citeseer"])
def test_a_path_must_be_a_path(name):
    for path in (5, ["a.csv"], b"a.csv"):
        with pytest.raises(TypeError, match="`path` must be a path: a str or a `pathlib.Path`"):
            load(name, path)
    with pytest.raises(TypeError, match="`cache_dir` must be a path"):
        load(name, cache_dir=5)
