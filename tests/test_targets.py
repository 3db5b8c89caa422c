"""Which features of the input a forecaster forecasts: its units do not hang on their order."""

import functools
import warnings

import keras
import numpy as np
import pytest
from cases import NODES, laplacian
from conftest import on_fastest

from stgkeras import datasets, layers, losses, models

STEPS, L, H = 60, 4, 2
RNG = np.random.default_rng(0)
FLOW = (2000 + 900 * RNG.normal(size=(STEPS, NODES))).astype("float32")
SPEED = (60 + 5 * RNG.normal(size=(STEPS, NODES))).astype("float32")
SHARE = RNG.random((STEPS, NODES)).astype("float32")
VALUES = np.stack([FLOW, SPEED, SHARE], -1)
DAY = 6  # steps
CALENDAR = datasets.calendar(np.datetime64("2024-01-01", "h") + 4 * np.arange(STEPS))


def forecaster(**kwargs):
    """Forecasts the mean of each output: the weights of its last layer are 0."""
    small = {"units": 4, "num_blocks": 1, "node_units": 0, "adaptive_units": 0, "horizon": H}
    kwargs = {"num_features": 3, "normalize": "season" not in kwargs, **kwargs}
    model = models.GraphSTID(NODES, graph=laplacian(), input_length=L, **small, **kwargs)
    without_output(model)
    if model.season is not None:
        model.adapt(VALUES, CALENDAR)
    elif model.normalize:
        model.adapt(VALUES)
    model.compile(keras.optimizers.SGD(0.0), "mae")
    return model


def without_output(model):
    output = model.get_layer("output")
    output.set_weights([np.zeros_like(weight) for weight in output.get_weights()])
    return model


def windows(features, shuffle=True, missing=False, **kwargs):
    targets = VALUES[..., features] if isinstance(features, list) else features
    starts = np.arange(STEPS - L - H + 1)
    return datasets.Windows(
        VALUES, targets, starts, input_length=L, horizon=H, shuffle=shuffle, missing=missing,
        **kwargs,
    )  # fmt: skip


def arrays(features):
    data = windows(features, shuffle=False, batch_size=999)
    return data[0]


def fit(model, *data, **kwargs):
    model.fit(*data, verbose=0, shuffle=False, **kwargs)
    return model


def check_units(model, features):
    x = arrays([0])[0][:3]
    if model.season is None:
        expected = VALUES[..., features].mean(axis=(0, 1))
        found = model.predict(x, verbose=0)
        np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=1e-4)
        return
    calendar = CALENDAR[L + np.arange(3)[:, None] + np.arange(H)]
    found = model.predict({"x": x, "calendar": calendar}, verbose=0)
    mean = VALUES[..., features].mean(axis=(0, 1))
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), mean, rtol=0.3)


CHOSEN = [((2, 0), 2, [2, 0]), (None, 2, [0, 1]), ((1,), 1, [1]), (range(3), 3, [0, 1, 2])]


@pytest.mark.parametrize(("targets", "num_outputs", "features"), on_fastest(CHOSEN, CHOSEN[:2]))
@pytest.mark.parametrize("season", [None, DAY])
def test_forecasts_have_the_units_of_the_targets(targets, num_outputs, features, season):
    model = forecaster(
        targets=targets, num_outputs=num_outputs, season=season, normalize=not season
    )
    check_units(model, features)
    assert model.count_params() == forecaster(
        num_outputs=num_outputs, season=season, normalize=not season
    ).count_params()  # fmt: skip


def test_the_inverse_of_a_scaler_by_hand():
    scaler = layers.StandardScaler(3, targets=(2, 1))
    scaler.adapt(VALUES)
    y = np.float32([[1.0, -2.0]])
    mean, std = (part[[2, 1]] for part in (VALUES.mean((0, 1)), VALUES.std((0, 1))))
    found = keras.ops.convert_to_numpy(scaler(y, inverse=True))
    np.testing.assert_allclose(found, y * std + mean, rtol=1e-4)
    x = keras.ops.convert_to_numpy(scaler(VALUES[:2]))
    expected = (VALUES[:2] - VALUES.mean((0, 1))) / VALUES.std((0, 1))
    np.testing.assert_allclose(x, expected, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match=r"`x` must have the features targets=\(2, 1\)"):
        scaler(y[:, :1], inverse=True)


KINDS = [
    (kind, features) for kind in ("windows", "arrays", "missing") for features in ([2, 1], [1])
]


@pytest.mark.parametrize(("kind", "features"), on_fastest(KINDS, [KINDS[0], KINDS[3], KINDS[4]]))
def test_fit_finds_the_features_that_the_targets_are_equal_to(kind, features):
    model = forecaster(num_outputs=len(features))
    if kind == "missing":
        targets = VALUES[..., features].copy()
        targets[::5] = np.nan
        model.compile(keras.optimizers.SGD(0.0), losses.MaskedMeanAbsoluteError())
        data = (windows(targets, missing=True),)
    else:
        model.predict(arrays([0])[0], verbose=0)  # compiled with the units of the first features
        data = (windows(features),) if kind == "windows" else arrays(features)
    fit(model, *data)
    assert model.targets == tuple(features)
    check_units(model, features)
    check_units(without_output(keras.models.clone_model(model)), features)
    again = type(model).from_config(model.get_config())
    assert again.targets == tuple(features)
    fit(model, *data)  # equal again
    with pytest.raises(ValueError, match=r"`targets` must be .*targets=\(.*equal to feature 0"):
        fit(model, windows([0] * len(features)))


def test_fit_with_a_season():
    model = forecaster(season=DAY)
    data = windows([1], calendar=CALENDAR)
    fit(model, data)
    assert model.targets == (1,)
    check_units(model, [1])


def test_the_first_features_stay_the_default():
    model = fit(forecaster(num_outputs=2), windows([0, 1]), validation_data=windows([0, 1]))
    assert model.targets is None and model.get_config()["targets"] is None
    model = fit(forecaster(), arrays([0])[0], arrays([0])[1])
    assert model.targets is None
    # Another quantity than the features: nothing is chosen.
    model = fit(forecaster(), windows((3 * FLOW + 1000)[..., None] / 4))
    assert model.targets is None
    # Without a scaler, forecasts have no units that could be wrong.
    model = fit(forecaster(normalize=False), windows([1]))
    assert model.targets is None


def test_other_targets_than_said_are_refused():
    message = r"targets=\(2,\), so output 0 has the units of feature 2 .*equal to feature 1. .*`tar"
    for data in ((windows([1]),), arrays([1])):
        with pytest.raises(ValueError, match=message):
            fit(forecaster(targets=(2,)), *data)
        with pytest.raises(ValueError, match=message):
            forecaster(targets=(2,)).evaluate(*data, verbose=0)
    with pytest.raises(ValueError, match=message):
        fit(forecaster(targets=(2,)), windows([2]), validation_data=windows([1]))
    with pytest.raises(ValueError, match="targets=None, .* feature 0 .*equal to feature 1"):
        fit(forecaster(), windows([0]), validation_data=windows([1]))
    with pytest.raises(ValueError, match="targets=None, .* feature 0 .*equal to feature 1"):
        forecaster().evaluate(windows([1]), verbose=0)
    forecaster(targets=(1,)).evaluate(windows([1]), verbose=0)
    with pytest.raises(ValueError, match=r"output 1 .*Create the model with `targets=\('…', 2\)`"):
        other = np.stack([FLOW + 1, SHARE], -1)
        fit(forecaster(num_outputs=2), windows(other))


def batches(data):
    for index in range(len(data)):
        yield data[index]


def test_a_warning_where_only_the_scale_can_be_compared():
    data = windows([1])
    with pytest.warns(UserWarning, match=r"output 0 have mean 60.* feature 0 .*`targets`"):
        fit(forecaster(), batches(data), steps_per_epoch=len(data))
    with pytest.warns(UserWarning, match="but the model scales this output as feature 0"):
        fit(forecaster(season=DAY), batches(windows([1], calendar=CALENDAR)))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "The targets of output")
        fit(forecaster(targets=(1,)), batches(data))
        fit(forecaster(), batches(windows([0])))
        fit(forecaster(), windows([1]))


def test_equal_by_chance_is_no_feature():
    """Constant targets, and windows of a single number, say nothing."""
    x, y = arrays([1])
    model = fit(forecaster(), x, np.zeros_like(y))
    assert model.targets is None
    counts = np.random.default_rng(0).integers(0, 3, (STEPS, 1, 2)).astype("float32")
    x = np.stack([counts[i : i + 1] for i in range(50)])
    assert models.target_checks.equal_features(x, x[..., 1:]) == []


BAD = [((3,), 1), ((-1,), 1), ((0, 0), 2), ((0, 1), 1), ((1,), 2), ("1", 1), (1.5, 1), ((True,), 1)]


@pytest.mark.parametrize(("targets", "num_outputs"), BAD)
def test_bad_targets(targets, num_outputs):
    with pytest.raises(ValueError, match="`targets` must be None, or num_outputs=. different ints"):
        forecaster(targets=targets, num_outputs=num_outputs)


def test_iterated_forecasts_in_another_order():
    plain = forecaster(num_outputs=3)
    other = forecaster(num_outputs=3, targets=(2, 0, 1))
    x = arrays([0])[0][:2]
    found = models.forecast(other, x, steps=5)
    expected = models.forecast(plain, x, steps=5)[..., [2, 0, 1]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


OTHER_LOSSES = [
    ("mae", "The loss 'mae' does not"),
    (functools.partial(keras.losses.huber, delta=2.0), "The loss huber does not"),
    (losses.FocalLoss(), "The loss FocalLoss does not"),
    (keras.losses.mean_squared_error, "The loss mean_squared_error does not"),
    (keras.losses.LogCosh(), "The loss log_cosh does not"),
]


@pytest.mark.parametrize(("loss", "named"), on_fastest(OTHER_LOSSES, OTHER_LOSSES[:2]))
def test_missing_targets_need_a_loss_that_ignores_them(loss, named):
    model = forecaster()
    targets = VALUES[..., :1].copy()
    targets[::5] = np.nan
    data = windows(targets, missing=True)
    model.compile("sgd", loss)
    with pytest.raises(ValueError, match=f"`targets` of .*NaN at targets.*{named} ignore missing"):
        fit(model, data)
    batches = (data[index] for index in range(len(data)))  # data whose end is not known
    with pytest.raises(ValueError, match=f"`y` must hold .*NaN at y.*{named} ignore missing"):
        model.fit(batches, steps_per_epoch=len(data), verbose=0)
    model.compile("sgd", losses.MaskedHuber())
    fit(model, data)


@pytest.mark.parametrize(
    ("shape", "fix"),
    [
        ((H + 2, NODES, 1), rf"y.shape=\(batch, {H + 2}, .*`horizon={H + 2}`"),
        ((1, NODES, 1), r"y.shape=\(batch, 1, .*`horizon=1`"),
        ((H, 1, 1), "Pass the targets of the nodes"),
        ((NODES, 1), r"Pass `horizon=1` to `Windows` instead of None"),
    ],
)
def test_targets_of_other_steps_or_nodes_are_refused(shape, fix):
    """A loss would compare each forecast step with each target step, without a word."""
    model = forecaster(num_features=1, normalize=False)
    model.compile("sgd", "mae")
    x, y = np.zeros((4, L, NODES, 1), "float32"), np.zeros((4, *shape), "float32")
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=rf"`y` must have shape \(batch, {H} steps.*{fix}"):
            call(x, y, verbose=0)


def test_all_forecasters_have_the_same_horizon():
    for kind in (models.STGCN, models.ASTGCN, models.GraphSTID):
        assert kind(NODES, graph=laplacian()).horizon == 12
