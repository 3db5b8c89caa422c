"""Chooses how much each of several forecasts counts, on validation windows."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

ROUNDS = 12
PLAIN = "ridge without season"


def blend_weights(
    truth: np.ndarray, forecasts: Mapping[str, np.ndarray], counts: np.ndarray | None = None
) -> np.ndarray:
    """Chooses the weights of forecasts by greedy selection.

    In each of `ROUNDS` rounds, the forecast that lowers the mean absolute error of the average most
    is added to it. The weight of a forecast is the share of rounds that chose it. The weights of
    each step ahead are chosen together with those of the steps beside it, so that they change
    slowly.

    Args:
        truth: (W, H, N, C) validation targets; NaN if missing.
        forecasts: dict of M arrays (W, H, N, C).
        counts: (W, H) numbers, how much the errors of a step count. Default: all the same.

    Returns:
        (M, H) weights of at least 0; those of each step sum to 1. They are equal for a step without
        targets.

    Source:
        Caruana et al., 2004, "Ensemble selection from libraries of models".
    """
    members = list(forecasts.values())
    horizon = truth.shape[1]
    weights = np.zeros((len(members), horizon))
    each = np.ones(truth.shape[:2]) if counts is None else counts
    each = np.broadcast_to(each[..., None, None], truth.shape)
    for h in range(horizon):
        steps = slice(max(h - 1, 0), h + 2)
        present = ~np.isnan(truth[:, steps])
        target, share = truth[:, steps][present], each[:, steps][present]
        parts = [np.asarray(member[:, steps][present], "float64") for member in members]
        if not len(target):
            weights[:, h] = 1 / len(members)
            continue
        total = np.zeros(len(target))
        for number in range(1, ROUNDS + 1):
            errors = [(share * np.abs((total + part) / number - target)).mean() for part in parts]
            best = int(np.argmin(errors))
            total = total + parts[best]
            weights[best, h] += 1 / ROUNDS
    return weights


def blended(
    weights: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    unsure: np.ndarray | None = None,
    seasonal: Collection[str] = (),
) -> np.ndarray:
    """Returns the weighted mean of forecasts, (W, H, N, C) float32.

    Args:
        weights: (M, H), as of `blend_weights`.
        forecasts: dict of M arrays (W, H, N, C).
        unsure: (W, H) bool, steps of days whose season is not known; or None. There, the forecast
            `PLAIN` has the weights of the `seasonal` ones too.
        seasonal: names of the forecasts that use the season.
    """
    parts = dict(zip(forecasts, weights, strict=True))
    total = _sum(parts, forecasts)
    if unsure is not None and unsure.any() and PLAIN in forecasts:
        moved = sum((parts.pop(name) for name in seasonal), np.zeros(weights.shape[1]))
        parts[PLAIN] = parts[PLAIN] + moved
        total = np.where(unsure[..., None, None], _sum(parts, forecasts), total)
    return np.asarray(total, np.float32)


def _sum(parts, forecasts):
    used = {name: weight for name, weight in parts.items() if weight.any()}
    return sum(weight[:, None, None] * forecasts[name] for name, weight in used.items())
