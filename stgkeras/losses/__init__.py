"""Losses for link prediction, and for forecasts of series with missing readings."""

from __future__ import annotations

from stgkeras.losses.focal import FocalLoss, balanced_weight
from stgkeras.losses.masked import MaskedHuber, MaskedMeanAbsoluteError, MaskedMeanSquaredError
from stgkeras.losses.quantile import QuantileLoss

__all__ = [
    "FocalLoss",
    "MaskedHuber",
    "MaskedMeanAbsoluteError",
    "MaskedMeanSquaredError",
    "QuantileLoss",
    "balanced_weight",
]

from stgkeras import _registered  # noqa: E402, F401, I001 - last: it imports this part
