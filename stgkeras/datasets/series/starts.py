"""The first steps of windows, checked against the length of a series."""

from __future__ import annotations

import numpy as np

from stgkeras import arguments
from stgkeras.types import Array


def checked_starts(
    starts: Array, num_steps: int, past: int, span: int, name: str = "starts"
) -> np.ndarray:
    """Returns the first steps of windows as int64, or raises ValueError if one is out of range."""
    starts = arguments.array(name, starts)
    if starts.ndim != 1 or starts.size == 0 or starts.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be a one-dimensional array of ints with at least one window. "
            f"Received: shape={starts.shape}, dtype={starts.dtype}. Pass a part of the result of "
            "`split_windows`."
        )
    bad = np.flatnonzero((starts < past) | (starts > num_steps - span))
    if bad.size:
        back = f" and reaches {past} steps back" if past else ""
        raise ValueError(
            f"`{name}` must lie in [{past}, {num_steps - span}]: a window has {span} of the "
            f"{num_steps} steps{back}. Received: {name}[{bad[0]}]={starts[bad[0]]}. Take the "
            "starts from `split_windows`."
        )
    return starts.astype(np.int64)
