"""Calibration of quantiles on validation windows, and a form that follows later readings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stgkeras.arguments import levels as checked_levels

RATES = (0.0, 0.005, 0.02, 0.05, 0.1)  # shares of the mean error that a shift moves by
USUAL = 0.02  # the rate if validation has too few windows to choose one
ROOM = 0.001  # part of the CRPS by which a rate may be worse than the best one
HALF = 100  # separate readings of a sensor with which its own shift has half of the weight
FEWEST = 20  # readings of a sensor at a step, below which its own shift has no weight


@dataclass(frozen=True, eq=False)
class Intervals:
    """Shifts that are added to the quantiles of a model, so that they have their levels.

    A shift belongs to one level, step ahead, sensor and target. It is the quantile of this level of
    the differences between readings and forecast on validation windows (split conformal
    prediction), nearer to that of all sensors if windows are few, see `conformal_shifts`. If the
    differences of validation and of later windows were exchangeable, the share of readings below a
    quantile of a level τ would be τ. Series are not exchangeable: neighbouring windows are alike,
    and traffic changes. So with a `rate` above 0 the shifts follow the readings: after each
    reading, the shift of level τ rises by rate · spread · τ if the reading is above the quantile,
    and falls by rate · spread · (1 - τ) otherwise. In the long run the share below is τ, whatever
    the readings are. The median is never shifted.

    Args:
        quantiles: tuple of Q levels, with 0.5.
        shifts: (H, N, C, Q), in the units of the targets.
        spread: (H, N, C), the mean absolute error of the median; of all sensors for a sensor with
            few readings.
        rate: float, the step of the shifts as a share of `spread`.

    Source:
        Romano et al., 2019, Conformalized quantile regression, arXiv:1905.03222, with a shift for
        each level; Angelopoulos et al., 2023, Conformal PID control, arXiv:2307.16895, section 2.1
        (quantile tracking), after Gibbs and Candès, 2021, arXiv:2106.00170.
    """

    quantiles: tuple[float, ...]
    shifts: np.ndarray
    spread: np.ndarray
    rate: float = 0.0

    @classmethod
    def fit(
        cls, truth: np.ndarray, found: np.ndarray, quantiles: tuple[float, ...], starts: np.ndarray
    ) -> Intervals:
        """Computes the shifts from validation windows, and chooses the rate.

        Shifts of each half of the windows are tried on the other half. The highest rate is chosen
        for which the CRPS (twice the mean pinball loss) is at most the part `ROOM` above the
        lowest: where rates are equally good, a high one keeps sensors nearer to their levels.

        Args:
            truth: (W, H, N, C) targets; NaN if missing.
            found: (W, H, N, C, Q) quantiles of the model.
            quantiles: Q levels.
            starts: (W,) rising ints, the first steps of the windows.
        """
        half, gap = len(truth) // 2, truth.shape[1]
        stride = float(np.median(np.diff(starts))) if len(starts) > 1 else gap
        stride = min(max(1.0, stride), gap)
        overlap, losses = gap / stride, np.zeros(len(RATES))
        parts = slice(None, half), slice(half + gap, None)
        enough = half > gap and len(truth) - half - gap >= 1 and len(quantiles) > 1
        for one, other in (parts, parts[::-1]) if enough else ():
            first = cls._of(truth[one], found[one], quantiles, overlap)
            for number, rate in enumerate(RATES):
                # Windows of all steps would move the shifts `stride` times as often.
                tried = cls(quantiles, first.shifts, first.spread, rate * stride)
                moved = tried.followed(truth[other], found[other], starts[other])
                made = tried.applied(found[other], moved)
                losses[number] += _pinball(truth[other], made, quantiles)
        rate = USUAL if len(quantiles) > 1 else 0.0  # the median alone has no shift
        if np.isfinite(losses).all() and losses.any():
            rate = max(np.array(RATES)[losses <= (1 + ROOM) * losses.min()].tolist())
        made = cls._of(truth, found, quantiles, overlap)
        return cls(quantiles, made.shifts, made.spread, rate)

    @classmethod
    def _of(cls, truth, found, quantiles, overlap):
        error = np.abs(truth - found[..., quantiles.index(0.5)])
        counts = (~np.isnan(error)).sum(axis=0)
        total = np.nansum(error, axis=0)
        mean = total.sum(axis=1, keepdims=True) / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        spread = np.where(counts < FEWEST, mean, total / np.maximum(counts, 1))
        return cls(quantiles, conformal_shifts(truth, found, quantiles, spread, overlap), spread)

    def applied(self, found: np.ndarray, shifts: np.ndarray | None = None) -> np.ndarray:
        """Returns shifted quantiles (W, H, N, C, Q), which do not cross.

        Args:
            found: (W, H, N, C, Q) quantiles of the model.
            shifts: (W, H, N, C, Q), as of `followed`. Default: those of validation.
        """
        moved = found + (self.shifts.astype(np.float32) if shifts is None else shifts)
        middle = self.quantiles.index(0.5)
        for one in range(middle + 1, len(self.quantiles)):
            np.maximum(moved[..., one], moved[..., one - 1], out=moved[..., one])
        for one in range(middle - 1, -1, -1):
            np.minimum(moved[..., one], moved[..., one + 1], out=moved[..., one])
        return moved

    def followed(self, truth: np.ndarray, found: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Returns the shifts (W, H, N, C, Q) of each window, which follow the readings before it.

        The reading h steps after a window is known to windows that begin at least h steps later.

        Args:
            truth: (W, H, N, C) targets; NaN if missing.
            found: (W, H, N, C, Q) quantiles of the model.
            starts: (W,) rising ints, the first steps of the windows.
        """
        windows, horizon = truth.shape[:2]
        if not self.rate:
            return np.broadcast_to(self.shifts.astype(np.float32), found.shape)
        starts, steps = np.asarray(starts), np.arange(horizon)
        free = np.flatnonzero(np.array(self.quantiles) != 0.5)
        levels, size = np.array(self.quantiles)[free], self.rate * self.spread[..., None]
        rest = truth[..., None] - found[..., free]
        missing = np.isnan(rest)
        gaps = missing.any(axis=(1, 2, 3, 4))
        rise, fall = size * levels, size * (levels - 1)
        shifts = np.array(self.shifts[..., free], "float64")
        after = np.empty((windows + 1, *shifts.shape), np.float32)
        after[0] = shifts
        for window in range(windows):  # each moves the shifts of all steps ahead
            move = np.where(rest[window] <= shifts, fall, rise)
            if gaps[window]:
                move[missing[window]] = 0.0
            shifts += move
            after[window + 1] = shifts
        # The number of windows whose reading at this step is known at each start.
        known = np.searchsorted(starts, starts[:, None] - 1 - steps, side="right")  # (W, H)
        used = np.zeros(found.shape, np.float32)
        used[..., free] = after[known, steps]
        return used


def levels_of(quantiles: object) -> tuple[float, ...] | None:
    """Returns the levels of a forecaster, or None. They must have the median."""
    if quantiles is None:
        return None
    found = checked_levels("quantiles", quantiles)
    if 0.5 not in found:
        raise ValueError(
            "`quantiles` must have 0.5, the median, which is the forecast. Received: "
            f"quantiles={quantiles!r}. Pass levels such as (0.05, 0.5, 0.95)."
        )
    return found


def conformal_shifts(
    truth: np.ndarray,
    found: np.ndarray,
    quantiles: tuple[float, ...],
    spread: np.ndarray,
    overlap: float,
) -> np.ndarray:
    """Returns the shift (H, N, C, Q) of each quantile, with the correction for finite samples.

    Of n differences between reading and quantile, the shift of a level τ > 0.5 is the
    ⌈(n + 1) τ⌉-th smallest, at most the largest. For τ < 0.5 it is the ⌊(n + 1) τ⌋-th, at least the
    smallest. For 0.5 it is 0.

    A sensor with few readings has a poor quantile of its own. So the shift of a sensor is a mean of
    two: that of its own differences with the weight n / (n + `HALF`), where n counts the windows
    that share readings as one; and that of the differences of all sensors, in units of `spread`.

    Args:
        truth: (W, H, N, C); NaN if missing.
        found: (W, H, N, C, Q).
        quantiles: Q levels.
        spread: (H, N, C), the mean absolute error of each sensor.
        overlap: float ≥ 1. Number of windows that share a reading.
    """
    counts = (~np.isnan(truth)).sum(axis=0)
    separate = np.where(counts < FEWEST, 0.0, counts / overlap)
    weight = separate / (separate + HALF)
    units = np.where(spread > 0, spread, 1.0).astype(truth.dtype)
    shifts = np.zeros((*truth.shape[1:], len(quantiles)))
    for number, level in enumerate(quantiles):
        if level == 0.5:
            continue
        rest = truth - found[..., number]
        every = np.moveaxis(rest / units, 2, 1)  # (W, N, H, C)
        every = every.reshape(-1, every.shape[2], 1, every.shape[3])
        own = np.where(weight > 0, _ordered(rest, level), 0.0)
        shifts[..., number] = weight * own + (1 - weight) * units * _ordered(every, level)
    return np.nan_to_num(shifts)


def _pinball(truth, found, quantiles):
    """Returns the mean pinball loss of all readings and levels; NaN without a reading."""
    rest, levels = truth[..., None] - found, np.array(quantiles, found.dtype)
    total = np.nansum(np.maximum(levels * rest, (levels - 1) * rest), dtype="float64")
    count = np.count_nonzero(~np.isnan(rest))
    return total / count if count else np.nan


def _ordered(rest, level):
    """Returns the quantile of a level along the first axis, see `conformal_shifts`."""
    rest = np.sort(rest, axis=0)  # NaN comes last
    counts = (~np.isnan(rest)).sum(axis=0)
    # A rank such as (99 + 1) · 0.95 is a whole number, which floating point can miss by a little.
    exact = np.round((counts + 1) * level, 9)
    rank = np.ceil(exact) if level > 0.5 else np.floor(exact)
    rank = np.clip(rank, 1, np.maximum(counts, 1)).astype(int)
    return np.take_along_axis(rest, rank[None] - 1, axis=0)[0]
