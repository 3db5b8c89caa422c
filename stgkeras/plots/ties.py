"""The next graph of a network: which predicted links came, and which are likely."""

import numpy as np

from stgkeras.plots.looks import WIDTH, short

# Of links that were predicted and came, that came alone, that were predicted alone.
_LOOKS = (("k", "-", 1.6), ("0.6", "--", 1.0), ("C3", ":", 1.4))


def predicted_links(truth, probability, names=None, *, directed=False, title=""):
    """Draws the links of a graph, and as many that were thought most probable.

    Nodes without either are left out; the others are laid out by these links.

    Args:
        truth: (N, N), not 0 where there is a link.
        probability: (N, N) of each link.
        names: N names of the nodes; None counts them from 0.
        directed: bool. Whether pairs n ≠ m count twice, or once as n < m.
        title: str.

    Returns:
        `matplotlib.figure.Figure`. Of pairs equally probable at the end of the list the first
        count.

    Raises:
        ValueError: if there is no link.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
        >>> probability = np.array([[0, 0.9, 0.6], [0.9, 0, 0.2], [0.6, 0.2, 0]])
        >>> figure = stgkeras.plots.predicted_links(truth, probability, ["ann", "bob", "cleo"])
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['predicted, came (1)', 'came alone (1)', 'predicted alone (1)']
    """
    import igraph
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke

    came = np.asarray(truth) != 0
    pairs = ~np.eye(len(came), dtype=bool)
    pairs = np.argwhere(pairs if directed else np.triu(pairs))
    came = came[*pairs.T]
    if not came.any():
        raise ValueError("`truth` must hold links. Received: none")
    order = np.argsort(-np.asarray(probability)[*pairs.T], kind="stable")
    called = np.zeros(len(pairs), bool)
    called[order[: came.sum()]] = True
    parts = {
        "predicted, came": pairs[called & came],
        "came alone": pairs[came & ~called],
        "predicted alone": pairs[called & ~came],
    }
    nodes, ends = np.unique(np.concatenate(list(parts.values())), return_inverse=True)
    graph = igraph.Graph(len(nodes), ends.reshape(-1, 2).tolist())
    places = np.asarray(graph.layout_kamada_kawai(seed=graph.layout_circle()).coords)
    axes = (figure := Figure(figsize=(WIDTH, 4.4), layout="constrained")).subplots()
    for (label, part), (color, style, width) in zip(parts.items(), _LOOKS, strict=True):
        lines = places[np.searchsorted(nodes, part)]
        label = f"{label} ({len(part)})"
        axes.add_collection(
            LineCollection(lines, color=color, linestyle=style, linewidth=width, label=label)
        )
    axes.plot(*places.T, "o", color="w", markeredgecolor="k", ms=4)
    look = {"fontsize": 7, "path_effects": [withStroke(linewidth=2, foreground="w")]}
    for place, node in zip(places, nodes, strict=True):
        name = short(node if names is None else names[node], 10)
        axes.annotate(name, place, (3, 3), textcoords="offset points", **look)
    axes.set_title(title)
    axes.margins(0.08)
    axes.axis("off")
    figure.legend(ncols=3, frameon=False, loc="outside lower center", fontsize=8)
    return figure


def likely_links(ties, *, title="", label="probability in the next graph"):
    """Draws probabilities of links as bars, the largest first.

    Args:
        ties: dict of name → probability, such as {"ann – bob": 0.04}.
        title: str.
        label: str. What the bars are.

    Returns:
        `matplotlib.figure.Figure`.

    Example:
        >>> import stgkeras
        >>> figure = stgkeras.plots.likely_links({"ann – bob": 0.01, "bob – cleo": 0.04})
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['bob – cleo', 'ann – bob']
    """
    from matplotlib.figure import Figure

    names = sorted(ties, key=ties.get, reverse=True)
    height = 0.9 + 0.22 * len(names)
    axes = (figure := Figure(figsize=(WIDTH, height), layout="constrained")).subplots()
    bars = axes.barh([short(name, 24) for name in names], [ties[n] for n in names], color="0.6")
    axes.bar_label(bars, fmt="%.2g", padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set(title=title, xlabel=label)
    return figure
