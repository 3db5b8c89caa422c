"""Parts of a graph: nodes of nearly equal numbers, with the neighbours that each part reads."""

from __future__ import annotations

import numbers
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph

from stgkeras.graphs._checks import as_matrix, check_number
from stgkeras.types import Array

ROUNDS = 10  # of exchanges between two halves


class Partition(NamedTuple):
    """Parts of a graph.

    Args:
        inner: tuple of int64 arrays, the nodes of each part, rising. Each node is in one part.
        halo: tuple of int64 arrays, rising: the nodes of other parts that the nodes of each part
            read within the number of hops.
        cut_edges: int. Number of edges between nodes of different parts.
        cut_share: float. Sum of the absolute weights of these edges, divided by that of all edges.

    `partition` returns an instance and has an example.
    """

    inner: tuple[np.ndarray, ...]
    halo: tuple[np.ndarray, ...]
    cut_edges: int
    cut_share: float

    @property
    def halo_sizes(self) -> tuple[int, ...]:
        """Number of nodes in the halo of each part."""
        return tuple(len(nodes) for nodes in self.halo)


def partition(graph: Array, num_parts: int, *, hops: int) -> Partition:
    """Divides the nodes of a graph into parts of nearly equal size with few edges between them.

    The nodes are halved again and again. The first halves are those of the reverse Cuthill-McKee
    order, which keeps neighbours together. Then pairs of nodes of both halves are exchanged as long
    as this lowers the sum of the weights between the halves: first the nodes with the largest
    difference of the weights to the other half and to their own. Up to 10 such exchanges are made.
    The numbers of nodes in two parts differ by at most 1.

    A function of the graph that reaches `hops` edges, such as ChebConv with K = hops + 1, has the
    same values at the inner nodes if it is computed on the inner nodes and the halo alone. Add up
    the hops of all graph layers of a model.

    Args:
        graph: (nodes, nodes), dense or SciPy sparse: an adjacency or a graph operator. graph[n, m]
            is the weight of the edge from node m to node n, so that n reads m. The graph may be
            directed and disconnected. Self loops are no edges.
        num_parts: int, from 1 to the number of nodes.
        hops: int ≥ 0. Number of edges, against their direction, from an inner node to the most
            distant node of its halo.

    Returns:
        `Partition` with `inner`, `halo`, `cut_edges` and `cut_share`.

    Raises:
        TypeError: if an argument is not numeric.
        ValueError: if `graph` is not square and finite, or a number is out of range.

    Example:
        >>> ring = np.roll(np.eye(6), 1, axis=0)  # node n reads node n - 1
        >>> found = partition(ring + ring.T, 2, hops=1)
        >>> [nodes.tolist() for nodes in found.inner], [nodes.tolist() for nodes in found.halo]
        ([[2, 3, 4], [0, 1, 5]], [[1, 5], [2, 4]])
        >>> found.cut_edges, round(found.cut_share, 2)
        (4, 0.33)

    Source:
        Cuthill and McKee, 1969, doi:10.1145/800195.805928 (the order); Kernighan and Lin, 1970,
        doi:10.1002/j.1538-7305.1970.tb01770.x (the exchange). Departs from the second paper: all
        pairs with a gain are exchanged at once. If this does not lower the weight between the
        halves, the best half of the pairs are.
    """
    matrix = sp.csr_array(as_matrix("graph", graph, allow_negative=True))
    nodes = matrix.shape[0]
    check_number(
        "num_parts",
        num_parts,
        f"an integer from 1 to {nodes}, the number of nodes",
        lambda value: 1 <= value <= nodes,
        numbers.Integral,
    )
    check_number("hops", hops, "at least 0", lambda value: value >= 0, numbers.Integral)
    edges = abs(_edges(matrix))
    part = _parts(sp.csr_array(edges + edges.T), int(num_parts))
    order = np.argsort(part, kind="stable")
    inner = np.split(order, np.cumsum(np.bincount(part))[:-1])
    entries = edges.tocoo()
    is_cut = part[entries.row] != part[entries.col]
    total = entries.data.sum()
    return Partition(
        tuple(inner),
        tuple(_halo(edges, nodes, hops) for nodes in inner),
        int(is_cut.sum()),
        float(entries.data[is_cut].sum() / total) if total else 0.0,
    )


def _edges(matrix):
    """Returns the entries of a sparse matrix that are not 0, without self loops."""
    entries = matrix.tocoo()
    kept = (entries.row != entries.col) & (entries.data != 0)
    index = entries.row[kept], entries.col[kept]
    return sp.csr_array((entries.data[kept], index), shape=matrix.shape)


def _parts(weights, num_parts):
    """Returns the part of each node, from symmetric weights."""
    part = np.zeros(weights.shape[0], np.int64)
    whole = np.arange(len(part))
    left = [(whole, weights, 0, num_parts)]
    while left:
        nodes, weights, first, count = left.pop()
        if count == 1:
            part[nodes] = first
            continue
        low = count // 2
        order = csgraph.reverse_cuthill_mckee(weights, symmetric_mode=True)
        is_high = np.ones(len(nodes), bool)
        is_high[order[: len(nodes) * low // count]] = False
        is_high = _exchanged(weights, is_high)
        for side, start, number in ((~is_high, first, low), (is_high, first + low, count - low)):
            kept = np.flatnonzero(side)
            left.append((nodes[kept], weights[kept][:, kept], start, number))
    return part


def _exchanged(weights, is_high):
    """Exchanges nodes of two halves as long as this lowers the weight between them."""
    share, cut = 1.0, _cut(weights, is_high)
    for _ in range(ROUNDS):
        sign = np.where(is_high, 1.0, -1.0)
        gain = -sign * (weights @ sign)  # weight to the other half, minus weight to the own half
        low, high = (_by_gain(gain, side) for side in (~is_high, is_high))
        pairs = min(len(low), len(high))
        gains = gain[low[:pairs]] + gain[high[:pairs]]
        pairs = int(share * np.searchsorted(-gains, 0.0))
        if not pairs:
            break
        changed = is_high.copy()
        changed[low[:pairs]], changed[high[:pairs]] = True, False
        new_cut = _cut(weights, changed)
        if new_cut < cut:
            is_high, cut = changed, new_cut
        else:
            share /= 2
    return is_high


def _by_gain(gain, side):
    nodes = np.flatnonzero(side)
    return nodes[np.argsort(-gain[nodes], kind="stable")]


def _cut(weights, is_high):
    """Returns the sum of the symmetric weights between two halves."""
    return float((weights @ is_high.astype(float))[~is_high].sum())


def _halo(edges, inner, hops):
    """Returns the nodes that the inner nodes read within some hops, without the inner nodes."""
    reached = np.zeros(edges.shape[0], bool)
    reached[inner] = True
    newest, found = inner, [inner[:0]]
    for _ in range(hops):
        near = edges[newest].indices
        newest = np.unique(near[~reached[near]])
        if not len(newest):
            break
        reached[newest] = True
        found.append(newest)
    return np.sort(np.concatenate(found))
