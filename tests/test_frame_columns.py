"""Columns of frames that are no sensors are refused with what they hold."""

import numpy as np
import pandas as pd
import pytest
from test_table_columns import speeds

from stgkeras.datasets import from_arrays, from_pandas

TIMES = pd.date_range("2024-05-01", periods=12, freq="5min", name="time")


def long_frame(**columns):
    return pd.DataFrame({"time": TIMES[:4].repeat(3), **columns, **speeds("v")})


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (long_frame(sensor=list("abc") * 4), r"pivot\(index='time', columns='sensor', values=…\)"),
        (long_frame(sensor=list("abc") * 4).set_index("time"), r"pivot\(columns='sensor', values"),
        (long_frame(id=[1, 2, 3] * 4).set_index("time"), r"'id' with 1, 2, 3.*pivot\(columns='id'"),
        (long_frame(), r"'value' with column 'time' of dtype .*frame.set_index\('time'\)"),
        (pd.DataFrame({"ts": range(12), **speeds("A")}), r"'ts' with 0, 1, 2.*set_index\('ts'\)"),
        (pd.DataFrame({"hour": range(12), **speeds("A")}, TIMES), r"'hour' with .*drop\(columns="),
        (pd.DataFrame(speeds("flow", "speed"), TIMES), "features of one station.*set_axis"),
        (pd.DataFrame(speeds("A flow", "A speed"), TIMES), "features"),
        (pd.Series(range(12), TIMES), "Received: Series .*series.to_frame"),
        ({}, "at least one frame"),
    ],
)
def test_frames_of_another_form(frame, message):
    with pytest.raises((TypeError, ValueError), match=message):
        from_pandas(frame)


def test_the_advice_for_long_frames_works():
    frame = long_frame(id=[1, 2, 3] * 4)
    series = from_pandas(frame.pivot(index="time", columns="id", values="v"))
    assert series.names == ("1", "2", "3")
    assert series.values.ravel().tolist() == frame["v"].tolist()


def test_numbers_that_are_times():
    seconds = TIMES.astype("datetime64[s]").asi8
    compact = TIMES.strftime("%Y%m%d%H%M").astype(int)
    for times in (seconds, seconds.tolist(), 1000 * seconds, compact):
        series = from_arrays(np.ones((12, 2)), times)
        assert series.timestamps.tolist() == TIMES.to_pydatetime().tolist()
        frame = pd.DataFrame(speeds("A"), times)
        assert from_pandas(frame).interval == 5
    with pytest.raises(TypeError, match="`timestamps` must hold dates and times"):
        from_arrays(np.ones((12, 2)), range(12))
