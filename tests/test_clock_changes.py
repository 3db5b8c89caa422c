"""Seasons, components and splits on days of 23 and 25 hours, at holidays and gaps.

The expected steps come from the local times of pandas.
"""

import warnings

import numpy as np
import pandas as pd
import pytest

from stgkeras import datasets
from stgkeras.datasets.series.component_clock import ComponentClock
from stgkeras.datasets.series.splits import history, read_steps
from stgkeras.seasons import seasonal_mean, slots

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


# Seasons


def local_pattern(times):
    """Traffic that follows the local clock."""
    wall = times.tz_localize(None)
    hour, day = wall.hour.to_numpy(), wall.day_of_week.to_numpy()
    return np.where(day < 5, 100.0, 20.0) * (1 + 3 * np.exp(-((hour - 8) ** 2) / 4))


@changes
def test_baselines_follow_the_local_clock(times):
    flow = local_pattern(times)[:, None, None]
    series = datasets.from_arrays(flow[..., 0], times)
    num_train, starts = 18 * 24, np.arange(18 * 24, len(times) - 24)
    truth = flow[starts[:, None] + 12 + np.arange(12)]
    errors = []
    for calendar in (series.calendar, datasets.calendar(series.timestamps)):
        read = {"input_length": 12, "horizon": 12, "steps_per_day": 24}
        mean = datasets.historical_mean(flow, calendar, starts, num_train=num_train, **read)
        ridge = datasets.residual_ridge(
            flow, calendar, np.arange(num_train - 24), starts, **read, alpha=1.0
        )
        errors.append([np.abs(y - truth).mean() / truth.mean() for y in (mean, ridge)])
    assert max(errors[0]) < 1e-6 and min(errors[1]) > 0.1


@changes
@pytest.mark.parametrize("days", [1, 7])
def test_same_time_reads_the_local_time(times, days):
    series, wall = series_of(times), times.tz_localize(None)
    starts = np.arange(24 * days + 1, len(times) - 9)
    given = {"input_length": 3, "horizon": 6, "lag": 24 * days}
    clock = {"calendar": series.calendar, "steps_per_day": 24}
    found = datasets.same_time(series.values, starts, **given, **clock)
    assert found.shape == (len(starts), 6, 1, 1) and not np.isnan(found).any()
    for row, start in enumerate(starts):
        for ahead in range(6):
            local = wall[start + 3 + ahead] - pd.Timedelta(days=days)
            assert found[row, ahead, 0, 0] in steps_at(times, local)
    fixed = datasets.same_time(series.values, starts, **given)
    different = (found != fixed).any(axis=(1, 2, 3)).sum()
    assert 24 * days <= different < 24 * days + 8 and not (found == fixed).all()


def test_same_time_reads_no_target_step():
    series = series_of(SPRING)
    step = SPRING.get_loc(pd.Timestamp("2024-03-09 10:00", tz=ANGELES))
    clock = {"calendar": series.calendar, "steps_per_day": 24}
    found = datasets.same_time(series.values, [step - 1], 1, 24, 24, **clock).ravel()
    # The last target is 10:00 on the day of 23 hours; a day before is the first target.
    assert np.isnan(found[-1]) and found[0] == step - 24 and not np.isnan(found[:-1]).any()


@pytest.mark.parametrize("given", [{"steps_per_day": 24, "lag": 30}, {"lag": 24}])
def test_same_time_needs_whole_days(given):
    series = series_of(SPRING)
    with pytest.raises(ValueError, match="`lag` must be a multiple of `steps_per_day` with a cal"):
        datasets.same_time(series.values, [100], 3, 6, calendar=series.calendar, **given)


@changes
def test_seasonal_means_are_those_of_local_hours(times):
    values = np.random.default_rng(0).random((len(times), 2, 1))
    wall = times.tz_localize(None)
    season = seasonal_mean(values, series_of(times).calendar, 24)
    for weekend in (False, True):
        for hour in range(24):
            rows = ((wall.day_of_week >= 5) == weekend) & (wall.hour == hour)
            expected = values[rows].mean(axis=0)
            np.testing.assert_allclose(season[24 * weekend + hour], expected, rtol=1e-12)


@changes
@pytest.mark.parametrize("minutes", [60, 30])
def test_a_day_of_25_hours_is_left_out_as_one_day(times, minutes):
    times = pd.date_range(times[0], times[-1], freq=f"{minutes}min")
    values = np.random.default_rng(0).random((len(times), 1, 1))
    day = 24 * 60 // minutes
    calendar = series_of(times).calendar
    shift = datasets.leave_one_day_out(values, calendar, day)
    wall = times.tz_localize(None)
    kind = np.where(wall.day_of_week >= 5, 1, 0)
    for step in range(0, len(times), 7):
        same = (kind == kind[step]) & (wall.time == wall[step].time())
        others = same & (wall.date != wall[step].date())
        expected = values[same].mean() - values[others].mean()
        np.testing.assert_allclose(shift[step, 0, 0], expected, atol=1e-6)


def test_days_in_a_row_of_one_kind_are_several_days():
    """A holiday on Monday after a Sunday; one step a day."""
    days = pd.date_range("2024-05-19", periods=2)  # Sunday, and Whit Monday
    calendar = datasets.calendar(days, holidays=["2024-05-20"])
    found = datasets.leave_one_day_out(np.array([10.0, 20])[:, None, None], calendar, 1)
    assert found.ravel().tolist() == [-5, 5]


def test_times_halfway_between_steps_have_their_own_slots():
    times = np.datetime64("2024-01-01T00:02:30") + np.arange(288 * 7) * np.timedelta64(300, "s")
    found = slots(datasets.calendar(times), 288)
    assert found[:288].tolist() == list(range(288)) and found[-1] == 2 * 288 - 1


@pytest.mark.parametrize("hours", [2, 3, 6])
def test_steps_longer_than_the_clock_change(hours):
    """Steps of 3 hours at 0, 3, 6, … in summer and at 1, 4, 7, … or 23, 2, 5, … in winter."""
    day = 24 // hours
    for times in (SPRING[::hours], AUTUMN[::hours]):
        found, wall = slots(series_of(times).calendar, day), times.tz_localize(None)
        shown = (found % day) * hours
        apart = (wall.hour.to_numpy() - shown + 12) % 24 - 12
        assert np.abs(apart).max() <= 2 and (apart[:50] == 0).all()


@pytest.mark.parametrize(
    ("minutes", "day", "message"),
    [
        (7, 206, "calendar with steps of 7 minutes. A day is no whole number of such steps. Res"),
        (7, 205, "A day is no whole number"),
        (
            5,
            24,
            "steps_per_day=24, and a calendar with steps of 5 minutes. Pass `steps_per_day=288`",
        ),
        (5, 576, "Pass `steps_per_day=288`"),
        (60, 288, "Pass `steps_per_day=24`"),
    ],
)
def test_steps_that_are_no_part_of_a_day(minutes, day, message):
    times = pd.date_range("2024-05-01", periods=3000, freq=f"{minutes}min")
    calendar, values = datasets.calendar(times), np.ones((3000, 1, 1))
    with pytest.raises(ValueError, match=message):
        datasets.historical_mean(
            values, calendar, [9], 3, 1, steps_per_day=day, num_train=len(times)
        )
    with pytest.raises(ValueError, match=message):
        datasets.leave_one_day_out(values, calendar, day)
    read = {"input_length": {"daily": 1}, "horizon": 1, "steps_per_day": day}
    with pytest.raises(ValueError, match=message):
        datasets.Windows(values, values, [2000], calendar=calendar, **read)
    with pytest.raises(ValueError, match=message):
        datasets.split_windows(3000, **read, calendar=calendar)


# Counted back from the forecast


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
