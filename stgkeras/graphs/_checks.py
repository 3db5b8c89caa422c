"""Checks of matrices and numbers, shared by the functions on graphs."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import scipy.sparse as sp

DISTANCES = (
    "Weights grow with nearness. If the entries are distances, compute the weights with "
    "`stgkeras.graphs.gaussian_kernel`. If they are inverse distances, give sensors at the same "
    "place a finite weight."
)


LARGEST = 1e150  # the squares and sums of such numbers are still finite


def as_matrix(name, matrix, allow_negative=False, allow_inf=False):
    """Checks a square matrix and returns a float64 copy, a `csr_array` if the matrix is sparse."""
    check_labels(name, matrix)
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


def check_labels(name, matrix):
    """Raises an error if the rows and the columns of a pandas frame have different labels."""
    rows, columns = getattr(matrix, "index", None), getattr(matrix, "columns", None)
    if rows is None or columns is None or len(rows) != len(columns):
        return
    rows, columns = [str(label) for label in rows], [str(label) for label in columns]
    unlabelled = [str(n) for n in range(len(rows))]
    if rows != columns and unlabelled not in (rows, columns):
        n = next(n for n, label in enumerate(rows) if label != columns[n])
        raise ValueError(
            f"`{name}` must have the same labels for rows and columns, in the same order. "
            f"Received: {name} with the labels {rows[n]!r} and {columns[n]!r} for row and column "
            f"{n}. Call `{name}.reindex(columns={name}.index)`, and replace labels that differ."
        )


def check_number(name, value, condition, is_valid, kind=numbers.Real):
    """Raises an error unless `value` is a number of type `kind` that `is_valid` accepts.

    `condition` describes the valid numbers in the message.
    """
    if isinstance(value, bool) or not isinstance(value, kind):
        noun = "an integer" if kind is numbers.Integral else "a number"
        raise TypeError(f"`{name}` must be {noun}. Received: {name}={value!r}")
    if not is_valid(value):
        raise ValueError(f"`{name}` must be {condition}. Received: {name}={value!r}")


def check_choice(name, value, choices):
    """Raises an error unless `value` is one of the `choices`, which are str or None."""
    if not (value is None or isinstance(value, str)) or value not in choices:
        shown = [f'"{choice}"' for choice in choices if choice is not None]
        shown += ["None"] if None in choices else []
        raise ValueError(
            f"`{name}` must be {', '.join(shown[:-1])} or {shown[-1]}. Received: {name}={value!r}"
        )


def check_flag(name, value):
    """Raises an error unless `value` is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"`{name}` must be True or False. Received: {name}={value!r}")


def as_real(name, values):
    """Returns a float64 copy of an array of real numbers; returns a sparse array unchanged."""
    values = as_numbers(name, values)
    return values if sp.issparse(values) else values.astype(np.float64)


def as_dense(name: str, values: Any) -> np.ndarray:
    """Returns a dense float64 copy of an array of real numbers."""
    dense: Any = values
    if sp.issparse(values):
        dense = dense.toarray()
    return as_real(name, dense)


def as_numbers(name, values):
    """Returns an array of real numbers without a copy; returns a sparse array unchanged."""
    check_masked(name, values)
    try:
        values = values if sp.issparse(values) else np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be an array. Received: lists of different lengths ({error}). Pass rows "
            "of equal lengths."
        ) from error
    if values.dtype.kind not in "biuf":
        raise TypeError(
            f"`{name}` must hold real numbers. Received: {name}.dtype={values.dtype}. "
            "Convert it to float64 first."
        )
    return values


def check_masked(name, values):
    """Raises an error for a masked array: NumPy would read the values below its mask."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        raise ValueError(
            f"`{name}` must have no masked entries. Received: {name} with a mask. Pass "
            f"`{name}.filled(value)`, or remove the masked entries."
        )


def check_values(name, values, allow_negative=False, allow_inf=False):
    """Raises an error for NaN and too large numbers; unless allowed, for infinite and negative."""
    wrong = np.isnan(values) if allow_inf else ~np.isfinite(values)
    if wrong.any():
        condition = "free of NaN" if allow_inf else "finite"
        fix = "Use `np.inf` where there is no path." if allow_inf else "Replace or remove it."
        entry = values[wrong][0]
        if name == "adjacency" and np.isinf(entry):
            fix = DISTANCES
        raise ValueError(
            f"`{name}` must be {condition}. Received: {name} with the entry {entry}. {fix}"
        )
    large = np.isfinite(values) & (np.abs(values) > LARGEST)
    if large.any():
        raise ValueError(
            f"`{name}` must have numbers of at most {LARGEST:g}. Received: {name} with the entry "
            f"{values[large][0]}. Use a larger unit."
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
