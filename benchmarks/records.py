"""Figures of benchmarks in files, with what they depend on."""

import json
import os
import pathlib
import platform
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def processor():
    """Its model where Linux tells it, for kernels differ by it, otherwise its kind."""
    about = pathlib.Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    family = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model\t")]
    return f"{names[0]}, model {family[0]}" if names and family else platform.machine()


MACHINE = {"processor": processor(), "cores": os.cpu_count()}


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
