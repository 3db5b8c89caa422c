"""How the C library treats the memory of a step once it is free."""

import ctypes
import os
import sys

import keras

# What `mallopt` of glibc calls its parameters, and the values that keep what is free.
KEEP = {"M_MMAP_MAX": (-4, 0), "M_TRIM_THRESHOLD": (-1, -1), "M_ARENA_MAX": (-8, 1)}


def keep_freed():
    """Lets the next step take what the last one gave back, as PyTorch's allocator does on GPUs.

    glibc hands large blocks back to the system, which gives them out again page by page, filled
    with zeros: up to half of a step on JAX and PyTorch; TensorFlow holds on to its own. Does
    nothing on other systems, or where the environment has settings of its own, MALLOC_… or
    GLIBC_TUNABLES.
    """
    is_set = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if keras.backend.backend() == "tensorflow" or not sys.platform.startswith("linux") or is_set:
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for parameter, value in KEEP.values():
            libc.mallopt(parameter, value)
