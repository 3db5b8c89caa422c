"""Reads graphs from tables with the latitude and longitude of each sensor."""

from __future__ import annotations

import numpy as np

from stgkeras.datasets.series.csv_text import with_points
from stgkeras.datasets.series.distance_graphs import weights_of_distances
from stgkeras.datasets.series.edge_tables import lower_case
from stgkeras.datasets.series.sensor_names import differences, renamed, repeated, shown

SHORT = {"lat": "latitude", "lon": "longitude", "lng": "longitude", "long": "longitude"}
DEGREES = {"latitude": 90, "longitude": 180}  # the largest values
INDEX = "the index of the frame"


def has_coordinates(columns):
    """Whether a table with these columns has coordinates, and no edges."""
    found = _full(columns)
    return set(DEGREES) <= set(found) and not {"from", "to"} <= set(found)


def from_coordinates(table, names, what, unknown="raise", decimal="."):
    """Reads the places of the sensors, and computes weights from their distances.

    Args:
        table: pandas frame with a row for each sensor, the columns latitude and longitude (or lat
            and lon, lng or long), and the names of the sensors in any other column.
        names: sequence of N str, the names of the sensors.
        what: str. Source of the table in error messages.
        unknown: "raise", or "drop" to leave out sensors that are not in `names`.
        decimal: str. Decimal sign of numbers in text.

    Returns:
        dict of `adjacency`, (N, N) float64 weights, and `places`, (N, 2) float64 latitudes and
        longitudes in degrees.
    """
    from stgkeras.graphs import distances_km  # with SciPy, which a service does not need

    columns = _full(table.columns)
    if len(set(columns)) < len(columns):
        raise ValueError(
            f"{what} must have each column once. Received: the columns {columns}. Remove "
            f"{shown(repeated(columns))} except for one."
        )
    table = table.set_axis(columns, axis=1)
    ids = _ids(table, names, what)
    missing, others = differences(names, ids)
    again = [name for name in repeated(ids) if name in names]
    if missing or again or (others and unknown == "raise"):
        fix = f'Remove the rows of {shown(others)}, or pass `unknown="drop"`.'
        if missing:
            fix = renamed(others, names) or f"Add rows for {shown(missing)}."
        elif again:
            fix = f"Keep one row for each of {shown(again)}."
        raise ValueError(
            f"{what} must have one row for each sensor of the series. Received: rows for "
            f"{shown(ids)}; the sensors are {shown(names)}. {fix}"
        )
    places = _places(table.iloc[[ids.index(name) for name in names]], names, what, decimal)
    return {"adjacency": weights_of_distances(distances_km(*places.T)), "places": places}


def kilometres(places):
    """Converts latitudes and longitudes (N, 2) to km east and north of the centre (N, 2)."""
    from stgkeras.graphs.places import EARTH_RADIUS

    north, east = (places - places[0]).T
    east = (east + 180) % 360 - 180  # sensors on both sides of the date line
    across = np.cos(np.radians(places[:, 0].mean()))
    flat = np.radians(np.stack([across * east, north], axis=1)) * EARTH_RADIUS
    return flat - flat.mean(axis=0)


def _full(columns):
    return [SHORT.get(name, name) for name in lower_case(columns)]


def _ids(table, names, what):
    """Returns the cells of the column that holds the names of the sensors, as a list of str."""
    table = table.drop(columns=list(DEGREES))
    cells = {name: [str(cell).strip() for cell in table[name]] for name in table}
    index = [str(label).strip() for label in table.index]
    if not cells or index != [str(i) for i in range(len(index))]:
        cells[INDEX] = index
    cells = {name: ids for name, ids in cells.items() if not _are_row_numbers(name, ids, names)}
    shared = {name: len(set(names) & set(ids)) for name, ids in cells.items()}
    best = [name for name in shared if shared[name] == max(shared.values())]
    if len(best) == 1:
        return cells[best[0]]
    fix = "Add a column sensor with the names of the sensors."
    if best and shared[best[0]]:
        fix = f"Remove all except one of {shown(best)}, which have the same names."
    elif best:
        hints = (renamed(ids, names) for ids in cells.values())
        fix = next((hint for hint in hints if hint), fix)
    found = shown(name for name in best if shared[name])
    raise ValueError(
        f"{what} must have one column with the names of the sensors, besides latitude and "
        f"longitude. Received: the columns {shown(table)}; those with the most names are {found}; "
        f"the sensors are {shown(names)}. {fix}"
    )


def _are_row_numbers(column, ids, names):
    """Whether an unnamed column contains row numbers instead of the names of the sensors.

    If the names of the sensors are "0", "1", …, the row numbers are these names.
    """
    is_bare = column in ("", "index", INDEX) or column.startswith("unnamed")
    starts = (0, 1) if is_bare and names != [str(n) for n in range(len(names))] else ()
    return any(set(ids) == {str(first + i) for i in range(len(ids))} for first in starts)


def _places(table, names, what, decimal):
    import pandas as pd

    places = np.empty((len(names), 2))
    for i, (column, most) in enumerate(DEGREES.items()):
        degrees = pd.to_numeric(with_points(table[column], decimal), errors="coerce")
        places[:, i] = degrees.to_numpy(np.float64, na_value=np.nan)
        wrong = np.flatnonzero(~(np.abs(places[:, i]) <= most))
        if wrong.size:
            raise ValueError(
                f"{what} must have a {column} from -{most} to {most} degrees in each row. Received:"
                f" {column}={table[column].iloc[wrong[0]]!r} for the sensor {names[wrong[0]]!r}. "
                "Write decimal degrees, north and east positive."
            )
    nowhere = np.flatnonzero((places == 0).all(axis=1))
    if nowhere.size and np.abs(places).max() > 1:  # degrees: the others are far away
        raise ValueError(
            f"{what} must have the place of each sensor. Received: latitude 0 and longitude 0 for "
            f"the sensor {names[nowhere[0]]!r}, far from the others. Write its place, or remove it "
            "from the readings."
        )
    return places
