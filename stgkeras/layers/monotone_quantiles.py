from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class MonotoneQuantiles(keras.layers.Layer):
    """Turns free numbers into quantiles that never cross.

        q[c] = z[c]                              c: the level nearest to 0.5
        q[i] = q[i-1] + softplus(z[i])           for the levels above
        q[i] = q[i+1] - softplus(z[i])           for the levels below

    So q[0] ≤ q[1] ≤ … for all inputs.

    Args:
        quantiles: sequence of Q rising numbers between 0 and 1, the levels of the quantiles.

    Call arguments:
        x: tensor (..., outputs · Q). The numbers of an output are side by side.

    Returns:
        Tensor (..., outputs, Q).

    Raises:
        ValueError: if `quantiles` do not rise from above 0 to below 1, or the last axis of `x` is
            no multiple of Q.

    Example:
        >>> import keras, numpy as np, stgkeras
        >>> layer = stgkeras.layers.MonotoneQuantiles((0.1, 0.5, 0.9))
        >>> q = keras.ops.convert_to_numpy(layer(np.array([[0.0, 2.0, 0.0]])))
        >>> [round(float(number), 3) for number in q.ravel()]
        [1.307, 2.0, 2.693]

    Source:
        Gasthaus et al., 2019, Probabilistic forecasting with spline quantile function RNNs, who
        use positive steps; the free middle level is of this library.
    """

    def __init__(self, quantiles: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.quantiles = _checks.levels("quantiles", quantiles)

    def call(self, x: Tensor) -> Tensor:
        count = len(self.quantiles)
        self._check(x.shape)
        batch = ops.shape(x)[0]
        x = ops.reshape(x, (batch, *x.shape[1:-1], x.shape[-1] // count, count))
        # A product, and no sums of single quantiles: XLA would compute the lower quantile again for
        # each sum, with other rounding, and could then find the sum of it and a step to be lower.
        middle = int(np.abs(np.array(self.quantiles) - 0.5).argmin())
        steps = ops.where(np.arange(count) == middle, x, ops.softplus(x))
        return ops.matmul(steps, ops.cast(_sums(count, middle), x.dtype))

    def compute_output_shape(self, x_shape: tuple) -> tuple:
        self._check(x_shape)
        count = len(self.quantiles)
        return (*x_shape[:-1], x_shape[-1] // count, count)

    def _check(self, x_shape):
        if len(x_shape) < 2 or x_shape[-1] is None or x_shape[-1] % len(self.quantiles):
            raise ValueError(
                f"`x` must have axes (..., outputs · {len(self.quantiles)} quantiles). Received: "
                f"x.shape={tuple(x_shape)}"
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "quantiles": list(self.quantiles)}


def _sums(count, middle):
    """Returns the matrix (Q, Q) that turns the middle quantile and the steps into quantiles."""
    step, quantile = np.ogrid[:count, :count]
    above = (middle < step) & (step <= quantile)
    below = (quantile <= step) & (step < middle)
    return (above | (step == middle)).astype("float32") - below
