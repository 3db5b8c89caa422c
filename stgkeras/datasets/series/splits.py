"""Splits of a series in time: the first steps of training, validation and test windows."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from stgkeras import arguments
from stgkeras.datasets.series.component_clock import ComponentClock
from stgkeras.datasets.series.series import Series
from stgkeras.seasons import PERIODS, check_calendar, check_steps_per_day, component_steps, pieces
from stgkeras.types import Array

PARTS = ("training", "validation", "test")


class Split(NamedTuple):
    """Training, validation and test parts `train`, `val` and `test`: increasing int arrays.

    `split_windows` returns the first steps of windows, `split_sequences` indices of sequences.
    """

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


def split_windows(
    num_steps: int,
    input_length: int | dict[str, int],
    horizon: int | None,
    val: float = 0.2,
    test: float = 0.2,
    boundary: str = "inside",
    steps_per_day: int | None = None,
    complete: Series | Array | None = None,
    calendar: Array | None = None,
) -> Split:
    """Splits the windows of a series into training, validation and test parts, in time order.

    A window has input steps and target steps. The window that starts at step s has the input steps
    s … s+L-1 and the target steps s+L … s+L+H-1.

    Args:
        num_steps: int. Number of steps T of the series.
        input_length: int or dict. Number of input steps L. A dict gives the lengths of several
            components, see `Windows`; L is then the length of the recent component. Windows that
            need steps before the start of the series are left out.
        horizon: int or None. Number of target steps H. None: the next step.
        val: float or int. Size of the validation part. A float in [0, 1) is a fraction of all
            steps or windows. An int is a number of steps or windows. 0 gives an empty part.
        test: float or int. Size of the test part, as in `val`. All other steps or windows are the
            training part.
        boundary: `"inside"` or `"start"`. `"inside"` divides the steps of the series into three
            parts, and each window lies completely in one part. `"start"` divides the T-L-H+1
            windows by their first step, as many published splits do. Windows of two parts then
            share steps near a boundary. The boundaries lie at `floor(cumulative fraction * total)`.
        steps_per_day: int. Number of steps of the series in a day. Only needed for the daily and
            weekly components.
        complete: None, the target values (T, N) or (T, N, F), a bool mask (T,) of the steps that
            have readings, or the `Series`. Windows in which no target step has a reading are left
            out, such as nights without service. Default None: no window is left out.
        calendar: None, or (T, 2) array, `Series.calendar`. Windows are left out if their daily and
            weekly components have no step at the local time of a target step, see `Windows`.
            Default: the calendar of the series in `complete`.

    Returns:
        `Split(train, val, test)` of int arrays.

    Raises:
        TypeError: if `val` or `test` is not a number.
        ValueError: if the training part is empty, a part is too short for a window, a part has no
            window that may stay, or `complete` or `calendar` has another number of steps.

    Example:
        >>> import stgkeras
        >>> split = stgkeras.datasets.split_windows(40, input_length=3, horizon=2)
        >>> [(int(part[0]), int(part[-1])) for part in split]
        [(0, 19), (24, 27), (32, 35)]
    """
    arguments.integer("num_steps", num_steps)
    span = reach(input_length, horizon)
    if not isinstance(boundary, str) or boundary not in ("inside", "start"):
        raise ValueError(f'`boundary` must be "inside" or "start". Received: boundary={boundary!r}')
    read = read_steps(input_length, horizon, steps_per_day)
    may_stay = _checks_of(read, horizon, steps_per_day, num_steps, complete, calendar)
    earliest = history(read)
    total, unit, need = num_steps, "steps", span
    if boundary == "start":
        total, unit, need = num_steps - span + 1, "windows", 1
    if total < need:
        raise ValueError(
            f"`num_steps` must be at least input_length + horizon = {span} for one window. "
            f"Received: num_steps={num_steps}. Use a longer series or shorter windows."
        )
    edges = (0, *cut(total, val, test), total)
    parts = []
    for name, amount, low, high in zip(PARTS, (1, val, test), edges, edges[1:], strict=False):
        if amount and high - low < need:
            raise ValueError(
                f"The {name} part must have at least {need} {unit}. Received: {high - low} {unit} "
                f"of {total} (val={val}, test={test}). Change `val` or `test`, or shorten the "
                "windows."
            )
        starts = np.arange(low, max(low, high - need + 1))
        parts.append(starts[starts >= earliest])
        if len(starts) and not len(parts[-1]):
            raise ValueError(
                f"The {name} part must have a window that starts at step {earliest} or later, "
                "because the daily and weekly components read earlier steps. Received: windows "
                f"that start at step {starts[-1]} or earlier. Use a longer series, or a shorter "
                "`input_length` of the daily and weekly components."
            )
        for property_, stays in may_stay.items():
            count, parts[-1] = len(parts[-1]), parts[-1][stays(parts[-1])]
            if count and not len(parts[-1]):
                raise ValueError(
                    f"The {name} part must have a window {property_}. Received: none of {count} "
                    "windows. Change `val` or `test`, or use another part of the series."
                )
    return Split(*parts)


def _checks_of(read, horizon, steps_per_day, num_steps, complete, calendar):
    """Returns functions of the starts of windows: whether each window stays, (W,) bool."""
    found = {}
    recent, ahead = len(read.get("recent", ())), np.arange(_ahead(horizon))
    if isinstance(complete, Series):
        if calendar is None and complete.timestamps is not None:
            calendar = complete.calendar
        complete = complete.values
    if complete is not None:
        has_reading = _steps_with_readings(complete)
        _check_steps("complete", has_reading, num_steps)
        counts = np.append(0, np.cumsum(has_reading))

        def with_target(starts):
            return counts[starts + recent + len(ahead)] > counts[starts + recent]

        found["with a target reading"] = with_target
    if calendar is not None and set(read) - {"recent"}:
        calendar = check_calendar(calendar, num_steps, steps_per_day, may_be_unknown=True)
        check_steps_per_day(calendar, steps_per_day)
        clock = ComponentClock(calendar, read, horizon, steps_per_day)
        found["whose daily and weekly steps exist at the local time of the targets"] = clock.fits
    return found


def _steps_with_readings(complete):
    """Returns whether each step has a reading, (T,) bool. Reads memory maps in pieces."""
    try:
        complete = np.asanyarray(complete)
    except ValueError as error:  # lists of different lengths
        raise ValueError(
            f"`complete` must be a series, its values, or a bool mask. Received: {error}. Pass an "
            "array."
        ) from error
    if complete.dtype == bool and complete.ndim == 1:
        return complete
    if complete.dtype.kind not in "iuf" or complete.ndim < 1:
        raise ValueError(
            "`complete` must be a series, its values, or a bool mask of its steps. Received: an "
            f"array of dtype {complete.dtype} and shape {complete.shape}."
        )
    axes = tuple(range(1, complete.ndim))
    parts = [(~np.isnan(complete[piece])).any(axis=axes) for piece in pieces(complete)]
    return np.concatenate(parts) if parts else np.zeros(0, bool)


def _check_steps(name, array, num_steps):
    if len(array) != num_steps:
        raise ValueError(
            f"`{name}` must have one entry for each of the {num_steps} steps. Received: "
            f"{len(array)} entries. Pass `num_steps={len(array)}`, or data of the same steps."
        )


def training_steps(split: Split, input_length: int | dict[str, int], horizon: int | None) -> int:
    """Returns the number of training steps: the training windows use only `values[:number]`.

    Fit scalers, graphs and baselines only on these steps.

    Args:
        split: `Split`.
        input_length: int or dict, as in `split_windows`.
        horizon: int or None, as in `split_windows`.

    Returns:
        int.

    Raises:
        ValueError: if `split` has no training windows.

    Example:
        >>> import stgkeras
        >>> split = stgkeras.datasets.split_windows(40, 3, 2, boundary="start")
        >>> len(split.train), stgkeras.datasets.training_steps(split, 3, 2)
        (21, 25)
    """
    train = arguments.array("split", split[0] if isinstance(split, tuple) and split else split)
    if train.ndim != 1 or not len(train) or train.dtype.kind not in "iu" or train.min() < 0:
        raise ValueError(
            f"`split` must be a `Split` with training windows. Received: split={split!r}. Use "
            "`split_windows`."
        )
    return int(np.max(train)) + reach(input_length, horizon)


def cut(total, val, test):
    """Returns the first index of the validation part and of the test part among `total` items.

    Each float is replaced by the closest simple fraction, for example 0.2 by 1/5. Then rounding
    errors do not move a boundary.
    """
    amounts = []
    for name, value in (("val", val), ("test", test)):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole and not isinstance(value, (float, np.floating)):
            raise TypeError(f"`{name}` must be an int or a float. Received: {name}={value!r}")
        if not 0 <= value < np.inf:
            raise ValueError(f"`{name}` must not be negative or infinite. Received: {name}={value}")
        meant = Fraction(float(value)).limit_denominator(10**9)
        amounts.append(Fraction(int(value), total) if whole else meant)
    if sum(amounts) >= 1:
        raise ValueError(
            f"`val` and `test` must leave a part for training. "
            f"Received: val={val}, test={test} of {total}. Decrease `val` or `test`."
        )
    return int((1 - sum(amounts)) * total), int((1 - amounts[1]) * total)


def read_steps(input_length, horizon, steps_per_day=None):
    """Returns the input steps of each component of a window, relative to the first target step.

    Args:
        input_length: int, or dict of ints under some of the keys "recent", "daily" and "weekly".
        horizon: int or None.
        steps_per_day: int. Needed for the daily and weekly components.

    Returns:
        dict from the name of each component to an increasing int array. An int `input_length`
        gives only "recent". The daily and weekly components have the times of day of the target
        steps, on earlier days or weeks.
    """
    if not isinstance(input_length, dict):
        input_length = {"recent": input_length}
    _check_components(input_length)
    ahead, found = _ahead(horizon), {}
    for name, length in input_length.items():
        arguments.integer("input_length", length)
        is_count = isinstance(steps_per_day, (int, np.integer))
        in_a_day = is_count and ahead <= steps_per_day <= arguments.LARGEST
        if name != "recent" and not in_a_day:
            raise ValueError(
                f"`steps_per_day` must be an int of at least the horizon, {ahead}. Received: "
                f"steps_per_day={steps_per_day!r}. The daily and weekly components need the number "
                "of steps in a day."
            )
        found[name] = component_steps(name, length, ahead, steps_per_day)
    return found


def history(read):
    """Returns the number of steps that a window reads before its start.

    Args:
        read: dict of `read_steps`.
    """
    return max(0, max(-int(steps[0]) for steps in read.values()) - len(read.get("recent", ())))


def reach(input_length, horizon):
    """Counts the steps from the start of a window to its last target step."""
    if isinstance(input_length, dict):
        _check_components(input_length)
        recent = input_length.get("recent", 0)
        recent = recent and arguments.integer("input_length", recent)
    else:
        recent = arguments.integer("input_length", input_length)
    return int(recent) + _ahead(horizon)


def _check_components(input_length):
    if not input_length or set(input_length) - set(PERIODS):
        raise ValueError(
            f"`input_length` must be an int or a dict of {list(PERIODS)}. "
            f"Received: input_length={input_length!r}"
        )


def _ahead(horizon):
    return 1 if horizon is None else arguments.integer("horizon", horizon)
