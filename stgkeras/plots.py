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


def errors_in_time(truth, predicted, hours, *, step_minutes=None, title="", units=""):
    """Draws how far forecasts are off, by steps ahead and by hour of the day.

    Args:
        truth: (windows, horizon, …) measured values, NaN where missing.
        predicted: dict of label → forecasts of that shape, at most four.
        hours: (windows, horizon) hours of the day, in [0, 24), of the steps to predict.
        step_minutes: float or None. Minutes from one step to the next; None counts steps.
        title: str, above both.
        units: str. Units of `truth`.

    Returns:
        `matplotlib.figure.Figure`: mean absolute errors over the readings that are there, with a
        gap where none is.

    Raises:
        ValueError: if there are more than four forecasts, or one has another shape.

    Example:
        >>> import numpy as np, stgkeras
        >>> truth, hours = np.zeros((4, 3, 2, 1)), np.arange(4)[:, None] + np.arange(3)
        >>> figure = stgkeras.plots.errors_in_time(truth, {"ours": truth + 2}, hours)
        >>> figure.axes[0].lines[0].get_ydata().tolist()
        [2.0, 2.0, 2.0]
    """
    from matplotlib.figure import Figure

    if len(predicted) > len(_COLORS):
        raise ValueError(
            f"`predicted` must hold at most {len(_COLORS)} forecasts, to be told apart. "
            f"Received: {list(predicted)}"
        )
    shapes = {label: np.shape(forecast) for label, forecast in predicted.items()}
    if set(shapes.values()) - {np.shape(truth)}:
        raise ValueError(
            f"`predicted` must have the shape of `truth`, {np.shape(truth)}. Received: {shapes}"
        )
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    by_step, by_hour = figure.subplots(1, 2, sharey=True)
    windows, horizon = np.shape(hours)
    ahead = np.arange(1, horizon + 1) * (step_minutes or 1)
    hours = np.floor(hours).astype(int)
    steps = np.broadcast_to(np.arange(horizon), hours.shape)
    there = ~np.isnan(truth).reshape(windows, horizon, -1)
    count = there.sum(axis=-1)
    for (label, forecast), color, style in zip(predicted.items(), _COLORS, _STYLES, strict=False):
        error = np.abs(np.asarray(forecast) - truth).reshape(windows, horizon, -1)
        total = np.where(there, error, 0).sum(axis=-1)
        look = {"color": color, "linestyle": style, "marker": ".", "ms": 3, "label": label}
        by_step.plot(ahead, _mean_of_groups(total, count, steps, horizon), **look)
        by_hour.plot(np.arange(24) + 0.5, _mean_of_groups(total, count, hours, 24), **look)
    by_step.set(
        xlabel="minutes ahead" if step_minutes else "steps ahead",
        xticks=ahead[-(-horizon // 4) - 1 :: -(-horizon // 4)],
        ylabel="mean absolute error" + (units and f"\n({units})"),
        ylim=(0, None),
    )
    by_hour.set(xlabel="hour of day", xlim=(0, 24), xticks=range(0, 25, 6))
    figure.legend(
        *by_step.get_legend_handles_labels(), ncols=2, frameon=False, loc="outside lower center"
    )
    figure.get_layout_engine().set(w_pad=0.1)
    figure.suptitle(title)
    return figure


def errors_on_graph(adjacency, errors, positions=None, *, title="", units=""):
    """Draws the graph with its nodes coloured by their errors, the darker the larger.

    Args:
        adjacency: (N, N) array, 0 where there is no edge.
        errors: (N,) of each node, such as its mean absolute error; NaN, where there is none, draws
            a cross.
        positions: (N, 2), km east and north of any point. None lays the nodes out by their edges.
        title: str.
        units: str. Units of `errors`.

    Returns:
        `matplotlib.figure.Figure`.

    Example:
        >>> import numpy as np, stgkeras
        >>> ring = np.roll(np.eye(5), 1, axis=1)
        >>> figure = stgkeras.plots.errors_on_graph(ring, np.arange(5.0), units="km/h")
        >>> [axes.get_ylabel() for axes in figure.axes]
        ['', 'error (km/h)']
    """
    import igraph
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    errors, edges = np.asarray(errors), np.argwhere(adjacency)  # (N,), (E, 2)
    places, missing = positions, np.isnan(errors)
    if places is None:
        places = igraph.Graph(len(errors), edges.tolist()).layout_kamada_kawai().coords
    places = np.asarray(places)
    axes = (figure := Figure(figsize=(5, 4), layout="compressed")).subplots()
    axes.add_collection(LineCollection(places[edges], color="0.8", linewidth=0.7, zorder=1))
    size = np.clip(2000 / len(errors), 10, 80)
    axes.scatter(*places[missing].T, color="k", marker="x", s=size, zorder=2)
    points = axes.scatter(
        *places[~missing].T,
        c=errors[~missing],
        cmap="viridis_r",
        edgecolor="k",
        linewidth=0.5,
        s=size,
        zorder=2,
    )
    figure.colorbar(points, label=f"error{units and f' ({units})'}")
    axes.set_title(title)
    if positions is None:
        axes.axis("off")
    else:
        axes.set(xlabel="km", ylabel="km", aspect="equal")
    return figure


def attention(scores, *, title=""):
    """Draws attention side by side, two in a row: the mean over all windows and heads.

    Args:
        scores: dict of title → (…, n, n) array whose rows sum to 1, such as
            `models.attention_scores` gives: row i attends to column j, nodes, or steps from the
            oldest on.
        title: str, above them all.

    Returns:
        `matplotlib.figure.Figure`.

    Example:
        >>> import numpy as np, stgkeras
        >>> figure = stgkeras.plots.attention({"steps": np.full((8, 3, 3), 1 / 3)})
        >>> figure.axes[0].images[0].get_array().shape
        (3, 3)
    """
    from matplotlib.figure import Figure

    rows, columns = -(-len(scores) // 2), min(2, len(scores))
    figure = Figure(figsize=(3.2 * columns, 2.8 * rows + 0.2), layout="constrained")
    for place, (name, array) in enumerate(scores.items(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        mean = np.mean(array, axis=tuple(range(np.ndim(array) - 2)))
        image = axes.imshow(mean, cmap="Greys", vmin=0, interpolation="nearest")
        axes.set(title=name, xlabel="attended to", ylabel="attending")
        axes.locator_params(integer=True, nbins=6)
        figure.colorbar(image, ax=axes, shrink=0.8, label="share of attention")
    figure.get_layout_engine().set(w_pad=0.1)
    figure.suptitle(title)
    return figure


def _mean_of_groups(total, count, groups, num_groups):
    """Σ total / Σ count of each group; NaN where there is nothing."""
    groups = np.ravel(groups)
    total, count = (np.bincount(groups, np.ravel(a), num_groups) for a in (total, count))
    return np.divide(total, count, out=np.full(num_groups, np.nan), where=count > 0)
