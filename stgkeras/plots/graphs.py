"""Graphs with values on their nodes, and filters on graphs."""

import numpy as np

from stgkeras.plots.looks import COLORS, STYLES, WIDTH


def graph(adjacency, values, positions=None, *, title="", label=""):
    """Draws a graph with its nodes coloured by their values, the darker the larger.

    Args:
        adjacency: (N, N) array, 0 where there is no edge.
        values: (N,) of each node, such as its mean absolute error; NaN, where there is none, draws
            a cross.
        positions: (N, 2), km east and north of any point. None lays the nodes out by their edges.
        title: str.
        label: str. What the values are, with their units.

    Returns:
        `matplotlib.figure.Figure`.

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

    values, edges = np.asarray(values), np.argwhere(adjacency)  # (N,), (E, 2)
    places, missing = positions, np.isnan(values)
    if places is None:
        places = igraph.Graph(len(values), edges.tolist()).layout_kamada_kawai().coords
    places = np.asarray(places)
    axes = (figure := Figure(figsize=(WIDTH, 3.8), layout="compressed")).subplots()
    axes.add_collection(LineCollection(places[edges], color="0.8", linewidth=0.7, zorder=1))
    size = np.clip(2000 / len(values), 10, 80)
    axes.scatter(*places[missing].T, color="k", marker="x", s=size, zorder=2)
    points = axes.scatter(
        *places[~missing].T,
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


def spectral_filters(operators, eigenvalues, eigenvectors, hops, *, title=""):
    """Draws filters on a graph side by side: what they do to frequencies, and how far they reach.

    Above, the response diag(Φᵀ G Φ) of the first four filters of each group. Below, where the
    energy of the answers to an impulse lies, over all filters and nodes, beside an even spread over
    the nodes; a 0 marks distances that nothing reaches.

    Args:
        operators: dict of title → (filters, N, N), a linear map G of each filter: column m is the
            answer to an impulse at node m.
        eigenvalues, eigenvectors: (N,) and (N, N), from `graphs.fourier_basis`.
        hops: (N, N) numbers of edges between nodes, from `scipy.sparse.csgraph.shortest_path` with
            `unweighted=True`. Pairs that no path joins, infinite, are left out.
        title: str, above them all.

    Returns:
        `matplotlib.figure.Figure`.

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

    figure = Figure(figsize=(1.35 * len(operators) + 0.7, 3.8), layout="constrained")
    above, below = figure.subplots(2, len(operators), sharex="row", sharey="row", squeeze=False)
    pairs = _sums_by_distance(np.ones(np.shape(hops)), hops)
    distances, even = np.arange(len(pairs)), pairs / pairs.sum()
    for top, bottom, (name, maps) in zip(above, below, operators.items(), strict=True):
        responses = np.einsum("nk,fnm,mk->fk", eigenvectors, maps, eigenvectors)
        for response, color, style in zip(responses, COLORS, STYLES, strict=False):
            top.plot(eigenvalues, response, color=color, linestyle=style, linewidth=1.1)
        energy = _sums_by_distance(np.square(maps).sum(axis=0), hops)
        bottom.bar(distances, energy / energy.sum(), color="0.6", label="filters")
        bottom.plot(distances, even, "k.--", linewidth=1, label="even spread")
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


def _sums_by_distance(values, hops):
    """Sums of the values (N, N) of all pairs at each distance from 0 on, joined pairs alone."""
    joined = np.isfinite(hops)
    return np.bincount(np.asarray(hops)[joined].astype(int), weights=values[joined])
