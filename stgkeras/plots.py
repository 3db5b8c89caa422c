"""Pictures of forecasts and graphs. Matplotlib is imported when a function is called."""

import numpy as np

_COLORS = ("C0", "C3", "C2", "C4")
_STYLES = ("-", "--", "-.", ":")  # told apart in greyscale too


def forecast(truth, predicted, steps, *, step_minutes=None, title="", units=""):
    """Draws what was measured at one sensor, and what had been forecast for the same times.

    Args:
        truth: (windows, horizon) measured values of consecutive windows.
        predicted: (windows, horizon) forecasts of the same windows.
        steps: dict of label → step ahead, 1 being the first, such as {"15 min": 3}.
        step_minutes: float or None. Minutes from one step to the next; None counts steps.
        title: str.
        units: str. Label of the value axis.

    Returns:
        `matplotlib.figure.Figure`.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth = np.arange(9.0)[:, None] + np.arange(3)
        >>> figure = stgkeras.plots.forecast(truth, truth + 1, {"3 steps": 3})
        >>> len(figure.axes[0].lines)
        2
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    time = np.arange(len(truth)) * (step_minutes / 60 if step_minutes else 1)
    axes.plot(time, truth[:, 0], color="0.65", linewidth=2.5, label="measured")
    for (label, step), color, style in zip(steps.items(), _COLORS, _STYLES, strict=False):
        ahead = step - 1  # window i forecasts the time of window i + ahead
        axes.plot(
            time[ahead:],
            predicted[: len(truth) - ahead, ahead],
            color=color,
            linestyle=style,
            linewidth=1.2,
            label=f"forecast {label} before",
        )
    axes.set(title=title, xlabel="hours" if step_minutes else "steps", ylabel=units)
    axes.margins(x=0)
    axes.legend(ncols=len(steps) + 1, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.2))
    return figure


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

    figure = Figure(figsize=(2.9 * len(matrices) + 0.5, 3.1), layout="constrained")
    all_axes = np.atleast_1d(figure.subplots(1, len(matrices), sharey=True))
    for axes, (name, matrix) in zip(all_axes, matrices.items(), strict=True):
        image = axes.imshow(matrix, cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
        axes.set(title=name, xlabel="node")
    all_axes[0].set_ylabel("node")
    figure.colorbar(image, ax=list(all_axes), shrink=0.8, label="probability of a link")
    figure.get_layout_engine().set(h_pad=0.12)
    figure.suptitle(title)
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

    figure = Figure(figsize=(2.1 * len(operators) + 0.6, 4.4), layout="constrained")
    above, below = figure.subplots(2, len(operators), sharex="row", sharey="row", squeeze=False)
    pairs = _sums_by_distance(np.ones(np.shape(hops)), hops)
    distances, even = np.arange(len(pairs)), pairs / pairs.sum()
    for top, bottom, (name, maps) in zip(above, below, operators.items(), strict=True):
        responses = np.einsum("nk,fnm,mk->fk", eigenvectors, maps, eigenvectors)
        for response, color, style in zip(responses, _COLORS, _STYLES, strict=False):
            top.plot(eigenvalues, response, color=color, linestyle=style, linewidth=1.1)
        energy = _sums_by_distance(np.square(maps).sum(axis=0), hops)
        bottom.bar(distances, energy / energy.sum(), color="0.6", label="filters")
        bottom.plot(distances, even, "k.--", linewidth=1, label="even spread")
        for distance in distances[energy == 0]:
            bottom.text(distance, 0.02, "0", ha="center", transform=bottom.get_xaxis_transform())
        top.set(title=name, xlabel="eigenvalue")
        bottom.set(xlabel="hops", xticks=distances, yscale="log")
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
