"""The seasonal scaler, and forecasters that work on what is left of the season."""

import keras
import numpy as np
import pandas as pd
import pytest
from cases import evaluate, laplacian, predict, randomize
from numpy_layers import assert_close
from season_data import CALENDAR, DAY, STAMPS, VALUES, F, N, season_at

from stgkeras import datasets, layers, models
from stgkeras.seasons import slots


def scaler():
    layer = layers.SeasonalScaler(N, F, DAY)
    layer.adapt(VALUES, CALENDAR)
    return layer


STD = np.sqrt(
    np.nanmean([(VALUES[t] - season_at(t)) ** 2 for t in range(len(VALUES))], axis=(0, 1))
)
STARTS = [10, 57, 130]  # first steps to predict; the second on a Wednesday


@pytest.mark.parametrize("steps", [range(-6, 0), [-57, -56, -8, -7]], ids=["recent", "weeks-back"])
def test_scaler_takes_the_mean_of_its_hour_and_kind_of_day(steps):
    starts = STARTS[1:]
    x = np.stack([[VALUES[first + step] for step in steps] for first in starts])
    calendar = np.stack([CALENDAR[first : first + 4] for first in starts])
    season = np.stack([[season_at(first + step) for step in steps] for first in starts])
    layer = scaler()
    found = evaluate(lambda x, c: layer(x, c, steps=steps), x.astype("float32"), calendar)
    assert_close(found, np.nan_to_num((x - season) / STD))  # a missing reading is at its season
    back = evaluate(lambda y, c: layer(y, c, steps=steps, inverse=True), found, calendar)
    assert_close(back, np.where(np.isnan(x), season, x))


def test_hours_without_a_reading_get_the_mean_of_their_kind_of_day_then_of_the_node():
    values = VALUES.copy()
    weekend = CALENDAR[:, 1] >= 5
    at_noon = np.isclose(CALENDAR[:, 0], 0.5)
    values[~weekend & at_noon, 2, 0] = np.nan
    values[weekend, 3, 0] = np.nan
    layer = layers.SeasonalScaler(N, F, DAY)
    layer.adapt(values, CALENDAR)
    season = keras.ops.convert_to_numpy(layer.season.value).reshape(2, DAY, N, F)
    np.testing.assert_allclose(season[0, 4, 2, 0], np.nanmean(values[~weekend, 2, 0]), rtol=1e-6)
    np.testing.assert_allclose(season[1, :, 3, 0], np.nanmean(values[:, 3, 0]), rtol=1e-6)


def test_ten_minutes_before_and_after_share_a_mean():
    stamps = np.datetime64("2024-01-01T00", "s") + np.arange(14 * 288) * np.timedelta64(5, "m")
    values = np.random.default_rng(0).normal(50.0, 10.0, (len(stamps), 2, 1))
    layer = layers.SeasonalScaler(2, 1, steps_per_day=288)
    layer.adapt(values, datasets.calendar(stamps))
    season = keras.ops.convert_to_numpy(layer.season.value)
    days = values.reshape(14, 288, 2, 1)
    working = days[[0, 1, 2, 3, 4, 7, 8, 9, 10, 11]]
    np.testing.assert_allclose(season[100], working[:, 98:103].mean((0, 1)), rtol=1e-6)
    around_midnight = days[[5, 6, 12, 13]][:, [286, 287, 0, 1, 2]]
    np.testing.assert_allclose(season[288], around_midnight.mean((0, 1)), rtol=1e-6)


def season_without_its_day(step):
    """The mean of the readings at that hour, on other days of that kind."""
    day = lambda t: (STAMPS[0] + t * np.timedelta64(3, "h")).astype("datetime64[D]")  # noqa: E731
    others = VALUES.copy()
    others[[t for t in range(len(VALUES)) if day(t) == day(step)]] = np.nan
    rows = slots(CALENDAR, DAY)
    return np.nanmean(others[rows == rows[step]], axis=0)


def test_the_shift_leaves_out_the_day_of_each_step():
    shift = datasets.leave_one_day_out(VALUES, CALENDAR, DAY)
    for step in (0, 3, 7, 8, 100, 223):
        expected = season_at(step) - season_without_its_day(step)
        np.testing.assert_allclose(shift[step], expected, atol=1e-4)
    once = datasets.leave_one_day_out(VALUES[:DAY], CALENDAR[:DAY], DAY)
    assert (once == 0).all()  # no other day


def test_shifted_windows_by_hand():
    series, shift = np.arange(80.0).reshape(80, 1, 1), 1000.0 * np.arange(80.0).reshape(80, 1, 1)
    lengths = {"recent": 2, "daily": 6}
    windows = datasets.Windows(
        series,
        series,
        [40],
        input_length=lengths,
        horizon=3,
        steps_per_day=DAY,
        shift=shift,
    )
    x, y = windows[0]
    assert x["recent"].ravel().tolist() == [40040.0, 41041.0]
    before = [26, 27, 28, 34, 35, 36]  # two days and one day before 42, 43, 44
    moved = [step + 1000.0 * hour for step, hour in zip(before, [42, 43, 44] * 2, strict=True)]
    assert x["daily"].ravel().tolist() == moved
    assert y.ravel().tolist() == [42042.0, 43043.0, 44044.0]


FORECASTERS = {
    "graph-stid": (
        models.GraphSTID,
        {"units": 4, "num_blocks": 1, "input_length": {"recent": 6, "weekly": 8}},
    ),
    "stgcn": (models.STGCN, {"block_filters": ((4, 3, 5),), "output_filters": (6, 7)}),
    "astgcn": (models.ASTGCN, {"num_blocks": 1, "spatial_filters": 4, "temporal_filters": 4}),
    "astgcn-components": (
        models.ASTGCN,
        {
            "input_length": {"recent": 6, "daily": 4, "weekly": 8},
            "num_blocks": 1,
            "spatial_filters": 4,
            "temporal_filters": 4,
        },
    ),
}
every_forecaster = pytest.mark.parametrize("name", FORECASTERS)


def forecaster(name, **kwargs):
    cls, arguments = FORECASTERS[name]
    sizes = {"input_length": 6, "horizon": 4, "num_features": F, "graph": laplacian()}
    model = cls(N, **{**sizes, **arguments, **kwargs})
    randomize(model)
    return model


def windows(model, values, starts=STARTS[2:]):
    return datasets.Windows(
        values,
        values[..., :1],
        starts,
        input_length=model.input_length,
        horizon=4,
        calendar=CALENDAR,
        steps_per_day=DAY,
        missing=True,
    )[0]


@every_forecaster
def test_a_model_with_a_season_forecasts_what_is_left_of_it(name):
    model, plain = forecaster(name, season=DAY), forecaster(name, num_features=2 * F)
    model.adapt(VALUES, CALENDAR)
    for ours, theirs in zip(model.trainable_variables, plain.trainable_variables, strict=True):
        theirs.assign(keras.ops.convert_to_numpy(ours.value))
    season = np.stack([season_at(t) for t in range(len(VALUES))])
    level = (VALUES - np.nanmean(VALUES, axis=(0, 1))) / np.nanstd(VALUES, axis=(0, 1))
    left = np.concatenate([(VALUES - season) / STD, level], axis=-1)
    x, _ = windows(model, VALUES)
    residual, _ = windows(plain, np.nan_to_num(left))
    del residual["calendar"]
    inner = predict(plain, residual["x"] if "x" in residual else residual)
    first = STARTS[2] + 6
    expected = inner * STD[0] + season[None, first : first + 4, :, :1]
    assert_close(predict(model, x), expected)


@every_forecaster
def test_a_past_calendar_is_that_of_each_input_step(name):
    """Hourly readings across a clock change and a holiday, by the clock of pandas."""
    times = pd.date_range("2024-03-01", periods=900, freq="h", tz="Europe/Paris")
    series = datasets.from_arrays(
        np.random.default_rng(0).normal(50.0, 10.0, (len(times), N, F)),
        times,
        holidays=["2024-03-29"],
    )
    values, calendar = series.values, series.calendar
    model = forecaster(name, season=24, past_calendar=True)
    plain = forecaster(name, num_features=2 * F)
    model.adapt(values, calendar)
    for ours, theirs in zip(model.trainable_variables, plain.trainable_variables, strict=True):
        theirs.assign(keras.ops.convert_to_numpy(ours.value))
    wall = times.tz_localize(None)
    sundays = (wall.day_of_week >= 5) | (wall.day == 29)
    kinds = pd.MultiIndex.from_arrays([sundays, wall.hour])
    flat = pd.DataFrame(values.reshape(len(times), -1).astype(float))
    season = flat.groupby([kinds.get_level_values(0), kinds.get_level_values(1)])
    season = season.transform("mean").to_numpy().reshape(values.shape)
    std = np.sqrt(((values - season) ** 2).mean(axis=(0, 1)))
    level = (values - values.mean(axis=(0, 1))) / values.std(axis=(0, 1))
    left = np.concatenate([(values - season) / std, level], axis=-1)
    change = int(np.flatnonzero(wall == "2024-03-31T03:00")[0])
    starts = np.array([change - 8, change - 3, change + 14, change - 30, change + 24 * 7 - 4])
    read = {"input_length": model.input_length, "horizon": 4, "steps_per_day": 24}
    given = {**read, "calendar": calendar, "past_calendar": calendar}
    x, _ = datasets.Windows(values, values[..., :1], starts, **given)[0]
    residual, _ = datasets.Windows(left, left[..., :1], starts, **given)[0]
    residual = {key: array for key, array in residual.items() if "calendar" not in key}
    inner = predict(plain, residual["x"] if "x" in residual else residual)
    first = starts + (model.input_length if "x" in x else model.input_length["recent"])
    ahead = first[:, None] + np.arange(4)
    expected = inner * std[0] + season[ahead][..., :1]
    np.testing.assert_allclose(predict(model, x), expected, rtol=1e-4, atol=2e-3)
    fresh = type(model).from_config(model.get_config())
    assert fresh.past_calendar and "past_calendar" in fresh.input


def test_a_model_without_a_season_takes_components_on_the_local_clock():
    model = forecaster("astgcn-components")
    values = np.nan_to_num(VALUES)
    given = {"input_length": model.input_length, "horizon": 4, "steps_per_day": DAY}
    x, _ = datasets.Windows(values, values, STARTS[2:], **given, clock=CALENDAR)[0]
    assert set(x) == set(model.input)
    assert predict(model, x).shape == (1, 4, N, 1)


@every_forecaster
def test_a_season_travels_with_the_file(name, tmp_path):
    model = forecaster(name, season=DAY)
    x, _ = windows(model, VALUES)
    fresh = type(model).from_config(model.get_config())
    fresh.graph = model.graph
    with pytest.raises(ValueError, match=r"Call `model.adapt\(…\)` with the training steps and"):
        fresh.predict(x)
    model.adapt(VALUES, CALENDAR)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_close(predict(loaded, x), predict(model, x))
    assert loaded.season == DAY


def test_a_standard_scaler_leaves_missing_readings_out_and_takes_them_for_the_mean():
    layer = layers.StandardScaler(F)
    layer.adapt(VALUES)
    x = VALUES[:5].astype("float32")
    mean, std = np.nanmean(VALUES, axis=(0, 1)), np.nanstd(VALUES, axis=(0, 1))
    found = evaluate(layer, x)
    assert_close(found, np.nan_to_num((x - mean) / std))
    assert found[3, 1, 0] == 0.0


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda: layers.SeasonalScaler(N, F, 0),
            "`steps_per_day` must be an integer of at least 1",
        ),
        (
            lambda: scaler().adapt(VALUES[:, :2], CALENDAR),
            "`values` must have axes .*5 nodes, 2 feat",
        ),
        (lambda: scaler().adapt(VALUES, CALENDAR[:3]), r"`calendar` must have shape \(224, 2\)"),
        (
            lambda: scaler().adapt(VALUES * np.inf, CALENDAR),
            "`values` must be finite, or NaN .* infinite readings: True",
        ),
        (
            lambda: scaler()(np.ones((1, 3, N, F)), np.ones((1, 4, 2)), steps=[0]),
            r"`x` must have axes \(batch, 1 steps, 5 nodes",
        ),
        (
            lambda: scaler()(np.ones((1, 1, N, F)), np.ones((1, 4)), steps=[0]),
            r"`calendar` must have axes \(batch, horizon, 2\)",
        ),
        (
            lambda: forecaster("stgcn", season=DAY, normalize=True),
            "`normalize` must be False with a s",
        ),
        (
            lambda: datasets.leave_one_day_out(VALUES, CALENDAR[:3], DAY),
            r"`calendar` must have shape \(224, 2\)",
        ),
        (
            lambda: datasets.Windows(
                {"x": VALUES}, VALUES, [0], input_length=2, horizon=1, missing=True, shift=VALUES
            ),
            "`inputs` must be one array if there is a `shift`",
        ),
        (lambda: forecaster("stgcn", past_calendar=True), "`past_calendar` must be False without"),
        (lambda: forecaster("stgcn", season=0), "`season` must be an integer of at least 1"),
        (
            lambda: forecaster("stgcn", season=DAY).adapt(VALUES),
            "`calendar` must be given to a model w",
        ),
        (
            lambda: forecaster("stgcn").adapt(VALUES),
            "`adapt` needs a model with normalize=True or a se",
        ),
        (
            lambda: forecaster("astgcn", season=DAY, input_length={"daily": 5}),
            r"`input_length\['daily'\]` must be a multiple of the horizon, 4",
        ),
    ],
)
def test_bad_arguments(act, message):
    with pytest.raises(ValueError, match=message):
        act()
