"""Flags of sensors: they speak of the targets, not of the other features."""

import numpy as np
import pandas as pd
import pytest

from stgkeras import datasets
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.newest import newest_window

TIMES = pd.date_range("2024-05-01", periods=48, freq="h", tz="Europe/Vienna")


def tables():
    rng = np.random.default_rng(0)
    return {
        name: pd.DataFrame(rng.uniform(1, 9, (48, 3)), TIMES, ["A", "B", "C"])
        for name in ("speed", "flow")
    }


def form_of(frames, targets=None):
    series = datasets.from_pandas(frames, null_value=np.nan)
    return Form.of(series, targets, 4, 2, 40)


def flags(form, frames):
    return newest_window(form, {n: f[-10:] for n, f in frames.items()}).flags.tolist()


def test_a_sensor_without_readings_of_the_target_is_flagged_whatever_else_it_reads():
    frames = tables()
    form = form_of(frames, "speed")
    frames["speed"].iloc[-6:, 0] = np.nan  # to 17:00; flow goes on
    frames["speed"].iloc[-3:, 1] = np.nan
    frames["flow"].iloc[:, 2] = np.nan  # no target
    assert flags(form, frames) == ["no reading since 2024-05-02 17:00+02:00", "1 of 4 readings", ""]
    frames["speed"]["A"] = np.nan  # not in the file: the last reading of the series of `fit`
    assert flags(form, frames)[0] == "no reading since 2024-05-02 23:00+02:00"


def test_last_reading_of_the_series_is_that_of_the_target():
    frames = tables()
    frames["speed"].iloc[20:, 0] = np.nan
    frames["speed"]["B"] = np.nan
    frames["flow"].iloc[30:, 0] = np.nan
    # Vienna is two hours ahead of UTC.
    ends = ("2024-05-01T17:00", None, "2024-05-02T21:00")
    stamps = [seen and np.datetime64(seen) for seen in form_of(frames, "speed").last_seen]
    assert stamps == [end and np.datetime64(end) for end in ends]
    both = form_of(frames)  # of two targets, the one that ended first
    assert [seen and np.datetime64(seen) for seen in both.last_seen] == stamps
    newest = {name: frame.fillna(5.0) for name, frame in frames.items()}
    for name in ("A", "B"):
        newest["speed"][name] = np.nan
    for form in (form_of(frames, "speed"), both):
        expected = ["no reading since 2024-05-01 19:00+02:00", "never a reading", ""]
        assert flags(form, newest) == expected


def test_of_several_targets_the_one_with_the_fewest_readings_counts():
    frames = tables()
    form = form_of(frames)
    frames["speed"].iloc[-4::2, 0] = np.nan  # the two are never there together
    frames["flow"].iloc[-3::2, 0] = np.nan
    frames["flow"].iloc[-5:, 1] = np.nan
    frames["flow"].iloc[-1, 2] = np.nan
    assert flags(form, frames) == [
        *("2 of 4 readings", "no reading since 2024-05-02 18:00+02:00", "")
    ]


@pytest.mark.parametrize(("lowest", "flag"), [(1.0, "reading below 0"), (-5.0, "")])
def test_a_reading_below_zero_is_flagged_if_training_had_none(lowest, flag):
    frames = tables()
    frames["speed"].iloc[0, 2] = lowest
    form = form_of(frames, "speed")
    frames["speed"].iloc[-2, 0] = -999
    frames["speed"].iloc[-5, 1] = -999  # before the window
    frames["flow"].iloc[-1, 2] = -999  # no target
    assert flags(form, frames) == [flag, "", ""]


def test_a_negative_mark_of_missing_readings_is_no_reading():
    frames = tables()
    frames["speed"].iloc[0, 0] = -999
    form = Form.of(datasets.from_pandas(frames, null_value=-999), "speed", 4, 2, 40)
    frames["speed"].iloc[-2, 0] = -999
    assert flags(form, frames) == ["", "", ""]
