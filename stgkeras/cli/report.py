"""Writes a report on a forecaster as one HTML page that works offline.

stgkeras report city speeds.csv --out report.html

The page has the errors of the forecaster beside the baselines, by minutes ahead, hour of the day
and sensor, and the forecasts of each sensor in local time. The last fifth of the readings is
tested. With the file of `stgkeras fit`, this is the part that was not used in training.
"""

from __future__ import annotations

import argparse
import pathlib
from typing import TYPE_CHECKING

from stgkeras.cli import outputs, reading, saved, words
from stgkeras.cli.errors import UserError, in_options
from stgkeras.cli.option_types import share_or_count

if TYPE_CHECKING:
    from stgkeras.datasets import Series

CAUTION = {
    "Caution": "errors are too small on windows that trained the forecaster; by default, only the "
    "last fifth of the readings is tested"
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    saved.add_arguments(parser)
    parser.add_argument("--out", metavar="FILE", default="report.html", help="file of the page")
    outputs.add_arguments(parser)
    parser.add_argument(
        "--test",
        type=share_or_count,
        default=0.2,
        metavar="SHARE|STEPS",
        help="last part of the readings that is tested: a share (0.2), or a number of steps (2016);"
        " 1.0 for all readings",
    )
    parser.add_argument("--days", type=float, default=3, help="days to draw of each sensor (3)")
    parser.add_argument(
        "--places", metavar="FILE", help="csv file of sensor, latitude and longitude, for the map"
    )


def run(args: argparse.Namespace) -> None:
    """Runs the command."""
    path = pathlib.Path(args.out)
    outputs.check_new_file(args.out, args.overwrite, *saved.inputs(args), args.places)
    if not args.days > 0:
        raise UserError(f"--days must be above 0. Received: --days {args.days:g}. Pass 3.")
    forecaster, series = saved.opened(args)
    names = {**saved.names(args), "test": "--test"}
    with in_options(names):
        from stgkeras import reports

        if args.places:
            series = with_places(series, args.places)
        data = pathlib.Path(args.readings).name
        comparison = reports.compare(forecaster, series, test=args.test, data=data)
        reports.write_page(
            path,
            comparison,
            title=f"Forecasts of {data} by {pathlib.Path(args.city).name}",
            days=args.days,
            graph=reports.graph_of(forecaster.model) if forecaster.model.takes_graph else None,
            facts=_facts(forecaster, series) | ({} if args.test == 0.2 else CAUTION),
        )
    errors = comparison.errors()
    mean = {name: f"{row['MAE mean']:.4g}" for name, row in errors.items()}
    print(f"Wrote {path}, {path.stat().st_size / 1e6:.1f} MB. {comparison.facts()['Tested']}.")
    units = f" in {comparison.units}" if comparison.units else ""
    print(f"MAE{units}: {', '.join(f'{name} {value}' for name, value in mean.items())}.")
    print(f"Open {path} in a browser. Next:\n{reading.next_commands(args, args.city, 'forecast')}")


def with_places(series: Series, path: str) -> Series:
    """Returns a series with the latitudes and longitudes of a csv file.

    Raises:
        UserError: if the file has no coordinates.
    """
    import dataclasses

    import numpy as np

    from stgkeras import datasets

    # The readings do not matter here. The file may have further sensors.
    empty = np.zeros((1, len(series.names)), "float32")
    found = datasets.from_arrays(empty, names=series.names, graph=path, unknown="drop").places
    if found is None:
        raise UserError(
            f"--places must be a file with the columns sensor, latitude and longitude. Received: "
            f"{path}. Pass a file with coordinates."
        )
    return dataclasses.replace(series, places=found)


def _facts(forecaster, series):
    model, form = forecaster.model, forecaster.form
    name = type(model).__name__
    reads = f"reads the last {words.counted(form.input_length, 'step')}"
    facts = {
        "Model": f"{name}, {model.count_params():,} parameters; {reads}, forecasts {form.horizon}",
        "Graph": words.graph_text(forecaster.graph_summary()).removeprefix("Graph: "),
        "Weights": words.weights_text(forecaster.weights, name).partition(": ")[2],
    }
    silent = [n for n, trained in zip(form.names, form.trained, strict=True) if not trained]
    if silent:
        facts["Never trained"] = f"{words.few(silent)}: no reading in training"
    try:
        newest = forecaster.forecast(series)
    except ValueError as error:  # such as no reading in the last window
        return facts | {"Newest forecast": str(error)}
    flags = [f"{n} ({flag})" for n, flag in zip(newest.names, newest.flags[0], strict=True) if flag]
    flagged = f"{words.few(flags)} flagged" if flags else "no sensor is flagged"
    return facts | {"Newest forecast": f"{newest.times[0]} to {newest.times[-1]}; {flagged}"}
