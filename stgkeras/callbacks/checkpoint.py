"""Checkpoints of whole models, written safely against crashes."""

from __future__ import annotations

import json
import os
import pathlib
import zipfile
from typing import Any

import keras
import numpy as np

_RECORD = "checkpoint.json"  # the file that `Checkpoint` adds to the archive of Keras


class Checkpoint(keras.callbacks.Callback):
    """Callback that saves the compiled model and its optimizer state after every epoch.

    The callback writes a temporary file and then renames the file to `path`. If the process is
    killed, the file at `path` is always complete: either the previous or the new checkpoint.

    In addition to a `.keras` file of Keras, the checkpoint contains the number of finished epochs
    and the random state of the dropout layers.

    To resume a run, load the file, read the number of epochs with `Checkpoint.epoch`, and use a
    `Checkpoint` with the same path. The callback restores the random state when `fit` starts. If
    each batch depends only on the epoch number, the resumed run gives the same final weights as a
    run without interruption. For `datasets.Windows`, set `windows.epoch` to the number of epochs.
    `WarmRestarts` needs `base_lr`, because the saved learning rate is not the initial one:

        model, epoch = keras.models.load_model(path), Checkpoint.epoch(path)
        callbacks = [WarmRestarts(base_lr=1e-3), Checkpoint(path)]
        model.fit(..., callbacks=callbacks, initial_epoch=epoch)

    Args:
        path: path of the file, ending in ".keras". Its folder is created if it does not exist.

    Raises:
        ValueError: if `path` does not end in ".keras". In `fit`, if the file belongs to another
            model and training resumes at the epoch of the file.

    Example:
        >>> import tempfile, keras, numpy as np
        >>> from stgkeras.callbacks import Checkpoint
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("adam", "mse")
        >>> path = f"{tempfile.mkdtemp()}/model.keras"
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[Checkpoint(path)])
        >>> Checkpoint.epoch(path)
        3
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self.path = pathlib.Path(path)
        if self.path.suffix != ".keras":
            raise ValueError(
                f'`path` must end in ".keras". Received: path={str(path)!r}. Change the suffix.'
            )

    @staticmethod
    def epoch(path: str | os.PathLike[str]) -> int:
        """Returns the number of finished epochs of a checkpoint: the `initial_epoch` of `fit`.

        Args:
            path: path of a file that `Checkpoint` wrote.

        Raises:
            ValueError: if the file does not contain the number of epochs.
        """
        record = _record(path)
        if "epoch" not in record:
            raise ValueError(
                f"`path` must be a file that `Checkpoint` wrote. Received: path={str(path)!r}, "
                "a file without the number of epochs. Pass `initial_epoch` as a number."
            )
        return record["epoch"]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._begins = True

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._begins and epoch and zipfile.is_zipfile(self.path):
            record = _record(self.path)
            if record.get("epoch") == epoch:
                self._restore(**record.get("random", {}))
        self._begins = False

    def _restore(self, layers=None, torch=None):
        states = _layer_states(self.model)
        if layers is not None and len(layers) != len(states):
            raise ValueError(
                "`path` must be a checkpoint of the same model. Received: "
                f"path={str(self.path)!r}, a checkpoint with {len(layers)} random states; the "
                f"model has {len(states)}. Load the model from this file, or pass another `path`."
            )
        for state, value in zip(states, layers or (), strict=False):
            state.assign(np.asarray(value).astype(state.dtype))
        if torch and keras.backend.backend() == "torch":
            _set_torch_states(torch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # The name is fixed, so that a new file overwrites the file of a killed process.
        temporary = self.path.with_name(f".{self.path.stem}.partial.keras")
        try:
            self.model.save(temporary)
            layers = [keras.ops.convert_to_numpy(v).tolist() for v in _layer_states(self.model)]
            record = {"epoch": epoch + 1, "random": {"layers": layers, "torch": _torch_states()}}
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(_RECORD, json.dumps(record))
            os.replace(temporary, self.path)
        finally:
            temporary.unlink(missing_ok=True)


def _record(path):
    """Returns the record of `Checkpoint` in the archive, or {} if there is none."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(_RECORD)) if _RECORD in archive.namelist() else {}


def _layer_states(model):
    """Returns the variables of the `keras.random.SeedGenerator`s, in the order of the layers."""
    saved = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in saved]


def _torch_states():
    """Returns the states of the generators of torch, of the CPU and of each GPU.

    On torch, dropout without a seed uses these generators.
    """
    if keras.backend.backend() != "torch":
        return []
    import torch

    states = [torch.get_rng_state(), *torch.cuda.get_rng_state_all()]
    return [state.numpy().tobytes().hex() for state in states]


def _set_torch_states(states):
    import torch

    cpu, *gpus = (torch.frombuffer(bytearray.fromhex(s), dtype=torch.uint8) for s in states)
    torch.set_rng_state(cpu)
    torch.cuda.set_rng_state_all(gpus[: torch.cuda.device_count()])
