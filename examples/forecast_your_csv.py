"""Trains a forecaster on CSV files, and writes the model, a table of errors and figures.

python examples/forecast_your_csv.py                               synthetic data of two roads
python examples/forecast_your_csv.py speeds.csv roads.csv --units km/h --null-value 0
python examples/forecast_your_csv.py flows.csv sensors.csv --timezone Europe/Paris --steps 1 6 24

The first file has a row per time and a column per sensor, with the names of the sensors in the
header and timestamps in the first column. The second file has the columns from,to,distance or the
columns sensor,latitude,longitude (or id,lat,lon); load_series describes the weights of the graph.
"""

import argparse
import dataclasses
import json
import pathlib
import sys
import time

import demo_roads
import keras
import pandas as pd
from forecast_report import attention, baselines, pictures, table
from forecast_task import MODELS, Task

from stgkeras import datasets, losses


def main(args):
    folder = new_folder(args.out)
    keras.utils.set_random_seed(args.seed)
    task = read(args, folder)
    train, val, test = task.windows(batch_size=32, seed=args.seed)
    model, loss = task.model(args.model), losses.MaskedMeanAbsoluteError()
    model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=5.0), loss)
    stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    model.fit(train, validation_data=val, epochs=args.epochs, shuffle=False, callbacks=[stop])
    model.save(folder / "model.keras")
    forecasts = {args.model: model.predict(test, verbose=0)} | baselines(task)
    figures = pictures(task, forecasts, args.steps) | attention(task, model)
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
    """Returns the task of the arguments."""
    readings, graph, units = args.readings, args.graph, args.units
    if readings is None:
        (readings, graph), units = demo_roads.write(folder), "km/h"
    mend = {"regularize": True, "duplicates": "mean"} if args.mend else {}
    mend |= {"null_value": args.null_value, "timezone": args.timezone, "unknown": args.unknown}
    series = datasets.from_csv(readings, graph, units=units, **mend)
    if series.timestamps is None:
        sys.exit(f"{readings} must have timestamps in the first column. Add the timestamps.")
    reach = {"input_length": max(12, *args.steps), "horizon": max(args.steps)}
    total, local = len(series.values), series.timezone is not None
    split = datasets.split_windows(total, **reach, complete=series)
    every = datasets.split_windows(total, **reach)  # figures need all test windows
    task = Task(series, split._replace(test=every.test), reach, past_calendar=local)
    if args.season and task.calendar is None:
        sys.exit(f"A day is not a multiple of {series.interval:g} minutes. Remove --season.")
    week = task.calendar is not None and task.known >= 7 * task.day
    season = week if args.season is None else args.season
    return dataclasses.replace(task, season=season)


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
    print(f"\nTest errors{units and f' in {units}'}. All files are in {folder}")
    print(frame.round(3).to_string())


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("readings", nargs="?", help="CSV file of readings; default: synthetic")
    parser.add_argument("graph", nargs="?", help="CSV file of distances or coordinates")
    parser.add_argument("--units", default="", help="units of the readings, such as km/h")
    parser.add_argument("--null-value", type=float, help="value of missing readings: 0 or nan")
    parser.add_argument("--timezone", help="time zone of the readings, such as Europe/Paris")
    parser.add_argument("--mend", action="store_true", help="add missing rows, average duplicates")
    actions = {"choices": ("raise", "drop"), "default": "raise"}
    parser.add_argument("--unknown", **actions, help="for sensors of the graph without readings")
    parser.add_argument("--model", choices=MODELS, default="STGCN")
    steps = {"type": int, "nargs": "+", "default": [3, 6, 12]}
    parser.add_argument("--steps", **steps, help="forecast steps to report; the largest: horizon")
    parser.add_argument(
        "--season",
        action=argparse.BooleanOptionalAction,
        help="subtract the seasonal mean first; default: if training has a full week",
    )
    parser.add_argument("--epochs", type=int, default=30, help="largest number of epochs")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument("--out", help="output folder; default: a new one in runs/")
    args = parser.parse_args(arguments)
    given = args.units, args.null_value is not None, args.timezone, args.mend
    if not args.readings and any(given):
        parser.error("--units, --null-value, --timezone and --mend need a CSV file of readings")
    if args.readings and not args.graph:
        parser.error("the readings need a graph: pass a CSV file of distances or coordinates")
    if min(args.steps) < 1:
        parser.error(f"--steps must be at least 1. Received: {min(args.steps)}")
    args.steps = sorted(set(args.steps))
    args.out = args.out or f"runs/forecast-csv-{time.strftime('%Y%m%d-%H%M%S')}"
    return args


if __name__ == "__main__":
    main(parse())
