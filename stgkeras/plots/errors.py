"""Figures of forecast errors, by forecast step, hour of the day and sensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras import arguments
from stgkeras.plots.checks import at_least, by_label, hours_of_day, minutes, node_names, texts
from stgkeras.plots.looks import COLORS, MARKERS, STYLES, WIDTH, short, with_units

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURE = "mean absolute error"


def errors_in_time(
    truth: np.ndarray,
    predicted: Mapping[str, np.ndarray],
    hours: np.ndarray,
    *,
    step_minutes: float | None = None,
    title: str = "",
    units: str = "",
) -> Figure:
    """Draws the mean absolute error of forecasts, by forecast step and by hour of the day.

    Args:
        truth: array (windows, horizon, …). Measured values, NaN where missing.
        predicted: dict of label → forecasts in the shape of `truth`. At most four forecasts.
        hours: array (windows, horizon). The hour of the day of each forecast step, in [0, 24).
        step_minutes: float or None. Minutes between two steps, for an axis in minutes. None gives
            an axis in steps.
        title: str. Title of the figure.
        units: str. Units of `truth`.

    Returns:
        `matplotlib.figure.Figure`. The means leave out missing values. A line has a gap where all
        values are missing.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if there are more than four forecasts, or the shapes or the number of `names` do
            not fit `truth`.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth, hours = np.zeros((4, 3, 2, 1)), np.arange(4)[:, None] + np.arange(3)
        >>> figure = stgkeras.plots.errors_in_time(truth, {"ours": truth + 2}, hours)
        >>> figure.axes[0].lines[0].get_ydata().tolist()
        [2.0, 2.0, 2.0]
    """
    from matplotlib.figure import Figure

    texts(title=title, units=units)
    step_minutes = minutes(step_minutes)
    truth, predicted = _checked(truth, predicted, "(windows, horizon)")
    hours = hours_of_day(hours, truth.shape[:2])
    figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
    by_step, by_hour = figure.subplots(1, 2, sharey=True)
    windows, horizon = hours.shape
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
    figure.set_layout_engine("constrained", w_pad=0.1)
    figure.suptitle(title)
    return figure


def errors_by_sensor(
    truth: np.ndarray,
    predicted: Mapping[str, np.ndarray],
    names: Sequence[str] | None = None,
    *,
    most: int = 20,
    title: str = "",
    units: str = "",
) -> Figure:
    """Draws the mean absolute error of forecasts at each sensor, the largest errors first.

    Args:
        truth: array (windows, horizon, N, …). Measured values, NaN where missing.
        predicted: dict of label → forecasts in the shape of `truth`. At most four forecasts. The
            first forecast gives the bars and the order of the sensors. The other forecasts are
            drawn as markers.
        names: sequence of N str, or None. Names of the sensors. None numbers the sensors from 0.
        most: int. Largest number of sensors to draw. Sensors without any measured value are left
            out.
        title: str. Title of the figure.
        units: str. Units of `truth`.

    Returns:
        `matplotlib.figure.Figure`. The means leave out missing values.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if there are more than four forecasts, or the shapes or the number of `names` do
            not fit `truth`.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.zeros((4, 3, 2, 1))
        >>> ours = truth + np.array([[1.0], [2.0]])
        >>> figure = stgkeras.plots.errors_by_sensor(truth, {"ours": ours}, ["A1", "A2"])
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['A2', 'A1']
    """
    from matplotlib.figure import Figure

    texts(title=title, units=units)
    most = arguments.integer("most", most)
    truth, predicted = _checked(truth, predicted, "(windows, horizon, nodes)")
    names = node_names(names, truth.shape[2])
    axes_of_others = (0, 1, *range(3, truth.ndim))
    there = ~np.isnan(truth)
    count = there.sum(axis=axes_of_others)
    means = {}
    for label, forecast in predicted.items():
        error = np.where(there, np.abs(np.asarray(forecast) - truth), 0)
        means[label] = error.sum(axis=axes_of_others) / np.maximum(count, 1)  # (N,)
    ours = next(iter(means.values()))
    # A NaN forecast counts as the largest error, so that the figure does not hide it.
    worst = np.argsort(-np.nan_to_num(ours, nan=np.inf), kind="stable")
    order = [n for n in worst if count[n]][:most]
    rows = np.arange(len(order))
    axes = (
        figure := Figure(figsize=(WIDTH, 1.4 + 0.19 * max(len(rows), 6)), layout="constrained")
    ).subplots()
    axes.barh(rows, ours[order], color="0.75")
    looks = zip(means.values(), COLORS, MARKERS, strict=False)
    for mean, color, marker in list(looks)[1:]:
        axes.plot(mean[order], rows, color=color, marker=marker, ms=5, ls="none")
    labels = [short(n if names is None else names[n], 20) for n in order]
    axes.set_yticks(rows, labels, parse_math=False)
    part = "" if len(rows) == len(ours) else f" (worst {len(rows)} of {len(ours)})"
    axes.set(title=title, xlabel=with_units(MEASURE, units), ylabel="sensor" + part)
    axes.set(xlim=(0, None), ylim=(len(rows) - 0.4, -0.6))
    handles: list[Any] = [*axes.containers, *axes.lines]
    figure.legend(handles, means, ncols=2, frameon=False, loc="outside lower center")
    return figure


def _checked(truth, predicted, axes):
    """Returns an array with the axes `axes` or more, and a dict of arrays of its shape."""
    truth = at_least("truth", truth, axes)
    predicted = by_label("predicted", predicted, "forecasts")
    if len(predicted) > len(COLORS):
        raise ValueError(
            f"`predicted` must hold at most {len(COLORS)} forecasts. Received: "
            f"predicted={list(predicted)}. Draw the other forecasts in a second figure."
        )
    found = {k: arguments.array(f"predicted[{k!r}]", one) for k, one in predicted.items()}
    shapes = {label: forecast.shape for label, forecast in found.items()}
    if set(shapes.values()) - {truth.shape}:
        raise ValueError(
            f"`predicted` must hold forecasts in the shape of `truth`, {truth.shape}. "
            f"Received: forecasts of shapes {shapes}. Pass `truth` and the forecasts of the same "
            "windows, steps and nodes."
        )
    return truth, found


def _mean_of_groups(total, count, groups, num_groups):
    """Returns Σ total / Σ count of each group, NaN where the count is 0."""
    groups = np.ravel(groups)
    total, count = (np.bincount(groups, np.ravel(a), num_groups) for a in (total, count))
    return np.divide(total, count, out=np.full(num_groups, np.nan), where=count > 0)
