"""Forms of products of their own in functions that a backend compiles or transforms."""

import functools

import keras
import numpy as np
import pytest
from conftest import slow
from second_derivatives import by_tapes
from weights_as_arguments import BACKEND, Problem, assert_close

from stgkeras import layers


@pytest.mark.skipif(BACKEND != "tensorflow", reason="compiled by TensorFlow")
@pytest.mark.parametrize("name", ["stgcn", "astgcn-dot-additive"])
def test_tensorflow_compiles_second_derivatives(name):
    import tensorflow as tf

    problem = Problem(name)

    def derive(weights, direction):
        return by_tapes(lambda *w: problem.loss(w, problem.inputs), weights, direction)

    # `test_second_derivatives` compares what TensorFlow compiles without XLA.
    compiled = tf.function(derive, jit_compile=True)(problem.weights, problem.direction)
    eager = derive(problem.weights, problem.direction)
    for ours, theirs in zip(compiled, eager, strict=True):
        assert_close(ours, theirs)


@pytest.mark.skipif(BACKEND != "jax", reason="JAX's own transforms")
@pytest.mark.parametrize("name", ["stgcn-sparse", "astgcn"])
def test_jax_transforms_functions(name):
    import jax

    problem = Problem(name)
    number = min(range(len(problem.weights)), key=lambda n: problem.weights[n].size)

    @jax.jit
    def derive(weights, state, inputs):
        problem.state = state

        def loss(weight, inputs):
            rest = [*weights[:number], weight, *weights[number + 1 :]]
            return problem.loss(rest, inputs)

        single = keras.tree.map_structure(lambda x: x[:, None], inputs)
        by_sample = jax.vmap(jax.grad(loss), (None, 0))(weights[number], single)
        whole, again = jax.hessian(loss)(weights[number], inputs), jax.jacrev(jax.grad(loss))
        whole_gradient = jax.grad(loss)(weights[number], inputs)
        return by_sample.sum(0), whole_gradient, whole, again(weights[number], inputs)

    summed, gradient, forward, reverse = derive(problem.weights, problem.state, problem.inputs)
    assert_close([summed], [gradient])
    assert np.abs(forward).max() > 0
    assert_close([forward], [reverse])


@slow
@pytest.mark.skipif(BACKEND != "torch", reason="own forms of PyTorch")
def test_a_model_that_pytorch_compiles_trains_as_one_that_it_does_not(monkeypatch):
    import torch
    import torch._dynamo

    # Some functions are left to Python, as in large models; and no code is written in the end,
    # which would take a minute.
    monkeypatch.setattr(torch._dynamo.config, "recompile_limit", 1)
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="aot_eager"))
    x = np.random.default_rng(0).normal(size=(5, 6, 5, 1)).astype("float32")
    inputs = keras.Input((6, 5, 1))
    hidden = layers.GatedTemporalConv(3, 3)(inputs)
    model = keras.Model(inputs, layers.GatedTemporalConv(2, 4)(hidden))
    y, start, found = np.ones((5, 1, 5, 2), "float32"), model.get_weights(), []
    for jit_compile in (False, True):
        model.set_weights(start)
        model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit_compile)
        model.fit(x, y, batch_size=3, epochs=2, shuffle=False, verbose=0)  # the last is partial
        found.append(model.get_weights())
    for ours, theirs, first in zip(*found, start, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
        assert np.abs(ours - first).max() > 1e-5  # a bias, too
