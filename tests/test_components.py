"""The recent, daily and weekly inputs of a window, the calendar, and missing readings."""

import tracemalloc

import numpy as np
import pytest

from stgkeras.datasets import Windows, calendar, split_windows

DAY = 24  # hourly steps
LENGTHS = {"recent": 5, "daily": 6, "weekly": 9}  # of horizon 3: two days, three weeks
SERIES = np.arange(700.0).reshape(700, 1, 1)  # each step holds its own number
READ = {"input_length": LENGTHS, "horizon": 3, "steps_per_day": DAY}


def test_every_step_by_hand():
    x, y = Windows(SERIES, SERIES, [520, 600], batch_size=2, **READ)[0]
    assert y.ravel().tolist() == [525, 526, 527, 605, 606, 607]
    assert x["recent"][0].ravel().tolist() == [520, 521, 522, 523, 524]
    # One day is 24 steps: 525 - 48 and 525 - 24; one week 168: 525 - 504, - 336 and - 168.
    assert x["daily"][0].ravel().tolist() == [477, 478, 479, 501, 502, 503]
    assert x["weekly"][0].ravel().tolist() == [21, 22, 23, 189, 190, 191, 357, 358, 359]
    assert x["recent"][1].ravel().tolist() == [600, 601, 602, 603, 604]
    assert x["daily"][1].ravel().tolist() == [557, 558, 559, 581, 582, 583]
    assert x["weekly"][1].ravel().tolist() == [101, 102, 103, 269, 270, 271, 437, 438, 439]
    assert {name: part.shape for name, part in x.items()} == {
        "recent": (2, 5, 1, 1),
        "daily": (2, 6, 1, 1),
        "weekly": (2, 9, 1, 1),
    }


def test_components_without_a_recent_one_start_at_the_forecast():
    read = {"input_length": {"daily": 2}, "horizon": 2, "steps_per_day": DAY}
    x, y = Windows(SERIES, SERIES, [30], **read)[0]
    assert y.ravel().tolist() == [30, 31]
    assert x["daily"].ravel().tolist() == [6, 7]


@pytest.mark.parametrize("boundary", ["inside", "start"])
def test_windows_whose_past_is_not_there_are_left_out(boundary):
    split = split_windows(1000, **READ, boundary=boundary)
    plain = split_windows(1000, input_length=5, horizon=3, boundary=boundary)
    # The oldest step read is 3 · 168 before the first to predict, which is start + 5.
    assert split.train[0] == 499 < plain.train[-1]
    np.testing.assert_array_equal(split.train, plain.train[plain.train >= 499])
    np.testing.assert_array_equal(split.val, plain.val)
    np.testing.assert_array_equal(split.test, plain.test)


def test_a_part_without_any_past_is_refused():
    with pytest.raises(ValueError, match="The training part must have a window that starts at"):
        split_windows(600, **READ, val=0.2, test=0.2)


def test_calendar_of_the_steps_to_predict():
    stamps = np.datetime64("2024-01-01T00", "h") + np.arange(700)  # a Monday
    table = calendar(stamps)
    x, _ = Windows(SERIES, SERIES, [45], input_length=5, horizon=2, calendar=table)[0]
    assert sorted(x) == ["calendar", "x"] and x["calendar"].dtype == "float32"
    # Steps 50 and 51: two o'clock and three on the third day, a Wednesday.
    np.testing.assert_allclose(x["calendar"][0], [[2 / 24, 2], [3 / 24, 2]], rtol=1e-6)
    x, _ = Windows(SERIES, SERIES, [520], calendar=table, **READ)[0]
    assert sorted(x) == ["calendar", "daily", "recent", "weekly"]
    np.testing.assert_allclose(x["calendar"][0, :, 0] * 24, [21, 22, 23], rtol=1e-5)
    x, _ = Windows({"z": SERIES}, SERIES, [45], input_length=5, horizon=None, calendar=table)[0]
    assert sorted(x) == ["calendar", "z"] and x["calendar"].shape == (1, 2)


@pytest.mark.parametrize(
    ("stamp", "day"), [("1969-12-28T12:00", 6), ("1970-01-01T12:00", 3), ("2026-11-22T12:00", 6)]
)
def test_days_of_the_week(stamp, day):
    assert calendar(np.array([stamp], "datetime64[s]")).tolist() == [[0.5, day]]


def test_missing_readings_are_passed_on_where_they_are_allowed():
    series = SERIES.copy()
    series[3] = np.nan
    with pytest.raises(ValueError, match="must not hold NaN.*`missing=True`"):
        Windows(series, series, [0], input_length=3, horizon=2)
    x, y = Windows(series, series, [0], input_length=3, horizon=2, missing=True)[0]
    assert x.ravel().tolist() == [0, 1, 2] and np.isnan(y.ravel()).tolist() == [True, False]


def test_an_epoch_holds_two_batches_and_a_third_of_the_series_at_most():
    series = np.random.default_rng(0).random((12000, 170, 3), dtype="float32")  # 24 MB
    series[::7, ::3] = np.nan
    stamps = np.datetime64("2024-01-01T00", "s") + np.arange(12000) * np.timedelta64(300, "s")
    lengths = {"recent": 12, "daily": 12, "weekly": 24}
    read = {"input_length": lengths, "horizon": 12, "steps_per_day": 288}
    tracemalloc.start()
    try:
        windows = Windows(
            series,
            series,
            split_windows(12000, **read).train,
            calendar=calendar(stamps),
            shuffle=True,
            missing=True,
            **read,
        )
        for _ in windows:
            pass
        windows.on_epoch_end()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    x, y = windows[0]
    batch = y.nbytes + sum(part.nbytes for part in x.values())
    assert len(windows) * batch > 10 * series.nbytes  # what it takes to hold all windows
    assert batch < peak <= 0.3 * series.nbytes + 2 * batch


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps_per_day": None}, "`steps_per_day` must be an int of at least the horizon, 3"),
        ({"steps_per_day": 2}, "`steps_per_day` must be .* Received: steps_per_day=2"),
        (
            {"input_length": {"daily": 4}},
            r"`input_length\['daily'\]` must be a multiple of the hor",
        ),
        ({"input_length": {"hourly": 3}}, "must be an int or a dict of .*'weekly'"),
        ({"input_length": {"recent": 0}}, "`input_length` must be an integer of at least 1"),
        ({"input_length": {}}, "must be an int or a dict"),
        ({"starts": [498]}, r"must lie in \[499, 692\]: .* reaches 499 steps back"),
        ({"starts": [693]}, r"must lie in \[499, 692\]"),
        ({"inputs": {"x": SERIES}}, "`inputs` must be one array if `input_length` is a dict"),
        ({"calendar": np.zeros((3, 2))}, "must have equally many steps"),
        ({"inputs": {}}, r"`inputs` must be an array, or a dict of .* Received: a dict of \[\]"),
        ({"inputs": {5: SERIES}}, r"`inputs` must be an array, or a dict of .* dict of \[5\]"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Windows(**{"inputs": SERIES, "targets": SERIES, "starts": [520], **READ, **arguments})


def test_bad_timestamps():
    with pytest.raises(TypeError, match="`timestamps` must be datetime64"):
        calendar([1, 2])
    with pytest.raises(ValueError, match="must all be times. Received: NaT"):
        calendar(np.array(["NaT"], "datetime64[s]"))
