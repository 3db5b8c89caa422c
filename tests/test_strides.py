"""Products along time with strides: gradients that libraries have had wrong on some processors."""

import keras
import numpy as np
import pytest
from cases import NODES, laplacian, randomize
from gradients import double_precision, gradients
from keras import ops

from stgkeras import models
from stgkeras.kernels import time_conv

BACKEND = keras.backend.backend()  # JAX compiles each case anew
SIZES = [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]  # of a kernel, and its padding


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def assert_close(found, expected, tolerance=1e-5):
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size, padding", SIZES)
@pytest.mark.parametrize("features", [3] if BACKEND == "jax" else [1, 3, 9])
def test_time_convolution(features, size, padding, stride):
    x, kernel, bias = normal(4, 12, 50, features), normal(size, features, 16), normal(16, seed=1)
    padded = np.pad(x, ((0, 0), (padding, padding), (0, 0), (0, 0)))
    length = (padded.shape[1] - size) // stride + 1
    taps = [slice(tap, tap + (length - 1) * stride + 1, stride) for tap in range(size)]
    added = normal(4, length, 50, 16, seed=2)
    y = bias + added
    for tap, weights in zip(taps, kernel, strict=True):
        y = y + padded[:, tap] @ weights
    g = normal(*y.shape, seed=3)

    def loss(*arrays):
        x, kernel, bias, added = arrays
        y = time_conv(x, kernel, bias, stride, padding, added, keras.activations.relu)
        return ops.sum(ops.multiply(y, ops.convert_to_tensor(g)))

    value, found = gradients(loss, [x, kernel, bias, added])
    terms = np.maximum(y, 0) * g
    assert abs(value - terms.sum(dtype="float64")) <= 1e-6 * np.abs(terms).sum()
    g = np.where(y > 0, g, 0)
    of_padded = np.zeros_like(padded)
    for tap, weights in zip(taps, kernel, strict=True):
        of_padded[:, tap] += g @ weights.T
    expected = [
        of_padded[:, padding : padding + 12],
        np.stack([np.einsum("btnf,btng->fg", padded[:, tap], g) for tap in taps]),
        g.sum((0, 1, 2)),
        g,
    ]
    for ours, theirs in zip(found, expected, strict=True):
        assert_close(ours, theirs)


def small(cls, **kwargs):
    graph = {"graph": laplacian()} if cls is models.ASTGCN else {}
    filters = {"num_blocks": 1, "spatial_filters": 8, "temporal_filters": 16}
    model = cls(num_nodes=NODES, input_length=12, **filters, **graph, **kwargs)
    randomize(model)
    return model


MODELS = {
    "astgcn": (models.ASTGCN, {}),
    "mstgcn": (models.ASTGCN, {"attention": False}),
    "links": (models.ASTGCNLinkPredictor, {"num_features": 2, "units": 8}),
}


@pytest.mark.parametrize("stride", [2] if BACKEND == "jax" else [2, 3])
@pytest.mark.parametrize("name", MODELS)
def test_models(name, stride):
    """Gradients in float32 against those in float64, and these against differences of the loss."""
    cls, kwargs = MODELS[name]
    arrays = {"x": normal(8, 12, NODES, kwargs.get("num_features", 1))}
    if name == "links":
        arrays["graph"] = np.abs(normal(8, 12, NODES, NODES, seed=1)) + 0.5

    def differentiated(dtype):
        model = small(cls, time_stride=stride, **kwargs)
        state = [v.value for v in model.non_trainable_variables]
        inputs = {key: ops.convert_to_tensor(value.astype(dtype)) for key, value in arrays.items()}
        start = [ops.convert_to_numpy(v.value) for v in model.trainable_variables]
        cotangent = normal(*model.output_shape[1:], seed=4).astype(dtype)

        def loss(*weights):
            given = inputs if isinstance(model.input, dict) else inputs["x"]
            y, _ = model.stateless_call(list(weights), state, given)
            return ops.sum(ops.multiply(y, ops.convert_to_tensor(cotangent)))

        return loss, start, gradients(loss, start)[1]

    _, _, found = differentiated("float32")
    with double_precision():
        loss, start, exact = differentiated("float64")
        rng = np.random.default_rng(5)
        direction = [rng.standard_normal(array.shape) for array in start]
        up, down = (
            gradients(loss, [w + step * v for w, v in zip(start, direction, strict=True)])[0]
            for step in (1e-6, -1e-6)
        )
    along = sum(np.sum(g * v) for g, v in zip(exact, direction, strict=True))
    np.testing.assert_allclose(along, (up - down) / 2e-6, rtol=1e-6)
    largest = max(np.abs(g).max() for g in exact)
    for ours, theirs in zip(found, exact, strict=True):
        assert ours.dtype == "float32" and theirs.dtype == "float64"
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5 * largest)
