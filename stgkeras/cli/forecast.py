"""Forecasts the steps after the newest readings, as a csv file or on the standard output.

stgkeras forecast city newest.csv --out next_hour.csv
stgkeras forecast graph_stid_metr_la newest.csv

The sensors of the file are found by name, in any order. Sensors and rows that are not in the file
count as missing readings. The csv has the columns time, sensor, one for each target, and flag, the
reason why a value is uncertain.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from stgkeras.cli import outputs, reading, saved, words
from stgkeras.cli.errors import in_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    saved.add_arguments(parser)
    parser.add_argument("--out", metavar="FILE", help="csv file; default: the standard output")
    outputs.add_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Runs the command."""
    outputs.check_new_file(args.out, args.overwrite, *saved.inputs(args))
    forecaster, series = saved.opened(args)
    with in_options(saved.names(args)):
        forecast = forecaster.forecast(series)
    flagged = dict(zip(forecast.names, forecast.flags[0].tolist(), strict=True))
    flagged = {name: flag for name, flag in flagged.items() if flag}
    if flagged:
        reasons = [f"{name} ({flag})" for name, flag in flagged.items()]
        print(
            f"{len(flagged)} of {words.counted(len(forecast.names), 'sensor')} flagged: "
            f"{words.few(reasons)}. Their values are computed from usual days and other sensors.",
            file=sys.stderr,
        )
    target: Any = sys.stdout if args.out is None else args.out
    with in_options({}):
        forecast.to_csv(target)
    times = [str(time) for time in (forecast.times[0], forecast.times[-1])]
    print(
        f"Forecast of {words.counted(len(forecast.times), 'step')} for "
        f"{words.counted(len(forecast.names), 'sensor')}, {times[0]} to {times[1]}"
        f"{'' if args.out is None else f', in {args.out}'}. Next, when a file has the readings of "
        f"these times too:\n{reading.next_commands(args, args.city, 'evaluate')}",
        file=sys.stderr,
    )
