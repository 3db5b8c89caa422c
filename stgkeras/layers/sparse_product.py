"""The product of a sparse matrix and a tall one, in the form that is fastest on each backend."""

import functools
import warnings

import keras
from keras import ops

AT_ONCE = 2**25  # numbers that the work may hold beside its arguments and its result


def sparse_product(index, value, rows):
    """`y[n] = Σ value[e] · rows[index[1, e]]` over the entries e with `index[0, e] = n`.

    Time and memory are linear in the number of entries, forward and backward, whatever the degrees;
    nothing of the size of entries × columns is kept for the backward pass.

    Args:
        index: (2, entries) int32, in any order; entries of the same place add up.
        value: (entries,).
        rows: (nodes, columns).

    Returns:
        (nodes, columns).
    """
    if keras.backend.backend() == "torch":
        return _compressed().apply(index, value, rows)

    @ops.custom_gradient
    def product(value, rows):
        def backward(*args, upstream=None):
            upstream = args[-1] if upstream is None else upstream
            return _of_value(index, rows, upstream), _gathered(index[::-1], value, upstream)

        return _gathered(index, value, rows), backward

    return product(value, rows)


def _parts(index, *tables):
    """The tables, a few columns at a time, so that entries × columns stays in bounds."""
    entries, columns = index.shape[1], tables[0].shape[1]
    if entries is None or columns is None:  # sizes that are known only as it runs
        return [tables]
    width = max(1, AT_ONCE // max(1, entries))
    return [
        [table[:, start : start + width] for table in tables] for start in range(0, columns, width)
    ]


def _of_value(index, rows, upstream):
    """The gradient of the values."""
    parts = [
        ops.sum(ops.take(g, index[0], axis=0) * ops.take(part, index[1], axis=0), axis=-1)
        for part, g in _parts(index, rows, upstream)
    ]
    return sum(parts[1:], parts[0])


def _gathered(index, value, rows):
    nodes = ops.shape(rows)[0]
    sums = [
        ops.segment_sum(
            value[:, None] * ops.take(part, index[1], axis=0), index[0], num_segments=nodes
        )
        for (part,) in _parts(index, rows)
    ]
    return sums[0] if len(sums) == 1 else ops.concatenate(sums, axis=-1)


@functools.cache
def _compressed():
    """The product by PyTorch's compressed rows, 30 times faster than its sums over segments."""
    import torch

    def product(index, value, rows):
        dtype = torch.promote_types(rows.dtype, torch.float32)  # half precision has no kernel
        target, order = torch.sort(index[0])
        starts = torch.arange(len(rows) + 1, dtype=target.dtype, device=target.device)
        starts = torch.searchsorted(target, starts, out_int32=target.dtype == torch.int32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "in beta state"
            matrix = torch.sparse_csr_tensor(
                starts, index[1][order], value.to(dtype)[order], (len(rows), len(rows))
            )
        return (matrix @ rows.to(dtype)).to(rows.dtype)

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, index, value, rows):
            ctx.save_for_backward(index, value, rows)
            return product(index, value, rows)

        @staticmethod
        def backward(ctx, upstream):
            index, value, rows = ctx.saved_tensors
            _, value_wanted, rows_wanted = ctx.needs_input_grad
            of_value = of_rows = None
            if value_wanted:
                of_value = _of_value(index, rows, upstream)
            if rows_wanted:
                of_rows = product(index.flip(0), value, upstream)
            return None, of_value, of_rows

    return Product
