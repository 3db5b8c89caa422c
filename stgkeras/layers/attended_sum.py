"""Chebyshev terms weighted by an attention, applied to a signal and summed: the heart of ASTGCN."""

import functools

import keras
from keras import ops

from stgkeras.layers import _devices, operators
from stgkeras.layers.compressed_rows import compressed_matrix, compressed_product, compressed_rows
from stgkeras.layers.time_products import outer_sum

AT_ONCE = 2**24  # entries of a sparse operator for each step of each sample, which may be held


def attended_sum(x, terms, kernel, bias=None, activation=keras.activations.linear):
    """`activation(Σ_k terms[k] (x kernel[k]) + bias)`, without copies between the products.

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
    if keras.backend.backend() == "torch" and _has_own_form(x, terms):
        return _on_torch(x, terms, kernel, bias, activation)
    batch, steps, nodes, features = ops.shape(x)
    filters = kernel.shape[-1]
    rows = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, features))
    columns = (batch, nodes, steps * filters)
    signals = [ops.reshape(ops.matmul(rows, kernel[k]), columns) for k in range(len(terms))]
    y = sum(operators.attended_products(terms, signals))
    y = ops.transpose(ops.reshape(y, (batch, nodes, steps, filters)), (0, 2, 1, 3))
    return activation(y if bias is None else ops.add(y, bias))


def _has_own_form(x, terms):
    """Half precision has few kernels, and accelerators need no such care."""
    entries = terms[-1]["value"].numel() if operators.is_sparse(terms[-1]) else 0
    is_wide = keras.backend.standardize_dtype(x.dtype) in ("float32", "float64")
    return is_wide and _devices.on_cpu(x) and x.shape[1] * entries <= AT_ONCE


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
        """Multiplies by the graph first, and sums up in place, in memory that is in the cache."""

        @staticmethod
        def forward(ctx, is_rectified, index, x, kernel, bias, diagonal, *values):
            form = _Dense(values, x.shape) if index is None else _Sparse(index, values, x.shape)
            rows, scale = form.rows(x), form.of_rows(diagonal)
            y = torch.mm(rows, kernel[0])
            y = y.mul_(scale) if bias is None else torch.addcmul(bias, y, scale, out=y)
            products = [form.multiply(k, rows) for k in range(len(values))]
            for product, weights in zip(products, kernel[1:], strict=True):
                y.addmm_(product, weights)
            y = form.restored(y.relu_() if is_rectified else y)
            ctx.form, ctx.has_bias = form, bias is not None
            ctx.save_for_backward(rows, kernel, scale, y if is_rectified else None, *products)
            return y

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            form, (rows, kernel, scale, y, *products) = ctx.form, ctx.saved_tensors
            g = form.rows(g if y is None else torch.ops.aten.threshold_backward(g, y, 0))
            of_values = []
            of_x = torch.mm(g, kernel[0].T)
            of_diagonal = form.summed(torch.einsum("rf,rf->r", of_x, rows))
            of_x.mul_(scale)
            work = rows * scale
            seen = map(form.of_samples, (work, *products))
            of_kernel = torch.stack([outer_sum(part, form.of_samples(g)) for part in seen])
            for k in range(len(products)):
                torch.mm(g, kernel[k + 1].T, out=work)
                of_values.append(form.of_value(k, work, rows))
                form.add_transposed(k, work, of_x)
            of_bias = g.sum(0) if ctx.has_bias else None
            return None, None, form.restored(of_x), of_kernel, of_bias, of_diagonal, *of_values

    return Sum


class _Form:
    """Operators of all samples, and the order of the rows, (all, features), that they multiply."""

    def __init__(self, values, shape):
        self.values, (self.batch, self.steps, self.nodes, _) = values, shape

    def of_samples(self, rows):
        return rows.view(self.batch, -1, rows.shape[-1])


class _Dense(_Form):
    """Operators (batch, nodes, nodes). Rows are those of (batch, nodes, time), so that steps are
    columns of one product."""

    def rows(self, x):
        return x.transpose(1, 2).reshape(-1, x.shape[-1])

    def restored(self, rows):
        x = rows.view(self.batch, self.nodes, self.steps, -1)
        return x.transpose(1, 2).contiguous()

    def of_rows(self, diagonal):
        return diagonal.repeat_interleave(self.steps).view(-1, 1)

    def summed(self, numbers):
        return numbers.view(self.batch, self.nodes, self.steps).sum(2)

    def multiply(self, k, rows):
        return self.values[k].bmm(self._columns(rows)).view_as(rows)

    def add_transposed(self, k, rows, total):
        self._columns(total).baddbmm_(self.values[k].transpose(1, 2), self._columns(rows))

    def of_value(self, k, g, rows):
        return self._columns(g).bmm(self._columns(rows).transpose(1, 2))

    def _columns(self, rows):
        return rows.view(self.batch, self.nodes, -1)


class _Sparse(_Form):
    """Operators of values (batch, entries). Rows are those of (batch, time, nodes): to read the few
    entries anew for each step takes less than to copy the signal."""

    def __init__(self, index, values, shape):
        super().__init__(values, shape)
        self.index, self.parts = index, self.batch * self.steps
        self.compressed = compressed_rows(index, self.parts, self.nodes)

    def rows(self, x):
        return x.reshape(-1, x.shape[-1])

    def restored(self, rows):
        return rows.view(self.batch, self.steps, self.nodes, -1)

    def of_rows(self, diagonal):
        return diagonal.repeat(1, self.steps).view(-1, 1)

    def summed(self, numbers):
        return numbers.view(self.batch, self.steps, -1).sum(1)

    def multiply(self, k, rows):
        return compressed_product(self._matrix(k, *self.compressed), rows)

    def add_transposed(self, k, rows, total):
        import torch

        torch.addmm(total, self._matrix(k, *self._transposed), rows, out=total)

    def of_value(self, k, g, rows):
        import torch

        starts, columns, order = self.compressed
        matrix = self._matrix(k, starts, columns, order)
        found = torch.sparse.sampled_addmm(matrix, g, rows.T, beta=0).values()
        of_value = torch.empty_like(self.values[k])
        of_value[:, order] = found.view(self.batch, self.steps, -1).sum(1)
        return of_value

    @functools.cached_property
    def _transposed(self):
        return compressed_rows(self.index.flip(0), self.parts, self.nodes)

    def _matrix(self, k, starts, columns, order):
        value = self.values[k][:, order][:, None]
        return compressed_matrix(starts, columns, value.expand(-1, self.steps, -1))
