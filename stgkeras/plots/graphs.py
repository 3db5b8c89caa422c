"""Figures of node values on a graph, and of graph filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stgkeras import arguments
from stgkeras.plots.checks import by_label, shaped, square, texts
from stgkeras.plots.looks import COLORS, STYLES, WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def graph(
    adjacency: np.ndarray,
    values: np.ndarray,
    positions: np.ndarray | None = None,
    *,
    title: str = "",
    label: str = "",
) -> Figure:
    """Draws a graph with one value per node. Darker colours are larger values.

    Args:
        adjacency: array (N, N). Adjacency matrix, 0 where there is no edge.
        values: array (N,). Value of each node, such as its mean absolute error. Nodes with NaN are
            drawn as crosses.
        positions: array (N, 2), or None. Positions of the nodes in km east and km north of any
            point, such as `Series.positions`. None computes a layout from the edges.
        title: str. Title of the figure.
        label: str. Name and units of the values.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if `adjacency` is not square, or `values` or `positions` do not fit it.

    Example:
        >>> import numpy as np, stgkeras
        >>> ring = np.roll(np.eye(5), 1, axis=1)
        >>> figure = stgkeras.plots.graph(ring, np.arange(5.0), label="speed (km/h)")
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['', 'speed (km/h)']
    """
    import igraph
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    texts(title=title, label=label)
    adjacency = square("adjacency", adjacency)
    values = shaped("values", values, (len(adjacency),), "(nodes)")
    if positions is not None:
        positions = shaped("positions", positions, (len(values), 2), "(nodes, 2)")
    edges = np.argwhere(adjacency)  # (E, 2)
    places, missing = positions, np.isnan(values)
    if places is None:
        places = igraph.Graph(len(values), edges.tolist()).layout_kamada_kawai().coords
    places = np.asarray(places)
    axes = (figure := Figure(figsize=(WIDTH, 3.8), layout="compressed")).subplots()
    axes.add_collection(LineCollection(list(places[edges]), color="0.8", linewidth=0.7, zorder=1))
    size = np.clip(2000 / len(values), 10, 80)
    axes.scatter(places[missing, 0], places[missing, 1], color="k", marker="x", s=size, zorder=2)
    points = axes.scatter(
        places[~missing, 0],
        places[~missing, 1],
        c=values[~missing],
        cmap="viridis_r",
        edgecolor="k",
        linewidth=0.5,
        s=size,
        zorder=2,
    )
    figure.colorbar(points, label=label)
    axes.set_title(title)
    if positions is None:
        axes.axis("off")
    else:
        axes.set(xlabel="km", ylabel="km", aspect="equal")
    return figure


def spectral_filters(
    operators: Mapping[str, np.ndarray],
    eigenvalues: np.ndarray,
    eigenvectors: np.ndarray,
    hops: np.ndarray,
    *,
    title: str = "",
) -> Figure:
    """Draws the frequency response and the reach of graph filters, a column per group of filters.

    The upper row shows the frequency response diag(Φᵀ G Φ) of the first four filters of each group.
    The lower row shows the energy of the impulse responses by distance from the impulse, summed
    over all filters and nodes. The dashed line is the energy if it were spread evenly over the
    nodes. A 0 marks a distance without any energy.

    Args:
        operators: dict of title → array (filters, N, N). The matrix G of each filter. Column m of G
            is the response to an impulse at node m.
        eigenvalues, eigenvectors: arrays (N,) and (N, N), from `graphs.fourier_basis`.
        hops: array (N, N). Distances between nodes in edges, from
            `scipy.sparse.csgraph.shortest_path` with `unweighted=True`. Infinite distances, between
            nodes without a path, are left out.
        title: str. Title of the figure.

    Returns:
        `matplotlib.figure.Figure`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if the numbers of nodes differ.

    Example:
        >>> import numpy as np, stgkeras
        >>> path = np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])
        >>> hops = np.array([[0, 1, 2], [1, 0, 1], [2, 1, 0]])
        >>> filters = {"identity": np.eye(3)[None], "one hop": path[None]}
        >>> basis = stgkeras.graphs.fourier_basis(path)
        >>> figure = stgkeras.plots.spectral_filters(filters, *basis, hops)
        >>> len(figure.axes)
        4
    """
    from matplotlib.figure import Figure

    texts(title=title)
    hops = square("hops", hops)
    count = len(hops)
    eigenvectors = square("eigenvectors", eigenvectors, count)
    eigenvalues = shaped("eigenvalues", eigenvalues, (count,), "(nodes)")
    operators = {
        name: _filters(f"operators[{name!r}]", maps, count)
        for name, maps in by_label("operators", operators, "array (filters, N, N)").items()
    }
    figure = Figure(figsize=(1.35 * len(operators) + 0.7, 3.8), layout="constrained")
    above, below = figure.subplots(2, len(operators), sharex="row", sharey="row", squeeze=False)
    pairs = _sums_by_distance(np.ones(hops.shape), hops)
    distances, even = np.arange(len(pairs)), pairs / pairs.sum()
    for top, bottom, (name, maps) in zip(above, below, operators.items(), strict=True):
        responses = np.einsum("nk,fnm,mk->fk", eigenvectors, maps, eigenvectors)
        for response, color, style in zip(responses, COLORS, STYLES, strict=False):
            top.plot(eigenvalues, response, color=color, linestyle=style, linewidth=1.1)
        energy = _sums_by_distance(np.square(maps).sum(axis=0), hops)
        bottom.bar(distances, energy / energy.sum(), color="0.6", label="filters")
        bottom.plot(distances, even, "k.--", linewidth=1, label="spread evenly")
        for distance in distances[energy == 0]:
            bottom.text(
                distance, 0.02, "0", ha="center", fontsize=7, transform=bottom.get_xaxis_transform()
            )
        top.set_title(name, fontsize=10)
        top.set(xlabel="eigenvalue")
        bottom.set(xlabel="hops", xticks=distances[:: -(-len(distances) // 6)], yscale="log")
    above[0].set_ylabel("response")
    below[0].set_ylabel("share of energy")
    figure.legend(
        *below[0].get_legend_handles_labels(), ncols=2, frameon=False, loc="outside lower center"
    )
    figure.suptitle(title)
    return figure


def _filters(name, maps, count):
    """Returns the operators of filters, (filters, N, N)."""
    found = arguments.array(name, maps, "(filters, nodes, nodes)")
    if found.shape[1:] != (count, count) or not len(found):
        raise ValueError(
            f"`{name}` must have the axes (filters, nodes, nodes), with {count} nodes as in `hops`."
            f" Received: shape {found.shape}. Pass a matrix for each filter."
        )
    return found


def _sums_by_distance(values, hops):
    """Returns the sum of `values` (N, N) over the pairs at each distance 0, 1, 2, …"""
    joined = np.isfinite(hops)
    return np.bincount(hops[joined].astype(int), weights=values[joined])
