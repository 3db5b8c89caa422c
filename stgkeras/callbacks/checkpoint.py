"""Whole-model checkpoints that a crash cannot damage."""

import json
import os
import pathlib
import zipfile

import keras
import numpy as np

_RECORD = "checkpoint.json"  # what `Checkpoint` adds to the archive that Keras writes


class Checkpoint(keras.callbacks.Callback):
    """Saves the compiled model with its optimizer state after every epoch, in one `.keras` file.

    The model goes to a temporary file beside `path`, which then takes the place of `path` in one
    step: a process killed at any moment leaves either the previous checkpoint or the new one,
    whole. The file also records the number of finished epochs, which `Checkpoint.epoch` reads, and
    the state of the random numbers of dropout, which no `.keras` file holds by itself.

    To go on, load the file and start at that epoch. A `Checkpoint` of the same path puts the random
    numbers back where `fit` begins, and the run ends as it would have without the break, if its
    batches depend on the epoch alone (`datasets.Windows`, with `windows.epoch`). The file holds the
    annealed learning rate, so `WarmRestarts` then needs its `base_lr`:

        model, epoch = keras.models.load_model(path), Checkpoint.epoch(path)
        callbacks = [WarmRestarts(base_lr=1e-3), Checkpoint(path)]
        model.fit(..., callbacks=callbacks, initial_epoch=epoch)

    Args:
        path: string or path of the file, ending in ".keras"; missing folders are made.

    Raises:
        ValueError: if `path` does not end in ".keras"; in `fit`, if it goes on at the epoch of the
            file with another model.

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

    def __init__(self, path):
        super().__init__()
        self.path = pathlib.Path(path)
        if self.path.suffix != ".keras":
            raise ValueError(f'`path` must end in ".keras". Received: path={str(path)!r}')

    @staticmethod
    def epoch(path):
        """Number of epochs that the checkpoint at `path` has finished: the next `initial_epoch`."""
        record = _record(path)
        if "epoch" not in record:
            raise ValueError(
                f"`path` must be a file that `Checkpoint` wrote. Received: path={str(path)!r}, "
                "which records no epoch. Give `initial_epoch` yourself."
            )
        return record["epoch"]

    def on_train_begin(self, logs=None):
        self._begins = True

    def on_epoch_begin(self, epoch, logs=None):
        if self._begins and epoch and zipfile.is_zipfile(self.path):
            record = _record(self.path)
            if record.get("epoch") == epoch:
                self._restore(**record.get("random", {}))
        self._begins = False

    def _restore(self, layers=None, torch=None):
        states = _layer_states(self.model)
        if layers is not None and len(layers) != len(states):
            raise ValueError(
                "`path` must be a checkpoint of the model that goes on at its epoch. Received: "
                f"path={str(self.path)!r}, which holds {len(layers)} states of random numbers, for "
                f"a model with {len(states)}. Load the model from it, or give another path."
            )
        for state, value in zip(states, layers or (), strict=False):
            state.assign(np.asarray(value).astype(state.dtype))
        if torch and keras.backend.backend() == "torch":
            _set_torch_states(torch)

    def on_epoch_end(self, epoch, logs=None):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # One fixed name: what a killed process left behind is overwritten, never piled up.
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
    """What `Checkpoint` added to the archive; {} if another wrote it."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(_RECORD)) if _RECORD in archive.namelist() else {}


def _layer_states(model):
    """The variables of its `keras.random.SeedGenerator`s, in the order of the layers."""
    saved = {id(weight) for weight in model.weights}
    return [variable for variable in model.variables if id(variable) not in saved]


def _torch_states():
    """Those of torch's own generators, of the CPU and each GPU: on torch, dropout without a seed
    draws from them."""
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
