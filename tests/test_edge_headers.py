"""Edge files with other headers or ids: the advice in each message is run as it is."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import from_arrays

NAMES = ("A", "B", "C", "D")
EDGES = "A,B,1\nB,C,2\nC,D,4\n"


def join(graph, names=NAMES):
    return from_arrays(np.ones((3, len(names))), names=names, graph=graph).adjacency


@pytest.fixture
def write(tmp_path):
    def written(text):
        (tmp_path / "g.csv").write_text(text)
        return tmp_path / "g.csv"

    return written


def code_of(graph, names=NAMES):
    with pytest.raises(ValueError, match="columns from and to .*Received: the columns") as error:
        join(graph, names)
    (code,) = re.findall(r"`(graph[^`]*)`", str(error.value)[10:])
    return str(error.value), code


@pytest.mark.parametrize(
    "header", ["source,target", "von,nach", "u,v", "Origin,Destination", "station,neighbour", "x,y"]
)
@pytest.mark.parametrize("third", ["weight", "distance", "km", None])
def test_other_headers(write, header, third):
    """Also names that no list can know: the cells hold names of sensors."""
    text = EDGES if third else re.sub(r",\d", "", EDGES)
    path = write(f"{header},{third}\n{text}" if third else f"{header}\n{text}")
    message, code = code_of(path)
    first, second = header.split(",")
    assert f"Rename '{first}' to from and '{second}' to to in the file" in message
    assert ("rename 'km' to weight" in message) == (third == "km")
    graph = eval(code.removeprefix("graph="), {"pandas": pd, "path": path})
    graph = graph.rename(columns={"km": "distance"})
    right = pd.read_csv(path).set_axis(["from", "to", *([third] if third else [])], axis=1)
    right = right.rename(columns={"km": "distance"})
    np.testing.assert_array_equal(join(graph), join(right))


def test_a_frame_with_other_headers():
    frame = pd.DataFrame({"source": [7, 8], "target": [8, 9], "kind": "a", "length": 1.0})
    message, code = code_of(frame, ("7", "8", "9"))
    assert "remove all except one of 'kind', 'length'" in message
    graph = eval(code, {"graph": frame})[["from", "to"]]
    assert join(graph, ("7", "8", "9")).tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_known_headers_with_unknown_ids(write):
    assert "Rename 'src' to from" in code_of(write("src,dst\nX,Y\n"))[0]


def test_another_third_column(write):
    path = write("from,to,km\n" + EDGES)
    with pytest.raises(ValueError, match="at most a third column .* 'km'") as error:
        join(path)
    (code,) = re.findall("`graph=([^`]*)`", str(error.value))
    expected = join(write("from,to,distance\n" + EDGES))
    path = write("from,to,km\n" + EDGES)
    np.testing.assert_array_equal(join(eval(code, {"pandas": pd, "path": path})), expected)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("form", ["edges", "matrix", "places", "frame"])
def test_ids_with_a_decimal(write, form, swapped):
    ids = ["7.0", "8.0", "9.0"]
    names = ["7", "8", "9"]
    if swapped:
        ids, names = names, ids
    a, b, c = ids
    graph = {
        "edges": f"from,to\n{a},{b}\n{b},{c}\n",
        "matrix": f",{a},{b},{c}\n{a},0,1,0\n{b},1,0,0\n{c},0,0,0\n",
        "places": f"sensor,lat,lon\n{a},48,16\n{b},48.1,16\n{c},48.2,16\n",
    }
    frame = pd.DataFrame({"from": [a, b], "to": [b, c]}).astype(int if swapped else float)
    given = frame if form == "frame" else write(graph[form])
    what = "names of the sensors" if swapped else "ids"
    message = rf"id '{a}' seems to be the sensor '{names[0]}'. .*Write the {what} without it.* '7'"
    with pytest.raises(ValueError, match=message):
        join(given, names)


def test_the_advice_for_ids_with_a_decimal():
    frame = pd.DataFrame({"from": [7.0, 8.0], "to": ["8.0", "9.0"]})
    for column in frame:
        frame[column] = pd.to_numeric(frame[column]).astype("int64")
    assert join(frame, ["7", "8", "9"]).sum() == 2


@pytest.mark.parametrize(
    ("matrix", "warns"),
    [
        ([[0, 1.2, 5], [1.2, 0, 4], [5, 4, 0]], True),
        ([[0, 300, 900], [300, 0, 700], [900, 700, 0]], True),
        ([[0, 1, 9], [1, 0, 1], [9, 1, 0]], False),
        ([[0, 0.9, 0.2], [0.9, 0, 0.4], [0.2, 0.4, 0]], False),
        ([[0, 2, 2], [2, 0, 3], [2, 3, 0]], False),
        ([[0, 5, 0], [5, 0, 4], [0, 4, 0]], False),
    ],
)
def test_distances_of_three_sensors(matrix, warns):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        join(np.array(matrix, float), NAMES[:3])
    assert bool(found) == warns
    assert all("`graph` may hold distances" in str(warning.message) for warning in found)
