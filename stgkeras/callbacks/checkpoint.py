"""Whole-model checkpoints that a crash cannot damage."""

import json
import os
import pathlib
import zipfile

import keras

_RECORD = "checkpoint.json"  # what `Checkpoint` adds to the archive that Keras writes


class Checkpoint(keras.callbacks.Callback):
    """Saves the compiled model with its optimizer state after every epoch, in one `.keras` file.

    The model goes to a temporary file beside `path`, which then takes the place of `path` in one
    step: a process killed at any moment leaves either the previous checkpoint or the new one,
    whole. The file also records the number of finished epochs, which `Checkpoint.epoch` reads.

    To go on, load the file and start at that epoch. The file holds the annealed learning rate, so
    `WarmRestarts` then needs its `base_lr`:

        model = keras.models.load_model(path)
        callbacks = [WarmRestarts(base_lr=1e-3), Checkpoint(path)]
        model.fit(..., callbacks=callbacks, initial_epoch=Checkpoint.epoch(path))

    Args:
        path: string or path of the file, ending in ".keras"; missing folders are made.

    Raises:
        ValueError: if `path` does not end in ".keras".

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
        try:
            with zipfile.ZipFile(path) as archive:
                return json.loads(archive.read(_RECORD))["epoch"]
        except KeyError as error:
            raise ValueError(
                f"`path` must be a file that `Checkpoint` wrote. Received: path={str(path)!r}, "
                "which records no epoch. Give `initial_epoch` yourself."
            ) from error

    def on_epoch_end(self, epoch, logs=None):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # One fixed name: what a killed process left behind is overwritten, never piled up.
        temporary = self.path.with_name(f".{self.path.stem}.partial.keras")
        try:
            self.model.save(temporary)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(_RECORD, json.dumps({"epoch": epoch + 1}))
            os.replace(temporary, self.path)
        finally:
            temporary.unlink(missing_ok=True)
