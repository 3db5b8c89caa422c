"""Where forecasts are off: steps ahead, hours of the day, sensors."""

import numpy as np

from stgkeras.plots.looks import COLORS, MARKERS, STYLES, WIDTH, short, with_units

MEASURE = "mean absolute error"


def errors_in_time(truth, predicted, hours, *, step_minutes=None, title="", units=""):
    """Draws how far forecasts are off, by steps ahead and by hour of the day.

    Args:
        truth: (windows, horizon, …) measured values, NaN where missing.
        predicted: dict of label → forecasts of that shape, at most four.
        hours: (windows, horizon) hours of the day, in [0, 24), of the steps to predict.
        step_minutes: float or None. Minutes from one step to the next; None counts steps.
        title: str, above both.
        units: str. Units of `truth`.

    Returns:
        `matplotlib.figure.Figure`: mean absolute errors over the readings that are there, with a
        gap where none is.

    Raises:
        ValueError: if there are more than four forecasts, or one has another shape.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth, hours = np.zeros((4, 3, 2, 1)), np.arange(4)[:, None] + np.arange(3)
        >>> figure = stgkeras.plots.errors_in_time(truth, {"ours": truth + 2}, hours)
        >>> figure.axes[0].lines[0].get_ydata().tolist()
        [2.0, 2.0, 2.0]
    """
    from matplotlib.figure import Figure

    _check(truth, predicted)
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    by_step, by_hour = figure.subplots(1, 2, sharey=True)
    windows, horizon = np.shape(hours)
    ahead = np.arange(1, horizon + 1) * (step_minutes or 1)
    hours = np.floor(hours).astype(int)
    steps = np.broadcast_to(np.arange(horizon), hours.shape)
    there = ~np.isnan(truth).reshape(windows, horizon, -1)
    count = there.sum(axis=-1)
    for (label, forecast), color, style in zip(predicted.items(), COLORS, STYLES, strict=False):
        error = np.abs(np.asarray(forecast) - truth).reshape(windows, horizon, -1)
        total = np.where(there, error, 0).sum(axis=-1)
        look = {"color": color, "linestyle": style, "marker": ".", "ms": 3, "label": label}
        by_step.plot(ahead, _mean_of_groups(total, count, steps, horizon), **look)
        by_hour.plot(np.arange(24) + 0.5, _mean_of_groups(total, count, hours, 24), **look)
    by_step.set(
        xlabel="minutes ahead" if step_minutes else "steps ahead",
        xticks=ahead[-(-horizon // 4) - 1 :: -(-horizon // 4)],
        ylabel=MEASURE + (units and f"\n({units})"),
        ylim=(0, None),
    )
    by_hour.set(xlabel="hour of day", xlim=(0, 24), xticks=range(0, 25, 6))
    figure.legend(
        *by_step.get_legend_handles_labels(), ncols=2, frameon=False, loc="outside lower center"
    )
    figure.get_layout_engine().set(w_pad=0.1)
    figure.suptitle(title)
    return figure


def errors_by_sensor(truth, predicted, names=None, *, most=20, title="", units=""):
    """Draws at which sensors forecasts are off, the largest errors first.

    Args:
        truth: (windows, horizon, N, …) measured values, NaN where missing.
        predicted: dict of label → forecasts of that shape, at most four. The first is drawn as
            bars, and sorts the sensors; the others as markers.
        names: N names of the sensors; None counts them from 0.
        most: int. Sensors to draw at most; a sensor without readings is left out.
        title: str.
        units: str. Units of `truth`.

    Returns:
        `matplotlib.figure.Figure`: mean absolute errors over the readings that are there.

    Raises:
        ValueError: if there are more than four forecasts, or one has another shape.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.zeros((4, 3, 2, 1))
        >>> ours = truth + np.array([[1.0], [2.0]])
        >>> figure = stgkeras.plots.errors_by_sensor(truth, {"ours": ours}, ["A1", "A2"])
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['A2', 'A1']
    """
    from matplotlib.figure import Figure

    _check(truth, predicted)
    truth = np.asarray(truth)
    axes_of_others = (0, 1, *range(3, truth.ndim))
    there = ~np.isnan(truth)
    count = there.sum(axis=axes_of_others)
    means = {}
    for label, forecast in predicted.items():
        error = np.where(there, np.abs(np.asarray(forecast) - truth), 0)
        means[label] = error.sum(axis=axes_of_others) / np.maximum(count, 1)  # (N,)
    ours = next(iter(means.values()))
    worst = np.argsort(-np.nan_to_num(ours, nan=np.inf), kind="stable")  # a failed forecast first
    order = [n for n in worst if count[n]][:most]
    rows = np.arange(len(order))
    axes = (
        figure := Figure(figsize=(WIDTH, 1.4 + 0.19 * max(len(rows), 6)), layout="constrained")
    ).subplots()
    axes.barh(rows, ours[order], color="0.75")
    looks = zip(means.values(), COLORS, MARKERS, strict=False)
    for mean, color, marker in list(looks)[1:]:
        axes.plot(mean[order], rows, color=color, marker=marker, ms=5, ls="none")
    told = [short(n if names is None else names[n], 20) for n in order]
    axes.set_yticks(rows, told, parse_math=False)
    part = "" if len(rows) == len(ours) else f", the {len(rows)} largest of {len(ours)}"
    axes.set(title=title, xlabel=with_units(MEASURE, units), ylabel="sensor" + part)
    axes.set(xlim=(0, None), ylim=(len(rows) - 0.4, -0.6))
    handles = [*axes.containers, *axes.lines]
    figure.legend(handles, means, ncols=2, frameon=False, loc="outside lower center")
    return figure


def _check(truth, predicted):
    if len(predicted) > len(COLORS):
        raise ValueError(
            f"`predicted` must hold at most {len(COLORS)} forecasts, to be told apart. "
            f"Received: {list(predicted)}"
        )
    shapes = {label: np.shape(forecast) for label, forecast in predicted.items()}
    if set(shapes.values()) - {np.shape(truth)}:
        raise ValueError(
            f"`predicted` must have the shape of `truth`, {np.shape(truth)}. Received: {shapes}"
        )


def _mean_of_groups(total, count, groups, num_groups):
    """Σ total / Σ count of each group; NaN where there is nothing."""
    groups = np.ravel(groups)
    total, count = (np.bincount(groups, np.ravel(a), num_groups) for a in (total, count))
    return np.divide(total, count, out=np.full(num_groups, np.nan), where=count > 0)
