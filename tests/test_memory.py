"""On PyTorch and glibc what is freed stays with the process, unless the environment says how."""

import ctypes
import os
import pathlib
import subprocess
import sys

import keras
import pytest

import stgkeras

# Pages that the system gives out while blocks of 40 MB are taken, filled and freed.
PAGES = """if True:
    import ctypes, resource
    import stgkeras.layers

    libc = ctypes.CDLL(None)
    libc.malloc.restype = libc.memset.restype = ctypes.c_void_p
    libc.malloc.argtypes = [ctypes.c_size_t]
    libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]

    def fill():
        block = libc.malloc(40 * 2**20)
        libc.memset(block, 1, 40 * 2**20)
        libc.free(block)

    fill()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        fill()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES_OF_BLOCK = 40 * 2**20 // os.sysconf("SC_PAGE_SIZE")


def pages(**environment):
    """The number that a new process prints, whose environment says nothing of memory otherwise."""
    left = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MALLOC_") and name != "GLIBC_TUNABLES"
    }
    folder = pathlib.Path(stgkeras.__file__).parent.parent
    out = subprocess.run(
        [sys.executable, "-c", PAGES],
        env={**left, **environment, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return int(out.splitlines()[-1])


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "mallopt"),
    reason="needs glibc",
)
@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="as on JAX")
def test_freed_blocks_are_kept_unless_the_environment_says_how():
    if keras.backend.backend() != "torch":
        assert pages() >= 5 * PAGES_OF_BLOCK
        return
    assert pages() < PAGES_OF_BLOCK
    assert pages(MALLOC_TRIM_THRESHOLD_="131072") >= 5 * PAGES_OF_BLOCK
