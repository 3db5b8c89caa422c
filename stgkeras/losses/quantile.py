"""The loss of forecasts of quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from stgkeras import arguments
from stgkeras.losses.masked import _MaskedLoss
from stgkeras.missing import is_finite
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class QuantileLoss(_MaskedLoss):
    """Pinball loss of quantiles, over all readings that are not missing.

        loss = Σ_q w_q max(τ_q e_q, (τ_q - 1) e_q) / Σ_q w_q,    e_q = y_true - y_pred[..., q]

    Its expectation is smallest where y_pred[..., q] is the quantile of the level τ_q. For one
    quantile of the level 0.5, it is half of the absolute error. NaN marks a missing reading.

    Args:
        quantiles: sequence of Q rising numbers τ between 0 and 1, those of the model.
        weights: None, or Q numbers w of at least 0, how much each level counts. Default: all the
            same.
        null_value, reduction, name, dtype, scale: as in `MaskedMeanAbsoluteError`.

    Call arguments:
        y_true: tensor of any shape, such as (batch, horizon, nodes, outputs).
        y_pred: tensor (..., Q) with the shape of `y_true` and an axis of Q quantiles.
        sample_weight: as in `MaskedMeanAbsoluteError`.

    Returns:
        A scalar, or a tensor of the shape of `y_true` if `reduction` is None.

    Raises:
        ValueError: if `quantiles` do not rise from above 0 to below 1, `weights` do not fit them,
            or `y_pred` has another shape.

    Example:
        >>> from stgkeras.losses import QuantileLoss
        >>> loss = QuantileLoss((0.1, 0.9))
        >>> round(float(loss([[10.0, float("nan")]], [[[8.0, 11.0], [0.0, 0.0]]])), 6)
        0.15

    Source:
        Koenker and Bassett, 1978, Regression quantiles, Econometrica 46.
    """

    def __init__(
        self,
        quantiles: Sequence[float],
        weights: Sequence[float] | None = None,
        null_value: float | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        scale: Sequence[float] | None = None,
    ) -> None:
        super().__init__(null_value, reduction, name, dtype, scale)
        self.quantiles = arguments.levels("quantiles", quantiles)
        self.weights = None if weights is None else self._checked_weights(weights)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        count = len(self.quantiles)
        if len(y_pred.shape) != len(y_true.shape) + 1 or y_pred.shape[-1] != count:
            raise ValueError(
                f"`y_pred` must have the shape of `y_true` and a last axis of {count} quantiles. "
                f"Received: y_true.shape={tuple(y_true.shape)}, y_pred.shape="
                f"{tuple(y_pred.shape)}. Create the model with `quantiles={self.quantiles}`."
            )
        weights = self.weights or [1.0] * count
        total = 0.0
        parts = ops.unstack(y_pred, count, axis=-1)  # the gradient of an index is slower
        for level, weight, part in zip(self.quantiles, weights, parts, strict=True):
            error = self._error(y_true, part)  # forecast minus truth
            # An error of 0 must have gradient 0, as in the mean absolute error.
            slope = ops.where(ops.greater(error, 0.0), 1.0 - level, -level)
            slope = ops.where(ops.equal(error, 0.0), 0.0, slope)
            total = total + (weight / sum(weights)) * slope * error
        return total

    def _checked_weights(self, weights):
        found = [float(weight) if is_finite(weight) else -1.0 for weight in weights]
        if len(found) != len(self.quantiles) or min(found) < 0 or not sum(found):
            raise ValueError(
                f"`weights` must be {len(self.quantiles)} numbers of at least 0, one for each "
                f"quantile, and not all 0. Received: weights={weights!r}"
            )
        return found

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "quantiles": self.quantiles, "weights": self.weights}
