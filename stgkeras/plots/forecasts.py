"""Forecasts of one sensor over time."""

import numpy as np

from stgkeras.plots.looks import COLORS, STYLES, WIDTH


def forecast(truth, predicted, steps, *, step_minutes=None, title="", units=""):
    """Draws what was measured at one sensor, and what had been forecast for the same times.

    Args:
        truth: (windows, horizon) measured values of consecutive windows.
        predicted: (windows, horizon) forecasts of the same windows.
        steps: dict of label → step ahead, 1 being the first, such as {"15 min": 3}.
        step_minutes: float or None. Minutes from one step to the next; None counts steps.
        title: str.
        units: str. Label of the value axis.

    Returns:
        `matplotlib.figure.Figure`.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.arange(9.0)[:, None] + np.arange(3)
        >>> figure = stgkeras.plots.forecast(truth, truth + 1, {"3 steps": 3})
        >>> len(figure.axes[0].lines)
        2
    """
    figure, axes = _axes_in_time(step_minutes, title, units)
    time = np.arange(len(truth)) * _step(step_minutes)
    axes.plot(time, truth[:, 0], color="0.65", linewidth=2.5, label="measured")
    for (label, step), color, style in zip(steps.items(), COLORS, STYLES, strict=False):
        ahead = step - 1  # window i forecasts the time of window i + ahead
        axes.plot(
            time[ahead:],
            predicted[: len(truth) - ahead, ahead],
            color=color,
            linestyle=style,
            linewidth=1.2,
            label=f"forecast {label} before",
        )
    figure.legend(ncols=2, frameon=False, loc="outside lower center")
    return figure


def forecast_fan(
    truth, predicted, *, every=None, bands=None, step_minutes=None, title="", units=""
):
    """Draws what was measured at one sensor, and whole forecasts from when they were issued.

    Each forecast starts at the last reading before it, marked by a dot, and goes out to the
    horizon. Where they overlap, every other one is dashed.

    Args:
        truth: (windows, horizon) measured values of consecutive windows, NaN where missing.
        predicted: (windows, horizon) forecasts of the same windows.
        every: int or None. Windows from one forecast that is drawn to the next; None draws them end
            to end, a horizon apart.
        bands: optional dict of label → pair of (windows, horizon), such as {"80 %": (low, high)} of
            the quantiles 0.1 and 0.9; the first is the lightest, so give the widest first.
        step_minutes: float or None. Minutes from one step to the next; None counts steps.
        title: str.
        units: str. Label of the value axis.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if the arrays differ in shape, or hold no window with a reading before it.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.arange(9.0)[:, None] + np.arange(3)
        >>> bands = {"80 %": (truth, truth + 2)}
        >>> figure = stgkeras.plots.forecast_fan(truth, truth + 1, bands=bands)
        >>> [line.get_xdata().tolist() for line in figure.axes[0].lines[1:]]
        [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    """
    truth, predicted, bands = np.asarray(truth), np.asarray(predicted), bands or {}
    arrays = [predicted, *(edge for pair in bands.values() for edge in pair)]
    shapes = [np.shape(array) for array in arrays]
    if truth.ndim != 2 or len(truth) < 2 or set(shapes) != {truth.shape}:
        raise ValueError(
            "`truth`, `predicted` and `bands` must have one shape (windows, horizon), with two "
            f"windows at least. Received: {truth.shape}, and {shapes}"
        )
    figure, axes = _axes_in_time(step_minutes, title, units)
    windows, horizon = truth.shape
    step = _step(step_minutes)
    measured = np.concatenate([truth[:, 0], truth[-1, 1:]])
    axes.plot(
        np.arange(len(measured)) * step, measured, color="0.65", linewidth=2.5, label="measured"
    )
    every = every or horizon
    labels = ["forecast", "the next one"] if every < horizon else ["forecast"]
    for number, window in enumerate(range(1, windows, every)):
        look = number % len(labels)  # neighbours that overlap differ
        times = np.arange(window - 1, window + horizon) * step
        axes.plot(
            times,
            np.append(truth[window - 1, 0], predicted[window]),
            color=COLORS[look],
            linestyle=STYLES[look],
            linewidth=1.2,
            marker="o",
            markersize=3.5,
            markevery=[0],
            label=labels[look] if number == look else None,
        )
        for place, (label, (low, high)) in enumerate(bands.items()):
            axes.fill_between(
                times[1:],
                low[window],
                high[window],
                color=COLORS[look],
                alpha=0.15 + 0.1 * place,
                linewidth=0,
                label=None if number else label,
            )
    figure.legend(ncols=3, frameon=False, loc="outside lower center")
    return figure


def _axes_in_time(step_minutes, title, units):
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(WIDTH, 2.6), layout="constrained")).subplots()
    axes.set(title=title, xlabel="hours" if step_minutes else "steps", ylabel=units)
    axes.margins(x=0)
    return figure, axes


def _step(step_minutes):
    return step_minutes / 60 if step_minutes else 1
