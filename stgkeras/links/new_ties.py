"""The most probable links between nodes that had no link before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from stgkeras import arguments
from stgkeras.datasets import Snapshots
from stgkeras.links import predictions

if TYPE_CHECKING:
    import pandas as pd


def new_ties(
    model: keras.Model,
    snapshots: Snapshots,
    most: int = 10,
    history: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Predicts the graph after the last snapshot, and lists the most probable new ties.

    A new tie is a link between two nodes that have no contact in any snapshot.

    Args:
        model: trained link predictor, which returns probabilities (batch, N, N).
        snapshots: `Snapshots` with at least `model.input_length` steps.
        most: int ≥ 1. Largest number of links. Default 10.
        history: time constants of the history that the model reads, as in `Snapshots.windows`.
            Default: those of `Snapshots.windows`, and none for a model without a history.

    Returns:
        pandas frame with the columns "source", "target", the names of the nodes, and
        "probability", in descending order. Undirected links have source and target in the order of
        `snapshots.contacts.names`.

    Raises:
        TypeError: if `model` is no link predictor, or `snapshots` are no `Snapshots`.
        ValueError: if `most` is less than 1, there are too few snapshots, or they do not fit the
            model.

    Example:
        >>> import stgkeras
        >>> snapshots = stgkeras.datasets.make_contacts(num_days=1).snapshots(width=600)
        >>> model = stgkeras.models.STGCNLinkPredictor(30, num_features=5, units=4, num_blocks=1,
        ...     decoder="pairwise", num_history=7)
        >>> table = stgkeras.links.new_ties(model, snapshots, most=3)
        >>> table.shape, list(table)
        ((3, 3), ['source', 'target', 'probability'])
    """
    import pandas as pd

    most = arguments.integer("most", most)
    predictions.check_model(model)
    fix = "Pass the result of `Contacts.snapshots`."
    arguments.instance("snapshots", snapshots, Snapshots, fix)
    wanted = getattr(model, "directed", None)
    predictions.check_direction("snapshots", snapshots.directed, "model", wanted)
    length = arguments.integer("model.input_length", getattr(model, "input_length", None))
    inputs_of = predictions.input_names(model)
    if history is None and inputs_of and "history" not in inputs_of:
        history = ()
    more = {} if history is None else {"history": history}
    inputs = snapshots.latest(length, **more)
    predictions.check_inputs("snapshots", inputs, model)
    probability = model.predict(inputs, verbose=0)[0]
    contacts, new = snapshots.contacts, ~np.eye(snapshots.num_nodes, dtype=bool)
    new[contacts.target, contacts.source] = False
    if not snapshots.directed:
        new[contacts.source, contacts.target] = False
    target, source = np.nonzero(new if snapshots.directed else np.triu(new))
    order = np.argsort(-probability[target, source], kind="stable")[:most]
    target, source = target[order], source[order]
    first, second = (source, target) if snapshots.directed else (target, source)
    names = contacts.names
    columns = {"source": names[first], "target": names[second]}
    return pd.DataFrame(columns).assign(probability=probability[target, source])


def first_contact_rate(snapshots: Snapshots, steps: np.ndarray) -> float:
    """Returns the mean probability of a first contact in a step, over pairs and `steps`.

    Only pairs without an earlier contact count.
    """
    contacts = snapshots.contacts
    ends = np.stack([contacts.source, contacts.target])
    _, first = np.unique(ends if contacts.directed else np.sort(ends, axis=0), True, axis=1)
    step = np.searchsorted(snapshots.offsets, first, side="right") - 1  # of each first contact
    pairs = snapshots.num_nodes * (snapshots.num_nodes - 1) // (1 if contacts.directed else 2)
    open_pairs = sum(pairs - np.count_nonzero(step < one) for one in steps)
    return float(np.isin(step, steps).sum() / max(1, open_pairs))
