"""Early stopping that a resumed training continues."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import keras
import numpy as np

from stgkeras import _processes
from stgkeras.datasets.series.files import read_npz, write_npz


class Patience(keras.callbacks.EarlyStopping):
    """Early stopping that restores the best weights and stores its state in a file.

    When a training is resumed, Keras's callback does not know the best epoch before. This callback
    reads it from the file.

    Args:
        patience: int, as in `keras.callbacks.EarlyStopping`.
        path: None, or the path of an npz file that is written after each epoch.
        begun: int. Number of finished epochs, for a training that is resumed from `path`.
        start: None, or the validation loss of the weights before the first epoch. These weights
            are then kept if no epoch has a lower loss.
        data: str. Digest of the data. It must be equal to the digest in `path`.
    """

    def __init__(
        self,
        patience: int,
        path: str | os.PathLike[str] | None = None,
        begun: int = 0,
        start: float | None = None,
        data: str = "",
    ) -> None:
        super().__init__(monitor="val_loss", patience=patience, restore_best_weights=True)
        self.path = None if path is None else pathlib.Path(path)
        self.begun, self.start, self.data = begun, start, data
        self.values: list[float] = []
        self.best: float | None = None
        self.wait = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        if self.start is not None:
            self.best, self.best_epoch = self.start, -1
            self.best_weights = self.model.get_weights()
        if self.path is None or not self.begun or not self.path.is_file():
            return
        found = read_npz(self.path)
        if str(found.get("data", self.data)) != self.data:
            raise ValueError(
                "`checkpoint` must be a new path, or the file of a training on the same series, "
                f"graph and targets. Received: {self.path}, which is of other data. Pass another "
                "path; to train on from a finished forecaster, pass `initial`."
            )
        if "start" in found:
            self.start = float(found["start"])
            self.best, self.best_epoch = self.start, -1
        self.values = found["values"].tolist()[: self.begun]
        for epoch, value in enumerate(self.values):
            self.wait += 1
            if self.best is None or value < self.best:
                self.best, self.best_epoch, self.wait = value, epoch, 0
        if int(found["epoch"]) == self.best_epoch:
            # Otherwise the process was killed after an epoch that the training now repeats.
            weights = self.model.get_weights()
            self.best_weights = [found[f"w{i}"] for i in range(len(weights))]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        super().on_epoch_end(epoch, logs)
        if self.path is None:
            return
        self.values.append(float((logs or {})[self.monitor]))
        if not _processes.is_first():
            return
        weights = {f"w{i}": weight for i, weight in enumerate(self.best_weights or [])}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.start is not None:
            weights["start"] = np.float64(self.start)
        known = {"values": self.values, "epoch": self.best_epoch, "data": np.array(self.data)}
        write_npz(self.path, known | weights)
