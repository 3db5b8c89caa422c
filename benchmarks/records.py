"""Figures of benchmarks in files, with what they depend on."""

import json
import os
import pathlib
import platform
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
MACHINE = {"processor": platform.machine(), "cores": os.cpu_count()}


def versions():
    """Of what computes in this process."""
    import keras

    backend = keras.backend.backend()
    found = {"keras": keras.__version__, "backend": backend}
    return {**found, backend: sys.modules[backend].__version__, "python": platform.python_version()}


def read(path):
    """What was written before, {} at first."""
    return json.loads(path.read_text()) if path.exists() else {}


def write(path, result):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
