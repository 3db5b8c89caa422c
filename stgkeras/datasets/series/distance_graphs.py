"""The weights of edges from distances: one rule for roads and for coordinates."""

from __future__ import annotations

import warnings

import numpy as np

NEAREST = 5  # edges of a sensor that distances give, before the graph is made symmetric


def weights_of_distances(distances):
    """Computes the weights of the edges between each sensor and its nearest sensors.

        A[n, m] = exp(-d[n, m]² / σ²)  if m is among the 5 nearest of n, or n among those of m

    d is the smaller distance of the two directions. σ² is the mean of d[n, m]² over all sensors n
    and their nearest m. Sensors at the same distance as the fifth count too.

    Args:
        distances: (N, N) float64, in any unit. Infinite if a distance is not known. The diagonal
            does not count.

    Returns:
        Symmetric (N, N) float64 with a zero diagonal; zeros if no distance is known.
    """
    distances = np.minimum(distances, distances.T)
    np.fill_diagonal(distances, np.inf)
    fifth = min(NEAREST, len(distances)) - 1
    farthest = np.partition(distances, fifth, axis=1)[:, [fifth]]
    near = np.where(distances <= farthest, distances, np.inf)
    known = near[np.isfinite(near)]
    if not known.size:
        return np.zeros_like(near)
    # Squares of very large or very small distances would leave the range of float64.
    scale = known.max() or 1.0
    sigma2 = np.mean(np.square(known / scale)) or 1.0  # 0 if all sensors are at one place
    weights = np.exp(-np.square(near / scale) / sigma2)
    return np.maximum(weights, weights.T)


def weights_of_edges(ends, lengths, names, what):
    """Computes the weights of edges with distances. The smallest distance of a pair counts.

    Args:
        ends: (E, 2) int. Indices of the two sensors of each edge.
        lengths: (E,) float64. Distances; 0 and infinity mean that there is no edge.
        names: sequence of N str, the names of the sensors.
        what: str. Source of the edges in error messages.
    """
    between = ends[:, 0] != ends[:, 1]
    negative = np.flatnonzero(lengths < 0)
    if negative.size:
        raise ValueError(
            f"{what} must have distances of at least 0. Received: {lengths[negative[0]]:g} "
            f"{_ends(ends[negative[0]], names)}. Correct the distance, or remove the row."
        )
    zero = np.flatnonzero(between & (lengths == 0))
    if zero.size:
        warnings.warn(
            f"{what} has {len(zero)} distances of 0 between two sensors, the first "
            f"{_ends(ends[zero[0]], names)}. They make no edge. If there is no road, remove these "
            "rows. If the two sensors are at the same place, write a small distance.",
            stacklevel=7,
        )
    roads = between & (lengths > 0)
    distances = np.full((len(names), len(names)), np.inf)
    np.minimum.at(distances, tuple(ends[roads].T), lengths[roads])
    return weights_of_distances(distances)


def _ends(pair, names):
    return f"from={names[pair[0]]!r} to={names[pair[1]]!r}"
