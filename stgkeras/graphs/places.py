"""Distances between places on the earth."""

from __future__ import annotations

import numpy as np

from stgkeras.graphs._checks import as_real, check_values
from stgkeras.types import Array

EARTH_RADIUS = 6371.0088  # km, mean radius


def distances_km(latitude: Array, longitude: Array) -> np.ndarray:
    """Computes the great-circle distances between all pairs of places.

        d = 2 R asin √(sin²(Δφ / 2) + cos φ_n cos φ_m sin²(Δλ / 2)),   R = 6371.0088 km

    If road distances are unknown, pass these distances to `gaussian_kernel`, with
    `zero="same_place"` if several nodes are at the same place. The formula treats
    the earth as a sphere, with an error of up to 0.6 %.

    Args:
        latitude: (nodes,) numbers. Latitude φ of each place, degrees in [-90, 90].
        longitude: (nodes,) numbers. Longitude λ of each place, degrees in [-180, 180].

    Returns:
        (nodes, nodes) float64, km; symmetric, with a zero diagonal.

    Raises:
        TypeError: if an argument is not numeric.
        ValueError: if the arguments differ in length, or a value is out of range.

    Example:
        >>> distances_km([34.15, 34.12], [-118.32, -118.24]).round(2)
        array([[0.  , 8.08],
               [8.08, 0.  ]])
    """
    angles = []
    for name, values, most in (("latitude", latitude, 90), ("longitude", longitude, 180)):
        values = as_real(name, values)
        if values.ndim != 1:
            raise ValueError(
                f"`{name}` must have shape (nodes,). Received: {name}.shape={values.shape}. "
                "Pass one number per place."
            )
        check_values(name, values, allow_negative=True)
        wrong = np.abs(values) > most
        if wrong.any():
            raise ValueError(
                f"`{name}` must be in degrees from -{most} to {most}. Received: {name} with the "
                f"entry {values[wrong][0]}. Pass `latitude` first, and both in degrees."
            )
        angles.append(np.radians(values))
    phi, lam = angles
    if len(phi) != len(lam):
        raise ValueError(
            "`latitude` and `longitude` must have equal lengths. Received: "
            f"len(latitude)={len(phi)}, len(longitude)={len(lam)}. Pass both for every place."
        )
    half = np.sin((phi[:, None] - phi) / 2) ** 2  # (N, N)
    half += np.cos(phi)[:, None] * np.cos(phi) * np.sin((lam[:, None] - lam) / 2) ** 2
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
