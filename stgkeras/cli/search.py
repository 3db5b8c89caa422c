"""The search of `stgkeras tune`: one training of a forecaster for each trial of keras-tuner."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Trial:
    """A finished trial.

    Args:
        number: int, from 0, the trial with the default settings.
        error: float. Smallest validation error.
        settings: dict of name → value. Arguments of the model, and `learning_rate`.
    """

    number: int
    error: float
    settings: dict[str, Any]


def search(
    folder: str | os.PathLike[str],
    series: Any,
    arguments: Mapping[str, Any],
    fixed: Mapping[str, Any],
    *,
    trials: int,
    epochs: int,
    seed: int,
) -> list[Trial]:
    """Runs the trials that are missing in a folder, and prints a line for each.

    Args:
        folder: path of the search.
        series: `datasets.Series`.
        arguments: arguments of `Forecaster`, with the name of the model.
        fixed: dict of settings that are not searched.
        trials: int. Number of trials, including those of an interrupted search.
        epochs, seed: as in `Forecaster.fit`.

    Returns:
        All finished trials, the smallest error first.

    Raises:
        ValueError: if the series or an argument is invalid for the forecaster.
    """
    import keras_tuner

    from stgkeras.tuning.settings import SETTINGS, chosen

    space = SETTINGS[arguments["model"]]

    class Search(keras_tuner.BayesianOptimization):
        def run_trial(self, trial: Any, *_: Any, **__: Any) -> float:
            settings = chosen(trial.hyperparameters, space, fixed)
            self.oracle.update_space(trial.hyperparameters)
            try:
                error = _error(series, arguments, {**fixed, **settings}, epochs, seed)
            except (ValueError, TypeError) as refusal:  # every trial would fail
                raise keras_tuner.errors.FatalValueError(str(refusal)) from refusal
            text = " ".join(f"{name}={value}" for name, value in settings.items())
            print(f"Trial {int(trial.trial_id) + 1}: error {error:.4g}, {text}", flush=True)
            if not np.isfinite(error):
                raise keras_tuner.errors.FailedTrialError("The error is not finite.")
            return error

    tuner = Search(
        max_trials=trials,
        num_initial_points=max(4, trials // 3),  # at random, before errors are modelled
        seed=seed + 1,  # keras-tuner takes 0 as none, and draws another seed each time
        directory=folder,
        project_name="search",
    )
    tuner.search(verbose=0)
    best = tuner.oracle.get_best_trials(len(tuner.oracle.trials))
    return [
        Trial(int(one.trial_id), one.score, chosen(one.hyperparameters, space, fixed))
        for one in best
        if one.score is not None
    ]


def _error(series, arguments, settings, epochs, seed):
    """Trains a forecaster as `stgkeras fit` does, and returns its smallest validation error."""
    from stgkeras.cli.fit import optimizer
    from stgkeras.forecasting import Forecaster

    own = {name: value for name, value in settings.items() if name != "learning_rate"}
    forecaster = Forecaster(**arguments, **own)
    rate = optimizer(settings.get("learning_rate"))
    history = forecaster.fit(series, epochs=epochs, seed=seed, optimizer=rate, verbose=0)
    errors = np.array(history.history["val_loss"], float)
    return float(np.nanmin(errors)) if np.isfinite(errors).any() else np.inf
