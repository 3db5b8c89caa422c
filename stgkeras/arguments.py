"""Checks of types and ranges of arguments, shared by all parts. The errors name the argument."""

from __future__ import annotations

import difflib
import math
import numbers
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

LARGEST = 2**31 - 1  # of the sizes of tensors, which have int32 indices


def integer(name: str, value: Any, minimum: int = 1) -> int:
    """Returns `value` as an int. Raises ValueError if it is no integer or below `minimum`."""
    try:
        number = None if isinstance(value, (bool, np.bool_)) else value.__index__()
    except (AttributeError, TypeError):
        number = None
    if number is None or not minimum <= number <= LARGEST:
        raise ValueError(
            f"`{name}` must be an integer of at least {minimum}. Received: {name}={value!r}"
            + ("" if number is None or number < minimum else f". Pass at most {LARGEST}.")
        )
    return int(number)


def integers(name: str, values: Any) -> tuple[int, ...]:
    """Returns a sequence of integers of at least 1 as a tuple. Raises ValueError for others."""
    try:
        return tuple(integer(name, value) for value in sequence(name, values))
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be a sequence of integers of at least 1. Received: {name}={values!r}. "
            "Pass a tuple such as (32, 64)."
        ) from error


def sequence(name: str, values: Any) -> Sequence[Any]:
    """Returns a list, tuple, range or array. Raises ValueError for others, such as a str."""
    if not isinstance(values, (list, tuple, range)) and not getattr(values, "shape", ()):
        raise ValueError(
            f"`{name}` must be a sequence. Received: {name}={values!r}. Pass a list or a tuple."
        )
    return values


def boolean(name: str, value: Any) -> bool:
    """Returns `value` as a bool. Raises ValueError for another type, such as the str "False"."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"`{name}` must be True or False. Received: {name}={value!r}")
    return bool(value)


def one_of(name: str, value: Any, choices: Sequence[Any]) -> Any:
    """Returns `value`. Raises ValueError if it is not one of `choices`."""
    if not any(isinstance(value, type(choice)) and value == choice for choice in choices):
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {listed}. Received: {name}={value!r}")
    return value


def number(name: str, value: Any, low: float = -math.inf, above: float = -math.inf) -> float:
    """Returns a finite number from `low`, and above `above`, as a float."""
    if not is_number(value) or not (math.isfinite(value) and low <= value and above < value):
        which = f" of at least {low:g}" if low > -math.inf else ""
        which = f" above {above:g}" if above > -math.inf else which
        raise ValueError(f"`{name}` must be a finite number{which}. Received: {name}={value!r}")
    return float(value)


def fraction(name: str, value: Any) -> float:
    """Returns `value` as a float. Raises ValueError unless 0 ≤ value < 1."""
    if not is_number(value) or not 0 <= value < 1:
        raise ValueError(f"`{name}` must be at least 0 and below 1. Received: {name}={value!r}")
    return float(value)


def levels(name: str, values: Any) -> tuple[float, ...]:
    """Returns the levels of quantiles as a tuple. Raises ValueError unless 0 < … rising … < 1."""
    found = [values] if is_number(values) else list(sequence(name, values))
    if not found or not all(is_number(value) and 0 < value < 1 for value in found):
        raise ValueError(
            f"`{name}` must be numbers above 0 and below 1. Received: {name}={values!r}. Pass a "
            "tuple such as (0.05, 0.5, 0.95)."
        )
    if any(b <= a for a, b in zip(found, found[1:], strict=False)):
        raise ValueError(
            f"`{name}` must rise. Received: {name}={values!r}. Sort the levels and remove repeated "
            "ones."
        )
    return tuple(float(value) for value in found)


def quantile_name(level: float) -> str:
    """Returns the short name of a quantile, such as "q05" or "q2.5"."""
    percent = round(100 * level, 6)
    return f"q{percent:02.0f}" if percent == round(percent) else f"q{percent:g}"


def is_number(value: Any) -> bool:
    """Returns whether `value` is a real number. A bool is none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def instance(name: str, value: Any, kind: type, fix: str) -> None:
    """Raises TypeError unless `value` is an object of the class `kind`. `fix` says what to pass."""
    if not isinstance(value, kind):
        given = f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__
        raise TypeError(
            f"`{name}` must be a {kind.__name__}. Received: {name} of type {given}. {fix}"
        )


def text(name: str, value: Any) -> str:
    """Returns `value`. Raises TypeError if it is no str."""
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be a str. Received: {name}={value!r}. Pass a text.")
    return value


def names(name: str, value: Any) -> str | list[str] | None:
    """Returns None, a str, or a list of the str in a sequence. Raises an error for others."""
    if value is None or isinstance(value, str):
        return value
    return [text(name, one) for one in sequence(name, value)]


def indices(name: str, values: Any, size: int, of: str) -> tuple[int, ...]:
    """Returns integers from 0 to below `size`, the number of `of`. Raises ValueError for others."""
    found = tuple(integer(name, value, 0) for value in sequence(name, values))
    if not found or max(found) >= size:
        raise ValueError(
            f"`{name}` must be integers below {size}, the number of {of}. Received: {name}="
            f"{values!r}. Pass at least one number from 0 to {size - 1}."
        )
    return found


def path(name: str, value: Any) -> pathlib.Path:
    """Returns a str or a path as a path. Raises TypeError for others."""
    if not isinstance(value, (str, os.PathLike)) or isinstance(os.fspath(value), bytes):
        raise TypeError(
            f"`{name}` must be a path: a str or a `pathlib.Path`. Received: {name}={value!r}. Pass "
            "the path of a file or folder."
        )
    return pathlib.Path(value)


def refuse_unknown(owner: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raises TypeError if `given` has a name that is no argument of `owner`.

    Args:
        owner: str, the name of a class.
        given: dict of name → value.
        known: the names of all arguments. The error suggests the one that is most like the wrong
            name.
    """
    known = list(known)
    unknown = sorted(set(given) - set(known))
    if not unknown:
        return
    name, near = unknown[0], difflib.get_close_matches(unknown[0], known, 1)
    raise TypeError(
        f"`{name}` must be an argument of {owner}. Received: {name}={given[name]!r}. "
        + (f"Did you mean `{near[0]}`? " if near else "")
        + f"Its arguments are {', '.join(known)}."
    )


def entries(name: str, values: Any) -> np.ndarray:
    """Returns an array of any type. Raises ValueError for lists of different lengths."""
    try:
        return np.asanyarray(values)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be an array. Received: lists of different lengths ({error}). Pass "
            "lists of equal lengths."
        ) from error


def array(name: str, values: Any, axes: str | None = None) -> np.ndarray:
    """Returns an array of real numbers. A memory map stays one.

    Raises TypeError for other values, and ValueError for lists of different lengths and other
    axes. `axes` lists the names of the axes, such as "(time, nodes, features)".
    """
    found = entries(name, values)
    if found.dtype.kind not in "biuf":
        raise TypeError(
            f"`{name}` must hold real numbers. Received: {name} of type {type(values).__name__}, "
            f"dtype {found.dtype}. Pass an array of numbers."
        )
    if axes is not None and found.ndim != axes.count(",") + 1:
        raise ValueError(
            f"`{name}` must have axes {axes}. Received: {name}.shape={found.shape}. Pass an array "
            "with these axes."
        )
    return found
