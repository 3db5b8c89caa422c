"""Checks of matrices and numbers, shared by the functions on graphs."""

from __future__ import annotations

import numbers

import numpy as np
import scipy.sparse as sp


def as_matrix(name, matrix, allow_negative=False, allow_inf=False):
    """Checks a square matrix and returns a float64 copy, a `csr_array` if the matrix is sparse."""
    matrix = as_real(name, matrix)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
        raise ValueError(
            f"`{name}` must be a square matrix (nodes, nodes) of at least one node. "
            f"Received: {name}.shape={matrix.shape}. Pass one row and one column per node."
        )
    if sp.issparse(matrix):
        matrix = sp.csr_array(matrix, dtype=np.float64, copy=True)
        matrix.sum_duplicates()
    values = matrix.data if sp.issparse(matrix) else matrix
    check_values(name, values, allow_negative, allow_inf)
    return matrix


def check_number(name, value, condition, is_valid, kind=numbers.Real):
    """Raises an error unless `value` is a number of type `kind` that `is_valid` accepts.

    `condition` describes the valid numbers in the message.
    """
    if isinstance(value, bool) or not isinstance(value, kind):
        noun = "an integer" if kind is numbers.Integral else "a number"
        raise TypeError(f"`{name}` must be {noun}. Received: {name}={value!r}")
    if not is_valid(value):
        raise ValueError(f"`{name}` must be {condition}. Received: {name}={value!r}")


def as_real(name, values):
    """Returns a float64 copy of an array of real numbers; returns a sparse array unchanged."""
    values = values if sp.issparse(values) else np.asarray(values)
    if values.dtype.kind not in "biuf":
        raise TypeError(
            f"`{name}` must hold real numbers. Received: {name}.dtype={values.dtype}. "
            "Convert it to float64 first."
        )
    return values if sp.issparse(values) else values.astype(np.float64)


def check_values(name, values, allow_negative=False, allow_inf=False):
    """Raises an error for NaN, and unless allowed, for infinite and negative values."""
    wrong = np.isnan(values) if allow_inf else ~np.isfinite(values)
    if wrong.any():
        condition = "free of NaN" if allow_inf else "finite"
        fix = "Use `np.inf` where there is no path." if allow_inf else "Replace or remove it."
        entry = values[wrong][0]
        raise ValueError(
            f"`{name}` must be {condition}. Received: {name} with the entry {entry}. {fix}"
        )
    if not allow_negative and (values < 0).any():
        raise ValueError(
            f"`{name}` must be non-negative. Received: {name} with the entry {values.min()}. "
            "Replace or remove it."
        )


def check_symmetric(adjacency, condition="", alternative=""):
    """Raises an error unless a checked matrix is symmetric.

    In the message, `condition` says when symmetry is required, and `alternative` is another fix.
    """
    # A float32 matrix may differ from its transpose by rounding errors.
    difference = abs(adjacency - adjacency.T).max()
    if difference > 1e-6 * adjacency.max():
        symmetrize = "A.maximum(A.T)" if sp.issparse(adjacency) else "np.maximum(A, A.T)"
        raise ValueError(
            f"`adjacency` must be symmetric{condition}. Received: adjacency that differs from its "
            f"transpose by up to {difference:.3g}. Pass `{symmetrize}`{alternative}."
        )
