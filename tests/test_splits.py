"""Splits in time: starts by hand, published counts, and properties over random sizes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stgkeras.datasets import from_arrays, split_windows, training_steps


def counts(split):
    return [len(part) for part in split]


def test_inside_by_hand():
    # 20 steps, cut at 12 and 16: windows of 3 steps inside 0-11, 12-15, 16-19.
    train, val, test = split_windows(20, 2, 1, val=0.2, test=0.2)
    assert train.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert val.tolist() == [12, 13]
    assert test.tolist() == [16, 17]


def test_start_by_hand():
    # 12 steps, windows of 3: 10 windows, cut at 6 and 8.
    train, val, test = split_windows(12, 2, 1, val=0.2, test=0.2, boundary="start")
    assert train.tolist() == [0, 1, 2, 3, 4, 5]
    assert val.tolist() == [6, 7]
    assert test.tolist() == [8, 9]


@pytest.mark.parametrize(
    ("num_steps", "val", "test", "expected"),
    [
        (8064, 0.2, 0.2, [4824, 1608, 1609]),
        (34272, 0.1, 0.2, [23974, 3425, 6850]),
        (7156, 535, 3567, [3031, 535, 3567]),
    ],
)
def test_start_gives_published_counts(num_steps, val, test, expected):
    split = split_windows(num_steps, 12, 12, val, test, boundary="start")
    assert counts(split) == expected
    assert np.array_equal(np.concatenate(split), np.arange(num_steps - 23))


def test_inside_gives_the_published_count_of_los_loop():
    split = split_windows(2016, 12, 12, val=0, test=0.2)
    assert counts(split) == [1589, 0, 381]
    assert split.test[0] == 1612


def test_shares_are_not_cut_by_rounding_errors():
    # In floating point 1 - 0.3 - 0.1 is 0.6 less a rounding error, and so is 0.29 * 100.
    for total in range(10, 2000, 10):
        assert len(split_windows(total, 1, None, 0.3, 0.1, "start").train) == int(
            (total - 1) * 6 // 10
        )
    assert len(split_windows(101, 1, 1, 0.0, 0.71, "start").train) == 29
    assert len(split_windows(10, 1, 1, 1 / 3, 1 / 3, "start").train) == 3


def test_counts_mean_steps_inside_and_windows_at_start():
    assert counts(split_windows(30, 2, 1, val=5, test=7)) == [16, 3, 5]
    assert counts(split_windows(30, 2, 1, val=5, test=7, boundary="start")) == [
        16,
        5,
        7,
    ]


@given(
    st.integers(2, 300),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([0, 0.1, 0.25, 1 / 3, 12]),
    st.sampled_from([0.1, 0.2, 0.3, 15]),
)
@settings(max_examples=200, deadline=None)
def test_properties_of_splits(num_steps, length, horizon, val, test):
    reach = length + horizon
    for boundary in ("inside", "start"):
        try:
            split = split_windows(num_steps, length, horizon, val, test, boundary)
        except ValueError:
            continue
        starts = np.concatenate(split)
        assert (np.diff(starts) > 0).all() and starts[0] >= 0 and starts[-1] <= num_steps - reach
        if boundary == "start":
            assert np.array_equal(starts, np.arange(num_steps - reach + 1))
        else:
            touched = [set((p[:, None] + np.arange(reach)).ravel().tolist()) for p in split]
            assert not (touched[0] & touched[1] | touched[1] & touched[2] | touched[0] & touched[2])
            assert starts[-1] == num_steps - reach  # no step is wasted at the end
        assert training_steps(split, length, horizon) == split.train[-1] + reach


def test_training_steps_are_those_of_the_protocol():
    assert training_steps(split_windows(8064, 12, 12, boundary="start"), 12, 12) == 4847
    assert training_steps(split_windows(100, 5, 1), 5, None) == 60


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (10, 8, 4),
            ValueError,
            "`num_steps` must be at least input_length .* = 12.*=10",
        ),
        (
            (60, 10, 5, 0.1),
            ValueError,
            "validation part must have at least 15 steps.*: 6 steps",
        ),
        (
            (60, 10, 5, 0.3, 0.2),
            ValueError,
            "test part must have at least 15 steps.*: 12 steps",
        ),
        (
            (60, 10, 5, 0.4, 0.4),
            ValueError,
            "training part must have .* 15 steps.*: 12 steps",
        ),
        (
            (18, 10, 5, 0.05, 0.2, "start"),
            ValueError,
            "validation part .* 1 windows.*: 0 windows",
        ),
        (
            (60, 10, 5, 0.5, 0.5),
            ValueError,
            "must leave a part for training.*val=0.5",
        ),
        ((60, 10, 5, 0.2, 60), ValueError, "must leave a part for training.*test=60"),
        ((60, 10, 5, -0.1), ValueError, "`val` must not be negative.*-0.1"),
        ((60, 10, 5, "0.1"), TypeError, "`val` must be an int or a float.*'0.1'"),
        ((60, 0, 5), ValueError, "`input_length` must be an integer of at least 1.*=0"),
        ((60, 5, 0), ValueError, "`horizon` must be an integer of at least 1.*=0"),
        ((60, 5, 1, 0.2, 0.2, "middle"), ValueError, "`boundary` must be .*'middle'"),
    ],
)
def test_bad_splits(arguments, error, message):
    with pytest.raises(error, match=message):
        split_windows(*arguments)


def test_windows_without_a_target_are_left_out():
    """A service from 6 to 22 o'clock: windows of 2 + 3 steps."""
    times = pd.date_range("2024-05-01", periods=20 * 24, freq="h")
    works = (times.hour >= 6) & (times.hour < 22)
    values = np.where(works[:, None, None], np.ones((len(times), 3, 2)), np.nan)
    values[40, 1:] = np.nan  # a reading is left
    series = from_arrays(values, times, null_value=np.nan)
    every = split_windows(len(times), 2, 3)
    for complete in (series, values, values[..., :1], works):
        split = split_windows(len(times), 2, 3, complete=complete)
        for part, whole in zip(split, every, strict=True):
            expected = [s for s in whole if works[s + 2] or works[s + 3] or works[s + 4]]
            assert part.tolist() == expected and len(expected) < len(whole)
    assert split_windows(len(times), 2, None, complete=works).train.max() < len(times)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"complete": np.ones(9, bool)},
            "`complete` must have one entry for each of the 100 steps",
        ),
        ({"complete": np.array(["a"] * 100)}, "`complete` must be a series, its values, or a bool"),
        (
            {"complete": np.arange(100) < 70},
            "The test part must have a window with a target reading. Received: none of 16 windows",
        ),
        (
            {"calendar": np.zeros((9, 2)), "input_length": {"daily": 3}, "steps_per_day": 24},
            "`calendar` must have shape .100, 2., two numbers for each step of",
        ),
    ],
)
def test_bad_choices_of_windows(arguments, message):
    with pytest.raises(ValueError, match=message):
        split_windows(100, **{"input_length": 2, "horizon": 3, **arguments})
