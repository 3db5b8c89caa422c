"""Generates one sequence of random graphs: change points, parameters and graphs."""

from __future__ import annotations

import random

import numpy as np

KINDS = ("barabasi_albert", "erdos_renyi", "newman_watts")
MIN_SEGMENT = 30  # steps
MIN_CHANGE = 0.3  # relative to the value before the change


def draw_sequence(
    kind: str, num_nodes: int, num_steps: int, seed: int | tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Samples change points, the parameters between them, and one graph for each step.

    `load_dynamic_graphs` describes the rules.

    Args:
        kind: one of `KINDS`.
        num_nodes: int. Number of nodes N.
        num_steps: int ≥ 60. Number of graphs T.
        seed: int or tuple of ints.

    Returns:
        adjacency (T, N, N) uint8; parameters (T, 2) float64: (m, NaN), (NaN, p) or (k, p);
        change points, a tuple of steps.
    """
    rng = np.random.default_rng(seed)
    changes = _change_points(rng, num_steps)
    parameters = np.zeros((num_steps, 2))
    value = parameters[:] = _first_parameter(kind, rng)
    for change in changes:
        value = parameters[change:] = next_parameter(kind, value, rng)
    sampler = random.Random(int(rng.integers(2**62)))
    adjacency = np.zeros((num_steps, num_nodes, num_nodes), dtype=np.uint8)
    for graph, parameter in zip(adjacency, parameters, strict=True):
        source, target = _sample(kind, num_nodes, parameter, sampler)
        graph[source, target] = graph[target, source] = 1
    return adjacency, parameters, changes


def _sample(kind, num_nodes, parameter, sampler):
    """Samples one graph. Returns the ends of its edges, (2, E)."""
    import networkx as nx

    count, p = parameter
    if kind == "barabasi_albert":
        graph = nx.barabasi_albert_graph(num_nodes, int(count), seed=sampler)
    elif kind == "erdos_renyi":
        graph = nx.erdos_renyi_graph(num_nodes, p, seed=sampler)
    else:
        graph = nx.newman_watts_strogatz_graph(num_nodes, int(count), p, seed=sampler)
    return np.array(graph.edges, dtype=np.int64).reshape(-1, 2).T


def _change_points(rng, num_steps):
    count = int(rng.integers(1, min(3, num_steps // MIN_SEGMENT - 1) + 1))
    slack = num_steps - MIN_SEGMENT * (count + 1)
    offsets = np.sort(rng.integers(0, slack + 1, count))
    return tuple((offsets + MIN_SEGMENT * np.arange(1, count + 1)).tolist())


def _first_parameter(kind, rng):
    if kind == "barabasi_albert":
        return int(rng.integers(2, 6)), np.nan
    if kind == "erdos_renyi":
        return np.nan, rng.uniform(0.1, 0.2)
    return int(rng.integers(2, 7)), rng.uniform(0.1, 0.3)


def next_parameter(
    kind: str, value: tuple[float, float] | np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """Samples the parameters after a change point.

    Args:
        kind: one of `KINDS`.
        value: (2,). Parameters before the change point: a row of `DynamicGraphs.parameters`.
        rng: random number generator.
    """
    count, p = value
    if kind == "barabasi_albert":
        return _other_count(count, range(2, 6), rng), np.nan
    if kind == "erdos_renyi":
        return np.nan, _other_probability(p, 0.1, 0.2, rng)
    if rng.random() < 0.5:
        allowed = [k for k in range(2, 7) if k // 2 != count // 2]
        return _other_count(count, allowed, rng), p
    return count, _other_probability(p, 0.1, 0.3, rng)


def _other_count(old, allowed, rng):
    return int(rng.choice([new for new in allowed if abs(new - old) >= MIN_CHANGE * old]))


def _other_probability(old, low, high, rng):
    """Samples uniformly from the values in [low, high] that differ from `old` by at least 30 %.

    There is always such a value above or below `old`.
    """
    below = max(0.0, (1 - MIN_CHANGE) * old - low)
    above = max(0.0, high - (1 + MIN_CHANGE) * old)
    step = rng.uniform(0, below + above)
    return low + step if step < below else high - (step - below)
