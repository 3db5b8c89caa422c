"""The last step of a layer: bias and activation."""

from __future__ import annotations

import math
from collections.abc import Callable

from keras import ops

from stgkeras.kernels import dispatch
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


def gelu(x: Tensor) -> Tensor:
    """Computes `x · Φ(x)`, Φ being the distribution function of the standard normal distribution.

    The portable form is for exporters, which lack the function that Keras takes on TensorFlow.
    """
    if dispatch.takes_fast_form(x, on_any_device=True, any_dtype=True):
        return ops.gelu(x, approximate=False)
    return 0.5 * x * (1.0 + ops.erf(x * math.sqrt(0.5)))
