"""Time zones and clock changes of a series, against zoneinfo, pandas and by hand."""

import datetime
import zoneinfo

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import calendar, from_arrays, from_csv, from_pandas, load_series
from stgkeras.datasets.series.calendar import whole_steps_per_day
from stgkeras.datasets.series.clocks import to_utc

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


def long_table(path, times, keep=lambda rows: rows, order=None):
    """A long csv file with local times without zone; sensor B reads 100 more than A."""
    rows = [
        {"time": time.tz_localize(None), "sensor": name, "flow": step + more}
        for step, time in enumerate(times)
        for name, more in (("A", 0.0), ("B", 100.0))
    ]
    frame = pd.DataFrame(rows).sort_values(order, kind="stable") if order else pd.DataFrame(rows)
    keep(frame).to_csv(path, index=False)
    return path


PARIS_NIGHTS = pd.date_range("2024-10-25", "2024-10-29", freq="10min", tz=PARIS)


@pytest.mark.parametrize("freq", ["h", "10min"])
@pytest.mark.parametrize("order", [None, "sensor"])
def test_long_tables_in_local_time(tmp_path, freq, order):
    times = pd.date_range("2024-10-25", "2024-10-29", freq=freq, tz=PARIS)
    path = long_table(tmp_path / "a.csv", times, order=order)
    series = from_csv(path, timezone=PARIS)
    np.testing.assert_array_equal(
        series.timestamps, times.tz_convert("UTC").tz_localize(None).to_numpy()
    )
    steps = np.arange(len(times))
    np.testing.assert_array_equal(series.values[..., 0], np.stack([steps, steps + 100], axis=1))
    with pytest.raises(ValueError, match=r"sensor 'A' at 2024-10-27 02:00:00 in rows \d+ and \d+"):
        from_csv(path)
    with pytest.raises(ValueError, match="local times that repeat an hour .* 2024-10-27, pass `ti"):
        from_csv(path)


def test_long_tables_of_two_years(tmp_path):
    times = pd.date_range("2023-10-20", "2024-10-30", freq="h", tz=PARIS)
    path = long_table(tmp_path / "a.csv", times, order="sensor")
    series = from_csv(path, timezone=PARIS)
    np.testing.assert_array_equal(
        series.timestamps, times.tz_convert("UTC").tz_localize(None).to_numpy()
    )
    np.testing.assert_array_equal(series.values[:, 0, 0], np.arange(len(times)))


def test_an_hour_that_one_sensor_has_once(tmp_path):
    def without(frame):  # sensor B lost its second readings from 02:00 to 02:50
        again = frame.duplicated(["time", "sensor"]) & (frame["sensor"] == "B")
        return frame[~again]

    path = long_table(tmp_path / "a.csv", PARIS_NIGHTS, without)
    frame = pd.read_csv(path)
    row = frame.index[(frame["time"] == "2024-10-27 02:00:00") & (frame["sensor"] == "B")][0]
    message = f"show both times .* 2024-10-27 02:00:00 in row {row} of sensor 'B'"
    with pytest.raises(ValueError, match=message):
        from_csv(path, timezone=PARIS, null_value=np.nan)


def wall(times):
    return pd.DataFrame({"A": np.arange(float(len(times)))}, times.tz_localize(None))


@pytest.mark.parametrize("zone", [PARIS, "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("minutes", [5, 10, 15, 30])
def test_one_copy_of_an_hour_at_the_ends(zone, minutes):
    """A table that starts or ends in the hour that occurs twice; Lord Howe changes by 30 minutes.

    UTC times of pandas are the independent result.
    """
    day = "2024-04-07" if "Lord" in zone else "2024-10-27" if zone == PARIS else "2024-11-03"
    times = pd.date_range(f"{day} 00:00", f"{day} 05:00", freq=f"{minutes}min", tz=zone)
    local = pd.Series(times.tz_localize(None))
    twice = np.flatnonzero(local.duplicated(keep=False))
    first, second = np.split(twice, 2)
    for kept in (slice(0, first[0] + 1), slice(0, second[0]), slice(second[0], None)):
        series = from_pandas(wall(times[kept]), timezone=zone)
        expected = times[kept].tz_convert("UTC").tz_localize(None).to_numpy()
        np.testing.assert_array_equal(series.timestamps, expected)


def test_one_copy_of_an_hour_after_a_whole_one(tmp_path):
    times = pd.date_range("2023-10-28", "2024-10-27", freq="h", tz="UTC").tz_convert(PARIS)
    assert times[-1].utcoffset().total_seconds() == 7200
    series = from_csv(long_table(tmp_path / "a.csv", times), timezone=PARIS)
    assert str(series.timestamps[-1]) == "2024-10-27T00:00:00"
    assert series.values.shape == (len(times), 2, 1)


@pytest.mark.parametrize("kept", [range(12, 18), [*range(6), *range(13, 18)]])
def test_one_copy_of_an_hour_that_stays_unclear(kept):
    """Rows of this hour alone, and a gap before it."""
    times = pd.date_range("2024-10-27 00:00", periods=30, freq="10min", tz=PARIS)
    with pytest.raises(ValueError, match=r"show both times .*add rows before or after the hour"):
        from_pandas(wall(times[list(kept)]), timezone=PARIS)


def test_a_skipped_hour_in_a_long_table_is_shown_by_its_row(tmp_path):
    path = tmp_path / "a.csv"
    hours = [f"2024-03-31 0{hour}:00,{name},5" for hour in range(5) for name in "AB"]
    path.write_text("\n".join(["time,sensor,flow", *hours]))
    with pytest.raises(
        ValueError, match="2024-03-31 02:00:00 in row 4, in an hour that the clocks"
    ):
        from_csv(path, timezone=PARIS)


def test_duplicates_in_a_zone_are_shown_in_local_time(tmp_path):
    path = long_table(tmp_path / "a.csv", PARIS_NIGHTS, lambda rows: pd.concat([rows, rows[-1:]]))
    message = r"sensor 'B' at 2024-10-29 00:00:00\+01:00 in rows .*such rows. Pass `dup"
    with pytest.raises(ValueError, match=message):
        from_csv(path, timezone=PARIS)


@pytest.mark.parametrize("form", ["wide", "long"])
def test_rows_with_the_newest_first_are_to_be_reversed(form, tmp_path):
    times = pd.date_range("2024-10-26", "2024-10-28", freq="30min", tz="Europe/Vienna")
    values = np.arange(len(times)) * 1.5
    frame = pd.DataFrame({"A": values, "B": 1.5}, times.tz_localize(None))
    table = frame.rename_axis("time")
    index = form == "wide"
    if not index:
        table = table.rename_axis(columns="sensor").stack().rename("speed").reset_index()
    options = {"timezone": "Europe/Vienna"}
    table[::-1].to_csv(tmp_path / "new.csv", index=index)
    message = r"occurs twice in Europe/Vienna.* The newest row is first. Sort .*: reverse the order"
    with pytest.raises(ValueError, match=message) as error:
        load_series(tmp_path / "new.csv", **options)
    assert "UTC offset" not in str(error.value)
    table[::-1][::-1].to_csv(tmp_path / "old.csv", index=index)  # the advice
    found = load_series(tmp_path / "old.csv", **options)
    want = times.tz_convert("UTC").tz_localize(None).to_numpy()
    np.testing.assert_array_equal(found.timestamps, want)
    np.testing.assert_array_equal(found.values[:, 0, 0], values)
    table.sample(frac=1, random_state=0).to_csv(tmp_path / "mixed.csv", index=index)
    with pytest.raises(ValueError, match="Write the UTC offset of each time"):
        load_series(tmp_path / "mixed.csv", **options)


@pytest.mark.parametrize("minutes", [0.5, 1, 5, 7, 15, 45, 60, 100, 720, 1440, 2880, 10080])
def test_steps_per_day_are_those_of_a_range_of_times(minutes):
    """The steps of a day, if one of them ends at midnight."""
    times = pd.date_range("2024-05-01", "2024-05-02", freq=f"{60 * minutes:g}s")
    whole = times[-1] == pd.Timestamp("2024-05-02")
    assert whole_steps_per_day(minutes) == (len(times) - 1 if whole else None)


def test_intervals_that_were_rounded():
    assert whole_steps_per_day(205.714286) == 7 and whole_steps_per_day(205.8) is None
    assert whole_steps_per_day(None) is None


@pytest.mark.parametrize("minutes", [15, 60])
def test_an_hour_that_occurs_twice_needs_rising_rows(minutes):
    """pandas takes the first of two equal times as the earlier one, also if rows fall."""
    utc = np.arange("2024-10-26T20", "2024-10-27T06", minutes, "datetime64[m]")
    local = pd.DatetimeIndex(utc, tz="UTC").tz_convert("Europe/Vienna").tz_localize(None)
    np.testing.assert_array_equal(to_utc(local, "Europe/Vienna")[0], utc)
    with pytest.raises(ValueError, match="show both times.*The newest row is first"):
        to_utc(local[::-1], "Europe/Vienna")
    later = len(local) - 60 // minutes  # rows of the last hour come first
    turned = local[later:].append(local[:later])
    np.testing.assert_array_equal(to_utc(turned, "Europe/Vienna")[0], np.roll(utc, 60 // minutes))
    order = np.random.default_rng(0).permutation(len(local))
    with pytest.raises(ValueError, match="show both times"):
        to_utc(local[order], "Europe/Vienna")
