"""Windows of the series of a forecaster, and what training needs beside them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets import Split, split_windows
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting.covariates import covariates_of
from stgkeras.forecasting.form import Form

if TYPE_CHECKING:
    from stgkeras.datasets import Windows
    from stgkeras.models.forecaster import Forecaster as ForecasterModel


def digest(form: Form, series: Series) -> str:
    """Returns a digest of the data of a training: readings, times, sensors, targets and graph."""
    names: tuple = (form.names, form.features, form.targets)
    if any(form.covariate_counts.values()):
        names += (form.past_covariates, form.future_covariates, form.attribute_values)
    found, more = hashlib.sha256(repr(names).encode()), series.covariates
    arrays = [series.values, series.timestamps, series.adjacency]
    arrays += [] if more is None else [more.values, more.timestamps]
    for array in arrays:
        found.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def custom_objects(*given: Any) -> dict[str, Any]:
    """Returns losses and optimizers of the user by name, as `load_model` takes them.

    Raises:
        ValueError: for a lambda, which Keras refuses to load.
    """
    found = {}
    for one in given:
        if one is None or isinstance(one, str):
            continue
        kind = one if hasattr(one, "__name__") else type(one)
        if kind.__name__ == "<lambda>":
            raise ValueError(
                "`loss` must have a name if training goes on from `checkpoint`. Received: a "
                "lambda. Define it with `def`, or pass the path of a new checkpoint."
            )
        found[kind.__name__] = kind
    return found


def check_checkpoint(model: ForecasterModel, form: Form, path: Any) -> None:
    """Raises ValueError if the model in a checkpoint was built for other data."""
    from stgkeras.forecasting.building import check_sizes

    try:
        check_sizes(model, form)
    except ValueError as error:
        raise ValueError(
            "`checkpoint` must be a new path, or a file of the same training. Received: "
            f"checkpoint={str(path)!r}, {error}. Pass another path."
        ) from error


def windows(form: Form, series: Series, starts: np.ndarray, model: Any, **options: Any) -> Windows:
    """Returns the windows of a series that begin at `starts`, with the inputs of a model."""
    from stgkeras.datasets import Windows

    return Windows(
        series.values,
        series.values[..., list(form.targets)],
        starts,
        input_length=form.input_length,
        horizon=form.horizon,
        missing=True,
        calendar=None if model.season is None else series.calendar,
        past_calendar=series.calendar if model.past_calendar else None,
        **covariates_of(form, series, starts),
        **options,
    )


def batch_size() -> int:
    """Returns the number of windows in a batch of forecasts, which the devices can share."""
    from stgkeras import _processes  # imports Keras

    devices = _processes.sharing()
    return -(-64 // devices) * devices


def past_and_truth(
    form: Form, series: Series, starts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Returns the readings (W, L, N, C), the targets (W, H, N, C) and the calendar of windows.

    The calendar (W, L + H, 2) is None for a form without a number of steps per day.
    """
    values = series.values[..., list(form.targets)]
    cut = values[_steps(form, starts)]
    past, truth = cut[:, : form.input_length], cut[:, form.input_length :]
    return past, truth, calendar_of(form, series, starts)


def calendar_of(form: Form, series: Series, starts: np.ndarray) -> np.ndarray | None:
    """Returns the calendar of windows, see `past_and_truth`."""
    return None if form.steps_per_day is None else series.calendar[_steps(form, starts)]


def _steps(form, starts):
    return np.asarray(starts)[:, None] + np.arange(form.input_length + form.horizon)


def split_series(
    series: Series, input_length: int, horizon: int, val: float | int, test: float | int
) -> Split:
    """Splits the windows of a series in time. Keeps only windows with input and target readings."""
    split = split_windows(len(series.values), input_length, horizon, val, test, complete=series)
    split = Split(*(with_input(series, starts, input_length) for starts in split))
    for name, starts in zip(("training", "validation", "test"), split, strict=True):
        if not len(starts):
            raise ValueError(
                f"The {name} part of `series` must have a window with a reading in its "
                f"{input_length} input steps. Received: no such window. Change `val` or `test`, or "
                "pass more readings."
            )
    return split


def with_input(series: Series, starts: np.ndarray, input_length: int) -> np.ndarray:
    """Returns the starts of the windows that have a reading in their input.

    `Forecaster.forecast` raises an error for windows without a reading, so these windows are used
    neither in training nor for errors.
    """
    counts = np.cumsum(~np.isnan(series.values).all(axis=(1, 2)))
    counts = np.concatenate([[0], counts])
    return starts[counts[starts + input_length] > counts[starts]]


def thinned(starts: np.ndarray, most: int) -> np.ndarray:
    """Returns at most `most` of the starts, at equal distances."""
    return starts[:: max(1, -(-len(starts) // most))]
