"""Batches of windows of snapshots, and the history of each pair of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets.series.batches import Batches
from stgkeras.datasets.series.starts import checked_starts
from stgkeras.types import Array

if TYPE_CHECKING:
    from stgkeras.datasets.links.snapshots import Snapshots


class SnapshotWindows(Batches):
    """Keras dataset of windows of snapshots. `Snapshots.windows` creates it."""

    def __init__(
        self,
        snapshots: Snapshots,
        starts: Array,
        input_length: int,
        history: tuple[float, ...],
        negatives: int | None = None,
        batch_size: int = 16,
        shuffle: bool = False,
        seed: int = 0,
        ahead: int = 1,
        **kwargs: Any,
    ) -> None:
        starts = checked_starts(starts, snapshots.num_steps, 0, input_length + ahead)
        super().__init__(starts, batch_size, shuffle, seed, **kwargs)
        if negatives is not None and negatives < 1:
            raise ValueError(
                f"`negatives` must be None or at least 1. Received: negatives={negatives}"
            )
        self.snapshots, self.input_length, self.negatives = snapshots, input_length, negatives
        self.history = history
        self.directed = snapshots.directed  # models and scores compare it with their own
        self._pairs, self._history = _pair_history(snapshots, history)

    def batch(self, starts: np.ndarray, epoch: int) -> tuple:
        y = self.snapshots.adjacency(starts + self.input_length) > 0
        x, y = self.inputs(starts), y.astype("float32")
        return (x, y) if self.negatives is None else (x, y, self._sample(y, starts, epoch))

    def inputs(self, starts: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the inputs of the windows with the first steps `starts`."""
        steps = starts[:, None] + np.arange(self.input_length)  # (B, L)
        nodes = self.snapshots.num_nodes
        graph = self.snapshots.adjacency(steps.ravel())
        x = {
            "x": self.snapshots.features[steps],
            "graph": graph.reshape(*steps.shape, nodes, nodes),
        }
        ahead = starts + self.input_length
        if self._history.size:
            source, target = self._pairs
            dense = np.zeros((len(ahead), nodes, nodes, self._history.shape[-1]), "float32")
            dense[:, target, source] = self._history[ahead]
            if not self.snapshots.contacts.directed:
                dense[:, source, target] = self._history[ahead]
            x["history"] = dense
        return x

    def _sample(self, graphs, starts, epoch):
        """Returns sample weights (B, N, N): 1 for links and for some pairs without a link."""
        directed = self.snapshots.contacts.directed
        counts = np.copy(graphs)
        for graph, start in zip(counts, starts, strict=True):
            others = 1 - graph - np.eye(len(graph))
            others = np.argwhere(others if directed else np.triu(others))
            wanted = self.negatives * max(1, int(graph.sum()) // (1 if directed else 2))
            rng = np.random.default_rng((self.seed, epoch, start))
            chosen = rng.choice(others, min(wanted, len(others)), replace=False).T
            graph[*chosen] = 1
            if not directed:
                graph[*chosen[::-1]] = 1
        return counts


def _pair_history(snapshots, constants):
    """Computes the history of each pair of nodes that has a contact.

    Returns:
        The pairs (source, target), (2, P), and the histories of the pairs (T + 1, P, H). The
        histories are computed at the beginning of each snapshot and at the end of the last one.
    """
    contacts, offsets = snapshots.contacts, snapshots.offsets
    start = np.append(snapshots.start, snapshots.start[-1] + snapshots.width)
    ends, taus = np.stack([contacts.source, contacts.target]), snapshots.width * np.array(constants)
    if not contacts.directed:
        ends = np.sort(ends, axis=0)
    pairs, pair = np.unique(ends, axis=1, return_inverse=True)
    pair, weight = pair.ravel(), contacts.weight / contacts.weight.mean()
    history = np.zeros((len(start), pairs.shape[1], len(taus)), "float32")
    now = np.zeros(history.shape[1:])
    for step in range(1, len(start) if len(taus) else 0):
        part = slice(offsets[step - 1], offsets[step])
        age = start[step] - contacts.time[part]
        now *= np.exp((start[step - 1] - start[step]) / taus)
        np.add.at(now, pair[part], weight[part, None] * np.exp(-age[:, None] / taus))
        history[step] = np.log1p(300 * now) / np.log(301)
    return pairs, history
