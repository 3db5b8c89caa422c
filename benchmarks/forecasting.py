"""Forecasters on four real series, compared with simple baselines and a ridge regression.

    python benchmarks/forecasting.py --data FOLDER
    python benchmarks/forecasting.py --data FOLDER --datasets los_loop --rows "STGCN, season"

FOLDER contains the folders metr_la, pems_d12_orange, pems08_tail and los_loop. The test error is
computed once, with the weights of the best validation epoch. A row with "refit" also trains on the
validation windows, for the same number of epochs. Trainings are stored in runs/forecasting.
Interrupted trainings are resumed, and complete trainings are not repeated.
"""

import dataclasses
import functools
import pathlib
from typing import NamedTuple

import command
import keras
import numpy as np
import records
import resumable
import training
from forecasting_data import DATASETS, REACH

from stgkeras import datasets, losses, metrics, reports

RESULT = records.RESULTS / "forecasting.json"
STEPS = {"15 min": 3, "30 min": 6, "45 min": 9, "60 min": 12}
SHOWN = ["validation", *(f"MAE {step}" for step in (*STEPS, "mean")), "RMSE mean", "epochs"]


class Row(NamedTuple):
    """A forecaster and its training."""

    model: str  # one of `forecast_task.MODELS`
    options: dict = {}
    season: bool = True
    days: bool = False  # whether it also reads the hours one day and one week before
    leave_out: bool = True  # whether the season of a training day excludes that day
    rate: float = 1e-3  # initial learning rate of a cosine decay
    epochs: int = 20
    loss: type = losses.MaskedMeanAbsoluteError
    refit: bool = False  # whether it also trains on the validation windows


STGCN = Row("STGCN")
MSTGCN = Row("ASTGCN", {"attention": False}, epochs=10)
ASTGCN = Row("ASTGCN", epochs=10)
STID = Row("GraphSTID", rate=3e-3, epochs=10)
PLAIN = {"season": False, "rate": 3e-3, "epochs": 20}  # models without season need more training
ROWS = {
    "STGCN": STGCN._replace(**PLAIN),
    "ASTGCN": ASTGCN._replace(**PLAIN),
    "GraphSTID": STID._replace(season=False),
    "STGCN, season": STGCN,
    "MSTGCN, season": MSTGCN,
    "ASTGCN, season": ASTGCN,
    "ASTGCN, season, additive": ASTGCN._replace(options={"spatial_score": "additive"}),
    "GraphSTID, season": STID,
    "GraphSTID, season, days": STID._replace(days=True),
    "GraphSTID, season, days, refit": STID._replace(days=True, refit=True),
}
ABLATIONS = {  # the best forecaster, with one change
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


def task_of(row, data):
    """Returns the data as a task with the season, the inputs and the split of a row."""
    parts = dict.fromkeys(("recent", "daily", "weekly"), 12) if row.days else None
    split = joined(data.split) if row.refit else data.split
    return dataclasses.replace(data, split=split, season=row.season, components=parts)


def joined(split):
    """Returns a split with the validation windows added to the training windows."""
    return split._replace(train=np.concatenate([split.train, split.val]))


def windows(row, task, seed, batch_size):
    """Returns windows for training, validation and test."""
    shift = None
    if row.season and row.leave_out:
        values, known = task.series.values, slice(task.known)
        shift = np.zeros(values.shape, "float32")
        shift[known] = datasets.leave_one_day_out(values[known], task.calendar[known], task.day)
    return task.windows(batch_size, seed, shift)


def run(folder, row, seed, data, batch_size):
    """Trains a row, or resumes its training. Returns the figures."""
    task = task_of(row, data)
    train, val, test = windows(row, task, seed, batch_size)
    keras.utils.set_random_seed(seed)

    def compiled():
        model = task.model(row.model, **row.options)
        model.compile(training.adam(row.rate, row.epochs * len(train), clip=5.0), row.loss())
        return model

    options = {"epochs": row.epochs, "validation_data": val, "verbose": 2}
    watch = None if row.refit else resumable.LOSS
    model, log = resumable.fit(folder, compiled, train, watch=watch, **options)
    figures = {}
    if not row.refit:
        on_val = errors(task, task.split.val, model.predict(val, verbose=0))
        figures["validation"] = on_val["MAE mean"]
    figures |= errors(task, task.split.test, model.predict(test, verbose=0))
    return figures | {"epochs": len(log), "parameters": training.num_parameters(model)}


def errors(task, starts, forecast):
    """Returns errors at each of `STEPS`, over all steps, and over all steps up to each."""
    truth = task.targets[starts[:, None] + REACH["input_length"] + np.arange(REACH["horizon"])]
    found = metrics.forecast_errors(truth, forecast, STEPS)
    for label, step in STEPS.items():
        part = metrics.forecast_errors(truth[:, :step], forecast[:, :step], {})
        found |= {f"{name[:-5]} up to {label}": value for name, value in part.items()}
    return found


def baselines(data):
    """Returns the errors of the baselines."""
    train, val, test = data.split
    outputs = {"num_outputs": data.num_outputs}
    forecasts = reports.baselines(data.series, data.split, **REACH, **outputs)
    rows = {name: errors(data, test, forecast) for name, forecast in forecasts.items()}
    clock = {"calendar": data.calendar, "steps_per_day": data.day, **REACH}
    ridge = functools.partial(datasets.residual_ridge, data.targets, **clock)
    on_val = errors(data, val, ridge(train=train, starts=val))
    rows["ridge on the residual"]["validation"] = on_val["MAE mean"]
    refit = ridge(train=joined(data.split).train, starts=test)
    return rows | {"ridge on the residual, refit": errors(data, test, refit)}


def table(result):
    """Returns a table per series: means over seeds, the baselines first."""
    texts = []
    for name, rows in result["figures"].items():
        order = sorted(rows, key=lambda row: list(ALL).index(row) if row in ALL else -1)
        means = records.seed_means({row: rows[row] for row in order}, SHOWN)
        texts.append(f"{name}\n{records.markdown_frame(means.round(3))}")
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
