"""Chooses how much each of several forecasts counts, on validation windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

ROUNDS = 12


def blend_weights(truth: np.ndarray, forecasts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Chooses the weights of forecasts by greedy selection.

    In each of `ROUNDS` rounds, the forecast that lowers the mean absolute error of the average most
    is added to it. The weight of a forecast is the share of rounds that chose it. The weights of
    each step ahead are chosen together with those of the steps beside it, so that they change
    slowly.

    Args:
        truth: (W, H, N, C) validation targets; NaN if missing.
        forecasts: dict of M arrays (W, H, N, C).

    Returns:
        (M, H) weights of at least 0; those of each step sum to 1.

    Source:
        Caruana et al., 2004, "Ensemble selection from libraries of models".
    """
    members = list(forecasts.values())
    horizon = truth.shape[1]
    weights = np.zeros((len(members), horizon))
    for h in range(horizon):
        steps = slice(max(h - 1, 0), h + 2)
        present = ~np.isnan(truth[:, steps])
        target = truth[:, steps][present]
        parts = [np.asarray(member[:, steps][present], "float64") for member in members]
        total = np.zeros(len(target))
        for number in range(1, ROUNDS + 1):
            errors = [np.abs((total + part) / number - target).mean() for part in parts]
            best = int(np.argmin(errors)) if len(target) else 0
            total = total + parts[best]
            weights[best, h] += 1 / ROUNDS
    return weights


def blended(weights: np.ndarray, forecasts: Mapping[str, np.ndarray]) -> np.ndarray:
    """Returns the weighted mean of forecasts, (W, H, N, C) float32."""
    parts = zip(weights, forecasts.values(), strict=True)
    total = sum(weight[:, None, None] * forecast for weight, forecast in parts if weight.any())
    return np.asarray(total, np.float32)
