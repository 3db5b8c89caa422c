"""Graph convolutions, with the products in the order that takes the fewest operations."""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import ops

from stgkeras.kernels import operators
from stgkeras.kernels.attended_sum import attended_sum
from stgkeras.kernels.finish import finished
from stgkeras.kernels.time_convolution import time_conv
from stgkeras.types import Tensor


def linear(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    activation: Callable[[Tensor], Tensor] = keras.activations.linear,
) -> Tensor:
    """Computes `activation(x @ kernel + bias)`.

    Args:
        x: (..., nodes, features).
        kernel: (features, filters).
        bias: None or (filters,).
        activation: function.

    Returns:
        (..., nodes, filters).
    """
    if len(x.shape) == 4:
        return time_conv(x, ops.convert_to_tensor(kernel)[None], bias, activation=activation)
    return finished(ops.matmul(x, kernel), bias, activation)


def graph_conv(
    x: Tensor,
    operator: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    activation: Callable[[Tensor], Tensor] = keras.activations.linear,
) -> Tensor:
    """Computes the first-order graph convolution `activation(operator @ x @ kernel + bias)`.

    Args:
        x: (..., nodes, features).
        operator: graph operator, dense or sparse, of rank 2, 3 or 4.
        kernel: (features, filters).
        bias: None or (filters,).
        activation: function.

    Returns:
        (..., nodes, filters).
    """
    if x.shape[-1] <= kernel.shape[-1]:  # the operator multiplies the narrower signal
        return linear(operators.apply(operator, x), kernel, bias, activation)
    return finished(operators.apply(operator, ops.matmul(x, kernel)), bias, activation)


def chebyshev_conv(
    x: Tensor,
    operator: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    activation: Callable[[Tensor], Tensor] = keras.activations.linear,
    attention: Tensor | None = None,
) -> Tensor:
    """Computes the Chebyshev graph convolution `activation(Σ_k (T_k ⊙ S) x kernel[k] + bias)`.

    Args:
        x: (..., nodes, features); with `attention`, (batch, time, nodes, features).
        operator: scaled Laplacian L, dense or sparse, of rank 2, 3 or 4. T_k are its Chebyshev
            terms.
        kernel: (K, features, filters).
        bias: None or (filters,).
        activation: function.
        attention: the matrix S, (batch, nodes, nodes), or (batch, E) with an operator that has
            "terms"; None is a matrix of ones.

    Returns:
        (..., nodes, filters).
    """
    K, features, filters = kernel.shape
    if attention is None:
        if filters < features:  # the operator multiplies the narrower signal
            kernel = ops.reshape(ops.transpose(kernel, (1, 0, 2)), (features, -1))
            signals = ops.split(ops.matmul(x, kernel), K, axis=-1)  # K of (..., N, filters)
            return finished(operators.chebyshev_sum(operator, signals), bias, activation)
        terms = operators.chebyshev_terms(operator, K, x)
    else:
        weighted = operators.attended_terms(operator, K, attention, x)
        if filters <= features and operators.serves_columns(weighted, x):
            return attended_sum(x, weighted, kernel, bias, activation)
        terms = operators.attended_products(weighted, [x] * K)
    kernel = ops.reshape(kernel, (-1, filters))  # (K·F, filters)
    return linear(ops.concatenate(terms, axis=-1), kernel, bias, activation)
