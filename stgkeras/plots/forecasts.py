"""Figures of the forecasts of one sensor over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras import arguments
from stgkeras.plots.checks import at_least, by_label, clock_times, minutes, shaped, texts
from stgkeras.plots.clock import clock_axis
from stgkeras.plots.looks import COLORS, STYLES, WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure


AXES = "(windows, horizon)"


def forecast(
    truth: np.ndarray,
    predicted: np.ndarray,
    steps: Mapping[str, int],
    *,
    step_minutes: float | None = None,
    times: Any = None,
    baseline: Mapping[str, np.ndarray] | None = None,
    title: str = "",
    units: str = "",
) -> Figure:
    """Draws the measured values of one sensor over time, and the forecasts for the same times.

    Each line of forecasts has a fixed lead time, such as 15 minutes.

    Args:
        truth: array (windows, horizon). Measured values of consecutive windows.
        predicted: array (windows, horizon). Forecasts of the same windows.
        steps: dict of label → forecast step, counted from 1, such as {"15 min": 3}. At most four.
        step_minutes: float or None. Minutes between two steps, for an axis in hours. None gives an
            axis in steps.
        times: (windows,) datetime64 or pandas DatetimeIndex, or None. Times of the first forecast
            step of each window, for an axis in clock time; with a time zone, in local time. Then
            `step_minutes` must be None.
        baseline: dict of label → array (windows, horizon), or None. Forecasts of baselines for the
            same windows, drawn as dotted lines at the last of the `steps`.
        title: str. Title of the figure.
        units: str. Label of the value axis.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if both `times` and `step_minutes` are given, an array has another shape or
            length than `truth`, or `steps` are more than four or beyond the horizon.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.arange(9.0)[:, None] + np.arange(3)
        >>> figure = stgkeras.plots.forecast(truth, truth + 1, {"3 steps": 3})
        >>> len(figure.axes[0].lines)
        2
    """
    texts(title=title, units=units)
    step_minutes = minutes(step_minutes)
    truth = _windows(truth)
    predicted = shaped("predicted", predicted, truth.shape, AXES)
    steps = _checked_steps(steps, truth.shape[1])
    baseline = {} if baseline is None else baseline
    others = by_label("baseline", baseline, "forecasts", may_be_empty=True)
    others = {k: shaped(f"baseline[{k!r}]", one, truth.shape, AXES) for k, one in others.items()}
    if times is not None and (step_minutes is not None or len(clock_times(times)) != len(truth)):
        raise ValueError(
            f"`times` must have one time for each of the {len(truth)} windows, without "
            f"`step_minutes`. Received: {len(times)} times, step_minutes={step_minutes}. Pass the "
            "time of the first forecast step of each window, and leave out `step_minutes`."
        )
    figure, axes = _axes_in_time(step_minutes, title, units)
    time = np.arange(len(truth)) * _step(step_minutes)
    if times is not None:
        time = clock_axis(axes, times)
    axes.plot(time, truth[:, 0], color="0.65", linewidth=2.5, label="measured")
    for (label, step), color, style in zip(steps.items(), COLORS, STYLES, strict=False):
        ahead = step - 1  # window i forecasts the time of window i + ahead
        axes.plot(
            time[ahead:],
            predicted[: max(0, len(truth) - ahead), ahead],
            color=color,
            linestyle=style,
            linewidth=1.2,
            label=f"forecast {label} ahead",
        )
    for label, values in others.items():
        ahead = max(steps.values()) - 1
        axes.plot(
            time[ahead:],
            values[: max(0, len(truth) - ahead), ahead],
            color="0.2",
            linestyle=":",
            linewidth=1.2,
            label=label,
        )
    figure.legend(ncols=2, frameon=False, loc="outside lower center")
    return figure


def forecast_fan(
    truth: np.ndarray,
    predicted: np.ndarray,
    *,
    every: int | None = None,
    bands: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    step_minutes: float | None = None,
    times: Any = None,
    title: str = "",
    units: str = "",
) -> Figure:
    """Draws the measured values of one sensor, and forecasts over the whole horizon.

    A dot marks the last measured value before each forecast. The line of the forecast starts at the
    dot and ends at the horizon. If forecasts overlap, every second line is dashed.

    Args:
        truth: array (windows, horizon). Measured values of consecutive windows, NaN where missing.
        predicted: array (windows, horizon). Forecasts of the same windows.
        every: int or None. Number of windows between two drawn forecasts. None uses the horizon, so
            that one forecast starts where the last one ends.
        bands: dict of label → pair of arrays (windows, horizon), or None. Prediction intervals,
            such as {"80 %": (low, high)} with the quantiles 0.1 and 0.9. Give the widest interval
            first, because later intervals are drawn darker.
        step_minutes: float or None. Minutes between two steps, for an axis in hours. None gives an
            axis in steps.
        times: (windows + horizon - 1,) datetime64 or pandas DatetimeIndex, or None. Times of all
            forecast steps, for an axis in clock time; with a time zone, in local time. Then
            `step_minutes` must be None.
        title: str. Title of the figure.
        units: str. Label of the value axis.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if the arrays differ in shape, there are fewer than two windows, or `times` do
            not fit.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.arange(9.0)[:, None] + np.arange(3)
        >>> bands = {"80 %": (truth, truth + 2)}
        >>> figure = stgkeras.plots.forecast_fan(truth, truth + 1, bands=bands)
        >>> [line.get_xdata().tolist() for line in figure.axes[0].lines[1:]]
        [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    """
    texts(title=title, units=units)
    step_minutes = minutes(step_minutes)
    truth, predicted = (
        arguments.array(*one) for one in (("truth", truth), ("predicted", predicted))
    )
    pairs = _checked_bands({} if bands is None else bands)
    arrays = [predicted, *(edge for pair in pairs.values() for edge in pair)]
    shapes = [array.shape for array in arrays]
    if truth.ndim != 2 or len(truth) < 2 or set(shapes) != {truth.shape}:
        raise ValueError(
            "`truth`, `predicted` and `bands` must have one shape (windows, horizon), with at "
            f"least two windows. Received: `truth` of shape {truth.shape}, other arrays of shapes "
            f"{shapes}. Pass arrays of the same windows of one sensor."
        )
    every = None if every is None else arguments.integer("every", every)
    steps = truth.shape[0] + truth.shape[1] - 1
    if times is not None and (step_minutes is not None or len(clock_times(times)) != steps):
        raise ValueError(
            f"`times` must have one time for each of the {steps} steps, without `step_minutes`. "
            f"Received: {len(times)} times, step_minutes={step_minutes}. Pass the times of all "
            "forecast steps, and leave out `step_minutes`."
        )
    figure, axes = _axes_in_time(step_minutes, title, units)
    windows, horizon = truth.shape
    measured = np.concatenate([truth[:, 0], truth[-1, 1:]])
    clock = np.arange(len(measured)) * _step(step_minutes)
    if times is not None:
        clock = clock_axis(axes, times)
    axes.plot(clock, measured, color="0.65", linewidth=2.5, label="measured")
    every = every or horizon
    labels = ["forecast", "next forecast"] if every < horizon else ["forecast"]
    for number, window in enumerate(range(1, windows, every)):
        look = number % len(labels)  # overlapping neighbours differ
        part = clock[window - 1 : window + horizon]
        axes.plot(
            part,
            np.append(truth[window - 1, 0], predicted[window]),
            color=COLORS[look],
            linestyle=STYLES[look],
            linewidth=1.2,
            marker="o",
            markersize=3.5,
            markevery=[0],
            label=labels[look] if number == look else None,
        )
        for place, (label, (low, high)) in enumerate(pairs.items()):
            axes.fill_between(
                part[1:],
                low[window],
                high[window],
                color=COLORS[look],
                alpha=0.15 + 0.1 * place,
                linewidth=0,
                label=None if number else label,
            )
    figure.legend(ncols=3, frameon=False, loc="outside lower center")
    return figure


def _windows(truth):
    """Returns the readings of windows, (windows, horizon)."""
    return at_least("truth", arguments.array("truth", truth, AXES), AXES)


def _checked_steps(steps, horizon):
    """Returns at most four forecast steps, from 1 to the horizon, by label."""
    steps = by_label("steps", steps, "forecast step")
    if len(steps) > len(COLORS):
        raise ValueError(
            f"`steps` must have at most {len(COLORS)} entries. Received: steps={steps}. Draw the "
            "other steps in a second figure."
        )
    found = {label: arguments.integer(f"steps[{label!r}]", one) for label, one in steps.items()}
    if max(found.values()) > horizon:
        raise ValueError(
            f"`steps` must be from 1 to the horizon, {horizon}. Received: steps={steps}. Pass "
            "smaller steps."
        )
    return found


def _checked_bands(bands):
    """Returns pairs of arrays by label."""
    found = {}
    for label, pair in by_label("bands", bands, "pair of arrays", may_be_empty=True).items():
        name = f"bands[{label!r}]"
        if len(arguments.sequence(name, pair)) != 2:
            raise ValueError(
                f"`{name}` must be a pair of arrays, the lower and the upper ends. Received: "
                f"{len(pair)} entries. Pass (low, high)."
            )
        found[label] = tuple(arguments.array(name, edge) for edge in pair)
    return found


def _axes_in_time(step_minutes, title, units):
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(WIDTH, 2.6), layout="constrained")).subplots()
    axes.set(title=title, xlabel="hours" if step_minutes else "steps", ylabel=units)
    axes.margins(x=0)
    return figure, axes


def _step(step_minutes):
    return step_minutes / 60 if step_minutes else 1
