"""Figures of the accuracy of classifiers by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras import arguments
from stgkeras.plots.checks import by_label, texts
from stgkeras.plots.looks import MARKERS, STYLES, WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def accuracies(
    curves: Mapping[str, Sequence[float]],
    *,
    baselines: Mapping[str, float] | None = None,
    title: str = "",
    label: str = "validation error (%)",
) -> Figure:
    """Draws the errors of classifiers by epoch, in % on a logarithmic axis.

    The error is 100 (1 - accuracy). Small differences between accurate classifiers are visible on
    this axis, and not on an axis of accuracies. An error of 0 is left out.

    Args:
        curves: dict of label → accuracies in [0, 1], one for each epoch, such as
            `model.fit(…).history["val_accuracy"]`. At most eight curves.
        baselines: dict of label → accuracy in [0, 1], drawn as horizontal lines, or None.
        title: str. Title of the figure.
        label: str. Label of the error axis.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if there are no curves or more than eight, or an accuracy is not in [0, 1].

    Example:
        >>> import stgkeras
        >>> figure = stgkeras.plots.accuracies({"GCN": [0.5, 0.8]}, baselines={"words": 0.6})
        >>> [line.get_ydata()[0].round(3).item() for line in figure.axes[0].lines]
        [50.0, 40.0]
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    texts(title=title, label=label)
    curves = by_label("curves", curves, "accuracies of each epoch")
    if len(curves) > len(MARKERS):
        raise ValueError(
            f"`curves` must hold at most {len(MARKERS)} curves. Received: {len(curves)} curves. "
            "Draw the other curves in a second figure."
        )
    errors = {key: _errors("curves", key, values) for key, values in curves.items()}
    baselines = {} if baselines is None else baselines
    known = by_label("baselines", baselines, "accuracy", may_be_empty=True)
    for key, one in known.items():
        arguments.number(f"baselines[{key!r}]", one)
    levels = {key: _errors("baselines", key, one) for key, one in known.items()}
    axes = (figure := Figure(figsize=(WIDTH + 2.4, 3.6), layout="constrained")).subplots()
    looks = zip(MARKERS, cycle(STYLES), strict=False)
    for number, (key, (marker, style)) in enumerate(zip(curves, looks, strict=False)):
        values = errors[key]
        every = max(1, len(values) // 10)
        look: dict[str, Any] = {
            "linestyle": style,
            "marker": marker,
            "markevery": every,
            "markersize": 4,
        }
        axes.plot(np.arange(1, len(values) + 1), values, color=f"C{number}", label=key, **look)
    for (key, level), style in zip(levels.items(), cycle(STYLES[1:]), strict=False):
        axes.axhline(level[0], color="0.4", linestyle=style, linewidth=2, label=key)
    axes.set(title=title, xlabel="epoch", ylabel=label, yscale="log")
    axes.set_yticks([1, 2, 5, 10, 20, 50, 100])
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    shown = np.concatenate([*errors.values(), *levels.values()])
    if np.isfinite(shown).any():
        axes.set_ylim(0.8 * np.nanmin(shown), 1.2 * np.nanmax(shown))
    figure.legend(frameon=False, fontsize=8, loc="outside right center")
    return figure


def _errors(argument, key, accuracies):
    """Returns the errors in % of one curve or baseline, (epochs,). NaN if the error is 0."""
    found = np.atleast_1d(arguments.array(f"{argument}[{key!r}]", accuracies).astype(float))
    if found.ndim != 1 or not found.size:
        raise ValueError(
            f"`{argument}[{key!r}]` must have one accuracy for each epoch. Received: shape "
            f"{found.shape}. Pass a list of numbers."
        )
    if not ((found >= 0) & (found <= 1)).all():
        raise ValueError(
            f"`{argument}` must hold accuracies in [0, 1]. Received: {argument}[{key!r}] with "
            f"values from {found.min():g} to {found.max():g}. Divide percentages by 100."
        )
    return np.where(found < 1, 100 * (1 - found), np.nan)
