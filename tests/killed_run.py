"""A training that goes on from its checkpoint if there is one, and may be killed.

    KERAS_BACKEND=jax python tests/killed_run.py FOLDER [batch | save]

trains to the end and writes `end.npz`: weights, the state of the optimizer and of dropout. With
"batch" the process kills itself in the middle of the third epoch, with "save" when all is done and
it has trained one epoch more and written half of its checkpoint. `log.txt` gets a line an epoch.
"""

import os
import pathlib
import signal
import sys

import keras
import numpy as np

from stgkeras import callbacks, datasets, graphs, models

EPOCHS, BATCHES, NODES = 5, 5, 4


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class KillInEpoch(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (2, BATCHES // 2):
            die()


class Log(keras.callbacks.Callback):
    """Appends each epoch, its windows in their order and its loss."""

    def __init__(self, path, windows):
        super().__init__()
        self.path, self.windows = path, windows

    def on_epoch_begin(self, epoch, logs=None):
        self.order = [int(y[0, 0, 0, 0]) for _, y in self.windows]

    def on_epoch_end(self, epoch, logs=None):
        with open(self.path, "a") as file:
            print(epoch, self.order, logs["loss"].hex(), file=file)


def new_model(series):
    ring = np.roll(np.eye(NODES), 1, axis=1)
    model = models.STGCN(
        NODES,
        graph=graphs.scaled_laplacian(ring + ring.T),
        input_length=5,
        horizon=2,
        block_filters=((4, 2, 4),),
        output_filters=(4, 4),
        normalize=True,
        dropout=0.5,
    )
    model.adapt(series)
    model.compile(keras.optimizers.Adam(1e-2, global_clipnorm=1.0), "mae")
    return model


def state(model):
    return [keras.ops.convert_to_numpy(v) for v in [*model.weights, *model.optimizer.variables]]


def dropout_states(model):
    found = [layer.seed_generator.state for layer in model.layers if "dropout" in layer.name]
    return [keras.ops.convert_to_numpy(v) for v in found]


def main(folder, killed_in=None):
    keras.utils.set_random_seed(1)
    path = folder / "last.keras"
    series = np.arange(70.0).reshape(70, 1, 1) + np.arange(NODES).reshape(NODES, 1) / NODES
    windows = datasets.Windows(
        series, series, range(64), input_length=5, horizon=2, batch_size=13, shuffle=True, seed=2
    )
    if path.exists():
        model, epoch = keras.models.load_model(path), callbacks.Checkpoint.epoch(path)
    else:
        model, epoch = new_model(series), 0
    checkpoint, log = callbacks.Checkpoint(path), Log(folder / "log.txt", windows)
    rates = callbacks.WarmRestarts(T_0=2, update="batch", base_lr=1e-2)
    kill = [KillInEpoch()] if killed_in == "batch" else []

    def fit(first, last, watching):
        windows.epoch = first
        fit = {"epochs": last, "initial_epoch": first, "shuffle": False, "verbose": 0}
        model.fit(windows, callbacks=watching, **fit)

    fit(epoch, EPOCHS, [rates, checkpoint, log, *kill])
    np.savez(folder / "end.npz", *state(model), *dropout_states(model))
    if killed_in == "save":
        whole_save = model.save

        def half_save(path):
            whole_save(path)
            os.truncate(path, os.path.getsize(path) // 2)
            die()

        model.save = half_save
        fit(EPOCHS, EPOCHS + 1, [checkpoint])


if __name__ == "__main__":
    from own_process import quick_process

    with quick_process():
        main(pathlib.Path(sys.argv[1]), *sys.argv[2:])
