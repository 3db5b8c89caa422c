"""Prints the errors of a forecaster, its model and the baselines for a file of readings.

stgkeras evaluate city speeds.csv

The errors are means over all windows of the file. Pass readings that were not used in training:
errors on training readings are too small.
"""

from __future__ import annotations

import argparse

from stgkeras.cli import reading, saved, words
from stgkeras.cli.errors import in_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    saved.add_arguments(parser)


def run(args: argparse.Namespace) -> None:
    """Runs the command."""
    forecaster, series = saved.opened(args)
    with in_options(saved.names(args)):
        errors = forecaster.evaluate(series)
    where = f"all windows of {args.readings}"
    print(words.errors_text(errors, forecaster.form.target_units, where))
    print(f"Next:\n{reading.next_commands(args, args.city, 'report', 'forecast')}")
