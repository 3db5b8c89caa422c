"""Searches the settings of a forecaster, and prints the `stgkeras fit` command of the best.

stgkeras tune speeds.csv roads.csv --units km/h --null-value 0 --trials 20 --out search

Each trial trains the model as `stgkeras fit` does. The best settings are those with the smallest
validation error; the test part is not used. The first trial has the default settings. --set
NAME=VALUE excludes a setting from the search. --resume continues an interrupted search, or adds
trials to a finished one.
"""

from __future__ import annotations

import argparse
import itertools
import pathlib
import shlex
from typing import Any

from stgkeras.cli import fit, outputs, partial, reading, words
from stgkeras.cli.errors import UserError, in_options, option
from stgkeras.cli.option_types import count

TABLE = "trials.csv"
# Options of `stgkeras fit` that a search does not take, and why.
NOT_HERE = {
    "initial": "each trial starts with new weights. Remove it.",
    "quantiles": "trials are compared by the error of a single forecast. Remove it here, and add "
    "it to the `stgkeras fit` command that this search ends with.",
    **dict.fromkeys(
        fit.BESIDE,
        "trials read the readings alone. Remove it here, and add it to the "
        "`stgkeras fit` command that this search ends with.",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command: those of `stgkeras fit`, and the number of trials."""
    fit.add_arguments(parser)
    for action in parser._actions:
        if action.dest in NOT_HERE:  # `run` refuses them
            action.help = argparse.SUPPRESS
    parser.add_argument("--trials", type=count, default=20, help="number of trials (20)")


def run(args: argparse.Namespace) -> None:
    """Runs the command."""
    for name, reason in NOT_HERE.items():
        if getattr(args, name, None) is not None:
            raise UserError(f"--{name} must not be used here: {reason}")
    out, fixed = pathlib.Path(args.out), fit.settings_of(args.set)
    arguments = {
        "model": args.model or "GraphSTID",
        "horizon": args.horizon or 12,
        "input_length": args.input_length,
        "season": fit.SEASONS[args.season],
        "targets": args.targets,
    }
    files = {"path": args.readings, "graph": args.roads or "ROADS", "series": args.readings}
    with in_options({**reading.NAMES, **files}):
        from stgkeras import datasets
        from stgkeras.tuning.settings import SETTINGS

        _check_model(arguments["model"], SETTINGS)
        fit.check_settings(arguments["model"], fixed)
        options = reading.series_options(args)
        series = datasets.load_series(args.readings, args.roads, **options)
    if args.learning_rate is not None:
        fixed["learning_rate"] = args.learning_rate
    record = partial.record(args, partial.FREE - {"epochs"} | {"trials"})
    _continue(out, record, args.resume)
    print(words.series_text(args.readings, series), flush=True)
    print(f"Training {arguments['model']}, {words.counted(args.trials, 'trial')}.", flush=True)
    named = {name: option(name) for name in fit.OWN}
    named |= files | {name: f"--set {name}" for name in fixed}
    with in_options(named):
        from stgkeras.cli.search import search

        sizes = {"trials": args.trials, "epochs": args.epochs, "seed": args.seed}
        trials = search(out, series, arguments, fixed, **sizes)
    if not trials:
        raise UserError(
            "No trial has a finite error. Check the readings, or fix settings by --set."
        )
    _write(out / TABLE, trials)
    named_units = dict(zip(series.features, series.units, strict=True))
    units = {named_units[name] for name in args.targets or series.features} - {""}
    unit = f" {units.pop()}" if len(units) == 1 else ""
    usual = [f"; default settings: {t.error:.4g}{unit}" for t in trials if t.number == 0]
    print(f"Smallest validation error of {words.counted(len(trials), 'trial')}: ", end="")
    print(f"{trials[0].error:.4g}{unit}{''.join(usual)}. All trials are in {out / TABLE}.")
    print(f"Next:\n  {command(args, trials[0].settings)}")


def command(args: argparse.Namespace, settings: dict[str, Any]) -> str:
    """Returns the `stgkeras fit` command with the options of the search and these settings."""
    settings = dict(settings)
    rate = settings.pop("learning_rate", args.learning_rate)
    parts = ["stgkeras", "fit", args.readings, *([args.roads] if args.roads else [])]
    usual = {"model": "GraphSTID", "horizon": 12, "season": "auto", "epochs": 30, "seed": 0}
    for name in (*reading.SERIES, *fit.OWN, "set"):
        value = getattr(args, name)
        for one in value if isinstance(value, list) else [value]:
            if one is not None and one != usual.get(name):
                parts += [option(name), f"{one:g}" if name == "interval" else one]
    for name, value in settings.items():
        parts += ["--set", f"{name}={value}"]
    parts += [] if rate is None else ["--learning-rate", f"{rate:g}"]
    text = shlex.join(map(str, parts)) + reading.again(args)
    folders = ("best" if n == 1 else f"best_{n}" for n in itertools.count(1))
    free = next(path for name in folders if not (path := pathlib.Path(args.out, name)).exists())
    return f"{text} --out {shlex.quote(str(free))}"


def _check_model(model, known):
    if model not in known:
        raise UserError(
            f"--model must be one of {', '.join(known)}. Received: --model {model}. Pass one of "
            "them."
        )


def _continue(out, record, resume):
    """Starts a new search, or checks that the search in the folder has these options and files.

    Raises:
        UserError: if `resume` is False and the folder holds a search; if the search to resume had
            other options or files; if the folder holds something else.
    """
    is_there = (out / partial.RECORD).exists()
    if is_there and not resume:
        raise UserError(f"{out} holds a search. Pass --resume to continue it, or another --out.")
    if not is_there:
        outputs.check_new_folder(out)
        if resume:
            print("No trial was finished before. The search starts from the beginning.")
    partial.begin(out, record, is_there)


def _write(path, trials):
    import pandas as pd

    rows = [{"trial": t.number + 1, "validation error": t.error, **t.settings} for t in trials]
    pd.DataFrame(rows).to_csv(path, index=False)
