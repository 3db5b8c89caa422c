"""Trainings of benchmarks. Interrupted ones are resumed, and complete ones are not repeated."""

import math

import keras
import records


def once(folder, run, *arguments):
    """Returns the figures stored in a folder. Calls `run` first if there are none."""
    record = folder / "figures.json"
    if not record.exists():
        records.write(record, run(folder, *arguments))
    return records.read(record)


def add_rows(args, kind, name, figures, run):
    """Trains the rows and seeds of the options on the data `name`.

    Adds the results to `figures`, {name: {row: {seed: figures}}}, and saves them. `run` takes a
    folder, a row and a seed, and returns figures.
    """
    for seed in args.seeds:
        for row in args.rows:
            print(f"{name}, {row}, seed {seed}", flush=True)
            found = once(records.run_folder(kind, name, row, seed), run, row, seed)
            figures[name].setdefault(row, {})[f"seed {seed}"] = found
            records.save(args, {"figures": figures})


def adam(rate, steps, clip):
    """Returns Adam with a cosine decay of the learning rate from `rate` to 0."""
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    return keras.optimizers.Adam(schedule, global_clipnorm=clip)


def num_parameters(model):
    """Returns the number of trained parameters."""
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)
