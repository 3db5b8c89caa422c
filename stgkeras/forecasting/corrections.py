"""Corrections of forecasts, learned from the errors that have become known before each of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stgkeras.seasons import ten_minutes

# Chosen on the validation parts of four traffic series, with two models each.
DAY = 0.35  # least weight of the newest day in the mean error of a time of day
LEVEL = 0.01  # weight of the newest error in the mean error of a sensor
COMMON = 0.2  # weight of the newest step in the mean error of all sensors
SPREAD = 0.003  # least weight of the newest error in the mean absolute error of a sensor
PRIOR = 96  # windows; the penalty of the ridge regression counts as much as so many
BOUNDS = 1.0, 2.0  # of the errors in the means and in the regression, in mean absolute errors


def corrections(
    truth: np.ndarray, found: np.ndarray, starts: np.ndarray, rows: np.ndarray, steps_per_day: int
) -> Iterator[np.ndarray]:
    """Yields the correction (H, N, C) of each window, from readings before its first target.

    The reading h steps after a window is known to windows that begin at least h steps later.

    Args:
        truth: (W, H, N, C) targets; NaN if missing.
        found: (W, H, N, C) forecasts.
        starts: (W,) rising ints, the first steps of the windows.
        rows: (W, H) ints, the slot of each target, see `seasons.slots`.
        steps_per_day: int S. There are 2 · S slots.
    """
    horizon, _, targets = truth.shape[1:]
    steps, minutes = np.arange(horizon), ten_minutes(steps_per_day)
    near = np.arange(-minutes, minutes + 1)[:, None]
    day = np.zeros((2 * steps_per_day, *truth.shape[1:]), np.float32)
    days = np.zeros_like(day)
    level, spread, count = np.zeros((3, *truth.shape[1:]))
    common = np.zeros((horizon, 1, targets))
    gram, cross = np.zeros((horizon, targets, 3, 3)), np.zeros((horizon, targets, 3))
    known = np.zeros(horizon, int)  # the next window whose reading at this step ahead is not known
    means: dict[int, np.ndarray] = {}  # of windows with readings that are not known
    for window, start in enumerate(starts):
        while len(h := np.flatnonzero(starts[known] + steps < start)):
            k, row = known[h], rows[known[h], h]
            known[h] += 1
            error = np.asarray(truth[k, h], "float64") - found[k, h]
            is_known = ~np.isnan(error)
            error = np.where(is_known, error, 0.0)
            count[h] += is_known
            gain = is_known * np.maximum(1 / np.maximum(count[h], 1), SPREAD)
            spread[h] += gain * (np.abs(error) - spread[h])
            error /= np.where(spread[h] > 0, spread[h], 1.0)
            x = np.stack([means[a][b] for a, b in zip(k, h, strict=True)]) * is_known[..., None]
            gram[h] += np.einsum("hncp,hncq->hcpq", x, x)
            cross[h] += np.einsum("hncp,hnc->hcp", x, error.clip(-BOUNDS[1], BOUNDS[1]))
            error = error.clip(-BOUNDS[0], BOUNDS[0])
            days[row, h] += is_known
            gain = is_known * np.maximum(1 / np.maximum(days[row, h], 1), DAY)
            day[row, h] += gain * (error - day[row, h])
            level[h] += LEVEL * is_known * (error - level[h])
            present = is_known.sum(axis=1, keepdims=True)
            mean = error.sum(axis=1, keepdims=True) / np.maximum(present, 1)
            common[h] += COMMON * (present > 0) * (mean - common[h])
        for old in [one for one in means if one < known[-1]]:
            del means[old]
        base, slot = np.divmod(rows[window], steps_per_day)
        around = day[base * steps_per_day + (slot + near) % steps_per_day, steps].mean(axis=0)
        each = (around, level, np.broadcast_to(common, level.shape))
        means[window] = np.stack(each, axis=-1)  # (H, N, C, 3)
        penalty = PRIOR / np.maximum(known, 1)[:, None, None] * np.einsum("hcpp->hcp", gram)
        solved = np.linalg.solve(gram + (penalty + 1e-9)[..., None] * np.eye(3), cross[..., None])
        yield spread * np.einsum("hncp,hcp->hnc", means[window], solved[..., 0])
