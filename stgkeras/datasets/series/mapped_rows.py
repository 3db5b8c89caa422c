"""Rows of arrays and memory maps."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np


def gather_rows(data: Any, steps: Any) -> Any:
    """Returns the rows `steps` of an array or a memory map as float32."""
    _read_ahead(data, steps)
    return data[steps].astype("float32", copy=False)


def _read_ahead(data, steps):
    """Asks the operating system to load the rows of a memory map that a batch needs.

    Without this call, each window waits for the disk, and far more of the file is loaded.
    """
    file = getattr(data, "_mmap", None)
    if not hasattr(file, "madvise") or data.strides[0] <= 0:
        return
    rows = np.unique(steps)
    gaps = np.diff(rows) > 1
    lows, highs = rows[np.append(True, gaps)], rows[np.append(gaps, True)] + 1  # runs of rows
    offset = _address(data) - _address(np.frombuffer(file, "uint8"))
    for low, high in zip(lows.tolist(), highs.tolist(), strict=True):
        start = (offset + low * data.strides[0]) // mmap.PAGESIZE * mmap.PAGESIZE
        end = min(offset + high * data.strides[0], len(file))
        file.madvise(mmap.MADV_WILLNEED, start, end - start)


def _address(array):
    return array.__array_interface__["data"][0]
