"""Training of forecasters: models, series without times, checkpoints, and what is refused."""

import contextlib
import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import on_fastest, once
from test_forecaster import NAMES, ROADS, SMALL, city, series_of

from stgkeras import datasets, graphs, models
from stgkeras.forecasting import Forecaster, training
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.rolling import surest_baseline


@pytest.fixture(scope="module")
def frames():
    return city()


@once
def test_models_by_class_and_function(frames):
    series = series_of({"speed": frames["speed"]})

    def build(num_nodes, **arguments):
        return models.GraphSTID(num_nodes, **SMALL, **arguments)

    for model in (models.GraphSTID, build):
        arguments = SMALL if model is models.GraphSTID else {}
        forecaster = Forecaster(model, horizon=2, **arguments)
        history = forecaster.fit(series, epochs=1, verbose=0)
        assert isinstance(history, keras.callbacks.History)
        assert isinstance(forecaster.model, models.GraphSTID)


def sequential(num_nodes, **arguments):
    return keras.Sequential([keras.layers.Dense(1)])


def no_graph(num_nodes, input_length, horizon, num_features, num_outputs, targets, normalize):
    return None


def small_horizon(num_nodes, **arguments):
    return models.GraphSTID(num_nodes, **SMALL, **{**arguments, "horizon": 1})


@once
@pytest.mark.parametrize(
    ("build", "kind", "message"),
    [
        (sequential, TypeError, r"must return a forecaster .*sequential, which returns Sequential"),
        (
            no_graph,
            TypeError,
            r"keyword arguments graph, input_length,.*no_graph.*'graph'.*GraphST",
        ),
        (keras.layers.Dense, TypeError, r"a model class of `stgkeras.models`.*the class Dense"),
        (lambda: None, TypeError, r"`model` must take the number of sensors.*build\(num_nodes, \*"),
        (small_horizon, ValueError, r"sizes that it receives.*'horizon': 2.*'horizon': 1"),
    ],
)
def test_functions_of_a_wrong_form(frames, build, kind, message):
    series = series_of({"speed": frames["speed"]})
    with pytest.raises(kind, match=message):
        Forecaster(build, horizon=2, season=False).fit(series, epochs=1, verbose=0)


@once
def test_an_error_of_the_function_itself_stays(frames):
    def build(num_nodes, **arguments):
        raise TypeError("of the user")

    with pytest.raises(TypeError, match="^of the user$"):
        Forecaster(build, horizon=2).fit(series_of({"speed": frames["speed"]}), epochs=1)


@once
def test_a_series_without_times():
    values = np.random.default_rng(0).random((120, 4)) + np.arange(4)
    series = datasets.from_arrays(values, graph=ROADS, names=NAMES, interval=5)
    forecaster = Forecaster(horizon=2, **SMALL)
    forecaster.fit(series, epochs=1, verbose=0)
    forecast = forecaster.forecast()
    assert list(forecast.times) == [1, 2] and list(forecast.to_frame())[0] == "step"
    assert list(forecaster.weights) == ["model", "last value", "usual day", "ridge"]
    with pytest.raises(ValueError, match="`season` must be False"):
        Forecaster(season=True, horizon=2, **SMALL).fit(series, epochs=1, verbose=0)


@once
def test_training_goes_on_from_a_checkpoint(frames, tmp_path):
    series = series_of({"speed": frames["speed"]})
    found = []
    for parts in ((3,), (1, 3)):
        path = tmp_path / f"{len(parts)}.keras"
        for epochs in parts:
            forecaster = Forecaster(horizon=2, **SMALL)
            forecaster.fit(series, epochs=epochs, checkpoint=path, patience=9, verbose=0)
        found.append([keras.ops.convert_to_numpy(w) for w in forecaster.model.weights])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "STGNN"}, "`model` must be one of .*'STGNN'"),
        ({"model": 5}, "`model` must be one of .*int"),
        ({"horizon": 0}, "`horizon` must be an integer of at least 1. Received: horizon=0"),
        ({"input_length": 2.5}, "`input_length` must be an integer .*2.5"),
        ({"season": "weekly"}, '`season` must be "auto"'),
        ({"season": 1}, '`season` must be "auto", True or False. Received: season=1'),
        ({"season": np.ones(2)}, '`season` must be "auto"'),
        ({"targets": 5}, "`targets` must be a sequence. Received: targets=5"),
        ({"targets": ["speed", 1]}, "`targets` must be a str. Received: targets=1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Forecaster(**arguments)


@once
def test_bad_series(frames):
    plain = datasets.from_pandas(frames)
    with pytest.raises(ValueError, match="`graph` must be given, because the series has no graph"):
        Forecaster(horizon=2, **SMALL).fit(plain, epochs=1, verbose=0)
    with pytest.raises(ValueError, match=r"`targets` must name features .*'sped'"):
        Forecaster(horizon=2, targets="sped", **SMALL).fit(series_of(frames))
    with pytest.raises(TypeError, match="`series` must be a `Series`. Received: DataFrame"):
        Forecaster().fit(frames["speed"])
    for call in (Forecaster().forecast, Forecaster().evaluate, Forecaster().graph_summary):
        with pytest.raises(ValueError, match="must be trained first"):
            call()
    forecaster = Forecaster(horizon=2, graph=np.eye(4)[::-1], **SMALL)
    forecaster.fit(plain, epochs=1, verbose=0)
    summary = forecaster.graph_summary()
    assert summary == {
        "sensors": 4,
        "edges": 2,
        "isolated": [],
        "parts": 2,
        "median_edges": 1.0,
    }


def test_a_resumed_training_keeps_its_best_epoch(frames, tmp_path):
    """The validation error rises after the first epoch, so the first weights must come back."""
    series = series_of({"speed": frames["speed"]})
    found = []
    for parts in ((4,), on_fastest((1, 2, 4), (1, 4))):
        path = tmp_path / f"{len(parts)}.keras"
        for epochs in parts:
            forecaster = Forecaster(horizon=2, season=False, **SMALL)
            sgd = keras.optimizers.SGD(-1e-3)  # climbs
            forecaster.fit(series, epochs=epochs, optimizer=sgd, checkpoint=path, verbose=0)
        found.append([keras.ops.convert_to_numpy(w) for w in forecaster.model.weights])
        saved = np.load(tmp_path / f"{len(parts)}.best.npz")
        assert saved["epoch"] == 0 and len(saved["values"]) == 4
        assert (np.diff(saved["values"]) > 0).all()
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_unknown_arguments_of_the_model(frames):
    """They are refused before any training, with the name that was probably meant."""
    for given, near in (("dropuot", "dropout"), ("horizn", "horizon"), ("quantile", "quantiles")):
        for model in ("GraphSTID", models.GraphSTID):
            must = rf"`{given}` must be an argument of GraphSTID. Received: {given}=3. "
            with pytest.raises(TypeError, match=f"{must}Did you mean `{near}`.*, dropout, "):
                Forecaster(model, **{given: 3})

    class Extended(models.GraphSTID):
        def __init__(self, num_nodes, *, more=1, **kwargs):
            super().__init__(num_nodes, **kwargs)

    Forecaster(Extended, more=2, **SMALL)
    with pytest.raises(TypeError, match="argument of Extended.*Did you mean `num_blocks`"):
        Forecaster(Extended, num_bloks=2)
    with pytest.raises(TypeError, match="Did you mean `num_blocks`"):
        models.STID(3, steps_per_day=24, num_bloks=2)
    with pytest.raises(TypeError, match="Received: abc=1. Its arguments are num_nodes, "):
        Forecaster(abc=1)


def test_first_order_convolutions_have_their_operator(frames):
    arguments = {"block_filters": ((4, 4, 4),), "output_filters": (4, 4), "graph_conv": "gcn"}
    forecaster = Forecaster("STGCN", horizon=2, season=False, **arguments)
    series = series_of({"speed": frames["speed"]})
    for initial in (None, forecaster):
        forecaster.fit(series, initial=initial, epochs=1, verbose=0)
        expected = graphs.renormalized_adjacency(ROADS)
        np.testing.assert_allclose(forecaster.model.graph, expected, atol=1e-6)
    again = Forecaster("STGCN", horizon=2)
    again.fit(series, initial=forecaster, epochs=0, verbose=0)
    np.testing.assert_allclose(again.model.graph, expected, atol=1e-6)


@once
@pytest.mark.parametrize("val, warned", [(25, True), (26, False)])
def test_a_validation_part_of_few_horizons_does_not_weigh_the_model(frames, val, warned):
    """Windows of 12 + 3 steps: a part of 25 steps has 11 of them, fewer than four horizons."""
    series, forecaster = series_of({"speed": frames["speed"]}), Forecaster(horizon=3, **SMALL)
    message = "The validation part has 11 windows of 3 steps.* is the baseline 'usual day'"
    with pytest.warns(UserWarning, match=message) if warned else contextlib.nullcontext():
        forecaster.fit(series, val=val, epochs=1, verbose=0)
    shares = forecaster.weights.mean()
    assert (shares["usual day"] == 1) == warned and shares.sum() == pytest.approx(1)


@once
@pytest.mark.parametrize("kind, expected", [("daily", "usual day"), ("walk", "last value")])
@pytest.mark.parametrize("dated", [True, False])
def test_rolling_origins_find_the_surest_baseline(kind, expected, dated):
    """A daily pattern with noise, and a random walk, whose best forecast is its last value."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(9 * 24, 4))
    wave = 60 + 20 * np.sin(2 * np.pi * np.arange(len(noise))[:, None] / 24)
    values = wave + noise if kind == "daily" else 500 + noise.cumsum(axis=0)
    values[5] = np.nan
    times = pd.date_range("2024-05-06", periods=len(values), freq="h")
    frame = pd.DataFrame(values, times, NAMES)
    series = series_of({"speed": frame}, null_value=np.nan)
    if not dated:
        series = dataclasses.replace(series, timestamps=None)
        expected = "ridge" if kind == "daily" else expected
    split = training.split_series(series, 12, 12, 40, 48)
    form = Form.of(series, None, 12, 12, datasets.training_steps(split, 12, 12))
    assert surest_baseline(form, series, split, np.ones(1)) == expected
    empty = dataclasses.replace(series, values=np.full_like(series.values, np.nan))
    assert surest_baseline(form, empty, split, np.ones(1)) == "last value"


def power(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** 1.5)


class Power(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.abs(y_true - y_pred) ** 1.5


@once
@pytest.mark.parametrize("loss", [power, Power()], ids=["function", "object"])
def test_training_goes_on_with_a_loss_of_the_user(frames, tmp_path, loss):
    series = series_of({"speed": frames["speed"]})
    found = []
    for steps in ((1, 2), (2,)):
        path = tmp_path / f"{len(steps)}.keras"
        for epochs in steps:
            forecaster = Forecaster(horizon=2, season=False, **SMALL)
            history = forecaster.fit(series, epochs=epochs, verbose=0, checkpoint=path, loss=loss)
        found.append((history.history["loss"][-1], *forecaster.model.get_weights()))
    for resumed, whole in zip(*found, strict=True):
        np.testing.assert_allclose(resumed, whole, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="`loss` must have a name .* Received: a lambda"):
        forecaster.fit(series, epochs=3, verbose=0, checkpoint=path, loss=lambda y, p: power(y, p))
