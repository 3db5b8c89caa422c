"""The plain forecasts that models are measured against, by hand."""

import numpy as np
from season_data import CALENDAR, DAY, VALUES, N, season_at

from stgkeras import datasets

READ = {"input_length": 6, "horizon": 4, "steps_per_day": DAY}


def test_last_value_is_the_last_reading():
    series = np.arange(8.0).reshape(8, 1, 1)
    series[[3, 4]] = np.nan
    found = datasets.last_value(series, np.array([0, 2]), input_length=4, horizon=2)
    assert found.ravel().tolist() == [2.0, 2.0, 5.0, 5.0]


def test_historical_mean_by_hand():
    found = datasets.historical_mean(VALUES, CALENDAR, [10, 57], **READ, num_train=len(VALUES))
    expected = [[season_at(start + 6 + h) for h in range(4)] for start in (10, 57)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_baselines_know_the_training_steps_alone():
    before, later = VALUES.copy(), VALUES.copy()
    later[140:] += 1000.0
    train, given = np.arange(100), {**READ, "num_train": 110}
    for values in (before, later):
        values[140:150] = 50.0
    found, expected = (
        datasets.historical_mean(v, CALENDAR, [140], **given) for v in (later, before)
    )
    np.testing.assert_array_equal(found, expected)
    found, expected = (
        datasets.residual_ridge(v, CALENDAR, train, [140], **READ) for v in (later, before)
    )
    np.testing.assert_array_equal(found, expected)


def test_residual_ridge_solves_its_normal_equations():
    values, train, starts = np.nan_to_num(VALUES, nan=50.0), np.arange(150), np.array([160, 200])
    found = datasets.residual_ridge(values, CALENDAR, train, starts, **READ, alpha=3.0)
    season = datasets.historical_mean(
        values, CALENDAR, np.arange(210), 0, 1, steps_per_day=DAY, num_train=159
    )
    left = values[:210, :, 0] - season[:, 0, :, 0]
    for node in range(N):
        rows = np.stack([left[s : s + 10, node] for s in train])
        x, y = rows[:, :6] - rows[:, :6].mean(0), rows[:, 6:] - rows[:, 6:].mean(0)
        weights = np.linalg.solve(x.T @ x + 3.0 * np.eye(6), x.T @ y)
        for row, start in enumerate(starts):
            past = left[start : start + 6, node] - rows[:, :6].mean(0)
            ahead = season[start + 6 : start + 10, 0, node, 0]
            expected = past @ weights + rows[:, 6:].mean(0) + ahead
            np.testing.assert_allclose(found[row, :, node, 0], expected, rtol=1e-9)
