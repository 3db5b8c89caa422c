"""Reads the graph of sensors from a CSV file of road distances or of coordinates."""

import sys

import numpy as np
import pandas as pd

from stgkeras import graphs

NEAREST = 5
DEGREE = 111.195  # km per degree of latitude
SHORT = {"lat": "latitude", "lon": "longitude", "lng": "longitude", "long": "longitude"}


def read(path, names):
    """Reads the weighted graph of sensors, and their positions.

    Args:
        path: path of a CSV file with the columns from, to, distance; or with the names of the
            sensors in any column, and the columns latitude, longitude or lat, lon. Distances may
            have any unit. If a pair has several distances, the smallest one counts.
        names: list of N str. Names of the sensors.

    Returns:
        Symmetric weights (N, N), exp(-d² / mean d²), between each sensor and the five nearest
        sensors with a known distance; positions (N, 2) in km east and north of the centre, or None
        for a file of distances.
    """
    rows = pd.read_csv(path, dtype=str, skipinitialspace=True)
    rows.columns = [SHORT.get(c, c) for c in rows.columns.str.strip().str.lower()]
    if list(rows)[:2] == ["from", "to"] and rows.shape[1] > 2:
        return _weights(_roads(path, rows, names)), None
    if {"latitude", "longitude"} <= set(rows):
        degrees = _degrees(path, rows, names)  # (N, 2)
        scale = DEGREE * np.array([np.cos(np.radians(degrees[:, 0].mean())), 1])
        places = scale * (degrees - degrees.mean(axis=0))[:, ::-1]
        return _weights(graphs.distances_km(*degrees.T)), places
    return sys.exit(
        f"{path} must have the columns from, to, distance, or the columns sensor, latitude, "
        f"longitude, or id, lat, lon. It has {', '.join(rows)}. Rename the columns."
    )


def _roads(path, rows, names):
    """Returns distances (N, N), infinite where the distance is unknown."""
    ends = np.stack([pd.Index(names).get_indexer(rows[end]) for end in ("from", "to")])
    if rows[["from", "to"]].isna().any(axis=None):
        sys.exit(f"{path} must have a sensor in each cell of from and to. Fill the empty cells.")
    known = ends.min(axis=0) >= 0
    if not known.all():
        print(f"{path}: {(~known).sum()} of {len(known)} rows name sensors without readings.")
    distances = np.full((len(names), len(names)), np.inf)
    lengths = pd.to_numeric(rows.iloc[:, 2]).to_numpy(float)
    np.minimum.at(distances, tuple(ends[:, known]), lengths[known])
    return np.minimum(distances, distances.T)


def _degrees(path, rows, names):
    ids = rows.drop(columns=["latitude", "longitude"])
    # Row numbers are no names of sensors, unless the sensors have no other names.
    if names != [str(n) for n in range(len(names))]:
        ids = ids.drop(columns=[c for c in ids if c in ("", "index") or c.startswith("unnamed")])
    shared = {c: len(set(names) & set(ids[c])) for c in ids}
    best = [c for c in shared if shared[c] == max(shared.values())]
    if len(best) != 1:
        sys.exit(
            f"{path} must have one column of names of sensors, such as {', '.join(names[:3])}. It "
            f"has the columns {', '.join(rows)}. Remove all except one of {', '.join(best)}."
        )
    rows = rows.set_index(best[0])[["latitude", "longitude"]].astype(float)
    missing = [name for name in names if name not in rows.index]
    if missing:
        sys.exit(
            f"{path} must have a row for each sensor. Its column {best[0]} begins with "
            f"{', '.join(rows.index[:3])}. Add rows for {', '.join(missing)}."
        )
    if rows.index.duplicated().any():
        sys.exit(f"{path} must have one row for each sensor. Remove the other rows.")
    return rows.loc[names].to_numpy()


def _weights(distances):
    np.fill_diagonal(distances, np.inf)
    farthest = np.sort(distances, axis=1)[:, :NEAREST].max(axis=1, keepdims=True)
    near = np.where(distances <= farthest, distances, np.inf)
    if not np.isfinite(near).any():
        sys.exit(
            "The graph must have an edge. The file has no distance between two sensors of the "
            "readings. Check the names of the sensors."
        )
    sigma2 = np.mean(near[np.isfinite(near)] ** 2)
    weights = graphs.gaussian_kernel(near, sigma2, epsilon=0.0, zero="same_place")
    return np.maximum(weights, weights.T)
