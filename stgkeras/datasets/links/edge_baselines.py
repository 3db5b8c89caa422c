"""Baselines for link prediction: averages of past graphs, and the Bayes oracle."""

from __future__ import annotations

import math
from functools import lru_cache
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from stgkeras.graphs._checks import as_dense, as_numbers, check_choice, check_number
from stgkeras.types import Array

MOST_NODES = 2**15  # their probabilities take 8 GiB
if TYPE_CHECKING:
    from stgkeras.datasets.links.dynamic_graphs import DynamicGraphs
    from stgkeras.datasets.series.windows import Windows


def last_graph(graphs: Array) -> np.ndarray:
    """Predicts that the next graph equals the last input graph (persistence forecast).

    Args:
        graphs: (B, T, N, N). Input graphs of B windows.

    Returns:
        (B, N, N). Predicted graphs.

    Raises:
        TypeError: if `graphs` are not numbers.
        ValueError: if `graphs` have another shape, or are not finite.

    Example:
        >>> import numpy as np, stgkeras
        >>> graphs = np.array([0.0, 1.0]).reshape(1, 2, 1, 1)
        >>> float(stgkeras.datasets.last_graph(graphs)[0, 0, 0])
        1.0
    """
    return _checked(graphs)[:, -1]


def window_mean(graphs: np.ndarray) -> np.ndarray:
    """Predicts that the next graph equals the mean of the input graphs.

    Args:
        graphs: (B, T, N, N). Input graphs of B windows.

    Returns:
        (B, N, N). Predicted graphs.

    Raises:
        TypeError: if `graphs` are not numbers.
        ValueError: if `graphs` have another shape, or are not finite.

    Example:
        >>> import numpy as np, stgkeras
        >>> graphs = np.array([0.0, 1.0]).reshape(1, 2, 1, 1)
        >>> float(stgkeras.datasets.window_mean(graphs)[0, 0, 0])
        0.5
    """
    return np.mean(_checked(graphs), axis=1)


def exponential_mean(graphs: np.ndarray, decay: float = 0.8) -> np.ndarray:
    """Predicts that the next graph equals an exponentially weighted mean of the input graphs.

    The latest graph has the largest weight.

    Args:
        graphs: (B, T, N, N). Input graphs of B windows.
        decay: float in (0, 1]. Weight of a graph divided by the weight of the graph after it. 1
            gives `window_mean`.

    Returns:
        (B, N, N). Predicted graphs.

    Raises:
        TypeError: if `graphs` are not numbers.
        ValueError: if `graphs` have another shape, or are not finite, or if `decay` lies outside
            (0, 1].

    Example:
        >>> import numpy as np, stgkeras
        >>> graphs = np.array([0.0, 1.0]).reshape(1, 2, 1, 1)
        >>> round(float(stgkeras.datasets.exponential_mean(graphs, 0.5)[0, 0, 0]), 3)
        0.667
    """
    graphs = _checked(graphs)
    check_number("decay", decay, "a number in (0, 1]", lambda value: 0 < value <= 1)
    weights = float(decay) ** np.arange(graphs.shape[1] - 1, -1, -1)
    return np.einsum("t,btnm->bnm", weights / weights.sum(), graphs)


def _checked(graphs):
    """Returns input graphs as an array (B, T, N, N) of finite numbers, after checks."""
    values = as_numbers("graphs", graphs)
    if values.ndim != 4 or 0 in values.shape[1:] or values.shape[2] != values.shape[3]:
        raise ValueError(
            "`graphs` must have shape (windows, steps, nodes, nodes). Received: graphs.shape="
            f"{values.shape}. Pass the input `graph` of windows."
        )
    if not np.isfinite(values).all():
        raise ValueError(
            "`graphs` must be finite. Received: graphs with NaN or infinite entries. Replace them."
        )
    return values


def oracle(graphs: DynamicGraphs, windows: Windows) -> np.ndarray:
    """Returns the true edge probabilities of the target graph of each window (Bayes oracle).

    The oracle knows the parameters that generated the target graph, also directly after the
    parameters changed. On average, no model that reads only past graphs ranks edges better than
    the oracle.

    Args:
        graphs: `DynamicGraphs`.
        windows: `Windows` from `graphs.windows(…)`.

    Returns:
        (len(windows.starts), N, N) float32, in the order of `windows.starts`. `predict` has the
        same order if the windows are not shuffled.

    Example:
        >>> import stgkeras, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     graphs = stgkeras.datasets.load_dynamic_graphs(
        ...         ("erdos_renyi",), 2, num_nodes=8, num_steps=60, cache_dir=folder)
        >>> stgkeras.datasets.oracle(graphs, graphs.windows([0, 1], input_length=10)).shape
        (100, 8, 8)
    """
    sequences, steps = np.divmod(windows.starts + windows.input_length, graphs.num_steps)
    matrices = [
        edge_probabilities(graphs.kinds[s], graphs.parameters[s, t], graphs.num_nodes)
        for s, t in zip(sequences, steps, strict=True)
    ]
    return np.stack(matrices).astype(np.float32)


def edge_probabilities(kind: str, parameter: float | Array, num_nodes: int) -> np.ndarray:
    """Computes the probability of each edge of a random graph that networkx generates.

    The nodes are numbered as in networkx. The numbers matter: in a Barabási-Albert graph, for
    example, node 0 has the largest expected degree.

    Args:
        kind: `"barabasi_albert"`, `"erdos_renyi"` or `"newman_watts"`.
        parameter: number m for "barabasi_albert", number p for "erdos_renyi", or pair (k, p) for
            "newman_watts". NaN is ignored, so that a row of `DynamicGraphs.parameters` is valid
            too.
        num_nodes: int. Number of nodes.

    Returns:
        (num_nodes, num_nodes) float64, symmetric, with zero diagonal. The array is read-only.

    Raises:
        ValueError: if `kind` is unknown or `parameter` has the wrong number of values.

    Example:
        >>> import stgkeras
        >>> stgkeras.datasets.edge_probabilities("erdos_renyi", 0.1, 3)[0].tolist()
        [0.0, 0.1, 0.1]

    Source:
        The graph generators of networkx. `erdos_renyi_graph`: the probabilities are exact.
        `newman_watts_strogatz_graph`: an approximation with an error below 0.001 for 30 nodes.
        `barabasi_albert_graph`: the mean of 50,000 graphs, generated by the same rule with a fixed
        seed; the standard error is at most 0.0023.
    """
    check_choice("kind", kind, tuple(_PROBABILITIES))
    condition = f"from 1 to {MOST_NODES}"
    check_number("num_nodes", num_nodes, condition, lambda n: 1 <= n <= MOST_NODES, Integral)
    given = np.atleast_1d(as_dense("parameter", parameter))
    values = tuple(given[~np.isnan(given)].tolist())
    count = 2 if kind == "newman_watts" else 1
    if len(values) != count:
        raise ValueError(
            f"`parameter` must hold {count} values for {kind}. Received: parameter={parameter}. "
            f"Pass {'the pair (k, p)' if count == 2 else 'one number'}."
        )
    _check_parameter(str(kind), int(num_nodes), values)
    return _PROBABILITIES[str(kind)](int(num_nodes), *values)


def _check_parameter(kind, num_nodes, values):
    """Raises ValueError if networkx cannot generate a graph with these parameters."""
    counts = {"barabasi_albert": (1, num_nodes - 1), "newman_watts": (0, num_nodes)}
    if kind in counts:
        name, (low, high) = "m" if kind == "barabasi_albert" else "k", counts[kind]
        if not (low <= values[0] <= high and values[0] == int(values[0])):
            raise ValueError(
                f"`parameter` must hold a whole number {name} from {low} to {high} for {kind} with "
                f"`num_nodes`={num_nodes}. Received: {name}={values[0]:g}"
            )
    if kind != "barabasi_albert" and not 0 <= values[-1] <= 1:
        raise ValueError(
            f"`parameter` must hold a probability p from 0 to 1 for {kind}. Received: "
            f"p={values[-1]:g}"
        )


@lru_cache(maxsize=256)
def _erdos_renyi(n, p):
    return _frozen(p * (1 - np.eye(n)))


@lru_cache(maxsize=256)
def _newman_watts(n, k, p):
    """Computes the edge probabilities of the algorithm of networkx, node by node.

    networkx visits the nodes u in order. Node u owns the edges of the ring to later nodes: node 0
    owns 2h edges (h = k // 2), and the last node owns none. For each owned edge, with probability
    p, networkx adds an edge from u to a random node that is not linked to u yet (a free node), if
    there is one. The number of picks X is binomial, and u picks a given one of L free nodes with
    probability E[min(X, L)] / L. Nodes that picked u before are not free. The code assumes
    that their choices are independent. This is its only approximation.
    """
    half = int(k) // 2
    nodes = np.arange(n)
    gap = np.abs(nodes[:, None] - nodes)
    gap = np.minimum(gap, n - gap)
    ring, far = (gap > 0) & (gap <= half), gap > half
    owned = np.triu(ring).sum(1)
    free = n - 1 - ring.sum(1)
    # later[u, v]: probability that u picks a later node v. earlier[u, v]: probability that u picks
    # an earlier node v that has not picked u.
    later, earlier = np.zeros((2, n, n))
    for u in range(n):
        counts = np.zeros((n, n))  # [v, r]: probability that r earlier nodes without v picked u
        counts[:, 0] = 1
        for w in np.flatnonzero(later[:, u]):
            without = counts[w].copy()
            counts[:, 1:] += later[w, u] * (counts[:, :-1] - counts[:, 1:])
            counts[:, 0] *= 1 - later[w, u]
            counts[w] = without
        left = free[u] - nodes
        drawn = _picks(int(owned[u]), p, left)
        pick = np.where(far[u], counts @ (drawn / np.maximum(left, 1)), 0)
        later[u], earlier[u] = np.where(nodes > u, pick, 0), np.where(nodes < u, pick, 0)
    chosen = later + (1 - later) * earlier.T  # upper triangle
    return _frozen(ring + chosen + chosen.T)


def _picks(owned, p, left):
    """Returns E[min(X, L)] of a binomial X for each number L in `left`; 0 for L below 1."""
    chances = np.array(
        [math.comb(owned, x) * p**x * (1 - p) ** (owned - x) for x in range(owned + 1)]
    )
    return chances @ np.minimum(np.arange(owned + 1)[:, None], np.maximum(left, 0))


@lru_cache(maxsize=256)
def _barabasi_albert(n, m, num_graphs=50_000, chunk=5_000):
    """Estimates the edge probabilities from many graphs that are generated together.

    Each new node links to m nodes, sampled without replacement in proportion to their degree.
    """
    m = int(m)
    rng = np.random.default_rng(0)
    total = np.zeros((n, n))
    for _ in range(num_graphs // chunk):
        degree = np.zeros((chunk, n), dtype=np.float32)
        degree[:, 0], degree[:, 1 : m + 1] = m, 1  # networkx starts with a star
        total[0, 1 : m + 1] += chunk
        for new in range(m + 1, n):
            # Each old node gets an exponential random time with rate `degree`. The m smallest
            # times are a sample without replacement in proportion to the degree.
            times = rng.standard_exponential((chunk, new), dtype=np.float32) / degree[:, :new]
            taken = times <= np.partition(times, m - 1, axis=1)[:, m - 1 : m]
            degree[:, :new] += taken
            degree[:, new] = m
            total[new, :new] += taken.sum(0)
    return _frozen((total + total.T) / num_graphs)


def _frozen(matrix):
    matrix.flags.writeable = False
    return matrix


_PROBABILITIES = {
    "barabasi_albert": _barabasi_albert,
    "erdos_renyi": _erdos_renyi,
    "newman_watts": _newman_watts,
}
