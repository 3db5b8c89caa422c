"""Figures of attention weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stgkeras import arguments
from stgkeras.plots.checks import at_least, by_label, node_names, texts
from stgkeras.plots.looks import short

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def attention(
    scores: Mapping[str, np.ndarray],
    *,
    clustered: Collection[str] = (),
    names: Sequence[str] | None = None,
    title: str = "",
) -> Figure:
    """Draws matrices of attention weights, averaged over windows and heads, two in each row.

    Args:
        scores: dict of title → array (…, n, n) of attention weights, as returned by
            `models.attention_scores`. Entry (i, j) is the weight that node i, or time step i, gives
            to node or step j. Each row sums to 1. Time steps start with the oldest.
        clustered: sequence of titles in `scores`. The rows and columns of these matrices are sorted
            by hierarchical clustering, so that nodes with similar weights are neighbours. The tick
            labels then name the nodes.
        names: sequence of n str, or None. Names of the nodes for the clustered matrices. None
            numbers the nodes from 0.
        title: str. Title of the figure.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if an array is not square, `clustered` holds a title that is not in
            `scores`, or the number of `names` is not the number of nodes.

    Example:
        >>> import numpy as np, stgkeras
        >>> pairs = np.kron(np.ones((2, 2)), np.eye(2)) / 2  # 0 with 2, 1 with 3
        >>> figure = stgkeras.plots.attention({"nodes": pairs}, clustered=["nodes"])
        >>> figure.axes[0].images[0].get_array()[0].tolist()
        [0.5, 0.5, 0.0, 0.0]

    Source:
        Order of the leaves: Bar-Joseph, Gifford & Jaakkola, 2001, "Fast optimal leaf ordering for
        hierarchical clustering", with average linkage.
    """
    from matplotlib.figure import Figure

    texts(title=title)
    scores = {
        name: _weights(f"scores[{name!r}]", array)
        for name, array in by_label("scores", scores, "array of weights").items()
    }
    if isinstance(clustered, str) or not isinstance(clustered, Collection):
        arguments.sequence("clustered", clustered)
    unknown = [name for name in clustered if name not in scores]
    if unknown:
        raise ValueError(
            f"`clustered` must hold titles of `scores`, which are {list(scores)}. "
            f"Received: clustered={list(clustered)}. Remove {unknown}."
        )
    rows, columns = -(-len(scores) // 2), min(2, len(scores))
    figure = Figure(figsize=(2.9 * columns, 2.3 * rows + 0.3), layout="constrained")
    for place, (name, array) in enumerate(scores.items(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        mean = np.mean(array, axis=tuple(range(array.ndim - 2)))
        axes.set_title(name, fontsize=10)
        axes.set(xlabel="attended to", ylabel="attending")
        if name in clustered:
            order = _leaves(mean)
            mean = mean[order][:, order]
            _name_ticks(axes, order, names)
        else:
            axes.locator_params(integer=True, nbins=6)
        image = axes.imshow(mean, cmap="Greys", vmin=0, interpolation="nearest")
        beside = axes.inset_axes((1.05, 0, 0.07, 1))
        figure.colorbar(image, cax=beside, label="attention weight")
    figure.set_layout_engine("constrained", w_pad=0.1)
    figure.suptitle(title)
    return figure


def _weights(name, array):
    """Returns weights (…, n, n)."""
    found = at_least(name, array, "(n, n)")
    if found.shape[-1] != found.shape[-2]:
        raise ValueError(
            f"`{name}` must have as many rows as columns in its last two axes. Received: shape "
            f"{found.shape}. Pass the result of `models.attention_scores`."
        )
    return found


def _leaves(mean):
    """Returns an order (n,) in which nodes with similar rows and columns are neighbours."""
    from scipy.cluster import hierarchy

    if len(mean) < 3:
        return np.arange(len(mean))
    weights = np.concatenate([mean, mean.T], axis=1)  # (n, 2 n)
    return hierarchy.leaves_list(hierarchy.linkage(weights, "average", optimal_ordering=True))


def _name_ticks(axes, order, names):
    """Labels at most eight ticks with the names of their nodes."""
    names = node_names(names, len(order))
    shown = np.arange(0, len(order), -(-len(order) // 8))
    labels = [short(node if names is None else names[node], 10) for node in order[shown]]
    axes.set_xticks(shown, labels, rotation=90, fontsize=8, parse_math=False)
    axes.set_yticks(shown, labels, fontsize=8, parse_math=False)
    axes.set(xlabel="attended to, clustered", ylabel="attending, clustered")
