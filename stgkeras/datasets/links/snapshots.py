"""Snapshots of a temporal network: one graph for each time step, stored as contacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets.series.splits import Split, cut
from stgkeras.graphs._checks import as_dense, check_flag, check_masked, check_number
from stgkeras.types import Array

if TYPE_CHECKING:
    from stgkeras.datasets.links.contacts import Contacts
    from stgkeras.datasets.links.snapshot_windows import SnapshotWindows

DAY = 86400.0  # seconds
# Time constants of the history of a pair, as multiples of the snapshot width. With snapshots of
# ten minutes the time constants range from one minute to one week.
MOST_STEPS = 10_000_000
CONSTANTS = (0.1, 0.5, 2.0, 6.0, 24.0, 144.0, 1008.0)


@dataclass(frozen=True, eq=False)
class Snapshots:
    """T graphs of N nodes. Each graph contains the contacts of one time step.

    Dense adjacency matrices are computed only when they are needed.

    Args:
        contacts: `Contacts`. The contacts of all steps.
        start: (T,) float64, increasing. Time in seconds at which each step begins.
        width: float. Length of a step in seconds.
        offsets: (T + 1,) int64. Step t has the contacts `offsets[t] … offsets[t + 1] - 1`.
        features: (T, N, 5) float32. Five features of each node:
            log(1 + number of its neighbours);
            log(1 + sum of the weights of its contacts / mean weight of all contacts);
            fraction of the steps so far in which the node had a contact;
            sine and cosine of the time of day.

    `Contacts.snapshots` returns an instance and has an example.
    """

    contacts: Contacts
    start: np.ndarray
    width: float
    offsets: np.ndarray
    features: np.ndarray

    @property
    def directed(self) -> bool:
        """Whether the contacts are directed."""
        return self.contacts.directed

    @property
    def num_steps(self) -> int:
        """Number of snapshots T."""
        return len(self.start)

    @property
    def num_nodes(self) -> int:
        """Number of nodes N."""
        return len(self.contacts.names)

    def adjacency(self, steps: Array) -> np.ndarray:
        """Returns the adjacency matrices of the chosen snapshots.

        Args:
            steps: (B,) ints, or one int. Indices of the snapshots.

        Returns:
            (B, N, N) float32. [n, m] is the sum of the weights of the contacts from m to n, or
            between m and n if the contacts are not directed.

        Raises:
            TypeError: if `steps` are not ints.
            ValueError: if a step is out of range.
        """
        chosen = steps_of("steps", steps, 0, self.num_steps, "the number of snapshots")
        return _adjacency(self.contacts, self.offsets, chosen)

    def split(self, input_length: int = 10, val: float = 0.1, test: float = 0.2) -> Split:
        """Splits the snapshots to predict into training, validation and test parts, in time order.

        The snapshots are divided at `floor(fraction * num_steps)`. A window to predict a snapshot
        of one part may read snapshots of the part before it, as in use.

        Args:
            input_length: int. Number of input graphs of a window. The first `input_length`
                snapshots are only inputs.
            val: float or int. Size of the validation part: a fraction of all snapshots in (0, 1),
                or a number of snapshots.
            test: float or int. Size of the test part. All other snapshots are the training part.

        Returns:
            `Split(train, val, test)` of int arrays, `steps` of `windows`.

        Raises:
            TypeError: if an argument is not a number.
            ValueError: if a part would be empty.

        Example:
            >>> import stgkeras
            >>> snapshots = stgkeras.datasets.make_contacts(num_days=1).snapshots(width=600)
            >>> [(int(part[0]), int(part[-1])) for part in snapshots.split(input_length=10)]
            [(10, 31), (32, 36), (37, 46)]
        """
        check_number("input_length", input_length, "at least 1", lambda v: v >= 1, Integral)
        edges = (input_length, *cut(self.num_steps, val, test), self.num_steps)
        if min(np.diff(edges)) < 1:
            raise ValueError(
                "`input_length` must leave snapshots to predict for training, validation and test. "
                f"Received: input_length={input_length}, val={val}, test={test}. {self.num_steps} "
                "snapshots are too few. Use a smaller `width` or a smaller `input_length`."
            )
        return Split(*(np.arange(*part) for part in zip(edges, edges[1:], strict=False)))

    def windows(
        self,
        steps: np.ndarray | Sequence[int],
        input_length: int = 10,
        history: Sequence[float] = CONSTANTS,
        negatives: int | None = None,
        **kwargs: Any,
    ) -> SnapshotWindows:
        """Returns batches of windows: `input_length` graphs and the links of the next graph.

        Args:
            steps: int array. Snapshots to predict, each at least `input_length`.
            input_length: int. Number of input graphs L in a window.
            history: (H,) numbers. Time constants τ of the history of each pair of nodes, as
                multiples of the snapshot width. An empty tuple gives no history.
            negatives: int ≥ 1, or None. Number of pairs without a link that are sampled for each
                link in training (negative sampling). Every epoch samples new pairs. A model
                trained in this way predicts probabilities that are too high. None: use all pairs.
            **kwargs: arguments of `Windows`, such as `batch_size`, `shuffle` and `seed`.

        Returns:
            A `keras.utils.PyDataset` of inputs `{"x": (B, L, N, 5), "graph": (B, L, N, N),
            "history": (B, N, N, H)}` and targets (B, N, N) of 0 and 1.

            The history of a pair of nodes is log(1 + 300 h_τ) / log(301). h_τ is the sum of
            weight · exp(-age / τ) over all contacts of the pair before the predicted graph. Here
            the weights are divided by the mean weight. One contact of mean weight and age 0
            gives 1. No contact gives 0.

            With `negatives`, the dataset also returns sample weights (B, N, N): 1 for links and
            sampled pairs, 0 for all other pairs.

        Raises:
            TypeError: if an argument has another type.
            ValueError: if there are no steps, a step or a time constant is out of range, or
                `negatives` is less than 1.
        """
        from stgkeras.datasets.links.snapshot_windows import SnapshotWindows  # imports Keras

        check_number("input_length", input_length, "at least 1", lambda v: v >= 1, Integral)
        limits = "from `input_length` to the number of snapshots"
        chosen = steps_of("steps", steps, input_length, self.num_steps, limits)
        if not chosen.size:
            raise ValueError(
                "`steps` must have at least one step. Received: no steps. Pass a part of `split`."
            )
        if negatives is not None:
            check_number("negatives", negatives, "None or at least 1", lambda v: v >= 1, Integral)
        starts = chosen - input_length
        return SnapshotWindows(self, starts, input_length, _constants(history), negatives, **kwargs)

    def latest(
        self, input_length: int = 10, history: Sequence[float] = CONSTANTS
    ) -> dict[str, np.ndarray]:
        """Returns the last graphs as model inputs, to predict the next, unknown graph.

        Args:
            input_length: int. Number of input graphs L.
            history: (H,) numbers. Time constants of the history, as in `windows`.

        Returns:
            dict of inputs as in `windows`, with batch size 1: `{"x": (1, L, N, 5), "graph":
            (1, L, N, N), "history": (1, N, N, H)}`.

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

        limits = f"in [1, {self.num_steps}], the number of snapshots"
        most = self.num_steps
        check_number("input_length", input_length, limits, lambda v: 1 <= v <= most, Integral)
        start = np.array([self.num_steps - input_length])
        return SnapshotWindows(self, start, input_length, _constants(history), ahead=0).inputs(
            start
        )


def steps_of(name: str, steps: Any, low: int, high: int, limits: str) -> np.ndarray:
    """Returns indices of steps or sequences as an int array (B,), after checks.

    Args:
        low, high: int. The indices lie in [low, high).
        limits: str. What the limits are, for the error message.
    """
    check_masked(name, steps)
    try:
        found = np.atleast_1d(np.asarray(steps))
    except ValueError:
        found = np.array(None)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise TypeError(
            f"`{name}` must be a list or array of ints with one axis. Received: {name}="
            f"{steps!r:.200}. Pass indices, such as `range(5)`."
        )
    bad = found[(found < low) | (found >= high)]
    if bad.size:
        raise ValueError(
            f"`{name}` must lie in [{low}, {high}), {limits}. Received: {bad[0]}. Remove this "
            "index."
        )
    return found.astype(np.int64)


def _constants(history):
    """Returns the time constants as a tuple of floats, after checks."""
    taus = as_dense("history", history)
    if taus.ndim != 1 or not ((taus >= 1e-9) & (taus <= 1e12)).all():
        raise ValueError(
            "`history` must be a sequence of numbers from 1e-9 to 1e12. Received: history="
            f"{history!r:.200}. Pass time constants as multiples of the width, or () for none."
        )
    return tuple(taus.tolist())


def cut_snapshots(contacts, width, keep_empty):
    """Returns the snapshots of contacts, see `Contacts.snapshots`."""
    condition = "above 0 and at most 1e11, in seconds"
    check_number("width", width, condition, lambda value: 0 < value <= 1e11)
    check_flag("keep_empty", keep_empty)
    width = float(width)
    with np.errstate(over="ignore", invalid="ignore"):
        first, last = contacts.time[0] / width, contacts.time[-1] / width  # the times rise
    if keep_empty and last - first >= MOST_STEPS:
        raise ValueError(
            f"`width` must give at most {MOST_STEPS:,} steps with `keep_empty`. Received: "
            f"width={width}, which gives {last - first:.3g}. Use wider steps, or leave out empty "
            "steps."
        )
    if not max(abs(first), abs(last)) < 2**53:
        raise ValueError(
            "`width` must not be so small that steps cannot be counted. Received: width="
            f"{width}, for times up to {np.abs(contacts.time).max()} s. Use wider steps."
        )
    number = np.floor(contacts.time / width).astype(np.int64)  # rising
    steps = np.arange(number[0], number[-1] + 1) if keep_empty else np.unique(number)
    offsets = np.append(np.searchsorted(number, steps), len(number))
    start = steps * width
    return Snapshots(contacts, start, width, offsets, _features(contacts, start, offsets))


def _adjacency(contacts, offsets, steps):
    """Sums the weights of the contacts of each step: (B, N, N) float32."""
    nodes = len(contacts.names)
    dense = np.zeros((len(steps), nodes, nodes), "float32")
    for graph, step in zip(dense, steps, strict=True):
        part = slice(offsets[step], offsets[step + 1])
        np.add.at(graph, (contacts.target[part], contacts.source[part]), contacts.weight[part])
    return dense if contacts.directed else dense + dense.swapaxes(1, 2)


def _features(contacts, start, offsets):
    """Computes the features (T, N, 5) of the nodes, see `Snapshots`."""
    features = np.zeros((len(start), len(contacts.names), 5), "float32")
    for step in np.flatnonzero(np.diff(offsets)):  # the steps with contacts
        nodes = features[step]
        graph = _adjacency(contacts, offsets, [step])[0]
        both = graph + graph.T if contacts.directed else graph
        nodes[:, 0] = np.log1p((both > 0).sum(axis=1))
        nodes[:, 1] = np.log1p(both.sum(axis=1) / contacts.weight.mean())
    met = features[..., 0] > 0
    features[..., 2] = np.cumsum(met, axis=0) / np.arange(1, len(start) + 1)[:, None]
    angle = 2 * np.pi * start[:, None] / DAY
    features[..., 3], features[..., 4] = np.sin(angle), np.cos(angle)
    return features
