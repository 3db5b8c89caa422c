"""Graphs from distances and coordinates: one rule, whichever function reads them."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import from_arrays, from_csv, from_pandas, load_series

LETTERS = list("ABCD")


def join(graph, names=LETTERS, **options):
    return from_arrays(np.ones((5, len(names))), names=names, graph=graph, **options)


def write(folder, text, name="graph.csv"):
    (folder / name).write_text(text)
    return folder / name


def expected_weights(distances, nearest=5):
    """The rule in plain loops over dicts; {(a, b): d} with all pairs in both directions."""
    kept = []
    for sensor in {a for a, _ in distances}:
        own = sorted((d, pair) for pair, d in distances.items() if pair[0] == sensor)
        kept += [(pair, d) for d, pair in own if d <= own[min(nearest, len(own)) - 1][0]]
    sigma2 = sum(d * d for _, d in kept) / len(kept)
    weights = {pair: math.exp(-d * d / sigma2) for pair, d in kept}
    return weights | {(b, a): weight for (a, b), weight in weights.items()}


def haversine(first, second):
    (a, b), (c, d) = np.radians(first), np.radians(second)
    chord = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    return 2 * 6371.0088 * np.arcsin(np.sqrt(chord))


def assert_edges(series, weights):
    found = {
        (series.names[m], series.names[n]): series.adjacency[n, m]
        for n, m in np.argwhere(series.adjacency)
    }
    assert found == pytest.approx(weights, rel=1e-9)
    np.testing.assert_array_equal(series.adjacency, series.adjacency.T)
    assert series.adjacency.dtype == np.float64


# Distances of edges


@pytest.mark.parametrize("header", ["from,to,distance", "From, To ,cost_miles", "from,to,cost"])
@pytest.mark.parametrize("unit", [1, 1000, 1e-170, 1e200])
def test_weights_by_hand(tmp_path, header, unit):
    rows = [("A", "B", 1.0), ("B", "A", 0.9), ("B", "C", 2.0), ("B", "C", 2.5), ("D", "D", 7.0)]
    text = "\n".join([header, *(f"{a},{b},{d * unit!r}" for a, b, d in rows)])
    series = join(write(tmp_path, text))
    mean = (0.81 + 0.81 + 4 + 4) / 4  # the smallest distance of a pair counts, at both of its ends
    near, far = math.exp(-0.81 / mean), math.exp(-4 / mean)
    assert_edges(series, {("A", "B"): near, ("B", "A"): near, ("B", "C"): far, ("C", "B"): far})
    assert series.places is None and series.positions is None


def test_five_nearest_sensors():
    # A hub with seven roads: five of them are its nearest; the other two have no nearer sensor.
    names = ["hub", *(f"S{i}" for i in range(1, 8)), "alone"]
    table = pd.DataFrame({"from": "hub", "to": names[1:8], "distance": np.arange(1.0, 8)})
    series = join(table, names)
    lengths = [*range(1, 6), *range(1, 8)]  # those that the hub keeps, and those that the ends keep
    sigma2 = sum(d * d for d in lengths) / len(lengths)
    weights = {("hub", f"S{d}"): math.exp(-d * d / sigma2) for d in range(1, 8)}
    assert_edges(series, weights | {(b, a): w for (a, b), w in weights.items()})
    # All pairs on a line: sensors at equal distances count alike, so that a middle sensor has six.
    names = [str(i) for i in range(9)]
    pairs = {(a, b): abs(int(a) - int(b)) for a in names for b in names if a != b}
    table = pd.DataFrame([(a, b, d) for (a, b), d in pairs.items()], columns=["from", "to", "cost"])
    series = join(table, names)
    assert_edges(series, expected_weights(pairs))
    assert np.flatnonzero(series.adjacency[0]).tolist() == [1, 2, 3, 4, 5]
    assert series.adjacency[3, 0] == series.adjacency[3, 6] > 0


def test_absent_is_absent(tmp_path):
    text = "from,to,distance\nA,B,1\nB,C,2\nC,D,0\nA,C,0\nA,A,0\nB,D,inf\n"
    message = r"graph.csv has 2 distances of 0 between two sensors, the first from='C' to='D'"
    with pytest.warns(UserWarning, match=message):
        series = join(write(tmp_path, text))
    pairs = {("A", "B"): 1, ("B", "A"): 1, ("B", "C"): 2, ("C", "B"): 2}
    assert_edges(series, expected_weights(pairs))


def test_without_distances_edges_are_as_given(tmp_path):
    binary = join(write(tmp_path, "from,to\nA,B\nB,C\n"))
    assert binary.adjacency.tolist() == [[0] * 4, [1, 0, 0, 0], [0, 1, 0, 0], [0] * 4]
    weighted = join(write(tmp_path, "from,to,weight\nA,B,0.5\nB,C,3\n"))
    assert weighted.adjacency.tolist() == [[0] * 4, [0.5, 0, 0, 0], [0, 3, 0, 0], [0] * 4]


# Coordinates


def line(count):
    return {f"S{i}": (50 + i / 100, 8.0 + i * i / 1000) for i in range(count)}


@pytest.mark.parametrize("count", [2, 4, 9])
def test_weights_of_coordinates(tmp_path, count):
    places = line(count)
    rows = [f"{i},{name},{a!r},{b!r}" for i, (name, (a, b)) in enumerate(places.items())]
    text = "\n".join(["index,id,latitude,longitude", *rows[::-1]])
    series = join(write(tmp_path, text), list(places))
    pairs = {(a, b): haversine(places[a], places[b]) for a in places for b in places if a != b}
    assert_edges(series, expected_weights(pairs))
    assert series.places.dtype == np.float64 and series.places.tolist() == [
        list(place) for place in places.values()
    ]
    kilometres = np.linalg.norm(series.positions[:, None] - series.positions, axis=-1)
    great = [[haversine(a, b) for b in places.values()] for a in places.values()]
    np.testing.assert_allclose(kilometres, great, rtol=1e-3, atol=1e-9)
    np.testing.assert_allclose(series.positions.mean(axis=0), 0, atol=1e-9)
    if count > 2:  # the sensors that `select` takes keep their places
        part = series.select(["S2", "S0"])
        assert part.places.tolist() == [list(places["S2"]), list(places["S0"])]
        two_steps = from_arrays(
            np.ones((2, 2)),
            names=["S0", "S1"],
            graph=pd.DataFrame({"id": ["S0", "S1"], "lat": [1.0, 2.0], "lon": [3.0, 4.0]}),
        )  # (steps, nodes) is the shape of the places
        assert two_steps.select(["S1", "S0"]).places.tolist() == [[2, 4], [1, 3]]


def test_east_is_right_and_north_is_up():
    for lon in ([10, 11], [179.5, -179.5]):
        frame = pd.DataFrame({"sensor": ["b", "a"], "lat": [60, 60], "lng": lon})
        east, north = join(frame, ["a", "b"]).positions.T
        np.testing.assert_allclose(east[0] - east[1], haversine((60, 0), (60, 1)), rtol=1e-4)
        np.testing.assert_allclose(north, 0, atol=1e-9)
    frame = pd.DataFrame({"sensor": ["b", "a"], "lat": [10, 11], "lng": [5, 5]})
    assert join(frame, ["a", "b"]).positions[0, 1] > 50


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sensor,latitude,longitude\nb,60,10\na,61,11\n", "ab"),
        (" ID , Lat,LON \n b ,60,10\na,61,11\n", "ab"),
        ("Station,Lng,kind,Lat\nb,10,road,60\na,11,road,61\n", "ab"),
        ("lat,long,name\n60,10,b\n61,11,a\n", "ab"),
        (",lat,lon\nb,60,10\na,61,11\n", "ab"),  # as pandas writes a frame with its index
        (",lat,lon\n701,60,10\n702,61,11\n", ["702", "701"]),
        ("id,lat,lon\n007,60,10\n008,61,11\n", ["008", "007"]),
        # Row numbers are no names, although they are the names of sensors.
        ("index,id,lat,lon\n1,2,60,10\n2,1,61,11\n", "12"),
        ("index,id,lat,lon\n0,2,60,10\n1,1,61,11\n", "12"),
        (",id,lat,lon\n1,2,60,10\n2,1,61,11\n", "12"),
        # Unless the sensors have no other names.
        ("index,lat,lon\n1,60,10\n0,61,11\n", "01"),
        ("lat,lon\n61,11\n60,10\n", "01"),
    ],
)
def test_names_in_any_column(tmp_path, text, names):
    assert join(write(tmp_path, text), list(names)).places.tolist() == [[61, 11], [60, 10]]


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_other_separators_and_decimal_commas(tmp_path, ending):
    sign = {"csv": ";", "tsv": "\t"}[ending]
    places = ["id,lat,lon", *(f"{name},50.5{i},{i}.25" for i, name in enumerate(LETTERS))]
    for rows in (["from,to,distance", "A,B,1.5", "B,C,2.25"], places):
        expected = join(write(tmp_path, "\n".join(rows)))
        text = "\n".join(row.replace(",", sign).replace(".", ",") for row in rows)
        series = join(write(tmp_path, text, f"graph.{ending}"))
        np.testing.assert_array_equal(series.adjacency, expected.adjacency)
        np.testing.assert_array_equal(series.places, expected.places)


def test_names_in_the_index_of_a_frame():
    frame = pd.DataFrame({"lat": [60.0, 61], "lon": [10, 11]}, index=[702, 701])
    for given in (frame, frame.rename_axis("sensor"), frame.rename_axis("id").reset_index()):
        assert join(given, ["701", "702"]).places.tolist() == [[61, 11], [60, 10]]
    numbered = frame.assign(id=["1", "0"]).reset_index(drop=True)
    assert join(numbered, ["0", "1"]).places.tolist() == [[61, 11], [60, 10]]


def test_sensors_at_one_place():
    frame = pd.DataFrame({"id": LETTERS, "lat": [50, 50, 50.01, 50.02], "lon": 8.0})
    adjacency = join(frame).adjacency
    assert adjacency[0, 1] == 1 > adjacency[0, 2] > adjacency[0, 3] > 0
    assert (join(frame.assign(lat=50)).adjacency == 1 - np.eye(4)).all()
    assert join(frame[:1], ["A"]).adjacency.tolist() == [[0]]


def test_near_sensors_are_not_taken_for_distances():
    # The weights of a rhombus meet the triangle inequality, as distances would.
    frame = pd.DataFrame(
        {"id": LETTERS, "lat": [0.004, -0.004, 0, 0], "lon": [0, 0, 0.0092, -0.0092]}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights = join(frame).adjacency
    assert (weights > 0).sum() == 12
    with pytest.warns(UserWarning, match="may hold distances"):
        join(np.where(np.eye(4), 0, [[0, 1, 3, 2], [1, 0, 2, 3], [3, 2, 0, 5], [2, 3, 5, 0]]) / 5)


# One rule in every function


@pytest.mark.parametrize(
    "text",
    [
        "from,to,distance\nA,B,1\nB,C,2.5\nD,C,1.5\n",
        "id,lat,lon\nD,50,8\nC,50.01,8\nB,50.03,8.01\nA,50.02,8.03\n",
    ],
)
def test_every_function_gives_the_same_graph(tmp_path, text):
    graph = write(tmp_path, text)
    frame = pd.DataFrame(1.0, pd.date_range("2024-05-01", periods=5, freq="5min"), LETTERS)
    frame.to_csv(tmp_path / "speeds.csv", index_label="time")
    np.savez(tmp_path / "speeds.npz", speed=np.ones((5, 4)), names=LETTERS)
    table = pd.read_csv(graph, dtype=str)
    made = [
        make(given)
        for given in (graph, str(graph), table, pd.read_csv(graph))
        for make in (
            join,
            lambda given: from_csv(tmp_path / "speeds.csv", given),
            lambda given: from_pandas(frame, given),
            lambda given: load_series(tmp_path / "speeds.csv", given),
            lambda given: load_series(tmp_path / "speeds.npz", given),
            lambda given: load_series(tmp_path / "speeds.npz", given, symmetric=True),
        )
    ]
    assert np.count_nonzero(made[0].adjacency) in (6, 12)
    for series in made:
        np.testing.assert_array_equal(series.adjacency, made[0].adjacency)
        np.testing.assert_array_equal(series.places, made[0].places)
