"""Searches the hyperparameters of ASTGCN, and compares the best with the default on test data.

python examples/tune_astgcn.py                               synthetic data of two roads
python examples/tune_astgcn.py --data FILE --season          NPZ or CSV, see load_series
python examples/tune_astgcn.py … --out FOLDER                resumes the search in FOLDER
tensorboard --logdir FOLDER/trials                           compares trials, under HParams

Several processes share the search if each has KERASTUNER_TUNER_ID ("chief" in one of them),
KERASTUNER_ORACLE_IP and …_ORACLE_PORT. The two final trainings have three times as many epochs.
"""

import dataclasses
import json
import os
import pathlib
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter

import forecast_task
import keras
import keras_tuner
import numpy as np
import pandas as pd
import tasks
from forecast_report import baselines, table
from train_astgcn import add_series_options, checked

from stgkeras import datasets, tuning

REACH = {"input_length": 12, "horizon": 12}
TUNERS = ("BayesianOptimization", "RandomSearch", "GridSearch")


# Appends the seconds of every epoch to a file, also of failed trials.
class Cost(keras.callbacks.Callback):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        with open(self.path, "a") as file:
            print(time.perf_counter() - self.began, file=file)


def reading(task, input_length):
    """Returns the task for models with this input length."""
    parts = input_length if isinstance(input_length, dict) else None
    return dataclasses.replace(task, components=parts)


def problem(args, folder):
    """Returns the task, to forecast the first feature of a series, and the search space."""
    series = tasks.measured(args)
    shares = {"val": args.val, "test": args.test, "boundary": args.boundary}
    split = datasets.split_windows(len(series.values), **REACH, **shares)
    task = forecast_task.Task(series, split, REACH, season=args.season)

    def windows(batch_size, input_length):
        return reading(task, input_length).windows(batch_size, args.seed)[:2]

    hypermodel = tuning.ASTGCNHyperModel(
        windows,
        np.maximum(series.adjacency, series.adjacency.T),
        values=series.values[: task.known],
        calendar=task.calendar[: task.known] if args.season else None,
        log_dir=folder / "trials",
        input_length=dict.fromkeys(("recent", "daily", "weekly"), 12) if args.days else 12,
        horizon=12,
        num_features=series.values.shape[-1],
        **({"season": task.day} if args.season else {"normalize": True}),
        **args.fix,
    )
    return task, hypermodel


def retrained(path, hp, hypermodel, args):
    """Trains a model with the hyperparameters `hp`, and returns the model of the best epoch."""
    keras.utils.set_random_seed(args.seed)
    model = hypermodel.build(hp)
    keep = keras.callbacks.ModelCheckpoint(path, "val_masked_mae", mode="min", save_best_only=True)
    hypermodel.fit(hp, model, epochs=3 * args.epochs, verbose=2, callbacks=[keep])
    return keras.models.load_model(path)


def main(args):
    folder = pathlib.Path(args.out)
    keras.utils.set_random_seed(args.seed)
    task, space = problem(args, folder)
    place = {"seed": args.seed, "directory": folder, "project_name": "search"}
    place["max_consecutive_failed_trials"] = min(3, args.trials)  # stops if all trials fail
    tuner = getattr(keras_tuner, args.tuner)(space, space.objective, args.trials, **place)
    tuner.search(epochs=args.epochs, verbose=2, callbacks=[Cost(folder / "seconds.txt")])
    if "chief" not in os.environ.get("KERASTUNER_TUNER_ID", "chief"):
        return  # only the chief continues
    trials = tuner.oracle.get_best_trials(args.trials)  # failed trials come last
    shown = [{"MAE": t.score, "trial": t.trial_id} | t.hyperparameters.values for t in trials]
    print(f"\nTrials, sorted by validation MAE\n{pd.DataFrame(shown).to_string()}")
    seconds = [float(line) for line in open(folder / "seconds.txt")]
    cost = f"{len(trials)} trials, {len(seconds)} epochs, {sum(seconds) / 60:.1f} minutes"
    print(f"\nThe search took {cost}.\n")
    chosen = {"best": trials[0].hyperparameters, "default": keras_tuner.HyperParameters()}
    models = {n: retrained(folder / f"{n}.keras", hp, space, args) for n, hp in chosen.items()}
    record = {"cost": cost, "trials": shown}
    for part in ("val", "test"):
        there = dataclasses.replace(task, split=task.split._replace(test=getattr(task.split, part)))
        found = {}
        for name, model in models.items():
            batches = reading(there, model.input_length).batches(there.split.test)
            found[name] = model.predict(batches, verbose=0)
        record[part] = table(there, found | baselines(there), (3, 6, 12))
        print(f"\n{part} errors (retrained)\n{pd.DataFrame(record[part]).T.round(3).to_string()}")
    (folder / "figures.json").write_text(json.dumps(record, indent=1))


def parse(arguments=None):
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--tuner", choices=TUNERS, default=TUNERS[0], help="class of keras-tuner")
    parser.add_argument("--trials", type=int, default=20, help="number of trials")
    parser.add_argument("--days", action="store_true", help="also search daily and weekly inputs")
    parser.add_argument("--fix", type=json.loads, default={}, help="such as '{\"num_blocks\": 2}'")
    add_series_options(parser)
    parser.set_defaults(task="forecast", dataset="demo", epochs=5, resume=False, learning_rate=None)
    return checked(parser, arguments)


if __name__ == "__main__":
    main(parse())
