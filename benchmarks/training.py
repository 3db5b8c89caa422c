"""Trainings of the benchmarks. One that was cut off goes on, one that is whole is not repeated."""

import math

import keras
import pandas as pd
import records

from stgkeras import callbacks

LOSS = ("val_loss", "min")


def once(folder, run, *arguments):
    """The figures in the folder of a training. If there are none yet, `run` makes them."""
    record = folder / "figures.json"
    if not record.exists():
        records.write(record, run(folder, *arguments))
    return records.read(record)


def add_rows(args, kind, name, figures, run):
    """Trains the rows and seeds that the options ask for on the data `name`.

    Their figures are added to `figures`, {name: {row: {seed: figures}}}, and saved. `run` takes a
    folder, a row and a seed, and returns figures.
    """
    for seed in args.seeds:
        for row in args.rows:
            print(f"{name}, {row}, seed {seed}", flush=True)
            found = once(records.run_folder(kind, name, row, seed), run, row, seed)
            figures[name].setdefault(row, {})[f"seed {seed}"] = found
            records.save(args, {"figures": figures})


def adam(rate, steps, clip):
    """Adam whose learning rate falls from `rate` to 0 along a cosine."""
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    return keras.optimizers.Adam(schedule, global_clipnorm=clip)


def fit(folder, build, train, epochs, watch=LOSS, before=(), **validation):
    """Trains the compiled model that `build` returns, or goes on with the training in the folder.

    `watch` is a column of the log and "min" or "max": the weights of its best epoch count. If it is
    None, those of the last epoch do. The callbacks `before` are called before all others.

    Returns:
        The model with the weights that count, and the log as a frame.
    """
    folder.mkdir(parents=True, exist_ok=True)
    last, best, log = folder / "last.keras", folder / "best.weights.h5", folder / "log.csv"
    (column, mode), epoch, best_so_far = watch or LOSS, 0, None
    if last.exists():
        model, epoch = keras.models.load_model(last), callbacks.Checkpoint.epoch(last)
        train.epoch, best_so_far = epoch, getattr(pd.read_csv(log)[column], mode)()
    else:
        model = build()
    which = {"monitor": column, "mode": mode, "save_best_only": watch is not None}
    which |= {"save_weights_only": True, "initial_value_threshold": best_so_far}
    keep = keras.callbacks.ModelCheckpoint(best, **which)
    logger = keras.callbacks.CSVLogger(log, append=epoch > 0)
    watching = [*before, logger, keep, callbacks.Checkpoint(last)]
    options = {"epochs": epochs, "initial_epoch": epoch, "shuffle": False, "verbose": 2}
    model.fit(train, callbacks=watching, **options, **validation)
    model.load_weights(best)
    return model, pd.read_csv(log)


def num_parameters(model):
    """The number of trained parameters."""
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)
