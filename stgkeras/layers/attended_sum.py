"""Chebyshev terms weighted by an attention, applied to a signal and summed: the heart of ASTGCN."""

import functools

import keras
from keras import ops

from stgkeras.layers import _devices, operators
from stgkeras.layers.sparse_product import compressed


def attended_sum(x, terms, kernel, bias=None, activation=keras.activations.linear):
    """`activation(Σ_k terms[k] (x kernel[k]) + bias)`, with steps side by side as columns from the
    first product to the last.

    Args:
        x: (batch, time, nodes, features).
        terms: list of K, as `operators.attended_terms` returns it, where each serves all steps: the
            diagonal of the first (batch, nodes), and operators of rank 3.
        kernel: (K, features, filters).
        bias: None or (filters,).
        activation: function.

    Returns:
        (batch, time, nodes, filters).
    """
    if keras.backend.backend() == "torch" and _devices.on_cpu(x) and _is_wide(x):
        return _on_torch(x, terms, kernel, bias, activation)
    batch, steps, nodes, features = ops.shape(x)
    filters = kernel.shape[-1]
    rows = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, features))
    columns = (batch, nodes, steps * filters)
    signals = [ops.reshape(ops.matmul(rows, kernel[k]), columns) for k in range(len(terms))]
    y = sum(operators.attended_products(terms, signals))
    y = ops.transpose(ops.reshape(y, (batch, nodes, steps, filters)), (0, 2, 1, 3))
    return activation(y if bias is None else ops.add(y, bias))


def _is_wide(x):
    """Half precision has few kernels."""
    return keras.backend.standardize_dtype(x.dtype) in ("float32", "float64")


def _on_torch(x, terms, kernel, bias, activation):
    is_rectified = activation is keras.activations.relu
    index, values = None, terms[1:]
    if values and operators.is_sparse(values[0]):
        index, values = values[0]["index"], [term["value"] for term in values]
    kernel = ops.convert_to_tensor(kernel)
    bias = None if bias is None else ops.convert_to_tensor(bias)
    y = _torch_function().apply(is_rectified, index, x, kernel, bias, terms[0], *values)
    return y if is_rectified else activation(y)


@functools.cache
def _torch_function():
    import torch

    class Sum(torch.autograd.Function):
        """Sums up in place."""

        @staticmethod
        def forward(ctx, is_rectified, index, x, kernel, bias, diagonal, *values):
            batch, steps, nodes, features = x.shape
            rows = x.transpose(1, 2).reshape(-1, features)
            signals = [torch.mm(rows, weights).view(batch, nodes, -1) for weights in kernel]
            if bias is None:
                y = signals[0] * diagonal[..., None]
            else:
                y = torch.addcmul(bias.repeat(steps), signals[0], diagonal[..., None])
            for value, signal in zip(values, signals[1:], strict=True):
                _multiply(_matrix(index, value, nodes), signal, y, 1)
            y = y.view(batch, nodes, steps, -1).transpose(1, 2)
            if is_rectified:
                y = torch.clamp(y, min=0, out=y.new_empty(y.shape))
            y = y.contiguous()
            rectified = y if is_rectified else None
            ctx.save_for_backward(rows, kernel, diagonal, rectified, index, *values, *signals)
            ctx.shape, ctx.has_bias = x.shape, bias is not None
            return y

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            rows, kernel, diagonal, y, index, *others = ctx.saved_tensors
            values, signals = others[: len(kernel) - 1], others[len(kernel) - 1 :]
            (batch, steps, nodes, features), filters = ctx.shape, kernel.shape[-1]
            g = g if y is None else torch.ops.aten.threshold_backward(g, y, 0)
            g = g.transpose(1, 2).reshape(batch, nodes, steps * filters)
            of_kernel = torch.empty_like(kernel)
            of_diagonal = torch.linalg.vecdot(g, signals[0])
            of_values = [
                _of_value(index, value, g, signal)
                for value, signal in zip(values, signals[1:], strict=True)
            ]
            of_signal = g * diagonal[..., None]
            flat = of_signal.view(-1, filters)
            torch.mm(rows.T, flat, out=of_kernel[0])
            of_x = torch.mm(flat, kernel[0].T)
            for k, value in enumerate(values, start=1):
                back = index if index is None else index.flip(0)
                _multiply(_matrix(back, value, nodes, is_turned=True), g, of_signal, 0)
                torch.mm(rows.T, flat, out=of_kernel[k])
                of_x.addmm_(flat, kernel[k].T)
            of_x = of_x.view(batch, nodes, steps, features).transpose(1, 2)
            of_bias = g.view(-1, filters).sum(0) if ctx.has_bias else None
            return None, None, of_x, of_kernel, of_bias, of_diagonal, *of_values

    return Sum


def _matrix(index, value, nodes, is_turned=False):
    """The operators of all samples: dense, or if sparse as parts of one."""
    if index is not None:
        return compressed(index, value, nodes)[0]
    return value.transpose(1, 2) if is_turned else value


def _multiply(matrix, signal, total, share):
    """Makes `total` its share of itself, 0 or 1, plus the product."""
    import torch

    if matrix.ndim == 2:
        signal, total = signal.flatten(0, 1), total.flatten(0, 1)
    product = torch.addmm if matrix.ndim == 2 else torch.baddbmm
    product(total, matrix, signal, beta=share, out=total)


def _of_value(index, value, g, signal):
    """The gradient of dense operators, or of the values of sparse ones."""
    import torch

    if index is None:
        return torch.bmm(g, signal.transpose(1, 2))
    wanted, order = compressed(index, torch.zeros_like(value), g.shape[1])
    flat = g.flatten(0, 1), signal.flatten(0, 1).T
    found = torch.empty_like(value)
    found[:, order] = torch.sparse.sampled_addmm(wanted, *flat).values().view_as(value)
    return found
