"""Start of Keras in commands and scripts: without a TensorFlow that nobody uses, and without noise.

On a machine without a GPU, TensorFlow writes about six lines at its start, which look like errors.
It has a setting for such lines, `TF_CPP_MIN_LOG_LEVEL`, and does not obey it while it is imported.
"""

from __future__ import annotations

import contextlib
import glob
import importlib
import importlib.util
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator

from stgkeras import _keras

# What the level 2 leaves out: information and warnings, in both forms of the log of TensorFlow.
NOISE = [
    r"[IW]\d{4} \d\d:\d\d:",
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] ",
    r"WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR",
]
# An error without a meaning where there is no NVIDIA device.
NO_DRIVER = r"E.* failed call to cuInit"
# A process of its own, so that nothing is lost if TensorFlow ends this one.
PASS_ON = """
import re, sys
noise = re.compile(sys.argv[1].encode())
for line in sys.stdin.buffer:
    if not noise.match(line):
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()
"""


def prepare() -> None:
    """Prepares the start of Keras. Without effect if Keras is imported already."""
    if "keras" in sys.modules:
        return
    level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    backend = _keras.chosen_backend()
    if backend in ("jax", "torch") and importlib.util.find_spec(backend):
        # Keras imports an installed TensorFlow to set seeds and to save models. This takes seconds,
        # and with another backend neither needs it.
        sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]
    elif level not in ("0", "1") and os.name == "posix":
        _keras.around_import = without_noise
        logging.getLogger("tensorflow").addFilter(_is_no_retracing)


def announced() -> None:
    """Imports Keras, if that is not done yet, and prints how long it takes."""
    if "keras" in sys.modules:
        return
    prepare()
    names = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
    backend = _keras.chosen_backend()
    print(f"Starting {names.get(backend, backend)} …", end=" ", flush=True)
    before = time.perf_counter()
    try:
        importlib.import_module("keras")
    finally:
        print(f"{time.perf_counter() - before:.0f} s", flush=True)


@contextlib.contextmanager
def without_noise() -> Iterator[None]:
    """Leaves out what `NOISE` matches of the lines that this process writes to standard error."""
    noise = (
        NOISE if glob.glob("/dev/nvidia*") or os.path.exists("/dev/dxg") else [*NOISE, NO_DRIVER]
    )
    words = [sys.executable, "-I", "-S", "-c", PASS_ON, "|".join(noise)]
    sys.stderr.flush()
    own = os.dup(2)
    end, start = os.pipe()
    try:
        reader = subprocess.Popen(words, stdin=end, stdout=own, start_new_session=True)
        os.dup2(start, 2)
    except OSError:  # no other process can start: the noise stays
        reader = None
    os.close(end)
    os.close(start)
    try:
        yield
        if "tensorflow" in sys.modules:  # it looks for GPUs now, not in the first computation
            sys.modules["tensorflow"].config.list_physical_devices()
    finally:
        sys.stderr.flush()
        os.dup2(own, 2)
        os.close(own)
        if reader is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                reader.wait(5)  # seconds; a process that inherited the pipe keeps it open


def _is_no_retracing(record):
    return "triggered tf.function retracing" not in record.getMessage()
