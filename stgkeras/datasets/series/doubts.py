"""Warnings about readings that may not be what they seem: totals, and digits that float32 loses."""

from __future__ import annotations

import warnings

import numpy as np

from stgkeras.seasons import pieces

EXACT = 2**24  # the largest integer up to which float32 holds all integers
ROWS = 1000  # largest number of rows in which totals are looked for
FEWEST = 10  # number of rows that show a total


def warn_of_total(values, names, where):
    """Warns if a sensor is the sum of the others, as a column "Total" is.

    Args:
        values: (T, N, F) float32; NaN where a reading is missing.
        names: sequence of N str.
        where: str. Source of the values, the start of the message.
    """
    if len(names) < 3:
        return
    first = pieces(values)[0]
    rows = slice(0, max(FEWEST, min(ROWS, first.stop)))
    for feature in range(values.shape[2]):
        part = np.asarray(values[rows, :, feature], np.float64)
        present = ~np.isnan(part)
        part = np.where(present, part, 0)
        others = part.sum(axis=1, keepdims=True) - part
        size = np.abs(part).sum(axis=1, keepdims=True)
        # Rows with two other readings that are not 0: else a sensor may just repeat another one.
        told = (part != 0).sum(axis=1, keepdims=True) - (part != 0) >= 2
        told &= present & (np.ptp(part, axis=0) > 0)
        counts = told.sum(axis=0)
        equal = (told & (np.abs(part - others) <= 1e-6 * size)).sum(axis=0)
        sure = np.flatnonzero((counts >= FEWEST) & (equal >= 0.95 * counts))
        if len(sure):
            n = sure[0]
            warnings.warn(
                f"{where} has the sensor {names[n]!r}, whose readings are the sum of the other "
                f"sensors in {equal[n]} of {counts[n]} rows. A total is no sensor. Leave it out: "
                f"for a file with a column for each sensor, pass `ignore=[{names[n]!r}]`; otherwise"
                " remove it from the table or array.",
                stacklevel=5,
            )
            return


class LostDigits:
    """Counts the readings of which float32 loses digits, and warns of them once.

    Args:
        where: str. Source of the values, the start of the message.
    """

    def __init__(self, where):
        self.where, self.count, self.first = where, 0, None

    def add(self, exact, rounded):
        """Compares float64 values with their float32 values, arrays of the same shape."""
        with np.errstate(invalid="ignore"):
            lost = (np.abs(exact) > EXACT) & (exact != rounded)
        if lost.any():
            self.count += int(np.count_nonzero(lost))
            if self.first is None:
                self.first = exact[lost][0], rounded[lost][0]

    def warn(self):
        if self.first is None:
            return
        exact, rounded = (np.format_float_positional(float(x), trim="-") for x in self.first)
        warnings.warn(
            f"{self.where} has {self.count} readings above {EXACT} of which float32 loses digits: "
            f"the first, {exact}, becomes {rounded}. If the readings are counters that only rise, "
            "pass their differences, such as `frame.diff()`. Otherwise use a larger unit, or "
            "subtract a constant.",
            stacklevel=5,
        )
