"""Tables in their forms become the same series: checked against the frame that was written."""

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import from_csv, from_pandas, load_series

TIMES = pd.date_range("2024-05-01 08:00", periods=12, freq="5min", name="time")
SPEED = pd.DataFrame(
    np.random.default_rng(0).uniform(1, 99, (12, 3)).round(2), TIMES, ["007", "07", "B"]
)
FLOW = (SPEED * 10).round(1)
BOTH = pd.concat({"speed": SPEED, "flow": FLOW}, axis=1, names=["feature", "sensor"])
LONG = BOTH.stack("sensor").reset_index()


def check(series, *frames):
    """The series must be the frames, which are its features, whatever the order of sensors."""
    assert sorted(series.names) == sorted(frames[0].columns)
    assert series.timestamps.tolist() == TIMES.to_pydatetime().tolist() and series.interval == 5
    expected = np.stack([frame[list(series.names)] for frame in frames], axis=-1)
    np.testing.assert_array_equal(series.values, expected.astype("float32"))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_wide_and_long_csv(tmp_path, separator, decimal):
    path = tmp_path / "a.csv"
    SPEED.to_csv(path, sep=separator, decimal=decimal)
    check(from_csv(path), SPEED)
    check(from_csv(path, separator=separator, decimal=decimal), SPEED)
    for rows in (LONG, LONG.sort_values("sensor"), LONG[::-1]):
        rows.to_csv(path, sep=separator, decimal=decimal, index=False)
        series = from_csv(path)
        assert set(series.features) == {"speed", "flow"}
        check(series, *(BOTH[name] for name in series.features))


def test_names_stay_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("sensor,time,v\n007,2024-05-01,1\nNA,2024-05-01,2\n7,2024-05-01,3\n")
    series = from_csv(path)
    assert series.names == ("007", "NA", "7") and series.values.ravel().tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("times", "zone"),
    [
        (TIMES.astype("datetime64[s]").asi8, "UTC"),
        (TIMES.astype("datetime64[ms]").asi8, "UTC"),
        (TIMES.astype("datetime64[ns]").asi8, "UTC"),
        (TIMES.strftime("%Y%m%d%H%M"), None),
        (TIMES.strftime("%d.%m.%Y %H:%M"), None),
    ],
)
def test_times(tmp_path, times, zone):
    for frame, features in ((SPEED, ["value"]), (LONG, list(LONG)[2:])):
        data = frame.copy()
        if frame is LONG:
            data["time"] = data["time"].map(dict(zip(TIMES, times, strict=True)))
        else:
            data.insert(1, "time", times)  # not the first column
        data.to_csv(tmp_path / "a.csv", index=False)
        series = from_csv(tmp_path / "a.csv")
        check(series, *(SPEED if name == "value" else BOTH[name] for name in features))
        assert series.timezone == zone


def test_unix_times_in_a_zone(tmp_path):
    seconds = pd.date_range("2024-05-01", periods=3, freq="h", tz="Europe/Paris").tz_convert(None)
    frame = pd.DataFrame({"A": [1, 2, 3]}, pd.Index(seconds.astype("datetime64[s]").asi8))
    frame.to_csv(tmp_path / "a.csv", index_label="ts")
    for series in (
        from_csv(tmp_path / "a.csv", timezone="Europe/Paris"),
        from_pandas(frame, timezone="Europe/Paris"),
    ):
        assert (24 * series.calendar[:, 0]).round().tolist() == [0, 1, 2]


def test_two_rows_of_names(tmp_path):
    for frame in (BOTH, BOTH.swaplevel(axis=1), BOTH[sorted(BOTH, key=str)[::-1]]):
        frame.to_csv(tmp_path / "a.csv")
        for series in (from_csv(tmp_path / "a.csv"), from_pandas(frame)):
            check(series, *(BOTH[name] for name in series.features))
    unnamed = BOTH.rename_axis(columns=[None, None], index=None)  # "speed" and "flow" are known
    unnamed.to_csv(tmp_path / "a.csv")
    check(from_csv(tmp_path / "a.csv"), SPEED, FLOW)
    unclear = unnamed.rename(columns={"speed": "u", "flow": "v"})
    unclear.to_csv(tmp_path / "a.csv")
    for read, given in ((from_csv, tmp_path / "a.csv"), (from_pandas, unclear)):
        with pytest.raises(ValueError, match=r"which of the two levels .*'u', 'v'.*Name the lev"):
            read(given)
    with pytest.raises(ValueError, match="`layout` and `sensor` must be None.*two rows of names"):
        from_csv(tmp_path / "a.csv", layout="wide")
    with pytest.raises(ValueError, match=r"one column for each sensor and feature.*'flow'"):
        from_pandas(BOTH.iloc[:, :-1])
    with pytest.raises(ValueError, match="two levels of columns, or frames.*1 frames with 3"):
        from_pandas(pd.concat({"a": BOTH}, axis=1))


def test_one_file_for_each_feature(tmp_path):
    SPEED.to_csv(tmp_path / "speed.csv")
    FLOW[["B", "007", "07"]].to_csv(tmp_path / "flow.csv", sep=";")
    paths = {"speed": tmp_path / "speed.csv", "flow": str(tmp_path / "flow.csv")}
    for read in (from_csv, load_series):
        series = read(paths)
        assert series.features == ("speed", "flow")
        check(series, SPEED, FLOW)
    for frame, message in (
        (FLOW.iloc[1:], "must have the times of .*11 rows and 12 rows, the first .* row 0"),
        (FLOW.rename(columns={"B": "C"}), "must have the sensors of .*'B', 'C' in"),
    ):
        frame.to_csv(tmp_path / "flow.csv")
        with pytest.raises(ValueError, match=message):
            from_csv(paths)
    for wrong in ({}, {"speed": 5}, {"speed": None}):
        with pytest.raises(ValueError, match="`path` must be a path, or a dict"):
            from_csv(wrong)
    LONG.to_csv(tmp_path / "flow.csv", index=False)
    with pytest.raises(ValueError, match="one feature in each"):
        from_csv(paths)


def test_one_station(tmp_path):
    data = pd.DataFrame({"flow": FLOW["B"], "speed": SPEED["B"]})
    path = tmp_path / "station_7.csv"
    data.to_csv(path)
    series = from_csv(path, layout="station")
    assert series.names == ("station_7",) and series.features == ("flow", "speed")
    np.testing.assert_array_equal(series.values[:, 0], data.to_numpy("float32"))
    assert from_csv(path, layout="wide").names == ("flow", "speed")
    for read, given in ((from_csv, path), (from_pandas, data)):
        with pytest.raises(ValueError, match="'flow', 'speed'.* look like features of one station"):
            read(given)
    data[["flow"]].to_csv(path)
    assert from_csv(path).names == ("flow",)
    pd.concat([data, data[["flow"]]], axis=1).to_csv(path)
    with pytest.raises(ValueError, match=r"station_7.csv must have unique `features`.*'flow' more"):
        from_csv(path, layout="station")
    LONG[LONG["sensor"] == "07"].to_csv(path, index=False)
    check(from_csv(path), *(BOTH[name][["07"]] for name in list(LONG)[2:]))


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    forms = [SPEED, SPEED.rename_axis(None), SPEED.reset_index(), BOTH]
    forms += [LONG, LONG.set_index(["time", "sensor"]), LONG.sample(frac=1, random_state=0)]
    for frame in forms:
        frame.to_parquet(path)
        series = load_series(path)
        check(series, *(BOTH.get(name, SPEED) for name in series.features))
    ids = LONG.assign(sensor=LONG["sensor"].map({"007": 7, "07": 8, "B": 9}))
    ids.to_parquet(path)
    assert set(load_series(path).names) == {"7", "8", "9"}
    with pytest.raises(ValueError, match=r"must end in .csv or .tsv.*load_series"):
        from_csv(path)
    with pytest.raises(ValueError, match="`separator` and `decimal` must be None for a .parquet"):
        load_series(path, decimal=",")
    SPEED[["B"]].convert_dtypes().replace({SPEED["B"].iloc[1]: pd.NA}).to_parquet(path)
    assert np.isnan(load_series(path, null_value=np.nan).values[1]).all()
    SPEED[[]].to_parquet(path)
    with pytest.raises(ValueError, match=r"a.parquet must have .* one column.*\(12, 0\)"):
        load_series(path)
    SPEED.to_parquet(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match="must be a Parquet file"):
        load_series(path)


def test_hdf5_of_pandas(tmp_path):
    pytest.importorskip("tables")
    path = tmp_path / "metr-la.h5"
    blocks = SPEED.assign(B=np.arange(12) % 5)  # floats and ints are stored apart
    numbers = SPEED.set_axis([773869, 767541, 9], axis=1)
    for frame, expected in ((SPEED, SPEED), (blocks[["B", "07", "007"]], blocks), (BOTH, None)):
        frame.to_hdf(path, key="df", mode="w")
        series = load_series(path)
        check(series, *([expected] if expected is not None else (SPEED, FLOW)))
    numbers.to_hdf(path, key="df", mode="w")
    assert load_series(path).names == ("773869", "767541", "9")
    SPEED[[]].to_hdf(path, key="df", mode="w")
    with pytest.raises(ValueError, match="metr-la.h5 must be .*a frame without columns"):
        load_series(path)
    SPEED.to_hdf(path, key="df", mode="w", format="table")
    with pytest.raises(ValueError, match='format "table"; write it with format="fixed"'):
        load_series(path)


def test_without_the_packages(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(ImportError, match=r'pip install "stgkeras\[table\]"'):
        load_series(tmp_path / "a.parquet")


# Long tables


def long_csv(folder, rows, header="time,sensor,v"):
    lines = [f"2024-05-01 08:{minute:02}," + rest for minute, rest in rows]
    (folder / "long.csv").write_text("\n".join([header, *lines]) + "\n")
    return folder / "long.csv"


def test_duplicates_of_a_time_and_sensor(tmp_path):
    path = long_csv(
        tmp_path, [(5, "b,4"), (0, "a,1"), (0, "b,2"), (5, "a,3"), (0, "a,0"), (0, "a,8")]
    )
    with pytest.raises(
        ValueError, match=r"sensor 'a' at .*08:00:00 in rows 1 and 4, .* of 2 .*dup"
    ):
        from_csv(path)
    for duplicates, null_value, expected in (
        ("mean", None, [[3, 2], [3, 4]]),
        ("mean", 0, [[4.5, 2], [3, 4]]),
        ("first", None, [[1, 2], [3, 4]]),
    ):
        series = from_csv(path, duplicates=duplicates, null_value=null_value)
        found = pd.DataFrame(series.values[..., 0], columns=series.names)[["a", "b"]]
        assert found.to_numpy().tolist() == expected
    with pytest.raises(ValueError, match="`duplicates` must be one of .*'last'"):
        from_csv(path, duplicates="last")


def test_missing_rows_of_a_sensor(tmp_path):
    path = long_csv(tmp_path, [(0, "a,1"), (0, "b,2"), (5, "a,3"), (15, "a,5"), (15, "b,6")])
    with pytest.raises(ValueError, match=r"no row for sensor 'b' at .*08:05:00, .*1 .*null"):
        from_csv(path)
    with pytest.raises(ValueError, match="5 minutes apart.*regularize"):
        from_csv(path, null_value=np.nan)
    series = from_csv(path, regularize=True)
    expected = [[1, 2], [3, np.nan], [np.nan, np.nan], [5, 6]]
    np.testing.assert_array_equal(series.values[..., 0], expected)


def test_many_long_rows_in_pieces(tmp_path, monkeypatch):
    from stgkeras import seasons

    monkeypatch.setattr(seasons, "PIECE", 50)
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "time": TIMES[0] + pd.to_timedelta(5 * rng.integers(0, 40, 900), unit="min"),
            "sensor": rng.choice(list("abcdefg"), 900),
            "u": rng.integers(0, 3, 900),
            "v": rng.uniform(size=900),
        }
    )
    rows.to_csv(tmp_path / "a.csv", index=False)
    table = rows.assign(u=rows["u"].where(rows["u"] > 0)).pivot_table(
        index="time", columns="sensor", values=["u", "v"], aggfunc="mean", dropna=False
    )
    series = from_csv(
        tmp_path / "a.csv", duplicates="mean", regularize=True, null_value={"u": 0, "v": np.nan}
    )
    grid = pd.date_range(table.index.min(), table.index.max(), freq="5min")
    for i, name in enumerate(series.features):
        expected = table[name].reindex(grid)[list(series.names)].to_numpy("float32")
        np.testing.assert_allclose(series.values[..., i], expected, rtol=1e-6)
