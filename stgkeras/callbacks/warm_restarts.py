"""Cosine annealing of the learning rate with warm restarts."""

import math
import numbers

import keras


class WarmRestarts(keras.callbacks.Callback):
    """Anneals the learning rate along a cosine, and starts over at the end of each period.

        rate = min_lr + (base_lr - min_lr) (1 + cos(π T_cur / T_i)) / 2

    T_cur counts epochs since the last restart; periods last T_0, T_0·T_mult, T_0·T_mult², … epochs.
    The rate depends on nothing but the epoch and the batch, so a run that stops and goes on
    (`BackupAndRestore`, or `initial_epoch` of `fit`) has the rates of one that never stopped.
    Each epoch's last rate goes into its logs; place this callback before those that write them.

    Args:
        T_0: int ≥ 1. Epochs of the first period.
        T_mult: int ≥ 1. Every period lasts this many times the one before.
        min_lr: float in [0, base_lr]. The rate that a period approaches.
        update: "epoch" holds the rate for an epoch; "batch" sets it before every step, at
            epoch + batch / steps. With `steps_per_execution` steps run together share a rate.
        base_lr: float > 0. The rate after a restart. None takes the optimizer's rate when this
            object first meets a model, before anything is restored. A model file holds the
            annealed rate: give `base_lr` after loading one.

    Raises:
        ValueError: if an argument is out of range, or "batch" meets data of unknown length.
        TypeError: if the optimizer's rate is no plain number, such as a schedule.

    Example:
        >>> from stgkeras.callbacks import WarmRestarts
        >>> schedule = WarmRestarts(T_0=2, T_mult=2, base_lr=0.1)
        >>> [round(schedule.rate(epoch), 4) for epoch in (0, 1, 2, 3, 4, 5, 6)]
        [0.1, 0.05, 0.1, 0.0854, 0.05, 0.0146, 0.1]

    Source:
        Loshchilov & Hutter, 2017, arXiv:1608.03983, eq. 5. Departs from the paper: with
        `update="epoch"` the rate moves once an epoch, where the paper moves it every batch; the
        highest and the lowest rate are the same in every period.
    """

    def __init__(self, T_0=5, T_mult=2, min_lr=0.0, update="epoch", base_lr=None):
        super().__init__()
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, numbers.Integral) or value < 1:
                raise ValueError(
                    f"`{name}` must be an integer of at least 1. Received: {name}={value!r}"
                )
        if not isinstance(min_lr, numbers.Real) or not 0 <= min_lr < math.inf:
            raise ValueError(
                f"`min_lr` must be a finite number of at least 0. Received: min_lr={min_lr!r}"
            )
        if update not in ("epoch", "batch"):
            raise ValueError(f'`update` must be "epoch" or "batch". Received: update={update!r}')
        self.T_0 = T_0
        self.T_mult = T_mult
        self.min_lr = min_lr
        self.update = update
        self.base_lr = base_lr
        self._base = None
        self._epoch = 0
        if base_lr is not None:
            self._set_base(base_lr)

    def rate(self, epoch):
        """Learning rate at `epoch`, a float: 2.5 is halfway through the third epoch."""
        if self._base is None:
            raise ValueError(
                "`base_lr` must be known to compute a rate. Received: base_lr=None. "
                "Give `base_lr`, or call `rate` after `fit` has begun."
            )
        period = self.T_0
        if self.T_mult == 1:
            epoch = epoch % period
        while epoch >= period:
            epoch -= period
            period *= self.T_mult
        share = (1.0 + math.cos(math.pi * epoch / period)) / 2.0
        return self.min_lr + (self._base - self.min_lr) * share

    def set_model(self, model):
        super().set_model(model)
        current = getattr(model.optimizer, "learning_rate", None)
        if not isinstance(current, keras.Variable):
            raise TypeError(
                "`learning_rate` of the optimizer must be a number for `WarmRestarts` to set. "
                f"Received: an optimizer of type {type(model.optimizer).__name__} whose rate is a "
                "schedule or absent. Compile the model with a float `learning_rate`."
            )
        if self._base is None:
            self._set_base(float(keras.ops.convert_to_numpy(current)))

    def on_train_begin(self, logs=None):
        if self.update == "batch" and not self.params.get("steps"):
            raise ValueError(
                '`update` must be "epoch" where the number of batches of an epoch is unknown. '
                'Received: update="batch". Pass `steps_per_epoch` to `fit` to make it known.'
            )

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._set_rate(self.rate(epoch))

    def on_train_batch_begin(self, batch, logs=None):
        if self.update == "batch":
            self._set_rate(self.rate(self._epoch + batch / self.params["steps"]))

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            rate = self.model.optimizer.learning_rate
            logs["learning_rate"] = float(keras.ops.convert_to_numpy(rate))

    def _set_base(self, base_lr):
        if not isinstance(base_lr, numbers.Real) or not 0 < base_lr < math.inf:
            raise ValueError(
                f"`base_lr` must be a finite number above 0. Received: base_lr={base_lr!r}"
            )
        if self.min_lr > base_lr:
            raise ValueError(
                "`min_lr` must be at most the base learning rate. "
                f"Received: min_lr={self.min_lr!r}, base learning rate {base_lr!r}"
            )
        self._base = float(base_lr)

    def _set_rate(self, rate):
        # `self.model` first brings the state that JAX holds aside back into the variables.
        self.model.optimizer.learning_rate = rate
