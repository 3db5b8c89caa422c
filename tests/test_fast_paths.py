"""The fast forms of products against the plain ones in NumPy, values and gradients."""

import contextlib

import keras
import numpy as np
import numpy_layers
import pytest
import scipy.sparse
from cases import evaluate
from conftest import on_fastest
from gradients import gradients
from keras import ops

from stgkeras import layers
from stgkeras.kernels import (
    attended,
    attended_sum,
    operators,
    portable_forms,
    projections,
    sparse_forms,
    sparse_product,
    time_conv,
)
from stgkeras.layers.bit_dropout import BitDropout


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def assert_close(found, expected):
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * max(1.0, np.abs(expected).max())


def assert_same(function, arrays, plain, adjoint):
    """Values as `plain` has them; gradients of their sum, weighted by g, as `adjoint(g)` has."""
    expected = plain(*arrays)
    assert_close(evaluate(function, *arrays), expected)
    cotangent = normal(*expected.shape, seed=9)
    _, found = gradients(lambda *a: ops.sum(ops.multiply(function(*a), cotangent)), arrays)
    for ours, theirs in zip(found, adjoint(cotangent), strict=True):
        assert_close(ours, theirs)


@pytest.mark.parametrize("batch, features", [(2, 1), (2, 5), (1, 5)])
@pytest.mark.parametrize("steps, stride, padding", [(1, 1, 0), (3, 1, 0), (3, 1, 1), (3, 2, 1)])
def test_time_convolution(batch, features, steps, stride, padding):
    x, kernel = normal(batch, 7, 3, features), normal(steps, features, 4, seed=1)
    bias = normal(4, seed=2)
    pad = ((0, 0), (padding, padding), (0, 0), (0, 0))

    def taps(padded, length):
        return [padded[:, tap : tap + length : stride] for tap in range(steps)]

    def plain(x, kernel, bias):
        return numpy_layers.time_conv(np.pad(x, pad), kernel, bias)[:, ::stride]

    def adjoint(g):
        padded = np.pad(x, pad)
        length = padded.shape[1] - steps + 1
        of_x = np.zeros_like(padded)
        for tap, part in enumerate(taps(of_x, length)):
            part += g @ kernel[tap].T
        of_kernel = [np.einsum("btnf,btng->fg", part, g) for part in taps(padded, length)]
        return of_x[:, padding : padding + 7], np.stack(of_kernel), g.sum((0, 1, 2))

    def fast(x, kernel, bias):
        return time_conv(x, kernel, bias, stride, padding)

    assert_same(fast, [x, kernel, bias], plain, adjoint)


@pytest.mark.parametrize("stride", [1, 2])
def test_time_convolution_adds_and_rectifies(stride):
    x, kernel, bias = normal(2, 7, 3, 5), normal(1, 5, 4, seed=1), normal(4, seed=2)
    added = normal(2, 7 if stride == 1 else 4, 3, 4, seed=3)

    def plain(x, kernel, bias, added):
        return np.maximum(x[:, ::stride] @ kernel[0] + bias + added, 0)

    def adjoint(g):
        g = np.where(plain(x, kernel, bias, added) > 0, g, 0)
        of_x = np.zeros_like(x)
        of_x[:, ::stride] = g @ kernel[0].T
        of_kernel = np.einsum("btnf,btng->fg", x[:, ::stride], g)
        return of_x, of_kernel[None], g.sum((0, 1, 2)), g

    def fast(x, kernel, bias, added):
        return time_conv(x, kernel, bias, stride, 0, added, keras.activations.relu)

    assert_same(fast, [x, kernel, bias, added], plain, adjoint)


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_projections(shape):
    weights, x, kernel = normal(*shape, seed=1), normal(2, 3, 4, 5), normal(5, seed=2)
    of_steps = np.broadcast_to(weights, (2, 3))

    def flat(left, right, library):
        parts = library.reshape(left, (2, 20)), library.reshape(right, (2, 12))
        return library.concatenate(parts, 1)

    def plain(weights, x, kernel):
        return flat(np.einsum("bt,btnf->bnf", of_steps, x), x @ kernel, np)

    def adjoint(g):
        left, right = g[:, :20].reshape(2, 4, 5), g[:, 20:].reshape(2, 3, 4)
        of_weights = np.einsum("bnf,btnf->bt", left, x)
        of_x = np.einsum("bt,bnf->btnf", of_steps, left) + right[..., None] * kernel
        of_weights = of_weights if len(shape) == 2 else of_weights.sum(0)
        return of_weights, of_x, np.einsum("btn,btnf->f", right, x)

    assert_same(
        lambda *arrays: flat(*projections(*arrays), ops), [weights, x, kernel], plain, adjoint
    )


def test_attended_signal():
    scores, x = normal(2, 4, 4, seed=1), normal(2, 4, 3, 5)

    def adjoint(g):
        return np.einsum("btnf,bsnf->bts", g, x), np.einsum("bts,btnf->bsnf", scores, g)

    assert_same(attended, [scores, x], lambda a, x: np.einsum("bts,bsnf->btnf", a, x), adjoint)


@pytest.mark.parametrize("score", ["bilinear", "additive"])
def test_spatial_attention_takes_temporal_scores_in_place_of_the_attended_signal(score):
    x, graph = normal(2, 4, 5, 3), normal(5, 5, seed=1)
    scores = np.abs(normal(2, 4, 4, seed=2))
    layer = layers.SpatialAttention(score, K=2)
    layer.build(x.shape, graph.shape)

    def fast(x, scores):
        return layer(x, ops.convert_to_tensor(graph), scores)

    def plain(x, scores):
        return layer(attended(scores, x), ops.convert_to_tensor(graph))

    assert_close(evaluate(fast, x, scores), evaluate(plain, x, scores))
    cotangent = normal(2, 5, 5, seed=3)
    both = (
        gradients(lambda *a, f=f: ops.sum(ops.multiply(f(*a), cotangent)), [x, scores])[1]
        for f in (fast, plain)
    )
    for ours, theirs in zip(*both, strict=True):
        assert_close(ours, theirs)


def ring(nodes):
    """A directed ring, of which three Chebyshev terms reach three nodes of each."""
    return np.roll(np.eye(nodes, dtype="float32"), 1, axis=1) * normal(nodes, 1, seed=1)


ATTENDED = {  # graph, features, and whether it is given as sparse
    "dense": (normal(5, 5, seed=1), 3, False),
    "pairs": (ring(30), 40, True),
    "pairs-of-many-samples": (ring(30), 40, True),
    "pairs-too-many": (normal(5, 5, seed=1), 40, True),
}


ENDS = [("relu", True), ("tanh", False)]
EACH = [(name, filters, *end) for name in ATTENDED for filters in (2, 3, 5) for end in ENDS]
EACH = on_fastest(EACH, [*(each for each in EACH[::2] if each[1] != 3), EACH[1]])


@pytest.mark.parametrize("name, filters, activation, use_bias", EACH)
def test_attended_chebyshev_convolution(name, filters, activation, use_bias, monkeypatch):
    graph, features, is_sparse = ATTENDED[name]
    if name == "pairs-of-many-samples":
        monkeypatch.setattr(attended_sum, "AT_ONCE", 0)
    filters = filters if features == 3 else 20 * filters - 20  # 20, 40, 80 of 40 features
    nodes = len(graph)
    x, attention = normal(2, 4, nodes, features), normal(2, nodes, nodes, seed=2)
    operator = ops.convert_to_tensor(graph)
    if is_sparse:
        holder = layers.StaticTerms(nodes, 3, graph=scipy.sparse.csr_array(graph))
        operator = holder(x)
        is_native = keras.backend.backend() in ("tensorflow", "torch")
        given = [ops.convert_to_tensor(array) for array in (attention, x)]
        few = operators.attended_terms(operator, 3, *given)[1:]
        assert all(operators.is_sparse(term) == (is_native and len(graph) == 30) for term in few)
    layer = layers.ChebConv(filters, 3, activation=activation, use_bias=use_bias)
    layer(x, operator, attention)
    if use_bias:
        layer.bias.assign(normal(filters, seed=4))
    terms = np.stack(numpy_layers.chebyshev_polynomials(graph, 3))
    masked = terms[None] * attention[:, None]  # (B, K, N, N)
    weights = [ops.convert_to_numpy(variable) for variable in layer.variables]
    kernel, bias = weights if use_bias else (*weights, 0.0)
    y = np.einsum("bknm,btmf,kfg->btng", masked, x, kernel, optimize=True) + bias

    def function(x, attention, *weights):
        with keras.StatelessScope(list(zip(layer.variables, weights, strict=True))):
            return layer(x, operator, attention)

    def adjoint(g):
        g = g * {"relu": y > 0, "tanh": 1 - np.tanh(y) ** 2}[activation]
        found = (
            np.einsum("bknm,btng,kfg->btmf", masked, g, kernel, optimize=True),
            np.einsum("knm,btng,btmf,kfg->bnm", terms, g, x, kernel, optimize=True),
            np.einsum("bknm,btng,btmf->kfg", masked, g, x, optimize=True),
            g.sum((0, 1, 2)),
        )
        return found[: 2 + len(weights)]

    result = np.maximum(y, 0) if activation == "relu" else np.tanh(y)
    assert_same(function, [x, attention, *weights], lambda *_: result, adjoint)


def random_entries(nodes, entries):
    rng = np.random.default_rng(3)
    return rng.integers(0, nodes, (2, entries))


def hub_entries(nodes, entries):
    """Node n receives and sends as often as a power law has it; many receive nothing."""
    rng = np.random.default_rng(4)
    return np.minimum(rng.pareto(0.7, (2, entries)).astype(int), nodes - 1)


ENTRIES = {"random": random_entries(6, 30), "hubs": hub_entries(40, 300)}


@pytest.fixture(params=["fast", "portable"])
def form(request):
    """The form for this machine's CPU, or the portable form, which is also that of accelerators."""
    with portable_forms() if request.param == "portable" else contextlib.nullcontext():
        yield


@pytest.mark.parametrize("numbers", on_fastest([2**24, 700, 1], [2**24, 700]))
@pytest.mark.parametrize("is_sorted", [False, True], ids=["unsorted", "sorted"])
@pytest.mark.parametrize("name", ENTRIES)
def test_sparse_product(name, is_sorted, numbers, form, monkeypatch):
    for limit in ("AT_ONCE", "CACHED", "ALL_PAIRS"):
        monkeypatch.setattr(sparse_product, limit, numbers)
    monkeypatch.setattr(sparse_forms, "CHUNK", numbers)
    index = ENTRIES[name].astype("int32")
    index = index[:, np.argsort(index[0], kind="stable")] if is_sorted else index
    nodes = {"random": 6, "hubs": 40}[name]
    value, x = normal(index.shape[1], seed=5), normal(2, 3, nodes, 4)
    matrix = np.zeros((nodes, nodes))
    np.add.at(matrix, tuple(index), value)  # entries of the same place add up
    degrees = np.bincount(index[0], minlength=nodes)
    assert name == "random" or degrees.max() > 10 * np.median(degrees) and degrees.min() == 0

    def adjoint(g):
        return (g[..., index[0], :] * x[..., index[1], :]).sum((0, 1, 3)), matrix.T @ g

    def fast(value, x):
        return sparse_product.sparse_product(ops.convert_to_tensor(index), value, x)

    assert_same(fast, [value, x], lambda value, x: matrix @ x, adjoint)


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="PyTorch cannot compile its sparse matrices"
)
def test_sparse_product_is_compiled_by_xla():
    matrix, x = normal(5, 5, seed=1), normal(2, 3, 5, 4)
    signal = keras.Input((3, 5, 4))
    graph = layers.StaticGraph(5, graph=scipy.sparse.csr_array(matrix))(signal)
    layer = layers.GraphConv(2)
    model = keras.Model(signal, layer(signal, graph))
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=True)
    kernel = ops.convert_to_numpy(layer.kernel)
    y = matrix @ x @ kernel
    assert_close(model.predict(x, verbose=0), y)
    model.fit(x, np.zeros_like(y), verbose=0)
    of_kernel = np.einsum("btnf,btng->fg", matrix @ x, 2 * y / y.size)
    assert_close(ops.convert_to_numpy(layer.kernel), kernel - 0.1 * of_kernel)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    x = np.ones((7, 50, 31), "float32")
    y = ops.convert_to_numpy(BitDropout(rate, seed=1)(ops.convert_to_tensor(x), training=True))
    kept = y != 0
    np.testing.assert_allclose(y[kept], 1 / (1 - rate), rtol=1e-4)
    noise = 4 / np.sqrt(x.size)
    assert abs(kept.mean() - (1 - rate)) < noise
    first, second = np.array_split(kept.ravel(), 2)  # halves of the same draws
    assert abs(np.corrcoef(first[: len(second)], second)[0, 1]) < 2 * noise


def test_dropout_repeats_by_its_seed_and_moves_on():
    x = ops.ones((4, 30))
    first, second = (BitDropout(0.5, seed=1) for _ in range(2))
    draws = [ops.convert_to_numpy(layer(x, training=True)) for layer in (first, second, first)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert (draws[0] != draws[2]).any()
    np.testing.assert_array_equal(ops.convert_to_numpy(first(x)), np.ones((4, 30)))
