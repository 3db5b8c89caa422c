"""Checks of the arguments of figures, in place of errors of Matplotlib and NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stgkeras import arguments


def texts(**given: Any) -> None:
    """Raises TypeError unless the arguments, such as `title`, are str."""
    for name, value in given.items():
        arguments.text(name, value)


def by_label(name: str, values: Any, entries: str, may_be_empty: bool = False) -> dict[str, Any]:
    """Returns a dict of label → entry, with at least one entry unless it may be empty.

    Args:
        name: str. Name of the argument.
        values: the argument.
        entries: str. What the entries are, for messages.
        may_be_empty: bool. Default False.
    """
    if not isinstance(values, Mapping):
        raise TypeError(
            f"`{name}` must be a dict of label → {entries}. Received: {name} of type "
            f'{type(values).__name__}. Pass a dict such as {{"label": …}}.'
        )
    if not values and not may_be_empty:
        raise ValueError(
            f"`{name}` must have at least one entry, label → {entries}. Received: an empty dict. "
            "Add an entry."
        )
    return dict(values)


def shaped(name: str, values: Any, shape: tuple[int, ...], axes: str) -> np.ndarray:
    """Returns an array of numbers with this shape.

    Args:
        name: str. Name of the argument, or of an entry of it.
        values: the argument.
        shape: tuple of ints.
        axes: str. Names of the axes, such as "(windows, horizon)".
    """
    found = arguments.array(name, values)
    if found.shape != tuple(shape):
        raise ValueError(
            f"`{name}` must have the axes {axes}, here the shape {tuple(shape)}. Received: shape "
            f"{found.shape}. Pass an array of this shape."
        )
    return found


def square(name: str, values: Any, size: int | None = None, of: str = "nodes") -> np.ndarray:
    """Returns a matrix (N, N) of numbers, with N = `size` if that is given."""
    found = arguments.array(name, values, f"({of}, {of})")
    if len(found) != found.shape[1] or (size is not None and len(found) != size):
        wanted = "as many rows as columns" if size is None else f"the shape {(size, size)}"
        raise ValueError(
            f"`{name}` must have {wanted}, the number of {of}. Received: shape {found.shape}. Pass "
            "a square matrix."
        )
    return found


def at_least(name: str, values: Any, axes: str) -> np.ndarray:
    """Returns an array of numbers that has at least the axes `axes`, each of length 1 or more."""
    found = arguments.array(name, values)
    if found.ndim < axes.count(",") + 1 or not found.size:
        raise ValueError(
            f"`{name}` must have the axes {axes}, with at least one entry. Received: shape "
            f"{found.shape}. Pass an array with these axes."
        )
    return found


def node_names(names: Any, count: int) -> Any:
    """Returns None, or a sequence of `count` names."""
    if names is None:
        return None
    found = arguments.sequence("names", names)
    if len(found) != count:
        raise ValueError(
            f"`names` must hold one name per node, {count} names. Received: {len(found)} names. "
            "Pass the names of all nodes."
        )
    return found


def hours_of_day(hours: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Returns the hours of the day of forecast steps, (windows, horizon)."""
    found = np.asarray(arguments.array("hours", hours))
    if found.shape != tuple(shape):
        raise ValueError(
            f"`hours` must have shape (windows, horizon), {tuple(shape)}. Received: shape "
            f"{found.shape}. Pass an hour for each forecast step."
        )
    if not ((found >= 0) & (found < 24)).all():
        raise ValueError(
            f"`hours` must be at least 0 and below 24. Received: values from {found.min():g} to "
            f"{found.max():g}. Pass hours of the day."
        )
    return found


def minutes(step_minutes: Any) -> float | None:
    """Returns the minutes between two steps, a number above 0, or None."""
    return None if step_minutes is None else arguments.number("step_minutes", step_minutes, above=0)


def clock_times(times: Any) -> Any:
    """Returns datetime64 or a pandas DatetimeIndex. Raises TypeError for others."""
    kind = getattr(times, "dtype", None)
    if not hasattr(times, "__len__") or not str(kind).startswith("datetime64"):
        raise TypeError(
            "`times` must be datetime64 or a pandas DatetimeIndex. Received: times of type "
            f"{type(times).__name__}, dtype {kind}. Pass, for example, `pandas.to_datetime(times)`."
        )
    return times
