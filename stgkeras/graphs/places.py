"""Distances between places on the earth."""

import numpy as np

from stgkeras.graphs.adjacency import as_real, check_values

EARTH_RADIUS = 6371.0088  # km, the mean radius


def distances_km(latitude, longitude):
    """Distances along the surface of the earth between all pairs of places.

        d = 2 R asin √(sin²(Δφ / 2) + cos φ_n cos φ_m sin²(Δλ / 2)),   R = 6371.0088 km

    What `gaussian_kernel` takes, where road distances are not at hand. The earth is taken as a
    sphere: up to 0.6 % off.

    Args:
        latitude: (nodes,), degrees in [-90, 90].
        longitude: (nodes,), degrees in [-180, 180].

    Returns:
        (nodes, nodes) float64, km; symmetric, zero diagonal.

    Raises:
        TypeError: if an argument is not numeric.
        ValueError: if the two differ in length or leave their range.

    Example:
        >>> distances_km([34.15, 34.12], [-118.32, -118.24]).round(2)
        array([[0.  , 8.08],
               [8.08, 0.  ]])
    """
    angles = []
    for name, values, most in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        values = as_real(name, values)
        if values.ndim != 1:
            raise ValueError(f"`{name}` must have shape (nodes,). Received: shape={values.shape}")
        check_values(name, values, allow_negative=True)
        wrong = np.abs(values) > most
        if wrong.any():
            raise ValueError(
                f"`{name}` must be degrees from -{most} to {most}. Received: {values[wrong][0]}"
            )
        angles.append(np.radians(values))
    phi, lam = angles
    if len(phi) != len(lam):
        raise ValueError(
            f"`latitude` and `longitude` must be equally long. Received: {len(phi)} and {len(lam)}"
        )
    half = np.sin((phi[:, None] - phi) / 2) ** 2  # (N, N)
    half += np.cos(phi)[:, None] * np.cos(phi) * np.sin((lam[:, None] - lam) / 2) ** 2
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
