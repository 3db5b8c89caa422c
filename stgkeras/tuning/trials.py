"""The base class of all hypermodels: choice of hyperparameters, and training of a trial."""

from __future__ import annotations

import collections
import math
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np

from stgkeras import arguments as checks
from stgkeras import callbacks as library
from stgkeras.tuning.spaces import Space
from stgkeras.types import Array


class HyperModel(keras_tuner.HyperModel):
    """Base class of the search spaces.

    A subclass implements `model(chosen)`, which returns the model with the chosen hyperparameters,
    and `goal(chosen)`, which returns the loss and metrics for `compile`. The attribute `objective`
    is the metric to compare trials by.

    Args:
        windows: see `STGCNHyperModel`.
        space: dict of the hyperparameters, in the form of `spaces.TRAINING`.
        arguments: dict of fixed values of hyperparameters, and of arguments of the model.
        values, calendar, log_dir: see `STGCNHyperModel`.
    """

    def __init__(
        self,
        windows: Callable[..., tuple[Any, Any]],
        space: Space,
        arguments: Mapping[str, Any],
        values: Array | None,
        calendar: Array | None,
        log_dir: str | os.PathLike[str] | None,
    ) -> None:
        super().__init__()
        if not callable(windows):
            raise ValueError(
                "`windows` must be a function that returns training and validation data. "
                f"Received: windows={windows!r}. Pass a function with the arguments batch_size and "
                "input_length."
            )
        if values is not None and not (arguments.get("normalize") or arguments.get("season")):
            raise ValueError(
                "`values` must be None without `normalize=True` or a `season`. Received: values of "
                f"type {type(values).__name__}. Pass `normalize=True`, or leave out `values`."
            )
        for name, given in (("values", values), ("calendar", calendar)):
            if given is not None:
                checks.array(name, given)
        if log_dir is not None:
            checks.path("log_dir", log_dir)
        self.windows, self.space = windows, space
        self.fixed = {name: arguments[name] for name in arguments if name in space}
        self.arguments = {name: arguments[name] for name in arguments if name not in space}
        self.values, self.calendar, self.log_dir = values, calendar, log_dir
        self._executions: collections.Counter[str] = collections.Counter()  # by trial

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Returns a compiled model with the hyperparameters in `hp` and a fitted scaler.

        Hyperparameters that are missing in `hp` are added to it.
        """
        chosen = self._choose(hp)
        model = self.model(chosen)
        if self.values is not None:
            model.adapt(self.values, self.calendar)
        adam = keras.optimizers.Adam(chosen["learning_rate"], global_clipnorm=1.0)
        model.compile(adam, **self.goal(chosen))
        adam.build(model.trainable_variables)  # Hyperband loads an optimizer state later
        return model

    def _choose(self, hp):
        """Returns {name: value} of the hyperparameters that apply in this trial."""
        for name, value in self.fixed.items():
            found = hp.Fixed(name, value)
            if found != value and not (
                isinstance(value, float) and math.isclose(found, value, rel_tol=1e-6)
            ):  # tuner processes exchange values in single precision
                raise keras_tuner.errors.FatalValueError(
                    f"`{name}` must agree with the search, which has {found!r}. "
                    f"Received: {name}={value!r}. Pass equal values to the hypermodel and the "
                    "tuner, or start the search in a new directory."
                )
        # If the user gave a hyperparameter to the tuner, it applies in every trial.
        stated = {p.name for p in hp.space if not p.conditions}
        chosen = {}
        for name, (kind, options) in self.space.items():
            options = dict(options)
            parent, values = options.pop("when", (None, ()))
            if name in stated:
                value = hp.get(name)
            elif parent in self.fixed and self.fixed[parent] not in values:
                continue
            else:
                condition = {"parent_name": parent, "parent_values": values} if parent else {}
                value = getattr(hp, kind)(name, **options, **condition)
            if parent is None or chosen.get(parent) in values:
                chosen[name] = value
        return chosen

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        *,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains the model on the data of `windows`, and anneals the learning rate.

        Args:
            hp: `keras_tuner.HyperParameters` of the trial.
            model: compiled model from `build`.
            callbacks: sequence of callbacks. They must not include a `TensorBoard`.
            **kwargs: other arguments of `Model.fit`, such as `epochs`.

        Returns:
            `keras.callbacks.History`.

        Raises:
            FatalValueError: if `callbacks` includes a `TensorBoard`. Ends the search.
            FailedTrialError: if the training loss is never finite. Ends the trial.
        """
        if any(isinstance(callback, library.TensorBoard) for callback in callbacks):
            raise keras_tuner.errors.FatalValueError(
                "`callbacks` must not hold a TensorBoard, because each trial needs its own folder. "
                f"Received: callbacks={list(callbacks)}. Give the hypermodel a `log_dir`."
            )
        batch_size, rate = hp.get("batch_size"), hp.get("learning_rate")
        train, val = self.windows(batch_size=batch_size, input_length=model.input_length)
        if hasattr(train, "epoch"):  # the order of `datasets.Windows` depends on the epoch
            train.epoch = kwargs.get("initial_epoch", 0)
        restarts = library.WarmRestarts(hp.get("T_0"), hp.get("T_mult"), base_lr=rate)
        history = model.fit(
            train,
            validation_data=val,
            shuffle=False,
            callbacks=[restarts, *callbacks, *self._boards(hp, callbacks)],
            **kwargs,
        )
        if not np.isfinite(history.history["loss"]).any():
            raise keras_tuner.errors.FailedTrialError(
                "The training loss must be finite. Received: "
                f"loss={history.history['loss'][0]} from the first epoch on, at "
                f"learning_rate={rate:g}. Lower the learning rate, or check the data."
            )
        return history

    def _boards(self, hp, callbacks):
        """Returns a list with the TensorBoard of the trial, or [] without `log_dir` or trial."""
        trial = next((c.trial for c in callbacks if hasattr(c, "trial")), None)
        if self.log_dir is None or trial is None:
            return []
        execution = self._executions[trial.trial_id]
        self._executions[trial.trial_id] += 1
        folder = pathlib.Path(self.log_dir) / trial.trial_id / f"execution{execution}"
        return [library.TensorBoard(folder, hparams=dict(hp.values))]
