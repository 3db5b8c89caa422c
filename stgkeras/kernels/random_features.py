"""Attention with a cost that is linear in the number of rows, by positive random features."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from stgkeras.types import Tensor


def orthogonal_directions(units: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draws directions with the distribution of Gaussian vectors, `units` at a time orthogonal.

    Args:
        units: int. Length d of a direction.
        count: int. Number m of directions.
        rng: `numpy.random.Generator`.

    Returns:
        Array (units, count).
    """
    blocks = []
    for _ in range(-(-count // units)):
        q, r = np.linalg.qr(rng.normal(size=(units, units)))
        blocks.append(q * np.sign(np.diag(r)))  # without the signs, q is not uniform
    return np.hstack(blocks)[:, :count] * np.sqrt(rng.chisquare(units, count))


def linear_attention(query: Tensor, key: Tensor, value: Tensor, directions: Tensor) -> Tensor:
    """Estimates softmax(Q Kᵀ / √d) V without the matrix of weights.

        exp(q kᵀ / √d) ≈ φ(q) φ(k)ᵀ,    φ(x)_i = exp(w_i xᵀ / d^¼ - |x|² / 2√d) / √m

    The mean of φ(q) φ(k)ᵀ over random directions w is exactly exp(q kᵀ / √d). The factors that are
    equal for all keys of a query cancel, and are left out.

    Args:
        query, key, value: tensors (..., rows, d); half precision is computed in float32.
        directions: the w as columns, (d, m).

    Returns:
        A tensor of the shape and dtype of `value`.
    """
    given, scale = value.dtype, query.shape[-1] ** -0.25
    dtype = keras.backend.result_type(given, "float32")
    query, key, value, directions = (
        ops.cast(one, dtype) for one in (query, key, value, directions)
    )
    key = key * scale
    query = ops.matmul(query * scale, directions)  # (..., rows, m)
    half_norm = ops.sum(ops.square(key), axis=-1, keepdims=True) / 2
    key = ops.matmul(key, directions) - half_norm
    query = ops.exp(query - ops.stop_gradient(ops.max(query, axis=-1, keepdims=True)))
    key = ops.exp(key - ops.stop_gradient(ops.max(key, axis=(-2, -1), keepdims=True)))
    total = ops.matmul(ops.swapaxes(key, -1, -2), value)  # (..., m, d)
    weight = ops.matmul(query, ops.sum(key, axis=-2)[..., None])  # (..., rows, 1)
    tiny = float(np.finfo("float32").tiny)  # if all features of a query underflow
    return ops.cast(ops.matmul(query, total) / ops.maximum(weight, tiny), given)
