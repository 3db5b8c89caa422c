"""Fast forms of the sparse product, by backend. `sparse_product` chooses one of them."""

from __future__ import annotations

import functools

from stgkeras.kernels.compressed_rows import compressed_matrix, compressed_product, compressed_rows
from stgkeras.kernels.torch_forms import own_form

CHUNK = 2**20  # numbers that XLA gathers at a time, before it adds them


def ends(index, transposed):
    """Returns the nodes that receive and the nodes that send; `transposed` swaps them."""
    return (index[1], index[0]) if transposed else (index[0], index[1])


# JAX on CPU


def product_on_jax(index, value, tables, transposed=False):
    """Computes the product, with a few entries at a time, which stay in the cache."""
    import jax

    target, source = ends(index, transposed)
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
    """Number of entries that are gathered at a time."""
    return min(index.shape[1], max(1, CHUNK // tables.shape[2]))


def of_value_on_jax(index, tables, upstream):
    """Computes the gradient of the values."""
    from jax import lax
    from jax import numpy as jnp

    entries, chunk = index.shape[1], _chunk(index, tables)

    def with_table(total, pair):
        table, g = pair

        def with_chunk(i, found):
            start = jnp.minimum(i * chunk, entries - chunk)  # the last chunks may overlap
            to, at = lax.dynamic_slice(index, (0, start), (2, chunk))
            return lax.dynamic_update_slice(found, jnp.sum(g[to] * table[at], axis=-1), (start,))

        found = lax.fori_loop(0, -(-entries // chunk), with_chunk, jnp.zeros_like(total))
        return total + found, None

    total, _ = lax.scan(with_table, jnp.zeros(entries, tables.dtype), (tables, upstream))
    return total


# TensorFlow on CPU


def product_on_tensorflow(index, value, tables, transposed=False):
    """Computes the product with the sparse matrices of TensorFlow."""
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
    if transposed:  # much faster than to swap the index and sort it
        matrix = tf.raw_ops.SparseMatrixTranspose(input=matrix, type=value.dtype)

    def product(table):
        return tf.raw_ops.SparseMatrixMatMul(a=matrix, b=table)

    return product(tables[0])[None] if tables.shape[0] == 1 else tf.map_fn(product, tables)


# PyTorch


@functools.cache
def product_on_torch(portable):
    """Returns the product with compressed rows, which has the portable form `portable`."""
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

    return own_form(portable, forward, backward)


def _by_compressed_rows(index, value, tables, nodes):
    import torch

    starts, columns, order = compressed_rows(index, len(value), nodes)
    matrix = compressed_matrix(starts, columns, value[:, order])
    products = [compressed_product(matrix, table) for table in tables]
    return torch.stack(products) if len(products) > 1 else products[0][None]
