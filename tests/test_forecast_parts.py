"""The parts of the forecaster, each against an independent computation."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from stgkeras import datasets
from stgkeras.forecasting import baselines, fitting, season, training
from stgkeras.forecasting.blend import PLAIN, ROUNDS, blend_weights, blended
from stgkeras.forecasting.form import Form

HOUR = np.timedelta64(1, "h")


def hours(days, start="2024-01-01"):
    return np.datetime64(f"{start}T00", "h") + np.arange(24 * days) * HOUR


def test_usual_day_of_many_days_is_the_mean_of_each_kind_of_day():
    calendar = datasets.calendar(hours(70))
    weekend = calendar[:, 1] >= 5
    rng = np.random.default_rng(0)
    hour = np.rint(24 * calendar[:, 0]).astype(int)
    truth = np.where(weekend, 5.0 * (hour % 7), 50 + hour)
    values = (truth + rng.normal(0, 0.01, len(truth)))[:, None, None]
    found = season.usual_day(values, calendar, 24)
    assert found.shape == (48, 1, 1)
    for kind in (0, 1):
        for h in range(24):
            expected = values[(weekend == kind) & (hour == h)].mean()
            assert found[24 * kind + h, 0, 0] == pytest.approx(expected, abs=1e-9)


def test_one_noisy_weekend_is_shrunk_to_all_days():
    """Weekends do not differ from working days: one weekend of noise must not be believed."""
    calendar = datasets.calendar(hours(7))
    rng = np.random.default_rng(1)
    values = 50 + rng.normal(0, 10, (len(calendar), 20, 1))
    found = season.usual_day(values, calendar, 24)
    plain = values[calendar[:, 1] >= 5].reshape(2, 24, 20, 1).mean(axis=0)
    assert np.abs(found[24:] - 50).mean() < 0.75 * np.abs(plain - 50).mean()


def test_usual_day_without_readings():
    calendar = datasets.calendar(hours(3))
    values = np.ones((72, 3, 1))
    values[:, 1] = np.nan
    values[:, 2] = 5
    values[10::24, 2] = np.nan
    found = season.usual_day(values, calendar, 24)
    np.testing.assert_allclose(found[:, 0], 1)
    np.testing.assert_allclose(found[:, 1], (72 * 1 + 69 * 5) / 141)  # mean of all sensors
    np.testing.assert_allclose(found[:, 2], 5)


@pytest.fixture(scope="module")
def data():
    calendar = datasets.calendar(hours(20))
    rng = np.random.default_rng(2)
    values = 50 + 10 * np.sin(2 * np.pi * calendar[:, :1]) + rng.normal(0, 1, (480, 3))
    values = np.cumsum(rng.normal(0, 0.5, (480, 3)), axis=0) + values
    values[rng.random(values.shape) < 0.05] = np.nan
    return values[..., None], calendar, np.arange(300), np.array([320, 377, 420])


def test_ridge_is_that_of_scikit_learn(data):
    values, calendar, train, starts = data
    length, horizon = 6, 4
    fitted = baselines.Baselines.fit(values[:310], calendar[:310], train, length, horizon, 24)
    usual = fitted.season[
        np.where(calendar[:, 1] >= 5, 24, 0) + np.rint(24 * calendar[:, 0]).astype(int)
    ]
    rest = np.nan_to_num(values - usual)[..., 0]
    steps = starts[:, None] + np.arange(length + horizon)
    found = fitted.forecasts(values[steps[:, :length]], calendar[steps])
    for node in range(3):
        x = rest[train[:, None] + np.arange(length), node]
        y = rest[train[:, None] + length + np.arange(horizon), node]
        ridge = Ridge(alpha=1.0).fit(x, y)
        expected = ridge.predict(rest[steps[:, :length], node]) + usual[steps[:, length:], node, 0]
        np.testing.assert_allclose(found["ridge"][:, :, node, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(found["usual day"], usual[steps[:, length:]])


def test_last_value_is_the_last_reading_of_the_window(data):
    values, calendar, train, starts = data
    fitted = baselines.Baselines.fit(values[:310], calendar[:310], train, 6, 4, 24)
    steps = starts[:, None] + np.arange(10)
    found = fitted.forecasts(values[steps[:, :6]], calendar[steps])["last value"]
    np.testing.assert_allclose(found, datasets.last_value(values, starts, 6, 4))
    alone = np.full((1, 6, 3, 1), np.nan)
    alone[0, 2, 1] = 7
    found = fitted.forecasts(alone, calendar[steps[:1]])["last value"]
    np.testing.assert_allclose(found[0, :, 1], 7)
    np.testing.assert_allclose(found[0, 0, 0], fitted.season_at(calendar[steps[:1]], 10)[0, 5, 0])


def test_baselines_without_a_clock_use_the_mean(data):
    values, _, train, starts = data
    fitted = baselines.Baselines.fit(values[:310], None, train, 6, 4, None)
    steps = starts[:, None] + np.arange(10)
    found = fitted.forecasts(values[steps[:, :6]], None)["usual day"]
    np.testing.assert_allclose(found[0, 0], np.nanmean(values[:310], axis=0))


def test_the_better_forecast_of_each_step_gets_the_weight():
    rng = np.random.default_rng(3)
    truth = rng.normal(0, 1, (50, 4, 3, 1))
    near = truth + rng.normal(0, [[[[0.1]], [[0.1]], [[5]], [[5]]]], truth.shape)
    far = truth + rng.normal(0, [[[[5]], [[5]], [[0.1]], [[0.1]]]], truth.shape)
    weights = blend_weights(truth, {"near": near, "far": far})
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    assert weights[0, 0] == pytest.approx(1) and weights[1, 3] == pytest.approx(1)
    found = blended(dict(zip(["near", "far"], weights, strict=True)), {"near": near, "far": far})
    np.testing.assert_allclose(found[:, 0], near[:, 0], rtol=1e-6)


def test_errors_that_cancel_are_averaged():
    truth = np.zeros((40, 1, 2, 1))
    truth[3] = np.nan
    error = np.random.default_rng(4).normal(0, 1, truth.shape)
    weights = blend_weights(truth, {"a": error, "b": -error, "c": np.full(truth.shape, 9.0)})
    np.testing.assert_allclose(weights[:, 0], [0.5, 0.5, 0], atol=1 / ROUNDS)


def test_windows_of_the_newest_steps():
    """The inputs are those of a longer series that holds the future too."""
    times = pd.date_range("2024-03-10", periods=960, freq="h", tz="Europe/Paris")
    values = np.random.default_rng(5).random((960, 2))
    series = datasets.from_arrays(values, times)
    short = datasets.from_arrays(values[:905], times[:905])
    length = {"recent": 5, "daily": 4, "weekly": 4}
    for past_calendar in (False, True):
        options = {"input_length": length, "horizon": 4, "steps_per_day": 24}
        clock = series.calendar
        windows = datasets.Windows(
            series.values, series.values, np.array([900]), **options, calendar=clock,
            past_calendar=clock if past_calendar else None,
        )  # fmt: skip
        expected, _ = windows[0]
        found = datasets.latest_window(short, past_calendar=past_calendar, **options)
        assert sorted(found) == sorted(expected)
        for name in expected:
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_length": 30}, "`series` must have at least 30 steps.*24 steps"),
        ({"timestamps": hours(2)}, "`timestamps` must have one time for each of the 24.*48"),
        ({"timestamps": np.arange(24)}, "at least two datetime64.*int64"),
        ({"timestamps": hours(1)[::-1]}, "`timestamps` must rise"),
        ({"past_calendar": True}, "`timestamps` must be given for a calendar"),
        ({"horizon": 0}, "`horizon` must be an int"),
        ({"steps_per_day": 2.5}, "`steps_per_day` must be an integer"),
        ({"calendar": 1}, "`calendar` must be True or False. Received: calendar=1"),
        ({"past_calendar": []}, r"`past_calendar` must be True or False. Received: past_cal.*\[\]"),
        (
            {"timestamps": [[1], [2, 3]]},
            "`timestamps` must be an array. Received: lists of different",
        ),
        ({"timestamps": 5}, "`timestamps` must have one time for each of the 24"),
    ],
)
def test_bad_newest_windows(options, message):
    with pytest.raises(ValueError, match=message):
        datasets.latest_window(np.ones((24, 2, 1)), **{"input_length": 3, "horizon": 2} | options)


def test_newest_steps_of_another_type():
    with pytest.raises(TypeError, match="`series` must hold real numbers"):
        datasets.latest_window("x", input_length=3, horizon=2)
    with pytest.raises(ValueError, match="`series` must have at least 3 steps.*Received: 1 steps"):
        datasets.latest_window(5.0, input_length=3, horizon=2)


def test_windows_without_input_are_left_out():
    """An outage of 20 steps: 9 windows of 12 input steps have no reading in it."""
    values = np.ones((100, 2), "float32")
    values[30:50] = np.nan
    series = datasets.from_arrays(values, interval=60, null_value=np.nan)
    split = training.split_series(series, 12, 3, 20, 20)
    empty = np.arange(30, 50 - 12 + 1)
    every = datasets.split_windows(100, 12, 3, 20, 20, complete=series).train
    assert sorted(split.train) == sorted(set(every) - set(empty)) and set(every) & set(empty)
    values[60:77] = np.nan
    series = datasets.from_arrays(values, interval=60, null_value=np.nan)
    with pytest.raises(ValueError, match="The validation part of `series` must have a window with"):
        training.split_series(series, 12, 3, 20, 20)


def test_days_of_an_unknown_kind_are_forecast_without_the_season():
    """Friday noon to Sunday noon is half a working day and 1.5 days of a weekend."""
    calendar = datasets.calendar(hours(2, "2024-01-05") + 12 * HOUR)
    values = np.ones((48, 1, 1))
    fitted = baselines.Baselines.fit(values, calendar, np.arange(40), 2, 1, 24)
    assert fitted.days.tolist() == [0.5, 1.5]
    ahead = datasets.calendar(np.array(["2024-01-07T23", "2024-01-08T00"], "datetime64[h]"))
    unsure = fitted.unsure(ahead[:, None])
    assert unsure.tolist() == [[False], [True]]
    ones = np.ones((2, 1, 1, 1))
    forecasts = {"model": 8 * ones, "last value": 4 * ones, "ridge": 2 * ones, PLAIN: ones}
    weights = dict(zip(forecasts, np.array([[0.5], [0.25], [0.125], [0.125]]), strict=True))
    found = blended(weights, forecasts, unsure, ["model", "ridge"])
    sure = 0.625 * (4 / 3 + 2 / 3)  # the weights of the model and the ridge
    np.testing.assert_allclose(found.ravel(), [4 + 1 + 0.25 + 0.125, 1 + 0.125 + sure])
    found = blended(weights, forecasts, unsure, ["ridge"])
    np.testing.assert_allclose(found.ravel()[1], 4 + 1 + 0.125 + 0.125 * 2)


def test_weights_of_a_step_without_targets_are_equal():
    truth = np.full((4, 3, 2, 1), np.nan)
    truth[:, 0] = 1
    found = blend_weights(truth, {"a": np.ones((4, 3, 2, 1)), "b": np.zeros((4, 3, 2, 1))})
    np.testing.assert_allclose(found, [[1, 1, 0.5], [0, 0, 0.5]])


@pytest.mark.parametrize(("noise", "expected"), [(1.0, True), (4.0, False), (12.0, False)])
def test_a_season_is_left_out_only_where_it_does_much_harm(noise, expected):
    """The usual day is that of training, `noise` away from the level of validation."""
    rng = np.random.default_rng(4)
    stamps = hours(21)
    pattern = noise * rng.normal(0, 1, 24)
    values = 50 + 10 * np.sin(np.arange(len(stamps)) / 50)[:, None] + rng.normal(0, 1, (504, 3))
    values[:300] += np.tile(pattern, 21)[:300, None] * (rng.random((300, 1)) < 0.5)
    series = datasets.from_arrays(values.astype("float32"), timestamps=stamps)
    split = training.split_series(series, 12, 3, 0.2, 0.2)
    form = Form.of(series, None, 12, 3, 300)
    both = [fitting.fit_baselines(form, series, split, seasonal) for seasonal in (True, False)]
    starts = training.thinned(split.val, fitting.MOST)
    past, truth, calendar = training.past_and_truth(form, series, starts)
    errors = [np.abs(b.forecasts(past, calendar)["ridge"] - truth).mean() for b in both]
    assert (errors[1] > 0.75 * errors[0]) == expected  # of the data, so that the test says all
    assert fitting.season_helps(form, series, split, *both) == expected


def test_working_days_and_weekends_count_as_in_a_week():
    kinds = np.array([[0, 0, 1], [1, 1, 1]])
    used = np.array([[True, True, True], [True, True, False]])
    found = fitting.as_in_a_week(kinds, used)
    np.testing.assert_allclose(found, [[5 / 2, 5 / 2, 2 / 3], [2 / 3, 2 / 3, 0]])
    truth = np.array([0.0, 0, 0, 0, 9])[:, None, None, None]
    members = {"a": np.zeros((5, 1, 1, 1)), "b": np.full((5, 1, 1, 1), 9.0)}
    counts = np.array([1, 1, 1, 1, 20])[:, None]
    assert blend_weights(truth, members)[0, 0] == 1
    assert blend_weights(truth, members, counts)[1, 0] == 1
