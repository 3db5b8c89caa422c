"""Missing readings: a null value for each feature, and quality masks."""

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import from_arrays, from_csv, from_pandas, load_series

NAN = np.nan
VALUES = np.array([[[0, 0], [5, 0]], [[0, 2], [7, NAN]]])  # speed and rain of two sensors
NAMES = ["speed", "rain"]
TIMES = pd.date_range("2024-05-01", periods=2, freq="5min")


@pytest.mark.parametrize(
    ("null_value", "kept"),
    [
        ({"speed": 0.0, "rain": NAN}, (0.0, NAN)),
        ([0, NAN], (0.0, NAN)),
        (np.array([0, NAN]), (0.0, NAN)),
        ({"rain": NAN}, (None, NAN)),
        (NAN, NAN),
        (0, 0),
    ],
)
@pytest.mark.parametrize("mend", [{}, {"regularize": True}])
def test_each_feature_has_its_null_value(null_value, kept, mend):
    series = from_arrays(VALUES, TIMES, features=NAMES, null_value=null_value, **mend)
    marks = kept if isinstance(kept, tuple) else (kept, kept)
    for i, mark in enumerate(marks):
        own = VALUES[..., i]
        np.testing.assert_array_equal(series.values[..., i], np.where(own == mark, NAN, own))
    np.testing.assert_equal(series.null_value, kept)


@pytest.mark.parametrize(
    ("null_value", "message"),
    [
        ({"sped": 0}, r"`null_value` must name features .*'speed', 'rain'.*'sped'"),
        ([0], r"one number or None for each of the features \('speed', 'rain'\).*\[0\]"),
        ("0", "`null_value` must be None or a number, .*'0'"),
        (np.inf, "`null_value` must be None or a number, .*inf"),
        ([0, "x"], "`null_value` must be None or a number, .*'x'"),
        ({"speed": 0}, r"NaN.*1 of 8 .*\(1, 1, 1\).*`null_value=\{'speed': 0, 'rain': np.nan\}`"),
    ],
)
def test_bad_null_values(null_value, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(VALUES, features=NAMES, null_value=null_value)


def test_null_values_of_files(tmp_path):
    frame = pd.DataFrame({"time": TIMES.repeat(2), "sensor": list("abab")})
    frame[NAMES] = VALUES.reshape(4, 2)
    frame.to_csv(tmp_path / "a.csv", index=False)
    np.savez(tmp_path / "a.npz", speed=VALUES[..., 0], rain=VALUES[..., 1])
    marks = {"speed": 0, "rain": NAN}
    for series in (
        from_csv(tmp_path / "a.csv", null_value=marks),
        load_series(tmp_path / "a.npz", key=NAMES, null_value=marks),
    ):
        assert np.isnan(series.values).sum(axis=(0, 1)).tolist() == [2, 1]
        np.testing.assert_equal(series.null_value, (0.0, NAN))


# Quality


GOOD = np.array([[True, False], [True, True], [False, True]])
SPEED = np.array([[1.0, NAN], [3.0, 4.0], [-9.0, 6.0]])
MASKED = np.array([[1, NAN], [3, 4], [NAN, 6]], np.float32)


def test_quality_of_arrays():
    for quality in (GOOD, GOOD.astype(int), GOOD[..., None], GOOD.tolist()):
        series = from_arrays(SPEED, quality=quality)
        np.testing.assert_array_equal(series.values[..., 0], MASKED)
        assert series.null_value is None
    two = np.stack([SPEED, SPEED], axis=-1)
    mask = np.stack([GOOD, GOOD | [[True, False], [True, True], [True, True]]], axis=-1)
    found = from_arrays(two, quality=mask).values
    np.testing.assert_array_equal(found[..., 0], MASKED)
    assert found[2, 0, 1] == -9
    np.testing.assert_array_equal(from_arrays(two, quality=GOOD).values[..., 1], MASKED)


def test_bad_readings_do_not_count_in_means():
    times = np.array(["2024-05-01T08:10", "2024-05-01T08:00", "2024-05-01T08:00"], "datetime64[m]")
    series = from_arrays(SPEED, times, interval=5, quality=GOOD, regularize=True, duplicates="mean")
    np.testing.assert_array_equal(series.values[..., 0], [[3, 5], [NAN, NAN], [1, NAN]])


@pytest.mark.parametrize(
    ("quality", "kind", "message"),
    [
        (GOOD[:2], ValueError, r"shape \(3, 2\) or \(3, 2, 1\), .* shape=\(2, 2\)"),
        (50 * GOOD, ValueError, r"True \(or 1\) at good .*50 at \(0, 0, 0\).* `quality > 50`"),
        (GOOD | [[False, True]] * 3, None, None),
        (np.where(GOOD, 1, NAN), ValueError, r"nan.* at \(0, 1, 0\)"),
        (pd.DataFrame(GOOD, columns=["b", "a"]), TypeError, "must be an array.*from_pandas"),
    ],
)
def test_bad_quality(quality, kind, message):
    if kind is None:  # a reading of NaN is called good
        kind, message = ValueError, r"NaN. Received: 1 of 6 values, the first at \(0, 1, 0\)"
    with pytest.raises(kind, match=message):
        from_arrays(SPEED, quality=quality)


def test_quality_of_frames_and_files(tmp_path):
    times = pd.date_range("2024-05-01", periods=3, freq="h", name="time")
    speed = pd.DataFrame(SPEED, times, ["a", "b"])
    good = pd.DataFrame(GOOD, times, ["a", "b"])
    speed.to_csv(tmp_path / "speed.csv")
    for mask in (good, good[["b", "a"]], good.astype(int)):  # by name, not by place
        mask.to_csv(tmp_path / "good.csv")
        for series in (
            from_pandas(speed, quality=mask),
            from_csv(tmp_path / "speed.csv", quality=tmp_path / "good.csv"),
            load_series(tmp_path / "speed.csv", quality=str(tmp_path / "good.csv")),
        ):
            assert series.names == ("a", "b")
            np.testing.assert_array_equal(series.values[..., 0], MASKED)
    two = from_pandas({"u": speed, "v": speed}, quality={"u": good, "v": good})
    np.testing.assert_array_equal(two.values[..., 1], MASKED)
    with pytest.raises(ValueError, match="`quality` must have the index and the columns"):
        from_pandas(speed, quality=good.iloc[1:])
    with pytest.raises(ValueError, match="`quality` must have the features"):
        from_pandas({"u": speed, "v": speed}, quality={"v": good, "u": good})
    good.rename(columns={"b": "c"}).to_csv(tmp_path / "good.csv")
    with pytest.raises(ValueError, match=r"must have the sensors of `path`.*'b', 'c' in"):
        from_csv(tmp_path / "speed.csv", quality=tmp_path / "good.csv")
    with pytest.raises(FileNotFoundError, match="absent.csv"):
        from_csv(tmp_path / "speed.csv", quality="absent.csv")
    with pytest.raises(ValueError, match="`quality` may name a column only in a long table"):
        from_csv(tmp_path / "speed.csv", quality="b")
    with pytest.raises(TypeError, match="Received: a frame"):
        from_csv(tmp_path / "speed.csv", quality=good)


def test_quality_column_of_a_long_table(tmp_path):
    path = tmp_path / "a.csv"
    rows = "2024-05-01,a,1,1\n2024-05-01,b,-9,0\n2024-05-02,a,5,0\n2024-05-02,b,,0\n"
    for given in (rows, rows.replace(",1\n", ",True\n").replace(",0\n", ",False\n")):
        path.write_text("time,sensor,speed,ok\n" + given)
        series = from_csv(path, quality="ok")
        assert series.features == ("speed",)
        np.testing.assert_array_equal(series.values[..., 0], [[1, NAN], [NAN, NAN]])
    path.write_text("time,sensor,speed,ok\n" + rows.replace(",0\n", ",V\n"))
    with pytest.raises(ValueError, match="True and False.*'V' in column 'ok', row 1"):
        from_csv(path, quality="ok")


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, 1e39])
def test_readings_that_are_not_finite(wrong, tmp_path):
    values = np.array([[60.0, 50.0], [wrong, 51.0], [61.0, 49.0]])
    times = pd.date_range("2024-05-01", periods=3, freq="h")
    long = pd.DataFrame({"time": times.repeat(2), "sensor": list("AB") * 3, "x": values.ravel()})
    long.to_csv(tmp_path / "long.csv", index=False)
    reads = [
        lambda **marks: from_arrays(values, interval=60, **marks),
        lambda **marks: from_arrays(values, times, regularize=True, **marks),
        lambda **marks: from_csv(tmp_path / "long.csv", **marks),
    ]
    for read in reads:
        with pytest.raises(ValueError, match="finite numbers .*Received: 1 .* first -?(inf|1e.39)"):
            read(null_value=-1)
