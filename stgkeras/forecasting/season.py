"""The usual day of each sensor: mean readings by time of day, with shrinkage for few days."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stgkeras.forecasting.form import Form
from stgkeras.seasons import day_starts, slots, ten_minutes

# Choices of k, see `usual_day`: the mean over all days has the weight of k days.
SHRINKAGES = (0.0, 1.0, 3.0, 10.0)
# Factor of the deviations from the mean in the pattern of a kind without a day. On four traffic
# series, errors on weekends are up to 7 % smaller than with the factor 1, and 40 % than with 0.
UNKNOWN = 0.75


def has_season(asked: str | bool, form: Form, helps: Callable[[], bool]) -> bool:
    """Returns whether a model has a season.

    Args:
        asked: "auto", True or False, see `Forecaster`.
        form: `Form` of the data. Without a number of steps per day, there is no season.
        helps: function without arguments that decides for "auto".

    Raises:
        ValueError: if `asked` is True, and the form has no number of steps per day.
    """
    if form.steps_per_day is None:
        if asked is True:
            raise ValueError(
                "`season` must be False for a series without timestamps, or if a day is not a "
                f"whole number of steps. Received: season=True, interval={form.interval:g}. Pass "
                "`season=False`, or a series with timestamps and such an interval."
            )
        return False
    return helps() if asked == "auto" else bool(asked)


def usual_day(values: np.ndarray, calendar: np.ndarray, steps_per_day: int) -> np.ndarray:
    """Computes the mean reading of each time of day, for working days and for weekends.

    There are two kinds of day: working days, and weekends with holidays. A mean over few days is
    uncertain: one weekend has two days. So it is shrunk towards the mean over days of both kinds,
    as if k such days were added (an empirical Bayes estimate). k is the number in `SHRINKAGES` with
    the smallest mean absolute error in a leave-one-day-out cross-validation. If a kind has one day,
    k is 1. If it has none, its pattern is that of the other kind, with the deviations from the mean
    multiplied by `UNKNOWN`.

    Args:
        values: (T, N, F) training readings; NaN if missing.
        calendar: (T, 2), `datasets.calendar` of the steps.
        steps_per_day: int. Number S of steps per day.

    Returns:
        (2 · S, N, F) float64, in the order of `stgkeras.seasons.slots`.
    """
    rows = slots(calendar, steps_per_day)
    total, count = sums_of_days(values, calendar, rows, steps_per_day)  # (D, S, N, F)
    weekend = np.array([kind for kind, _ in _days(calendar, rows, steps_per_day)])
    spread = ten_minutes(steps_per_day)
    days = np.stack([_spread(part, spread) for part in (total, count)], axis=1)  # (D, 2, S, N, F)
    every, parts = days.sum(axis=0), []
    for kind in (False, True):
        of_kind = days[weekend == kind]
        own = of_kind.sum(axis=0)
        errors = np.zeros(len(SHRINKAGES))
        for day in of_kind:
            profile = _ratio(*day)
            for i, k in enumerate(SHRINKAGES):
                errors[i] += np.nansum(np.abs(_shrunk(own - day, every - day, k) - profile))
        k = SHRINKAGES[int(np.argmin(errors))] if len(of_kind) > 1 else 1.0
        part = _shrunk(own, every, k)
        if not len(of_kind):
            part = UNKNOWN * part + (1 - UNKNOWN) * _ratio(*every.sum(axis=1))
        parts.append(part)
    # A time of day without a reading gets the mean of the sensor, or else of all sensors.
    return filled(np.concatenate(parts), values)


def without_effect(
    values: np.ndarray, covariates: np.ndarray, calendar: np.ndarray, steps_per_day: int
) -> np.ndarray:
    """Returns readings as they would be with mean covariates, by a linear regression.

    Otherwise, the usual day of an hour with rain on many training days would contain this rain. The
    regression of each sensor is that of the deviations of the readings from their usual day on
    those of the covariates from theirs.

    Args:
        values: (T, N, F) readings; NaN if missing.
        covariates: (T, P) or (T, N, P).
        calendar: (T, 2), `datasets.calendar` of the steps.
        steps_per_day: int.

    Returns:
        (T, N, F) float64.
    """
    rows = slots(calendar, steps_per_day)
    if covariates.ndim == 2:
        covariates = covariates[:, None]
    x = covariates - usual_day(covariates, calendar, steps_per_day)[rows]  # (T, N or 1, P)
    more = covariates - covariates.mean(axis=0)
    y = values - usual_day(values, calendar, steps_per_day)[rows]
    x, more = (np.broadcast_to(one, (*values.shape[:2], one.shape[-1])) for one in (x, more))
    found = np.array(values, "float64")
    for n, f in np.ndindex(values.shape[1:]):
        known = ~np.isnan(y[:, n, f])
        part = x[known, n]
        gram = part.T @ part + np.eye(x.shape[-1])
        found[:, n, f] -= more[:, n] @ np.linalg.solve(gram, part.T @ y[known, n, f])
    return found


def filled(season: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Fills NaN in a season by the mean of the sensor, or else of all sensors, or else by 0."""
    present = ~np.isnan(values)
    total = np.where(present, values, 0.0).sum(axis=0, dtype="float64")  # (N, F)
    count = present.sum(axis=0)
    for axes in ((), 0):
        wide = _ratio(total.sum(axis=axes, keepdims=True), count.sum(axis=axes, keepdims=True))
        season = np.where(np.isnan(season), wide, season)
    return np.nan_to_num(season)


def sums_of_days(values, calendar, rows, steps_per_day):
    """Returns the sum and the number of the readings of each day and time of day.

    Args:
        values: (T, N, F); NaN if missing.
        calendar: (T, 2).
        rows: (T,) ints, `stgkeras.seasons.slots` of the calendar.
        steps_per_day: int S.

    Returns:
        Two arrays (D, S, N, F) for D days.
    """
    days = _days(calendar, rows, steps_per_day)
    total, count = np.zeros((2, len(days), steps_per_day, *values.shape[1:]))
    for d, (_, steps) in enumerate(days):
        present = ~np.isnan(values[steps])
        where = rows[steps] % steps_per_day
        np.add.at(total[d], where, np.where(present, values[steps], 0.0))
        np.add.at(count[d], where, present)
    return total, count


def _days(calendar, rows, steps_per_day):
    """Returns pairs (is weekend, indices of the steps), one for each day of the series."""
    begins = day_starts(np.asarray(calendar), steps_per_day)
    found = np.split(np.arange(len(rows)), begins)
    return [(bool(rows[steps[0]] >= steps_per_day), steps) for steps in found]


def _shrunk(own, every, k):
    """Returns the mean (S, N, F) of the days of a kind and of k average days.

    Args:
        own: (2, S, N, F), the sum and the number of the readings of the days of the kind.
        every: (2, S, N, F), the same for all days.
        k: float.
    """
    prior = _ratio(*every)
    if not k:
        mean = _ratio(*own)
        return np.where(np.isnan(mean), prior, mean)
    known = ~np.isnan(prior)
    return _ratio(own[0] + k * np.where(known, prior, 0.0), own[1] + k * known)


def _spread(part, spread):
    return sum(np.roll(part, by, axis=1) for by in range(-spread, spread + 1))


def _ratio(total, count):
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)
