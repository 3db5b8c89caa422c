"""The last step of a layer: bias and activation."""

from __future__ import annotations

from collections.abc import Callable

from keras import ops

from stgkeras.types import Tensor


def finished(
    y: Tensor, bias: Tensor | None = None, activation: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """Computes `activation(y + bias)`. None leaves out the bias or the activation.

    Args:
        y: (..., filters).
        bias: None or (filters,).
        activation: None or a function.

    Returns:
        A tensor of the shape of `y`.
    """
    y = y if bias is None else ops.add(y, bias)
    return y if activation is None else activation(y)
