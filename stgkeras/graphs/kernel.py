"""Edge weights from distances."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from stgkeras.graphs._checks import as_matrix, check_choice, check_number
from stgkeras.types import Array

if TYPE_CHECKING:
    import pandas as pd


def gaussian_kernel(
    distances: Array | pd.DataFrame,
    sigma2: float = 10.0,
    epsilon: float = 0.5,
    zero: str | None = None,
) -> Any:
    """Computes edge weights from distances with a thresholded Gaussian kernel.

        A[n, m] = exp(-d[n, m]² / σ²)  if n ≠ m and the weight is at least ε, else 0

    Args:
        distances: (nodes, nodes) numbers, km, non-negative. Entry [n, m] is the distance from
            node m to node n, or `np.inf` if there is no road. In a SciPy sparse matrix, an absent
            entry means that there is no road. A pandas frame must have the names of the nodes as
            index and columns, in the same order.
        sigma2: float > 0. Width σ² of the kernel, km². Default 10.
        epsilon: float in [0, 1]. Threshold ε: smaller weights become 0. Default 0.5.
        zero: str or None. Meaning of a distance of 0 between two nodes: "no_road" for no edge, or
            "same_place" for nodes at the same place, which get the weight 1. None is "no_road" for
            a dense matrix, with a warning if there is such a distance. For a SciPy sparse matrix,
            None is "same_place", because only a distance is stored. Default None.

    Returns:
        (nodes, nodes) float64 weights in [0, 1], unitless, with a zero diagonal. The result is a
        `csr_array` if `distances` is sparse, and a frame with the same labels if it is a pandas
        frame. If no edge remains, the function warns; the usual cause is distances in metres.

    Raises:
        TypeError: if an argument is not numeric.
        ValueError: if `distances` is not square, or has NaN or negative entries, or if `sigma2`,
            `epsilon` or `zero` is out of range.

    Example:
        >>> gaussian_kernel([[0.0, 1.0, 4.0], [1.0, 0.0, 2.0], [4.0, 2.0, 0.0]]).round(2)
        array([[0.  , 0.9 , 0.  ],
               [0.9 , 0.  , 0.67],
               [0.  , 0.67, 0.  ]])

    Source:
        Yu et al., 2018 (STGCN), arXiv:1709.04875, eq. 10. Departs from the paper: nowhere. The
        authors' code writes the same width as σ² = 0.1, for distances in units of 10 km.
    """
    check_number("sigma2", sigma2, "a finite number above 0", lambda value: 0 < value < np.inf)
    check_number("epsilon", epsilon, "a number from 0 to 1", lambda value: 0 <= value <= 1)
    check_choice("zero", zero, ("no_road", "same_place", None))
    matrix: Any = as_matrix("distances", distances, allow_inf=True)
    adjacency: Any
    is_sparse = sp.issparse(matrix)
    if is_sparse:
        entries = matrix.tocoo()
        weights = _weights(entries.data, sigma2)
        keep = (weights >= epsilon) & (weights > 0) & (entries.row != entries.col)
        if zero == "no_road":
            keep &= entries.data > 0
        index = entries.row[keep], entries.col[keep]
        adjacency = sp.csr_array((weights[keep], index), shape=matrix.shape)
        num_edges = adjacency.nnz
    else:
        np.fill_diagonal(matrix, np.inf)
        _replace_zeros(matrix, zero)
        adjacency = _weights(matrix, sigma2)
        adjacency[adjacency < epsilon] = 0.0
        num_edges = np.count_nonzero(adjacency)
    if matrix.shape[0] > 1 and num_edges == 0:
        warnings.warn(
            f"The graph has no edges with `sigma2`={sigma2} km² and `epsilon`={epsilon}. "
            "`distances` must be in km. If the distances are in metres, divide by 1000.",
            stacklevel=2,
        )
    frame: Any = distances
    if hasattr(frame, "columns"):
        return type(frame)(adjacency, frame.index, frame.columns)
    return adjacency


def _weights(distances, sigma2):
    with np.errstate(over="ignore"):  # exp(-inf) is the right weight, 0
        return np.exp(-np.square(distances) / sigma2)


def _replace_zeros(matrix, zero):
    """Replaces 0 by infinity, unless it means "same place". Warns if `zero` does not say so."""
    zeros = np.argwhere(matrix == 0)
    if zero == "same_place" or not len(zeros):
        return
    matrix[tuple(zeros.T)] = np.inf
    if zero is None:
        warnings.warn(
            f"`distances` is 0 between {len(zeros)} pairs of nodes, the first {zeros[0].tolist()}. "
            'These pairs get no edge. If there is no road, write `np.inf` or pass `zero="no_road"`.'
            ' If such nodes are at the same place, pass `zero="same_place"`.',
            stacklevel=3,
        )
