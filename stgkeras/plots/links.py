"""Links: adjacency matrices, and how far predicted probabilities are to be believed."""

import numpy as np

from stgkeras.plots.looks import COLORS, MARKERS, STYLES, WIDTH


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

    figure = Figure(figsize=(1.5 * len(matrices) + 1.2, 2.6), layout="compressed")
    all_axes = np.atleast_1d(figure.subplots(1, len(matrices), sharey=True))
    for axes, (name, matrix) in zip(all_axes, matrices.items(), strict=True):
        image = axes.imshow(matrix, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
        axes.set(title=name, xlabel="node")
    all_axes[0].set_ylabel("node")
    figure.colorbar(image, ax=list(all_axes), label="probability")
    figure.suptitle(title)
    return figure


def reliability(curves, *, title=""):
    """Draws the share of links among pairs against the probability that was predicted for them.

    On the diagonal the two agree: there a predictor is calibrated; below it, it promises too much.
    The bins of `metrics.reliability` hold equally many pairs, so the markers tell how the
    probabilities are spread. Where most are below 0.05 both axes are logarithmic, from a fifth of
    the smallest share of links on: probabilities and shares below stand at that edge, shares of 0
    as hollow triangles apart from the line.

    Args:
        curves: dict of label → (means, shares), as `metrics.reliability` gives them, at most four.
        title: str.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if there are more than four curves.

    Example:
        >>> import numpy as np, stgkeras
        >>> curve = np.array([0.1, 0.5, 0.9]), np.array([0.0, 0.6, 1.0])
        >>> figure = stgkeras.plots.reliability({"ours": curve})
        >>> figure.axes[0].lines[1].get_ydata().tolist()
        [0.0, 0.6, 1.0]
    """
    from matplotlib.figure import Figure

    if len(curves) > len(COLORS):
        raise ValueError(
            f"`curves` must hold at most {len(COLORS)}, to be told apart. Received: {list(curves)}"
        )
    axes = (figure := Figure(figsize=(0.75 * WIDTH, 3.9), layout="constrained")).subplots()
    means, shares = (np.concatenate(arrays) for arrays in zip(*curves.values(), strict=True))
    log = np.median(means) < 0.05 and shares.any()
    low = shares[shares > 0].min() / 5 if log else 0.0
    axes.plot([low, 1], [low, 1], color="0.65", linewidth=2.5, label="calibrated")
    looks = zip(COLORS, STYLES, MARKERS, strict=False)
    for (label, (mean, share)), (color, style, marker) in zip(curves.items(), looks, strict=False):
        mean, share = np.maximum(mean, low), np.asarray(share, float)
        none = mean[share == 0] if log else []
        share = np.where(share == 0, np.nan, share) if log else share
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
    axes.set(title=title, xlabel="mean predicted probability", ylabel="share of links")
    axes.set_aspect("equal")
    figure.legend(ncols=2, frameon=False, loc="outside lower center")
    return figure
