"""The comparison of forecasters by their backtests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stgkeras import arguments
from stgkeras.forecasting.backtest import Backtest
from stgkeras.forecasting.fitted import BLEND
from stgkeras.metrics import diebold_mariano

if TYPE_CHECKING:
    import pandas as pd


def compare(backtests: dict[str, Backtest] | Sequence[Backtest]) -> pd.DataFrame:
    """Compares the forecasters of backtests on the same origins by the Diebold-Mariano test.

    The loss of an origin is the mean absolute error of all steps, sensors and targets that every
    backtest has. One split proves little: a difference counts only if it is large beside the
    differences from origin to origin.

    Args:
        backtests: dict of name → `Backtest`, or a sequence of them. The first is the reference.

    Returns:
        pandas frame, a row for each backtest: "MAE", "difference" to the first, "statistic" and
        "p" of `metrics.diebold_mariano`, two-sided.

    Raises:
        TypeError: if `backtests` holds no backtest, or something else.
        ValueError: if the backtests have other origins or readings.

    Example:
        >>> import numpy as np, pandas as pd
        >>> from stgkeras.forecasting import Backtest, compare
        >>> truth, origins = np.zeros((20, 2, 3, 1)), pd.RangeIndex(20)
        >>> rest = np.random.default_rng(0).normal(size=truth.shape)
        >>> made = {
        ...     name: Backtest(origins, truth, {"forecaster": size * rest}, np.zeros(20, int))
        ...     for name, size in (("ours", 1), ("theirs", 3))
        ... }
        >>> table = compare(made)
        >>> bool(table.loc["theirs", "difference"] > 0), bool(table.loc["theirs", "p"] < 0.05)
        (True, True)
    """
    import pandas as pd

    if isinstance(backtests, Iterable) and not isinstance(backtests, Mapping):
        backtests = {f"backtest {n}": one for n, one in enumerate(backtests, 1)}
    if not isinstance(backtests, Mapping) or not backtests:
        kind = type(backtests).__name__ if not isinstance(backtests, Mapping) else "none"
        raise TypeError(
            "`backtests` must be a dict of name → `Backtest`, or a sequence of them. Received: "
            f"{kind}. Pass results of `Forecaster.backtest`."
        )
    for name, one in backtests.items():
        arguments.instance(
            f"backtests[{name!r}]", one, Backtest, "Pass the result of `Forecaster.backtest`."
        )
        if BLEND not in one.forecasts:
            raise ValueError(
                f"`backtests` must have the forecast {BLEND!r}. Received: {name!r} with "
                f"{list(one.forecasts)}. Pass the result of `Forecaster.backtest`."
            )
    first = next(iter(backtests.values()))
    for name, one in backtests.items():
        same = one.truth.shape == first.truth.shape and one.origins.equals(first.origins)
        if not same or not np.array_equal(one.truth, first.truth, equal_nan=True):
            raise ValueError(
                f"`backtests` must have the same origins and readings. Received: {name!r}, which "
                "has others than the first. Run them on one series with one `start` and `stride`."
            )
    overlap = -(-first.truth.shape[1] // first.stride)  # origins that one forecast reaches over
    losses = {
        name: np.ma.masked_invalid(np.abs(one.forecasts[BLEND] - one.truth))
        .mean(axis=(1, 2, 3))
        .filled(np.nan)
        for name, one in backtests.items()
    }
    rows = {}
    reference = next(iter(losses.values()))
    for name, loss in losses.items():
        statistic, p = (np.nan, np.nan)
        if loss is not reference:
            statistic, p = diebold_mariano(loss, reference, overlap)
        rows[name] = {
            "MAE": _mean(loss),
            "difference": _mean(loss - reference),
            "statistic": statistic,
            "p": p,
        }
    return pd.DataFrame(rows).T


def _mean(values):
    """Returns the mean of values that are not NaN; NaN without such values."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
