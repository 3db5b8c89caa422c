"""Tests of whether one forecast is better than another."""

from __future__ import annotations

import math

import numpy as np

from stgkeras import arguments
from stgkeras.types import Array


def diebold_mariano(first: Array, second: Array, horizon: int = 1) -> tuple[float, float]:
    """Tests whether two forecasts have the same expected loss (Diebold-Mariano test).

    The losses of neighbouring origins are alike, because their forecasts overlap. The variance of
    the mean difference d counts that, by the estimate of Newey and West with M lags:

        statistic = mean(d) / √(V / T),    V = γ(0) + 2 Σ_{k=1..M} (1 - k / (M + 1)) γ(k)

    γ(k) is the autocovariance of d at lag k, and M is 2 (horizon - 1) or, if that is more,
    ⌊4 (T / 100)^(2/9)⌋. With horizon - 1 lags, the weights would leave out much of the overlap.

    Args:
        first, second: arrays (T,) of losses from the same origins in order. Origins where one of
            them is NaN are left out.
        horizon: int ≥ 1. Number of origins that a forecast reaches over: the steps ahead, if each
            step is an origin. Default 1.

    Returns:
        The statistic, above 0 if the first forecast has the larger losses, and the two-sided p
        value of the normal distribution. Both are NaN with fewer than two origins, or if all
        differences are equal.

    Raises:
        ValueError: if the arrays differ in shape, or `horizon` is below 1.

    Example:
        >>> import stgkeras
        >>> first, second = [3.0, 2.0, 4.0, 3.0, 2.0, 4.0], [1.0, 1.0, 2.0, 1.0, 1.0, 2.0]
        >>> statistic, p = stgkeras.metrics.diebold_mariano(first, second)
        >>> statistic > 2, p < 0.05
        (True, True)

    Source:
        Diebold and Mariano, 1995, Comparing predictive accuracy, Journal of Business & Economic
        Statistics 13; Newey and West, 1987, Econometrica 55, and 1994, Review of Economic Studies
        61, for the number of lags.
    """
    first, second = (arguments.array(n, a) for n, a in (("first", first), ("second", second)))
    horizon = arguments.integer("horizon", horizon)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            "`first` and `second` must have one shape (origins,). Received: first.shape="
            f"{first.shape}, second.shape={second.shape}. Pass a loss for each origin."
        )
    d = first.astype("float64") - second
    d = d[~np.isnan(d)]
    count = len(d)
    if count < 2 or np.ptp(d) == 0:
        return math.nan, math.nan
    lags = min(count - 1, max(2 * (horizon - 1), int(4 * (count / 100) ** (2 / 9))))
    rest = d - d.mean()
    variance = rest @ rest / count
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * (rest[lag:] @ rest[:-lag]) / count
    statistic = float(d.mean() / np.sqrt(variance / count))
    return statistic, math.erfc(abs(statistic) / math.sqrt(2))
