"""Parts of scripts that read a series: options, data, folders to resume, errors in one line."""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from stgkeras.cli import outputs, partial, reading, scripts, startup
from stgkeras.cli.errors import UserError, in_options, option
from stgkeras.cli.option_types import share_or_count

DATASETS = (  # published traffic data, and the made-up roads of the examples ("demo")
    *("metr_la", "pems_bay", "pemsd7m", "pems03", "pems04", "pems07", "pems08"),
    *("los_loop", "sz_taxi", "demo"),
)
FREE = ("out", "resume", "debug")  # options that a resumed run may change
TUNERS = ("BayesianOptimization", "RandomSearch", "GridSearch")

OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "data": {
        "--data": {"help": "series to forecast: csv, tsv, parquet, h5 or npz"},
        "--dataset": {"choices": DATASETS, "help": "published or made-up data (demo)"},
        "--path": {"help": "local file or folder of the published data set"},
        "--graph": {"help": "graph of --data, if it is in another file"},
    },
    "split": {
        "--val": {"type": share_or_count, "default": 0.2, "help": "share (0.2) or count (535)"},
        "--test": {"type": share_or_count, "default": 0.2, "help": "share (0.2) or count (3567)"},
        "--boundary": {"choices": ("inside", "start"), "default": "inside"},  # see split_windows
    },
    "training": {
        "--season": {"action": argparse.BooleanOptionalAction, "help": "subtract the usual day"},
    },
    "steps": {
        "--batch-size": {"type": int, "default": 32, "help": "windows per step (32)"},
        "--learning-rate": {"type": float, "help": "default: 1e-3 to forecast, 1e-2 for links"},
        "--resume": {"action": "store_true", "help": "resume the run in --out"},
    },
    "links": {
        "--task": {"choices": ("forecast", "links"), "default": "forecast"},
        "--sequences": {"type": int, "default": 15, "help": "number of generated sequences (15)"},
        "--node-values": {"type": int, "default": 16, "help": "see ASTGCNLinkPredictor (16)"},
    },
    "tuning": {
        "--tuner": {"choices": TUNERS, "default": TUNERS[0], "help": "class of keras-tuner"},
        "--trials": {"type": int, "default": 20, "help": "number of trials (20)"},
        "--fix": {"type": json.loads, "default": {}, "help": "such as '{\"num_blocks\": 2}'"},
    },
    "csv": {
        "data": {"nargs": "?", "metavar": "READINGS", "help": "file of readings"},
        "graph": {"nargs": "?", "metavar": "ROADS", "help": "file of distances or positions"},
        "--model": {"default": "GraphSTID", "help": "GraphSTID or another; a wrong name lists all"},
        "--horizon": {"type": int, "default": 12, "help": "steps to forecast (12)"},
    },
    "report": {
        "model": {"help": ".keras file, folder of a run, or preset"},
        "data": {"help": "file of readings, or name of a published data set"},
        "--path": {"help": "local file or folder of the published data set"},
        "--places": {"help": "csv file with the columns sensor, latitude and longitude"},
        "--steps": {"type": int, "nargs": "+", "help": "forecast steps to report on"},
        "--days": {"type": float, "default": 3, "help": "days to draw of each sensor (3)"},
        "--out": {"default": "report.html", "help": "path of the page (report.html)"},
        "--overwrite": {"action": "store_true", "help": "replace the page if it exists"},
    },
}


def parser(
    text: str | None, *groups: str, epochs: int | None = 15, **defaults: Any
) -> argparse.ArgumentParser:
    """Returns the parser of a script that reads a series.

    The groups "data", "csv" and "report" also add the options of the console script that say how
    files are read.

    Args:
        text: str. Docstring of the script.
        *groups: keys of `OPTIONS`, the groups of options to add.
        epochs: as in `scripts.parser`. Default 15.
        **defaults: other defaults of these options, and values for options that the script does
            not have.
    """
    found = scripts.parser(text, epochs)
    for group in groups:
        for name, settings in OPTIONS[group].items():
            found.add_argument(name, **settings)
    if {"data", "report", "csv"} & set(groups):
        reading.add_series_options(found)
        reading.add_table_options(found)
    found.add_argument("--debug", action="store_true", help="show the traceback of an error")
    found.set_defaults(**defaults)
    return found


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parses and checks the options of a script, and names its output folder."""
    args = parser.parse_args(arguments)
    given = vars(args)
    chosen = given.get("dataset")
    if chosen not in (None, parser.get_default("dataset")) and args.data:
        parser.error("--data is not allowed with --dataset. Pass one of them")
    read = (*reading.SERIES, *reading.TABLE, "graph", "mend")
    stray = [name for name in read if given.get(name) not in (None, False)]
    if "data" in given and stray and not args.data:
        parser.error(f"{option(stray[0])} needs --data FILE, a file of readings")
    if given.get("path") and "dataset" in given and (args.data or chosen in (None, "demo")):
        parser.error("--path needs --dataset NAME, the name of a published data set")
    links = given.get("task") == "links"
    if links and (args.data or chosen != parser.get_default("dataset") or given.get("season")):
        parser.error("--data, --dataset and --season need --task forecast")
    if chosen and (links or given.get("data")):
        args.dataset = None
    if "season" in given and args.season is None:
        args.season = args.dataset == "demo"
    if given.get("resume") and not args.out:
        parser.error("--resume needs --out FOLDER, the folder of the run")
    if "out" in given and args.out is None:
        args.out = scripts.usual_folder(pathlib.Path(sys.argv[0]).stem)
    return args


def load(args: argparse.Namespace, demo: Callable[[], Any], graph: Any = None) -> Any:
    """Loads the series of the options, with an interval and a graph.

    Args:
        args: options of the group "data" or "report".
        demo: function that returns the series of `--dataset demo`.
        graph: (N, N) weights that replace the graph of the series, or None.

    Raises:
        UserError: if there is no interval, or no graph, or no timestamps for `--season`.
    """
    from stgkeras import datasets
    from stgkeras.datasets.series.calendar import whole_steps_per_day

    chosen = getattr(args, "dataset", None) if args.data is None else args.data
    with in_options(names(args)):
        if chosen == "demo":
            series = demo()
        elif chosen in DATASETS:
            series = getattr(datasets, f"load_{chosen}")(args.path)
        else:
            file, options = getattr(args, "graph", None), reading.series_options(args)
            series = datasets.load_series(args.data, file, symmetric=True, **options)
    if graph is not None:
        series = dataclasses.replace(series, adjacency=graph)
    if series.interval is None:
        raise UserError(f"{args.data} has no time interval. Pass --interval MINUTES.")
    if series.adjacency is None:
        raise UserError(f"{args.data} has no graph. Pass --graph FILE.")
    if getattr(args, "season", None):
        if series.timestamps is None:
            raise UserError(f"{args.data} has no timestamps. Remove --season.")
        if whole_steps_per_day(series.interval) is None:
            each = f"{series.interval:g} minutes"
            raise UserError(f"A day is not a multiple of {each}. Remove --season.")
    return series


def read(
    args: argparse.Namespace, demo: Callable[[], Any], input_length: int, horizon: int
) -> tuple[Any, Any, int]:
    """Loads the series of the options, and splits its windows in time.

    Returns:
        The `Series`, the `datasets.Split`, and the number of training steps. Fit the scaler and the
        season to these steps only.
    """
    from stgkeras import datasets

    series = load(args, demo)
    split = datasets.split_windows(len(series.values), input_length, horizon, **shares(args))
    return series, split, datasets.training_steps(split, input_length, horizon)


def data_name(args: argparse.Namespace) -> str:
    """Returns the name of the data of a run, for titles."""
    return args.dataset if args.data is None else pathlib.Path(args.data).name


def shares(args: argparse.Namespace) -> dict[str, Any]:
    """Returns the arguments of `split_windows` in the options."""
    return {name: getattr(args, name) for name in ("val", "test", "boundary")}


def names(args: argparse.Namespace) -> dict[str, str]:
    """Returns the options and files in error messages, see `errors.in_options`."""
    groups = ("split", "training", "steps", "csv", "report")
    options = ["epochs", "seed", "out", *(name for group in groups for name in OPTIONS[group])]
    arguments = [name.removeprefix("--").replace("-", "_") for name in options]
    found = {name: option(name) for name in arguments}
    found |= {name: f"--fix {name}" for name in getattr(args, "fix", {})}
    found["preset"] = str(getattr(args, "model", "model"))
    graph = getattr(args, "graph", None) or "--graph"
    path = "--path" if args.data is None or args.data in DATASETS else args.data
    return {**reading.NAMES, **found, "path": path, "graph": graph, "series": args.data or "data"}


def new_folder(
    args: argparse.Namespace,
    resume: bool | None = False,
    checkpoint: str = "",
    free: Sequence[str] = ("epochs",),
) -> pathlib.Path:
    """Creates the output folder of a run, or returns that of the run to resume.

    A run that can be resumed has its options in the file run.json.

    Args:
        args: options of the script. The folder is `args.out`.
        resume: bool, whether to continue a run; None, to continue one if there is one.
        checkpoint: str. Name of a file that a run has. "": any file; the run cannot be resumed.
        free: names of the options that a resumed run may change.

    Raises:
        UserError: if `resume` is False and the folder holds a run; if `resume` is True and it holds
            none; if the run to resume had other options or files.
    """
    folder = pathlib.Path(args.out)
    found = (folder / checkpoint).exists() if checkpoint else not outputs.is_free(folder)
    if found and resume is False:
        more = "--resume, or another --out" if checkpoint else "another --out"
        raise UserError(f"{folder} already holds a run. Pass {more}.")
    if resume and not found:
        raise UserError(f"{folder} has no checkpoint to resume. Remove --resume.")
    if checkpoint:
        now = partial.record(args, {*FREE, *free}, ("data", "graph"))
        names = {"model": "model", "task": "--task"} | (
            {"resume": "A resumed run"} if resume is None else {}
        )
        partial.begin(folder, now, found, names)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def check_new_file(args: argparse.Namespace) -> None:
    """Raises UserError if `args.out` is a file that must not be replaced."""
    outputs.check_new_file(args.out, args.overwrite, args.model, args.data, args.path, args.places)


def print_table(title: str, rows: Mapping[str, Any], path: Any = None) -> None:
    """Prints rows {name: {column: value}} as a table, and writes it to a csv file.

    Args:
        title: str. Printed above the table.
        rows: dict of name → dict of column → value.
        path: path of a csv file, or None.
    """
    import pandas as pd

    frame = pd.DataFrame.from_dict(dict(rows), orient="index")
    print(f"\n{title}\n{frame.round(4).to_string()}")
    if path is not None:
        frame.to_csv(path, index_label="name")


def print_next(args: argparse.Namespace, *commands: str, model: str = "") -> None:
    """Prints the folder of a run and the next commands.

    Args:
        args: options of the run.
        *commands: commands to print. If the run is a forecast, the command of its report follows.
        model: str. Name of the file of the model. Default "": the report finds model.keras.
    """
    again = reading.again(args)
    usual = {"val": 0.2, "test": 0.2, "boundary": "inside"}
    for name in ("units", "timezone", "null_value", "holidays", "interval", *usual):
        value = getattr(args, name, None)
        for one in value if isinstance(value, list) else [value]:
            if one not in (None, usual.get(name)):
                again += f" {option(name)} {shlex.quote(str(one))}"
    if getattr(args, "task", "forecast") == "forecast":
        words = shlex.join([str(pathlib.Path(args.out, model)), args.data or args.dataset])
        again += f" --path {shlex.quote(args.path)}" if args.path else ""
        commands = (*commands, f"python examples/report.py {words}{again}")
    print(f"All files are in {args.out}. Next:", *commands, sep="\n  ")


def run(main: Callable[[argparse.Namespace], None], args: argparse.Namespace) -> None:
    """Runs a script. An error that the user can correct is one line, without a traceback.

    Raises:
        SystemExit: with status 2, after such an error.
    """
    try:
        with in_options(names(args) if hasattr(args, "data") else {}):
            startup.announced()
            main(args)
    except UserError as error:
        if args.debug:
            raise
        print(f"{pathlib.Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        raise SystemExit(2) from error
