"""Graph operators: their storage, and the computations with them. All code is portable.

An operator acts on the node axis of a signal, `y = operator @ x`. It is either

- a dense tensor `(N, N)`, `(B, N, N)` or `(B, T, N, N)`, or
- sparse, a dict of tensors `{"index": (2, E) int32, "value": (E,)}`. Entry `e` is in row
  `index[0, e]`, the node that receives, and in column `index[1, e]`, the node that sends. An
  operator of rank 3 or 4 has values `(B, E)` or `(B, T, E)`, and an index with the same leading
  axes or without leading axes. A `StaticTerms` layer adds "terms" (K, E). The entries are then all
  pairs of nodes within K - 1 hops, and "terms" has their values in the K Chebyshev terms.

The leading axes of the operator are the first axes of the signal. For example, a `(B, N, N)`
operator multiplies all steps of a `(B, T, N, F)` signal.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from stgkeras.kernels import dispatch
from stgkeras.kernels.dense_product import dense_product
from stgkeras.kernels.sparse_product import CACHED, as_columns, in_order, sparse_product
from stgkeras.types import Tensor


def is_sparse(operator: Tensor) -> bool:
    """Returns whether the operator is sparse, stored as a dict of index and value."""
    return isinstance(operator, dict)


def apply(operator: Tensor, x: Tensor) -> Tensor:
    """Computes the product `operator @ x` over the node axis.

    Args:
        operator: graph operator, dense or sparse, of rank 2, 3 or 4.
        x: (..., nodes, features).

    Returns:
        A tensor of the shape of `x`.
    """
    if is_sparse(operator):
        return _apply_sparse(operator["index"], operator["value"], x)
    leading = len(operator.shape) - 2
    if leading in (0, len(x.shape) - 2):
        return ops.matmul(operator, x)
    # Steps with the same operator become columns of one product, (B, N, N) @ (B, N, T·F).
    columns, restore = as_columns(x, leading)
    return restore(ops.matmul(operator, columns))


def diffusion_terms(operators: Sequence[Tensor], K: int, x: Tensor) -> list[Tensor]:
    """Computes x, and for each operator P the signals P x, P² x, …, P^K x.

    Args:
        operators: list of graph operators, dense or sparse, of rank 2, 3 or 4.
        K: int. Largest power.
        x: (..., nodes, features).

    Returns:
        List of 1 + operators · K tensors of the shape of `x`.
    """
    terms = [x]
    for operator in operators:
        z, is_plain = x, not is_sparse(operator) and len(operator.shape) == 2 < len(x.shape)
        for _ in range(K):
            z = (dense_product if is_plain else apply)(operator, z)
            terms.append(z)
    return terms


def chebyshev_terms(operator: Tensor, K: int, x: Tensor | None = None) -> list[Tensor]:
    """Computes the Chebyshev terms `T_k = 2 L T_{k-1} - T_{k-2}`, with T_0 = I and T_1 = L.

    Args:
        operator: scaled Laplacian of rank 2, 3 or 4. It must be dense if `x` is None.
        K: int. Number of terms.
        x: None, or a signal (..., nodes, features).

    Returns:
        List of K tensors. With `x`, the products T_0 x, …, T_{K-1} x, each of the shape of `x`.
        Without `x`, the matrices T_0, …, T_{K-1}. T_0 is (nodes, nodes); the other matrices have
        the shape of the operator.
    """
    terms = [ops.eye(operator.shape[-1], dtype=operator.dtype) if x is None else x]
    if K > 1:
        terms.append(operator if x is None else apply(operator, x))
    while len(terms) < K:
        terms.append(2.0 * apply(operator, terms[-1]) - terms[-2])
    return terms


def chebyshev_sum(operator: Tensor, signals: Sequence[Tensor]) -> Tensor:
    """Computes the sum of T_k signals[k] over k, by Clenshaw's recurrence.

    Args:
        operator: scaled Laplacian, dense or sparse, of rank 2, 3 or 4.
        signals: list of K tensors (..., nodes, features).

    Returns:
        A tensor of the shape of each signal.
    """
    first, *others = signals
    if not others:
        return first
    current, previous = others.pop(), 0.0
    while others:
        current, previous = (
            others.pop() + 2.0 * apply(operator, current) - previous,
            current,
        )
    return first + apply(operator, current) - previous


def attended_terms(operator: Tensor, K: int, attention: Tensor, x: Tensor) -> list[Tensor]:
    """Computes the Chebyshev terms weighted by an attention, T_k ⊙ S.

    Args:
        operator: scaled Laplacian, dense or sparse, of rank 2, 3 or 4.
        K: int. Number of terms.
        attention: (batch, nodes, nodes); or (batch, E) with an operator that has "terms".
        x: (batch, time, nodes, features), a signal of the shape that the terms will multiply.

    Returns:
        List of K items: the diagonal of the attention (batch, nodes), which is T_0 ⊙ S, and K - 1
        operators of rank 3, or of rank 4 with one graph for each step. They are sparse if the
        attention is (batch, E), or if sparse products are faster.
    """
    nodes = x.shape[-2]
    if len(attention.shape) == 2:
        ones = ops.ones_like(x[:, 0, :, :1])
        own = {"index": operator["index"], "value": operator["terms"][0] * attention}
        diagonal = apply(own, ones)[..., 0]
    else:
        flat = ops.reshape(attention, (-1, nodes * nodes))
        # On TensorFlow, ops.diagonal has no gradient if the batch size is unknown.
        diagonal = flat[:, :: nodes + 1]
        if has_terms(operator) and _has_few_pairs(operator, x):
            attention = ops.take(flat, operator["index"][0] * nodes + operator["index"][1], axis=1)
    if len(attention.shape) == 2:
        values = [operator["terms"][k] * attention for k in range(1, K)]
        others = [{"index": operator["index"], "value": value} for value in values]
        return [_nan_if_unset(operator["value"], diagonal), *others]
    operator = to_dense(operator, nodes)
    if len(operator.shape) == 4:
        attention = attention[:, None]  # the same at every step
    return [diagonal, *(term * attention for term in chebyshev_terms(operator, K)[1:])]


def attended_products(terms: Sequence[Tensor], signals: Sequence[Tensor]) -> list[Tensor]:
    """Multiplies each of the `attended_terms` by its own signal: terms[k] by signals[k].

    Args:
        terms: list of K items from `attended_terms`.
        signals: list of K tensors (batch, time, nodes, features) or (batch, nodes, columns).

    Returns:
        List of K tensors of the shapes of the signals.
    """
    diagonal, *others = terms
    diagonal = diagonal[..., None] if len(signals[0].shape) == 3 else diagonal[:, None, :, None]
    products = [
        _of_parts(term["index"], term["value"], signal) if is_sparse(term) else apply(term, signal)
        for term, signal in zip(others, signals[1:], strict=True)
    ]
    return [diagonal * signals[0], *products]


def serves_columns(terms: Sequence[Tensor], x: Tensor) -> bool:
    """Returns whether the steps of `x` should be columns of one product with each of the terms.

    This is not possible with one graph for each step. With sparse terms, it is slow if a table of
    all columns does not fit in the cache.
    """
    steps, nodes, features = x.shape[1:]
    if is_sparse(terms[-1]):
        return None not in (steps, nodes) and steps * nodes * features <= CACHED
    return len(terms[-1].shape) < 4


def to_dense(operator: Tensor, num_nodes: int) -> Tensor:
    """Returns the operator as a tensor (..., nodes, nodes)."""
    if not is_sparse(operator):
        return operator
    identity = ops.eye(num_nodes, dtype=operator["value"].dtype)
    leading = ops.shape(operator["value"])[:-1]
    return apply(operator, ops.broadcast_to(identity, (*leading, num_nodes, num_nodes)))


def neighbourhood(operator: Tensor, K: int, num_nodes: int) -> Tensor:
    """Returns a mask of the pairs of nodes (n, m) with a path from m to n of at most K - 1 edges.

    The mask is True where at least one of the Chebyshev terms T_0, …, T_{K-1} is not zero.

    Args:
        operator: scaled Laplacian, dense or sparse, of rank 2, 3 or 4.
        K: int. Number of Chebyshev terms.
        num_nodes: int. Number of nodes N.

    Returns:
        bool tensor (..., N, N) with the leading axes of the operator; the diagonal is True.
    """
    terms = chebyshev_terms(to_dense(operator, num_nodes), K)
    return sum(ops.abs(term) for term in terms[1:]) + terms[0] != 0


def has_terms(operator: Tensor) -> bool:
    """Returns whether a sparse operator, or a dict of its shapes, has the item "terms"."""
    return is_sparse(operator) and "terms" in operator


def softmax_of_pairs(operator: Tensor, K: int, energy: Tensor, num_nodes: int) -> Tensor:
    """Computes, for each node n, the softmax over the nodes with a short path to n (K - 1 hops).

    Args:
        operator: sparse operator with "terms".
        K: int. Number of Chebyshev terms; the neighbourhoods reach K - 1 hops.
        energy: (B, E), one number for each entry.
        num_nodes: int. Number of nodes N.

    Returns:
        (B, E). The entries of a row sum to 1.
    """
    received, row = ops.any(operator["terms"][:K] != 0, axis=0), operator["index"][0]
    energy = ops.where(received, energy, -3e4)
    highest = _highest(ops.transpose(energy), row, num_nodes)  # (N, B)
    highest = ops.stop_gradient(ops.take(ops.transpose(highest), row, axis=1))
    share = ops.where(received, ops.exp(energy - highest), 0.0)
    ones = ops.ones((ops.shape(energy)[0], num_nodes, 1), dtype=energy.dtype)
    total = apply({"index": operator["index"], "value": share}, ones)[..., 0]  # (B, N)
    return share / ops.take(total, row, axis=1)


def _highest(x, segment, count):
    if keras.backend.backend() != "torch":
        return ops.segment_max(x, segment, num_segments=count)
    # Keras looks for segments out of range first, and PyTorch cannot export such a search.
    segment = segment.long()[:, None].expand_as(x)
    lowest = x.new_full((count, x.shape[1]), float("-inf"))
    return lowest.scatter_reduce(0, segment, x, "amax")


def _apply_sparse(index, value, x):
    y = (_of_parts if len(value.shape) > 1 else sparse_product)(index, value, x)
    return _nan_if_unset(value, y)


def _nan_if_unset(value, y):
    # A `StaticGraph` without a graph raises an error, except while JAX traces. Then its values are
    # NaN. The index of a sparse operator may not contain all nodes, so all nodes are set to NaN
    # here.
    if keras.backend.backend() != "jax":
        return y
    first = ops.reshape(value, (-1,))[0]
    return y + ops.cast(ops.where(ops.isnan(first), float("nan"), 0.0), y.dtype)


def _of_parts(index, value, x):
    """Computes the product with a block-diagonal matrix, with a block of N nodes for each graph."""
    leading, nodes = len(value.shape) - 1, x.shape[-2]
    value, of_part = ops.reshape(value, (-1, value.shape[-1])), nodes
    if len(index.shape) > 2:  # blocks with different indices, as one graph
        index = ops.reshape(index, (-1, 2, index.shape[-1]))
        first = nodes * ops.arange(ops.shape(index)[0], dtype=index.dtype)[:, None, None]
        index = ops.reshape(ops.transpose(index + first, (1, 0, 2)), (2, -1))
        value, of_part = ops.reshape(value, (-1,)), None
    # The steps with the same graph become the first axes.
    steps = range(leading, len(x.shape) - 2)
    moved, restore = in_order(x, [*steps, *range(leading), len(x.shape) - 2, len(x.shape) - 1])
    shape = ops.shape(moved)
    rows = ops.reshape(moved, (*shape[: len(steps)], -1, shape[-1]))
    return restore(sparse_product(index, value, rows, of_part))


def _has_few_pairs(operator, x):
    """Returns whether sparse products are faster than dense products.

    Measured on TensorFlow and PyTorch: sparse products are faster if the graph has at most an
    eighth of all pairs of nodes, and each row of the signal has at least 128 numbers.
    """
    if keras.backend.backend() == "jax" or not dispatch.takes_fast_form(x, any_dtype=True):
        return False
    steps, nodes, features = x.shape[1:]
    has_long_rows = steps is not None and steps * features >= 128
    return has_long_rows and 8 * operator["index"].shape[1] <= nodes**2
