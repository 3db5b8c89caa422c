"""Figures of a graph that is divided into parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from stgkeras import arguments
from stgkeras.plots.checks import shaped, square, texts
from stgkeras.plots.looks import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Light colours that can be told apart without red or green vision (Paul Tol, scheme "light").
FILLS = ("#77AADD", "#EE8866", "#EEDD88", "#44BB99", "#FFAABB", "#BBCC33", "#AAAA00", "#DDDDDD")


def partition(
    adjacency: np.ndarray,
    positions: np.ndarray,
    parts: Any,
    *,
    part: int = 0,
    title: str = "",
) -> Figure:
    """Draws the parts of a graph, and the inner nodes and the halo of one part.

    Colours are parts. With more than eight parts, colours repeat. Markers with a black edge are the
    nodes of the one part: circles for its inner nodes, squares for the nodes of its halo that inner
    nodes read, and triangles for those that are more hops away. Black lines are the edges between
    parts.

    Args:
        adjacency: array (N, N), dense or SciPy sparse: the graph that was divided. adjacency[n, m]
            is the weight of the edge from node m to node n, and 0 where there is no edge.
        positions: array (N, 2). Positions of the nodes in km east and km north of any point, such
            as `Series.positions`.
        parts: `graphs.Partition`, from `graphs.partition`.
        part: int. Number of the part whose nodes are shown. Default 0.
        title: str. Title of the figure.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if `adjacency` is not square, if `positions` or `parts` do not fit it, or if
            there is no such part.

    Example:
        >>> import numpy as np, stgkeras
        >>> path = np.eye(6, k=1) + np.eye(6, k=-1)
        >>> positions = np.stack([np.arange(6), np.zeros(6)], axis=1)
        >>> parts = stgkeras.graphs.partition(path, 2, hops=2)
        >>> figure = stgkeras.plots.partition(path, positions, parts)
        >>> [text.get_text() for text in figure.legends[0].get_texts()][:3]
        ['inner nodes of part 0 (3)', 'halo, 1 hop (1)', 'halo, more hops (1)']
    """
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    texts(title=title)
    if not hasattr(parts, "inner") or not hasattr(parts, "halo"):
        raise TypeError(
            "`parts` must be a `graphs.Partition`. Received: parts of type "
            f"{type(parts).__name__}. Pass the result of `graphs.partition`."
        )
    edges = sp.coo_array(adjacency if sp.issparse(adjacency) else square("adjacency", adjacency))
    count = edges.shape[0]
    if edges.shape != (count, count) or count != sum(map(len, parts.inner)):
        raise ValueError(
            "`adjacency` must be the square matrix of the graph of `parts`, with "
            f"{sum(map(len, parts.inner))} nodes. Received: shape {edges.shape}. Pass the graph "
            "that `graphs.partition` divided."
        )
    positions = shaped("positions", positions, (count, 2), "(nodes, 2)")
    part = arguments.indices("part", [part], len(parts.inner), "parts")[0]
    owner = np.zeros(count, int)
    for number, nodes in enumerate(parts.inner):
        owner[nodes] = number
    target, source = edges.row[edges.data != 0], edges.col[edges.data != 0]
    inner, halo = parts.inner[part], parts.halo[part]
    near = np.intersect1d(source[owner[target] == part], halo)
    far = np.setdiff1d(halo, near)
    groups = (
        (f"inner nodes of part {part} ({len(inner)})", "o", "k", inner),
        (f"halo, 1 hop ({len(near)})", "s", "k", near),
        (f"halo, more hops ({len(far)})", "^", "k", far),
        ("other nodes", "o", "none", np.setdiff1d(np.arange(count), np.append(inner, halo))),
    )
    figure = Figure(figsize=(WIDTH, 5.2), layout="constrained")
    axes = figure.subplots()
    is_cut = owner[target] != owner[source]
    for chosen, color in ((~is_cut, "0.75"), (is_cut, "k")):
        lines = list(positions[np.stack([target, source], axis=1)[chosen]])
        axes.add_collection(LineCollection(lines, color=color, linewidth=0.9, zorder=1))
    size = np.clip(8000 / count, 12, 60)
    fills = np.array(FILLS)[owner % len(FILLS)]
    handles: list[Any] = []
    for label, marker, edge, nodes in groups:
        look: dict[str, Any] = {"marker": marker, "edgecolor": edge, "linewidth": 0.8, "s": size}
        x, y = positions[nodes].T
        axes.scatter(x, y, c=fills[nodes], zorder=2, **look)
        handles.append(axes.scatter([], [], color="0.8", label=label, **look))
    handles += axes.plot([], [], color="k", linewidth=0.9, label="edge between parts")
    axes.set(xlabel="km", ylabel="km", aspect="equal", title=title)
    figure.legend(handles=handles, ncols=2, frameon=False, fontsize=8, loc="outside lower center")
    return figure
