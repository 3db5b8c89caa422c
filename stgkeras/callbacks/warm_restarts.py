"""Cosine annealing of the learning rate with warm restarts."""

from __future__ import annotations

import math
import numbers
from typing import Any

import keras


class WarmRestarts(keras.callbacks.Callback):
    """Callback for cosine annealing of the learning rate with warm restarts (SGDR).

        rate = min_lr + (base_lr - min_lr) (1 + cos(π T_cur / T_i)) / 2

    T_cur is the number of epochs since the last restart. T_i is the length of the current period.
    The periods are T_0, T_0·T_mult, T_0·T_mult², … epochs long. The rate depends only on the epoch
    and the batch. A run that is resumed with `BackupAndRestore`, or with `initial_epoch` of `fit`,
    therefore has the same rates as a run without interruption.

    The callback adds the last rate of each epoch to the logs. Place the callback before callbacks
    that write the logs.

    Args:
        T_0: int ≥ 1. Length of the first period in epochs.
        T_mult: int ≥ 1. Ratio of the lengths of two successive periods.
        min_lr: float in [0, base_lr]. Lower limit of the rate, approached at the end of a period.
        update: "epoch" or "batch". "epoch" sets the rate once per epoch. "batch" sets the rate
            before every step, at the time epoch + batch / steps. With `steps_per_execution`, the
            steps of one execution have the same rate.
        base_lr: float > 0, or None. Learning rate at the start of a period. None takes the rate of
            the optimizer at the start of the first `fit`, before `BackupAndRestore` changes the
            rate. A saved model has the last rate of its training, so pass `base_lr` after loading
            a model.

    Raises:
        ValueError: if an argument is out of range. In `fit`, if `update="batch"` and the number of
            batches is unknown.
        TypeError: in `fit`, if the learning rate of the optimizer is not a number, for example a
            schedule.

    Example:
        >>> from stgkeras.callbacks import WarmRestarts
        >>> schedule = WarmRestarts(T_0=2, T_mult=2, base_lr=0.1)
        >>> [round(schedule.rate(epoch), 4) for epoch in (0, 1, 2, 3, 4, 5, 6)]
        [0.1, 0.05, 0.1, 0.0854, 0.05, 0.0146, 0.1]

    Source:
        Loshchilov & Hutter, 2017, arXiv:1608.03983, eq. 5. Departs from the paper: with
        `update="epoch"` the rate changes once per epoch instead of after every batch. The highest
        and the lowest rate are the same in all periods.
    """

    def __init__(
        self,
        T_0: int = 5,
        T_mult: int = 2,
        min_lr: float = 0.0,
        update: str = "epoch",
        base_lr: float | None = None,
    ) -> None:
        super().__init__()
        _check(T_0, T_mult, min_lr, update)
        self.T_0 = T_0
        self.T_mult = T_mult
        self.min_lr = min_lr
        self.update = update
        self.base_lr = base_lr
        self._base: float | None = None
        self._epoch = 0
        if base_lr is not None:
            self._set_base(base_lr)

    def rate(self, epoch: float) -> float:
        """Returns the learning rate at a time.

        Args:
            epoch: float ≥ 0. Time in epochs; 2.5 is the middle of the third epoch.

        Raises:
            ValueError: if `base_lr` is None and `fit` has not started.
        """
        if self._base is None:
            raise ValueError(
                "`base_lr` must be a number to compute a rate. Received: base_lr=None. "
                "Pass `base_lr`, or call `rate` after the start of `fit`."
            )
        period = self.T_0
        if self.T_mult == 1:
            epoch = epoch % period
        while epoch >= period:
            epoch -= period
            period *= self.T_mult
        share = (1.0 + math.cos(math.pi * epoch / period)) / 2.0
        return self.min_lr + (self._base - self.min_lr) * share

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        current = getattr(model.optimizer, "learning_rate", None)
        if not isinstance(current, keras.Variable):
            raise TypeError(
                "`learning_rate` of the optimizer must be a number for `WarmRestarts`. Received: "
                f"an optimizer of type {type(model.optimizer).__name__} with a schedule or without "
                "a learning rate. Compile the model with a float `learning_rate`."
            )
        if self._base is None:
            self._set_base(float(keras.ops.convert_to_numpy(current)))

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if self.update == "batch" and not self.params.get("steps"):
            raise ValueError(
                '`update` must be "epoch" if the number of batches of an epoch is unknown. '
                'Received: update="batch". Pass `steps_per_epoch` to `fit`.'
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch = epoch
        self._set_rate(self.rate(epoch))

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.update == "batch":
            self._set_rate(self.rate(self._epoch + batch / self.params["steps"]))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            rate = self.model.optimizer.learning_rate
            logs["learning_rate"] = float(keras.ops.convert_to_numpy(rate))

    def _set_base(self, base_lr):
        is_number = isinstance(base_lr, numbers.Real) and not isinstance(base_lr, bool)
        if not is_number or not 0 < base_lr < math.inf:
            raise ValueError(
                f"`base_lr` must be a finite number above 0. Received: base_lr={base_lr!r}. Pass "
                "a number such as 1e-3."
            )
        if self.min_lr > base_lr:
            raise ValueError(
                "`min_lr` must be at most the base learning rate. "
                f"Received: min_lr={self.min_lr!r}, base learning rate {base_lr!r}. Lower `min_lr`."
            )
        self._base = float(base_lr)

    def _set_rate(self, rate):
        # On JAX, the attribute `self.model` first writes the state of `fit` back to the variables.
        self.model.optimizer.learning_rate = rate


def _check(T_0, T_mult, min_lr, update):
    for name, value in (("T_0", T_0), ("T_mult", T_mult)):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
            raise ValueError(
                f"`{name}` must be an integer of at least 1. Received: {name}={value!r}. Pass a "
                "number such as 2."
            )
    is_number = isinstance(min_lr, numbers.Real) and not isinstance(min_lr, bool)
    if not is_number or not 0 <= min_lr < math.inf:
        raise ValueError(
            f"`min_lr` must be a finite number of at least 0. Received: min_lr={min_lr!r}. Pass a "
            "number such as 0.0."
        )
    if not isinstance(update, str) or update not in ("epoch", "batch"):
        raise ValueError(
            f'`update` must be "epoch" or "batch". Received: update={update!r}. Pass '
            'update="epoch" for one rate per epoch.'
        )
