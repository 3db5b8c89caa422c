"""Graph operators: the one file that knows how they are stored and multiplied.

An operator acts on the node axis of a signal, `y = operator @ x`. It is either

- a dense tensor `(N, N)`, `(B, N, N)` or `(B, T, N, N)`, or
- sparse, a dict of tensors `{"index": (2, E) int32, "value": (E,)}`: entry `e` stands in row
  `index[0, e]`, the node that receives, and column `index[1, e]`. Values `(B, E)` or `(B, T, E)`,
  with an index of the same leading axes or one shared by all, make it rank 3 or 4. A `StaticTerms`
  layer adds "terms" (K, E), the Chebyshev terms on the same entries, which are then all the pairs
  of nodes within K - 1 hops.

Leading axes of the operator pair with the leading axes of the signal, from the left: a `(B, N, N)`
operator serves all the steps of a `(B, T, N, F)` signal.
"""

import keras
from keras import ops

from stgkeras.layers import _devices
from stgkeras.layers.sparse_product import CACHED, as_columns, in_order, sparse_product


def is_sparse(operator):
    """Whether the operator is stored as a dict of index and value."""
    return isinstance(operator, dict)


def apply(operator, x):
    """The product `operator @ x` over the node axis.

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
    # Steps that share an operator become columns of one product, (B, N, N) @ (B, N, T·F).
    columns, restore = as_columns(x, leading)
    return restore(ops.matmul(operator, columns))


def chebyshev_terms(operator, K, x=None):
    """The Chebyshev terms of a scaled Laplacian, `T_k = 2 L T_{k-1} - T_{k-2}`, T_0 = I, T_1 = L.

    Args:
        operator: scaled Laplacian of rank 2, 3 or 4; dense unless `x` is given.
        K: int. Number of terms.
        x: None for the matrices T_k, or a signal (..., nodes, features) for the products T_k x.

    Returns:
        List of K tensors: T_0, …, T_{K-1} as matrices with the leading axes of the operator (T_0
        has none), or T_0 x, …, T_{K-1} x of the shape of `x`.
    """
    terms = [ops.eye(operator.shape[-1], dtype=operator.dtype) if x is None else x]
    if K > 1:
        terms.append(operator if x is None else apply(operator, x))
    while len(terms) < K:
        terms.append(2.0 * apply(operator, terms[-1]) - terms[-2])
    return terms


def chebyshev_sum(operator, signals):
    """The sum of T_k signals[k] over k, by Clenshaw's recurrence.

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


def attended_terms(operator, K, attention, x):
    """The Chebyshev terms weighted by an attention, T_k ⊙ S, for signals like `x`.

    Args:
        operator: scaled Laplacian, dense or sparse, of rank 2, 3 or 4.
        K: int. Number of terms.
        attention: (batch, nodes, nodes); or (batch, E) with an operator that brings its terms.
        x: (batch, time, nodes, features).

    Returns:
        List of K: the diagonal of the attention (batch, nodes), for T_0 = I, and operators of rank
        3, or 4 with one graph a step. They are sparse where the attention is over pairs, and on
        CPUs where the pairs of an operator that brings its terms are few among all.
    """
    nodes = x.shape[-2]
    if len(attention.shape) == 2:
        ones = ops.ones_like(x[:, 0, :, :1])
        own = {"index": operator["index"], "value": operator["terms"][0] * attention}
        diagonal = apply(own, ones)[..., 0]
    else:
        flat = ops.reshape(attention, (-1, nodes * nodes))
        diagonal = flat[:, :: nodes + 1]  # TensorFlow's own has no gradient in batches of any size
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


def attended_products(terms, signals):
    """The products of `attended_terms` and a signal each, (batch, time, nodes, features) or (batch,
    nodes, columns), as a list."""
    diagonal, *others = terms
    diagonal = diagonal[..., None] if len(signals[0].shape) == 3 else diagonal[:, None, :, None]
    products = [
        _of_parts(term["index"], term["value"], signal) if is_sparse(term) else apply(term, signal)
        for term, signal in zip(others, signals[1:], strict=True)
    ]
    return [diagonal * signals[0], *products]


def _has_few_pairs(operator, x):
    """Whether sparse products of the pairs are faster than dense ones of all, as measured: with
    TensorFlow and PyTorch up to a share of about an eighth."""
    fast = keras.backend.backend() in ("tensorflow", "torch") and _devices.on_cpu(x)
    steps, nodes, features = x.shape[1:]
    has_long_rows = steps is not None and steps * features >= 128
    return fast and has_long_rows and 8 * operator["index"].shape[1] <= nodes**2


def serves_columns(terms, x):
    """Whether steps should be columns of one product with such terms: not with a graph a step, nor
    where sparse ones would read rows that are too long for the cache."""
    steps, nodes, features = x.shape[1:]
    if is_sparse(terms[-1]):
        return None not in (steps, nodes) and steps * nodes * features <= CACHED
    return len(terms[-1].shape) < 4


def to_dense(operator, num_nodes):
    """The operator as a tensor with axes (..., nodes, nodes)."""
    if not is_sparse(operator):
        return operator
    identity = ops.eye(num_nodes, dtype=operator["value"].dtype)
    leading = ops.shape(operator["value"])[:-1]
    return apply(operator, ops.broadcast_to(identity, (*leading, num_nodes, num_nodes)))


def neighbourhood(operator, K, num_nodes):
    """Which nodes each node hears within K - 1 hops: the joint support of T_0, …, T_{K-1}.

    Args:
        operator: scaled Laplacian, dense or sparse, of rank 2, 3 or 4.
        K: int. Number of Chebyshev terms.
        num_nodes: int. Number of nodes N.

    Returns:
        bool tensor with the leading axes of the operator and (N, N); the diagonal is True.
    """
    terms = chebyshev_terms(to_dense(operator, num_nodes), K)
    return sum(ops.abs(term) for term in terms[1:]) + terms[0] != 0


def has_terms(operator):
    """Whether the operator brings its Chebyshev terms along, or its shape says so."""
    return is_sparse(operator) and "terms" in operator


def softmax_of_pairs(operator, K, energy, num_nodes):
    """Softmax over what each node hears within K - 1 hops.

    Args:
        operator: sparse operator with terms.
        K: int. Number of Chebyshev terms.
        energy: (B, E), one number for each entry.
        num_nodes: int. Number of nodes N.

    Returns:
        (B, E), for each node the entries that stand in its row sum to 1.
    """
    heard, row = ops.any(operator["terms"][:K] != 0, axis=0), operator["index"][0]
    energy = ops.where(heard, energy, -3e4)
    highest = ops.segment_max(ops.transpose(energy), row, num_segments=num_nodes)  # (N, B)
    highest = ops.stop_gradient(ops.take(ops.transpose(highest), row, axis=1))
    share = ops.where(heard, ops.exp(energy - highest), 0.0)
    ones = ops.ones((ops.shape(energy)[0], num_nodes, 1), dtype=energy.dtype)
    total = apply({"index": operator["index"], "value": share}, ones)[..., 0]  # (B, N)
    return share / ops.take(total, row, axis=1)


def _apply_sparse(index, value, x):
    y = (_of_parts if len(value.shape) > 1 else sparse_product)(index, value, x)
    return _nan_if_unset(value, y)


def _nan_if_unset(value, y):
    # A `StaticGraph` that was never set raises, but where JAX traces it cannot, and is NaN. A dense
    # operator then makes every node NaN; a sparse one only those it names, unless others are told.
    if keras.backend.backend() != "jax":
        return y
    first = ops.reshape(value, (-1,))[0]
    return y + ops.cast(ops.where(ops.isnan(first), float("nan"), 0.0), y.dtype)


def _of_parts(index, value, x):
    """The product of one graph of disjoint parts: part b owns the nodes b·N, …, b·N + N - 1."""
    leading, nodes = len(value.shape) - 1, x.shape[-2]
    value, of_part = ops.reshape(value, (-1, value.shape[-1])), nodes
    if len(index.shape) > 2:  # parts of different shapes, laid out as one graph
        index = ops.reshape(index, (-1, 2, index.shape[-1]))
        first = nodes * ops.arange(ops.shape(index)[0], dtype=index.dtype)[:, None, None]
        index = ops.reshape(ops.transpose(index + first, (1, 0, 2)), (2, -1))
        value, of_part = ops.reshape(value, (-1,)), None
    steps = range(leading, len(x.shape) - 2)  # those that share a part come first, then parts
    moved, restore = in_order(x, [*steps, *range(leading), len(x.shape) - 2, len(x.shape) - 1])
    shape = ops.shape(moved)
    rows = ops.reshape(moved, (*shape[: len(steps)], -1, shape[-1]))
    return restore(sparse_product(index, value, rows, of_part))
