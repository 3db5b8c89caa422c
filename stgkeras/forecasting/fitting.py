"""Fits a forecaster: baselines, season, model, and the weights of their forecasts."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from stgkeras.callbacks import Checkpoint
from stgkeras.datasets import Split, training_steps
from stgkeras.datasets.series.series import Series
from stgkeras.forecasting import training
from stgkeras.forecasting.baselines import Baselines
from stgkeras.forecasting.blend import blend_weights
from stgkeras.forecasting.fitted import Fitted, members
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.patience import Patience
from stgkeras.losses import MaskedMeanAbsoluteError

MOST = 500  # validation windows that choose the season and the weights


def fit_baselines(form: Form, series: Series, split: Split, seasonal: bool) -> Baselines:
    """Fits the baselines to the training part, with or without a season."""
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


def season_helps(form: Form, series: Series, split: Split, seasonal: Baselines) -> bool:
    """Whether the season lowers the validation error of a ridge regression."""
    starts = training.thinned(split.val, MOST)
    past, truth, calendar = training.past_and_truth(form, series, starts)
    plain = fit_baselines(form, series, split, seasonal=False)
    errors = [
        np.nanmean(np.abs(baselines.forecasts(past, calendar)["ridge"] - truth))
        for baselines in (seasonal, plain)
    ]
    return bool(errors[0] < errors[1])


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
    options = {"batch_size": batch_size, "seed": seed}
    windows = training.windows(form, series, split.train, season, shuffle=True, **options)
    validation = training.windows(form, series, split.val, season, **options)
    begun, start, callbacks = 0, None, list(callbacks)
    if checkpoint is not None and os.path.exists(checkpoint):
        model, begun = keras.models.load_model(checkpoint), Checkpoint.epoch(checkpoint)
        training.check_checkpoint(model, form, checkpoint)
        windows.epoch = begun
    else:
        model = training.new_model(build, form, series, season, arguments)
        training.adapt(model, form, series, known)
        if optimizer is None:
            optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=5.0)
        model.compile(optimizer, MaskedMeanAbsoluteError() if loss is None else loss)
        if is_trained:
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
    form: Form, series: Series, split: Split, season: bool, model: Any, baselines: Baselines
) -> Fitted:
    """Weighs the forecasts of the model and the baselines by their validation errors."""
    import pandas as pd

    starts = training.thinned(split.val, MOST)
    _, truth, _ = training.past_and_truth(form, series, starts)
    found = members(form, season, model, baselines, series, starts)
    steps = pd.RangeIndex(1, form.horizon + 1, name="step")
    weights = pd.DataFrame(blend_weights(truth, found).T, steps, list(found))
    return Fitted(form, season, model, baselines, weights)
