"""The product of a sparse matrix and a signal.

Fast forms: PyTorch (compressed rows, 30 times faster than its sums over an index), TensorFlow on
CPU (its sparse matrices, four to eight times faster than its sums over segments), JAX on CPU (sums
of a few entries at a time, which stay in the cache).
"""

from __future__ import annotations

import functools
import math

import keras
import numpy as np
from keras import ops

from stgkeras.kernels import dispatch, sparse_forms
from stgkeras.types import Tensor

AT_ONCE = 2**24  # largest number of temporary values, without the arguments and the result
CACHED = 2**22  # largest number of values in a table that fits into the cache
ALL_PAIRS = 2**20  # largest number of pairs of nodes for which all products are computed
GATHERED = 100  # time of a product of gathered numbers / time of a product in contiguous memory


def sparse_product(index: Tensor, value: Tensor, x: Tensor, nodes: int | None = None) -> Tensor:
    """Computes `y[…, n, f] = Σ value[e] · x[…, index[1, e], f]` over all e with `index[0, e] = n`.

    Time and memory are linear in the number of entries, forward and backward. Nothing of the size
    of entries × columns is kept for the backward pass.

    Args:
        index: (2, entries) int32, in any order. Entries with the same index add up.
        value: (entries,); or (parts, entries) for a block-diagonal matrix of `parts` blocks with
            the same index. Block p has the nodes p · `nodes`, …, (p + 1) · `nodes` - 1.
        x: (..., nodes, features), with parts · `nodes` nodes.
        nodes: None or int. Number of nodes of a block.

    Returns:
        A tensor of the shape of `x`.
    """
    # `stop_gradient` reads the variable before the loops below. TensorFlow would run a loop that
    # reads a variable even if no code uses the result of the loop.
    index = ops.stop_gradient(index)
    nodes = nodes or ops.shape(x)[-2]
    dtype = keras.backend.result_type(x.dtype, "float32")  # half precision has few kernels
    value = ops.cast(value if len(value.shape) > 1 else value[None], dtype)
    signal, on_torch = ops.cast(x, dtype), keras.backend.backend() == "torch"
    fast = dispatch.takes_fast_form(value, signal, on_any_device=on_torch)
    # The fast forms need many tables of few columns, the portable form one table of all columns.
    tables, restore = as_columns(signal, _first_column(x, nodes) if fast else 0)
    shape = ops.shape(tables)
    y = _form(fast)(index, value, ops.reshape(tables, (-1, *shape[-2:])), nodes)
    return restore(ops.cast(ops.reshape(y, shape), x.dtype))


def as_columns(x, leading):
    """Returns `x` as (*leading axes, nodes, all other axes flattened), and the inverse function."""
    nodes = len(x.shape) - 2
    moved, restore = in_order(x, [*range(leading), nodes, *range(leading, nodes), nodes + 1])
    return ops.reshape(moved, (*ops.shape(moved)[: leading + 1], -1)), restore


def in_order(x, order):
    """Returns `x` with its axes in the given order, and the inverse function."""
    moved = ops.transpose(x, order)
    shape = ops.shape(moved)

    def restore(y):
        return ops.transpose(ops.reshape(y, shape), [int(axis) for axis in np.argsort(order)])

    return moved, restore


def as_one_graph(index, value, nodes):
    """Returns the index and the values of a block-diagonal matrix as those of one large matrix."""
    first = nodes * ops.arange(ops.shape(value)[0], dtype=index.dtype)[:, None]
    return ops.reshape(index[:, None] + first, (2, -1)), ops.reshape(value, (-1,))


def _first_column(x, nodes):
    """Returns the first axis of `x` that becomes part of the columns, besides the features.

    With more columns, each entry is read fewer times, but a table must fit in the cache.
    """
    last, features = len(x.shape) - 2, x.shape[-1]
    fits = [
        axis
        for axis in range(last)
        if None not in x.shape[axis:last]
        and isinstance(nodes, int)
        and math.prod(x.shape[axis:last]) * nodes * features <= CACHED
    ]
    return min([*fits, last])


def _form(fast):
    """Returns a function of index, value (parts, entries), tables (tables, all nodes, columns) and
    nodes."""
    backend = keras.backend.backend()
    if backend == "torch":
        return sparse_forms.product_on_torch(_portable_on_torch) if fast else _portable_on_torch
    if not fast:
        multiply, of_value = _by_segments, _of_value
    elif backend == "jax":
        multiply, of_value = sparse_forms.product_on_jax, sparse_forms.of_value_on_jax
    else:
        multiply, of_value = sparse_forms.product_on_tensorflow, _of_value
    return functools.partial(_with_gradient, multiply, of_value)


# Portable form


def _portable_on_torch(index, value, tables, nodes):
    # On PyTorch, `segment_sum` of Keras would expand the index to the size of the products.
    (target, source), value = as_one_graph(index, value, nodes)
    products = value[:, None] * tables.index_select(1, source)
    # ONNX has scattered sums for int64 only.
    return tables.new_zeros(tables.shape).index_add(1, target.long(), products)


def _by_segments(index, value, tables, transposed=False):
    """Computes the product as sums over segments, a few columns at a time."""
    target, source = sparse_forms.ends(index, transposed)
    sums = [
        ops.segment_sum(
            value[:, None] * ops.take(tables[0][:, part], source, axis=0),
            target,
            ops.shape(tables)[1],
        )
        for part in _slices(tables.shape[2], index.shape[1])
    ]
    return ops.concatenate(sums, axis=-1)[None]


def _with_gradient(multiply, of_value, index, value, tables, nodes):
    """Computes `multiply` with a gradient that stores nothing of the size entries × columns."""
    whole, value = as_one_graph(index, value, nodes)
    pairs = isinstance(nodes, int) and nodes**2 <= min(ALL_PAIRS, GATHERED * index.shape[1])

    def product(index, whole, value, tables, transposed):
        # The indices are arguments: JAX cannot export a gradient that reads a tensor from outside.
        @ops.custom_gradient
        def of_tensors(index, whole, value, tables):
            def backward(upstream):
                ends = (upstream, tables) if transposed else (tables, upstream)
                found = _of_value_of_all(index, nodes, *ends) if pairs else of_value(whole, *ends)
                if keras.backend.backend() == "tensorflow":
                    # TensorFlow's gradient of a transposed sparse matrix permutes the entries.
                    of_tables = product(index, whole, value, upstream, not transposed)
                else:
                    of_tables = multiply(whole, value, upstream, not transposed)
                return None, None, found, of_tables

            return multiply(whole, value, tables, transposed), backward

        return of_tensors(index, whole, value, tables)

    return product(index, whole, value, tables, False)


def _of_value_of_all(index, nodes, tables, upstream):
    """Computes the gradient of the values from matrix products of all pairs of nodes."""
    columns = ops.shape(tables)[-1]
    g, x = (ops.reshape(part, (-1, nodes, columns)) for part in (upstream, tables))
    pairs = ops.matmul(g, ops.transpose(x, (0, 2, 1)))
    pairs = ops.reshape(pairs, (ops.shape(tables)[0], -1, nodes * nodes))
    of_value = ops.take(ops.sum(pairs, axis=0), index[0] * nodes + index[1], axis=1)
    return ops.reshape(of_value, (-1,))


def _of_value(index, tables, upstream):
    """Computes the gradient of the values, one table after the other."""

    def with_table(i, total):
        products = [
            ops.take(upstream[i], index[0, part], axis=0)
            * ops.take(tables[i], index[1, part], axis=0)
            for part in _slices(index.shape[1], tables.shape[2])
        ]
        return total + ops.concatenate([ops.sum(product, axis=-1) for product in products])

    total = ops.zeros(ops.shape(index)[1:], tables.dtype)
    return ops.fori_loop(0, ops.shape(tables)[0], with_table, total)


def _slices(length, numbers):
    """Returns slices of an axis of the given length, with at most AT_ONCE numbers each.

    Each element of the axis needs `numbers` numbers. If a size is unknown, or symbolic, as while
    JAX exports a model, there is one slice.
    """
    if not isinstance(length, int) or not isinstance(numbers, int):
        return [slice(None)]
    size = max(1, AT_ONCE // max(1, numbers))
    return [slice(start, start + size) for start in range(0, max(1, length), size)]
