"""Figures of adjacency matrices, and of the calibration of predicted links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stgkeras import arguments
from stgkeras.plots.checks import by_label, shaped, square, texts
from stgkeras.plots.looks import COLORS, MARKERS, STYLES, WIDTH, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def adjacency(matrices: Mapping[str, np.ndarray], *, title: str = "") -> Figure:
    """Draws adjacency matrices side by side, all with the colour scale from 0 to 1.

    Args:
        matrices: dict of title → array (N, N) of weights or probabilities.
        title: str. Title of the figure.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if there is no matrix, or one is not square.

    Example:
        >>> import numpy as np, stgkeras
        >>> figure = stgkeras.plots.adjacency({"next graph": np.eye(3), "predicted": np.eye(3)})
        >>> [axes.get_title() for axes in figure.axes[:2]]
        ['next graph', 'predicted']
    """
    from matplotlib.figure import Figure

    texts(title=title)
    matrices = {
        name: square(f"matrices[{name!r}]", matrix)
        for name, matrix in by_label("matrices", matrices, "array (N, N)").items()
    }
    figure = Figure(figsize=(1.5 * len(matrices) + 1.2, 2.6), layout="compressed")
    all_axes = np.atleast_1d(figure.subplots(1, len(matrices), sharey=True))
    for axes, (name, matrix) in zip(all_axes, matrices.items(), strict=True):
        image = axes.imshow(matrix, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
        axes.set(title=name, xlabel="node")
    all_axes[0].set_ylabel("node")
    figure.colorbar(image, ax=list(all_axes), label="probability")
    figure.suptitle(title)
    return figure


def reliability(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], *, title: str = "") -> Figure:
    """Draws a reliability diagram: the observed frequency of links by predicted probability.

    A predictor on the diagonal is calibrated. Below the diagonal, the predicted probabilities are
    too high. All bins of `metrics.reliability` hold the same number of pairs, so the markers also
    show the distribution of the probabilities.

    If the median probability is below 0.05, both axes are logarithmic. The axes then start at a
    fifth of the smallest frequency above 0. Smaller probabilities are drawn at this edge.
    Frequencies of 0 are drawn there as hollow triangles.

    Args:
        curves: dict of label → (means, fractions), as returned by `metrics.reliability`. At most
            four curves.
        title: str. Title of the figure.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if there are no curves or more than four, or one is not a pair of arrays of
            equal length in [0, 1].

    Example:
        >>> import numpy as np, stgkeras
        >>> curve = np.array([0.1, 0.5, 0.9]), np.array([0.0, 0.6, 1.0])
        >>> figure = stgkeras.plots.reliability({"ours": curve})
        >>> figure.axes[0].lines[1].get_ydata().tolist()
        [0.0, 0.6, 1.0]
    """
    from matplotlib.figure import Figure

    texts(title=title)
    curves = by_label("curves", curves, "(means, fractions)")
    if len(curves) > len(COLORS):
        raise ValueError(
            f"`curves` must hold at most {len(COLORS)} curves. Received: curves={list(curves)}. "
            "Draw the other curves in a second figure."
        )
    curves = {label: _curve(f"curves[{label!r}]", pair) for label, pair in curves.items()}
    # Two columns of labels of more than twelve characters are wider than the figure.
    columns = 1 + (max(map(len, curves)) <= 12)
    height = 3.9 + 0.2 * max(0, (1 + len(curves)) // columns - 2) + 0.3 * bool(title)
    axes = (figure := Figure(figsize=(0.75 * WIDTH, height), layout="constrained")).subplots()
    means, shares = (np.concatenate(arrays) for arrays in zip(*curves.values(), strict=True))
    log = np.median(means) < 0.05 and shares.any()
    low = shares[shares > 0].min() / 5 if log else 0.0
    axes.plot([low, 1], [low, 1], color="0.65", linewidth=2.5, label="calibrated")
    looks = zip(COLORS, STYLES, MARKERS, strict=False)
    for (label, (mean, share)), (color, style, marker) in zip(curves.items(), looks, strict=False):
        mean = np.maximum(mean, low)
        none = mean[share == 0] if log else []
        share = np.where(share == 0, np.nan, share) if log else share
        label = short(label, 33)
        axes.plot(mean, share, color=color, linestyle=style, marker=marker, ms=4, label=label)
        axes.plot(none, np.full(len(none), low), color=color, marker="v", mfc="w", ls="none")
    if log:
        edge = {
            "xscale": "log",
            "xlim": (low / 1.3, 1.3),
            "yscale": "log",
            "ylim": (low / 1.3, 1.3),
        }
        axes.set(**edge)
    axes.set(title=title, xlabel="mean predicted probability", ylabel="observed frequency of links")
    axes.set_aspect("equal")
    figure.legend(ncols=columns, frameon=False, loc="outside lower center")
    return figure


def _curve(name, pair):
    """Returns the means and the fractions of a curve, two arrays (bins,)."""
    if len(arguments.sequence(name, pair)) != 2:
        raise ValueError(
            f"`{name}` must be a pair of arrays, (means, fractions). Received: {len(pair)} entries."
            " Pass the result of `metrics.reliability`."
        )
    means = arguments.array(f"{name}[0]", pair[0], "(bins)")
    shares = shaped(f"{name}[1]", pair[1], means.shape, "(bins)").astype(float)
    inside = [(one >= 0) & (one <= 1) for one in (means, shares)]
    if not len(means) or not np.all(inside):
        raise ValueError(
            f"`{name}` must hold numbers in [0, 1], at least one. Received: means {means}, "
            f"fractions {shares}. Pass the result of `metrics.reliability`."
        )
    return means, shares
