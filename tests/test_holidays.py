"""Holidays in the calendar of a series: by country, and as dates."""

import datetime
import sys

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import calendar, from_arrays, from_pandas


def frame(times):
    return pd.DataFrame({"A": np.arange(float(len(times)))}, times)


def test_holidays_count_as_sundays():
    days = pd.date_range("2024-05-01", periods=9)  # Wednesday, in Austria a holiday; Ascension: 9
    weekdays = [2, 3, 4, 5, 6, 0, 1, 2, 3]
    assert from_pandas(frame(days)).calendar[:, 1].tolist() == weekdays
    expected = [6, *weekdays[1:8], 6]
    for holidays in ("AT", ["2024-05-01", datetime.date(2024, 5, 9)], days[[0, 8]]):
        series = from_pandas(frame(days), holidays=holidays)
        assert series.calendar[:, 1].tolist() == expected
        assert calendar(series.timestamps, holidays=holidays)[:, 1].tolist() == expected
    assert calendar(days, holidays="US-CA")[:, 1].tolist() == weekdays


def test_holidays_follow_the_local_day():
    evening = np.array(["2024-07-04T05:00", "2024-07-05T05:00"], "datetime64[s]")  # 22:00 the day
    assert calendar(evening, "America/Los_Angeles", ["2024-07-04"])[:, 1].tolist() == [
        2,
        6,
    ]  # before


@pytest.mark.parametrize(
    ("holidays", "message"),
    [("XX", "code .*Received: holidays='XX'"), (["noon"], "'noon'. Write"), ([7], "Received: 7")],
)
def test_bad_holidays(holidays, message):
    with pytest.raises(ValueError, match=message):
        from_arrays([[1.0]], ["2024-05-01"], holidays=holidays)


def test_holidays_of_a_country_need_a_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "holidays", None)
    with pytest.raises(ImportError, match=r'pip install "stgkeras\[holidays\]"'):
        calendar(np.array(["2024-05-01"], "datetime64[D]"), holidays="AT")
    assert calendar(np.array(["2024-05-01"], "datetime64[D]"), holidays=["2024-05-01"])[0, 1] == 6
