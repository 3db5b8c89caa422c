"""Trains a forecaster on a file of readings, and saves it in a new folder.

stgkeras fit speeds.csv roads.csv --units km/h --timezone Europe/Vienna --out city
stgkeras fit speeds.csv roads.csv --null-value 0 --model STGCN --set dropout=0.2 --out city
stgkeras fit newer.csv roads.csv --initial city --out newer_city

The readings have a row for each time and a column for each sensor, or a row for each time and
sensor (csv, tsv, parquet, h5 or npz). The roads are distances, positions or weights of the graph.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import functools
import inspect
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from stgkeras.cli import outputs, processes, reading, words
from stgkeras.cli.errors import UserError, in_options, option
from stgkeras.cli.option_types import count, learning_rate, numbers, seed
from stgkeras.cli.partial import Partial, check_finished

OWN = ("model", "horizon", "input_length", "season", "targets", "quantiles", "epochs", "seed")
BESIDE = ("covariates", "known", "attributes")
# Arguments of models that --set must not change: the data, the graph or other options set them.
FIXED = {"kwargs", "num_nodes", "graph", "places", "num_graphs", "num_edges"}
FIXED |= {"num_features", "num_outputs", "steps_per_day", "normalize", "past_calendar"}
FIXED |= {"past_covariates", "future_covariates", *OWN}
SEASONS: dict[str, str | bool] = {"auto": "auto", "on": True, "off": False}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument("readings", metavar="READINGS", help="file of readings")
    parser.add_argument("roads", metavar="ROADS", nargs="?", help="file of the graph")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="new folder for the result")
    group = parser.add_argument_group("forecaster")
    group.add_argument("--model", help="GraphSTID (default) or another; a wrong name lists all")
    group.add_argument("--horizon", type=count, help="steps to forecast (12)")
    group.add_argument(
        "--input-length",
        type=count,
        metavar="STEPS",
        help="steps to read; default: the horizon, at least 12",
    )
    group.add_argument(
        "--season",
        choices=SEASONS,
        default="auto",
        help="forecast deviations from the usual day; auto: decided by validation errors",
    )
    group.add_argument(
        "--targets",
        metavar="FEATURE",
        action="append",
        help="feature to forecast; may be repeated; default: all",
    )
    group.add_argument(
        "--quantiles",
        metavar="LEVELS",
        type=numbers,
        action="extend",
        help="levels of quantiles to forecast, with 0.5, such as 0.05,0.5,0.95 (none)",
    )
    group.add_argument(
        "--covariates",
        metavar="FILE",
        help="csv file of numbers beside the readings, such as weather: a column of times (local, "
        "if they have no UTC offset) and one for each covariate; with a column of sensors, a row "
        "for each time and sensor",
    )
    group.add_argument(
        "--known",
        metavar="[NAME=]past|future",
        action="append",
        help="whether covariates are known up to now (past, the default), or also for the steps to "
        "forecast (future), such as a weather forecast; may be repeated with names of covariates",
    )
    group.add_argument(
        "--attributes",
        metavar="FILE",
        help="csv file of numbers of each sensor that do not change, such as lanes: a column of "
        "sensors and one for each attribute",
    )
    group.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="argument of the model, such as units=32 or dropout=0.2; may be repeated",
    )
    group.add_argument(
        "--initial",
        metavar="FOLDER",
        help="start with the weights of this folder of `stgkeras fit`; sensors are matched by "
        "name; options that are not given are taken from the folder",
    )
    group.add_argument(
        "--learning-rate",
        type=learning_rate,
        metavar="RATE",
        help="learning rate of the optimizer Adam (0.001)",
    )
    group.add_argument("--epochs", type=count, default=30, help="largest number of epochs (30)")
    group.add_argument("--seed", type=seed, default=0, help="random seed (0)")
    group.add_argument("--resume", action="store_true", help="continue an interrupted run")
    processes.add_arguments(parser)
    reading.add_series_options(parser)
    reading.add_table_options(parser)


def run(args: argparse.Namespace) -> None:
    """Runs the command."""
    outputs.check_new_folder(args.out)
    processes.run(args, _fit)


def _fit(args):
    settings = settings_of(args.set)
    initial = _initial(args)
    files = {"path": args.readings, "graph": args.roads or "ROADS", "series": args.readings}
    options = reading.series_options(args)
    with in_options({**reading.NAMES, **files}):
        from stgkeras import datasets, parallel
        from stgkeras.forecasting import Forecaster
        from stgkeras.forecasting.covariates import described, with_covariates

        series = datasets.load_series(args.readings, args.roads, **options)
    print(words.series_text(args.readings, series), flush=True)
    named = {name: option(name) for name in (*OWN, *BESIDE, "timezone")}
    named |= {"initial": "--initial", **files} | {name: f"--set {name}" for name in settings}
    with in_options(named):
        series = with_covariates(series, args.covariates)
        known = known_of(args.known)
        described(series, known, args.attributes)  # errors before training is announced
        check_settings(args.model, settings)
        forecaster = Forecaster(
            args.model,
            horizon=args.horizon,
            input_length=args.input_length,
            season=SEASONS[args.season],
            targets=args.targets,
            quantiles=args.quantiles,
            **settings,
        )
        if initial is not None:
            read = functools.partial(datasets.load_series, args.readings, args.roads, **options)
            _check_initial(initial, forecaster, series, read, args, known)
            print(words.sensors_text(args.initial, initial.form.names, series.names), flush=True)
        with Partial(args, parallel.is_first()) as partial:
            if args.resume and not partial.checkpoint.exists():
                print("No epoch was finished before. Training starts from the beginning.")
            most = words.counted(args.epochs, "epoch")
            print(f"Training {args.model}, at most {most}{processes.where(args)}.", flush=True)
            checkpoint = partial.checkpoint
            forecaster.fit(
                series,
                known=known,
                attributes=args.attributes,
                initial=initial,
                epochs=args.epochs,
                seed=args.seed,
                checkpoint=checkpoint,
                optimizer=optimizer(args.learning_rate),
            )
            print(words.graph_text(forecaster.graph_summary()))
            print(words.weights_text(forecaster.weights, args.model))
            errors = forecaster.evaluate()
            if parallel.is_first():
                forecaster.save(args.out)
    units = forecaster.form.target_units  # may be those of --initial
    print(words.errors_text(errors, units, "the last part of the readings, not used in training"))
    print(
        f"Saved in {args.out}. Next, with your newest readings or other readings in place of "
        f"{shlex.quote(args.readings)}:"
    )
    print(reading.next_commands(args, args.out, "forecast", "evaluate", "report"))


def _initial(args):
    """Returns the forecaster of --initial or None, and sets the options that were not given."""
    forecaster, form = None, None
    if args.initial is not None:
        check_finished(args.initial, "--initial")
        with in_options({"folder": "--initial", "Forecaster.save": "`stgkeras fit`"}):
            from stgkeras.forecasting import Forecaster

            forecaster = Forecaster.load(args.initial)
        form = forecaster.form
        reading.take_form(args, form)
        args.input_length = args.input_length or form.input_length
        args.targets = args.targets or list(form.target_names)
        if args.known is None and args.covariates is not None:
            args.known = [f"{name}=past" for name in form.past_covariates]
            args.known += [f"{name}=future" for name in form.future_covariates]
    args.model = args.model or ("GraphSTID" if form is None else type(forecaster.model).__name__)
    args.horizon = args.horizon or (12 if form is None else form.horizon)
    return forecaster


def _check_initial(initial, forecaster, series, read, args, known):
    """Raises ValueError if a series does not fit --initial. Called before training is announced.

    Args:
        initial: forecaster of --initial.
        forecaster: new `Forecaster`.
        read: function that reads `series` again, with the argument `ignore`.
        known: as in `Forecaster.fit`.
    """
    from stgkeras.forecasting.covariates import described
    from stgkeras.forecasting.form import Form
    from stgkeras.forecasting.initial import continued, with_features_of

    features = initial.form.features
    try:
        series = with_features_of(series, initial.form)
    except ValueError as error:
        new = [name for name in series.features if name not in features]
        more = (
            "" if set(features) - set(series.features) else reading.ignore_advice(read, args, new)
        )
        raise ValueError(f"{error}{more}") from error
    sizes = forecaster.input_length, forecaster.horizon, len(series.values)
    form = Form.of(series, forecaster.targets, *sizes)
    form = dataclasses.replace(form, **described(series, known, args.attributes))
    build, given = forecaster._build, forecaster.model_arguments
    continued(initial._fitted, form, forecaster.season, build, given, series)


def known_of(values: Sequence[str] | None) -> str | dict[str, str]:
    """Returns the argument `known` of `Forecaster.fit` in the values of --known.

    Example:
        >>> from stgkeras.cli.fit import known_of
        >>> known_of(None), known_of(["future"]), known_of(["rain=future", "count=past"])
        ('past', 'future', {'rain': 'future', 'count': 'past'})
    """
    pairs = [value.rpartition("=") for value in values or ["past"]]
    names = [name for name, *_ in pairs]
    if names == [""]:
        return pairs[0][2]
    if "" in names or len(set(names)) < len(names):
        raise UserError(
            "--known must be past or future once, or NAME=past or NAME=future once for each "
            f"covariate. Received: {' '.join(f'--known {value}' for value in values or ())}. Name "
            "each covariate once."
        )
    return {name: kind for name, _, kind in pairs}


def settings_of(pairs: Sequence[str]) -> dict[str, Any]:
    """Returns the arguments of the model in the values of --set, as {name: value}."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not (equals and name.isidentifier()) or name in found:
            raise UserError(
                f"--set must be NAME=VALUE, each name once. Received: {pair!r}. Write, for "
                "example, --set units=32."
            )
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            found[name] = value  # text, such as gate=glu
    return found


def check_settings(model: str, settings: Mapping[str, Any]) -> None:
    """Raises UserError for unknown names of model arguments, which Keras would ignore."""
    from stgkeras import models

    if not hasattr(models, model):  # `Forecaster` raises the error
        return
    known = set(inspect.signature(getattr(models, model)).parameters) - FIXED
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise UserError(
            f"--set must name arguments of {model}: {', '.join(sorted(known))}. Received: "
            f"{', '.join(unknown)}. Correct the name, or use another option of this command."
        )


def optimizer(rate: float | None) -> Any:
    """Returns the default optimizer of `Forecaster.fit` with another learning rate.

    Args:
        rate: float. None: the function returns None.
    """
    if rate is None:
        return None
    from stgkeras.forecasting import fitting

    return fitting.adam(rate)
