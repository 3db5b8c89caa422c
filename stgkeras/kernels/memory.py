"""Reuse of freed memory on Linux."""

from __future__ import annotations

import ctypes
import os
import sys

import keras

# Parameters of glibc's `mallopt`, and the values with which it keeps freed memory.
M_MMAP_MAX, M_TRIM_THRESHOLD = (-4, 0), (-1, -1)


def keep_freed() -> None:
    """Makes glibc keep freed memory for the next step on PyTorch, as PyTorch does on GPUs.

    By default glibc returns large blocks to the system, and the system fills each new page with
    zeros, which takes up to half of the time of a step. This function does nothing on other
    systems, or if the environment sets MALLOC_… or GLIBC_TUNABLES. TensorFlow keeps freed memory
    itself. On JAX, kept memory would slow down the compiler threads of XLA.
    """
    is_set = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if keras.backend.backend() != "torch" or not sys.platform.startswith("linux") or is_set:
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        for parameter, value in (M_MMAP_MAX, M_TRIM_THRESHOLD):
            libc.mallopt(parameter, value)
