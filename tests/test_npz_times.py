"""Times in npz files: read by the rules for tables, or refused."""

import warnings

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import load_series

HOURS = pd.date_range("2024-03-30 12:00", periods=30, freq="h")
PARIS = HOURS.tz_localize("UTC").tz_convert("Europe/Paris")
UTC = HOURS.to_numpy()


@pytest.fixture
def read(tmp_path):
    def read(arrays, **kwargs):
        np.savez(tmp_path / "a.npz", x=np.ones((30, 2)), **arrays)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return load_series(tmp_path / "a.npz", **kwargs)

    return read


@pytest.mark.parametrize(
    ("arrays", "timezone"),
    [
        ({"time": UTC}, None),
        ({"timestamps": UTC.astype("datetime64[s]").astype(int)}, "UTC"),
        ({"times": HOURS.astype(str).to_numpy(str)}, None),
        ({"datetime": [t.isoformat() for t in PARIS]}, "Europe/Paris"),
        ({"start_time": "2024-03-30T12:00", "step_minutes": 60}, None),
        ({"start_time": "30.03.2024 12:00", "step_minutes": [60]}, None),
        ({"start_time": 1711800000, "step_minutes": 60.0}, "UTC"),
        ({"start_time": 202403301200, "step_minutes": 60}, None),
        ({"start_time": "2024-03-30T13:00+01:00", "step_minutes": 60}, "+01:00"),
        ({"start_time": "2024-03-30T13:00", "step_minutes": 60}, "Europe/Paris"),
    ],
)
def test_times(read, arrays, timezone):
    local = timezone == "Europe/Paris"
    series = read(arrays, timezone=timezone if local else None)
    np.testing.assert_array_equal(series.timestamps, UTC)
    assert series.interval == 60 and series.timezone == timezone


def test_days_from_a_start_follow_the_local_clock(read):
    given = {"start_time": "2024-03-20", "step_minutes": 24 * 60}
    series = read(given, timezone="Europe/Paris")
    expected = pd.date_range("2024-03-20", periods=30, tz="Europe/Paris").tz_convert("UTC")
    np.testing.assert_array_equal(series.timestamps, expected.tz_localize(None).to_numpy())


def test_steps_of_tenths_of_a_second_from_a_start(read):
    series = read({"start_time": "2024-03-20", "step_minutes": 0.1 / 60})
    assert series.timestamps[-1] == np.datetime64("2024-03-20T00:00:02.9")


def test_numbers_that_count_from_the_start_need_an_interval(read):
    count = {"time": 5 * np.arange(30)}
    with pytest.raises(ValueError, match=r"Unix times, in `time`. Received: 0, 5, 10, ….*`interv"):
        read(count)
    series = read(count, interval=5)
    assert series.timestamps is None and series.interval == 5


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"start_time": "2024-03-30"}, "`interval` must be given for .* which has `start_time`"),
        ({"start_time": "soon", "step_minutes": 5}, "in `start_time`. Received: 'soon'"),
        ({"start_time": 7, "step_minutes": 5}, "in `start_time`. Received: 7. Write each time"),
        ({"start_time": ["2024"] * 2, "step_minutes": 5}, "1 times in `start_time`.*: 2 times"),
        ({"start_time": "2024-03-30", "times": UTC}, r"one array .*\['times', 'start_time'\]"),
        ({"times": UTC[1:]}, "must have 30 times in `times`.* Received: 29 times"),
        ({"times": ["2024-03-30"] * 29 + ["?"]}, r"in `times`. Received: '\?' in row 29"),
        ({"step_minutes": "five"}, r"one number of minutes in `step_minutes`.*\['five'\]"),
        ({"step_minutes": [5, 5]}, r"one number of minutes in `step_minutes`.*\[5, 5\]"),
        (
            {"start_time": "2024-03-30", "step_minutes": 1e300},
            r"must have times before the year 2262. Received: \d+ steps of 1e\+300 minutes",
        ),
        ({"start_time": "2024-03-30", "step_minutes": 1e9}, "must have times before the year 2262"),
        ({"step_minutes": 0}, r"one number of minutes in `step_minutes`.*\[0\]"),
    ],
)
def test_other_times_are_refused(read, arrays, message):
    with pytest.raises(ValueError, match=message):
        read(arrays)
