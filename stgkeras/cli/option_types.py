"""Types of options: functions that convert the text of an option, or refuse it."""

from __future__ import annotations

import argparse

SEEDS = 2**32  # NumPy's seeds are below


def count(text: str) -> int:
    """Converts text to an int of at least 1.

    Example:
        >>> from stgkeras.cli.option_types import count
        >>> count("3")
        3
    """
    return _number(int, text, "must be an int of at least 1", lambda number: number >= 1)


def seed(text: str) -> int:
    """Converts text to the seed of a random number generator, an int in [0, 2**32).

    Example:
        >>> from stgkeras.cli.option_types import seed
        >>> seed("0")
        0
    """
    return _number(int, text, "must be an int in [0, 2**32)", lambda number: 0 <= number < SEEDS)


def learning_rate(text: str) -> float:
    """Converts text to a learning rate, a float above 0 and below 1.

    Example:
        >>> from stgkeras.cli.option_types import learning_rate
        >>> learning_rate("0.01")
        0.01
    """
    return _number(float, text, "must be above 0 and below 1", lambda number: 0 < number < 1)


def share_or_count(text: str) -> float | int:
    """Converts text to a share (float) if it has a point, otherwise to a number (int).

    Example:
        >>> from stgkeras.cli.option_types import share_or_count
        >>> share_or_count("0.2"), share_or_count("535")
        (0.2, 535)
    """
    kind = float if "." in text else int
    return _number(kind, text, "must be a share such as 0.5, or a number of steps such as 2016")


def numbers(text: str) -> list[float]:
    """Converts numbers with commas between them to a list of floats.

    Example:
        >>> from stgkeras.cli.option_types import numbers
        >>> numbers("0.05,0.5,0.95")
        [0.05, 0.5, 0.95]
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"must be numbers with commas between them, such as 0.05,0.5,0.95. Received: {text}"
        ) from error


def _number(kind, text, rule, fits=lambda number: True):
    """Converts text by int or float, or refuses it with the rule that the number must fit.

    Without this, argparse would show the name of our function.
    """
    try:
        number = kind(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{rule}. Received: {text}") from error
    if not fits(number):
        raise argparse.ArgumentTypeError(f"{rule}. Received: {text}")
    return number
