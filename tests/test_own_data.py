"""The user's own series: what is taken, what is refused, what is mended on request."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from stgkeras.datasets import Series, from_arrays, from_csv, load_series

NAN = np.nan
DAY = "2024-03-10 "


def stamps(*minutes):
    return [f"{DAY}{minute // 60:02}:{minute % 60:02}:00" for minute in minutes]


def values(*rows):
    return np.array(rows, dtype=float)


def check(series, expected, minutes=None):
    np.testing.assert_array_equal(series.values[..., 0], np.array(expected, np.float32))
    if minutes is not None:
        times = series.timestamps - np.datetime64(DAY.strip(), "s")
        assert (times // np.timedelta64(60, "s")).tolist() == list(minutes)


# What is taken


def test_arrays_by_hand():
    series = from_arrays(
        np.arange(12).reshape(2, 3, 2),
        pd.to_datetime(["2024-02-29 23:45", "2024-03-01 00:00"]),
        sp.csr_array([[4, 2, 0], [0, 4, 0], [1, 0, 4]]),
        names=[7, 8, 9],
        features=("flow", "speed"),
        units=("veh/h", "km/h"),
    )
    assert isinstance(series, Series) and series.values.dtype == np.float32
    assert series.values.tolist() == np.arange(12.0).reshape(2, 3, 2).tolist()
    assert series.adjacency.tolist() == [[0, 2, 0], [0, 0, 0], [1, 0, 0]]
    assert series.names == ("7", "8", "9") and series.features == ("flow", "speed")
    assert series.units == ("veh/h", "km/h") and series.interval == 15
    assert series.timestamps.astype(str).tolist() == ["2024-02-29T23:45:00", "2024-03-01T00:00:00"]
    assert series.null_value is series.source is series.licence is None


def test_defaults():
    series = from_arrays(np.ones((4, 2, 3), bool), interval=5)
    assert series.names == ("0", "1") and series.features == ("value_0", "value_1", "value_2")
    assert series.units == ("", "", "") and series.interval == 5
    assert series.timestamps is None and series.adjacency is None
    assert from_arrays(np.ones((1, 2)), stamps(0), interval=5).interval == 5
    assert from_arrays(np.ones((1, 2)), stamps(0)).interval is None


def test_symmetric():
    given = np.array([[0, 2], [1, 0]])
    assert from_arrays(np.ones((3, 2)), graph=given).adjacency.tolist() == [[0, 2], [1, 0]]
    both = from_arrays(np.ones((3, 2)), graph=given, symmetric=True).adjacency
    assert both.tolist() == [[0, 2], [2, 0]] and given.tolist() == [[0, 2], [1, 0]]


@pytest.mark.parametrize(
    "given",
    [
        pd.date_range("2024-03-31", periods=30, freq="h", tz="Europe/Paris"),
        pd.date_range("2024-03-31", periods=30, freq="h", tz="Europe/Paris").to_pydatetime(),
        np.datetime64("2024-03-30T23:00") + np.timedelta64(1, "h") * np.arange(30),
    ],
    ids=["pandas", "datetimes", "datetime64"],
)
def test_zones_become_utc(given):
    """In the night to 2024-03-31 clocks in Paris go forward: 01:00 is followed by 03:00."""
    series = from_arrays(np.arange(30.0)[:, None], given)
    assert series.interval == 60
    assert str(series.timestamps[0]) == "2024-03-30T23:00:00"
    assert str(series.timestamps[-1]) == "2024-04-01T04:00:00"


# Missing readings


@pytest.mark.parametrize(
    ("null_value", "expected"), [(NAN, [[0, NAN], [-1, 2]]), (0, [[NAN, NAN], [-1, 2]])]
)
def test_null_value(tmp_path, null_value, expected):
    given = values([0, NAN], [-1, 2])
    series = from_arrays(given, null_value=null_value)
    check(series, expected)
    np.testing.assert_equal(series.null_value, null_value)
    np.savez(tmp_path / "a.npz", speed=given)
    check(load_series(tmp_path / "a.npz", null_value=null_value), expected)
    (tmp_path / "a.csv").write_text("p,q\n0,\n-1,2\n")
    for read in (from_csv, load_series):
        check(read(tmp_path / "a.csv", null_value=null_value), expected)
        with pytest.raises(ValueError, match=r"NaN.*1 of 4 .*\(0, 1, 0\).* `null_value=np.nan`"):
            read(tmp_path / "a.csv")
    assert given[0, 0] == 0
    with pytest.raises(ValueError, match=r"The series must not hold NaN.* pass `null_value"):
        from_arrays(given)


# Times


def test_regularize_and_duplicates():
    given = values([1, 2], [3, NAN], [5, 6], [7, 0], [9, 10])
    times = stamps(15, 0, 5, 0, 10)
    options = {"null_value": 0, "regularize": True}
    mean = from_arrays(given, times, duplicates="mean", **options)
    check(mean, [[5, NAN], [5, 6], [9, 10], [1, 2]], (0, 5, 10, 15))
    check(
        from_arrays(given, times, duplicates="first", **options), [[3, NAN], *mean.values[1:, :, 0]]
    )
    half = from_arrays(given[:2], times[:2], interval=5, regularize=True, null_value=NAN)
    check(half, [[3, NAN], [NAN, NAN], [NAN, NAN], [1, 2]], (0, 5, 10, 15))
    assert half.interval == 5


def test_gaps_of_a_series_without_null_value():
    series = from_arrays(values([1], [2], [4]), stamps(0, 5, 15), regularize=True)
    check(series, [[1], [2], [NAN], [4]], (0, 5, 10, 15))
    assert series.null_value is None


def test_duplicates_in_order_need_no_regularize():
    given, times = values([1], [3], [5]), stamps(0, 0, 5)
    check(from_arrays(given, times, duplicates="mean"), [[2], [5]], (0, 5))
    check(from_arrays(given, times, duplicates="first"), [[1], [5]], (0, 5))


@pytest.mark.parametrize(
    ("minutes", "options", "message"),
    [
        (
            (0, 5, 15),
            {},
            "5 minutes apart.*00:15:00 in row 2 after .*00:05.* Pass `regularize=True` to fill",
        ),
        (
            (0, 5, 4, 9),
            {},
            "rising order.*00:04:00 in row 2 .* first of 1 .*Sort the rows, or pass `regu",
        ),
        ((5, 5, 0, 9), {"duplicates": "mean"}, "rising order.*00:00:00 in row 2"),
        ((0, 5, 5, 10, 10), {}, "each once.*00:05:00 in row 2 .* first of 2 .* Pass `duplicates="),
        ((9, 5, 5), {"regularize": True}, 'each once. Received: .*00:05:00.*Pass `dupl.*mean"`.$'),
        ((0, 5, 12), {"regularize": True}, "multiples of 5 minutes from .*00:00:00. .*00:12:00"),
        ((0, 15, 30), {"regularize": True, "interval": 10}, "multiples of 10 min.*00:15:00"),
        (
            (0, 1, 60),
            {"regularize": True},
            r"3 rows for 61 steps, .* from .*00:01:00 to .*01:00:00",
        ),
        ((0, 5, 10), {"interval": 10}, "must agree with the timestamps: 5.0 minutes.*=10"),
        ((0, 5, 10), {"duplicates": "last"}, "`duplicates` must be one of .*'last'"),
    ],
)
def test_bad_times(minutes, options, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(np.ones((len(minutes), 2)), stamps(*minutes), **options)


def test_times_that_are_none():
    with pytest.raises(ValueError, match=r"dates and times. Received: 'noon' in row 1"):
        from_arrays(np.ones((2, 1)), ["2024-01-01", "noon"])
    with pytest.raises(TypeError, match=r"Received: numbers. Pass `interval` in minutes"):
        from_arrays(np.ones((2, 1)), [0, 5])
    with pytest.raises(ValueError, match=r"one time for each step. Received: 1 times for 2 steps"):
        from_arrays(np.ones((2, 1)), ["2024-01-01"])
    with pytest.raises(
        ValueError, match=r"must be used with timestamps. Received: regularize=True"
    ):
        from_arrays(np.ones((2, 1)), regularize=True)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"values": np.ones(3)}, ValueError, r"`values` must have shape .*\(3,\)"),
        ({"values": np.ones((0, 2))}, ValueError, r"`values` must have shape .*\(0, 2\)"),
        ({"values": [["a"]]}, TypeError, "`values` must hold real numbers.*<U1"),
        ({"features": ["a", "b"]}, ValueError, "`features` must name 1 features.*'b'"),
        ({"units": ["km/h", "m"]}, ValueError, r"`units` must be a str, or one .*'km/h', 'm'"),
        ({"units": 5}, ValueError, r"`units` must be a str, or one .*units=\(5,\)"),
        ({"names": ["a"]}, ValueError, "for each node. Received: 1 names for 2"),
        ({"names": ["a", "a"]}, ValueError, r"unique `names`. Received: 'a' more than once"),
        ({"graph": np.ones((3, 3))}, ValueError, r"the 2 nodes of the series.*\(3, 3\)"),
        ({"graph": -np.ones((2, 2))}, ValueError, "without negative weights.*-1.0"),
        (
            {"graph": np.full((2, 2), NAN)},
            ValueError,
            "finite weights.*4 of 4 .*nan.*no edge",
        ),
        ({"graph": "absent.csv"}, FileNotFoundError, "`graph` must be .*absent.csv"),
        ({"values": [[1, 2], [3]]}, ValueError, "`values` must be an array.*lists of equal"),
        ({"features": 5}, TypeError, "a sequence of `features`.*features=5"),
        ({"features": ["a", "a"]}, ValueError, "`features` must name 1 features"),
        ({"values": np.ones((3, 2, 2)), "features": "aa"}, ValueError, "`features` must name 2"),
        (
            {"values": np.ones((3, 2, 2)), "features": ["a", "a"]},
            ValueError,
            r"unique `features`. Received: 'a'",
        ),
        ({"names": 5}, TypeError, "a sequence of `names`.*names=5"),
        ({"names": ["a", None]}, ValueError, "empty name in `names`. Received: 'None' at .* 1"),
        ({"names": ["", "b"]}, ValueError, "empty name in `names`. Received: '' at .* 0"),
        ({"timestamps": 5}, ValueError, "`timestamps` must have one time .*Received: 5"),
        ({"interval": "5"}, ValueError, "`interval` must be a positive number.*interval='5'"),
        (
            {"interval": 1e9},
            ValueError,
            "`interval` must be a positive number.*interval=1000000000",
        ),
        ({"interval": np.nan}, ValueError, "`interval` must be a positive number.*interval=nan"),
        ({"timestamps": stamps(0, 5, 10), "holidays": 5}, TypeError, "`holidays` must .*=5"),
        ({"graph": "a.csv", "unknown": "skip"}, ValueError, "`unknown` must be .*'skip'"),
    ],
)
def test_bad_arrays(arguments, kind, message):
    with pytest.raises(kind, match=message):
        from_arrays(**{"values": np.ones((3, 2))} | arguments)


# csv, and sensors that only the graph knows


@pytest.fixture
def written(tmp_path):
    (tmp_path / "a.csv").write_text(
        f"time,7,8\n{DAY}00:10,5,6\n{DAY}00:00,1,\n{DAY}00:00,3,4\n{DAY}00:05,0,8\n{DAY}00:20,7,7\n"
    )
    (tmp_path / "graph.csv").write_text("from,to,weight\n9,7,1\n7,8,0.5\n8,12,1\n")
    return tmp_path / "a.csv", tmp_path / "graph.csv"


def test_a_csv_file_is_mended(written):
    mend = {"regularize": True, "duplicates": "mean", "unknown": "drop"}
    series = from_csv(*written, null_value=0, units="km/h", **mend)
    check(series, [[2, 4], [NAN, 8], [5, 6], [NAN, NAN], [7, 7]], (0, 5, 10, 15, 20))
    assert series.adjacency.tolist() == [[0, 0], [0.5, 0]]
    assert series.names == ("7", "8") and series.units == ("km/h",)


@pytest.mark.parametrize(
    ("mended", "message"),
    [
        ((), r"NaN.*\(1, 1, 0\).* pass `null_value=np.nan`"),
        (("null_value",), "a.csv .*row 1 .* or pass `regularize=True`"),
        (("null_value", "regularize"), 'each once.* Pass `duplicates="first"`'),
        (
            ("null_value", "regularize", "duplicates"),
            "must contain edges.*from='9' in row 0. .* pass `unknown=\"drop\"`",
        ),
    ],
)
def test_each_fault_of_a_csv_file_names_its_mend(written, mended, message):
    mends = {"null_value": NAN, "regularize": True, "duplicates": "first"}
    path, graph = written
    with pytest.raises(ValueError, match=message):
        from_csv(
            path, graph if len(mended) == 3 else None, **{name: mends[name] for name in mended}
        )
    if len(mended) < 2:
        with pytest.raises(ValueError, match=message):
            load_series(path, **{name: mends[name] for name in mended})


@pytest.mark.parametrize("text", ["from,to\n1,2\n5,6\n", "from,to\na,b\n"])
def test_a_graph_of_none_of_the_sensors(written, text):
    path, graph = written
    graph.write_text(text)
    with pytest.raises(ValueError, match=r"graph.csv must contain edges between nodes"):
        from_arrays(np.ones((3, 2)), graph=str(graph), names=["7", "8"], unknown="drop")


def test_other_endings(tmp_path):
    (tmp_path / "adj_mx.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(
        ValueError, match=r".csv or .tsv.*adj_mx.pkl. A pickle file can run harmful code.*load_me"
    ):
        from_arrays(np.ones((3, 2)), graph=tmp_path / "adj_mx.pkl")
    np.savez(tmp_path / "a.npz", a=np.ones((3, 2)))
    with pytest.raises(
        ValueError,
        match=r"must end in .csv or .tsv. Received: .*a.npz. Read this file with `load_series`",
    ):
        from_csv(tmp_path / "a.npz")
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ValueError, match="must be a csv table"):
        from_csv(tmp_path / "a.csv")
