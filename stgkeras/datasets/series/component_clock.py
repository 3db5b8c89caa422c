"""The steps that the components of windows read, on the local clock of a calendar."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from stgkeras.seasons import HALF, PERIODS, same_clock, slot

PART = 1 << 14  # windows that are checked at once


class ComponentClock:
    """Finds the steps that windows read: daily and weekly steps have the local time of the targets.

    Args:
        calendar: (T, 2), local time of day and day of week of the steps of a series.
        reads: dict of `splits.read_steps`.
        horizon: int or None. Number of target steps.
        steps_per_day: int or None. Number of steps per day. Only needed for daily and weekly
            components.
    """

    def __init__(
        self,
        calendar: np.ndarray,
        reads: dict[str, np.ndarray],
        horizon: int | None,
        steps_per_day: int | None,
    ) -> None:
        self.calendar = np.asarray(calendar)
        self.reads, self.steps_per_day = reads, steps_per_day or 0
        self.ahead = np.arange(1 if horizon is None else horizon)
        self.recent = len(reads.get("recent", ()))

    def read(self, first: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the steps (B, L) of each component, for the first target steps (B,)."""
        return {name: steps for name, steps, _ in self._found(first)}

    def fits(self, starts: np.ndarray) -> np.ndarray:
        """Returns whether all steps of each window have the right time of day, bool (W,)."""
        fits = np.ones(len(starts), bool)
        if set(self.reads) <= {"recent"}:
            return fits
        for low in range(0, len(starts), PART):
            for _, _, right in self._found(starts[low : low + PART] + self.recent):
                fits[low : low + PART] &= right.all(axis=1)
        return fits

    def refuse_other_times(self, starts: np.ndarray) -> None:
        """Raises ValueError if a window has a step at another time of day or on another day."""
        bad = np.flatnonzero(~self.fits(starts))
        if not len(bad):
            return
        first = starts[bad[:1]] + self.recent
        name, steps, right = next(part for part in self._found(first) if not np.all(part[2]))
        place = int(np.argmin(right[0]))
        target = first[0] + place % len(self.ahead)
        found = steps[0, place]
        raise ValueError(
            "`starts` must be windows whose daily and weekly steps exist at the local time of the "
            f"target steps. Received: {len(bad)} of {len(starts)} windows without such steps, the "
            f"first starts[{bad[0]}]={starts[bad[0]]}: its {name} step for {self._time_of(target)} "
            f"would be {self._time_of(found)} (step {found}; the first target step is {first[0]}). "
            "Take the starts from `split_windows(…, calendar=calendar)`, which leaves out such "
            "windows."
        )

    def warn_of_other_seasons(self, starts: np.ndarray) -> None:
        """Warns of windows in which a model would use the season of another hour or kind of day."""
        clock = np.asarray(self.calendar, "float64")
        day = self.steps_per_day or _steps_per_day(clock[:, 0])
        if day is None:
            return
        position = np.floor(np.sum(clock, axis=1) * day + HALF)  # as the model does
        other = 0
        for low in range(0, len(starts), PART):
            first = starts[low : low + PART] + self.recent
            wrong = np.zeros(len(first), bool)
            parts = [(steps, self.reads[name]) for name, steps, _ in self._found(first)]
            for steps, relative in [*parts, (first[:, None] + self.ahead, self.ahead)]:
                counted = slot(position[first][:, None] + relative, day)
                other_slot = counted != slot(position[steps], day)
                unknown = np.isnan(counted) | np.isnan(position[steps])  # before the series
                wrong |= (other_slot & ~unknown).any(axis=1)
            other += int(wrong.sum())
        if other:
            warnings.warn(
                f"{other} of {len(starts)} windows have steps across a clock change, a gap or a "
                "holiday. There, a model with a season would take the mean of another hour or kind "
                "of day. Create the model with `past_calendar=True`, and pass "
                "`past_calendar=calendar` here.",
                stacklevel=3,
            )

    def _found(self, first: np.ndarray) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Yields the name, the steps (B, L), and whether the steps are right, of each component."""
        for name, relative in self.reads.items():
            steps = first[:, None] + relative
            right = np.ones(steps.shape, bool)
            if PERIODS[name]:
                ahead = np.tile(self.ahead, len(relative) // len(self.ahead))
                days = (ahead - relative) // self.steps_per_day
                targets = first[:, None] + ahead
                steps, right = same_clock(self.calendar, steps, targets, days, self.steps_per_day)
                right = right & (steps < first[:, None])
            yield name, steps, right

    def _time_of(self, step):
        hour, weekday = self.calendar[step]
        minutes = round(24 * 60 * float(hour))
        return f"{DAYS[int(weekday)]} {minutes // 60:02}:{minutes % 60:02}"


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday or holiday")


def _steps_per_day(hour):
    """Returns the number of steps in a day, or None if a day is no whole number of steps."""
    steps = np.diff(hour) % 1
    usual = np.nanmedian(steps) if np.isfinite(steps).any() else 0
    count = round(1 / usual) if usual else 0
    return count if count and abs(usual * count - 1) < 1e-3 else None
