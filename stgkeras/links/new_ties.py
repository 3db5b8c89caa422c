"""The most probable links between nodes that had no link before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np

from stgkeras import arguments

if TYPE_CHECKING:
    import pandas as pd

    from stgkeras.datasets import Snapshots


def new_ties(model: keras.Model, snapshots: Snapshots, most: int = 10) -> pd.DataFrame:
    """Predicts the graph after the last snapshot, and lists the most probable new ties.

    A new tie is a link between two nodes that have no contact in any snapshot.

    Args:
        model: trained link predictor, which returns probabilities (batch, N, N).
        snapshots: `Snapshots` with at least `model.input_length` steps.
        most: int ≥ 1. Largest number of links. Default 10.

    Returns:
        pandas frame with the columns "source", "target", the names of the nodes, and
        "probability", in descending order. Undirected links have source and target in the order of
        `snapshots.contacts.names`.

    Raises:
        ValueError: if `most` is less than 1, or there are too few snapshots.

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
    probability = model.predict(snapshots.latest(model.input_length), verbose=0)[0]
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
