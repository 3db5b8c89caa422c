"""Roll-outs and attention taken out of trained models."""

import keras
import numpy as np
import numpy_layers
import pytest
from cases import NODES, laplacian, predict, randomize
from model_cases import inputs_of, make
from numpy_layers import assert_close, normal

from stgkeras import datasets, models

N, DAY = NODES, 4
LENGTHS = {"input_length": 6, "horizon": 1}


def small(**kwargs):
    sizes = {"block_filters": ((4, 3, 5),), "output_filters": (6, 7), "dropout": 0.0}
    model = models.STGCN(N, **{**LENGTHS, "graph": laplacian(), **sizes, **kwargs})
    randomize(model)
    return model


@pytest.mark.parametrize("steps", [1, 4, 7])
def test_a_roll_out_feeds_forecasts_back(steps):
    model, x = small(horizon=2), normal(3, 6, N, 1)
    window, expected = x, []
    while len(expected) < steps:
        y = predict(model, window)
        expected += [y[:, 0], y[:, 1]]
        window = np.concatenate([window[:, 2:], y], axis=1)
    assert_close(models.forecast(model, x, steps), np.stack(expected[:steps], axis=1))


def test_a_roll_out_moves_through_the_calendar():
    stamps = np.datetime64("2024-01-05T00", "s") + np.arange(60) * np.timedelta64(6, "h")
    calendar = datasets.calendar(stamps)
    model = small(horizon=1, season=DAY)
    model.adapt(normal(60, N, 1), calendar)
    x = normal(1, 6, N, 1)
    found = models.forecast(model, x, 3, calendar=calendar[None, 6:9])
    window = x
    for step in range(3):
        y = predict(model, {"x": window, "calendar": calendar[None, 6 + step : 7 + step]})
        assert_close(found[:, step], y[:, 0])
        window = np.concatenate([window[:, 1:], y], axis=1)


def test_a_roll_out_takes_the_calendar_of_the_window():
    stamps = np.datetime64("2024-01-05T00", "s") + np.arange(60) * np.timedelta64(6, "h")
    calendar = datasets.calendar(stamps, holidays=["2024-01-08"])
    model = small(horizon=2, season=DAY, past_calendar=True)
    model.adapt(normal(60, N, 1), calendar)
    x = window = normal(1, 6, N, 1)
    clock = calendar[None, :10]
    found = models.forecast(model, x, 3, clock[:, 6:], past_calendar=clock[:, :6])
    for step in (0, 2):
        inputs = {"x": window, "calendar": clock[:, 6 + step : 8 + step]}
        y = predict(model, {**inputs, "past_calendar": clock[:, step : 6 + step]})
        assert_close(found[:, step : step + 2], y[:, : 3 - step])
        window = np.concatenate([window[:, 2:], y], axis=1)
    with pytest.raises(ValueError, match=r"`past_calendar` must have shape \(1, 6, 2\).*None"):
        models.forecast(model, x, 3, clock[:, 6:])


@pytest.mark.parametrize("name", ["STID", "STAEformer"])
def test_a_roll_out_of_models_that_read_the_calendar_without_a_season(name):
    calendar = datasets.calendar(np.datetime64("2024-01-05T20") + np.arange(30).astype("m8[h]"))
    small = {"input_units": 8, "day_units": 4, "week_units": 4, "adaptive_units": 0}
    small |= {"num_blocks": 1, "feed_forward_units": 8, "num_heads": 2}
    sizes = {"steps_per_day": 24, "horizon": 2, "input_length": 6}
    model = getattr(models, name)(N, **sizes, **(small if name == "STAEformer" else {}))
    randomize(model)
    x = window = normal(1, 6, N, 1)
    clock = calendar[None, :10]
    found = models.forecast(model, x, 3, clock[:, 6:], past_calendar=clock[:, :6])
    for step in (0, 2):
        y = predict(model, {"x": window, "past_calendar": clock[:, step : 6 + step]})
        assert_close(found[:, step : step + 2], y[:, : 3 - step])
        window = np.concatenate([window[:, 2:], y], axis=1)
    with pytest.raises(ValueError, match="`calendar` must have shape"):
        models.forecast(model, x, 3, past_calendar=clock[:, :6])


@pytest.mark.parametrize("more", [{"quantiles": (0.1, 0.5)}, {"past_covariates": 1}])
def test_a_roll_out_needs_forecasts_that_can_be_readings(more):
    with pytest.raises(ValueError, match=f"`model` must read readings alone.*{next(iter(more))}="):
        models.forecast(small(**more), normal(1, 6, N, 1), 2)


def test_scores_are_those_the_model_uses():
    model = make("astgcn")
    x = inputs_of(model)
    scores = models.attention_scores(model, x)
    assert list(scores) == ["block1_temporal_attention", "block1_spatial_attention"]
    names = ("u1", "u2", "u3", "b_e", "v_e")
    layer = model.get_layer("block1_temporal_attention")
    weights = {v.name: keras.ops.convert_to_numpy(v.value).astype("float64") for v in layer.weights}
    signal, expected = numpy_layers.bilinear_temporal_attention(
        x.astype("float64"), **{name: weights[name] for name in names}
    )
    assert_close(scores["block1_temporal_attention"], expected)
    layer = model.get_layer("block1_spatial_attention")
    weights = {v.name: keras.ops.convert_to_numpy(v.value).astype("float64") for v in layer.weights}
    expected = numpy_layers.bilinear_spatial_attention(signal, **weights)
    assert_close(scores["block1_spatial_attention"], expected)


@pytest.mark.parametrize("name", ["astgcn-dot-additive", "astgcn-components", "astgcn-links"])
def test_rows_of_scores_sum_to_one(name):
    model = make(name)
    scores = models.attention_scores(model, inputs_of(model))
    assert len(scores) == 2 * (2 if name == "astgcn-components" else 1)
    for array in scores.values():
        sums = [sample.sum(axis=-1) for sample in array]
        np.testing.assert_allclose(np.stack(sums), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: models.forecast(small(num_features=2), np.ones((1, 6, N, 2)), 3), "num_outputs=1"),
        (lambda: models.forecast(small(), np.ones((1, 6, N, 1)), 0), "`steps` must be an integer"),
        (
            lambda: models.forecast(small(season=DAY), np.ones((1, 6, N, 1)), 3),
            r"`calendar` must have shape \(1, at least 3, 2\) for 3 steps. Received: None",
        ),
        (
            lambda: models.forecast(
                small(season=DAY), np.ones((1, 6, N, 1)), 3, calendar=np.ones((1, 2, 2))
            ),
            r"Received: \(1, 2, 2\)",
        ),
        (
            lambda: models.attention_scores(small(), np.ones((1, 6, N, 1))),
            "must have attention laye",
        ),
    ],
)
def test_bad_input(act, message):
    with pytest.raises(ValueError, match=message):
        act()
