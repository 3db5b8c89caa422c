"""Convolution along time.

Fast forms: PyTorch on CPU (own gradient, sums and ReLU in place), TensorFlow on CPU (own gradient:
0.7 of the time of a training step of STGCN with 100,000 nodes), JAX on CPU (one axis: two to three
times faster, forward and backward).
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras
from keras import ops

from stgkeras.kernels import dispatch
from stgkeras.kernels.finish import finished
from stgkeras.kernels.torch_forms import own_form
from stgkeras.types import Tensor


def time_conv(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    stride: int = 1,
    padding: int = 0,
    added: Tensor | None = None,
    activation: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Computes `activation(x * kernel + bias + added)`, where `*` is a convolution along time.

    With a kernel of one step, the convolution is a linear map of the features.

    Args:
        x: (batch, time, nodes, features).
        kernel: (kernel_size, features, filters).
        bias: None or (filters,).
        stride: int. Number of steps between two outputs.
        padding: int. Number of zero steps before the first step and after the last.
        added: None, or a tensor of the shape of the result.
        activation: None or a function.

    Returns:
        (batch, (time + 2·padding - kernel_size) // stride + 1, nodes, filters).
    """
    if stride > 1 and kernel.shape[0] == 1:
        # Take the steps first: on processors with AVX2 and no AVX-512, oneDNN's gradient of a
        # strided kernel of one step is wrong for fewer than eight features (oneDNN issue 6035).
        x, stride, padding = _padded(x, padding)[:, ::stride], 1, 0
    backend = keras.backend.backend()
    if backend == "torch":
        x, kernel, bias, added = (
            tensor if tensor is None else ops.convert_to_tensor(tensor)
            for tensor in (x, kernel, bias, added)
        )
    fast = (
        stride == 1
        and padding < kernel.shape[0]
        and dispatch.takes_fast_form(x, kernel, bias, added)
    )
    if backend == "torch":
        y = (_own_conv() if fast else _portable_on_torch)(x, kernel, bias, stride, padding)
    elif backend == "jax":
        y = (_on_one_axis if fast else _portable)(x, kernel, bias, stride, padding)
    else:
        fast = fast and x.shape[1] is not None
        y = (_with_own_gradient if fast else _portable)(x, kernel, bias, stride, padding)
    if fast and backend == "torch":  # in place: fewer passes over a tensor larger than the cache
        y = y if added is None else y.add_(added)
        return y.relu_() if activation is keras.activations.relu else finished(y, None, activation)
    return finished(y, added, activation)


def gated_time_conv(
    x: Tensor, kernel: Tensor, bias: Tensor, gate: str, dilation: int = 1
) -> Tensor:
    """Computes a gated convolution along time, `P ⊙ σ(Q)` or `tanh(P) ⊙ σ(Q)`.

    Args:
        x: (batch, time, nodes, features).
        kernel: (kernel_size, features, 2·filters); the first half gives P, the second Q.
        bias: (2·filters,).
        gate: "glu" for the first formula, "gtu" for the second.
        dilation: int. Distance of the steps that the kernel reads.

    Returns:
        (batch, time - dilation·(kernel_size - 1), nodes, filters).
    """
    if dilation > 1:  # the steps as features: one matrix product
        x, kernel = _steps_as_features(x, kernel.shape[0], dilation), _as_one_step(kernel)
    if keras.backend.backend() == "tensorflow":  # two convolutions are faster than a split result
        halves = zip(ops.split(kernel, 2, axis=-1), ops.split(bias, 2), strict=True)
        p, q = (time_conv(x, *half) for half in halves)
    else:
        y = time_conv(x, kernel, bias)
        if gate == "glu":
            return ops.glu(y, axis=-1)
        p, q = ops.split(y, 2, axis=-1)
    return (p if gate == "glu" else ops.tanh(p)) * ops.sigmoid(q)


def _steps_as_features(x, size, dilation):
    """Joins the steps t, t + dilation, … under a kernel of this size, as features of step t."""
    ends = [-dilation * later or None for later in reversed(range(size))]
    seen = [x[:, step * dilation : end] for step, end in enumerate(ends)]
    return ops.concatenate(seen, axis=-1)


def _as_one_step(kernel):
    """Returns the kernel for `_steps_as_features`."""
    return ops.reshape(kernel, (1, -1, kernel.shape[-1]))


def _padded(x, padding):
    return ops.pad(x, ((0, 0), (padding, padding), (0, 0), (0, 0))) if padding else x


# Portable form


def _portable(x, kernel, bias, stride, padding):
    x = _padded(x, padding)
    if kernel.shape[0] == 1:
        return finished(ops.matmul(x[:, ::stride], kernel[0]), bias)
    y = ops.conv(x, kernel[:, None], (stride, 1), padding="valid", data_format="channels_last")
    return finished(y, bias)


def _portable_on_torch(x, kernel, bias, stride, padding):
    import torch

    if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
        # PyTorch's compiler fails for the gradient of a convolution if the batch size is unknown.
        return finished(_by_steps(x, kernel, stride, padding), bias)
    # Keras would copy the signal to the order "channels first" and back. `permute` does not copy.
    from torch.nn import functional

    y = functional.conv2d(
        x.permute(0, 3, 1, 2),
        kernel[:, None].permute(3, 2, 0, 1),
        bias,
        stride=(stride, 1),
        padding=(padding, 0),
    )
    return y.permute(0, 2, 3, 1).contiguous()


def _by_steps(x, kernel, stride, padding):
    """Computes the convolution as a sum of matrix products, one for each step of the kernel."""
    x = _padded(x, padding)
    last = x.shape[1] - kernel.shape[0] + 1
    seen = [x[:, step : step + last : stride] for step in range(kernel.shape[0])]
    return sum(part @ weights for part, weights in zip(seen, kernel, strict=True))


# JAX


def _on_one_axis(x, kernel, bias, stride, padding):
    """Computes the convolution on one axis of steps and nodes, dilated: XLA is slow on two axes."""
    size, features, filters = kernel.shape
    if size == 1:
        return finished(ops.matmul(_padded(x, padding), kernel[0]), bias)
    is_same = 2 * padding == size - 1
    x = x if is_same else _padded(x, padding)
    batch, steps, nodes, _ = ops.shape(x)
    y = ops.conv(
        ops.reshape(x, (batch, steps * nodes, features)),
        kernel,
        padding="same" if is_same else "valid",
        data_format="channels_last",
        dilation_rate=nodes,
    )
    y = ops.reshape(y, (batch, steps if is_same else steps - size + 1, nodes, filters))
    return finished(y, bias)


# TensorFlow and PyTorch: own gradients


def _with_own_gradient(x, kernel, bias, stride, padding):
    @ops.custom_gradient
    def product(x, kernel):
        def backward(upstream):
            of_kernel = _of_kernel(x, upstream, kernel.shape[0], padding)
            return _of_signal(upstream, kernel, padding), of_kernel

        return _plain_conv(x, kernel, padding), backward

    return finished(product(x, ops.cast(ops.convert_to_tensor(kernel), x.dtype)), bias)


@functools.cache
def _own_conv():
    def forward(x, kernel, bias, stride, padding):
        # PyTorch does not let later code change a view in place. `.data` is not a view.
        return _portable_on_torch(x, kernel, bias, stride, padding).data, []

    def backward(wanted, arguments, kept, g):
        x, kernel, _, _, padding = arguments
        of_x = _of_signal(g, kernel, padding).data if wanted[0] else None
        of_kernel = _of_kernel(x, g, kernel.shape[0], padding)
        return of_x, of_kernel, g.sum((0, 1, 2)) if wanted[2] else None, None, None

    return own_form(_portable_on_torch, forward, backward)


def _plain_conv(x, kernel, padding):
    if keras.backend.backend() == "torch":
        return _portable_on_torch(x, kernel, None, 1, padding)
    import tensorflow as tf

    around = ((0, 0), (padding, padding), (0, 0), (0, 0))
    return tf.nn.conv2d(x, kernel[:, None], 1, around)


def _of_signal(g, kernel, padding):
    """Computes the gradient of the signal, a convolution of the upstream gradient."""
    turned = ops.transpose(ops.flip(kernel, 0), (0, 2, 1))
    return _plain_conv(g, turned, kernel.shape[0] - 1 - padding)


def _of_kernel(x, g, size, padding):
    """Computes the gradient of the kernel, with a matrix product for each step."""
    found = []
    for step in range(size):
        shift = step - padding  # an output step reads the input step that is `shift` later
        first, end = max(0, -shift), min(g.shape[1], x.shape[1] - shift)
        found.append(outer_sum(x[:, first + shift : end + shift], g[:, first:end]))
    return ops.stack(found)


def outer_sum(x: Tensor, g: Tensor) -> Tensor:
    """Computes `Σ x[b, …, f] g[b, …, c]` (f, c), by a product for each sample (the fastest)."""
    if keras.backend.backend() == "torch":
        return x.flatten(1, -2).transpose(1, 2).bmm(g.flatten(1, -2)).sum(0)
    x, g = (ops.reshape(of, (ops.shape(of)[0], -1, of.shape[-1])) for of in (x, g))
    return ops.sum(ops.matmul(ops.transpose(x, (0, 2, 1)), g), axis=0)
