"""Errors of the console script: options and files in place of the arguments of the library."""

from __future__ import annotations

import ast
import contextlib
import re
import shlex
from collections.abc import Iterator, Mapping

# `name` or `name=value` in backticks, and name=value in plain text, as after "Received:".
CODE = re.compile(r"`([A-Za-z_.]+)(?:=([^`]*))?`")
VALUE = r"'[^']*'|\"[^\"]*\"|\[[^\]]*\]|\([^)]*\)|\{[^}]*\}|[\w.+-]*\w"
PLAIN = re.compile(rf"(?<![\w`.\"'-])([a-z_]+)=({VALUE})")

ROWS = "Rows are counted from 0, without the names of the columns."


class UserError(Exception):
    """An error that the user of the console script can correct. The text is one line."""


def option(argument: str) -> str:
    """Returns the option of an argument.

    Example:
        >>> from stgkeras.cli.errors import option
        >>> option("null_value")
        '--null-value'
    """
    return f"--{argument.replace('_', '-')}"


@contextlib.contextmanager
def in_options(names: Mapping[str, str]) -> Iterator[None]:
    """Turns an error of the library into a `UserError` that names options and files.

    Args:
        names: dict of argument → option or file of the user. A key can also be "argument=value",
            or a phrase with backticks. An option that ends in " …" takes several values.
    """
    try:
        yield
    except BrokenPipeError:  # `main` ends silently
        raise
    except (ValueError, TypeError, OSError, ImportError) as error:
        raise UserError(translated(str(error), names)) from error


def translated(message: str, names: Mapping[str, str]) -> str:
    """Replaces the arguments in a message by options, and joins its lines.

    Args:
        message: str.
        names: as in `in_options`.

    Example:
        >>> from stgkeras.cli.errors import translated
        >>> translated("Pass `null_value=np.nan`, or omit `key`.", {"null_value": "--null-value"})
        'Pass --null-value nan, or omit `key`.'
    """

    def replaced(match):
        name, value = match.groups()
        whole = match[0].strip("`")
        if whole in names:
            return names[whole].removesuffix(" …")
        return _with_value(names[name], value, match[0]) if name in names else match[0]

    message = " ".join(message.split())
    for phrase in (name for name in names if "`" in name):
        message = message.replace(phrase, names[phrase])
    # Python code that is no option, such as `graph=pandas.read_csv(path)`, stays as it is.
    parts = re.split(r"(`[^`]*`)", message)
    parts[::2] = [PLAIN.sub(replaced, part) for part in parts[::2]]
    parts[1::2] = [CODE.sub(replaced, part) for part in parts[1::2]]
    text = re.sub(r"(--[\w-]+) must be None, ", r"\1 must be ", "".join(parts))
    text = re.sub(r"(--[\w-]+) must be None for ", r"\1 must not be used with ", text)
    return f"{text.removesuffix('.')}. {ROWS}" if re.search(r"\brow \d", text) else text


def _with_value(option, value, otherwise):
    option, *takes_all = option.split(" …")
    if value in ("None", "()", "[]"):
        return f"no {option}"
    if value.strip("'\"") == "…":
        return f"{option} …"
    try:
        found = ast.literal_eval({"np.nan": "'nan'", "nan": "'nan'"}.get(value, value))
    except (ValueError, SyntaxError):
        return otherwise
    between = "=" if option.startswith("--set ") else " "
    if isinstance(found, dict):
        found = [f"{name}={one}" for name, one in found.items()]
    if found == option:
        return option  # a file, which names itself
    each = found if isinstance(found, (list, tuple)) else [found]
    if takes_all:
        return " ".join([option, *("-" if one is None else _quoted(one) for one in each)])
    return " ".join(f"{option}{between}{_quoted(one)}" for one in each)


def _quoted(value):
    return shlex.quote(value) if isinstance(value, str) else str(value)
