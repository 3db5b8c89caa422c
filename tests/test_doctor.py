"""`stgkeras doctor`, the quiet start of Keras, and the facts of the release that agree."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import keras
import pytest
from conftest import child_environment, once

import stgkeras
from stgkeras import _keras
from stgkeras.cli import doctor, main

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def variables(monkeypatch):
    monkeypatch.setenv("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def rows(text):
    return {line.split()[0]: line[10:] for line in text.splitlines() if line[:1].strip()}


def test_what_the_library_runs_on(monkeypatch, capsys):
    monkeypatch.setattr(doctor.shutil, "which", lambda program: None)  # no GPU to use
    assert main(["doctor"]) == 0
    found = rows(capsys.readouterr().out)
    assert list(found)[:-1] == list(doctor.PARTS)
    backend = keras.backend.backend()
    assert f"{backend} {metadata.version(backend)}" in found["versions"]
    assert found["backend"].startswith(f"{backend}, by KERAS_BACKEND")
    assert found["devices"].split(", ")[-1] == "cpu"
    assert int(found["presets"].split()[0]) == len(stgkeras.models.presets())
    if sys.platform == "linux":
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        assert float(re.search(r"of ([\d.]+) GiB", found["memory"])[1]) == pytest.approx(size, 0.01)


@once
def test_faults_have_fixes_and_end_with_an_error(monkeypatch, capsys):
    lines = ["numpy>=1.0", "nothing>=2", "packaging<1", "absent>=3; extra == 'serve'"]
    monkeypatch.setattr(metadata, "requires", lambda name: lines)
    monkeypatch.setattr(_keras, "chosen_backend", lambda: "jax")

    def broken():
        raise OSError("libnothing.so:\nno such file")

    monkeypatch.setitem(doctor.PARTS, "start", broken)
    monkeypatch.setattr(doctor, "start", broken)
    assert main(["doctor"]) == 2
    out, err = capsys.readouterr()
    found = rows(out)
    assert 'fix: pip install "nothing>=2" "packaging<1"\n' in out
    assert found["start"] == "OSError: libnothing.so: no such file"
    assert found["extras"] == 'export, holidays, table; for more: pip install "stgkeras[serve]"'
    assert not {"devices", "oneDNN", "presets"} & set(found)
    assert err == "stgkeras doctor: found 2 faults, see above.\n"


@once
def test_the_backend_is_that_of_keras(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "keras.src.backend.config")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert _keras.chosen_backend() == os.environ["KERAS_BACKEND"]
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert _keras.chosen_backend() == "tensorflow"
    for text, backend in {
        '{"backend": "jax"}': "jax",
        "{}": "tensorflow",
        "[": "tensorflow",
    }.items():
        (tmp_path / "keras.json").write_text(text)
        assert _keras.chosen_backend() == backend


@once
def test_noise_is_left_out_and_errors_are_not():
    code = """
import os, sys
from stgkeras.cli import startup
startup.glob.glob = startup.os.path.exists = lambda path: []
with startup.without_noise():
    os.write(2, b"I0000 00:00:1.2 1 a.cc:3] information\\nE0000 00:00:1.2 1 a.cc:3] an error\\n")
    os.write(2, b"2026-01-01 00:00:00.5: W a.cc:3] a warning\\nE0000 a] failed call to cuInit\\n")
    print("from Python", file=sys.stderr)
    os.abort() if sys.argv[1:] else None
print("after", file=sys.stderr)
"""
    for last, words in {"after\n": (), "": ("abort",)}.items():
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            env=child_environment(),
            capture_output=True,
            text=True,
        )
        assert done.stderr == f"E0000 00:00:1.2 1 a.cc:3] an error\nfrom Python\n{last}"


@once
def test_the_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = (ROOT / "CITATION.cff").read_text()
    release = re.search(r"^## \[(.+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert project["version"] == stgkeras.__version__
    if release[1] == stgkeras.__version__:  # otherwise the next version is in work
        assert f"version: {release[1]}\ndate-released: {release[2]}\n" in citation
