"""Time zones, clock changes and holidays of a series, against zoneinfo, pandas and by hand."""

import datetime
import sys
import zoneinfo

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import calendar, from_arrays, from_csv, from_pandas, load_series

PARIS, ANGELES = "Europe/Paris", "America/Los_Angeles"


def hours(start, count, timezone):
    """Local times of `count` hours, by the standard library."""
    zone = zoneinfo.ZoneInfo(timezone)
    first = datetime.datetime.fromisoformat(start).replace(tzinfo=zone)
    first = first.astimezone(datetime.UTC)
    return [(first + datetime.timedelta(hours=h)).astimezone(zone) for h in range(count)]


def frame(times):
    return pd.DataFrame({"A": np.arange(float(len(times)))}, times)


@pytest.mark.parametrize(
    ("start", "timezone"),
    [
        ("2024-03-09T12:00", ANGELES),  # 23 hours
        ("2024-11-02T12:00", ANGELES),  # 25 hours
        ("2024-04-06T12:00", "Australia/Lord_Howe"),  # back by half an hour
        ("2024-05-01T00:00", "Asia/Kolkata"),
        ("2024-10-05T12:00", "America/Asuncion"),  # at midnight
    ],
)
def test_the_calendar_is_the_clock_on_the_wall(start, timezone):
    local = hours(start, 48, timezone)
    series = from_arrays(np.zeros((48, 1)), local)
    assert series.timezone == timezone and series.interval == 60
    expected = [[(t.hour * 60 + t.minute) / 1440, t.weekday()] for t in local]
    np.testing.assert_allclose(series.calendar, expected, rtol=1e-6)
    utc = [t.astimezone(datetime.UTC).replace(tzinfo=None) for t in local]
    assert series.timestamps.tolist() == utc
    np.testing.assert_array_equal(calendar(series.timestamps, timezone), series.calendar)
    np.testing.assert_array_equal(calendar(pd.DatetimeIndex(local)), series.calendar)


@pytest.mark.parametrize("start", ["2024-10-26T20:00", "2024-03-30T20:00"])
@pytest.mark.parametrize("minutes", [60, 15])
def test_local_times_are_placed_by_their_order(tmp_path, start, minutes):
    aware = pd.date_range(start, periods=12 * 60 // minutes, freq=f"{minutes}min", tz=PARIS)
    local = aware.tz_localize(None)
    frame(local).to_csv(tmp_path / "a.csv")
    expected = aware.tz_convert("UTC").tz_localize(None).to_numpy("datetime64[s]")
    for series in (
        from_arrays(np.zeros((len(local), 1)), local, timezone=PARIS),
        from_arrays(np.zeros((len(local), 1)), local.astype(str), timezone=PARIS),
        from_pandas(frame(local), timezone=PARIS),
        from_csv(tmp_path / "a.csv", timezone=PARIS),
        load_series(tmp_path / "a.csv", timezone=PARIS),
    ):
        np.testing.assert_array_equal(series.timestamps, expected)
        assert series.timezone == PARIS and series.interval == minutes


def test_zones_and_offsets_in_the_times():
    utc = np.datetime64("2024-05-01T06:00")
    for times, zone in (
        (["2024-05-01T08:00+02:00"], "+02:00"),
        (["2024-05-01 00:30:00 -0530"], "-05:30"),
        (["2024-05-01T06:00Z"], "UTC"),
        (pd.DatetimeIndex(["2024-05-01T08:00"], tz=PARIS), PARIS),
        ([datetime.datetime(2024, 5, 1, 6, tzinfo=datetime.UTC)], "UTC"),
    ):
        series = from_arrays([[1.0]], times)
        assert series.timezone == zone and series.timestamps[0] == utc
        series = from_arrays([[1.0]], times, timezone=PARIS)
        assert series.timezone == PARIS and series.timestamps[0] == utc
        assert series.calendar[0].tolist() == [np.float32(8 / 24), 2]
    series = from_arrays([[1.0]], ["2024-05-01T06:00"])
    assert series.timezone is None and series.timestamps[0] == utc


def test_several_offsets_need_a_zone():
    times = [time.isoformat() for time in hours("2024-03-31T00:00", 4, PARIS)]
    with pytest.raises(ValueError, match=r"one UTC offset, .*UTC\+01:00, UTC\+02:00.*`timezone=\""):
        from_arrays(np.zeros((4, 1)), times)
    series = from_arrays(np.zeros((4, 1)), times, timezone=PARIS)
    np.testing.assert_allclose(24 * series.calendar[:, 0], [0, 1, 3, 4], rtol=1e-6)


@pytest.mark.parametrize(
    ("times", "timezone", "message"),
    [
        (["2024-10-27T01:00", "2024-10-27T02:00"], PARIS, "occurs twice in Europe/Paris.*row 1"),
        (["2024-03-31T02:30"], PARIS, r"Received: 2024-03-31 02:30:00 in row 0.*skip.*\+01:00"),
        (
            ["2024-05-01"],
            "Europe/paris",
            "Received: timezone='Europe/paris'. Similar names: .*Paris",
        ),
        (["2024-05-01"], "+25:00", r"must be None, an IANA name.*timezone='\+25:00'"),
        (["2024-05-01"], 2, "IANA name.*timezone=2"),
        (["2024-05-01T08:00", "2024-05-01T08:00Z"], None, "all with a UTC offset.*row 1 .*row 0"),
        (None, PARIS, "must be used with timestamps. Received: timezone='Europe/Paris'"),
    ],
)
def test_bad_zones(times, timezone, message):
    with pytest.raises(ValueError, match=message):
        from_arrays(np.zeros((len(times or [1]), 1)), times, timezone=timezone)


def test_the_calendar_needs_times():
    with pytest.raises(ValueError, match="`calendar` needs a series with timestamps"):
        _ = from_arrays([[1.0]]).calendar


@pytest.mark.parametrize(
    ("frequency", "interval"), [("D", 1440), ("7D", 10080), ("12h", 720), ("6h", 360)]
)
def test_steps_that_are_even_on_the_local_clock(frequency, interval):
    local = pd.date_range("2024-03-01", "2024-11-30", freq=frequency)
    aware = local.tz_localize(PARIS)
    for times, kwargs in ((local, {"timezone": PARIS}), (aware, {})):
        series = from_pandas(frame(times), **kwargs)
        assert series.interval == interval
        expected = aware.tz_convert("UTC").tz_localize(None)
        np.testing.assert_array_equal(series.timestamps, expected.to_numpy())
        gappy = frame(times).drop(times[[4, 30]])
        filled = from_pandas(gappy, regularize=True, **kwargs)
        np.testing.assert_array_equal(filled.timestamps, series.timestamps)
        assert np.flatnonzero(np.isnan(filled.values[:, 0, 0])).tolist() == [4, 30]


# Holidays


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
    assert calendar(evening, ANGELES, ["2024-07-04"])[:, 1].tolist() == [2, 6]  # before


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
