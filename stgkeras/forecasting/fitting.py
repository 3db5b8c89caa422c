"""Fits a forecaster: baselines, season, model, and the weights of their forecasts."""

from __future__ import annotations

import os
import pathlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from stgkeras.callbacks import Checkpoint
from stgkeras.datasets import Split, training_steps
from stgkeras.datasets.series.clocks import with_offset
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting import building, training
from stgkeras.forecasting.baselines import Baselines
from stgkeras.forecasting.blend import blend_weights
from stgkeras.forecasting.fitted import Fitted
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.initial import continued
from stgkeras.forecasting.intervals import Intervals
from stgkeras.forecasting.patience import Patience
from stgkeras.forecasting.rolling import surest_baseline
from stgkeras.forecasting.season import has_season
from stgkeras.losses import MaskedMeanAbsoluteError, QuantileLoss

MOST = 500  # largest number of validation windows that choose the season and the weights
MOST_CALIBRATED = 2000  # largest number of validation windows that calibrate the quantiles
FEW = 4  # horizons; a shorter validation part does not weigh the model
MARGIN = 0.75  # no season if the error without it is at most this part of the error with it


def fit(
    forecaster: Any, form: Form, series: Series, split: Split, start: Fitted | None, **options: Any
) -> tuple[Fitted, keras.callbacks.History]:
    """Fits the baselines and the model, and weighs them.

    Args:
        forecaster: `Forecaster`, whose model arguments, season and quantiles are used.
        form: `Form` of the data.
        series: `Series`.
        split: `Split` of the windows of the series.
        start: None, or the `Fitted` with the weights of which the model begins.
        **options: further arguments of `train`.
    """
    build, given = forecaster._build, dict(forecaster.model_arguments)
    levels = forecaster.quantiles or getattr(start and start.model, "quantiles", None)
    if levels is not None:
        given["quantiles"] = levels
    if start is not None:
        build, given = continued(start, form, forecaster.season, build, given, series)
    baselines, plain = fit_baselines(form, series, split, seasonal=True), None
    if form.steps_per_day is not None:
        plain = fit_baselines(form, series, split, seasonal=False)
    asked = forecaster.season if start is None else start.season
    season = has_season(asked, form, lambda: season_helps(form, series, split, baselines, plain))
    is_trained = start is not None
    model, history = train(
        build, form, series, split, season, given, is_trained=is_trained, **options
    )
    fitted = weigh(form, series, split, season, model, baselines, plain)
    fitted.places = series.places
    fitted.split = {name: len(part) for name, part in split._asdict().items()}
    fitted.begins = {name: _begin(series, part) for name, part in split._asdict().items()}
    return fitted, history


def _begin(series, starts):
    """Returns the local time, or the number, of the first step of windows, as text."""
    if series.timestamps is None or not len(starts):
        return ", ".join(f"step {start}" for start in starts[:1])
    return with_offset(series.timestamps[starts[:1]].astype("datetime64[s]"), series.timezone)[0]


def fit_baselines(form: Form, series: Series, split: Split, seasonal: bool) -> Baselines:
    """Fits the baselines to the training part.

    Args:
        seasonal: bool. Whether the baselines have a season, if the form has steps per day.
    """
    known = training_steps(split, form.input_length, form.horizon)
    steps = form.steps_per_day if seasonal else None
    return Baselines.fit(
        series.values[:known][..., list(form.targets)],
        None if steps is None else series.calendar[:known],
        split.train,
        form.input_length,
        form.horizon,
        steps,
    )


def target_scales(form: Form, series: Series, split: Split) -> np.ndarray:
    """Returns the standard deviation (C,) of the training readings of each target.

    Errors are divided by these scales before they are averaged over targets. Otherwise, the target
    with the largest numbers would dominate the average. A single target has the scale 1.
    """
    if len(form.targets) == 1:
        return np.ones(1)
    known = training_steps(split, form.input_length, form.horizon)
    values = np.asarray(series.values[:known][..., list(form.targets)], "float64")
    values = np.ma.masked_invalid(values)
    scales = values.std(axis=(0, 1)).filled(0.0)
    return np.where(scales > 0, scales, 1.0)


def season_helps(
    form: Form, series: Series, split: Split, baselines: Baselines, plain: Baselines | None
) -> bool:
    """Returns whether the model should have a season, by validation errors of ridge regressions.

    The season is left out only if this lowers the validation error by a quarter. Smaller
    differences on the validation part are often reversed in other weeks: on parts of four series,
    keeping the season costs 1 % of the error on average, and the choice with the smaller validation
    error costs 2 %.

    Args:
        baselines: `Baselines` with a season.
        plain: `Baselines` without a season.
    """
    starts = training.thinned(split.val, MOST)
    past, truth, calendar = training.past_and_truth(form, series, starts)
    if calendar is None or plain is None:
        return False
    unsure = baselines.unsure(calendar[:, form.input_length :])
    truth = np.where(unsure[..., None, None], np.nan, truth)
    if np.isnan(truth).all():
        return True
    scales = target_scales(form, series, split)
    errors = [
        np.nanmean(np.abs(one.forecasts(past, calendar)["ridge"] - truth) / scales)
        for one in (baselines, plain)
    ]
    return bool(errors[1] > MARGIN * errors[0])


def adam(rate: float = 1e-3) -> keras.optimizers.Optimizer:
    """Returns the default optimizer of `Forecaster.fit`, with the learning rate `rate`."""
    return keras.optimizers.Adam(rate, global_clipnorm=5.0)


def train(
    build: Callable[..., Any],
    form: Form,
    series: Series,
    split: Split,
    season: bool,
    arguments: Mapping[str, Any],
    *,
    epochs: int,
    batch_size: int,
    optimizer: Any,
    loss: Any,
    callbacks: Sequence[Any],
    patience: int,
    checkpoint: str | os.PathLike[str] | None,
    seed: int,
    verbose: Any,
    is_trained: bool,
) -> tuple[Any, keras.callbacks.History]:
    """Builds and trains the model. `Forecaster.fit` describes the arguments.

    Args:
        is_trained: bool. Whether `build` returns a model with trained weights.
    """
    known = training_steps(split, form.input_length, form.horizon)
    begun, start, callbacks = 0, None, list(callbacks)
    is_new = checkpoint is None or not os.path.exists(checkpoint)
    if checkpoint is not None and not is_new:
        own = training.custom_objects(loss, optimizer)
        model = keras.models.load_model(checkpoint, custom_objects=own)
        begun = Checkpoint.epoch(checkpoint)
        training.check_checkpoint(model, form, checkpoint)
    else:
        model = building.new_model(build, form, series, season, arguments)
        building.adapt(model, form, series, known)
        if optimizer is None:
            optimizer = adam()
        if loss is None:
            scale: Any = target_scales(form, series, split).tolist()
            scale = scale if len(scale) > 1 else None
            loss = MaskedMeanAbsoluteError(scale=scale)
            if model.quantiles is not None:
                loss = QuantileLoss(model.quantiles, scale=scale)
        model.compile(optimizer, loss)
    options = {"batch_size": batch_size, "seed": seed}
    windows = training.windows(form, series, split.train, model, shuffle=True, **options)
    validation = training.windows(form, series, split.val, model, **options)
    windows.epoch = begun
    if is_trained and is_new:
        start = model.evaluate(validation, return_dict=True, verbose=0)["loss"]
    best = None if checkpoint is None else pathlib.Path(checkpoint).with_suffix(".best.npz")
    callbacks.append(Patience(patience, best, begun, start, training.digest(form, series)))
    if checkpoint is not None:
        callbacks.append(Checkpoint(checkpoint))
    history = model.fit(
        windows,
        validation_data=validation,
        epochs=epochs,
        initial_epoch=begun,
        shuffle=False,
        callbacks=callbacks,
        verbose=verbose,
    )
    return model, history


def weigh(
    form: Form,
    series: Series,
    split: Split,
    season: bool,
    model: Any,
    baselines: Baselines,
    plain: Baselines | None,
) -> Fitted:
    """Chooses the weights of the model and the baselines by their validation errors.

    If the validation part is shorter than `FEW` horizons, the forecast is `surest_baseline`.
    """
    import pandas as pd

    fitted = Fitted(form, season, model, baselines, plain, pd.DataFrame())
    starts = training.thinned(split.val, MOST)
    _, truth, calendar = training.past_and_truth(form, series, starts)
    unsure, counts = fitted.unsure(calendar), None
    if unsure is not None and calendar is not None:
        truth = np.where(unsure[..., None, None], np.nan, truth)
        counts = as_in_a_week(baselines.kinds(calendar[:, form.input_length :]), ~unsure)
    found, _ = fitted.members(series, starts)
    scales = target_scales(form, series, split)
    scaled = {name: one / scales for name, one in found.items()}
    if len(split.val) < FEW * form.horizon:
        name = surest_baseline(form, series, split, scales)
        shares = np.repeat([[float(one == name)] for one in found], form.horizon, axis=1)
        warnings.warn(
            f"The validation part has {len(split.val)} windows of {form.horizon} steps, which "
            f"overlap: too few to weigh the model. The forecast is the baseline {name!r}, which "
            "earlier parts of the readings support. Pass more readings or lower `horizon`.",
            stacklevel=4,
        )
    else:
        shares = blend_weights(truth / scales, scaled, counts)
    steps = pd.RangeIndex(1, form.horizon + 1, name="step")
    fitted.weights = pd.DataFrame(shares.T, steps, list(found))
    fitted.intervals = calibrated(fitted, series, split.val)
    return fitted


def calibrated(fitted: Fitted, series: Series, val: np.ndarray) -> Intervals | None:
    """Returns the intervals of a forecaster, from its validation windows; None without quantiles.

    Args:
        fitted: `Fitted` without intervals.
        series: `Series`.
        val: (W,) first steps of the validation windows.
    """
    if fitted.levels is None:
        return None
    starts = training.thinned(val, MOST_CALIBRATED)
    quantiles: Any = fitted.uncalibrated(series, starts)[1]
    _, truth, _ = training.past_and_truth(fitted.form, series, starts)
    return Intervals.fit(truth, quantiles, fitted.levels, starts)


def as_in_a_week(kinds: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Returns weights of steps with which working days and weekends count 5 : 2, as in a week.

    A short validation part may have only few days of one kind.

    Args:
        kinds: (W, H) ints, 0 for working days and 1 for weekends.
        used: (W, H) bool. The other steps have the weight 0.

    Returns:
        (W, H) float.
    """
    steps = np.array([np.sum(used & (kinds == kind)) for kind in (0, 1)])
    return (np.array([5, 2]) / np.maximum(steps, 1))[kinds] * used
