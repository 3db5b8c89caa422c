"""Errors of a forecaster on a series, beside those of its model and its baselines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stgkeras.datasets.series.series import Series
from stgkeras.forecasting import training
from stgkeras.forecasting.fitted import BLEND, Fitted
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.newest import in_order
from stgkeras.forecasting.preset import Preset
from stgkeras.forecasting.reading import as_series
from stgkeras.metrics import forecast_errors, quantile_scores

if TYPE_CHECKING:
    import pandas as pd


def ordered(form: Form, series: Series) -> Series:
    """Returns a series in the order of the sensors and features of a form, without a graph.

    The places of the sensors are kept if the series has all sensors of the form.
    """
    series = as_series(form, series)
    places, names = series.places, series.names
    if places is not None:
        is_whole = set(names) == set(form.names)
        places = places[[names.index(name) for name in form.names]] if is_whole else None
    return replace(
        series,
        values=in_order(form, series),
        names=form.names,
        features=form.features,
        units=form.units,
        adjacency=None,
        places=places,
    )


def errors_on(
    fitted: Fitted | Preset, series: Series, starts: np.ndarray | None = None
) -> pd.DataFrame:
    """Computes errors on windows. `Forecaster.evaluate` describes the result.

    Args:
        fitted: what a forecaster has learned.
        series: `Series`, in the order of its form.
        starts: (W,) first steps of the windows. Default: all windows.
    """
    if starts is None:
        starts = windows_of(fitted, series)
    _, truth, _ = training.past_and_truth(fitted.form, series, starts)
    found, quantiles = fitted.with_quantiles(series, starts)
    return errors_of(fitted, truth, found, {} if quantiles is None else {BLEND: quantiles})


def windows_of(fitted: Fitted | Preset, series: Series) -> np.ndarray:
    """Returns the first steps (W,) of all windows of a series, or raises ValueError without one."""
    form = fitted.form
    span = fitted.earlier + form.input_length + form.horizon
    starts = fitted.earlier + np.arange(max(0, len(series.values) - span + 1))
    starts = training.with_input(series, starts, form.input_length)
    if not len(starts):
        raise ValueError(
            f"`series` must have at least {span} steps, with readings. Received: "
            f"{len(series.values)} steps. Pass a longer series."
        )
    return starts


def errors_of(
    fitted: Fitted | Preset,
    truth: np.ndarray,
    found: dict[str, np.ndarray],
    quantiles: dict[str, np.ndarray],
) -> pd.DataFrame:
    """Computes the errors of forecasts. `Forecaster.evaluate` describes the result.

    Args:
        fitted: what a forecaster has learned.
        truth: (W, H, N, C) targets; NaN if missing.
        found: dict of name → forecast (W, H, N, C).
        quantiles: dict of the names of forecasts with quantiles → (W, H, N, C, Q).
    """
    import pandas as pd

    form = fitted.form
    steps = sorted({max(1, form.horizon // 4), max(1, form.horizon // 2), form.horizon})
    labels = {f"{step * form.interval:g} min": step for step in steps}
    tables = {
        target: pd.DataFrame(
            {
                name: forecast_errors(truth[..., [c]], one[..., [c]], labels)
                for name, one in found.items()
            }
        ).T
        for c, target in enumerate(form.target_names)
    }
    for row, all_targets in quantiles.items():
        for c, table in enumerate(tables.values()):
            part = all_targets[..., c : c + 1, :]
            scores = quantile_scores(truth[..., [c]], part, fitted.model.quantiles)
            for name, score in scores.items():
                table.loc[row, name] = score
    if len(tables) == 1:
        return tables.popitem()[1]
    return pd.concat(tables, names=["target", "forecast"])  # targets have units of their own
