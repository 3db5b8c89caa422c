"""Checks of a backtest before its first training."""

from __future__ import annotations

from typing import Any

import numpy as np

from stgkeras.datasets import split_windows
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting.initial import fitted_of


def check_fit(forecaster: Any, series: Series, first: int, fit: dict[str, Any]) -> None:
    """Raises ValueError if arguments of `fit` would let forecasts know later readings.

    Args:
        forecaster: `Forecaster`.
        series: `Series`.
        first: int. The step of the first origin.
        fit: dict of arguments of `fit`.
    """
    if fit.get("checkpoint") is not None:
        raise ValueError(
            "`checkpoint` must be omitted in a backtest, because each training needs its own. "
            f"Received: checkpoint={fit['checkpoint']!r}. Pass `folder` to continue a backtest."
        )
    if fit.get("initial") is None or series.timestamps is None or first >= len(series.timestamps):
        return
    form = fitted_of(fit["initial"], type(forecaster)).form
    seen = [np.datetime64(time) for time in form.last_seen if time is not None and form.dated]
    if seen and max(seen) >= series.timestamps[first]:
        raise ValueError(
            "`initial` must not know readings from the first origin on. Received: a forecaster "
            f"with readings until {max(seen)}, a first origin at {series.timestamps[first]}. Pass "
            "a forecaster of earlier readings, or omit `initial`."
        )


def check_length(steps: int, forecaster: Any, fit: dict[str, Any]) -> None:
    """Raises ValueError if the shortest training of a backtest, of `steps` steps, is too short."""
    sizes = forecaster.input_length, forecaster.horizon
    try:
        split_windows(steps, *sizes, fit.get("val", 0.2), fit["test"])
    except ValueError as error:
        reason, _, _ = str(error).partition(". Received")
        raise ValueError(
            "`start` and `window` must leave enough steps for the first training. Received: "
            f"{steps} steps, but {reason[0].lower()}{reason[1:]}. Pass a larger `start` or "
            "`window`, or more readings."
        ) from error
