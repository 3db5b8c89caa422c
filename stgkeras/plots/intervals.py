"""Figures of forecasts of quantiles: whether they have their levels, and how wide they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stgkeras import arguments
from stgkeras.plots.checks import at_least, hours_of_day, texts
from stgkeras.plots.looks import COLORS, STYLES, WIDTH, with_units

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def intervals(
    truth: np.ndarray,
    quantiles: np.ndarray,
    levels: Sequence[float],
    hours: np.ndarray,
    *,
    title: str = "",
    units: str = "",
) -> Figure:
    """Draws the levels of quantiles, and the coverage and the width of the interval by hour.

    The left part shows the share of the readings below each quantile over its level. On the grey
    line, the quantiles are calibrated. The other parts show the interval between the first and the
    last quantile: the share of readings inside by hour of the day, beside its level, and its mean
    width.

    Args:
        truth: array (windows, horizon, …). Measured values, NaN where missing.
        quantiles: array (windows, horizon, …, Q). Forecasts of Q quantiles.
        levels: sequence of Q rising numbers between 0 and 1.
        hours: array (windows, horizon). The hour of the day of each forecast step, in [0, 24).
        title: str. Title of the figure.
        units: str. Units of `truth`.

    Returns:
        `matplotlib.figure.Figure`. Missing values are left out. A line has a gap at hours without a
        reading.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if the shapes do not fit each other, or `levels` are fewer than two.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth, hours = np.arange(4.0).reshape(4, 1), np.arange(4).reshape(4, 1)
        >>> quantiles = np.tile([0.5, 2.5], (4, 1, 1))
        >>> figure = stgkeras.plots.intervals(truth, quantiles, (0.25, 0.75), hours)
        >>> figure.axes[0].lines[1].get_ydata().tolist()
        [0.25, 0.75]
    """
    from matplotlib.figure import Figure

    texts(title=title, units=units)
    levels = arguments.levels("levels", levels)
    truth = at_least("truth", truth, "(windows, horizon)").astype("float64")
    quantiles, shape = arguments.array("quantiles", quantiles), truth.shape
    if len(levels) < 2 or quantiles.shape != (*shape, len(levels)):
        raise ValueError(
            "`quantiles` must have the axes of `truth` and one of at least two `levels`. Received: "
            f"quantiles of shape {quantiles.shape}, truth of shape {shape}, {len(levels)} "
            "levels. Pass quantiles of these levels."
        )
    hours = hours_of_day(hours, shape[:2])
    there = ~np.isnan(truth)
    if not there.any():
        raise ValueError("`truth` must have a reading. Received: only NaN. Pass other windows.")
    below = [np.mean((truth <= quantiles[..., q])[there]) for q in range(len(levels))]
    low, high = quantiles[..., 0], quantiles[..., -1]
    hours = np.floor(hours).astype(int).reshape(*shape[:2], *[1] * (len(shape) - 2))
    hour = np.broadcast_to(hours, shape)[there]
    count = np.bincount(hour, minlength=24)
    total = np.bincount(hour, ((truth >= low) & (truth <= high))[there], 24)
    sums = np.bincount(hour, np.broadcast_to(high - low, shape)[there], 24)
    with np.errstate(invalid="ignore"):
        inside, width = total / count, sums / count
    figure = Figure(figsize=(1.5 * WIDTH, 2.6), layout="constrained")
    share, coverage, widths = figure.subplots(1, 3)
    share.plot([0, 1], [0, 1], color="0.65", linewidth=2.5, label="calibrated")
    share.plot(levels, below, color=COLORS[0], marker="o", ms=4, label="forecast")
    share.set(xlabel="level of the quantile", ylabel="share of readings below")
    share.legend(frameon=False)
    middle = np.arange(24) + 0.5
    level = levels[-1] - levels[0]
    coverage.axhline(level, color="0.65", linewidth=2.5, label=f"level {level:.4g}")
    coverage.plot(middle, inside, color=COLORS[1], linestyle=STYLES[1], marker=".", ms=4)
    coverage.set(ylabel="share of readings inside", ylim=(min(0.5, np.nanmin(inside)), 1))
    coverage.legend(frameon=False, loc="lower right")
    widths.plot(middle, width, color=COLORS[2], marker=".", ms=4)
    widths.set(ylabel=with_units("mean width", units), ylim=(0, None))
    for axes in (coverage, widths):
        axes.set(xlabel="hour of day", xlim=(0, 24), xticks=range(0, 25, 6))
    figure.suptitle(title)
    return figure
