"""The sum over Chebyshev terms weighted by an attention, which takes most of the time of ASTGCN.

Fast form: PyTorch on CPU (multiplies by the graph first, and adds in place, in the cache).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import keras
from keras import ops

from stgkeras.kernels import dispatch, operators
from stgkeras.kernels.compressed_rows import compressed_matrix, compressed_product, compressed_rows
from stgkeras.kernels.finish import finished
from stgkeras.kernels.time_convolution import outer_sum
from stgkeras.kernels.torch_forms import own_form
from stgkeras.types import Tensor

AT_ONCE = 2**24  # largest size of a sparse operator in the fast form: entries × samples × steps


def attended_sum(
    x: Tensor,
    terms: Sequence[Tensor],
    kernel: Tensor,
    bias: Tensor | None = None,
    activation: Callable[[Tensor], Tensor] = keras.activations.linear,
) -> Tensor:
    """Computes `activation(Σ_k terms[k] (x kernel[k]) + bias)`.

    Args:
        x: (batch, time, nodes, features).
        terms: list of K items from `operators.attended_terms`: the diagonal of the first term
            (batch, nodes), and K - 1 operators of rank 3.
        kernel: (K, features, filters).
        bias: None or (filters,).
        activation: function.

    Returns:
        (batch, time, nodes, filters).
    """
    if keras.backend.backend() != "torch":
        return finished(_sum(x, terms, kernel), bias, activation)
    tensors = [t if t is None else ops.convert_to_tensor(t) for t in (x, kernel, bias)]
    index, values = None, terms[1:]
    if values and operators.is_sparse(values[0]):
        index, values = values[0]["index"], [term["value"] for term in values]
    if _is_held(x, index) and dispatch.takes_fast_form(*tensors, terms[0], *values):
        y = _own_sum()(*tensors, index, terms[0], *values)
        return y.relu_() if activation is keras.activations.relu else activation(y)
    return activation(_portable(*tensors, index, terms[0], *values))


def _sum(x, terms, kernel):
    batch, steps, nodes, features = ops.shape(x)
    filters = kernel.shape[-1]
    rows = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, features))
    columns = (batch, nodes, steps * filters)
    signals = [ops.reshape(ops.matmul(rows, kernel[k]), columns) for k in range(len(terms))]
    y = sum(operators.attended_products(terms, signals))
    return ops.transpose(ops.reshape(y, (batch, nodes, steps, filters)), (0, 2, 1, 3))


def _is_held(x, index):
    return index is None or x.shape[0] * x.shape[1] * index.shape[1] <= AT_ONCE


def _portable(x, kernel, bias, index, diagonal, *values):
    if index is not None:
        values = [{"index": index, "value": value} for value in values]
    return finished(_sum(x, [diagonal, *values], kernel), bias)


@functools.cache
def _own_sum():
    import torch

    def forward(x, kernel, bias, index, diagonal, *values):
        form = _Dense(values, x.shape) if index is None else _Sparse(values, x.shape, index)
        rows, scale = form.rows(x), form.of_rows(diagonal)
        y = torch.mm(rows, kernel[0])
        y = y.mul_(scale) if bias is None else torch.addcmul(bias, y, scale, out=y)
        products = [form.multiply(k, rows) for k in range(len(values))]
        for product, weights in zip(products, kernel[1:], strict=True):
            y.addmm_(product, weights)
        # ReLU changes the result in place, which PyTorch forbids for views. `.data` is no view.
        return form.restored(y).data, [rows, scale, *products, *form.kept]

    def backward(wanted, arguments, kept, g):
        x, kernel, bias, index, _, *values = arguments
        rows, scale, *kept = kept
        products, kept = kept[: len(values)], kept[len(values) :]
        form = _Dense(values, x.shape) if index is None else _Sparse(values, x.shape, index, kept)
        g = form.rows(g)
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
        of_bias = None if bias is None else g.sum(0)
        return form.restored(of_x), of_kernel, of_bias, None, of_diagonal, *of_values

    return own_form(_portable, forward, backward)


class _Form:
    """The operators of all samples. A subclass defines the order of the rows that they multiply."""

    kept = ()  # further tensors that the backward pass needs

    def __init__(self, values, shape):
        self.values, (self.batch, self.steps, self.nodes, _) = values, shape

    def of_samples(self, rows):
        return rows.view(self.batch, -1, rows.shape[-1])


class _Dense(_Form):
    """Operators (batch, nodes, nodes). Rows have the order (batch, nodes, time), so that all steps
    are columns of one product."""

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
    """Sparse operators with values (batch, entries). Rows have the order (batch, time, nodes): to
    read the entries again for each step is faster than to transpose the signal."""

    def __init__(self, values, shape, index, kept=None):
        super().__init__(values, shape)
        self.index, self.parts = index, self.batch * self.steps
        self.kept = compressed_rows(index, self.parts, self.nodes) if kept is None else kept

    def rows(self, x):
        return x.reshape(-1, x.shape[-1])

    def restored(self, rows):
        return rows.view(self.batch, self.steps, self.nodes, -1)

    def of_rows(self, diagonal):
        return diagonal.repeat(1, self.steps).view(-1, 1)

    def summed(self, numbers):
        return numbers.view(self.batch, self.steps, -1).sum(1)

    def multiply(self, k, rows):
        return compressed_product(self._matrix(k, *self.kept), rows)

    def add_transposed(self, k, rows, total):
        import torch

        torch.addmm(total, self._matrix(k, *self._transposed), rows, out=total)

    def of_value(self, k, g, rows):
        import torch

        starts, columns, order = self.kept
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
