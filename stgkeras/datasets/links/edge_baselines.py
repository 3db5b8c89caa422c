"""What a link predictor is measured against: the Bayes oracle and averages of past graphs."""

from functools import lru_cache

import numpy as np


def last_graph(graphs):
    """Predicts the last of the graphs seen.

    Args:
        graphs: (B, T, N, N).

    Returns:
        (B, N, N).

    Example:
        >>> import numpy as np, stgkeras
        >>> graphs = np.array([0.0, 1.0]).reshape(1, 2, 1, 1)
        >>> float(stgkeras.datasets.last_graph(graphs)[0, 0, 0])
        1.0
    """
    return np.asarray(graphs)[:, -1]


def window_mean(graphs):
    """Predicts the mean of the graphs seen.

    Args:
        graphs: (B, T, N, N).

    Returns:
        (B, N, N).

    Example:
        >>> import numpy as np, stgkeras
        >>> graphs = np.array([0.0, 1.0]).reshape(1, 2, 1, 1)
        >>> float(stgkeras.datasets.window_mean(graphs)[0, 0, 0])
        0.5
    """
    return np.mean(graphs, axis=1)


def exponential_mean(graphs, decay=0.8):
    """Predicts a mean that weighs a graph `decay` times the next younger one.

    Args:
        graphs: (B, T, N, N).
        decay: float in (0, 1]. 1 gives `window_mean`.

    Returns:
        (B, N, N).

    Raises:
        ValueError: if `decay` lies outside (0, 1].

    Example:
        >>> import numpy as np, stgkeras
        >>> graphs = np.array([0.0, 1.0]).reshape(1, 2, 1, 1)
        >>> round(float(stgkeras.datasets.exponential_mean(graphs, 0.5)[0, 0, 0]), 3)
        0.667
    """
    if not 0 < decay <= 1:
        raise ValueError(f"`decay` must lie in (0, 1]. Received: decay={decay}")
    weights = float(decay) ** np.arange(np.shape(graphs)[1] - 1, -1, -1)
    return np.einsum("t,btnm->bnm", weights / weights.sum(), graphs)


def oracle(graphs, windows):
    """Gives the edge probabilities that the target graph of each window was drawn with.

    No predictor that sees the past alone can rank edges better on average: the oracle knows the
    parameters of the target step, also right after a change.

    Args:
        graphs: `DynamicGraphs`.
        windows: `Windows` from `graphs.windows(…)`.

    Returns:
        (len(windows.starts), N, N) float32, in the order of `windows.starts` (which is the order
        of `predict` if the windows are not shuffled).

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


def edge_probabilities(kind, parameter, num_nodes):
    """Computes the probability of every edge of a random graph, its node labels being networkx's.

    Args:
        kind: `"barabasi_albert"`, `"erdos_renyi"` or `"newman_watts"`.
        parameter: the number m; the number p; the pair (k, p). A row of
            `DynamicGraphs.parameters`, which pads with NaN, is taken too.
        num_nodes: int.

    Returns:
        (num_nodes, num_nodes) float64, symmetric, zero diagonal, read-only.

    Raises:
        ValueError: if `kind` is unknown or `parameter` has the wrong number of values.

    Example:
        >>> import stgkeras
        >>> stgkeras.datasets.edge_probabilities("erdos_renyi", 0.1, 3)[0].tolist()
        [0.0, 0.1, 0.1]

    Source:
        `networkx.erdos_renyi_graph`: exact. `newman_watts_strogatz_graph`: see the function
        below; off by less than 0.001 for 30 nodes. `barabasi_albert_graph`: mean of 50,000
        graphs grown by the same rule with a fixed seed, standard error at most 0.0023.
    """
    values = np.atleast_1d(np.asarray(parameter, dtype=float))
    values = tuple(values[~np.isnan(values)].tolist())
    if kind not in _PROBABILITIES:
        raise ValueError(f"`kind` must be one of {tuple(_PROBABILITIES)}. Received: kind={kind!r}")
    count = 2 if kind == "newman_watts" else 1
    if len(values) != count:
        raise ValueError(
            f"`parameter` must hold {count} values for {kind}. Received: parameter={parameter}"
        )
    return _PROBABILITIES[str(kind)](int(num_nodes), *values)


@lru_cache(maxsize=256)
def _erdos_renyi(n, p):
    return _frozen(p * (1 - np.eye(n)))


@lru_cache(maxsize=256)
def _newman_watts(n, k, p):
    """Follows networkx node by node.

    It lists the ring edges by their first end u, so node 0 owns 2h of them (h = k // 2) and the
    last node none. Each owned edge adds, with probability p, one edge from u to a node not yet
    linked with u, all equally likely. So u picks a given free node with probability
    owned * p / free, where the nodes that picked u before are free no more: their mean number is
    taken for their number.
    """
    half = int(k) // 2
    nodes = np.arange(n)
    gap = np.abs(nodes[:, None] - nodes)
    gap = np.minimum(gap, n - gap)
    ring, far = (gap > 0) & (gap <= half), gap > half
    owned = np.triu(ring).sum(1)
    free = n - 1 - ring.sum(1)
    later, earlier = np.zeros((2, n, n))  # [u, v]: u picks v > u; u picks v < u if not yet linked
    for u in range(n):
        picked = later[:, u]  # (n,), the probability that u was picked by each node before
        left = np.maximum(free[u] - picked.sum() + picked, 1)
        pick = np.where(far[u], np.minimum(owned[u] * p / left, 1), 0)
        later[u], earlier[u] = np.where(nodes > u, pick, 0), np.where(nodes < u, pick, 0)
    chosen = later + (1 - later) * earlier.T  # upper triangle
    return _frozen(ring + chosen + chosen.T)


@lru_cache(maxsize=256)
def _barabasi_albert(n, m, num_graphs=50_000, chunk=5_000):
    """Grows many graphs at once: each new node takes m nodes, drawn by degree without return."""
    m = int(m)
    rng = np.random.default_rng(0)
    total = np.zeros((n, n))
    for _ in range(num_graphs // chunk):
        degree = np.zeros((chunk, n), dtype=np.float32)
        degree[:, 0], degree[:, 1 : m + 1] = m, 1  # networkx starts from a star
        total[0, 1 : m + 1] += chunk
        for new in range(m + 1, n):
            # The m smallest of exponential times with rate degree are such a draw.
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
