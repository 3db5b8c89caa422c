"""Baselines that are fitted once and then forecast single windows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from stgkeras.forecasting.season import filled, usual_day
from stgkeras.seasons import slots, slots_at

MEMBERS = ("last value", "usual day", "ridge")
ALPHA = 1.0  # weight of the penalty of the ridge regression


@dataclass(frozen=True, eq=False)
class Baselines:
    """Last value, usual day, and ridge regression on the residuals of the usual day.

    Args:
        season: (2 · S, N, C) means by time of day, see `usual_day`. Without a clock: (1, N, C), the
            means of all readings.
        ridge: (N, C, L, H) coefficients of the ridge regression.
        offset: (N, C, H) intercepts of the ridge regression.
        days: (2,) number of working days, and of weekend days and holidays, in the training part.
        steps_per_day: int or None. Number of steps S in a day.
    """

    season: np.ndarray
    ridge: np.ndarray
    offset: np.ndarray
    days: np.ndarray
    steps_per_day: int | None = None

    @classmethod
    def fit(
        cls,
        values: np.ndarray,
        calendar: np.ndarray | None,
        starts: np.ndarray,
        input_length: int,
        horizon: int,
        steps_per_day: int | None,
    ) -> Self:
        """Fits the baselines.

        Args:
            values: (T, N, C) training readings of the targets; NaN if missing.
            calendar: (T, 2) or None.
            starts: (W,) ints. First steps of the training windows.
            input_length: int. Number of steps L that are read.
            horizon: int. Number of steps H that are forecast.
            steps_per_day: int, or None for no season.
        """
        if steps_per_day is None or calendar is None:
            season = filled(np.full((1, *values.shape[1:]), np.nan), values)
            steps_per_day, rows, days = None, np.zeros(len(values), np.int64), np.zeros(2)
        else:
            season = usual_day(values, calendar, steps_per_day)
            rows = slots(calendar, steps_per_day)
            days = np.bincount(rows // steps_per_day, minlength=2) / steps_per_day
        rest = np.nan_to_num(values - season[rows])
        ridge, offset = _ridge(rest, np.asarray(starts), input_length, horizon)
        return cls(season, ridge, offset, days, steps_per_day)

    def forecasts(
        self,
        past: np.ndarray,
        calendar: np.ndarray | None,
        names: Collection[str] = MEMBERS,
    ) -> dict[str, np.ndarray]:
        """Forecasts windows.

        Args:
            past: (W, L, N, C) readings; NaN if missing.
            calendar: (W, L + H, 2), `datasets.calendar` of the L steps that are read and the H
                steps that are forecast; or None.
            names: names of the baselines to compute. Default: all.

        Returns:
            dict of name → (W, H, N, C).
        """
        length, horizon = self.ridge.shape[-2:]
        season = self.season_at(calendar, length + horizon)  # (W or 1, L + H, N, C)
        before, ahead = season[:, :length], season[:, length:]
        usual = ahead
        if len(ahead) < len(past):
            usual = np.broadcast_to(ahead, (len(past), *ahead.shape[1:]))
        found = {}
        if "last value" in names:
            last = past[:, -1:]
            if np.isnan(last).any():
                present = ~np.isnan(past[:, ::-1])  # the newest reading comes first
                newest = length - 1 - present.argmax(axis=1)[:, None]
                last = np.take_along_axis(past, newest, axis=1)  # (W, 1, N, C)
                last = np.where(np.isnan(last), before[:, -1:], last)
            found["last value"] = last.repeat(horizon, axis=1)
        if "usual day" in names:
            found["usual day"] = usual
        if "ridge" in names:
            rest = past - before
            rest[np.isnan(rest)] = 0
            by_step = rest.transpose(2, 3, 0, 1) @ self.ridge  # (N, C, W, H)
            offset = self.offset.transpose(2, 0, 1)
            found["ridge"] = usual + by_step.transpose(2, 3, 0, 1) + offset
        return found

    def season_at(self, calendar: np.ndarray | None, steps: int) -> np.ndarray:
        """Returns the mean reading of the usual day for each step of windows, (W, steps, N, C)."""
        if calendar is None or self.steps_per_day is None:
            return self.season[None, :1].repeat(steps, axis=1)
        return self.season[slots_at(calendar, self.steps_per_day)]

    def unsure(self, calendar: np.ndarray) -> np.ndarray:
        """Returns whether the season of each step of a calendar (..., 2) is unknown, (...) bool.

        It is unknown if the training part has no day of this kind: working day, or weekend.
        """
        unknown = self.days < 1
        if not unknown.any():
            return np.zeros(calendar.shape[:-1], bool)
        return unknown[self.kinds(calendar)]

    def kinds(self, calendar: np.ndarray) -> np.ndarray:
        """Returns the kind of day of each step: 0 working day, 1 weekend or holiday.

        Args:
            calendar: (..., 2).

        Returns:
            (...) ints.
        """
        return slots_at(calendar, self.steps_per_day or 1) // (self.steps_per_day or 1)


def _ridge(
    rest: Any, starts: np.ndarray, length: int, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Fits a ridge regression for each node and feature: the next residuals from the last ones.

    Solves the normal equations of centred data. Their entries are sums over windows of the product
    of two lagged series.
    """
    rest = np.asarray(rest, "float64")  # (T, N, C)
    columns = [rest[starts + lag] for lag in range(length + horizon)]  # each (W, N, C)
    means = [column.mean(axis=0) for column in columns]
    columns = [column - mean for column, mean in zip(columns, means, strict=True)]
    nodes, features = rest.shape[1:]
    gram = np.empty((nodes, features, length, length))
    cross = np.empty((nodes, features, length, horizon))
    for a in range(length):
        for b in range(a, length + horizon):
            product = np.einsum("wnc,wnc->nc", columns[a], columns[b])
            if b < length:
                gram[..., a, b] = gram[..., b, a] = product
            else:
                cross[..., a, b - length] = product
    gram += ALPHA * np.eye(length)
    ridge = np.linalg.solve(gram, cross)
    read = np.stack(means[:length], axis=-1)  # (N, C, L)
    ahead = np.stack(means[length:], axis=-1)
    return ridge, ahead - np.einsum("ncl,nclh->nch", read, ridge)
