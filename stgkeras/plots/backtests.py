"""Figures of backtests: errors by origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stgkeras import arguments
from stgkeras.plots.checks import texts
from stgkeras.plots.clock import clock_axis
from stgkeras.plots.errors import MEASURE
from stgkeras.plots.looks import COLORS, STYLES, WIDTH, with_units
from stgkeras.types import Array

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def backtest(
    errors: pd.DataFrame, fitted: Array | None = None, *, title: str = "", units: str = ""
) -> Figure:
    """Draws the errors of forecasts by origin, in clock time.

    Args:
        errors: pandas frame with a row for each origin and a column for each forecast, at most
            four, such as `Backtest.by_origin()[["forecaster", "ridge"]]`. The index has the times,
            or the numbers of the steps.
        fitted: (origins,) ints, or None. The training of each origin, such as `Backtest.fitted`. A
            grey line marks the first origin of each training after the first.
        title: str. Title of the figure.
        units: str. Units of the errors.

    Returns:
        `matplotlib.figure.Figure`. Lines have gaps at origins without readings.

    Raises:
        TypeError: if `errors` is no pandas frame.
        ValueError: if there are no origins, no forecasts or more than four, or `fitted` has another
            length.

    Example:
        >>> import pandas as pd, stgkeras
        >>> times = pd.date_range("2024-05-01", periods=3, freq="D", name="origin")
        >>> errors = pd.DataFrame({"forecaster": [2.0, 3.0, 2.0], "ridge": [3.0, 3.0, 4.0]}, times)
        >>> figure = stgkeras.plots.backtest(errors, [24, 24, 72], units="km/h")
        >>> figure.axes[0].get_ylabel(), len(figure.axes[0].lines)
        ('mean absolute error (km/h)', 3)
    """
    import pandas as pd
    from matplotlib.figure import Figure

    texts(title=title, units=units)
    arguments.instance("errors", errors, pd.DataFrame, "Pass `Backtest.by_origin()`.")
    if not len(errors) or not 1 <= errors.shape[1] <= len(COLORS):
        raise ValueError(
            f"`errors` must have a row for each origin and 1 to {len(COLORS)} columns. Received: "
            f"errors of shape {errors.shape}, columns {list(errors)}. Choose columns, such as "
            '`errors[["forecaster", "ridge"]]`.'
        )
    starts = np.zeros(len(errors), int)
    if fitted is not None:
        starts = arguments.array("fitted", fitted)
        if starts.shape != (len(errors),):
            raise ValueError(
                f"`fitted` must have a number for each of the {len(errors)} origins. Received: "
                f"fitted of shape {starts.shape}. Pass `Backtest.fitted`."
            )
    axes = (figure := Figure(figsize=(1.5 * WIDTH, 2.8), layout="constrained")).subplots()
    axes.set(title=title, xlabel="step", ylabel=with_units(MEASURE, units))
    times = np.asarray(errors.index)
    if isinstance(errors.index, pd.DatetimeIndex):
        times = clock_axis(axes, errors.index)
    for place in np.flatnonzero(np.diff(starts)) + 1:
        axes.axvline(times[place], color="0.8", linewidth=1, zorder=0)
    for (name, values), color, style in zip(errors.items(), COLORS, STYLES, strict=False):
        axes.plot(times, values, color=color, linestyle=style, linewidth=1.2, label=name)
    axes.margins(x=0)
    axes.set_ylim(0, None)
    figure.legend(ncols=errors.shape[1], frameon=False, loc="outside lower center")
    return figure
