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
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be an int of at least 1. Received: {text}")
    return number


def seed(text: str) -> int:
    """Converts text to the seed of a random number generator, an int in [0, 2**32).

    Example:
        >>> from stgkeras.cli.option_types import seed
        >>> seed("0")
        0
    """
    number = int(text)
    if not 0 <= number < SEEDS:
        raise argparse.ArgumentTypeError(f"must be an int in [0, 2**32). Received: {text}")
    return number


def learning_rate(text: str) -> float:
    """Converts text to a learning rate, a float above 0 and below 1.

    Example:
        >>> from stgkeras.cli.option_types import learning_rate
        >>> learning_rate("0.01")
        0.01
    """
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and below 1. Received: {text}")
    return number


def share_or_count(text: str) -> float | int:
    """Converts text to a share (float) if it has a point, otherwise to a number (int).

    Example:
        >>> from stgkeras.cli.option_types import share_or_count
        >>> share_or_count("0.2"), share_or_count("535")
        (0.2, 535)
    """
    return float(text) if "." in text else int(text)


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
