"""The published traffic sets: downloads that fail, and real files where they are present."""

import hashlib
import inspect
import os
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from file_server import file_server
from graph_cases import data_file
from traffic_writer import check, csv_text, install_set, load, small_set

from stgkeras import datasets
from stgkeras.datasets.published.traffic_files import known_times
from stgkeras.datasets.published.traffic_set import SETS

every_set = pytest.mark.parametrize("key", SETS)
UNSUMMED = [key for key, known in SETS.items() if known.files["series"].digest is None]


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Serves a small set, whose files have sums where those of the published one do."""
    with file_server(None) as server:

        def serve(key):
            folder, known, values, adjacency = install_set(tmp_path, monkeypatch, key)
            server.folder, files = folder, {}
            for role, file in known.files.items():
                path = folder / file.name
                if file.digest and path.exists():
                    kind = "md5" if len(file.digest) == 32 else "sha256"
                    digest = hashlib.new(kind, path.read_bytes()).hexdigest()
                    file = replace(file, digest=digest)
                files[role] = replace(file, url=f"{server.address}{file.name}?download=1")
            known = replace(known, files=files)
            monkeypatch.setitem(SETS, key, known)
            return server, known, values, adjacency

        yield serve


@every_set
def test_download_once(served, tmp_path, key):
    server, known, *expected = served(key)
    cache = tmp_path / "cache"
    check(load(key, cache_dir=cache), known, *expected)
    whole = sorted(os.listdir(cache / key))
    assert whole == sorted(server.asked) and len(whole) == (
        1 if key == "pemsd7m" else len(known.files)
    )
    check(load(key, cache_dir=cache), known, *expected)
    assert len(server.asked) == len(whole)


@every_set
@pytest.mark.parametrize("fault", ["404", "cut", "changed"])
def test_failed_download(served, tmp_path, key, fault):
    server, known, *expected = served(key)
    name, cache = known.files["series"].name, tmp_path / "cache"
    server.faults[name] = fault
    unseen = fault == "changed" and key in UNSUMMED  # only the content tells
    with pytest.raises(
        ValueError if unseen else OSError, match=f"{name}.* give a folder that holds"
    ):
        load(key, cache_dir=cache)
    assert name not in os.listdir(cache / key)
    assert not [path for path in (cache / key).iterdir() if path.is_dir()]
    server.faults.clear()
    check(load(key, cache_dir=cache), known, *expected)


def test_interrupted_download(served, tmp_path, monkeypatch):
    def interrupted(name, origin, *, cache_subdir, **kwargs):
        with open(os.path.join(cache_subdir, name), "w") as file:
            file.write("half")
        raise KeyboardInterrupt

    served("los_loop")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(keras.utils, "get_file", interrupted)
        load("los_loop", cache_dir=tmp_path / "cache")
    assert os.listdir(tmp_path / "cache" / "los_loop") == []


# Real files, and what is written about them


@every_set
def test_docstrings_tell_what_is_checked(key):
    known, doc = SETS[key], inspect.getdoc(getattr(datasets, f"load_{key}"))
    steps, num_nodes, _ = known.shape
    last = pd.Timestamp(known_times(known)[-1], tz="UTC").tz_convert(known.timezone or "UTC")
    last = f"{last:%Y-%m-%d}"
    for part in (f"{steps} steps of {known.interval:g} min", f" {num_nodes} ", known.start, last):
        assert part in doc
    for part in ("Args:", "Returns:", "Raises:", "Example:", "Source:", f"load_{key}()"):
        assert part in doc
    assert known.num_edges is None or f"{known.num_edges} edges" in doc.replace("\n", " ")


def test_real_los_loop(tmp_path):
    path = data_file("los_loop", "los_loop.npz")
    series = datasets.load_los_loop(path)
    assert series.names[0] == "773869" and not np.isnan(series.values).any()
    pd.DataFrame(series.values[..., 0], columns=series.names).to_csv(
        tmp_path / "los_speed.csv", index=False
    )
    (tmp_path / "los_adj.csv").write_text(csv_text(series.adjacency + np.eye(207)))
    again = datasets.load_los_loop(tmp_path)
    np.testing.assert_array_equal(again.values, series.values)
    np.testing.assert_array_equal(again.adjacency, series.adjacency)
    assert again.names == series.names


@pytest.mark.parametrize(
    ("key", "files"),
    [
        ("pems03", [("graphs_only", "PEMS03_distance.csv"), ("graphs_only", "PEMS03_ids.txt")]),
        ("pems04", [("pems04_head", "distance.csv")]),
        ("pems07", [("graphs_only", "PEMS07_distance.csv")]),
        ("pems08", [("pems08_tail", "distance.csv")]),
    ],
)
def test_real_lists_of_distances(tmp_path, monkeypatch, key, files):
    """They have the sums that downloads must have, but for the ends of lines, and the edges."""
    num_nodes = SETS[key].shape[1]
    known, values = small_set(key, num_nodes=num_nodes)
    monkeypatch.setitem(SETS, key, known)
    np.savez(tmp_path / f"{key.upper()}.npz", data=values)
    for role, name in zip(("graph", "names"), files, strict=False):
        data = data_file(*name).read_bytes()
        (tmp_path / name[-1]).write_bytes(data)
        data = data if b"\r" in data else data.replace(b"\n", b"\r\n")
        assert hashlib.sha256(data).hexdigest() == known.files[role].digest
    assert np.count_nonzero(load(key, tmp_path).adjacency) == known.num_edges


def test_real_distances_of_pemsd7m(tmp_path, monkeypatch):
    metres = np.load(data_file("graphs_only", "pemsd7m_W228_distance_m.npz"))["distance_m"]
    known, values = small_set("pemsd7m", num_nodes=228)
    monkeypatch.setitem(SETS, "pemsd7m", known)
    (tmp_path / "W_228.csv").write_text(csv_text(metres))
    (tmp_path / "V_228.csv").write_text(csv_text(values[..., 0]))
    assert np.count_nonzero(datasets.load_pemsd7m(tmp_path).adjacency) == known.num_edges == 1664
