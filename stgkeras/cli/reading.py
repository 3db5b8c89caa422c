"""Options that describe the file of readings and how it is read, for all commands."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from stgkeras.cli.errors import UserError, option

TABLE = ("layout", "time", "sensor", "ignore", "separator", "decimal", "day_first", "key")
SERIES = ("units", "timezone", "null_value", "holidays", "interval", "unknown")
MOST_IGNORED = 6  # options in an error message
# Arguments of the library → options in error messages: the table options, and both groups.
TABLE_NAMES = {name: option(name) for name in TABLE} | {
    "day_first=True": "--day-first",
    "day_first=False": "--month-first",
    "time=False": "--no-time",
    "regularize": "--mend",
    "regularize=True": "--mend",
    "duplicates": "--mend",
    'duplicates="first"': "--mend",
    'duplicates="mean"': "--mend",
    '`duplicates="first"` or `"mean"`': "--mend",
}
NAMES = TABLE_NAMES | {name: option(name) for name in SERIES}


def add_table_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options about the form of the file, which every command has."""
    group = parser.add_argument_group(
        "form of the file", "Only needed if the command cannot recognise the form."
    )
    group.add_argument("--layout", choices=("wide", "long", "station"), help="form of the table")
    time = group.add_mutually_exclusive_group()
    time.add_argument("--time", metavar="COLUMN", help="column of times")
    time.add_argument(
        "--no-time", dest="time", action="store_const", const=False, help="there are no times"
    )
    group.add_argument("--sensor", metavar="COLUMN", help="column of sensors in a long table")
    group.add_argument(
        "--ignore", metavar="COLUMN", action="append", help="column to leave out; may be repeated"
    )
    group.add_argument("--separator", help="character between two cells")
    group.add_argument("--decimal", choices=(".", ","), help="decimal sign")
    order = group.add_mutually_exclusive_group()
    order.add_argument(
        "--day-first",
        action="store_const",
        const=True,
        help="in dates such as 03/04/2024, the day is first",
    )
    order.add_argument(
        "--month-first",
        dest="day_first",
        action="store_const",
        const=False,
        help="the month is first",
    )
    group.add_argument(
        "--key", metavar="ARRAY", action="append", help="array of an npz file; may be repeated"
    )
    group.add_argument(
        "--mend",
        action="store_true",
        help="fill gaps with missing readings, and average rows of the same time",
    )


def add_series_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that describe the readings. `fit` stores them in the forecaster."""
    group = parser.add_argument_group("readings")
    group.add_argument(
        "--units",
        action="append",
        help="units, such as km/h; one for all features, or repeated in the order of the features",
    )
    group.add_argument("--timezone", help="time zone of the local clock, such as Europe/Vienna")
    group.add_argument(
        "--null-value",
        metavar="[FEATURE=]NUMBER",
        action="append",
        help="number that marks missing readings: 0, or nan for empty cells; may be repeated with "
        "the name of a feature, such as flow=-1",
    )
    group.add_argument(
        "--holidays",
        metavar="CODE|DATE",
        action="append",
        help="country code such as AT, or a date such as 2024-12-25, which may be repeated",
    )
    group.add_argument("--interval", type=float, metavar="MINUTES", help="minutes between steps")
    group.add_argument(
        "--unknown",
        choices=("raise", "drop"),
        help="roads of unknown sensors: raise an error (default), or drop these roads",
    )


def table_options(args: argparse.Namespace) -> dict[str, Any]:
    """Returns the arguments of `load_series` in the options of `add_table_options`."""
    found = {name: getattr(args, name) for name in TABLE if getattr(args, name) is not None}
    return found | ({"duplicates": "mean", "regularize": True} if args.mend else {})


def series_options(args: argparse.Namespace) -> dict[str, Any]:
    """Returns the arguments of `load_series` in both groups of options."""
    found = {name: getattr(args, name) for name in SERIES if getattr(args, name) is not None}
    if args.units and len(args.units) == 1:
        found["units"] = args.units[0]
    if args.null_value:
        found["null_value"] = _null_value(args.null_value)
    if args.holidays and not any(re.match(r"\d", day) for day in args.holidays):
        found["holidays"] = ",".join(args.holidays)  # a country code
    return found | table_options(args)


def ignore_advice(read: Callable[..., Any], args: argparse.Namespace, names: Sequence[str]) -> str:
    """Returns the advice to pass --ignore for sensors or features, or "" if that does not help.

    Args:
        read: function that reads the file again, with further arguments of `load_series`.
        args: arguments of the command.
        names: sensors or features that the forecaster does not know.
    """
    try:
        found = read(ignore=[*(args.ignore or ()), *names])
    except (ValueError, TypeError, OSError):
        return ""
    if {*found.names, *found.features} & set(names):
        return ""
    options = " ".join(f"--ignore {shlex.quote(name)}" for name in names)
    if len(names) > MOST_IGNORED:
        return f" To leave them out, pass --ignore NAME for each of the {len(names)} names."
    return f" To leave {'them' if len(names) > 1 else 'it'} out, pass {options}."


def take_form(args: argparse.Namespace, form: Any) -> None:
    """Completes the options of `add_series_options` by the description of a forecaster's data.

    Args:
        args: arguments of the command. Options without a value are changed.
        form: `Form` of the data of the forecaster.
    """
    if args.timezone is None:
        args.timezone = form.timezone
    if args.interval is None and not form.dated:
        args.interval = form.interval
    if args.null_value is None:
        marks = dict(zip(form.features, form.null_value, strict=True))
        args.null_value = [f"{name}={m}" for name, m in marks.items() if m is not None] or None
        if None not in marks.values() and len(set(map(str, marks.values()))) == 1:
            args.null_value = [str(form.null_value[0])]
    if args.holidays is None and form.holidays is not None:
        days = form.holidays
        args.holidays = [days] if isinstance(days, str) else [day.isoformat() for day in days]


def again(args: argparse.Namespace) -> str:
    """Returns the given options of `add_table_options` as text, for the next command."""
    parts = []
    for name in TABLE:
        value = getattr(args, name)
        if name == "day_first":
            continue  # the forecaster stores it
        if value is False:
            parts.append("--no-time")
        elif value is not None:
            for one in value if isinstance(value, list) else [value]:
                parts.append(f"{NAMES[name]} {shlex.quote(one)}")
    if getattr(args, "covariates", None) is not None:
        parts.append(f"--covariates {shlex.quote(args.covariates)}")
    return "".join(f" {part}" for part in [*parts, *(["--mend"] if args.mend else [])])


def next_commands(args: argparse.Namespace, folder: str, *names: str) -> str:
    """Returns commands for a forecaster and the file of this command, one in a line.

    Args:
        args: arguments of the command, with `readings`.
        folder: path of the forecaster.
        *names: names of commands: "forecast", "evaluate" or "report".
    """
    outputs = {"forecast": "forecast.csv", "report": f"{folder}.html"}
    start = f"{shlex.quote(folder)} {shlex.quote(args.readings)}{again(args)}"
    return "\n".join(
        f"  stgkeras {name} {start}"
        + (f" --out {shlex.quote(outputs[name])}" if name in outputs else "")
        for name in names
    )


def _null_value(marks):
    found = {}
    for mark in marks:
        feature, _, number = mark.rpartition("=")
        try:
            found[feature] = float(number)
        except ValueError as error:
            raise UserError(
                f"--null-value must be a number, or FEATURE=NUMBER. Received: {mark!r}. Write 0, "
                "or nan for empty cells."
            ) from error
    if "" in found and len(marks) > 1:
        raise UserError(
            "--null-value must be one number for all features, or name a feature each time. "
            f"Received: {', '.join(marks)}. Write FEATURE=NUMBER."
        )
    return found.get("", found)
