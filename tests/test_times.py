"""Times in text, parts of a second, months, and the fix that each kind of uneven times names."""

import datetime

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import from_arrays, from_pandas

NAN = np.nan


def series(times, **kwargs):
    return from_arrays(np.arange(float(len(times)))[:, None], times, **kwargs)


# Text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-01 24:00", "2024-05-02T00:00"),
        ("2024-12-31T24:00:00", "2025-01-01T00:00"),
        ("2024-02-29T24:00:00.000", "2024-03-01T00:00"),
        ("13/05/2024 08:05", "2024-05-13T08:05"),
        ("13-05-2024 8:05", "2024-05-13T08:05"),
        ("3.4.2024 08:05", "2024-04-03T08:05"),  # dots: the day is first
        ("05/13/2024 8:05 PM", "2024-05-13T20:05"),
        ("2024/5/3 08:05", "2024-05-03T08:05"),
        ("2024-05-03 8:05", "2024-05-03T08:05"),
        ("20240503", "2024-05-03"),
        ("20240503T0805", "2024-05-03T08:05"),
        ("2024-05", "2024-05-01"),
        (" 2024-05-03 ", "2024-05-03"),
        ("3 May 2024 08:05", "2024-05-03T08:05"),
        ("May 3, 2024", "2024-05-03"),
        ("2024-05-03 08:05:00.25", "2024-05-03T08:05:00.25"),
        (datetime.date(2024, 5, 3), "2024-05-03"),
    ],
)
def test_forms_of_times(text, expected):
    assert series([text]).timestamps[0] == np.datetime64(expected)


@pytest.mark.parametrize("order", ["%d/%m/%Y", "%m/%d/%Y"])
def test_another_row_shows_whether_the_day_is_first(order):
    days = pd.date_range("2024-03-10", periods=5)
    times = series([day.strftime(order) for day in days]).timestamps
    np.testing.assert_array_equal(times, days.to_numpy())


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (
            ["03/04/2024", "04/04/2024"],
            "whether the day or the month.*'03/04/2024' in row 0.*dayfir",
        ),
        (
            ["13/04/2024", "04/13/2024"],
            "all with the day first or.*'13/04.*row 0 and '04/13.*row 1",
        ),
        (["13/05/24"], "'13/05/24' in row 0. Write each time as YYYY-MM-DD HH:MM"),
        (["2024-05-01 24:30"], "'2024-05-01 24:30' in row 0. Write"),
        (["31/02/2024"], "'31/02/2024' in row 0. Write"),
        (["08:05"], "'08:05' in row 0. Write"),  # not today
        (["2024-05-01 08:05 EST"], "EST' in row 0. Write"),
        (["2024-05-01", "2024-05-01 00:05:0-0"], "'2024-05-01 00:05:0-0' in row 1. Write"),
        (["202405010005"], "'202405010005' in row 0. Write"),
        (["2024-05-01", ""], "'' in row 1. Write"),
        (["2024-05-01", None], "row 1. Write"),
        ([pd.Timestamp("2024-05-01"), pd.NaT], "'NaT' in row 1. Write"),
        ([datetime.timedelta(1)], "in row 0. Write"),
    ],
)
def test_text_with_no_or_two_meanings(times, message):
    with pytest.raises(ValueError, match=message):
        series(times)


# Parts of a second, and months


@pytest.mark.parametrize("frequency", ["100ms", "250us", "40ns", "1500ms"])
def test_parts_of_a_second(frequency):
    times = pd.date_range("2024-05-01 08:00", periods=50, freq=frequency).as_unit("ns")
    for kwargs in ({}, {"duplicates": "mean"}, {"regularize": True}):
        found = series(times, **kwargs)
        np.testing.assert_array_equal(found.timestamps, times.to_numpy())
        assert found.interval == pytest.approx(pd.Timedelta(frequency) / pd.Timedelta("1min"))
    minutes = pd.Timedelta(frequency) / pd.Timedelta("1min")
    assert len(series(times[[0, 1, 4]], regularize=True, interval=minutes).values) == 5


@pytest.mark.parametrize("timezone", [None, "Europe/Paris"])
@pytest.mark.parametrize("frequency", ["MS", "ME", "QS", "YS"])
def test_steps_of_months(frequency, timezone):
    times = pd.date_range("2023-01-01", periods=12, freq=frequency)
    found = series(times, timezone=timezone)
    aware = times if timezone is None else times.tz_localize(timezone).tz_convert("UTC")
    expected = aware.tz_localize(None).to_numpy()
    np.testing.assert_array_equal(found.timestamps, expected)
    assert found.interval is None
    with pytest.raises(ValueError, match=r"month.*apart.*Pass `regularize=True` to fill the gaps"):
        series(times.delete(5), timezone=timezone)
    found = series(times.delete(5), timezone=timezone, regularize=True)
    np.testing.assert_array_equal(found.timestamps, expected)
    assert np.flatnonzero(np.isnan(found.values)).tolist() == [5]


@pytest.mark.parametrize(
    ("months", "fix"),
    [((0, 1, 1, 2), 'Pass `duplicates="first"`'), ((0, 2, 1, 3), "Sort the rows, or pass")],
)
def test_months_out_of_order(months, fix):
    times = pd.date_range("2024-01-01", periods=4, freq="MS")[list(months)]
    with pytest.raises(ValueError, match=fix):
        series(times)


def test_months_as_periods():
    found = from_pandas(
        pd.DataFrame({"A": [1.0, 2]}, pd.period_range("2024-01", periods=2, freq="M"))
    )
    assert found.timestamps.astype(str).tolist() == ["2024-01-01T00:00:00", "2024-02-01T00:00:00"]


# Each cause has its own fix


def every(minutes, start, count):
    return pd.date_range(start, periods=count, freq=f"{minutes}min")


LOCAL = pd.date_range("2024-10-26 20:00", periods=200, freq="5min", tz="Europe/Paris")
SPRING = pd.date_range("2024-03-30 20:00", periods=200, freq="5min", tz="Europe/Paris")
HOURS = pd.date_range("2024-10-26 20:00", periods=20, freq="h", tz="Europe/Paris")
JITTER = pd.to_timedelta([0, 3, -2, 1, 0, 2], unit="s")


@pytest.mark.parametrize(
    ("times", "fix"),
    [
        (LOCAL.tz_localize(None), "repeat an hour at the clock change of 2024-10-27.*`timezone="),
        (HOURS.tz_localize(None), "repeat an hour at the clock change of 2024-10-27.*`timezone="),
        (SPRING.tz_localize(None), "skip an hour at the clock change of 2024-03-31.*`timezone="),
        (np.repeat(every(5, "2024-05-01", 9), 3), "Each time occurs 3 times.*frame.pivot"),
        (np.tile(every(5, "2024-05-01", 9), 3), "Sort the rows, or pass `regularize=True`"),
        (every(5, "2024-05-01", 9)[[0, 1, 1, 2]], 'Pass `duplicates="first"` or `"mean"`.$'),
        (every(5, "2024-05-01", 9)[[0, 1, 3, 4]], "Pass `regularize=True` to fill the gaps"),
        (
            every(5, "2024-05-01", 6) + JITTER,
            r"within 3 seconds of multiples of 5 m.*round\(\"5min",
        ),
        (
            every(5, "2024-05-01", 6) + JITTER / 1000,
            r"within 0.003 seconds of multiples of 5 minutes.*round",
        ),
        (every(1, "2024-05-01", 99)[[0, 5, 12, 15]], "`interval=1`, or compute means.*resample"),
        (
            pd.to_datetime(["2024-05-01 08:00:03", "2024-05-01 09:10:20", "2024-05-01 09:31:49"]),
            r"irregular: .*frame.resample\(",
        ),
        (
            pd.to_datetime(["2024-01-01", "2024-02-03", "2024-03-02", "2024-04-01"]),
            r"Pass `regularize=True` and `interval=1440`, or compute|irregular: ",
        ),
    ],
)
def test_the_fix_of_each_cause(times, fix):
    with pytest.raises(ValueError, match=fix):
        series(times)


def test_the_fixes_work():
    """A user who follows a message gets a series, and keeps all readings."""
    found = series(LOCAL.tz_localize(None), timezone="Europe/Paris")
    np.testing.assert_array_equal(found.timestamps, LOCAL.tz_convert(None).to_numpy())
    assert len(series(SPRING.tz_localize(None), timezone="Europe/Paris").values) == 200
    times = every(1, "2024-05-01", 99)[[0, 5, 12, 15]]
    found = series(times, regularize=True, interval=1)
    assert np.flatnonzero(~np.isnan(found.values)).tolist() == [0, 5, 12, 15]
    jittered = pd.DatetimeIndex(every(5, "2024-05-01", 6) + JITTER).round("5min")
    assert series(jittered).interval == 5
    tall = pd.DataFrame(
        {"t": np.repeat(every(5, "2024-05-01", 4), 2), "s": ["A", "B"] * 4, "v": np.arange(8.0)}
    )
    with pytest.raises(ValueError, match="Each time occurs 2 times"):
        from_pandas(tall.set_index("t")[["v"]])
    wide = from_pandas(tall.pivot(index="t", columns="s", values="v"))
    assert wide.names == ("A", "B") and wide.values.ravel().tolist() == list(range(8))


@pytest.mark.parametrize("timezone", [None, "Europe/Paris"])
def test_years_that_no_clock_can_show(timezone):
    times = np.array(["20000-01-01", "20000-01-02"], "datetime64[s]")
    with pytest.raises(ValueError, match=r"years 2 to 9998. Received: 20000 in row 0"):
        series(times, timezone=timezone)


def test_messages_show_the_local_time_of_the_row():
    times = pd.date_range("2024-03-31", periods=5, freq="h", tz="Europe/Paris")[[0, 1, 2, 2]]
    with pytest.raises(ValueError, match=r"Received: 2024-03-31T03:00:00\+02:00 in row 3 after"):
        series(times)


@pytest.mark.parametrize("interval", [0, -5])
def test_bad_intervals(interval):
    with pytest.raises(ValueError, match="`interval` must be a positive number of minutes"):
        series(every(5, "2024-05-01", 3), interval=interval, regularize=True)
