"""The user's own series in pandas frames."""

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import from_arrays, from_pandas

TIMES = pd.date_range("2024-03-10", periods=3, freq="5min")


def test_pandas():
    flow = pd.DataFrame({3: [1, 2, 3], "B": [4, 5, 6]}, index=TIMES)
    speed = flow.astype("Float64") * 10
    speed.iloc[1, 0] = pd.NA
    series = from_pandas({"flow": flow, "speed": speed}, null_value=np.nan, units="?")
    np.testing.assert_array_equal(series.values[..., 0], flow)
    np.testing.assert_array_equal(series.values[..., 1], [[10, 40], [np.nan, 50], [30, 60]])
    assert series.names == ("3", "B") and series.features == ("flow", "speed")
    assert from_pandas(flow).features == ("value",) and from_pandas(flow).interval == 5


@pytest.mark.parametrize(
    ("frames", "kind", "message"),
    [
        ({"a": [1, 2], "t": ["x", "y"]}, TypeError, "'value' with column 't' of dtype str|object"),
        (
            {"a": [1, 2]},
            TypeError,
            "`frames` must have times as index. Received: an index with 0, 1",
        ),
    ],
)
def test_bad_pandas(frames, kind, message):
    with pytest.raises(kind, match=message):
        from_pandas(pd.DataFrame(frames))


def test_columns_of_the_same_name():
    frame = pd.DataFrame([[1.0, 2.0]], TIMES[:1], ["a", "a"])
    with pytest.raises(ValueError, match=r"`frames` must have unique `names`. Received: 'a'"):
        from_pandas(frame)
    with pytest.raises(ValueError, match=r"`frames` must have no empty name in `names`.*'nan'"):
        from_pandas(frame.set_axis(["a", np.nan], axis=1))


def test_frames_without_dates():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]})
    for index in ([0, 5], pd.to_timedelta([0, 5], unit="min")):
        with pytest.raises(TypeError, match=r"`from_arrays\(frame.to_numpy\(\), names=frame.col"):
            from_pandas(frame.set_axis(index))
    series = from_arrays(frame.to_numpy(), names=frame.columns, interval=5)
    assert series.names == ("a", "b") and series.interval == 5


def test_frames_that_differ():
    a = pd.DataFrame({"a": [1, 2]}, index=TIMES[:2])
    for other, axis in ((a.iloc[:1], "index"), (a.rename(columns={"a": "b"}), "columns")):
        with pytest.raises(
            ValueError, match=f"same {axis}. Received: the {axis} of 'v' differs .* 'u'"
        ):
            from_pandas({"u": a, "v": other})
    with pytest.raises(TypeError, match=r"reads \['names'\] from the frames"):
        from_pandas(a, names=["x"])


def test_a_frame_as_array_keeps_its_names():
    frame = pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=["c", "a", "b"])
    assert from_arrays(frame).names == ("c", "a", "b")
    assert from_arrays(frame, TIMES[:2]).names == ("c", "a", "b")
    assert from_arrays(frame.set_axis(TIMES[:2]), TIMES[:2]).names == ("c", "a", "b")
    assert from_arrays(frame, names=["x", "y", "z"]).names == ("x", "y", "z")
    assert from_arrays(frame.set_axis([773869, 5, 6], axis=1)).names == ("773869", "5", "6")
    with pytest.raises(ValueError, match=r"order of the columns.*\['a', 'b', 'c'\], columns \['c'"):
        from_arrays(frame, names=["a", "b", "c"])
    with pytest.raises(
        ValueError, match="times as index, such as .*Pass the frame to `from_pandas"
    ):
        from_arrays(frame.set_axis(pd.DatetimeIndex(TIMES[:2])))
    with pytest.raises(ValueError, match="two levels of columns. Pass the frame to `from_pandas`"):
        from_arrays(pd.concat({"speed": frame}, axis=1))


def test_an_edge_table_with_an_empty_cell_and_one_column_of_names_is_refused():
    times = pd.date_range("2024-05-01", periods=24, freq="h")
    series = pd.DataFrame(np.ones((24, 3)), times, ["S0", "S1", "S2"])
    edges = pd.DataFrame({"to": [None, "S2", "S1"], "weight": [1.5, 1.7, 0.7]})
    with pytest.raises(TypeError, match="`graph` must hold real numbers"):
        from_pandas(series, edges)
