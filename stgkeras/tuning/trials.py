"""What all hypermodels share: how hyperparameters are chosen, and how a trial is trained."""

import collections
import math
import pathlib

import keras
import keras_tuner
import numpy as np

from stgkeras import callbacks as library

# Kind and options of `keras_tuner.HyperParameters`, by name. "when" is (parent, its values).
TRAINING = {
    "learning_rate": (
        "Float",
        {"min_value": 1e-4, "max_value": 1e-2, "sampling": "log", "default": 1e-3},
    ),
    "batch_size": ("Choice", {"values": [16, 32, 64], "default": 32}),
    "T_0": ("Int", {"min_value": 2, "max_value": 10, "default": 5}),
    "T_mult": ("Int", {"min_value": 1, "max_value": 2, "default": 2}),
}


class HyperModel(keras_tuner.HyperModel):
    """A search space of models of one kind.

    A subclass says which model the chosen values make in `model`, and what it is trained for in
    `goal`; `objective` is what to compare trials by.

    Args:
        windows: as in `STGCNHyperModel`.
        space: dict of the hyperparameters, as `TRAINING`.
        arguments: dict of what the user fixed, hyperparameters or arguments of the model.
        values, calendar, log_dir: as in `STGCNHyperModel`.
    """

    def __init__(self, windows, space, arguments, values, calendar, log_dir):
        super().__init__()
        if not callable(windows):
            raise ValueError(
                "`windows` must be a function that takes batch_size and input_length and returns "
                f"training and validation data. Received: windows={windows!r}"
            )
        self.windows, self.space = windows, space
        self.fixed = {name: arguments[name] for name in arguments if name in space}
        self.arguments = {name: arguments[name] for name in arguments if name not in space}
        self.values, self.calendar, self.log_dir = values, calendar, log_dir
        self._executions = collections.Counter()  # of each trial

    def build(self, hp):
        """A compiled model, its scaler fitted, of the values in `hp`; they enter it as needed."""
        chosen = self._choose(hp)
        model = self.model(chosen)
        if self.values is not None:
            model.adapt(self.values, self.calendar)
        adam = keras.optimizers.Adam(chosen["learning_rate"], global_clipnorm=1.0)
        model.compile(adam, **self.goal(chosen))
        adam.build(model.trainable_variables)  # for Hyperband to go on with its state
        return model

    def _choose(self, hp):
        """{name: value} of the hyperparameters that apply."""
        for name, value in self.fixed.items():
            found = hp.Fixed(name, value)
            if found != value and not (
                isinstance(value, float) and math.isclose(found, value, rel_tol=1e-6)
            ):  # single precision on the way between processes
                raise keras_tuner.errors.FatalValueError(
                    f"`{name}` must agree with the search, which has {found!r}: one that goes on, "
                    f"or `hyperparameters`. Received: {name}={value!r}"
                )
        # What the caller of the tuner says of a hyperparameter holds under all conditions.
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

    def fit(self, hp, model, *, callbacks=(), **kwargs):
        """Trains the model on `windows` with the restarts in `hp`; arguments as of `Model.fit`."""
        if any(isinstance(callback, library.TensorBoard) for callback in callbacks):
            raise keras_tuner.errors.FatalValueError(
                "`callbacks` must not hold a TensorBoard: trials need folders of their own. "
                "Give the hypermodel a `log_dir`."
            )
        batch_size, rate = hp.get("batch_size"), hp.get("learning_rate")
        train, val = self.windows(batch_size=batch_size, input_length=model.input_length)
        if hasattr(train, "epoch"):  # of `datasets.Windows`: its order depends on it
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
                f"the training loss was {history.history['loss'][0]} from the first epoch on, "
                f"at learning_rate={rate:g}"
            )
        return history

    def _boards(self, hp, callbacks):
        """The TensorBoard of a trial, in a folder of its own."""
        trial = next((c.trial for c in callbacks if hasattr(c, "trial")), None)
        if self.log_dir is None or trial is None:
            return []
        execution = self._executions[trial.trial_id]
        self._executions[trial.trial_id] += 1
        folder = pathlib.Path(self.log_dir) / trial.trial_id / f"execution{execution}"
        return [library.TensorBoard(folder, hparams=dict(hp.values))]
