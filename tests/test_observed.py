"""Readings that a forecaster observes: late, twice, by name, in other zones; what it then knows."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from conftest import once

import stgkeras
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.observed import Observed

NAMES = ("A", "B", "C")
NAN = float("nan")
L, H = 12, 3


def form(**fields):
    known = {
        "names": NAMES,
        "features": ("speed",),
        "units": ("km/h",),
        "targets": (0,),
        "interval": 60.0,
        "timezone": "Europe/Vienna",
        "holidays": None,
        "null_value": (None,),
        "input_length": L,
        "horizon": H,
        "dated": True,
        "floor": (0.0,),
        "last_seen": ("2024-04-30T22:00:00",) * 3,
        "trained": (True,) * 3,
    }
    return Form(**{**known, **fields})


def observed(*steps, size=4, **fields):
    found = Observed(form(**fields), size)
    for time, values in steps:
        found.add(time, values)
    return found


def rows(found):
    return found.series()[0].values[..., 0]


@once
def test_steps_in_any_order_and_twice_give_the_same_rows():
    steps = [("2024-05-01T08:00", [1, 2, 3]), ("2024-05-01T09:00", {"B": 5})]
    steps += [("2024-05-01T11:00", [7, NAN, None])]
    expected = [[1, 2, 3], [NAN, 5, NAN], [NAN, NAN, NAN], [7, NAN, NAN]]
    for order in (steps, steps[::-1], [steps[1], *steps, steps[0]]):
        found = observed(*order)
        np.testing.assert_array_equal(rows(found), expected)
    assert str(found.series()[0].timestamps[-1]) == "2024-05-01T09:00:00.000000"  # UTC


@once
def test_a_later_reading_replaces_an_earlier_one_and_a_missing_one_replaces_none():
    found = observed(("2024-05-01T08:00", [1, 2, 3]), ("2024-05-01T08:00", {"A": 9, "B": NAN}))
    np.testing.assert_array_equal(rows(found)[-1], [9, 2, 3])


@once
def test_steps_older_than_the_buffer_are_left_out():
    found = observed(("2024-05-02T08:00", [1, 2, 3]))
    assert found.add("2024-05-02T05:00", [4, 5, 6])
    assert not found.add("2024-05-02T04:00", [7, 8, 9])
    np.testing.assert_array_equal(rows(found), [[4, 5, 6], [NAN] * 3, [NAN] * 3, [1, 2, 3]])
    found.add("2024-06-01T00:00", [0, 0, 0])  # far ahead
    np.testing.assert_array_equal(rows(found), [[NAN] * 3] * 3 + [[0, 0, 0]])


@once
def test_a_step_without_a_reading_moves_nothing():
    found = observed(("2024-05-01T08:00", [1, 2, 3]), ("2024-05-01T09:00", [NAN, None, NAN]))
    np.testing.assert_array_equal(rows(found)[-1], [1, 2, 3])
    with pytest.raises(ValueError, match="must be a reading to forecast from"):
        observed(("2024-05-01T08:00", [NAN] * 3)).series()


@once
@pytest.mark.parametrize(
    "time",
    [
        "2024-05-01T08:00",
        "2024-05-01 08:00:00+02:00",
        "2024-05-01T06:00Z",
        "20240501T0800",
        pd.Timestamp("2024-05-01 06:00", tz="UTC"),
        pd.Timestamp("2024-05-01 08:00", tz="Europe/Paris").to_pydatetime(),
        np.datetime64("2024-05-01T08:00"),
    ],
    ids=str,
)
def test_times_of_every_kind_are_the_same_step(time):
    assert observed().moment(time) == observed().moment("2024-05-01T08:00+02:00")


@once
@pytest.mark.parametrize(
    ("time", "message"),
    [
        ("2024-05-01T08:30", "steps of 60 minutes of the forecaster, such as 2024-05-01T08:00:00"),
        ("2024-10-27T02:00", "must have its UTC offset when the clocks of Europe/Vienna change"),
        ("2024-03-31T02:00", "a local time that they skip or have twice"),
        ("03/04/2024 08:00", "text such as 2024-05-01T08:00"),
        (1714543200, "must be a time"),
        (None, "must be a time"),
        ("0001-01-01T00:00+14:00", r"must be in the years 1700 to 2199\. Received: time='0001"),
        ("9999-12-31T23:59-12:00", "must be in the years"),
        (np.datetime64("290000-01-01"), "must be"),
        (pd.NaT, "must be a time"),
    ],
)
def test_other_times_are_refused(time, message):
    with pytest.raises(ValueError, match=message):
        observed().add(time, [1, 2, 3])


@once
def test_both_times_of_an_hour_that_occurs_twice_are_steps():
    times = "2024-10-27T02:00+02:00", "2024-10-27T02:00+01:00", "2024-10-27T03:00"
    found = observed(*((time, [n] * 3) for n, time in enumerate(times)))
    np.testing.assert_array_equal(rows(found)[1:, 0], [0, 1, 2])


@once
def test_days_follow_the_local_clock():
    days = ["2024-10-26", "2024-10-27", "2024-10-28"]  # the second has 25 hours
    seen = ("2024-04-30T22:00:00",) * 3
    found = observed(*((d, [n] * 3) for n, d in enumerate(days)), interval=1440.0, last_seen=seen)
    np.testing.assert_array_equal(rows(found)[1:, 0], [0, 1, 2])
    stamps = found.series()[0].timestamps.astype("datetime64[h]").astype(str)
    assert list(stamps[1:]) == ["2024-10-25T22", "2024-10-26T22", "2024-10-27T23"]


@once
def test_times_without_a_zone_and_steps_without_times():
    found = observed(("2024-05-01T08:00", [1, 2, 3]), timezone=None)
    assert found.text(found.moment("2024-05-01T08:00")) == "2024-05-01T08:00:00"
    with pytest.raises(ValueError, match="must have no time zone or UTC offset"):
        found.moment("2024-05-01T08:00Z")
    counted = observed((7, [1, 2, 3]), (6, [4, 5, 6]), dated=False, last_seen=("5",) * 3)
    np.testing.assert_array_equal(rows(counted)[-2:], [[4, 5, 6], [1, 2, 3]])
    with pytest.raises(TypeError, match="must be the number of the step"):
        counted.moment("2024-05-01")
    for number in (2**62, -(10**30), np.int64(2**62)):
        with pytest.raises(ValueError, match="between -2..62 and 2..62. Received: time=.*Count"):
            counted.moment(number)


@once
@pytest.mark.parametrize(
    "values",
    [
        {"C": 3, "A": 1.0, "B": None},
        pd.Series({"A": 1, "C": 3}),
        pd.Series([1.0, NAN, 3.0], index=list(NAMES)),
        [1, None, 3],
        np.array([1, 0, 3]),  # 0 marks a missing reading
        np.array([[1], [NAN], [3]], "float32"),
    ],
    ids=str,
)
def test_values_by_name_or_in_order(values):
    found = observed(("2024-05-01T08:00", values), null_value=(0.0,))
    np.testing.assert_array_equal(rows(found)[-1], [1, NAN, 3])


@once
def test_values_of_several_features():
    two = {"features": ("speed", "flow"), "units": ("", ""), "null_value": (None, None)}
    found = observed(("2024-05-01T08:00", {"B": [50, 300]}), targets=(1,), **two)
    np.testing.assert_array_equal(found.series()[0].values[-1, 1], [50, 300])
    found.add("2024-05-01T08:00", [[1, 2], [NAN, 3], [4, NAN]])
    np.testing.assert_array_equal(found.series()[0].values[-1], [[1, 2], [50, 3], [4, NAN]])
    with pytest.raises(ValueError, match="'speed', 'flow'. Received: 50 for 'B'"):
        found.add("2024-05-01T08:00", {"B": 50})


@once
@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"X": 1}, ValueError, "`values` must have sensors of the forecaster: 'A', 'B', 'C'"),
        ([1, 2], ValueError, "number for each of 3 sensors"),
        ({"A": float("inf")}, ValueError, "finite numbers"),
        ({"A": 1e39}, ValueError, "finite numbers"),
        ({"A": "50"}, TypeError, "must be numbers"),
        ({"A": True}, TypeError, "must be numbers"),
        ([[1], [2, 3], [4]], TypeError, "must be numbers"),
        (None, ValueError, "number for each of 3 sensors"),
    ],
)
def test_other_values_are_refused_and_change_nothing(values, error, message):
    found = observed(("2024-05-01T08:00", [1, 2, 3]))
    with pytest.raises(error, match=message):
        found.add("2024-05-01T09:00", values)
    np.testing.assert_array_equal(rows(found)[-1], [1, 2, 3])


def speeds(periods=14 * 24):
    times = pd.date_range("2024-05-01", periods=periods, freq="h", tz="Europe/Vienna")
    wave = 50 + 10 * np.sin(times.hour.to_numpy() * np.pi / 12)
    noise = np.random.default_rng(0).normal(0, 2, (periods, 3))
    return pd.DataFrame(wave[:, None] + noise, times, columns=list(NAMES))


@pytest.fixture(scope="module")
def forecaster():
    path = np.eye(3, k=1) + np.eye(3, k=-1)
    series = stgkeras.datasets.from_pandas(speeds()[: 13 * 24], path)
    found = stgkeras.Forecaster("GraphSTID", horizon=H, units=4, num_blocks=1, adaptive_units=2)
    found.fit(series, epochs=1, verbose=0)
    return found


def test_observed_steps_are_forecast_as_a_frame_of_them(forecaster, tmp_path):
    every, known = speeds(), 13 * 24
    before = forecaster.forecast()
    for time, row in every[known : known + 5].iterrows():
        forecaster.observe(time, row)
    found, expected = forecaster.forecast(), forecaster.forecast(every[: known + 5][-L:])
    np.testing.assert_array_equal(found.values, expected.values)
    assert list(found.times) == list(expected.times) == list(before.times + pd.Timedelta("5h"))
    forecaster.save(tmp_path / "city")
    opened = stgkeras.Forecaster.load(tmp_path / "city")
    with pytest.raises(ValueError, match="if `observe` was not called"):
        opened.forecast()
    opened.observe(every.index[known], {"A": 50.0})
    flags = opened.forecast().flags[0]
    assert list(flags) == ["1 of 12 readings", *["no reading since 2024-05-13 23:00+02:00"] * 2]
    for time, row in every[known - L : known + 5].iterrows():
        opened.observe(time, row)
    np.testing.assert_allclose(opened.forecast().values, expected.values, rtol=1e-5)


def test_threads_observe_the_first_step_at_once(forecaster):
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            forecaster._observed = None
            at_once = threading.Barrier(3)

            def work(n, at_once=at_once):
                at_once.wait()
                forecaster.observe("2024-08-01T00:00", {NAMES[n]: 50.0})

            with ThreadPoolExecutor(3) as threads:
                list(threads.map(work, range(3)))
            np.testing.assert_array_equal(rows(forecaster._observed)[-1], [50.0] * 3)
    finally:
        sys.setswitchinterval(interval)
        forecaster._observed = None


def test_flags_name_the_last_reading_that_was_observed(forecaster):
    every = speeds()
    forecaster.fit(stgkeras.datasets.from_pandas(every[:-24], np.ones((3, 3))), epochs=1, verbose=0)
    assert forecaster._observed is None
    forecaster.observe(every.index[-24], every.iloc[-24])
    for time, row in every[-23:].iterrows():
        forecaster.observe(time, {"A": row["A"], "C": row["C"]})
    flag = f"no reading since {every.index[-24].isoformat(sep=' ', timespec='minutes')}"
    assert list(forecaster.forecast().flags[0]) == ["", flag, ""]


def test_threads_observe_and_forecast_at_once(forecaster):
    first, at_once = pd.Timestamp("2024-08-01", tz="UTC"), threading.Barrier(8)

    def work(n):
        at_once.wait()
        for k in range(25):
            forecaster.observe(first + pd.Timedelta(hours=k), {NAMES[n % 3]: 50.0 + k})
            made = forecaster.forecast()
            assert np.isfinite(made.values).all()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    expected = np.repeat(50.0 + np.arange(13, 25)[:, None], 3, axis=1)
    np.testing.assert_array_equal(rows(forecaster._observed), expected)
    newest = pd.DataFrame(expected, first + pd.to_timedelta(range(13, 25), "h"), list(NAMES))
    np.testing.assert_array_equal(forecaster.forecast().values, forecaster.forecast(newest).values)
