"""The console script `stgkeras`: from files of readings to a dated forecast.

Nothing heavy is imported before a command runs, so `stgkeras --help` needs no backend.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
import warnings
from collections.abc import Sequence

from stgkeras.cli import (
    backtest,
    doctor,
    evaluate,
    fit,
    forecast,
    reading,
    report,
    serve,
    startup,
    tune,
)
from stgkeras.cli.errors import UserError, translated

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command, and returns the exit status.

    Args:
        arguments: sequence of str. Default: those of the process.

    Returns:
        0 after success; 2 after an error that the user can correct; 130 after Ctrl-C; 141 if the
        program that reads the standard output has ended.
    """
    args = _parsed(arguments)
    if arguments is None:  # otherwise the caller may need TensorFlow later
        startup.prepare()
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _print_warning(args.command)
            args.run(args)
            sys.stdout.flush()
    except UserError as error:
        if args.debug:
            raise
        print(f"stgkeras {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        more = " Pass --resume to continue." if args.command in ("fit", "tune") else ""
        if getattr(args, "folder", None):  # of `backtest`
            more = " Repeat the command to continue."
        print(f"stgkeras {args.command}: interrupted.{more}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # as after `| head`. Without this, Python reports the error at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def _parsed(arguments):
    parser, commands = _parser()
    args, rest = parser.parse_known_args(arguments)
    # argparse of Python 3.11 leaves ROADS over if options are between it and READINGS.
    if len(rest) == 1 and not rest[0].startswith("-") and getattr(args, "roads", "") is None:
        args.roads = rest.pop()
    if rest:
        command = commands.choices[args.command]
        options = re.findall(r"--[\w-]+", command.format_help())
        near = difflib.get_close_matches(rest[0].partition("=")[0], options, 1)
        more = f" (did you mean {near[0]}?)" if near else ""
        command.error(f"unrecognized arguments: {' '.join(rest)}{more}")
    args.words = sys.argv[1:] if arguments is None else list(arguments)
    return args


def _parser():
    parser = argparse.ArgumentParser(
        prog="stgkeras",
        description="Forecast the readings of sensors on a network.",
        epilog="`stgkeras COMMAND --help` describes a command and its options.",
    )
    parser.add_argument("--version", action=_Version, help="print the versions and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (fit, forecast, evaluate, backtest, report, tune, serve, doctor):
        help_text, *_ = module.__doc__.splitlines()
        command = commands.add_parser(
            module.__name__.rpartition(".")[2],
            help=help_text[0].lower() + help_text[1:].rstrip("."),
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(command)
        command.add_argument(
            "--debug", action="store_true", help="show the Python traceback of an error"
        )
        command.set_defaults(run=module.run)
    return parser, commands


def _print_warning(command):
    """Returns a function for `warnings.showwarning` that prints one line, without the code."""

    def show(message, category, *_, **__):
        if not issubclass(category, (DeprecationWarning, FutureWarning)):  # not for users
            text = translated(str(message), reading.NAMES)
            print(f"stgkeras {command}: warning: {text}", file=sys.stderr)

    return show


class _Version(argparse.Action):
    def __init__(self, **options):
        super().__init__(nargs=0, **options)

    def __call__(self, parser, *_):
        print(doctor.versions())
        parser.exit()
