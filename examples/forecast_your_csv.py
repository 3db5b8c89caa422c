"""Forecasts readings of your own: from two csv files to a model, a table and pictures.

python examples/forecast_your_csv.py                               on two made-up roads
python examples/forecast_your_csv.py speeds.csv roads.csv --units km/h --null-value 0
python examples/forecast_your_csv.py flows.csv sensors.csv --model ASTGCN --steps 1 6 24

Readings: a row a time and a column a sensor; the first column holds timestamps, the header names
the sensors. Then road distances, from,to,distance, or places, sensor,latitude,longitude.
"""

import argparse
import dataclasses
import json
import pathlib
import sys
import time

import csv_graph
import demo_roads
import keras
import pandas as pd
from forecast_report import attention, baselines, pictures, table
from forecast_task import MODELS, Task

from stgkeras import datasets, losses


def main(args):
    folder = new_folder(args.out)
    keras.utils.set_random_seed(args.seed)
    task, places = read(args, folder)
    train, val, test = task.windows(batch_size=32, seed=args.seed)
    model, loss = task.model(args.model), losses.MaskedMeanAbsoluteError()
    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=5.0), loss)
    stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    model.fit(train, validation_data=val, epochs=args.epochs, shuffle=False, callbacks=[stop])
    model.save(folder / "model.keras")
    forecasts = {args.model: model.predict(test, verbose=0)} | baselines(task)
    figures = pictures(task, forecasts, args.steps, places) | attention(task, model)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=200)
    report(args, task, table(task, forecasts, args.steps), folder)


def new_folder(path):
    folder = pathlib.Path(path)
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty. Pass another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def read(args, folder):
    """The task that the files set; (N, 2) places of the sensors in km, or None."""
    readings, graph, units = args.readings, args.graph, args.units
    if readings is None:
        (readings, graph), units = demo_roads.write(folder), "km/h"
    mend = {"regularize": True, "duplicates": "mean"} if args.mend else {}
    series = datasets.from_csv(readings, units=units, null_value=args.null_value, **mend)
    if series.timestamps is None:
        sys.exit(f"{readings} must hold timestamps in its first column.")
    adjacency, places = csv_graph.read(graph, list(series.names))
    series = dataclasses.replace(series, adjacency=adjacency)
    reach = {"input_length": max(12, *args.steps), "horizon": max(args.steps)}
    task = Task(series, datasets.split_windows(len(series.values), **reach), reach)
    if args.season and task.calendar is None:
        sys.exit(f"A day is no multiple of {series.interval:g} minutes: leave --season out.")
    week = task.calendar is not None and task.known >= 7 * task.day
    season = week if args.season is None else args.season
    return dataclasses.replace(task, season=season), places


def report(args, task, errors, folder):
    frame = pd.DataFrame(errors).T
    frame.to_csv(folder / "table.csv", index_label="forecast")
    record = {
        "command": sys.argv,
        "seed": args.seed,
        "season": task.season,
        "versions": {"keras": keras.__version__, "backend": keras.backend.backend()},
        "test": errors,
    }
    (folder / "metrics.json").write_text(json.dumps(record, indent=2))
    units = task.series.units[0]
    print(f"\nTest errors{units and f' in {units}'}; everything is in {folder}")
    print(frame.round(3).to_string())


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("readings", nargs="?", help="csv file; without it, made-up ones")
    parser.add_argument("graph", nargs="?", help="csv file of distances or places")
    parser.add_argument("--units", default="", help="of the readings, such as km/h")
    parser.add_argument("--null-value", type=float, help="what marks a missing reading: 0, or nan")
    parser.add_argument("--mend", action="store_true", help="add missing rows, average double ones")
    parser.add_argument("--model", choices=MODELS, default="STGCN")
    parser.add_argument(
        "--steps",
        type=int,
        nargs="+",
        default=[3, 6, 12],
        help="steps ahead to report on; the largest is the horizon",
    )
    parser.add_argument(
        "--season",
        action=argparse.BooleanOptionalAction,
        help="forecast what the season leaves; the default from a week of training days on",
    )
    parser.add_argument("--epochs", type=int, default=30, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="new folder; by default one under runs/")
    args = parser.parse_args(arguments)
    if not args.readings and (args.units or args.null_value is not None or args.mend):
        parser.error("--units, --null-value and --mend are of readings: give their csv file too")
    if args.readings and not args.graph:
        parser.error("the readings need a graph: give a csv file of distances or places too")
    if min(args.steps) < 1:
        parser.error(f"--steps must be at least 1, not {min(args.steps)}")
    args.steps = sorted(set(args.steps))
    args.out = args.out or f"runs/forecast-csv-{time.strftime('%Y%m%d-%H%M%S')}"
    return args


if __name__ == "__main__":
    main(parse())
