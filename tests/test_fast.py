"""FaST and its layers: values from the equations, weights, long horizons, targets and quantiles."""

import dataclasses

import keras
import numpy as np
import numpy_fast
import pytest
from cases import as_numpy, predict, randomize, weights_of
from conftest import once
from gradients import gradients
from keras import ops
from test_forecaster import city, series_of
from test_layer_values import compare

from stgkeras import layers, models
from stgkeras.forecasting import Forecaster
from stgkeras.kernels import mixture, portable_forms

N, RNG = 5, np.random.default_rng(0)
SMALL = {"num_nodes": N, "steps_per_day": 4, "units": 4, "num_agents": 2}
TWO = {"num_features": 2, "num_outputs": 2}


def normal(*shape):
    return RNG.standard_normal(shape).astype("float32")


def calendar_of(*shape):
    return np.stack([RNG.integers(0, 4, shape) / 4, RNG.integers(0, 7, shape)], -1).astype(
        "float32"
    )


def model_of(**arguments):
    model = models.FaST(**SMALL | {"input_length": 6, "horizon": 2} | arguments)
    randomize(model)
    return model


def inputs_of(model, batch=3):
    features, steps = model.num_features, model.input_length
    return {"x": normal(batch, steps, N, features), "past_calendar": calendar_of(batch, steps)}


def test_agent_attention():
    compare(layers.AgentAttention(), [normal(2, N, 3), normal(4, 3)], numpy_fast.agent_attention)
    with pytest.raises(ValueError, match="`agents` axes .* Received: .* Use `AgentTokens`"):
        layers.AgentAttention()(normal(2, N, 3), normal(4, 2))


@pytest.mark.parametrize("rows", [4, mixture.ROWS], ids=["in-parts", "at-once"])
@pytest.mark.parametrize("portable", [True, False])
def test_mixture_of_experts(rows, portable, monkeypatch):
    """The fast form in several parts, the last of them shorter."""
    monkeypatch.setattr(mixture, "ROWS", rows)
    x, routing = normal(2, N, 3), normal(2, N, 4)
    layer = layers.MixtureOfExperts(2, 4)
    if not portable:
        compare(layer, [x, routing], numpy_fast.mixture_of_experts)
        given = [x, routing, *(as_numpy(weight) for weight in layer.weights)]

        def squares(x, routing, kernel, bias):
            return ops.sum(ops.square(mixture.gated_experts(x, kernel, bias, routing)))

        _, found = gradients(squares, given)
        with portable_forms():
            _, expected = gradients(squares, given)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
        return
    with portable_forms():
        compare(layer, [x, routing], numpy_fast.mixture_of_experts)


def test_one_expert_has_no_router():
    compare(layers.MixtureOfExperts(2, 1), [normal(2, N, 3)], numpy_fast.mixture_of_experts)
    with pytest.raises(ValueError, match="`routing` must .* be None for one expert"):
        layers.MixtureOfExperts(2, 1)(normal(2, N, 3), normal(2, N, 1))
    with pytest.raises(ValueError, match="`routing` must have axes .*4 experts"):
        layers.MixtureOfExperts(2, 4)(normal(2, N, 3))


@pytest.mark.parametrize("steps", [1, 6])
def test_reversible_normalization(steps):
    x, y = normal(2, steps, N, 3), normal(2, 4, N, 2)
    compare(layers.ReversibleNormalization(), [x], numpy_fast.reversible_normalization)
    for targets in (None, (2, 0)):
        layer = layers.ReversibleNormalization(targets)
        compare(
            layer,
            [x, y],
            lambda x, y, targets=targets: numpy_fast.reversible_normalization(x, y, targets),
        )
    with pytest.raises(ValueError, match="`y` must have axes"):
        layers.ReversibleNormalization((1,))(x, y)


@once
@pytest.mark.parametrize("targets", [(), 1, "a", [1.0], [-1], [True], [0, 0], {0}])
def test_targets_of_the_window_are_positions(targets):
    with pytest.raises(ValueError, match="`targets` must be .* Received: targets="):
        layers.ReversibleNormalization(targets)
    with pytest.raises(ValueError, match="`targets` must be .* below 3, .* Received: targets=.3,"):
        layers.ReversibleNormalization(np.array([3]))(normal(2, 6, N, 3), normal(2, 4, N, 1))


def test_spatio_temporal_embedding():
    arrays = [normal(3, N, 2), calendar_of(3)]
    layer = layers.SpatioTemporalEmbedding(4)
    compare(layer, arrays, numpy_fast.spatio_temporal_embedding)
    with pytest.raises(ValueError, match="`calendar` must have axes"):
        layers.SpatioTemporalEmbedding(4)(normal(3, N, 2), calendar_of(3, 6))


@pytest.mark.parametrize("blocks, experts", [(1, 1), (2, 3)])
def test_model_of_two_features(blocks, experts):
    """Both features are read, and each output has the level of its own feature."""
    targets = (1, 0)
    model = model_of(num_blocks=blocks, num_experts=experts, targets=targets, **TWO)
    inputs = inputs_of(model)
    inputs["x"] += np.float32([3.0, -40.0])
    weights = {v.path: as_numpy(v.value).astype("float64") for v in model.trainable_variables}
    x, calendar = (inputs[name].astype("float64") for name in ("x", "past_calendar"))
    expected = numpy_fast.fast(x, calendar, weights, blocks, experts, targets)
    found = predict(model, inputs)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-4)


def count(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@once
def test_parameters_are_those_that_change_forecasts():
    """Of the released 416,716: the scale of the last norm, and two constants in each block."""
    assert count(models.FaST(170)) == 416_716 - 64 - 3 * 2 * 64
    one = models.FaST(170, num_experts=1)
    assert not [v.path for v in one.variables if "router" in v.path]


def test_every_weight_has_a_gradient():
    """One that changes nothing would have about 1e-8 of the largest, from rounding."""
    keras.utils.set_random_seed(0)
    model = model_of(num_blocks=1, num_experts=2)
    inputs = inputs_of(model)
    state = [v.value for v in model.non_trainable_variables]
    given = {name: ops.convert_to_tensor(value) for name, value in inputs.items()}

    def squares(*weights):
        return ops.sum(ops.square(model.stateless_call(list(weights), state, given)[0]))

    start = [as_numpy(v.value) for v in model.trainable_variables]
    _, found = gradients(squares, start)
    largest = max(np.abs(gradient).max() for gradient in found)
    for variable, gradient in zip(model.trainable_variables, found, strict=True):
        assert np.abs(gradient).max() > 2e-7 * largest, variable.path


@once
@pytest.mark.parametrize("horizon", [48, 672])
def test_long_horizons(horizon):
    model = model_of(input_length=96, horizon=horizon)
    assert predict(model, inputs_of(model)).shape == (3, horizon, N, 1)


def test_a_forecast_has_the_level_of_the_window():
    model = model_of()
    inputs = inputs_of(model)
    scaled = {**inputs, "x": 100.0 * inputs["x"] + 500.0}
    expected = 100.0 * predict(model, inputs) + 500.0
    np.testing.assert_allclose(predict(model, scaled), expected, rtol=1e-3)


def test_quantiles_and_covariates():
    levels = (0.1, 0.5, 0.9)
    more = {"past_covariates": 2, "future_covariates": 1, "quantiles": levels}
    model = model_of(season=4, **TWO, **more)
    inputs = inputs_of(model)
    inputs |= {"calendar": calendar_of(3, 2), "past_covariates": normal(3, 6, N, 2)}
    inputs["future_covariates"] = normal(3, 2, N, 1)
    inputs["x"][0, :, 0] = np.nan  # a sensor without a reading
    found = predict(model, inputs)
    assert found.shape == (3, 2, N, 2, 3) and np.isfinite(found).all()
    assert (np.diff(found, axis=-1) >= 0).all()
    still = {**inputs, "past_covariates": np.ones_like(inputs["past_covariates"])}
    other = {**inputs, "past_covariates": 3 * still["past_covariates"]}
    assert np.abs(predict(model, still) - predict(model, other)).max() > 1e-3


@once
def test_fit_chooses_the_level_of_the_targets():
    model = model_of(num_features=2, normalize=True)
    x = normal(40, 6, N, 2) * np.float32([1.0, 20.0]) + np.float32([0.0, 300.0])
    series = np.cumsum(normal(47, N, 2), axis=0) + np.float32([0.0, 300.0])
    starts = np.arange(40)[:, None]
    x, y = series[starts + np.arange(6)], series[starts + 6 + np.arange(2)][..., 1:]
    inputs = {"x": x, "past_calendar": calendar_of(40, 6)}
    model.adapt(series)
    model.compile("adam", "mae")
    model.fit(inputs, y, verbose=0)
    assert model.targets == (1,) and model.get_layer("window_norm").targets == (1,)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model))
    copy.set_weights(model.get_weights())
    found = predict(model, inputs)
    np.testing.assert_allclose(predict(copy, inputs), found, rtol=1e-5)
    assert np.abs(found - 300).mean() < np.abs(found).mean()


@once
def test_faults_are_named():
    with pytest.raises(ValueError, match="`num_outputs` must be at most `num_features`"):
        model_of(num_outputs=2)
    with pytest.raises(ValueError, match="`num_experts` must be an integer of at least 1"):
        model_of(num_experts=0)
    assert weights_of(layers.ReversibleNormalization()) == {}


@once
def test_a_forecaster_trains_saves_and_opens_it(tmp_path):
    """Without roads, on readings of which some are missing."""
    series = dataclasses.replace(series_of({"speed": city()["speed"]}), adjacency=None)
    forecaster = Forecaster("FaST", horizon=3, units=4, num_blocks=1, num_agents=2)
    history = forecaster.fit(series, epochs=3, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    found = forecaster.forecast(series).values
    forecaster.save(tmp_path / "city")
    opened = Forecaster.load(tmp_path / "city")
    np.testing.assert_allclose(opened.forecast(series).values, found, rtol=1e-4)
    again = Forecaster("FaST", horizon=3)
    again.fit(series, initial=opened, epochs=0, verbose=0)
    for ours, theirs in zip(again.model.get_weights(), opened.model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
