"""Transformer blocks: values, linear attention, and gradients that are computed in parts."""

import contextlib
import gc

import keras
import numpy as np
import numpy_zoo
import pytest
from cases import evaluate
from gradients import double_precision, gradients
from numpy_layers import assert_close
from second_derivatives import products

from stgkeras import layers, models
from stgkeras.kernels import linear_attention, orthogonal_directions, portable_forms, recomputed
from stgkeras.kernels import transformer_block as own
from stgkeras.layers import transformer_block

X = np.random.default_rng(0).normal(size=(5, 4, 3, 8)).astype("float32")


def block(axis="nodes", **arguments):
    keras.utils.set_random_seed(3)
    layer = layers.TransformerBlock(2, axis, 6, **arguments)
    layer.build(X.shape)
    rng = np.random.default_rng(1)
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return layer


@pytest.mark.parametrize("features", [None, 7], ids=["exact", "linear"])
@pytest.mark.parametrize("axis", ["time", "nodes"])
def test_block(axis, features):
    layer, weights = block(axis, random_features=features), {}
    for variable in layer.weights:
        if "seed" not in variable.path:
            _, part, name = variable.path.split("/")
            weights.setdefault(part, {})[name] = keras.ops.convert_to_numpy(variable).astype(
                "float64"
            )
    expected = numpy_zoo.transformer_block(X.astype("float64"), axis, 2, **weights)
    assert_close(evaluate(layer, X), expected)


@pytest.mark.parametrize(
    "dropout, features, long", [(0.0, None, 64), (0.4, None, 64), (0.4, None, 1), (0.4, 7, 64)]
)
@pytest.mark.parametrize("axis", ["time", "nodes"])
def test_a_step_of_parts_is_that_of_the_whole(monkeypatch, axis, dropout, features, long):
    """Parts of two windows or one, or of eight or four steps along nodes; on JAX, of equal size."""
    monkeypatch.setattr(own, "LONG", long)  # of PyTorch, with and without a kernel for attention
    for module in (transformer_block, own):
        monkeypatch.setattr(module, "ROWS", 2 * 4 * 3)
    masks = np.random.default_rng(2).random(X.shape) > dropout  # portable forms draw others
    masks = keras.ops.convert_to_tensor(masks)
    monkeypatch.setattr(transformer_block, "kept_values", lambda *_: masks)
    found = []
    for forms in (contextlib.nullcontext, portable_forms):
        signal = keras.Input(X.shape[1:])
        layer = block(axis, dropout=dropout, random_features=features)
        model = keras.Model(signal, layer(signal))
        model.compile(keras.optimizers.SGD(1.0), "mse")
        with forms():
            model.train_on_batch(X, np.roll(X, 1))
        found.append([keras.ops.convert_to_numpy(one) for one in model.trainable_variables])
    for part, whole in zip(*found, strict=True):
        assert_close(part, whole)


@pytest.mark.parametrize("features", [None, 7], ids=["exact", "linear"])
def test_gradients_of_stateless_calls(features):
    """With linear attention, PyTorch keeps all values: the weights are gone when it goes back."""
    layer = block(dropout=0.0, random_features=features)
    state = [variable.value for variable in layer.non_trainable_variables]

    def loss(x, *weights):
        y, _ = layer.stateless_call(list(weights), state, x, training=True)
        return keras.ops.sum(keras.ops.square(y))

    weights = [keras.ops.convert_to_numpy(one) + 0.1 for one in layer.trainable_variables]
    found = gradients(loss, [X, *weights])
    for variable, value in zip(layer.trainable_variables, weights, strict=True):
        variable.assign(value)
    with portable_forms():
        expected = gradients(loss, [X, *weights])
    for one, other in zip(*map(keras.tree.flatten, (found, expected)), strict=True):
        assert_close(one, other)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="counts tensors of PyTorch")
@pytest.mark.parametrize("features, tensors", [(None, 4), (7, 1)], ids=["exact", "linear"])
def test_a_block_keeps_few_tensors_and_masks(features, tensors):
    import torch

    kept = []
    layer = block(dropout=0.1, random_features=features)
    x = torch.from_numpy(np.tile(X, (40, 1, 1, 1))).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: kept.append(tensor.nbytes) or tensor, lambda tensor: tensor
    ):
        y = layer(x, training=True)
    assert sum(kept) <= (tensors + 0.6) * x.nbytes  # a mask has one byte for each value of four
    y.sum().backward()


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="counts tensors of PyTorch")
@pytest.mark.parametrize("features", [None, 7], ids=["exact", "linear"])
def test_a_step_leaves_no_tensors_behind(features):
    """Nothing of a step waits until Python collects garbage: a next step would need its memory."""
    import torch

    layer = block(dropout=0.1, random_features=features)

    def living():
        layer(torch.from_numpy(X).requires_grad_(), training=True).sum().backward()
        return sum(isinstance(one, torch.Tensor) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        assert living() == living()
    finally:
        gc.enable()


def test_second_derivatives_of_what_is_computed_again():
    """Two parts of two rows and one of one; on JAX, five of one."""
    rng = np.random.default_rng(0)
    inputs, directions = ([rng.normal(size=(5, 3)) for _ in range(2)] for _ in range(2))

    def function(x, y):
        parts = recomputed(lambda a, b: keras.ops.tanh(a) * keras.ops.exp(b), x, y, rows=2)
        return keras.ops.sum(keras.ops.square(parts))

    with double_precision():
        ways, expected = products(function, inputs, directions)
    for way in ways:
        for ours, theirs in zip(way, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_directions_are_orthogonal_and_gaussian():
    directions = orthogonal_directions(4, 4000, np.random.default_rng(0))
    first = directions[:, :4]
    products = first.T @ first
    np.testing.assert_allclose(products, np.diag(np.diag(products)), atol=1e-12)
    covariance = directions @ directions.T / 4000
    np.testing.assert_allclose(covariance, np.eye(4), atol=0.1)
    assert orthogonal_directions(4, 6, np.random.default_rng(0)).shape == (4, 6)


def test_estimates_of_weights_have_no_bias_and_an_error_that_falls():
    """The mean over draws is exp(q kᵀ / √d), and four times the features halve the error."""
    rng = np.random.default_rng(0)
    q, k = rng.normal(size=(2, 6, 4))
    exact, errors = np.exp(q @ k.T / 2), []
    for features in (8, 32):
        draws = []
        for _ in range(2000):
            directions = orthogonal_directions(4, features, rng)
            left, right = (numpy_zoo.random_features(one, directions) for one in (q, k))
            draws.append(left @ right.T)
        error = np.std(draws, axis=0)
        assert np.all(np.abs(np.mean(draws, axis=0) - exact) < 5 * error / np.sqrt(2000))
        errors.append(error)
    assert 1.7 < np.median(errors[0] / errors[1]) < 2.4


def test_linear_attention_stays_finite_for_large_values():
    q, k = np.random.default_rng(0).normal(0, 30, (2, 1, 50, 4)).astype("float32")
    directions = orthogonal_directions(4, 8, np.random.default_rng(0)).astype("float32")
    y = linear_attention(*(keras.ops.convert_to_tensor(a) for a in (q, k, k, directions)))
    assert np.isfinite(keras.ops.convert_to_numpy(y)).all()


def linear_staeformer(**arguments):
    sizes = {"input_units": 4, "day_units": 4, "week_units": 4, "adaptive_units": 4}
    sizes |= {"steps_per_day": 24, "num_blocks": 2, "horizon": 3, "feed_forward_units": 8}
    return models.STAEformer(5, spatial_attention="linear", random_features=6, **sizes, **arguments)


def test_redrawn_features_are_saved(tmp_path):
    model = linear_staeformer()
    x = np.random.default_rng(0).normal(size=(2, 12, 5, 1))
    data = {"x": x, "past_calendar": np.zeros((2, 12, 2))}
    forecasts = []
    for seed in (1, 2, 1):
        model.redraw(seed)
        forecasts.append(model.predict(data, verbose=0))
    np.testing.assert_array_equal(forecasts[0], forecasts[2])
    assert np.abs(forecasts[0] - forecasts[1]).max() > 1e-4
    first, second = (model.get_layer(f"nodes{n}").attention.directions for n in (1, 2))
    assert not np.allclose(first, second)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(data, verbose=0), forecasts[2], rtol=1e-6)


def test_redraw_is_refused_where_attention_is_exact():
    with pytest.raises(ValueError, match="`redraw` needs spatial_attention='linear'"):
        models.STAEformer(5, num_blocks=1).redraw()
    with pytest.raises(ValueError, match="`redraw` needs a built layer with random features"):
        layers.AxialAttention(2, "nodes").redraw()
    with pytest.raises(ValueError, match="`redraw` needs a built layer with random features"):
        layers.AxialAttention(2, "nodes", random_features=4).redraw()


@pytest.mark.parametrize("seed", ["a", -1, 1.5, [1], True])
def test_seeds_of_redraw_are_integers(seed):
    attention = layers.AxialAttention(2, "nodes", random_features=4)
    attention(X)
    for redraw in (attention.redraw, linear_staeformer().redraw):
        with pytest.raises(ValueError, match="`seed` must be an integer of at least 0. Received"):
            redraw(seed)
        redraw(np.int64(3))
