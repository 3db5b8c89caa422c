"""Tests forecasts from many times of a file, each from the readings before (backtest).

stgkeras backtest city speeds.csv --out errors.csv
stgkeras backtest city speeds.csv --start 0.5 --refit "every 7 days" --folder trainings

An origin is the time of the first step of a forecast. New forecasters are trained with the model,
the arguments and the graph of the folder, on readings before the origins. The weights of the folder
are not used, so no forecast knows later readings. By default, there is one training, on the
readings before the first origin.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from stgkeras.cli import fit, outputs, reading, saved, words
from stgkeras.cli.errors import UserError, in_options, option
from stgkeras.cli.option_types import count, learning_rate, seed, share_or_count

if TYPE_CHECKING:
    from stgkeras.forecasting import Backtest

OWN = ("start", "stride", "refit", "window", "folder", "epochs", "seed")
PICTURES = (".png", ".svg", ".pdf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    saved.add_arguments(parser)
    group = parser.add_argument_group("backtest")
    group.add_argument(
        "--start",
        type=share_or_count,
        default=0.5,
        metavar="SHARE|STEPS",
        help="first origin: a share of the readings (0.5), or a number of steps (2016)",
    )
    group.add_argument(
        "--stride",
        type=count,
        metavar="STEPS",
        help="steps from one origin to the next; default: the horizon",
    )
    group.add_argument(
        "--refit",
        default="never",
        metavar="HOW_OFTEN",
        help='when to train again: never (default), "every 7 days", or a number of steps',
    )
    group.add_argument(
        "--window",
        type=count,
        metavar="STEPS",
        help="newest steps that a training uses; default: all steps before the origin",
    )
    group.add_argument(
        "--epochs", type=count, default=30, help="largest number of epochs of a training (30)"
    )
    group.add_argument(
        "--learning-rate",
        type=learning_rate,
        metavar="RATE",
        help="learning rate of the optimizer Adam (0.001)",
    )
    group.add_argument("--seed", type=seed, default=0, help="random seed (0)")
    group.add_argument(
        "--folder",
        metavar="FOLDER",
        help="folder for the forecasts of each training; the same command continues from it",
    )
    parser.add_argument("--out", metavar="FILE", help="csv file with the errors of each origin")
    parser.add_argument("--picture", metavar="FILE", help="png, svg or pdf file of these errors")
    outputs.add_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Runs the command."""
    for name in ("out", "picture"):
        path, inputs = getattr(args, name), saved.inputs(args)
        outputs.check_new_file(path, args.overwrite, *inputs, name=option(name))
    if args.out is not None and args.out == args.picture:
        raise UserError(
            "--picture must be another file than --out. Received: "
            f"--out {args.out} --picture {args.picture}. Pass another name."
        )
    if args.picture is not None and not args.picture.lower().endswith(PICTURES):
        raise UserError(
            f"--picture must end in {', '.join(PICTURES)}. Received: --picture {args.picture}. "
            "Pass another name."
        )
    forecaster, series = saved.opened(args)
    print(words.series_text(args.readings, series), flush=True)
    most = words.counted(args.epochs, "epoch")
    print(f"Training {type(forecaster.model).__name__}, at most {most} each time.", flush=True)
    own = {name: option(name) for name in OWN}
    with in_options({**saved.names(args), **own, "The `forecaster`": args.city}):
        test = forecaster.backtest(
            series,
            start=args.start,
            stride=args.stride,
            refit=int(args.refit) if args.refit.isdecimal() else args.refit,
            window=args.window,
            folder=args.folder,
            epochs=args.epochs,
            seed=args.seed,
            optimizer=fit.optimizer(args.learning_rate),
        )
    form = forecaster.form
    tests = {name: test.of_target(c) for c, name in enumerate(form.target_names)}
    print(words.backtest_text(tests, form.target_units, form.interval, forecaster.quantiles))
    if args.out is not None:
        write(args.out, tests)
    if args.picture is not None:
        draw(args.picture, tests, form.target_units[0])
    files = " and ".join(path for path in (args.out, args.picture) if path is not None)
    written = f"Wrote {files}. " if files else ""
    print(f"{written}Next:\n{reading.next_commands(args, args.city, 'report', 'forecast')}")


def write(path: str, tests: dict[str, Backtest]) -> None:
    """Writes the errors of each origin to a csv file.

    Args:
        path: path of the file.
        tests: dict of target → `Backtest` of one target.
    """
    import numpy as np
    import pandas as pd

    frames = {}
    for name, test in tests.items():
        first = np.searchsorted(test.fitted, test.fitted)  # the first origin of each training
        starts = [words.time_text(time) for time in test.origins]
        trained = [starts[place] for place in first]
        errors = test.by_origin().set_axis(pd.Index(starts, name="origin"))
        errors.insert(0, "trained_before", trained)
        frames[name] = errors
    several = len(frames) > 1
    table = pd.concat(frames, names=["target"]) if several else next(iter(frames.values()))
    table.to_csv(path)


def draw(path: str, tests: dict[str, Backtest], units: str) -> None:
    """Draws the errors of each origin for the first target.

    Args:
        path: path of the picture.
        tests: as in `write`.
        units: str. Units of the first target.
    """
    from stgkeras import plots

    name, test = next(iter(tests.items()))
    errors = test.by_origin()
    chosen = errors[["forecaster", words.best_baseline(errors)]]
    title = name if len(tests) > 1 else ""
    figure = plots.backtest(chosen, test.fitted, title=title, units=units)
    figure.savefig(path, dpi=150)
