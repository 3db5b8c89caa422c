"""Files and frames of distances and coordinates that are refused, with the fix."""

import pandas as pd
import pytest
from test_distance_graphs import LETTERS, assert_edges, expected_weights, join, write


def every(place):
    return "id,lat,lon\n" + "".join(f"{name},{place}\n" for name in LETTERS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from,to,distance\nA,B,\n", "must hold numbers. Received: '' in column 'distance', row 0"),
        ("from,to,cost\nA,B,1 km\n", "Received: '1 km' in column 'cost', row 0. Write a number"),
        ("from,to,cost\nA,B,1\nB,C,-2\n", "distances of at least 0. Received: -2 from='B' to='C'"),
        ("from,to,distance\nA,A,1\n", r"must have an edge between two .*'from': 'A'.*'A', 'B'"),
        ("from,to,distance\nA,B,inf\n", "must have an edge between two sensors of the series"),
        ("from,to\nB,B\n", "must have an edge between two sensors of the series. Received: 1 rows"),
        ("from,to,metres\nA,B,1\n", r"third column cost, distance or weight.*'metres'\]"),
        ("from,to,latitude,longitude\nA,B,1,2\n", "at most a third column cost, distance or wei"),
        ("from,to,distance\nA,B,1\nX,A,1\n", r"The unknown ids are 'X'.*`unknown=\"drop\"`"),
        ("id,lat\nA,5\nB,5\nC,5\nD,5\n", "places, with the header sensor,latitude,longitude"),
        ("id,latitude,lng\nA,50,8\n", "one row for each.*'A'; .* Add rows for 'B', 'C', 'D'"),
        ("id,lat,lon\na,50,8\nb,50,8\n", "rows for 'a', 'b'; the sensors are 'A', 'B', 'C', 'D'"),
        ("id,sensor,lat,lon\nA,A,50,8\n", "'id', 'sensor'; those with the most .* Remove all exc"),
        ("id,sensor,lat,lon\nx,y,50,8\n", "most names are none; .* Add a column sensor with the"),
        ("lat,lon\n50,8\n50,9\n", "the columns none; .* Add a column sensor"),
        ("index,lat,lon\n1,50,8\n2,50,9\n", "the columns 'index'; .* Add a column sensor"),
        (every("50,8") + "A,50,8\n", "Keep one row .* 'A'"),
        (every("50,8") + "E,50,8\n", "Remove the rows of 'E', or pa"),
        (every("50,"), "longitude='' for the sensor 'A'"),
        (every("91,8"), "latitude from -90 to 90 degrees"),
        (every("9,1x"), "longitude='1x' .* Write decimal"),
        (every("9,nan"), "longitude='nan'"),
        ("id,lat,lon\nA,9,8\nB,0,0\nC,9,9\nD,9,9\n", "latitude 0 and longitude 0 for .*'B', far"),
        ("id,lat,Latitude,lon\nA,9,9,8\n", "each column once.*'latitude' except for one"),
    ],
)
def test_bad_files(tmp_path, text, message):
    graph = write(tmp_path, text)
    with pytest.raises(ValueError, match=message):
        join(graph)
    if "with the header" not in message:
        with pytest.raises(ValueError, match=f"^`graph`.*{message}"):
            join(pd.read_csv(graph, dtype=str, keep_default_na=False))


def test_bad_ids(tmp_path):
    for text, options in (
        ("id,kind,lat,lon\n7,a,50,8\n8,b,51,8\n", {}),
        ("id,lat,lon\n7,50,8\n8,51,8\n", {"unknown": "drop"}),
    ):
        with pytest.raises(ValueError, match=r"'7' seems to be the sensor '007'.*zfill\(3\)"):
            join(write(tmp_path, text), ["007", "008"], **options)
    frame = pd.DataFrame({"id": [7.0, 8.0], "lat": 50.0, "lon": 8.0})
    with pytest.raises(ValueError, match="`graph` must have one row .* '7.0' seems to be .* '7'"):
        join(frame, ["7", "8"])


def test_sensors_without_readings(tmp_path):
    roads = write(tmp_path, "from,to,distance\nA,B,1\nB,C,2\nX,A,0\nX,Y,1\n")
    pairs = {("A", "B"): 1, ("B", "A"): 1, ("B", "C"): 2, ("C", "B"): 2}
    assert_edges(join(roads, unknown="drop"), expected_weights(pairs))
    with pytest.raises(ValueError, match="must have an edge .* only edges with 'B', 'C', 'X';"):
        join(roads, ["A", "Y"], unknown="drop")
    places = write(tmp_path, "id,lat,lon\nX,?,8\nB,50,8\nA,51,8\n")
    assert join(places, ["A", "B"], unknown="drop").places.tolist() == [[51, 8], [50, 8]]
