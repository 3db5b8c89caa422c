"""Generated sequences of random graphs. Their parameters change at change points."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from stgkeras.datasets.cache import cache_folder
from stgkeras.datasets.links.contact_fields import ends
from stgkeras.datasets.links.graph_sequences import KINDS, MIN_SEGMENT, draw_sequence
from stgkeras.datasets.links.node_features import node_features
from stgkeras.datasets.links.snapshots import steps_of
from stgkeras.datasets.series.splits import PARTS, Split, cut
from stgkeras.graphs._checks import check_number
from stgkeras.types import Array

if TYPE_CHECKING:
    from stgkeras.datasets.series.windows import Windows

MOST_BYTES = 64 * 2**30
FORMAT_VERSION = 1  # of the cached files; increase it when the generated numbers change


@dataclass(frozen=True)
class DynamicGraphs:
    """S sequences of T graphs with N nodes.

    Args:
        adjacency: (S, T, N, N) uint8, symmetric, with zero diagonal.
        features: (S, T, N, 6) float32. `node_features` of each graph.
        kinds: (S,) str. Random graph model of each sequence.
        parameters: (S, T, 2) float64. Parameters of the random graph model at each step: (m, NaN)
            for "barabasi_albert", (NaN, p) for "erdos_renyi", (k, p) for "newman_watts".
        change_points: tuple of S tuples. Steps at which the parameters change.

    `load_dynamic_graphs` returns an instance and has an example.
    """

    adjacency: np.ndarray
    features: np.ndarray
    kinds: np.ndarray
    parameters: np.ndarray
    change_points: tuple[tuple[int, ...], ...]

    @property
    def num_steps(self) -> int:
        """Number of graphs T in a sequence."""
        return self.adjacency.shape[1]

    @property
    def num_nodes(self) -> int:
        """Number of nodes N."""
        return self.adjacency.shape[-1]

    def windows(self, sequences: Array, input_length: int = 10, **kwargs: Any) -> Windows:
        """Returns batches of windows: `input_length` graphs and the adjacency of the next graph.

        Args:
            sequences: int array. Indices of the sequences. Each window lies within one sequence.
            input_length: int. Number of input graphs L in a window.
            **kwargs: arguments of `Windows`, such as `batch_size`, `shuffle` and `seed`.

        Returns:
            `Windows` with inputs `{"x": (B, L, N, 6), "graph": (B, L, N, N)}` and targets
            (B, N, N). The attribute `starts` numbers the steps of all sequences in one row:
            `sequence * num_steps + step`.

        Raises:
            ValueError: if a sequence or `input_length` is out of range.
        """
        from stgkeras.datasets.series.windows import Windows  # imports Keras

        features, adjacency = (a.reshape(-1, *a.shape[2:]) for a in (self.features, self.adjacency))
        count = len(self.kinds)
        chosen = steps_of("sequences", sequences, 0, count, "the number of sequences")
        if not len(chosen):
            raise ValueError(
                "`sequences` must have at least one sequence. Received: an empty array. Pass a "
                "part of `split_sequences`."
            )
        limits, most = f"in [1, {self.num_steps})", self.num_steps
        check_number("input_length", input_length, limits, lambda v: 1 <= v < most, Integral)
        starts = chosen[:, None] * self.num_steps + np.arange(self.num_steps - input_length)
        inputs = {"x": features, "graph": adjacency}
        return Windows(
            inputs, adjacency, starts.ravel(), input_length=input_length, horizon=None, **kwargs
        )


def load_dynamic_graphs(
    kinds: str | Sequence[str] = KINDS,
    num_sequences: int = 40,
    num_nodes: int = 30,
    num_steps: int = 200,
    seed: int = 0,
    cache_dir: str | os.PathLike[str] | None = None,
) -> DynamicGraphs:
    """Generates sequences of random graphs with change points, or reads them from the cache.

    All graphs of a sequence have the same kind. One to three change points divide the sequence
    into segments of at least 30 steps. In a segment, the parameters are constant, and each graph
    is a new sample from one of these random graph models of networkx:

    - `barabasi_albert_graph(N, m)`, m in 2 … 5;
    - `erdos_renyi_graph(N, p)`, p in [0.1, 0.2];
    - `newman_watts_strogatz_graph(N, k, p)`, k in 2 … 6, p in [0.1, 0.3].

    At a change point one parameter (m, p, or one of k and p) changes by at least 30 % of its
    value. networkx links each node of a Newman-Watts graph to k // 2 neighbours on each side.
    Therefore each new k has another value of k // 2. The nodes are numbered as in networkx. In
    Barabási-Albert graphs the first nodes are the hubs. In Newman-Watts graphs, neighbours on the
    ring have consecutive numbers.

    Args:
        kinds: one or a tuple of `"barabasi_albert"`, `"erdos_renyi"` and `"newman_watts"`.
            Sequence i has the kind `kinds[i % len(kinds)]`.
        num_sequences: int. Number of sequences S.
        num_nodes: int ≥ 8. Number of nodes N.
        num_steps: int ≥ 60. Number of graphs T in a sequence.
        seed: int. Equal arguments give equal arrays.
        cache_dir: folder of the cache. Default: `datasets/stgkeras` in the Keras home
            (`KERAS_HOME` or `~/.keras`). A file that cannot be read is generated again.

    Returns:
        `DynamicGraphs`.

    Raises:
        ValueError: if a kind is unknown or a size too small.

    Example:
        >>> import stgkeras, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     graphs = stgkeras.datasets.load_dynamic_graphs(
        ...         num_sequences=3, num_nodes=10, num_steps=60, cache_dir=folder)
        >>> graphs.adjacency.shape, graphs.features.shape, graphs.change_points
        ((3, 60, 10, 10), (3, 60, 10, 6), ((30,), (30,), (30,)))
    """
    arguments = {
        "kinds": kinds,
        "num_sequences": num_sequences,
        "num_nodes": num_nodes,
        "num_steps": num_steps,
        "seed": seed,
    }
    _check_arguments(**arguments)
    arguments["kinds"] = (kinds,) if isinstance(kinds, str) else tuple(map(str, kinds))
    digest = hashlib.sha256(json.dumps(arguments, default=int).encode()).hexdigest()[:16]
    path = cache_folder(cache_dir) / f"dynamic_graphs_v{FORMAT_VERSION}_{digest}.npz"
    graphs = _read(path) if path.exists() else None
    if graphs is None:
        graphs = _generate(**arguments)
        _write(path, graphs)
    return graphs


def split_sequences(kinds: Array, val: float = 0.2, test: float = 0.2, seed: int = 0) -> Split:
    """Splits the sequences of each kind at random into training, validation and test parts.

    Args:
        kinds: (S,) str. Kind of each sequence: `graphs.kinds`.
        val: float in [0, 1) or int. Fraction or number of the sequences of each kind for the
            validation part.
        test: float or int. The same for the test part. All other sequences are the training part.
        seed: int. Seed of the random split.

    Returns:
        `Split(train, val, test)` of sorted int arrays of sequences.

    Raises:
        TypeError: if `val`, `test` or `seed` is not a number.
        ValueError: if a part that should not be empty is empty, or `kinds` holds no names.

    Example:
        >>> import stgkeras
        >>> split = stgkeras.datasets.split_sequences(["erdos_renyi"] * 5 + ["newman_watts"] * 5)
        >>> [len(part) for part in split]
        [6, 2, 2]
    """
    check_number("seed", seed, "at least 0", lambda value: value >= 0, Integral)
    names, rng = ends("kinds", kinds), np.random.default_rng(seed)
    parts: tuple[list[int], ...] = ([], [], [])
    for kind in np.unique(names):
        members = rng.permutation(np.flatnonzero(names == kind))
        for part, chosen in zip(
            parts, np.split(members, cut(len(members), val, test)), strict=True
        ):
            part.extend(chosen.tolist())
    for name, amount, part in zip(PARTS, (1, val, test), parts, strict=True):
        if amount and not part:
            raise ValueError(
                f"`kinds` must have more sequences, so that the {name} part holds at least one. "
                f"Received: {len(names)} sequences, val={val}, test={test}. Load more sequences."
            )
    return Split(*(np.sort(np.array(part, dtype=np.int64)) for part in parts))


def _check_arguments(kinds, num_sequences, num_nodes, num_steps, seed):
    found = [kinds] if isinstance(kinds, str) else kinds
    found = found.tolist() if isinstance(found, np.ndarray) else found
    listed = isinstance(found, (list, tuple)) and len(found)
    if not listed or not all(isinstance(kind, str) and kind in KINDS for kind in found):
        raise ValueError(f"`kinds` must be one or more of {KINDS}. Received: kinds={kinds!r}")
    sizes = (("num_sequences", num_sequences, 1), ("num_nodes", num_nodes, 8))
    for name, value, least in (
        *sizes,
        ("num_steps", num_steps, 2 * MIN_SEGMENT),
        ("seed", seed, 0),
    ):
        is_int = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not is_int or value < least:
            raise ValueError(
                f"`{name}` must be an int of at least {least}. Received: {name}={value!r}"
            )
    size = int(num_sequences) * int(num_steps) * int(num_nodes) ** 2  # bytes
    if size > MOST_BYTES:
        raise ValueError(
            "`num_sequences`, `num_steps` and `num_nodes` must give less than 64 GiB of graphs. "
            f"Received: num_sequences={num_sequences}, num_steps={num_steps}, num_nodes="
            f"{num_nodes}, which give {size / 2**30:.3g} GiB. Reduce them."
        )


def _generate(kinds, num_sequences, num_nodes, num_steps, seed):
    from tqdm import tqdm

    names = [kinds[s % len(kinds)] for s in range(num_sequences)]
    adjacency = np.zeros((num_sequences, num_steps, num_nodes, num_nodes), dtype=np.uint8)
    features = np.zeros((num_sequences, num_steps, num_nodes, 6), dtype=np.float32)
    parameters, changes = [], []
    for s, kind in enumerate(tqdm(names, desc="Generating graphs", disable=None)):
        adjacency[s], values, points = draw_sequence(kind, num_nodes, num_steps, (seed, s))
        features[s] = node_features(adjacency[s])
        parameters.append(values)
        changes.append(points)
    return DynamicGraphs(adjacency, features, np.array(names), np.stack(parameters), tuple(changes))


def _read(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = [file[n] for n in ("adjacency", "features", "kinds", "parameters", "changes")]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        warnings.warn(
            f"{path} cannot be read ({error}). The graphs are generated again.", stacklevel=3
        )
        return None
    changes = tuple(tuple(row[row > 0].tolist()) for row in arrays.pop())
    return DynamicGraphs(*arrays, changes)


def _write(path, graphs):
    changes = np.zeros((len(graphs.kinds), 3), dtype=np.int64)
    for row, points in zip(changes, graphs.change_points, strict=True):
        row[: len(points)] = points
    arrays = {n: getattr(graphs, n) for n in ("adjacency", "features", "kinds", "parameters")}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            np.savez_compressed(file, **arrays, changes=changes)
        os.replace(file.name, path)
    except OSError as error:
        warnings.warn(
            f"{path} cannot be written ({error}). The graphs are not cached.", stacklevel=3
        )
