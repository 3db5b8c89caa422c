"""Where windows of a series start in training, validation and test."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from stgkeras.seasons import PERIODS, component_steps

PARTS = ("training", "validation", "test")


class Split(NamedTuple):
    """Window starts of the three parts, in time order: each an int array, rising."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


def split_windows(
    num_steps, input_length, horizon, val=0.2, test=0.2, boundary="inside", steps_per_day=None
):
    """Splits a series in time order: windows read steps `s … s+L-1`, predict `s+L … s+L+H-1`.

    Args:
        num_steps: int. Steps T of the series.
        input_length: int. Steps L that a window reads; or a dict of components, see `Windows`, of
            which the recent one counts here. Windows whose days or weeks begin before the series
            are left out.
        horizon: int or None. Steps H that a window predicts; None is the single next step.
        val: share of the whole as a float in [0, 1), or a count as an int. 0 leaves it empty.
        test: likewise. Training gets the rest.
        boundary: `"inside"` cuts the *steps* in three; every window lies wholly in one part.
            `"start"` cuts the *windows*, W = T-L-H+1, by their first step, as many published
            splits do: windows near a cut share steps. Cuts lie at
            `floor(cumulative share * total)`.
        steps_per_day: int, with components. Steps of the series in a day.

    Returns:
        `Split(train, val, test)` of int arrays.

    Raises:
        ValueError: if the shares leave no training part, or a part is too short for a window.

    Example:
        >>> import stgkeras
        >>> split = stgkeras.datasets.split_windows(40, input_length=3, horizon=2)
        >>> [(int(part[0]), int(part[-1])) for part in split]
        [(0, 19), (24, 27), (32, 35)]
    """
    span = reach(input_length, horizon)
    if boundary not in ("inside", "start"):
        raise ValueError(f'`boundary` must be "inside" or "start". Received: boundary={boundary!r}')
    read = read_steps(input_length, horizon, steps_per_day)
    earliest = history(read)
    total, unit, need = num_steps, "steps", span
    if boundary == "start":
        total, unit, need = num_steps - span + 1, "windows", 1
    if total < need:
        raise ValueError(
            f"`num_steps` must be at least input_length + horizon = {span} for one window. "
            f"Received: num_steps={num_steps}"
        )
    edges = (0, *cut(total, val, test), total)
    parts = []
    for name, amount, low, high in zip(PARTS, (1, val, test), edges, edges[1:], strict=False):
        if amount and high - low < need:
            raise ValueError(
                f"The {name} part must hold at least {need} {unit}. Received: {high - low} {unit} "
                f"of {total} (val={val}, test={test}); give it more or shorten the windows."
            )
        starts = np.arange(low, max(low, high - need + 1))
        parts.append(starts[starts >= earliest])
        if len(starts) and not len(parts[-1]):
            raise ValueError(
                f"The {name} part must hold a window and the days and weeks before it, {earliest} "
                f"steps back from its start. Received: starts up to {starts[-1]}"
            )
    return Split(*parts)


def training_steps(split, input_length, horizon):
    """Counts the leading steps that training windows touch: all that a scaler may be fitted on.

    Args:
        split: `Split`.
        input_length, horizon: as for `split_windows`.

    Returns:
        int.

    Example:
        >>> import stgkeras
        >>> split = stgkeras.datasets.split_windows(40, 3, 2, boundary="start")
        >>> len(split.train), stgkeras.datasets.training_steps(split, 3, 2)
        (21, 25)
    """
    return int(np.max(split.train)) + reach(input_length, horizon)


def cut(total, val, test):
    """Returns where validation and test begin among `total` things, training being first.

    Shares are read as the fractions that were meant, 0.2 as 1/5: no rounding error moves a cut.
    """
    amounts = []
    for name, value in (("val", val), ("test", test)):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole and not isinstance(value, (float, np.floating)):
            raise TypeError(f"`{name}` must be an int or a float. Received: {name}={value!r}")
        if not value >= 0:
            raise ValueError(f"`{name}` must not be negative. Received: {name}={value}")
        meant = Fraction(float(value)).limit_denominator(10**9)
        amounts.append(Fraction(int(value), total) if whole else meant)
    if sum(amounts) >= 1:
        raise ValueError(
            f"`val` and `test` must leave something to train on. "
            f"Received: val={val}, test={test} of {total}"
        )
    return int((1 - sum(amounts)) * total), int((1 - amounts[1]) * total)


def read_steps(input_length, horizon, steps_per_day=None):
    """The steps that each component of a window reads, counted from the first that it predicts.

    Args:
        input_length: int, or dict of ints, of some of "recent", "daily" and "weekly".
        horizon: int or None.
        steps_per_day: int, if there are days or weeks.

    Returns:
        dict of name → rising int array; "recent" alone for an int. Days and weeks give the hours of
        the forecast, on as many days or weeks before it as are asked for.
    """
    if not isinstance(input_length, dict):
        input_length = {"recent": input_length}
    if not input_length or set(input_length) - set(PERIODS):
        raise ValueError(
            f"`input_length` must be an int or a dict of {list(PERIODS)}. "
            f"Received: input_length={input_length!r}"
        )
    ahead, found = _ahead(horizon), {}
    for name, length in input_length.items():
        checked_count("input_length", length)
        in_a_day = isinstance(steps_per_day, (int, np.integer)) and steps_per_day >= ahead
        if name != "recent" and not in_a_day:
            raise ValueError(
                f"`steps_per_day` must be an int of at least the horizon, {ahead}, for days and "
                f"weeks. Received: steps_per_day={steps_per_day!r}"
            )
        found[name] = component_steps(name, length, ahead, steps_per_day)
    return found


def history(read):
    """Steps before its start that a window reaches back to, for what `read_steps` gave of it."""
    return max(0, max(-int(steps[0]) for steps in read.values()) - len(read.get("recent", ())))


def reach(input_length, horizon):
    """Steps from the first that a window reads lately to the last that it predicts."""
    if isinstance(input_length, dict):
        recent = input_length.get("recent", 0)
    else:
        recent = checked_count("input_length", input_length)
    return int(recent) + _ahead(horizon)


def _ahead(horizon):
    return 1 if horizon is None else checked_count("horizon", horizon)


def checked_count(name, value, least=1):
    """`value` as an int, if it is one of at least `least`."""
    if not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"`{name}` must be an int of at least {least}. Received: {name}={value!r}")
    return int(value)
