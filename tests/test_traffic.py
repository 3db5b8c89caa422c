"""Reading series and graphs: real files where they are present, written ones elsewhere."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import load_series

DATA = os.environ.get("STGKERAS_DATA")


def real(name):
    if DATA is None or not (Path(DATA) / name).exists():
        pytest.skip(f"STGKERAS_DATA holds no {name}")
    return Path(DATA) / name


VALUES = np.arange(24.0).reshape(8, 3)


@pytest.fixture
def write(tmp_path):
    """Writes a file: text, or the arrays of an npz."""

    def write(name, text=None, **arrays):
        if text is None:
            np.savez(tmp_path / name, **arrays)
        else:
            (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


# Real data


def test_los_loop():
    series = load_series(real("los_loop/los_loop.npz"))
    assert series.values.shape == (2016, 207, 1) and series.values.dtype == np.float32
    assert series.values.mean(dtype=float) == pytest.approx(58.8914, abs=1e-3)
    assert series.adjacency.shape == (207, 207) and series.adjacency.dtype == np.float64
    assert np.count_nonzero(series.adjacency) == 2626
    assert np.array_equal(series.adjacency, series.adjacency.T)
    assert not series.adjacency.diagonal().any()
    assert series.names[0] == "773869" and series.features == ("speed",)
    assert series.interval == 5
    assert series.timestamps[-1] == np.datetime64("2012-03-07T23:55")


def test_pems08_tail():
    path, graph = real("pems08_tail/pems08_flow_tail.npz"), real("pems08_tail/distance.csv")
    graph = pd.read_csv(graph, dtype=str)[["from", "to"]]
    series = load_series(path, graph)
    assert series.values.shape == (7156, 170, 1)
    assert series.values.mean(dtype=float) == pytest.approx(231.8992, abs=1e-3)
    assert series.adjacency.sum() == np.count_nonzero(series.adjacency) == 277
    assert series.adjacency[153, 9] == 1 and series.adjacency[9, 153] == 0  # the row 9,153
    assert series.timestamps[-1] == np.datetime64("2016-08-31T23:55")
    both = load_series(path, graph, symmetric=True).adjacency
    assert np.array_equal(both, both.T) and both.sum() == 2 * 274


def test_orange_has_three_scaled_features():
    path, graph = real("pems_d12_orange/orange_81.npz"), real("pems_d12_orange/edges.csv")
    graph = pd.read_csv(graph, dtype=str).drop(columns="cost_miles")
    series = load_series(path, graph, key=("flow", "occupancy", "speed"))
    assert series.features == ("flow", "occupancy", "speed")
    means = series.values.mean((0, 1), dtype=float)
    np.testing.assert_allclose(means, [286.2408, 0.059466, 64.4187], rtol=2e-3)
    assert series.adjacency.sum() == 84 and series.names[0] == "1205320"


def test_metr_la_marks_missing_readings_by_zero():
    path, graph = real("metr_la/metr_la_subset.npz"), real("metr_la/metr_la_adj207.npz")
    series = load_series(path, null_value=0)
    assert np.isnan(series.values).mean() == pytest.approx(0.07749, abs=1e-5)
    assert np.nanmean(series.values, dtype=float) == pytest.approx(54.431, abs=1e-3)
    assert series.null_value == 0 and series.units == ("",)
    assert not np.isnan(load_series(path).values).any()
    with pytest.raises(ValueError, match=r"names of sensors.*207 in all.*29 in all.*=\"drop\""):
        load_series(path, graph)
    # The file of the graph names its 207 sensors; the file of the series says which these are.
    there = load_series(path, graph, null_value=0, unknown="drop").adjacency
    with np.load(path) as file, np.load(graph) as whole:
        index = file["index_in_207"]
        expected = whole["adj"][np.ix_(index, index)] * (1 - np.eye(29))
    np.testing.assert_array_equal(there, expected)
    assert np.count_nonzero(there) > 20


def test_a_truncated_real_file(tmp_path):
    path = real("los_loop/los_loop.npz")
    cut = tmp_path / "cut.npz"
    for size in (100, 200_000, path.stat().st_size - 50):
        cut.write_bytes(path.read_bytes()[:size])
        with pytest.raises(ValueError, match=r"cut.npz must be an npz .* damaged or cut short"):
            load_series(cut)


def test_one_array_under_the_name_of_an_archive(tmp_path):
    with open(tmp_path / "a.npz", "wb") as file:
        np.save(file, np.ones((5, 2)))
    with pytest.raises(ValueError, match=r"a.npz must be an npz file of plain arrays"):
        load_series(tmp_path / "a.npz")


# npz


def test_npz_by_hand(write):
    path = write(
        "a.npz",
        flow=np.array([[10, 20], [30, 40]], "uint16"),
        flow_scale=0.1,
        adjacency=[[5, 2], [0, 5]],
        names=["a", "b"],
        start_time="2020-02-29T23:55",
        step_minutes=5,
    )
    series = load_series(path)
    np.testing.assert_allclose(series.values[..., 0], [[1, 2], [3, 4]], rtol=1e-6)
    assert series.adjacency.tolist() == [[0, 2], [0, 0]]
    assert series.names == ("a", "b") and series.features == ("flow",) and series.interval == 5
    assert series.timestamps.astype(str).tolist() == ["2020-02-29T23:55:00", "2020-03-01T00:00:00"]
    assert load_series(path, symmetric=True).adjacency.tolist() == [[0, 2], [2, 0]]


def test_npz_with_three_axes_and_nothing_else(write):
    series = load_series(write("a.npz", data=VALUES.reshape(4, 3, 2)), interval=15)
    assert series.values.shape == (4, 3, 2) and series.features == ("data_0", "data_1")
    assert series.names == ("0", "1", "2") and series.interval == 15
    assert series.adjacency is None and series.timestamps is None


def test_key_chooses_and_stacks(write):
    path = write("a.npz", speed=VALUES, flow=2 * VALUES, lanes=np.ones(3))
    np.testing.assert_array_equal(load_series(path, key="flow").values[..., 0], 2 * VALUES)
    both = load_series(path, key=["speed", "flow"])
    np.testing.assert_array_equal(both.values, np.stack([VALUES, 2 * VALUES], -1))
    with pytest.raises(ValueError, match=r"key=None, arrays: .*'speed'.*'flow'.*'lanes'"):
        load_series(path)


@pytest.mark.parametrize(
    ("arrays", "key", "message"),
    [
        ({"a": VALUES}, "b", r"`key` must name a numeric array.*key='b'.*'a': \(8, 3\)"),
        ({"a": VALUES[:0]}, None, r"`key` must name .*'a': \(0, 3\)"),
        ({"a": VALUES[0]}, "a", r"`key` must name .* \(steps, nodes\).*'a': \(3,\)"),
        ({"a": VALUES[None, None]}, None, r"`key` must name .*'a': \(1, 1, 8, 3\)"),
        ({"a": VALUES.astype(str)}, "a", "`key` must name a numeric array"),
        ({"a": VALUES, "b": VALUES[:4]}, ("a", "b"), r"equal numbers of steps.*'b': \(4, 3\)"),
        ({"a": VALUES, "adj": np.eye(4)}, None, r"3 nodes of the series.*\(4, 4\)"),
        ({"a": VALUES, "adj": -np.eye(3)}, None, "`graph` without negative weights.*-1.0"),
        ({"a": VALUES, "adj": np.eye(3) * np.nan}, None, r"`graph` of finite .*\(0, 0\)"),
        ({"a": VALUES, "names": ["p", "q"]}, None, r"`names` .*one name for .*3 nodes.*\(2,\)"),
        ({"a": VALUES, "names": ["p", "q", "p"]}, None, r"unique `names`.*'p' more"),
        ({"a": np.array([[1, np.nan], [np.nan, 0]])}, None, r"NaN.*2 of 4.*first at \(0, 1, 0\)"),
        ({"a": VALUES, "names": "p"}, None, r"`names` in .*a.npz must have one .*\(\)"),
        ({"a": VALUES, "step_minutes": "x"}, None, "one number of .*`step_minutes`.*'x'"),
        ({"a": VALUES, "step_minutes": 0}, None, r"one number of .*`step_minutes`.*\[0\]"),
        ({"a": VALUES, "step_minutes": 5, "start_time": "noon"}, None, "`start_time`.*'noon'"),
        ({"a": VALUES, "a_scale": np.ones(2)}, None, r"`a_scale` in .* one number.*\(2,\)"),
        ({"a": np.array([[{}, 1]], dtype=object)}, None, "plain arrays.*pickled objects"),
    ],
)
def test_bad_npz(write, arrays, key, message):
    with pytest.raises(ValueError, match=message):
        load_series(write("a.npz", **arrays), key=key)


def test_bad_files(write, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"`path` must be .* existing file. Received: .*absent.npz"
    ):
        load_series(tmp_path / "absent.npz")
    with pytest.raises(
        FileNotFoundError, match=r"`graph` must be .* existing file. Received: .*graph.csv"
    ):
        load_series(write("a.npz", a=VALUES), tmp_path / "graph.csv")
    with pytest.raises(ValueError, match=r"must end in .npz, .csv, .*a.txt"):
        load_series(write("a.txt", "1,2"))
    for text in ("", "not a zip file"):
        with pytest.raises(ValueError, match="must be an npz .* damaged or cut short"):
            load_series(write("a.npz", text))
    with pytest.raises(ValueError, match=r"`interval` must agree with the file: 5.0.*=10"):
        load_series(write("a.npz", a=VALUES, step_minutes=5), interval=10)


# csv


def test_csv_without_timestamps(write):
    series = load_series(write("a.csv", "p,q\n1,2.5\n3,4\n"), interval=5)
    assert series.values[..., 0].tolist() == [[1, 2.5], [3, 4]]
    assert series.names == ("p", "q") and series.features == ("value",) and series.interval == 5
    assert series.timestamps is None


@pytest.mark.parametrize("header", ["time", ""])
def test_csv_with_timestamps(write, header):
    text = f"{header},400001,400017\n2012-03-01 00:00:00,1,2\n2012-03-01 00:15:00,3,4\n"
    series = load_series(write("a.csv", text))
    assert series.values.shape == (2, 2, 1) and series.names == ("400001", "400017")
    assert series.interval == 15 and series.timestamps[1] == np.datetime64("2012-03-01T00:15")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p,q\n1,2\n3,x\n", "must hold numbers.*'x' in column 'q', row 1"),
        ("time,q\n2020-01-01,2\nabc,3\n", "timestamps in its first column.*'abc'.*'time', row 1"),
        ("p,q\nx,2\n", "timestamps in its first column.*'x' in column 'p', row 0"),
        ("From,to ,cost\nA,B,2\n", "must hold readings.*of a graph. Pass the file of read"),
        ("p,q,p\n1,2,3\n", r"unique `names`.*'p' more"),
        ("p,q\n1,2\n3,\n", r"NaN.*1 of 4.*first at \(1, 1, 0\)"),
        ("p,q\n,2\n", r"NaN.*first at \(0, 0, 0\)"),
        ("p\n1,2\n", "must have a name for each column.*1 names, 2 columns"),
        (",p,q\n0,1,2\n1,3,4\n", "must have a name for each column.*a column without a name"),
        ("", "must be a csv table with data"),
        ("p,q\n", "must be a csv table with data"),
        ("p,q\n1,2\n1,2,3\n", "must be a csv table.*line 3"),
        (
            "t,p\n2020-01-01 00:00,1\n2020-01-01 00:05,1\n2020-01-01 00:15,1\n",
            "evenly spaced.*00:15:00 in row 2 after .*00:05:00",
        ),
        ("t,p\n2020-01-02,1\n2020-01-01,1\n", "evenly spaced.*row 1"),
    ],
)
def test_bad_csv(write, text, message):
    with pytest.raises(ValueError, match=message):
        load_series(write("a.csv", text))
    with pytest.raises(ValueError, match="`key` must be None for a csv file.*'p'"):
        load_series(write("a.csv", text), key="p")


# Graphs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Rows fill [to, from]; the diagonal is cleared; test_distance_graphs.py tests distances.
        ("from,to\n7,8\n8,9\n9,9\n", [[0, 0, 0], [1, 0, 0], [0, 1, 0]]),
        ("From,To,from_id,to_id\n0,1,7,8\n", [[0, 0, 0], [1, 0, 0], [0, 0, 0]]),
        ("from,to\n7,8\n7,8\n", [[0, 0, 0], [1, 0, 0], [0, 0, 0]]),
        ("from,to,weight\n7,8,0.5\n9,7,2\n7,8,0.7\n", [[0, 0, 2], [0.7, 0, 0], [0, 0, 0]]),
        ("from,to,weight\n7,9,0.5\n", [[0, 0, 0], [0, 0, 0], [0.5, 0, 0]]),
        ("4,1,0\n0,4,0\n0,3,4\n", [[0, 1, 0], [0, 0, 0], [0, 3, 0]]),
    ],
)
def test_graph_csv(write, text, expected):
    path = write("a.npz", a=VALUES, names=["7", "8", "9"])
    series = load_series(path, write("graph.csv", text))
    assert series.adjacency.tolist() == expected


def test_names_go_before_indices(write):
    path = write("a.npz", a=VALUES, names=["2", "1", "0"])
    series = load_series(path, write("graph.csv", "from,to\n0,2\n"))
    assert np.argwhere(series.adjacency).tolist() == [[0, 2]]


def test_graph_npz_replaces_that_of_the_series(write):
    path = write("a.npz", a=VALUES, adj=np.ones((3, 3)))
    graph = write("graph.npz", adj=np.diag([2.0, 2.0], 1))
    assert load_series(path, graph).adjacency.tolist() == [[0, 2, 0], [0, 0, 2], [0, 0, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from,to\n7,8\n8,3\n", "nodes of the series.*to='3' in row 1.*'7', '8', '9'"),
        ("from,to\nx,1\n", "nodes of the series.*from='x' in row 0"),
        ("from,to\n7,1\n", "nodes of the series.*to='1' in row 0"),
        ("from,to\na,7\n", "nodes of the series.*from='a' in row 0"),
        ("from,to\n7,\n", "an empty cell in column 'to', row 0"),
        ("from,to,weight\n7,8,heavy\n", "must hold numbers.*'heavy' in column 'weight', row 0"),
        ("from,to,weight\n7,8,-2\n", "`graph` without negative weights.*-2.0"),
        ("from,to,weight\n7,8,\n", "must hold numbers. Received: '' in column 'weight', row 0"),
        ("from,to,speed\n7,8,2\n", "third column cost, distance or weight.*'speed'"),
        ("1,0\n0,1\n", r"3 nodes of the series.*\(2, 2\)"),
        ("1,0,0\n0,1,0\n", r"3 nodes of the series.*\(2, 3\)"),
        ("0,1,0\n0,a,0\n0,0,0\n", "must hold numbers.*'a' in column 1, row 1"),
    ],
)
def test_bad_graph(write, text, message):
    path = write("a.npz", a=VALUES, names=["7", "8", "9"])
    with pytest.raises(ValueError, match=message):
        load_series(path, write("graph.csv", text))


def test_a_graph_of_distances_is_refused(write):
    path = write("a.npz", a=VALUES)
    with pytest.raises(ValueError, match=r"must hold `adj`.*distance_m.*gaussian_kernel"):
        load_series(path, write("graph.npz", distance_m=np.ones((3, 3))))
