"""Cora: downloads, whole and failed."""

# ruff: noqa: F811 - fixtures are imported
import hashlib
import os
from pathlib import Path

import keras
import pytest
from file_server import file_server
from planetoid_writer import write_planetoid
from small_citations import FILES, check, small  # noqa: F401

from stgkeras.datasets import load_cora
from stgkeras.datasets.published import citations


@pytest.fixture
def server(small, tmp_path, monkeypatch):
    """A server of the eight files."""
    folder = write_planetoid(tmp_path / "served", small)
    sums = {name[9:]: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}
    monkeypatch.setitem(citations.SHA256, "cora", sums)
    with file_server(folder) as server:
        monkeypatch.setattr(citations, "ORIGIN", server.address)
        yield server


def test_download_once(server, small, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    check(load_cora(), small)
    folder = tmp_path / "home" / "datasets" / "stgkeras" / "cora"
    assert sorted(os.listdir(folder)) == sorted(FILES)
    check(load_cora(), small)
    assert server.asked == list(FILES)
    (folder / FILES[2]).write_bytes(b"damaged")
    check(load_cora(), small)
    assert server.asked == [*FILES, FILES[2]]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("404", "404 -- Not Found"),
        ("cut", "retrieval incomplete"),
        ("changed", "Incomplete or corrupted"),
    ],
)
def test_failed_download(server, small, tmp_path, monkeypatch, fault, message):
    server.faults[FILES[3]] = fault
    with pytest.raises(OSError, match=f"/{FILES[3]} could not be .*{message}.* as `path`"):
        load_cora(cache_dir=tmp_path)
    assert sorted(os.listdir(tmp_path / "cora")) == sorted(FILES[:3])
    server.faults.clear()
    check(load_cora(cache_dir=tmp_path), small)
    assert server.asked == [*FILES[:4], *FILES[3:]]


def test_interrupted_download(server, small, tmp_path, monkeypatch):
    def interrupted(name, origin, *, cache_subdir, **kwargs):
        assert os.path.isabs(cache_subdir)  # a relative one would lie in the Keras home
        (Path(cache_subdir) / name).write_text("half")
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(keras.utils, "get_file", interrupted)
        load_cora(cache_dir="")
    assert os.listdir(tmp_path / "cora") == []
    check(load_cora(cache_dir=tmp_path), small)
