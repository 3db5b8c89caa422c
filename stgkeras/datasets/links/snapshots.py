"""Snapshots of a network that changes: stored sparse, and given dense a few at a time."""

from dataclasses import dataclass

import numpy as np

DAY = 86400.0  # seconds
# Of the pair histories, in widths of a snapshot: from a tenth of one to a week of ten minutes.
CONSTANTS = (0.1, 0.5, 2.0, 6.0, 24.0, 144.0, 1008.0)


@dataclass(frozen=True, eq=False)
class Snapshots:
    """T graphs on N nodes, each of the contacts in a step of time.

    Args:
        contacts: `Contacts` that they are cut from.
        start: (T,) float64, seconds at which each begins, rising.
        width: float, seconds.
        offsets: (T + 1,) int64: snapshot t has the contacts `offsets[t] … offsets[t + 1] - 1`.
        features: (T, N, 5) float32 of each node: logarithm of 1 + its neighbours, and of 1 + its
            weight, in mean weights of a contact; share of the snapshots so far that it met anyone
            in; sine and cosine of the time of day.
    """

    contacts: object
    start: np.ndarray
    width: float
    offsets: np.ndarray
    features: np.ndarray

    @property
    def num_steps(self):
        return len(self.start)

    @property
    def num_nodes(self):
        return len(self.contacts.names)

    def adjacency(self, steps):
        """The graphs of some snapshots.

        Args:
            steps: (B,) ints.

        Returns:
            (B, N, N) float32: [n, m] is the weight of the contacts from m to n, or between them.
        """
        return _adjacency(self.contacts, self.offsets, steps)

    def windows(self, steps, input_length=10, history=CONSTANTS, negatives=None, **kwargs):
        """Batches of `input_length` graphs, and the links of the graph that follows them.

        Args:
            steps: int array, the snapshots to predict, each at least `input_length`.
            input_length: int. Graphs L that a window reads.
            history: (H,) time constants of the pairs' history, in widths of a snapshot; () leaves
                it out.
            negatives: None, or int ≥ 1, for training: pairs without a link, drawn anew in every
                epoch, that count for each link of a graph. Probabilities learned so come out too
                high.
            **kwargs: `batch_size`, `shuffle`, `seed` … of `Windows`.

        Returns:
            A `keras.utils.PyDataset` of `{"x": (B, L, N, 5), "graph": (B, L, N, N), "history":
            (B, N, N, H)}` and (B, N, N) of 0 and 1. The history of a pair is log(1 + 300 h_τ) /
            log(301): h_τ sums the weights of all its contacts until the graph to predict begins, in
            mean weights, each times exp(-age / τ). A contact that just ended gives 1, none 0. With
            `negatives` also sample weights (B, N, N): 1 for links and what was drawn, else 0.

        Raises:
            ValueError: if a step is out of range, or `negatives` below 1.
        """
        from stgkeras.datasets.links.snapshot_windows import SnapshotWindows  # imports Keras

        steps = np.atleast_1d(steps)
        bad = steps[(steps < input_length) | (steps >= self.num_steps)]
        if bad.size:
            raise ValueError(
                f"`steps` must lie in [{input_length}, {self.num_steps}), from `input_length` to "
                f"the number of snapshots. Received: step {bad[0]}"
            )
        starts = steps - input_length
        return SnapshotWindows(self, starts, input_length, tuple(history), negatives, **kwargs)

    def latest(self, input_length=10, history=CONSTANTS):
        """The window of the last graphs, to predict the one after the last.

        Args:
            input_length, history: as in `windows`.

        Returns:
            The inputs of `windows`, with a batch axis of 1.

        Raises:
            ValueError: if there are fewer than `input_length` graphs.

        Example:
            >>> import stgkeras
            >>> contacts = stgkeras.datasets.contacts_from_arrays([0, 20, 650], "aab", "bcc")
            >>> inputs = contacts.snapshots(width=600).latest(input_length=2)
            >>> inputs["graph"].shape, inputs["history"].shape
            ((1, 2, 3, 3), (1, 3, 3, 7))
        """
        from stgkeras.datasets.links.snapshot_windows import SnapshotWindows  # imports Keras

        if not 1 <= input_length <= self.num_steps:
            raise ValueError(
                f"`input_length` must lie in [1, {self.num_steps}], the number of snapshots. "
                f"Received: input_length={input_length}"
            )
        start = np.array([self.num_steps - input_length])
        return SnapshotWindows(self, start, input_length, tuple(history), ahead=0).inputs(start)


def cut_snapshots(contacts, width, keep_empty):
    """The snapshots of contacts, see `Contacts.snapshots`."""
    if not width > 0:
        raise ValueError(f"`width` must be above 0, in seconds. Received: width={width!r}")
    number = np.floor(contacts.time / width).astype(np.int64)  # rising
    steps = np.arange(number[0], number[-1] + 1) if keep_empty else np.unique(number)
    offsets = np.append(np.searchsorted(number, steps), len(number))
    start = steps * float(width)
    return Snapshots(contacts, start, float(width), offsets, _features(contacts, start, offsets))


def _adjacency(contacts, offsets, steps):
    """(B, N, N) float32 weights of the contacts of each step."""
    nodes = len(contacts.names)
    dense = np.zeros((len(steps), nodes, nodes), "float32")
    for graph, step in zip(dense, steps, strict=True):
        part = slice(offsets[step], offsets[step + 1])
        np.add.at(graph, (contacts.target[part], contacts.source[part]), contacts.weight[part])
    return dense if contacts.directed else dense + dense.swapaxes(1, 2)


def _features(contacts, start, offsets):
    """(T, N, 5), see `Snapshots`."""
    features = np.zeros((len(start), len(contacts.names), 5), "float32")
    for step, nodes in enumerate(features):
        graph = _adjacency(contacts, offsets, [step])[0]
        both = graph + graph.T if contacts.directed else graph
        nodes[:, 0] = np.log1p((both > 0).sum(axis=1))
        nodes[:, 1] = np.log1p(both.sum(axis=1) / contacts.weight.mean())
    met = features[..., 0] > 0
    features[..., 2] = np.cumsum(met, axis=0) / np.arange(1, len(start) + 1)[:, None]
    angle = 2 * np.pi * start[:, None] / DAY
    features[..., 3], features[..., 4] = np.sin(angle), np.cos(angle)
    return features
