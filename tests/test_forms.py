"""Forms of products of their own, under what backends can ask of them beside gradients."""

import keras
import numpy as np
import pytest
from gradients import double_precision
from keras import ops
from weights_as_arguments import BACKEND, RNG, Problem, assert_close, filled, normal

from stgkeras.kernels import (
    attended_sum,
    dense_product,
    mixture,
    sparse_forms,
    sparse_product,
    time_attention,
    time_convolution,
    transformer_block,
)

on_torch = pytest.mark.skipif(BACKEND != "torch", reason="PyTorch's own transforms")
MODELS = ["stgcn", "stgcn-sparse", "astgcn", "astgcn-dot-additive", "mstgcn", "chebnet-nodes"]
MODELS += ["graph-wavenet"]

INDEX = np.array([[0, 1, 1, 3, 3, 0], [1, 0, 2, 0, 3, 2]], "int32")


def block(masks, scale):
    """Arguments of a Transformer block: two groups of three rows, four units, two heads."""
    sizes = [(4, 12), 12, (4, 4), 4, 4, 4, (4, 5), 5, (5, 4), 4, 4, 4]
    weights = [normal(*(size if isinstance(size, tuple) else (size,))) for size in sizes]
    return [normal(2, 3, 4), *masks, 2, scale, 1e-5, *weights]


# a form of its own, its portable twin, and arguments
FORMS = {
    "conv": (
        time_convolution._own_conv,
        time_convolution._portable_on_torch,
        [normal(2, 5, 3, 2), normal(3, 2, 4), normal(4), 1, 1],
    ),
    "dense-product": (
        dense_product._own_product,
        ops.matmul,
        [normal(4, 4), normal(2, 3, 4, 2)],
    ),
    "projections": (
        time_attention._own_projections,
        time_attention._portable,
        [normal(2, 3), normal(2, 3, 4, 2), normal(2)],
    ),
    "projections-shared": (
        time_attention._own_projections,
        time_attention._portable,
        [normal(3), normal(2, 3, 4, 2), normal(2)],
    ),
    "sum": (
        attended_sum._own_sum,
        attended_sum._portable,
        [normal(2, 3, 4, 2), normal(2, 2, 3), normal(3), None, normal(2, 4), normal(2, 4, 4)],
    ),
    "sum-sparse": (
        attended_sum._own_sum,
        attended_sum._portable,
        [normal(2, 3, 4, 2), normal(2, 2, 3), None, INDEX, normal(2, 4), normal(2, 6)],
    ),
    "experts": (
        mixture._own_experts,
        mixture._portable,
        [normal(5, 3), normal(3, 12), normal(12), normal(5, 3)],
    ),
    "block": (
        transformer_block._own_block,
        transformer_block._portable,
        block(RNG.random((2, 2, 3, 4)) < 0.7, 1.4),
    ),
    "block-without-dropout": (
        transformer_block._own_block,
        transformer_block._portable,
        block([None, None], 1.0),
    ),
    "block-long": (
        transformer_block._own_block,
        transformer_block._portable,
        block(RNG.random((2, 2, 3, 4)) < 0.7, 1.4),
    ),
    "product": (
        lambda: sparse_forms.product_on_torch(sparse_product._portable_on_torch),
        sparse_product._portable_on_torch,
        [INDEX, normal(1, 6), normal(3, 4, 2), 4],
    ),
    "product-parts": (
        lambda: sparse_forms.product_on_torch(sparse_product._portable_on_torch),
        sparse_product._portable_on_torch,
        [INDEX, normal(2, 6), normal(1, 8, 2), 4],
    ),
}


@on_torch
@pytest.mark.parametrize("name", FORMS)
def test_form_has_the_gradients_of_its_twin(monkeypatch, name):
    import torch

    if name == "block-long":
        monkeypatch.setattr(transformer_block, "LONG", 1)

    own, portable, arguments = FORMS[name]
    tensors = [
        torch.tensor(value, requires_grad=value.dtype.kind == "f")
        if isinstance(value, np.ndarray)
        else value
        for value in arguments
    ]
    with double_precision():
        found, expected = (
            y if isinstance(y, tuple) else (y,) for y in (own()(*tensors), portable(*tensors))
        )
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours, theirs)
        assert torch.autograd.gradcheck(own(), tensors, check_batched_grad=True)
        assert torch.autograd.gradgradcheck(own(), tensors)
        # Arguments that depend on each other, of which none is counted twice.
        floats = [t for t in tensors if isinstance(t, torch.Tensor) and t.is_floating_point()]
        scale = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

        def scaled(function):
            scaled = [t * scale if any(t is f for f in floats) else t for t in tensors]
            y = function(*scaled)
            return sum(part.square().sum() for part in (y if isinstance(y, tuple) else (y,)))

        both = []
        for function in (own(), portable):
            (first,) = torch.autograd.grad(scaled(function), scale, create_graph=True)
            both.append(torch.stack([first, *torch.autograd.grad(first, scale)]))
        torch.testing.assert_close(*both)


@on_torch
@pytest.mark.parametrize("name", MODELS)
def test_torch_transforms_functions(name):
    import torch

    problem = Problem(name)
    weights, expected = problem.with_gradients()
    inputs, plain, direction = problem.inputs, tuple(problem.weights), tuple(problem.direction)
    gradient = torch.func.grad(problem.loss)
    assert_close(gradient(plain, inputs), expected)
    # One gradient for each sample.
    single = keras.tree.map_structure(lambda x: x[:, None], inputs)
    by_sample = torch.func.vmap(gradient, in_dims=(None, 0))(plain, single)
    assert_close([g.sum(0) for g in by_sample], expected)
    # Derivatives along a direction, by forward mode, and of the gradient.
    along = sum((g * v).sum() for g, v in zip(expected, direction, strict=True))
    tangent = torch.func.jvp(lambda *w: problem.loss(w, inputs), plain, direction)[1]
    assert_close([tangent], [along])
    tangents = torch.func.jvp(lambda *w: gradient(w, inputs), plain, direction)[1]
    found = torch.autograd.grad(
        problem.loss(weights, inputs), weights, create_graph=True, allow_unused=True
    )
    along = sum((g * v).sum() for g, v in zip(found, direction, strict=True) if g is not None)
    again = torch.autograd.grad(along, weights, allow_unused=True)
    assert_close(tangents, filled(again, weights))
    with torch.autograd.forward_ad.dual_level():
        dual = [
            torch.autograd.forward_ad.make_dual(w, v) for w, v in zip(plain, direction, strict=True)
        ]
        loss = torch.autograd.forward_ad.unpack_dual(problem.loss(dual, inputs))
    assert_close([loss.tangent], [tangent])


@on_torch
@pytest.mark.parametrize("name", MODELS)
def test_torch_takes_gradients_in_batches(name):
    import torch

    problem = Problem(name)
    weights, expected = problem.with_gradients()
    y = problem.output(weights, problem.inputs)
    upstream = torch.stack([2 * y.detach(), torch.zeros_like(y)])
    found = torch.autograd.grad(y, weights, upstream, is_grads_batched=True, allow_unused=True)
    found = [0 * w if g is None else g[0] for g, w in zip(found, weights, strict=True)]
    assert_close([g.detach() for g in found], expected)


@on_torch
@pytest.mark.parametrize("name", MODELS)
def test_torch_casts_by_itself(name):
    import torch

    problem = Problem(name)
    weights, expected = problem.with_gradients()

    def found(loss):
        return filled(torch.autograd.grad(loss, weights, allow_unused=True), weights)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = problem.loss(weights, problem.inputs)
    assert_close(found(loss), expected, 0.05)
    loss = problem.loss(weights, problem.inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):  # of the pass backward alone
        assert_close(found(loss), expected, 0.05)
