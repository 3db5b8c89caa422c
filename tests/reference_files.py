"""Inputs, weights and outputs of published implementations, for tests; see `STGKERAS_REFERENCE`."""

import os
from pathlib import Path

import numpy as np
import pytest

TOLERANCE = 1e-5  # of the largest entry


def load(name):
    """The arrays of a reference file; skips the test where the files are absent."""
    folder = os.environ.get("STGKERAS_REFERENCE")
    if not folder:
        pytest.skip("STGKERAS_REFERENCE does not name the folder of reference files")
    with np.load(Path(folder) / f"{name}.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def group(arrays, prefix):
    """The arrays whose names start with `prefix`, without it."""
    return {key[len(prefix) :]: a for key, a in arrays.items() if key.startswith(prefix)}


def assert_close(ours, theirs, what, tolerance=TOLERANCE, floor=0.0):
    tolerance = max(tolerance * np.abs(theirs).max(), floor)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance, err_msg=what)
