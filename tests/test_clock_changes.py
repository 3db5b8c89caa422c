"""Components and splits on days of 23 and 25 hours, at holidays and gaps.

The expected steps come from the local times of pandas.
"""

import warnings

import numpy as np
import pandas as pd
import pytest

from stgkeras import datasets
from stgkeras.datasets.series.component_clock import ComponentClock
from stgkeras.datasets.series.splits import history, read_steps

ANGELES = "America/Los_Angeles"
SPRING = pd.date_range("2024-02-20", "2024-03-20", freq="h", tz=ANGELES, inclusive="left")
AUTUMN = pd.date_range("2024-10-15", "2024-11-12", freq="h", tz=ANGELES, inclusive="left")
LENGTHS = {"recent": 3, "daily": 12, "weekly": 12}
changes = pytest.mark.parametrize("times", [SPRING, AUTUMN], ids=["spring", "autumn"])


def series_of(times, **kwargs):
    return datasets.from_pandas(pd.DataFrame({"A": np.arange(float(len(times)))}, times), **kwargs)


def clock_of(times, horizon, lengths=LENGTHS, day=24, **kwargs):
    calendar = series_of(times, **kwargs).calendar
    reads = read_steps(lengths, horizon, day)
    return ComponentClock(calendar, reads, horizon, day), reads


def steps_at(times, local):
    """The steps at a local time without zone, or an hour later if that time was skipped."""
    wall = times.tz_localize(None)
    found = np.flatnonzero(wall == local)
    return found if len(found) else np.flatnonzero(wall == local + pd.Timedelta("1h"))


@changes
def test_components_read_the_same_local_time(times):
    horizon = 6
    clock, reads = clock_of(times, horizon)
    first = np.arange(history(reads) + 3 + 2, len(times) - horizon)
    found, wall = clock.read(first), times.tz_localize(None)
    moved = 0
    for row, step in enumerate(first):
        assert found["recent"][row].tolist() == [step - 3, step - 2, step - 1]
        for name, days in (("daily", (2, 1)), ("weekly", (14, 7))):
            expected = [
                steps_at(times, wall[step + ahead] - pd.Timedelta(days=back))
                for back in days
                for ahead in range(horizon)
            ]
            for at, steps in zip(found[name][row], expected, strict=True):
                assert at in steps
            moved += (found[name][row] != step + reads[name]).any()
    assert moved > 200
    assert clock.fits(first - 3).all()


@changes
def test_windows_give_these_steps(times):
    series = series_of(times)
    clock, _ = clock_of(times, 6)
    starts = np.arange(400, 600)
    windows = datasets.Windows(
        series.values,
        series.values,
        starts,
        input_length=LENGTHS,
        horizon=6,
        steps_per_day=24,
        calendar=series.calendar,
        past_calendar=series.calendar,
        batch_size=200,
    )
    x, _ = windows[0]
    found = clock.read(starts + 3)
    for name in LENGTHS:
        np.testing.assert_array_equal(x[name][..., 0, 0], found[name])
    past = np.concatenate([found[name] for name in ("recent", "daily", "weekly")], axis=1)
    np.testing.assert_array_equal(x["past_calendar"], series.calendar[past])
    assert x["past_calendar"].shape == (200, 27, 2)


def test_no_window_reads_what_it_predicts():
    """A day ahead, a target in the short day has its time of the day before in the window."""
    clock, reads = clock_of(SPRING, 24, {"daily": 24})
    first = np.arange(history(reads) + 1, len(SPRING) - 24)
    fits, wall = clock.fits(first), SPRING.tz_localize(None)
    for step, fit in zip(first, fits, strict=True):
        before = [steps_at(SPRING, wall[step + h] - pd.Timedelta(days=1)) for h in range(24)]
        assert fit == all(steps[0] < step for steps in before)
    assert 0 < np.count_nonzero(~fits) <= 24
    series = series_of(SPRING)
    read = {"input_length": {"daily": 24}, "horizon": 24, "steps_per_day": 24}
    with pytest.raises(
        ValueError, match=r"windows whose daily.*Received: (\d+) of .*split_windows"
    ):
        datasets.Windows(series.values, series.values, first, calendar=series.calendar, **read)
    for given in ({"complete": series}, {"calendar": series.calendar}):
        split = datasets.split_windows(len(SPRING), **read, val=0.1, test=0.1, **given)
        assert set(first[~fits]).isdisjoint(np.concatenate(split))
        kept = datasets.split_windows(len(SPRING), **read, val=0.1, test=0.1).train
        kept = kept[np.isin(kept, first[~fits], invert=True)]
        assert set(kept) - set(split.train) <= {24}
        for part in split:
            datasets.Windows(series.values, series.values, part, calendar=series.calendar, **read)


def test_components_of_a_series_without_weekends_are_refused():
    days = pd.bdate_range("2024-05-01", periods=30)
    times = pd.DatetimeIndex([day + pd.Timedelta(hours=h) for day in days for h in range(24)])
    calendar = datasets.calendar(times)
    values = np.arange(float(len(times)))[:, None, None]
    for length, message in (
        ({"weekly": 2}, "weekly step for Friday 00:00 would be Wednesday 00:00"),
        ({"daily": 2}, "daily step for Monday 00:00 would be Friday 00:00"),
    ):
        starts = np.arange(24 * 7, len(times) - 2)
        with pytest.raises(ValueError, match=message), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            datasets.Windows(
                values,
                values,
                starts,
                input_length=length,
                horizon=2,
                steps_per_day=24,
                calendar=calendar,
            )


@pytest.mark.parametrize(
    ("times", "kwargs", "expected"),
    [
        # 3 input steps, 6 targets: of 9 steps in a row, one of 8 pairs is at the change
        (SPRING, {}, 8),
        (AUTUMN, {}, 8),
        (SPRING.tz_convert("UTC").tz_localize(None), {}, 0),
        # A holiday on Wednesday 28 February: 8 windows at its first midnight. At the last one, 3:
        # the day after a Sunday is taken for a working day, and the day before a Thursday too.
        (SPRING[:400], {"holidays": ["2024-02-28"]}, 11),
    ],
)
def test_windows_in_which_a_model_would_take_another_season(times, kwargs, expected):
    series = series_of(times, **kwargs)
    starts = np.arange(len(times) - 9)
    given = {"input_length": 3, "horizon": 6, "calendar": series.calendar}
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        datasets.Windows(series.values, series.values, starts, **given)
    counts = [str(w.message) for w in found if "windows have steps across" in str(w.message)]
    assert [int(text.split()[0]) for text in counts] == [expected] * bool(expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        datasets.Windows(
            series.values, series.values, starts, **given, past_calendar=series.calendar
        )
