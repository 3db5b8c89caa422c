"""Forecasters on four real series, beside a ridge regression on what the season leaves.

    python benchmarks/forecasting.py --data FOLDER --minutes 30
    python benchmarks/forecasting.py --data FOLDER --datasets los_loop --rows "STGCN, season"

12 steps in, 12 out. FOLDER holds the subfolders metr_la, pems_d12_orange, pems08_tail and los_loop.
A row is trained with masked mean absolute error, its epoch chosen on validation, its test error
taken once; a "refit" row learns from validation too, for all epochs of the row before it. Runs live
in runs/forecasting; one that was cut off or ran out of minutes goes on, one that is complete is not
repeated. Prints a table; figures go to benchmarks/results/forecasting.json.
"""

import argparse
import json
import pathlib
import time
from typing import NamedTuple

import keras
import numpy as np
import pandas as pd
import records
from forecasting_data import DATASETS, DAY, READ, WEEK

from stgkeras import callbacks, datasets, graphs, losses, metrics, models

RESULT = records.RESULTS / "forecasting.json"
RUNS = records.ROOT / "runs" / "forecasting"
STEPS = {"15 min": 3, "30 min": 6, "45 min": 9, "60 min": 12}


class Row(NamedTuple):
    """A forecaster, and how it is trained."""

    model: type
    options: dict = {}
    season: bool = True
    days: bool = False  # whether it also reads the hours ahead of yesterday and a week ago
    leave_out: bool = True  # whether training sees the season without the day at hand
    rate: float = 1e-3  # at first; it falls to 0 along a cosine
    epochs: int = 20
    loss: type = losses.MaskedMeanAbsoluteError
    refit: bool = False  # whether it also learns from validation, with settings found before


STGCN = Row(models.STGCN, {"dropout": 0.0})
MSTGCN = Row(models.ASTGCN, {"attention": False}, epochs=10)
ASTGCN = Row(models.ASTGCN, epochs=10)
STID = Row(models.GraphSTID, rate=3e-3, epochs=10)
PLAIN = {"rate": 3e-3, "epochs": 20}  # without the season there is more to learn
ROWS = {
    "STGCN": STGCN._replace(season=False, **PLAIN),
    "MSTGCN": MSTGCN._replace(season=False, **PLAIN),
    "ASTGCN": ASTGCN._replace(season=False, **PLAIN),
    "GraphSTID": STID._replace(season=False),
    "STGCN, season": STGCN,
    "MSTGCN, season": MSTGCN,
    "ASTGCN, season": ASTGCN,
    "ASTGCN, season, additive": ASTGCN._replace(options={"spatial_score": "additive"}),
    "ASTGCN, season, days": ASTGCN._replace(days=True),
    "GraphSTID, season": STID,
    "GraphSTID, season, days": STID._replace(days=True),
    "GraphSTID, season, days, refit": STID._replace(days=True, refit=True),
}
# What each part of the last model is worth: the row without it.
ABLATIONS = {
    f"GraphSTID, season, days, {change}": STID._replace(days=True, **arguments)
    for change, arguments in {
        "no learned graph": {"options": {"adaptive_units": 0}},
        "no given graph": {"options": {"K": 1}},
        "no node vectors": {"options": {"node_units": 0}},
        "season of all days": {"leave_out": False},
        "squared error": {"loss": losses.MaskedMeanSquaredError},
        "rate 0.001": {"rate": 1e-3},
        "20 epochs": {"epochs": 20},
    }.items()
}
ABLATIONS["STGCN, rate 0.001"] = ROWS["STGCN"]._replace(rate=1e-3)
ALL = ROWS | ABLATIONS


def build(row, data):
    """A forecaster that is fitted to the readings it may know."""
    _, nodes, features = data.values.shape
    model = row.model(
        nodes,
        graph=graphs.scaled_laplacian(data.adjacency),
        input_length=reads(row),
        horizon=12,
        num_features=features,
        **({"season": DAY} if row.season else {"normalize": True}),
        **row.options,
    )
    known = slice(datasets.training_steps(data.split, **READ))
    model.adapt(data.values[known], *([data.calendar[known]] if row.season else []))
    return model


def reads(row):
    return {"recent": 12, "daily": 12, "weekly": 12} if row.days else 12


def windows(row, data, seed, batch_size):
    """Those of training, validation and test. Before the series there was nothing to read."""
    values = np.concatenate([np.full((WEEK, *data.values.shape[1:]), np.nan), data.values])
    calendar = np.concatenate([data.calendar[:WEEK], data.calendar])  # the week is a cycle
    shift = None
    if row.season and row.leave_out:
        shift = np.zeros(values.shape, "float32")
        known = slice(WEEK, WEEK + datasets.training_steps(data.split, **READ))
        shift[known] = datasets.leave_one_day_out(values[known], calendar[known], DAY)
    return [
        datasets.Windows(
            values,
            values[..., :1],
            part + WEEK,
            input_length=reads(row),
            horizon=12,
            batch_size=batch_size,
            shuffle=part is data.split.train,
            seed=seed,
            calendar=calendar if row.season else None,
            steps_per_day=DAY,
            missing=True,
            shift=shift if part is data.split.train else None,
        )
        for part in data.split
    ]


class Minutes(keras.callbacks.Callback):
    """Ends a training at the end of the epoch in which its time runs out."""

    def __init__(self, minutes):
        super().__init__()
        self.end = time.monotonic() + 60 * minutes
        self.is_over = False

    def on_epoch_end(self, epoch, logs=None):
        if time.monotonic() > self.end:
            self.is_over = self.model.stop_training = True


def folder_of(name, row, seed):
    return RUNS / f"{name}-{row.replace(', ', '-').replace(' ', '_')}-seed{seed}"


def run(name, row_name, seed, data, args):
    """Trains a row, or goes on with it; leaves its figures in its folder unless time ran out."""
    folder, row = folder_of(name, row_name, seed), ALL[row_name]
    record = folder / "figures.json"
    if record.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    if row.refit:
        data = data._replace(split=joined(data.split))
    last, best, log = folder / "last.keras", folder / "best.weights.h5", folder / "log.csv"
    train, val, test = windows(row, data, seed, args.batch_size)
    keras.utils.set_random_seed(seed)
    epoch, best_loss = 0, None
    if last.exists():
        model, epoch = keras.models.load_model(last), callbacks.Checkpoint.epoch(last)
        train.epoch, best_loss = epoch, pd.read_csv(log)["val_loss"].min()
    else:
        model = build(row, data)
        rate = keras.optimizers.schedules.CosineDecay(row.rate, row.epochs * len(train))
        model.compile(keras.optimizers.Adam(rate, global_clipnorm=5.0), row.loss())
    clock = Minutes(args.minutes)
    keep = keras.callbacks.ModelCheckpoint(
        best,
        save_best_only=not row.refit,  # there the last epoch counts
        save_weights_only=True,
        initial_value_threshold=best_loss,
    )
    model.fit(
        train,
        validation_data=val,
        epochs=row.epochs,
        initial_epoch=epoch,
        shuffle=False,
        verbose=2,
        callbacks=[
            keras.callbacks.CSVLogger(log, append=epoch > 0),
            keep,
            callbacks.Checkpoint(last),
            clock,
        ],
    )
    epochs = len(pd.read_csv(log))
    if clock.is_over and epochs < row.epochs:
        return
    model.load_weights(best)
    figures = {}
    if not row.refit:
        found = errors(data, data.split.val, model.predict(val, verbose=0))
        figures["validation"] = found["MAE mean"]
    figures |= {
        **errors(data, data.split.test, model.predict(test, verbose=0)),
        "epochs": epochs,
        "parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
    }
    record.write_text(json.dumps(figures, indent=1))


def joined(split):
    """The windows of training and validation to train on."""
    return split._replace(train=np.concatenate([split.train, split.val]))


def errors(data, starts, forecast):
    """At each of `STEPS`, over all steps, and over those up to each, as T-GCN reports them."""
    ahead = starts[:, None] + READ["input_length"] + np.arange(READ["horizon"])
    truth = data.values[..., :1][ahead]
    found = metrics.forecast_errors(truth, forecast, STEPS)
    for label, step in STEPS.items():
        part = metrics.forecast_errors(truth[:, :step], forecast[:, :step], {})
        found |= {f"{name[:-5]} up to {label}": value for name, value in part.items()}
    return found


def baselines(data):
    """The figures of what needs no training, or little."""
    values, val, test = data.values[..., :1], data.split.val, data.split.test
    seasonal = {**READ, "steps_per_day": DAY}
    known = datasets.training_steps(data.split, **READ)
    mean = datasets.historical_mean(values, data.calendar, test, **seasonal, num_train=known)
    both = np.concatenate([val, test])
    ridge = datasets.residual_ridge(values, data.calendar, data.split.train, both, **seasonal)
    learnt = joined(data.split).train
    refit = datasets.residual_ridge(values, data.calendar, learnt, test, **seasonal)
    return {
        "last value": errors(data, test, datasets.last_value(values, test, **READ)),
        "historical mean": errors(data, test, mean),
        "ridge on the residual": {
            "validation": errors(data, val, ridge[: len(val)])["MAE mean"],
            **errors(data, test, ridge[len(val) :]),
        },
        "ridge on the residual, refit": errors(data, test, refit),
    }


def main(args):
    for name in args.datasets:
        data = DATASETS[name](pathlib.Path(args.data) / name)
        save(name, {row: {"seed 0": figures} for row, figures in baselines(data).items()}, args)
        for seed in args.seeds:
            for row in args.rows:
                print(f"{name}, {row}, seed {seed}", flush=True)
                run(name, row, seed, data, args)
                record = folder_of(name, row, seed) / "figures.json"
                if record.exists():
                    save(name, {row: {f"seed {seed}": json.loads(record.read_text())}}, args)
    shown = ["validation", *(f"MAE {step}" for step in (*STEPS, "mean")), "RMSE mean", "epochs"]
    for name, table in records.read(RESULT)["figures"].items():
        rows = {row: table[row] for row in (*baseline_names(table), *ALL) if row in table}
        means = {
            row: {**pd.DataFrame(seeds).T.mean().reindex(shown).round(3), "seeds": len(seeds)}
            for row, seeds in rows.items()
        }
        print(f"\n{name}\n{pd.DataFrame(means).T.to_string()}")


def baseline_names(table):
    return [row for row in table if row not in ALL]


def save(name, rows, args):
    """Adds rows to the file, beside what it holds by now."""
    done = records.read(RESULT) or {"figures": {}}
    table = done["figures"].setdefault(name, {})
    for row, seeds in rows.items():
        table.setdefault(row, {}).update(seeds)
    done["settings"] = {key: getattr(args, key) for key in ("batch_size", "minutes")}
    done |= {"machine": records.MACHINE, "versions": records.versions()}
    records.write(RESULT, done)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--datasets", nargs="+", default=list(DATASETS), choices=list(DATASETS))
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ALL))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--minutes", type=float, default=30.0, help="of one training, at most")
    main(parser.parse_args())
