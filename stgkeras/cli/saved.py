"""Parts of commands that open a saved forecaster and read a file of readings for it."""

from __future__ import annotations

import argparse
import functools
from typing import TYPE_CHECKING

from stgkeras.cli import partial, reading
from stgkeras.cli.errors import in_options, option

if TYPE_CHECKING:
    from stgkeras.datasets import Series
    from stgkeras.forecasting import Forecaster


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the commands that need a saved forecaster."""
    parser.add_argument(
        "city", metavar="FOLDER", help="folder that `stgkeras fit` wrote, or the name of a preset"
    )
    parser.add_argument("readings", metavar="READINGS", help="file of readings")
    parser.add_argument(
        "--covariates",
        metavar="FILE",
        help="file of covariates, if the forecaster was trained with them; covariates that are "
        "known ahead must reach to the end of the forecast",
    )
    reading.add_table_options(parser)


def names(args: argparse.Namespace) -> dict[str, str]:
    """Returns the options and files in error messages, see `errors.in_options`."""
    files = {name: args.readings for name in ("path", "newest", "series")}
    own = {"folder": args.city, "Forecaster.save": "`stgkeras fit`", "covariates": "--covariates"}
    return {**reading.TABLE_NAMES, **files, **own}


def inputs(args: argparse.Namespace) -> tuple[str | None, ...]:
    """Returns the files and folders that the command reads, and must not replace."""
    return args.readings, args.city, args.covariates


def opened(args: argparse.Namespace) -> tuple[Forecaster, Series]:
    """Opens the forecaster, and reads the file in the form of its data.

    Raises:
        UserError: if one of them cannot be read, or the file has sensors that the forecaster does
            not know.
    """
    partial.check_finished(args.city, args.city)
    with in_options(names(args)):
        from stgkeras.datasets.series.sensor_names import renamed
        from stgkeras.forecasting import Forecaster
        from stgkeras.forecasting.covariates import with_covariates
        from stgkeras.forecasting.newest import in_order
        from stgkeras.forecasting.reading import read_series

        forecaster = Forecaster.load(args.city)
        form = forecaster.form
        options = reading.table_options(args)
        series = read_series(form, args.readings, **options)
        known = set(form.names)
        unknown = [name for name in series.names if name not in known]
        if unknown:
            try:
                in_order(form, series)
            except ValueError as error:
                more = ""
                if renamed(unknown, form.names) is None:
                    read = functools.partial(read_series, form, args.readings, **options)
                    more = reading.ignore_advice(read, args, unknown)
                raise ValueError(f"{error}{more}") from error
    # The options about the form of the file of readings do not count for the covariates.
    with in_options({"covariates": option("covariates")}):
        return forecaster, with_covariates(series, args.covariates, form)
