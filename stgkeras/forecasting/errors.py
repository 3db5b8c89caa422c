"""Errors of a forecaster on windows of a series."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stgkeras.datasets.series.series import Series
from stgkeras.forecasting import training
from stgkeras.forecasting.fitted import Fitted
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.newest import as_series, in_order
from stgkeras.metrics import forecast_errors

if TYPE_CHECKING:
    import pandas as pd


def ordered(form: Form, series: Series) -> Series:
    """Returns a series in the order of the sensors and features of a form."""
    series = as_series(form, series)
    values = in_order(form, series)
    return replace(series, values=values, names=form.names, features=form.features, adjacency=None)


def errors_of(fitted: Fitted, series: Series, starts: np.ndarray | None = None) -> pd.DataFrame:
    """Computes the errors of forecasts. `Forecaster.evaluate` describes the result.

    Args:
        fitted: `Fitted`.
        series: `Series`, see `ordered`.
        starts: (W,) first steps of the windows. Default: all windows.
    """
    import pandas as pd

    form = fitted.form
    span = fitted.earlier + form.input_length + form.horizon
    if starts is None:
        starts = fitted.earlier + np.arange(max(0, len(series.values) - span + 1))
        starts = training.with_input(series, starts, form.input_length)
    if not len(starts):
        raise ValueError(
            f"`series` must have at least {span} steps, with readings. Received: "
            f"{len(series.values)} steps"
        )
    _, truth, _ = training.past_and_truth(form, series, starts)
    steps = sorted({max(1, form.horizon // 4), max(1, form.horizon // 2), form.horizon})
    labels = {f"{step * form.interval:g} min": step for step in steps}
    found = fitted.forecasts(series, starts)
    return pd.DataFrame(
        {name: forecast_errors(truth, one, labels) for name, one in found.items()}
    ).T
