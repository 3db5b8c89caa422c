"""Metrics of forecasts and of predicted links.

Functions compute metrics of whole arrays. Classes are Keras metrics for `compile`.
"""

from __future__ import annotations

from stgkeras.metrics.forecasts import (
    MaskedMeanAbsoluteError,
    MaskedMeanAbsolutePercentageError,
    MaskedRootMeanSquaredError,
    forecast_errors,
)
from stgkeras.metrics.link_metrics import LinkAUC, LinkAveragePrecision, LinkBrier, LinkF1
from stgkeras.metrics.links import best_threshold, link_scores, recall_at_k, reliability
from stgkeras.metrics.quantiles import (
    IntervalCoverage,
    IntervalScore,
    IntervalWidth,
    QuantileCRPS,
    quantile_scores,
)
from stgkeras.metrics.significance import diebold_mariano

__all__ = [
    "IntervalCoverage",
    "IntervalScore",
    "IntervalWidth",
    "LinkAUC",
    "LinkAveragePrecision",
    "LinkBrier",
    "LinkF1",
    "MaskedMeanAbsoluteError",
    "MaskedMeanAbsolutePercentageError",
    "MaskedRootMeanSquaredError",
    "QuantileCRPS",
    "best_threshold",
    "diebold_mariano",
    "forecast_errors",
    "link_scores",
    "quantile_scores",
    "recall_at_k",
    "reliability",
]

from stgkeras import _registered  # noqa: E402, F401, I001 - last: it imports this part
