"""Sensors of a series, and the graph between them."""

import dataclasses
import itertools

import networkx as nx
import numpy as np
import pytest

from stgkeras.datasets import Series, from_arrays

RNG = np.random.default_rng(0)
NAMES = ("001", "b", "c", "d", "e")


def series(adjacency=None, steps=7):
    values = np.arange(steps * 10.0).reshape(steps, 5, 2)
    times = np.datetime64("2024-05-01T00:00") + np.timedelta64(5, "m") * np.arange(steps)
    return from_arrays(values, times, adjacency, names=NAMES, features=("x", "y"), units="km/h")


def weights(share=0.5, scale=1.0):
    found = RNG.random((5, 5)) * (RNG.random((5, 5)) < share) * scale
    np.fill_diagonal(found, 0)
    return found


@pytest.mark.parametrize("steps", [5, 7])  # as many steps as sensors, and more
def test_values_and_graph_follow_the_names(steps):
    whole = series(weights(), steps)
    part = whole.select(["d", "001", "e"])
    assert part.names == ("d", "001", "e")
    for n, name in enumerate(part.names):
        was = NAMES.index(name)
        np.testing.assert_array_equal(part.values[:, n], whole.values[:, was])
        for m, other in enumerate(part.names):
            assert part.adjacency[n, m] == whole.adjacency[was, NAMES.index(other)]
    for field in dataclasses.fields(Series):
        if field.name not in ("values", "names", "adjacency"):
            given, found = getattr(whole, field.name), getattr(part, field.name)
            assert np.array_equal(given, found) if field.name == "timestamps" else given == found
    assert series().select(iter(NAMES[::-1])).adjacency is None
    np.testing.assert_array_equal(whole.select(NAMES).adjacency, whole.adjacency)


def test_other_fields_of_sensors_follow():
    @dataclasses.dataclass(frozen=True, eq=False)
    class Observed(Series):
        observed: np.ndarray | None = None

    whole = series()
    fields = {field.name: getattr(whole, field.name) for field in dataclasses.fields(Series)}
    observed = RNG.random((7, 5)) < 0.5
    part = Observed(**fields, observed=observed).select(["c", "b"])
    assert isinstance(part, Observed)
    np.testing.assert_array_equal(part.observed, observed[:, [2, 1]])


@pytest.mark.parametrize("kept", [["001", "e"], ["e", "b", "c"], ["d"], list(NAMES)])
def test_contracted_paths_against_all_paths(kept):
    for _ in range(10):
        whole = series(weights(0.6))
        found = whole.select(kept, contract=True).adjacency
        graph = nx.DiGraph()
        graph.add_nodes_from(NAMES)
        for n, m in np.argwhere(whole.adjacency):
            graph.add_edge(NAMES[m], NAMES[n], weight=whole.adjacency[n, m])
        for (n, target), (m, source) in itertools.product(enumerate(kept), repeat=2):
            paths = [] if n == m else nx.all_simple_paths(graph, source, target)
            products = [
                np.prod([graph.edges[ends]["weight"] for ends in itertools.pairwise(path)])
                for path in paths
                if not set(path[1:-1]) & set(kept)
            ]
            assert found[n, m] == pytest.approx(max(products, default=0))


@pytest.mark.parametrize(
    ("names", "kind", "message"),
    [
        ("b", TypeError, r"list of names of sensors. Received: names='b'. Pass \['b'\]"),
        (["b", "x"], ValueError, "`names` must be names of sensors. Received: 'x'; .*'001', 'b'"),
        ([1], ValueError, "Received: '1'.*'1' seems to be the sensor '001'"),
        ([True] * 5, ValueError, "Received: 'True'"),
        ([], ValueError, "at least one name"),
        (["b", "c", "b"], ValueError, "more than once: 'b'"),
    ],
)
def test_bad_names(names, kind, message):
    with pytest.raises(kind, match=message):
        series().select(names)


def test_what_cannot_be_contracted():
    with pytest.raises(ValueError, match="`contract` must be False for a series without a graph"):
        series().select(["b"], contract=True)
    with pytest.raises(ValueError, match="weights above 1.*the weight 2. Divide the adjacency"):
        series(np.eye(5, k=1) * 2).select(["b", "c"], contract=True)
