"""Training that can be interrupted and resumed. Used by train_astgcn.py and by the benchmarks."""

import keras
import pandas as pd

from stgkeras import callbacks
from stgkeras.cli import terminal

LOSS = ("val_loss", "min")


def fit(folder, compiled, train, before=(), watch=LOSS, **kwargs):
    """Trains a model, or resumes its training in the folder.

    Args:
        folder: path. Gets the model after each epoch (last.keras), the best weights
            (best.weights.h5) and the log (log.csv).
        compiled: function without arguments that returns a compiled model.
        train: `Windows`, or another dataset that depends on `seed` and `epoch` alone.
        before: callbacks that run before those that write the files.
        watch: pair of a column of the log and "min" or "max". The model gets the weights of the
            best epoch, or with None those of the last epoch.
        **kwargs: `epochs` and other arguments of `fit`. Without `verbose`, the function prints a
            line for each epoch.

    Returns:
        The model, and the log as a frame.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last, best, log = folder / "last.keras", folder / "best.weights.h5", folder / "log.csv"
    (column, mode), epoch, best_so_far = watch or LOSS, 0, None
    if last.exists():
        model, epoch = keras.models.load_model(last), callbacks.Checkpoint.epoch(last)
        train.epoch, best_so_far = epoch, getattr(pd.read_csv(log)[column], mode)()
    else:
        model = compiled()
    keep = keras.callbacks.ModelCheckpoint(
        best,
        monitor=column,
        mode=mode,
        save_best_only=watch is not None,
        save_weights_only=True,
        initial_value_threshold=best_so_far,
    )
    logger = keras.callbacks.CSVLogger(log, append=epoch > 0)
    lines = [] if "verbose" in kwargs else [terminal.epoch_lines(column, mode, best_so_far)]
    model.fit(
        train,
        initial_epoch=epoch,
        shuffle=False,  # `train` shuffles by seed and epoch, so a resumed run has equal batches
        callbacks=[*before, logger, keep, callbacks.Checkpoint(last), *lines],
        **{"verbose": 0, **kwargs},
    )
    model.load_weights(best)
    return model, pd.read_csv(log)
