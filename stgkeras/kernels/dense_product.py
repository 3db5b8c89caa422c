"""The product of a dense graph operator and a signal.

Fast form: PyTorch on CPU (a product for each step, and own gradient: PyTorch's own form copies the
signal to another order of axes, and takes up to twice as long).
"""

from __future__ import annotations

import functools

import keras
from keras import ops

from stgkeras.kernels import dispatch
from stgkeras.kernels.torch_forms import own_form
from stgkeras.types import Tensor


def dense_product(operator: Tensor, x: Tensor) -> Tensor:
    """Computes `operator @ x` over the node axis.

    Args:
        operator: (nodes, nodes).
        x: (..., nodes, features), of rank 3 or more.

    Returns:
        A tensor of the shape of `x`.
    """
    if keras.backend.backend() == "torch":
        operator, x = ops.convert_to_tensor(operator), ops.convert_to_tensor(x)
        if dispatch.takes_fast_form(operator, x):
            return _own_product()(operator, x)
    return ops.matmul(operator, x)


@functools.cache
def _own_product():
    def forward(operator, x):
        return _by_steps(operator, x), []

    def backward(wanted, arguments, kept, g):
        operator, x = arguments
        of_operator = None
        if wanted[0]:
            rows = (part.movedim(-2, 0).flatten(1) for part in (g, x))  # (nodes, all others)
            of_operator = next(rows) @ next(rows).T
        return of_operator, _by_steps(operator.T, g) if wanted[1] else None

    return own_form(ops.matmul, forward, backward)


def _by_steps(operator, x):
    steps = x.reshape(-1, *x.shape[-2:])
    return operator.expand(len(steps), -1, -1).bmm(steps).view(x.shape)
