"""Pictures of forecasts and graphs. Matplotlib is imported when a function is called."""

import numpy as np

_COLORS = ("C0", "C3", "C2", "C4")
_STYLES = ("-", "--", "-.", ":")  # told apart in greyscale too


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
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    time = np.arange(len(truth)) * (step_minutes / 60 if step_minutes else 1)
    axes.plot(time, truth[:, 0], color="0.65", linewidth=2.5, label="measured")
    for (label, step), color, style in zip(steps.items(), _COLORS, _STYLES, strict=False):
        ahead = step - 1  # window i forecasts the time of window i + ahead
        axes.plot(
            time[ahead:],
            predicted[: len(truth) - ahead, ahead],
            color=color,
            linestyle=style,
            linewidth=1.2,
            label=f"forecast {label} before",
        )
    axes.set(title=title, xlabel="hours" if step_minutes else "steps", ylabel=units)
    axes.margins(x=0)
    axes.legend(ncols=len(steps) + 1, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    return figure


def adjacency(matrices, *, title=""):
    """Draws adjacency matrices side by side on one scale from 0 to 1.

    Args:
        matrices: dict of title → (N, N) array of weights or probabilities.
        title: str, above them all.

    Returns:
        `matplotlib.figure.Figure`.

    Example:
        >>> import numpy as np, stgkeras
        >>> figure = stgkeras.plots.adjacency({"next graph": np.eye(3), "predicted": np.eye(3)})
        >>> [axes.get_title() for axes in figure.axes[:2]]
        ['next graph', 'predicted']
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.9 * len(matrices) + 0.5, 3.1), layout="constrained")
    all_axes = np.atleast_1d(figure.subplots(1, len(matrices), sharey=True))
    for axes, (name, matrix) in zip(all_axes, matrices.items(), strict=True):
        image = axes.imshow(matrix, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
        axes.set(title=name, xlabel="node")
    all_axes[0].set_ylabel("node")
    figure.colorbar(image, ax=list(all_axes), shrink=0.8, label="probability of a link")
    figure.get_layout_engine().set(h_pad=0.12)
    figure.suptitle(title)
    return figure
