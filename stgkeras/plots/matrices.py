"""Attention: who listens to whom."""

import numpy as np

from stgkeras.plots.looks import short


def attention(scores, *, clustered=(), names=None, title=""):
    """Draws attention side by side, two in a row: the mean over all windows and heads.

    Args:
        scores: dict of title → (…, n, n) array whose rows sum to 1, such as
            `models.attention_scores` gives: row i attends to column j, nodes, or steps from the
            oldest on.
        clustered: titles among `scores`. Rows and columns of these are put in the order of a
            hierarchical clustering, so that nodes which attend alike, and are attended to alike,
            stand together; ticks tell which node stands there.
        names: n names of the nodes, for the clustered; None numbers them from 0.
        title: str, above them all.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        ValueError: if a title of `clustered` is not in `scores`, or `names` are not as many as
            the nodes.

    Example:
        >>> import numpy as np, stgkeras
        >>> pairs = np.kron(np.ones((2, 2)), np.eye(2)) / 2  # 0 with 2, 1 with 3
        >>> figure = stgkeras.plots.attention({"nodes": pairs}, clustered=["nodes"])
        >>> figure.axes[0].images[0].get_array()[0].tolist()
        [0.5, 0.5, 0.0, 0.0]

    Source:
        Order of the leaves: Bar-Joseph, Gifford & Jaakkola, 2001, "Fast optimal leaf ordering for
        hierarchical clustering", over average linkage.
    """
    from matplotlib.figure import Figure

    unknown = [name for name in clustered if name not in scores]
    if unknown:
        raise ValueError(
            f"`clustered` must hold titles among {list(scores)}. Received: {unknown} too"
        )
    rows, columns = -(-len(scores) // 2), min(2, len(scores))
    figure = Figure(figsize=(2.9 * columns, 2.3 * rows + 0.3), layout="constrained")
    for place, (name, array) in enumerate(scores.items(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        mean = np.mean(array, axis=tuple(range(np.ndim(array) - 2)))
        axes.set_title(name, fontsize=10)
        axes.set(xlabel="attended to", ylabel="attending")
        if name in clustered:
            order = _leaves(mean)
            mean = mean[order][:, order]
            _tell(axes, order, names)
        else:
            axes.locator_params(integer=True, nbins=6)
        image = axes.imshow(mean, cmap="Greys", vmin=0, interpolation="nearest")
        beside = axes.inset_axes([1.05, 0, 0.07, 1])
        figure.colorbar(image, cax=beside, label="share of attention")
    figure.get_layout_engine().set(w_pad=0.1)
    figure.suptitle(title)
    return figure


def _leaves(mean):
    """The order of nodes (n,) in which those of like rows and columns are neighbours."""
    from scipy.cluster import hierarchy

    if len(mean) < 3:
        return np.arange(len(mean))
    like = np.concatenate([mean, mean.T], axis=1)  # (n, 2 n)
    return hierarchy.leaves_list(hierarchy.linkage(like, "average", optimal_ordering=True))


def _tell(axes, order, names):
    """Ticks, at most eight, that say which node stands there."""
    if names is not None and len(names) != len(order):
        raise ValueError(
            f"`names` must be as many as the nodes, {len(order)}. Received: {len(names)}"
        )
    shown = np.arange(0, len(order), -(-len(order) // 8))
    labels = [short(node if names is None else names[node], 10) for node in order[shown]]
    axes.set_xticks(shown, labels, rotation=90, fontsize=8, parse_math=False)
    axes.set_yticks(shown, labels, fontsize=8, parse_math=False)
    axes.set(xlabel="attended to, clustered", ylabel="attending, clustered")
