"""Seasonal means and baselines on days of 23 and 25 hours, at holidays and gaps."""

import numpy as np
import pandas as pd
import pytest
from test_clock_changes import ANGELES, AUTUMN, SPRING, changes, series_of, steps_at

from stgkeras import datasets
from stgkeras.seasons import day_starts, seasonal_mean, slots


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


@pytest.mark.parametrize("steps_per_day", [1, 4, 24, 288])
def test_a_holiday_monday_is_another_day_than_its_sunday(steps_per_day):
    """The calendar has weekday 6 on both days; the dates of pandas show where each day begins."""
    times = pd.date_range("2024-05-17", "2024-05-22", freq=f"{1440 // steps_per_day}min")[:-1]
    calendar = datasets.calendar(times.to_numpy(), holidays=["2024-05-20"])
    assert set(calendar[times.day == 20, 1]) == {6} == set(calendar[times.day == 19, 1])
    expected = np.flatnonzero(np.diff(times.day)) + 1
    assert day_starts(calendar, steps_per_day).tolist() == expected.tolist()
    assert len(expected) == 4


def test_days_of_a_clock_change_on_holidays():
    """Easter 2024 in Vienna: the clocks change on the Sunday before the holiday Monday."""
    times = pd.date_range("2024-03-29", "2024-04-02 23:00", freq="h", tz="Europe/Vienna")
    utc = times.tz_convert("UTC").tz_localize(None).to_numpy()
    calendar = datasets.calendar(utc, "Europe/Vienna", ["2024-04-01"])
    expected = np.flatnonzero(np.diff(times.day)) + 1
    assert day_starts(calendar, 24).tolist() == expected.tolist()
