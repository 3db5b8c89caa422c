"""Checkpoints of whole models, written safely against crashes."""

from __future__ import annotations

import json
import numbers
import os
import zipfile
import zlib
from typing import Any

import keras
import numpy as np

from stgkeras import _processes, arguments

_RECORD = "checkpoint.json"  # the file that `Checkpoint` adds to the archive of Keras
_LARGEST = 2**24  # bytes of this file; a state of torch takes 10 kB, a state of a layer 30 bytes
_DAMAGE = (
    *(EOFError, NotImplementedError, OSError, RuntimeError, ValueError),
    *(RecursionError, zipfile.BadZipFile, zlib.error),
)


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

    If several processes train, the first one writes the file, and all of them read it to resume.
    The number of processes may then differ.

    Args:
        path: path of the file, ending in ".keras". Its folder is created if it does not exist.

    Raises:
        TypeError: if `path` is not a path.
        ValueError: if `path` does not end in ".keras". In `fit`, if training resumes and the file
            is damaged, or belongs to another model.

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
        self.path = arguments.path("path", path)
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
            FileNotFoundError: if there is no file at `path`.
            ValueError: if the file is damaged, or does not contain the number of epochs.
        """
        path = arguments.path("path", path)
        if not path.is_file():
            raise FileNotFoundError(
                f"`path` must be an existing file. Received: path={str(path)!r}. Check the path, "
                "or start a new run."
            )
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
        try:
            # All values are read before the first of them is assigned.
            values = [
                np.asarray(value, state.dtype).reshape(state.shape)
                for state, value in zip(states, layers or (), strict=False)
            ]
            if torch and keras.backend.backend() == "torch":
                _set_torch_states(torch)
        except (TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise _damaged(self.path, error) from error
        for state, value in zip(states, values, strict=False):
            state.assign(value)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not _processes.is_first():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # The name is fixed, so that a new file overwrites the file of a killed process.
        temporary = self.path.with_name(f".{self.path.stem}.partial.keras")
        try:
            with _processes.alone():
                self.model.save(temporary)
            layers = [keras.ops.convert_to_numpy(v).tolist() for v in _layer_states(self.model)]
            record = {"epoch": epoch + 1, "random": {"layers": layers, "torch": _torch_states()}}
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(_RECORD, json.dumps(record))
            os.replace(temporary, self.path)
        finally:
            temporary.unlink(missing_ok=True)


def _damaged(path, reason):
    return ValueError(
        f"`path` must be an undamaged file that `Checkpoint` wrote. Received: path={str(path)!r}, "
        f"with {type(reason).__name__}: {reason}. Use another copy of the file, or start a new run."
    )


def _record(path):
    """Returns the record of `Checkpoint` in the archive, or {} if there is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            if _RECORD not in archive.namelist():
                return {}
            with archive.open(_RECORD) as file:
                text = file.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise ValueError(f"{_RECORD} has more than {_LARGEST} bytes")
        record = json.loads(text)
        _check_record(record)
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    return record


def _check_record(record):
    """Raises ValueError if the record does not have the form that `Checkpoint` writes."""
    if not isinstance(record, dict):
        raise ValueError(f"{_RECORD} holds no dict")
    epoch, random = record.get("epoch", 0), record.get("random", {})
    if not isinstance(epoch, numbers.Integral) or isinstance(epoch, bool) or epoch < 0:
        raise ValueError(f"{_RECORD} holds the epoch {epoch!r}")
    states = list(random.values()) if isinstance(random, dict) else [None]
    known = isinstance(random, dict) and set(random) <= {"layers", "torch"}
    if not known or not all(isinstance(state, list) for state in states):
        raise ValueError(f"{_RECORD} holds no random states")


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
