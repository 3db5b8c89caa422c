"""Writes a report on a forecaster as one HTML page that works offline.

python examples/report.py runs/roads/model.keras speeds.csv --units km/h --null-value 0
python examples/report.py runs/roads speeds.csv --places sensors.csv --out roads.html
python examples/report.py graph_stid_metr_la metr_la.npz --units mph --null-value 0

The model is a saved file, the folder of a run, or the name or folder of a preset. The data is a CSV
or NPZ file, see load_series, or the name of a published data set. The graph comes from the model.
Use the --val, --test and --boundary of training, so that the test part has no training data.
"""

import argparse
import dataclasses
import pathlib
import sys

import forecast_report
import keras
import numpy as np
import report_page
import tasks
from forecast_task import Task
from train_astgcn import number

from stgkeras import datasets, plots
from stgkeras.models.graph_model import GraphModel


def main(args):
    model = load(args.model)
    task = read(args, model)
    horizon, name = model.horizon, type(model).__name__
    steps = sorted(set(args.steps or (max(1, horizon // 4), max(1, horizon // 2), horizon)))
    if steps[0] < 1 or steps[-1] > horizon:
        sys.exit(f"--steps must be from 1 to {horizon}, the horizon of the model.")
    forecasts = {name: model.predict(task.batches(task.split.test, batch_size=32), verbose=0)}
    forecasts |= forecast_report.baselines(task)
    errors = forecast_report.table(task, forecasts, steps)
    figures = forecast_report.pictures(task, forecasts, steps)
    first = {key: forecasts[key][..., 0] for key in (name, "last value")}
    units, truth = task.series.units[0], task.targets[task.ahead][..., 0]
    figures["most"] = plots.errors_by_sensor(truth, first, task.series.names, units=units)
    figures |= forecast_report.attention(task, model)
    report_page.write(
        args.out,
        title=f"{name} on {pathlib.Path(args.data).stem}",
        facts=forecast_report.facts(task, model),
        errors=errors,
        figures=figures,
        data=report_page.curves(task, truth, first[name], steps, args.days),
    )
    size = pathlib.Path(args.out).stat().st_size / 1e6
    print(f"Wrote {args.out}, {size:.1f} MB. MAE of {name}: {errors[name]['MAE mean']:.4g} {units}")


def load(path):
    """Returns the forecaster in a file, folder or preset."""
    path = pathlib.Path(path)
    path = path / "model.keras" if (path / "model.keras").is_file() else path
    model = keras.models.load_model(path) if path.is_file() else GraphModel.from_preset(path)
    if not hasattr(model, "horizon") or model.dynamic_graph:
        sys.exit(
            f"{path} must hold a forecaster on a fixed graph. It holds {type(model).__name__}."
        )
    return model


def read(args, model):
    """Returns the task with the graph of the model."""
    if args.data in tasks.DATASETS:
        series = tasks.measured(argparse.Namespace(data=None, dataset=args.data, path=args.path))
    else:
        names = ("interval", "null_value", "timezone", "key")
        series = datasets.load_series(args.data, **{name: getattr(args, name) for name in names})
    if series.interval is None:
        sys.exit(f"{args.data} has no time interval. Pass --interval MINUTES.")
    sizes, found = (model.num_nodes, model.num_features), series.values.shape[1:]
    if sizes != found:
        sys.exit(f"The model has (sensors, features) = {sizes}, but {args.data} has {found}.")
    graph = model.graph.toarray() if hasattr(model.graph, "toarray") else np.array(model.graph)
    np.fill_diagonal(graph, 0)
    units = (args.units,) * found[1] if args.units else series.units
    places = read_places(args.places, series) if args.places else series.places
    series = dataclasses.replace(series, adjacency=graph, units=units, places=places)
    components = model.input_length if isinstance(model.input_length, dict) else None
    length = components["recent"] if components else model.input_length
    reach = {"input_length": length, "horizon": model.horizon}
    shares = {"val": args.val, "test": args.test, "boundary": args.boundary}
    split = datasets.split_windows(len(series.values), **reach, **shares)
    season = model.season is not None
    task = Task(series, split, reach, model.num_outputs, season, components, model.past_calendar)
    if season and (task.calendar is None or task.day != model.season):
        sys.exit(f"{args.data} must have timestamps with {model.season} steps per day.")
    return task


def read_places(path, series):
    """Reads the latitudes and longitudes of the sensors from a CSV file."""
    options = {"graph": path, "names": series.names, "unknown": "drop"}
    places = datasets.from_arrays(series.values[:1], null_value=np.nan, **options).places
    if places is None:
        sys.exit(f"--places {path} must have the columns sensor, latitude and longitude.")
    return places


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help=".keras file, folder of a run, or preset")
    parser.add_argument("data", help="CSV or NPZ file, or name of a published data set")
    share = {"type": number, "default": 0.2, "help": "fraction (0.2) or count (3567)"}
    parser.add_argument("--val", **share)
    parser.add_argument("--test", **share)
    parser.add_argument("--boundary", choices=("inside", "start"), default="inside")
    parser.add_argument("--key", nargs="+", help="arrays of the NPZ file to read as features")
    parser.add_argument("--interval", type=float, help="minutes between steps, if not in the file")
    parser.add_argument("--null-value", type=float, help="value of missing readings: 0 or nan")
    parser.add_argument("--timezone", help="time zone of the readings, such as Europe/Paris")
    parser.add_argument("--units", help="units of the readings, such as km/h")
    parser.add_argument("--path", help="local file or folder of a published data set")
    parser.add_argument("--places", help="CSV file with the columns sensor, latitude, longitude")
    parser.add_argument("--steps", type=int, nargs="+", help="forecast steps to report on")
    parser.add_argument("--days", type=float, default=3, help="days to draw per sensor")
    parser.add_argument("--out", default="report.html", help="path of the page")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(parse())
