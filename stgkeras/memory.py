"""How the C library treats the memory of a step once it is free."""

import ctypes
import os
import sys

import keras

# Parameters of glibc's `mallopt`, and the values at which it keeps what is free.
M_MMAP_MAX, M_TRIM_THRESHOLD = (-4, 0), (-1, -1)


def keep_freed():
    """Lets a step on PyTorch take what the last one gave back, as PyTorch itself does on GPUs.

    glibc hands large blocks back to the system, which gives them out again page by page, filled
    with zeros: up to half of a step. Does nothing on other systems, or where the environment has
    settings of its own, MALLOC_… or GLIBC_TUNABLES. TensorFlow holds on to its memory; XLA's
    threads, which take theirs from places of their own, would compile more slowly if they did not.
    """
    is_set = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if keras.backend.backend() != "torch" or not sys.platform.startswith("linux") or is_set:
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for parameter, value in (M_MMAP_MAX, M_TRIM_THRESHOLD):
            libc.mallopt(parameter, value)
