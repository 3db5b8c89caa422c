"""Checks of the adjacency of a series."""

from __future__ import annotations

import warnings

import numpy as np


def checked_adjacency(adjacency, num_nodes, symmetric=False, where="The series"):
    """Returns the adjacency as (N, N) float64 with zero diagonal, after checks.

    Args:
        adjacency: array-like or SciPy sparse matrix.
        num_nodes: int. Number of sensors N.
        symmetric: bool. Whether to return `np.maximum(A, A.T)`.
        where: str. The source of the sensors, for error messages.
    """
    import scipy.sparse as sp  # which a service does not need

    from stgkeras.graphs._checks import DISTANCES, as_real

    if sp.issparse(adjacency):
        adjacency = adjacency.toarray()
    adjacency = as_real("graph", adjacency)
    if adjacency.shape != (num_nodes, num_nodes):
        raise ValueError(
            f"{where} must have a `graph` with the {num_nodes} nodes of the series. "
            f"Received: an adjacency of shape {adjacency.shape}. Pass a matrix with a row and a "
            "column for each node."
        )
    wrong = np.argwhere(~np.isfinite(adjacency))
    if len(wrong):
        worst = adjacency[tuple(wrong[0])]
        fix = "Write 0 where there is no edge." if np.isnan(worst) else DISTANCES
        raise ValueError(
            f"{where} must have a `graph` of finite weights. Received: {len(wrong)} of "
            f"{adjacency.size} values, the first, {worst}, at {tuple(wrong[0].tolist())}. {fix}"
        )
    if (adjacency < 0).any():
        raise ValueError(
            f"{where} must have a `graph` without negative weights. Received: {adjacency.min()}. "
            "Pass an adjacency, not a Laplacian, and replace negative weights."
        )
    np.fill_diagonal(adjacency, 0)
    if _may_be_distances(adjacency):
        warnings.warn(
            "`graph` may hold distances: all pairs of sensors have an edge, and the weights meet "
            "the triangle inequality. Weights must grow with nearness. Compute them from distances "
            "with `stgkeras.graphs.gaussian_kernel`.",
            stacklevel=5,
        )
    return np.maximum(adjacency, adjacency.T) if symmetric else adjacency


def _may_be_distances(weights, most=100):
    """Whether the entries of a complete graph satisfy the triangle inequality, as distances do.

    If there are few sensors, weights exp(-d² / σ²) can satisfy it too. They are recognised because
    √(-log weight), which is d / σ, also satisfies it. The weights of three sensors often satisfy it
    by chance, so their largest weight must be above 1.
    """
    part = weights[:most, :most]
    between = ~np.eye(len(part), dtype=bool)
    few = len(part) == 3
    if len(part) < 3 or not (part[between] > 0).all() or (few and part.max() <= 1):
        return False
    if part.max() <= (2 if few else 4) * part[between].min():
        return False  # nearly equal weights always meet the triangle inequality
    if part.max() <= 1 and _meets_triangle_inequality(np.sqrt(-np.log(part + ~between))):
        return False
    return _meets_triangle_inequality(part)


def _meets_triangle_inequality(lengths):
    slack = 1e-9 * lengths.max()
    return all((lengths <= lengths[:, [k]] + lengths[k] + slack).all() for k in range(len(lengths)))
