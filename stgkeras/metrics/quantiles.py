"""Scores of forecasts of quantiles: a function for whole arrays, and Keras metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from stgkeras import arguments
from stgkeras.metrics.forecasts import _MaskedMean, check_step
from stgkeras.types import Array, Tensor


def quantile_scores(
    truth: Array, forecast: Array, quantiles: Sequence[float], null_value: float | None = None
) -> dict[str, float]:
    """Computes scores of forecasts of quantiles, over all readings that are not missing.

    Args:
        truth: array (windows, horizon, nodes, outputs). NaN if missing.
        forecast: array (windows, horizon, nodes, outputs, Q), the quantiles.
        quantiles: sequence of Q rising numbers between 0 and 1, their levels.
        null_value: float or None. Number that also marks a missing reading. Default None.

    Returns:
        dict. For each two levels τ and 1 - τ, the interval between their quantiles, of the level
        1 - 2τ, has "coverage 90 %" (share of readings inside, with the ends), "width 90 %" (mean
        width, in the units of `truth`) and "interval score 90 %". For each level, "share below q05"
        is the share of readings of at most this quantile. "CRPS" is twice the mean pinball loss of
        all levels, an estimate of the continuous ranked probability score. Without readings, all
        are NaN.

    Raises:
        ValueError: if the shapes do not fit, or `quantiles` do not rise from above 0 to below 1.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([1.0, 2.0, 6.0, np.nan]).reshape(4, 1, 1, 1)
        >>> forecast = np.tile([0.0, 2.0, 4.0], (4, 1, 1, 1, 1))
        >>> scores = stgkeras.metrics.quantile_scores(truth, forecast, (0.1, 0.5, 0.9))
        >>> for name in ("coverage 80 %", "width 80 %", "interval score 80 %", "CRPS"):
        ...     print(name, round(scores[name], 3))
        coverage 80 % 0.667
        width 80 % 4.0
        interval score 80 % 10.667
        CRPS 1.267

    Source:
        Gneiting and Raftery, 2007, Strictly proper scoring rules, prediction, and estimation,
        section 6.2 (interval score) and 4.2 (CRPS).
    """
    levels = arguments.levels("quantiles", quantiles)
    truth = arguments.array("truth", truth).astype("float64")
    forecast = arguments.array("forecast", forecast).astype("float64")
    if truth.ndim != 4 or forecast.shape != (*truth.shape, len(levels)):
        raise ValueError(
            "`forecast` must have the axes (windows, horizon, nodes, outputs) of `truth` and one "
            f"of {len(levels)} quantiles. Received: truth.shape={truth.shape}, forecast.shape="
            f"{forecast.shape}"
        )
    present = ~np.isnan(truth)
    if null_value is not None:
        present &= truth != null_value
    truth, forecast = truth[present], forecast[present]
    if not len(truth):
        truth, forecast = np.full(1, np.nan), np.full((1, len(levels)), np.nan)
    found = {}
    for low, high in pairs_of(levels):
        name = f"{round(100 * (levels[high] - levels[low]), 3):g} %"
        lower, upper = forecast[:, low], forecast[:, high]
        share = 2 * levels[low]
        beyond = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
        inside = np.where(np.isnan(truth), np.nan, beyond == 0)
        found[f"coverage {name}"] = float(inside.mean())
        found[f"width {name}"] = float((upper - lower).mean())
        found[f"interval score {name}"] = float((upper - lower + 2 / share * beyond).mean())
    losses = []
    for number, level in enumerate(levels):
        error = truth - forecast[:, number]
        below = np.where(np.isnan(truth), np.nan, error <= 0)
        found[f"share below {arguments.quantile_name(level)}"] = float(below.mean())
        losses.append(float(np.maximum(level * error, (level - 1) * error).mean()))
    return {**found, "CRPS": 2 * sum(losses) / len(losses)}


def pairs_of(levels: Sequence[float]) -> list[tuple[int, int]]:
    """Returns the positions of each two levels τ < 0.5 and 1 - τ, the widest interval first."""
    found = []
    for low, level in enumerate(levels):
        for high in range(low + 1, len(levels)):
            if abs(level + levels[high] - 1) < 1e-9:
                found.append((low, high))
    return found


class _QuantileMean(_MaskedMean):
    """Base class of the metrics of quantiles. `IntervalCoverage` describes the arguments."""

    def __init__(
        self,
        quantiles: Sequence[float],
        step: int | None = None,
        null_value: float | None = None,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(step, null_value, name, dtype)
        self.quantiles = arguments.levels("quantiles", quantiles)

    def _check(self, y_true, y_pred):
        shapes = tuple(y_true.shape), tuple(y_pred.shape)
        count = len(self.quantiles)
        ranks = [len(shape) for shape in shapes]
        differ = any(a != b for a, b in zip(shapes[0], shapes[1], strict=False) if a and b)
        if ranks != [4, 5] or differ or shapes[1][-1] != count:
            raise ValueError(
                "`y_pred` must have the axes (batch, horizon, nodes, outputs) of `y_true` and one "
                f"of {count} quantiles. Received: y_true.shape={shapes[0]}, y_pred.shape="
                f"{shapes[1]}"
            )
        check_step(self.step, shapes[1][1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "quantiles": self.quantiles}


class _IntervalMean(_QuantileMean):
    """Base class of the metrics of the interval between the first and the last quantile."""

    def __init__(self, quantiles: Sequence[float], *args: Any, **kwargs: Any) -> None:
        super().__init__(quantiles, *args, **kwargs)
        if abs(self.quantiles[0] + self.quantiles[-1] - 1) > 1e-9 or len(self.quantiles) < 2:
            raise ValueError(
                "`quantiles` must begin with a level τ and end with 1 - τ. Received: "
                f"quantiles={self.quantiles}. Pass levels such as (0.05, 0.5, 0.95)."
            )

    def _parts(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the widths of the intervals, and how far the truth is outside."""
        low, high = y_pred[..., 0], y_pred[..., -1]
        return high - low, ops.maximum(low - y_true, 0.0) + ops.maximum(y_true - high, 0.0)


@keras.saving.register_keras_serializable("stgkeras")
class IntervalCoverage(_IntervalMean):
    """Share of the readings inside the interval between the first and the last quantile.

    Missing readings do not count. The metric adds up all batches of an epoch.

    Args:
        quantiles: sequence of rising numbers between 0 and 1, the levels of the model. The first
            and the last must sum to 1, such as 0.05 and 0.95, whose interval has the level 0.9.
        step, null_value, dtype: as in `MaskedMeanAbsoluteError`.
        name: str or None. Name in the logs. Default None: "coverage".

    Call arguments:
        y_true: tensor (batch, horizon, nodes, outputs). NaN if missing.
        y_pred: tensor (batch, horizon, nodes, outputs, quantiles).
        sample_weight: as in `MaskedMeanAbsoluteError`.

    Returns:
        A scalar from 0 to 1; NaN before the first reading.

    Raises:
        ValueError: if an argument or a shape does not fit.

    Example:
        >>> import numpy as np, stgkeras
        >>> metric = stgkeras.metrics.IntervalCoverage((0.1, 0.9))
        >>> truth = np.array([1.0, 5.0, np.nan]).reshape(3, 1, 1, 1)
        >>> float(metric(truth, np.tile([0.0, 4.0], (3, 1, 1, 1, 1))))
        0.5
    """

    _short_name = "coverage"

    def _entries(self, y_true, y_pred):
        _, beyond = self._parts(y_true, y_pred)
        return ops.cast(ops.equal(beyond, 0.0), y_true.dtype)


@keras.saving.register_keras_serializable("stgkeras")
class IntervalWidth(_IntervalMean):
    """Mean width of the interval between the first and the last quantile, in the units of `y_true`.

    `IntervalCoverage` describes the arguments and the call. The default name is "width".

    Example:
        >>> import numpy as np, stgkeras
        >>> metric = stgkeras.metrics.IntervalWidth((0.1, 0.9))
        >>> float(metric(np.ones((3, 1, 1, 1)), np.tile([0.0, 4.0], (3, 1, 1, 1, 1))))
        4.0
    """

    _short_name = "width"

    def _entries(self, y_true, y_pred):
        return self._parts(y_true, y_pred)[0]


@keras.saving.register_keras_serializable("stgkeras")
class IntervalScore(_IntervalMean):
    """Interval score (Winkler score) of the interval between the first and the last quantile.

        score = width + (2 / α) · distance of the reading from the interval,    α = 1 - level

    Smaller is better. `IntervalCoverage` describes the arguments and the call. The default name is
    "interval_score".

    Source:
        Gneiting and Raftery, 2007, Strictly proper scoring rules, section 6.2; Winkler, 1972.
    """

    _short_name = "interval_score"

    def _entries(self, y_true, y_pred):
        width, beyond = self._parts(y_true, y_pred)
        return width + beyond / self.quantiles[0]


@keras.saving.register_keras_serializable("stgkeras")
class QuantileCRPS(_QuantileMean):
    """Continuous ranked probability score (CRPS), estimated from quantiles.

        score = 2 / Q Σ_q max(τ_q e_q, (τ_q - 1) e_q),    e_q = y_true - y_pred[..., q]

    Smaller is better. The estimate is close to the CRPS if the levels are evenly spread.
    `IntervalCoverage` describes the arguments and the call; the levels need not be symmetric. The
    default name is "crps".

    Source:
        Gneiting and Raftery, 2007, Strictly proper scoring rules, section 4.2.
    """

    _short_name = "crps"

    def _entries(self, y_true, y_pred):
        levels = ops.convert_to_tensor(self.quantiles, y_pred.dtype)
        error = ops.expand_dims(y_true, -1) - y_pred
        return 2.0 * ops.mean(ops.maximum(levels * error, (levels - 1.0) * error), axis=-1)
