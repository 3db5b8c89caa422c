"""Forecasters on four real series, beside a ridge regression on what the season leaves.

    python benchmarks/forecasting.py --data FOLDER
    python benchmarks/forecasting.py --data FOLDER --datasets los_loop --rows "STGCN, season"

FOLDER holds the subfolders metr_la, pems_d12_orange, pems08_tail and los_loop. The weights of the
best validation epoch count, and their test error is taken once. A "refit" row learns from
validation too, for as many epochs as the row before it. Trainings lie in runs/forecasting. One that
was cut off goes on; one that is whole is not repeated.
"""

import pathlib
from typing import NamedTuple

import command
import keras
import numpy as np
import records
import training
from forecasting_data import DATASETS, DAY, READ, WEEK

from stgkeras import datasets, graphs, losses, metrics, models

RESULT = records.RESULTS / "forecasting.json"
STEPS = {"15 min": 3, "30 min": 6, "45 min": 9, "60 min": 12}
SHOWN = ["validation", *(f"MAE {step}" for step in (*STEPS, "mean")), "RMSE mean", "epochs"]


class Row(NamedTuple):
    """A forecaster, and how it is trained."""

    model: type
    options: dict = {}
    season: bool = True
    days: bool = False  # whether it also reads the hours to predict a day and a week before
    leave_out: bool = True  # whether training sees the season without the day at hand
    rate: float = 1e-3  # at first; it falls to 0 along a cosine
    epochs: int = 20
    loss: type = losses.MaskedMeanAbsoluteError
    refit: bool = False  # whether it also learns from validation, with settings found before


STGCN = Row(models.STGCN, {"dropout": 0.0})
MSTGCN = Row(models.ASTGCN, {"attention": False}, epochs=10)
ASTGCN = Row(models.ASTGCN, epochs=10)
STID = Row(models.GraphSTID, rate=3e-3, epochs=10)
PLAIN = {"season": False, "rate": 3e-3, "epochs": 20}  # without the season there is more to learn
ROWS = {
    "STGCN": STGCN._replace(**PLAIN),
    "MSTGCN": MSTGCN._replace(**PLAIN),
    "ASTGCN": ASTGCN._replace(**PLAIN),
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
ABLATIONS = {  # the strongest forecaster without one of its parts
    "no learned graph": {"options": {"adaptive_units": 0}},
    "no given graph": {"options": {"K": 1}},
    "no node vectors": {"options": {"node_units": 0}},
    "season of all days": {"leave_out": False},
    "squared error": {"loss": losses.MaskedMeanSquaredError},
    "rate 0.001": {"rate": 1e-3},
    "20 epochs": {"epochs": 20},
}
ALL = ROWS | {
    f"GraphSTID, season, days, {change}": STID._replace(days=True, **arguments)
    for change, arguments in ABLATIONS.items()
}
ALL["STGCN, rate 0.001"] = ROWS["STGCN"]._replace(rate=1e-3)
OPTIONS = {
    "data": command.DATA,
    "datasets": command.several(DATASETS),
    "rows": command.several(ROWS, ALL),
    "seeds": [0],
    "batch_size": 64,
}


def build(row, data):
    """A forecaster that is fitted to the readings it may know."""
    _, nodes, features = data.values.shape
    graph = graphs.scaled_laplacian(data.adjacency)
    reach = {"input_length": reads(row), "horizon": 12, "num_features": features}
    scaler = {"season": DAY} if row.season else {"normalize": True}
    model = row.model(nodes, graph=graph, **reach, **scaler, **row.options)
    known = slice(datasets.training_steps(data.split, **READ))
    model.adapt(data.values[known], *([data.calendar[known]] if row.season else []))
    return model


def reads(row):
    return {"recent": 12, "daily": 12, "weekly": 12} if row.days else 12


def windows(row, data, seed, batch_size):
    """Those of training, validation and test. Before the series there was nothing to read."""
    values = np.concatenate([np.full((WEEK, *data.values.shape[1:]), np.nan), data.values])
    calendar = np.concatenate([data.calendar[:WEEK], data.calendar])  # the week is a cycle
    options = {"input_length": reads(row), "horizon": 12, "batch_size": batch_size}
    options |= {"calendar": calendar if row.season else None, "steps_per_day": DAY}
    for_training = {"shuffle": True, "seed": seed}
    if row.season and row.leave_out:
        shift = for_training["shift"] = np.zeros(values.shape, "float32")
        known = slice(WEEK, WEEK + datasets.training_steps(data.split, **READ))
        shift[known] = datasets.leave_one_day_out(values[known], calendar[known], DAY)
    return [
        datasets.Windows(values, values[..., :1], starts + WEEK, missing=True, **options, **more)
        for starts, more in zip(data.split, (for_training, {}, {}), strict=True)
    ]


def run(folder, row, seed, data, batch_size):
    """Trains a row, or goes on with it; returns its figures."""
    if row.refit:
        data = data._replace(split=joined(data.split))
    train, val, test = windows(row, data, seed, batch_size)
    keras.utils.set_random_seed(seed)

    def compiled():
        model = build(row, data)
        model.compile(training.adam(row.rate, row.epochs * len(train), clip=5.0), row.loss())
        return model

    watch = None if row.refit else training.LOSS
    model, log = training.fit(folder, compiled, train, row.epochs, watch, validation_data=val)
    figures = {}
    if not row.refit:
        on_val = errors(data, data.split.val, model.predict(val, verbose=0))
        figures["validation"] = on_val["MAE mean"]
    figures |= errors(data, data.split.test, model.predict(test, verbose=0))
    return figures | {"epochs": len(log), "parameters": training.num_parameters(model)}


def joined(split):
    """The windows of training and validation to train on."""
    return split._replace(train=np.concatenate([split.train, split.val]))


def errors(data, starts, forecast):
    """Errors at each of `STEPS`, over all steps, and over those up to each, as T-GCN has them."""
    ahead = starts[:, None] + READ["input_length"] + np.arange(READ["horizon"])
    truth = data.values[..., :1][ahead]
    found = metrics.forecast_errors(truth, forecast, STEPS)
    for label, step in STEPS.items():
        part = metrics.forecast_errors(truth[:, :step], forecast[:, :step], {})
        found |= {f"{name[:-5]} up to {label}": value for name, value in part.items()}
    return found


def baselines(data):
    """The figures of what needs no training, or little."""
    values, (train, val, test) = data.values[..., :1], data.split
    seasonal = {**READ, "steps_per_day": DAY}
    known = datasets.training_steps(data.split, **READ)
    mean = datasets.historical_mean(values, data.calendar, test, **seasonal, num_train=known)
    ridge, ridge_on_val, refit = (
        datasets.residual_ridge(values, data.calendar, learnt, starts, **seasonal)
        for learnt, starts in ((train, test), (train, val), (joined(data.split).train, test))
    )
    validation = {"validation": errors(data, val, ridge_on_val)["MAE mean"]}
    return {
        "last value": errors(data, test, datasets.last_value(values, test, **READ)),
        "historical mean": errors(data, test, mean),
        "ridge on the residual": validation | errors(data, test, ridge),
        "ridge on the residual, refit": errors(data, test, refit),
    }


def table(result):
    """A table for each series: means over seeds, the baselines first."""
    texts = []
    for name, rows in result["figures"].items():
        order = sorted(rows, key=lambda row: list(ALL).index(row) if row in ALL else -1)
        shown = records.seed_means({row: rows[row] for row in order}, SHOWN, digits=3)
        texts.append(f"{name}\n{shown}")
    return "\n\n".join(texts)


def main(args):
    figures = records.read(args.out).get("figures", {})
    for name in args.datasets:
        data = DATASETS[name](pathlib.Path(args.data) / name)
        known = {row: {"seed 0": found} for row, found in baselines(data).items()}
        figures[name] = figures.get(name, {}) | known

        def run_row(folder, row, seed, data=data):
            return run(folder, ALL[row], seed, data, args.batch_size)

        training.add_rows(args, "forecasting", name, figures, run_row)
    return {"figures": figures}


if __name__ == "__main__":
    command.run(__name__)
