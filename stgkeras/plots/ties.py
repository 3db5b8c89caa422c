"""Figures of predicted links: predictions against observed links, and the likeliest links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras import arguments
from stgkeras.plots.checks import by_label, node_names, square, texts
from stgkeras.plots.looks import STYLES, WIDTH, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colour, style and width of the lines of true positives, false negatives and false positives.
_LOOKS = (("k", "-", 1.6), ("0.6", "--", 1.0), ("C3", ":", 1.4))


def predicted_links(
    truth: np.ndarray,
    probability: np.ndarray,
    names: Sequence[str] | None = None,
    *,
    directed: bool = False,
    title: str = "",
) -> Figure:
    """Draws true positives, false negatives and false positives of a link prediction as a graph.

    If the observed graph has L links, the L most probable pairs count as predicted. If pairs have
    equal probabilities, the first pairs count. Nodes without observed or predicted links are left
    out. The layout is computed from all links of the figure.

    Args:
        truth: array (N, N). The observed graph. Nonzero entries are links.
        probability: array (N, N). The predicted probability of each link.
        names: sequence of N str, or None. Names of the nodes. None numbers the nodes from 0.
        directed: bool. If True, (n, m) and (m, n) are two pairs. If False, only the pairs n < m
            count.
        title: str. Title of the figure.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if `truth` has no link, or is not symmetric while `directed` is False; if the
            matrices are not square, or the numbers of nodes differ.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]])
        >>> probability = np.array([[0, 0.9, 0.6], [0.9, 0, 0.2], [0.6, 0.2, 0]])
        >>> figure = stgkeras.plots.predicted_links(truth, probability, ["ann", "bob", "cleo"])
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['true positive (1)', 'false negative (1)', 'false positive (1)']
    """
    import igraph
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke

    texts(title=title)
    directed = arguments.boolean("directed", directed)
    observed = square("truth", truth) != 0
    probability = square("probability", probability, len(observed))
    names = node_names(names, len(observed))
    if not directed and (observed != observed.T).any():
        n, m = np.argwhere(observed > observed.T)[0]
        raise ValueError(
            "`truth` must be symmetric with directed=False. Received: a link at "
            f"truth[{n}, {m}], and none at truth[{m}, {n}]. Pass `directed=True`, or ignore the "
            "direction with `np.maximum(truth, truth.T)`."
        )
    pairs = ~np.eye(len(observed), dtype=bool)
    pairs = np.argwhere(pairs if directed else np.triu(pairs))
    observed = observed[*pairs.T]
    if not observed.any():
        raise ValueError(
            "`truth` must have a link between two different nodes. Received: a graph without "
            "links. Choose a graph with links."
        )
    order = np.argsort(-probability[*pairs.T], kind="stable")
    predicted = np.zeros(len(pairs), bool)
    predicted[order[: observed.sum()]] = True
    parts = {
        "true positive": pairs[predicted & observed],
        "false negative": pairs[observed & ~predicted],
        "false positive": pairs[predicted & ~observed],
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
    look: dict[str, Any] = {
        "fontsize": 7,
        "path_effects": [withStroke(linewidth=2, foreground="w")],
    }
    for place, node in zip(places, nodes, strict=True):
        name = short(node if names is None else names[node], 10)
        axes.annotate(name, place, (3, 3), textcoords="offset points", **look)
    axes.set_title(title)
    axes.margins(0.08)
    axes.axis("off")
    figure.legend(ncols=3, frameon=False, loc="outside lower center", fontsize=8)
    return figure


def likely_links(
    ties: Mapping[str, float],
    *,
    title: str = "",
    label: str = "probability in the next graph",
    baselines: Mapping[str, float] | None = None,
) -> Figure:
    """Draws a bar chart of link probabilities, the largest first.

    Args:
        ties: dict of name → probability, such as {"ann – bob": 0.04}.
        title: str. Title of the figure.
        label: str. Label of the probability axis.
        baselines: dict of label → probability, or None. Each is drawn as a vertical line, such as
            the share of all pairs that are linked.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if a probability is not a finite number.

    Example:
        >>> import stgkeras
        >>> figure = stgkeras.plots.likely_links({"ann – bob": 0.01, "bob – cleo": 0.04})
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['bob – cleo', 'ann – bob']
    """
    from matplotlib.figure import Figure

    texts(title=title, label=label)
    ties = _numbers("ties", ties)
    lines = _numbers("baselines", {} if baselines is None else baselines)
    names = sorted(ties, key=lambda name: ties[name], reverse=True)
    height = 0.9 + 0.22 * len(names) + 0.25 * len(lines)
    axes = (figure := Figure(figsize=(WIDTH, height), layout="constrained")).subplots()
    bars = axes.barh([short(name, 24) for name in names], [ties[n] for n in names], color="0.6")
    axes.bar_label(bars, fmt="%.2g", padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.2)  # room for the label of the longest bar
    axes.locator_params(axis="x", nbins=4)  # few ticks, because labels such as 0.0005 are wide
    for (name, value), style in zip(lines.items(), cycle(STYLES[1:]), strict=False):
        axes.axvline(value, color="C3", linestyle=style, label=f"{name}: {value:.2g}")
    if lines:
        figure.legend(frameon=False, loc="outside lower center", fontsize=8)
    axes.set(title=title, xlabel=label)
    return figure


def _numbers(name, values):
    """Returns finite numbers by label."""
    found = by_label(name, values, "probability", may_be_empty=True)
    return {label: arguments.number(f"{name}[{label!r}]", one) for label, one in found.items()}
