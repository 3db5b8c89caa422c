"""The product of a sparse matrix and a signal, in the form that is fastest on each backend."""

import functools
import math

import keras
import numpy as np
from keras import ops

from stgkeras.layers import _devices
from stgkeras.layers._forms import own_form, takes_own_form
from stgkeras.layers.compressed_rows import compressed_matrix, compressed_product, compressed_rows

AT_ONCE = 2**24  # numbers that the work may hold beside its arguments and its result
CACHED = 2**22  # numbers of a table whose rows, read in any order, still come from the cache
CHUNK = 2**20  # numbers that XLA gathers before it adds them up
ALL_PAIRS = 2**20  # pairs of nodes, each part's products of all of which may be held
GATHERED = 100  # products of numbers side by side that take as long as one of gathered numbers


def sparse_product(index, value, x, nodes=None):
    """`y[…, n, f] = Σ value[e] · x[…, index[1, e], f]` over the entries e with `index[0, e] = n`.

    Time and memory are linear in the number of entries, forward and backward, whatever the degrees;
    nothing of the size of entries × columns is kept for the backward pass.

    Args:
        index: (2, entries) int32, in any order; entries of the same place add up.
        value: (entries,); or (parts, entries) for a graph of disjoint parts of one shape, of which
            part p owns the nodes p · `nodes`, …, (p + 1) · `nodes` - 1.
        x: (..., nodes, features), with parts · `nodes` nodes.
        nodes: None or int, the nodes of a part.

    Returns:
        A tensor of the shape of `x`.
    """
    # A variable is read here: one that is read within a loop makes TensorFlow run the loop even if
    # nothing uses what it returns.
    index = ops.stop_gradient(index)
    product, takes_many = _form(x)
    nodes = nodes or ops.shape(x)[-2]
    tables, restore = as_columns(x, _first_column(x, nodes) if takes_many else 0)
    shape = ops.shape(tables)
    dtype = keras.backend.result_type(x.dtype, "float32")  # half precision has few kernels
    tables = ops.cast(ops.reshape(tables, (-1, *shape[-2:])), dtype)
    value = ops.cast(value if len(value.shape) > 1 else value[None], dtype)
    y = product(index, value, tables, nodes)
    return restore(ops.cast(ops.reshape(y, shape), x.dtype))


def as_columns(x, leading):
    """`x` with axes (*leading, nodes, all others flattened), and the way back."""
    nodes = len(x.shape) - 2
    moved, restore = in_order(x, [*range(leading), nodes, *range(leading, nodes), nodes + 1])
    return ops.reshape(moved, (*ops.shape(moved)[: leading + 1], -1)), restore


def in_order(x, order):
    """`x` with its axes in the order, and the way back from the same numbers in any shape."""
    moved = ops.transpose(x, order)
    shape = ops.shape(moved)

    def restore(y):
        return ops.transpose(ops.reshape(y, shape), [int(axis) for axis in np.argsort(order)])

    return moved, restore


def _first_column(x, nodes):
    """The first axis of those that become columns beside the features: as many as the cache holds,
    with the nodes of a part, for a row is found once for all its columns."""
    last, features = len(x.shape) - 2, x.shape[-1]
    fits = [
        axis
        for axis in range(last)
        if None not in x.shape[axis:last]
        and isinstance(nodes, int)
        and math.prod(x.shape[axis:last]) * nodes * features <= CACHED
    ]
    return min([*fits, last])


def _form(x):
    """The product of index, value (parts, entries), tables (tables, all nodes, columns) and nodes
    of a part, and whether it takes many tables of a few columns; on accelerators it takes one of
    all columns."""
    takes_many, form = _devices.on_cpu(x), (_by_chunks, _of_value_by_chunks)
    if keras.backend.backend() == "torch":
        return _on_torch, takes_many
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf
        from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

        # XLA knows nothing of TensorFlow's sparse matrices.
        takes_many &= not GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
        form = _by_sparse_matrix, _of_value
    form = form if takes_many else (_by_segments, _of_value)
    return functools.partial(_with_gradient, *form), takes_many


def _with_gradient(multiply, of_value, index, value, tables, nodes):
    whole, value = _as_one_graph(index, value, nodes)
    if isinstance(nodes, int) and nodes**2 <= min(ALL_PAIRS, GATHERED * index.shape[1]):
        found = functools.partial(_of_value_of_all, index, nodes)
    else:
        found = functools.partial(of_value, whole)

    def product(value, tables, transposed):
        @ops.custom_gradient
        def of_tensors(value, tables):
            def backward(upstream):
                of_value = found(*((upstream, tables) if transposed else (tables, upstream)))
                if keras.backend.backend() == "tensorflow":
                    # Its own gradient of a transposed sparse matrix mixes up the entries.
                    return of_value, product(value, upstream, not transposed)
                return of_value, multiply(whole, value, upstream, not transposed)

            return multiply(whole, value, tables, transposed), backward

        return of_tensors(value, tables)

    return product(value, tables, False)


def _as_one_graph(index, value, nodes):
    """The index and the value of parts that lie side by side, as those of one graph."""
    first = nodes * ops.arange(ops.shape(value)[0], dtype=index.dtype)[:, None]
    return ops.reshape(index[:, None] + first, (2, -1)), ops.reshape(value, (-1,))


def _of_value_of_all(index, nodes, tables, upstream):
    """The gradient of the values among those of all pairs of nodes, as products of matrices."""
    columns = ops.shape(tables)[-1]
    g, x = (ops.reshape(part, (-1, nodes, columns)) for part in (upstream, tables))
    pairs = ops.matmul(g, ops.transpose(x, (0, 2, 1)))
    pairs = ops.reshape(pairs, (ops.shape(tables)[0], -1, nodes * nodes))
    of_value = ops.take(ops.sum(pairs, axis=0), index[0] * nodes + index[1], axis=1)
    return ops.reshape(of_value, (-1,))


def _of_value(index, tables, upstream):
    """The gradient of the values, one table after the other."""

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
    """Slices of an axis, each of which stands for AT_ONCE numbers at most, if its elements stand
    for so many; one slice where sizes are known only as it runs."""
    if None in (length, numbers):
        return [slice(None)]
    size = max(1, AT_ONCE // max(1, numbers))
    return [slice(start, start + size) for start in range(0, max(1, length), size)]


def _by_segments(index, value, tables, transposed=False):
    """Sums over segments, on accelerators, a few columns at a time."""
    target, source = _ends(index, transposed)
    sums = [
        ops.segment_sum(
            value[:, None] * ops.take(tables[0][:, part], source, axis=0),
            target,
            ops.shape(tables)[1],
        )
        for part in _slices(tables.shape[2], index.shape[1])
    ]
    return ops.concatenate(sums, axis=-1)[None]


def _ends(index, transposed):
    return (index[1], index[0]) if transposed else (index[0], index[1])


def _by_chunks(index, value, tables, transposed=False):
    """JAX on CPU: what is gathered of a few entries is added up before it leaves the cache."""
    import jax

    target, source = _ends(index, transposed)
    entries, chunk = index.shape[1], _chunk(index, tables)

    def of_table(table):
        def add(y, start, count):
            to, at, by = (
                jax.lax.dynamic_slice(of_all, (start,), (count,))
                for of_all in (target, source, value)
            )
            return y.at[to].add(by[:, None] * table[at])

        whole, rest = divmod(entries, chunk)
        y = jax.numpy.zeros_like(table)
        y = jax.lax.fori_loop(0, whole, lambda i, y: add(y, i * chunk, chunk), y)
        return add(y, whole * chunk, rest)

    return jax.lax.map(of_table, tables)


def _chunk(index, tables):
    """How many entries come at a time."""
    return min(index.shape[1], max(1, CHUNK // tables.shape[2]))


def _of_value_by_chunks(index, tables, upstream):
    """The gradient of the values, JAX on CPU."""
    from jax import lax
    from jax import numpy as jnp

    entries, chunk = index.shape[1], _chunk(index, tables)

    def with_table(total, pair):
        table, g = pair

        def with_chunk(i, found):
            start = jnp.minimum(i * chunk, entries - chunk)  # the last may begin within another
            to, at = lax.dynamic_slice(index, (0, start), (2, chunk))
            return lax.dynamic_update_slice(found, jnp.sum(g[to] * table[at], axis=-1), (start,))

        found = lax.fori_loop(0, -(-entries // chunk), with_chunk, jnp.zeros_like(total))
        return total + found, None

    total, _ = lax.scan(with_table, jnp.zeros(entries, tables.dtype), (tables, upstream))
    return total


def _by_sparse_matrix(index, value, tables, transposed=False):
    """TensorFlow on CPU: four to eight times faster than its sums over segments."""
    import tensorflow as tf

    def sorted_by_row():
        order = tf.argsort(index[0])
        return tf.gather(index, order, axis=1), tf.gather(value, order)

    is_sorted = tf.reduce_all(index[0, 1:] >= index[0, :-1])
    places, weights = tf.cond(is_sorted, lambda: (index, value), sorted_by_row)
    nodes = tf.shape(tables, tf.int64)[1]
    matrix = tf.raw_ops.SparseTensorToCSRSparseMatrix(
        indices=tf.cast(tf.transpose(places), tf.int64), values=weights, dense_shape=(nodes, nodes)
    )
    if transposed:  # much faster than to sort
        matrix = tf.raw_ops.SparseMatrixTranspose(input=matrix, type=value.dtype)

    def product(table):
        return tf.raw_ops.SparseMatrixMatMul(a=matrix, b=table)

    return product(tables[0])[None] if tables.shape[0] == 1 else tf.map_fn(product, tables)


def _on_torch(index, value, tables, nodes):
    fits = takes_own_form(value, tables, on_any_device=True)
    return (_own_product() if fits else _by_index)(index, value, tables, nodes)


def _by_index(index, value, tables, nodes):
    """PyTorch's sums over an index, which it can differentiate again."""
    (target, source), value = _as_one_graph(index, value, nodes)
    products = value[:, None] * tables.index_select(1, source)
    return tables.new_zeros(tables.shape).index_add(1, target, products)


@functools.cache
def _own_product():
    import torch

    def forward(index, value, tables, nodes):
        return _by_compressed_rows(index, value, tables, nodes), []

    def backward(wanted, arguments, kept, upstream):
        index, value, tables, nodes = arguments
        of_value = of_tables = None
        if wanted[1]:
            starts, columns, order = compressed_rows(index, len(value), nodes)
            total = compressed_matrix(starts, columns, torch.zeros_like(value))
            for table, g in zip(tables, upstream, strict=True):
                total = torch.sparse.sampled_addmm(total, g, table.T)
            of_value = torch.empty_like(value)
            of_value[:, order] = total.values().reshape(value.shape)
        if wanted[2]:
            of_tables = _by_compressed_rows(index.flip(0), value, upstream, nodes)
        return None, of_value, of_tables, None

    return own_form(_by_index, forward, backward)


def _by_compressed_rows(index, value, tables, nodes):
    """PyTorch's compressed rows, 30 times faster than its sums over segments."""
    import torch

    starts, columns, order = compressed_rows(index, len(value), nodes)
    matrix = compressed_matrix(starts, columns, value[:, order])
    products = [compressed_product(matrix, table) for table in tables]
    return torch.stack(products) if len(products) > 1 else products[0][None]
