"""Calibration of quantiles on validation windows, and a form that follows later readings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stgkeras.arguments import levels as checked_levels
from stgkeras.metrics import quantile_scores

RATES = (0.0, 0.005, 0.02, 0.05)  # shares of the mean error that a shift moves by; 0: it stays
GAIN = 0.005  # of the pinball loss, which noise alone can bring
FEWEST = 20  # readings of a sensor at a step, below which all sensors have one shift


@dataclass(frozen=True, eq=False)
class Intervals:
    """Shifts that are added to the quantiles of a model, so that they have their levels.

    A shift belongs to one level, step ahead, sensor and target. It is the quantile of this level of
    the differences between readings and forecast on validation windows (split conformal
    prediction). If differences of validation and of later windows can be exchanged, the share of
    readings below a shifted quantile of a level τ > 0.5 is at least τ, and for τ < 0.5 at most τ.
    Series are not exchangeable: neighbouring windows are alike, and traffic changes. So with a
    `rate` above 0 the shifts follow the readings: after each reading, the shift of level τ rises by
    rate · spread · τ if the reading is above the quantile, and falls by rate · spread · (1 - τ)
    otherwise. In the long run the share below is τ, whatever the readings are. The median is never
    shifted.

    Args:
        quantiles: tuple of Q levels, with 0.5.
        shifts: (H, N, C, Q), in the units of the targets.
        spread: (H, N, C), the mean absolute error of the median.
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

        Shifts of the first half of the windows are tried on the second half. The rate with the
        lowest CRPS (twice the mean pinball loss) there is chosen if it is `GAIN` lower than with
        the rate 0. The shifts are then those of all windows.

        Args:
            truth: (W, H, N, C) targets; NaN if missing.
            found: (W, H, N, C, Q) quantiles of the model.
            quantiles: Q levels.
            starts: (W,) rising ints, the first steps of the windows.
        """
        half, gap = len(truth) // 2, truth.shape[1]
        rate = 0.0
        if half > gap and len(truth) - half - gap >= 1:
            later = slice(half + gap, None)
            first = cls._of(truth[:half], found[:half], quantiles)
            losses = []
            for one in RATES:
                tried = cls(quantiles, first.shifts, first.spread, one)
                moved = tried.followed(truth[later], found[later], starts[later])
                made = tried.applied(found[later], moved)
                losses.append(quantile_scores(truth[later], made, quantiles)["CRPS"])
            if np.isfinite(losses).all() and min(losses) < (1 - GAIN) * losses[0]:
                rate = RATES[int(np.argmin(losses))]
        made = cls._of(truth, found, quantiles)
        return cls(quantiles, made.shifts, made.spread, rate)

    @classmethod
    def _of(cls, truth, found, quantiles):
        middle = quantiles.index(0.5)
        with np.errstate(invalid="ignore"):
            error = np.abs(truth - found[..., middle])
        counts = (~np.isnan(error)).sum(axis=0)
        total = np.nansum(error, axis=0)
        spread = np.where(counts > 0, total / np.maximum(counts, 1), 0.0)
        return cls(quantiles, conformal_shifts(truth, found, quantiles), spread)

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
        levels, size = np.array(self.quantiles), self.rate * self.spread[..., None]
        free = levels != 0.5
        shifts = np.array(self.shifts, "float64")
        after = np.empty((windows + 1, *shifts.shape), np.float32)
        after[0] = shifts
        for window in range(windows):  # each moves the shifts of all steps ahead
            y = truth[window][..., None]
            move = size * (levels - (y <= found[window] + shifts))
            shifts += np.where(free & ~np.isnan(y), move, 0.0)
            after[window + 1] = shifts
        # The number of windows whose reading at this step is known at each start.
        known = np.searchsorted(starts, starts[:, None] - 1 - steps, side="right")  # (W, H)
        return after[known, steps]


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
    truth: np.ndarray, found: np.ndarray, quantiles: tuple[float, ...]
) -> np.ndarray:
    """Returns the shift (H, N, C, Q) of each quantile, with the correction for finite samples.

    Of n differences between reading and quantile, the shift of a level τ > 0.5 is the
    ⌈(n + 1) τ⌉-th smallest, at most the largest. For τ < 0.5 it is the ⌊(n + 1) τ⌋-th, at least the
    smallest. For 0.5 it is 0. A sensor with few readings has the shift of all sensors.

    Args:
        truth: (W, H, N, C); NaN if missing.
        found: (W, H, N, C, Q).
        quantiles: Q levels.
    """
    _, horizon, nodes, targets = truth.shape
    shifts = np.zeros((horizon, nodes, targets, len(quantiles)))
    for number, level in enumerate(quantiles):
        if level == 0.5:
            continue
        rest = truth - found[..., number]  # (W, H, N, C)
        together = rest.transpose(1, 3, 0, 2).reshape(horizon, targets, -1)
        all_sensors = _ordered(np.moveaxis(together, -1, 0), level)  # (H, C)
        counts = (~np.isnan(rest)).sum(axis=0)
        own = _ordered(rest, level)  # (H, N, C)
        shifts[..., number] = np.where(counts < FEWEST, all_sensors[:, None], own)
    return np.nan_to_num(shifts)


def _ordered(rest, level):
    """Returns the quantile of a level along the first axis, see `conformal_shifts`."""
    rest = np.sort(rest, axis=0)  # NaN comes last
    counts = (~np.isnan(rest)).sum(axis=0)
    # A rank such as (99 + 1) · 0.95 is a whole number, which floating point can miss by a little.
    exact = np.round((counts + 1) * level, 9)
    rank = np.ceil(exact) if level > 0.5 else np.floor(exact)
    rank = np.clip(rank, 1, np.maximum(counts, 1)).astype(int)
    return np.take_along_axis(rest, rank[None] - 1, axis=0)[0]
