"""The products of attention along time.

Fast form: PyTorch on CPU (adds the two gradients of the signal in place).
"""

from __future__ import annotations

import functools

import keras
from keras import ops

from stgkeras.kernels import dispatch
from stgkeras.kernels.torch_forms import own_form
from stgkeras.types import Tensor


def attended(scores: Tensor, x: Tensor) -> Tensor:
    """Computes the signal weighted by temporal scores, `Σ_s scores[b, t, s] x[b, s]`.

    Args:
        scores: (batch, time, time).
        x: (batch, time, nodes, features).

    Returns:
        A tensor of the shape of `x`.
    """
    steps, nodes, features = x.shape[1:]
    y = ops.matmul(scores, ops.reshape(x, (-1, steps, nodes * features)))
    return ops.reshape(y, (-1, steps, nodes, features))


def projections(weights: Tensor, x: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
    """Computes the two projections of a signal that bilinear attention needs.

    Args:
        weights: (batch, time) or (time,).
        x: (batch, time, nodes, features).
        kernel: (features,).

    Returns:
        `Σ_t weights[b, t] x[b, t]` (batch, nodes, features), and `x kernel` (batch, time, nodes).
    """
    if keras.backend.backend() != "torch":
        return _portable(weights, x, kernel)
    weights, x, kernel = map(ops.convert_to_tensor, (weights, x, kernel))
    form = _own_projections() if dispatch.takes_fast_form(weights, x, kernel) else _portable
    return form(weights, x, kernel)


def _portable(weights, x, kernel):
    steps, nodes, features = x.shape[1:]
    if len(weights.shape) == 1:
        weights = ops.broadcast_to(weights, (ops.shape(x)[0], steps))
    # A matrix product: einsum and sums are two to six times slower.
    columns = ops.reshape(x, (-1, steps, nodes * features))
    left = ops.matmul(ops.expand_dims(weights, 1), columns)
    return ops.reshape(left, (-1, nodes, features)), ops.matmul(x, kernel)


@functools.cache
def _own_projections():
    def forward(*arguments):
        weights, x, kernel = arguments
        batch, steps, nodes, features = x.shape
        rows = weights.expand(batch, steps)[:, None]
        left = rows.bmm(x.reshape(batch, steps, -1)).view(batch, nodes, features)
        return (left, x.matmul(kernel)), []

    def backward(wanted, arguments, kept, of_left, of_right):
        weights, x, kernel = arguments
        batch, steps, nodes, features = x.shape
        of_weights = x.reshape(batch, steps, -1).bmm(of_left.reshape(batch, -1, 1))[:, :, 0]
        of_kernel = of_right.reshape(-1) @ x.reshape(-1, features)
        of_x = None
        if wanted[1]:
            rows = weights.expand(batch, steps)[:, :, None]
            of_x = rows.bmm(of_left.reshape(batch, 1, -1)).view_as(x)
            of_x.addcmul_(of_right[..., None], kernel)
        return of_weights if weights.ndim == 2 else of_weights.sum(0), of_x, of_kernel

    return own_form(_portable, forward, backward)
