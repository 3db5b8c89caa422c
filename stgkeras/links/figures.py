"""Figures of a link predictor on test data, beside baselines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from stgkeras import arguments, metrics, plots
from stgkeras.links import predictions
from stgkeras.links.new_ties import first_contact_rate, new_ties
from stgkeras.links.predictions import baselines, truth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DAY = 86400  # seconds


def figures(
    model: keras.Model, test: Any, name: str | None = None, title: str = ""
) -> dict[str, Figure]:
    """Draws the predictions of a link predictor on test data.

    Args:
        model: trained link predictor, which returns probabilities (batch, N, N).
        test: windows of the test part, from `Snapshots.windows`, not shuffled.
        name: str or None. Name of the model in legends. Default None: the name of its class.
        title: str. Name of the data set, for the titles. Default "".

    Returns:
        dict of `matplotlib.figure.Figure`: "next_graph", the prediction of the test graph with the
        most links; "new_ties", the most probable new ties after the last snapshot, beside the
        share of pairs that met for the first time in a test step; and "reliability", observed by
        predicted frequency of links, beside the exponential mean of the window.

    Raises:
        TypeError: if `test` are no windows of snapshots, or `model` is no link predictor.
        ValueError: if windows are shuffled or have sample weights, do not fit the model, or no
            test graph has a link.

    Example:
        >>> import stgkeras
        >>> snapshots = stgkeras.datasets.make_contacts(num_days=2).snapshots(width=600)
        >>> model = stgkeras.models.STGCNLinkPredictor(30, num_features=5, units=4, num_blocks=1,
        ...     decoder="pairwise", num_history=7)
        >>> found = stgkeras.links.figures(model, snapshots.windows(range(75, 95)), title="office")
        >>> list(found)
        ['next_graph', 'new_ties', 'reliability']
    """
    predictions.check_model(model)
    predictions.check_snapshots("test", test)
    predictions.check_inputs("test", test[0][0], model)
    wanted = getattr(model, "directed", None)
    predictions.check_direction("test", test.directed, "model", wanted)
    arguments.text("title", title)
    snapshots, graphs = test.snapshots, truth(test)
    pairs, names = {"directed": test.directed}, snapshots.contacts.names
    name = type(model).__name__ if name is None else arguments.text("name", name)
    start = f"{title}: " if title else ""
    probability, others = model.predict(test, verbose=0), baselines(test)
    fullest = int(np.argmax(graphs.sum(axis=(1, 2))))
    step = int(test.starts[fullest]) + test.input_length
    kept, links = (
        int((graphs[fullest] * one[fullest]).sum()) // (1 if test.directed else 2)
        for one in (others["last graph"], graphs)
    )
    baseline = f"{kept} of {links} links were in the last graph"
    found = {
        "next_graph": plots.predicted_links(
            graphs[fullest],
            probability[fullest],
            names,
            **pairs,
            title=f"{start}{_clock(snapshots, step)}\n{baseline}",
        )
    }
    join = " → " if test.directed else " – "
    new = new_ties(model, snapshots, history=test.history)
    bars = dict(zip(new["source"] + join + new["target"], new["probability"], strict=True))
    rate = first_contact_rate(snapshots, test.starts + test.input_length)
    last = _clock(snapshots, snapshots.num_steps - 1)
    found["new_ties"] = plots.likely_links(
        bars,
        title=f"{start}new ties in the graph\nafter {last}",
        baselines={"share of pairs with a first contact in a test step": rate},
    )
    curves = {name: probability, "exponential mean": others["exponential mean"]}
    found["reliability"] = plots.reliability(
        {key: metrics.reliability(graphs, one, 40, **pairs) for key, one in curves.items()},
        title=f"{start}test part",
    )
    return found


def _clock(snapshots, step):
    """Returns the day and the time of day of a snapshot, counted from the first midnight."""
    start = snapshots.start[step]
    end = start + snapshots.width
    day, last = int(start // DAY) + 1, int(-(-end // DAY))
    if snapshots.width >= DAY:
        return f"day {day}" if day == last else f"days {day} to {last}"
    begin, until = (f"{int(t % DAY) // 3600:02d}:{int(t % 3600) // 60:02d}" for t in (start, end))
    return f"day {day}, {begin} to {until}"
