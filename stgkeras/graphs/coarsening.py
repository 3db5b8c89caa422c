"""Graph coarsening: hierarchical clustering of the nodes, for pooling."""

from __future__ import annotations

import heapq
import numbers
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from stgkeras.graphs._checks import as_matrix, check_number, check_symmetric
from stgkeras.types import Array


class Coarsening(NamedTuple):
    """A graph at several levels, from fine to coarse.

    Args:
        adjacencies: tuple of `levels + 1` matrices (nodes, nodes). The first is the original
            graph; each later one is the coarser graph of the next level.
        clusters: tuple of `levels` int32 arrays (nodes of the next level, pool_size). Row c lists
            the nodes that become node c of the next level. A cluster of fewer than `pool_size`
            nodes repeats nodes to fill its row. The repeats do not change the maximum of a row;
            in the mean, a repeated node counts several times.

    `coarsen` returns an instance and has an example.
    """

    adjacencies: tuple[np.ndarray | sp.csr_array, ...]
    clusters: tuple[np.ndarray, ...]


def coarsen(adjacency: Array, levels: int, pool_size: int = 2) -> Coarsening:
    """Clusters the nodes of a graph level by level, for graph pooling.

    Each level pairs the nodes log2(pool_size) times. The pairing is greedy with the edge weights
    A_ij (1/d_i + 1/d_j), d the row sums of A, to keep the normalised cut between clusters small:

        while two unpaired nodes share an edge:
            take such a node with the fewest unpaired neighbours (on ties, the lowest index)
            pair it with its unpaired neighbour of largest weight (on ties, the one with the
            fewest unpaired neighbours, then the lowest index)

    A node with no unpaired neighbour left stays alone. Nodes with few unpaired neighbours come
    first to make this rare. The weight between two clusters is the sum of the weights between
    their nodes. Edges within a cluster are removed.

    Args:
        adjacency: (nodes, nodes), dense or SciPy sparse, non-negative and symmetric. Self loops
            are ignored. The graph may be disconnected; a node without edges stays alone.
        levels: int ≥ 1. Number of pooling levels.
        pool_size: int, a power of 2 that is at least 2. Maximum number of nodes in a cluster.
            Each level has up to `pool_size` times fewer nodes than the one before. Default 2.

    Returns:
        `Coarsening` with `adjacencies`, float64 in the unit of `adjacency` (`csr_array` if
        `adjacency` is sparse), and `clusters`, int32.

    Raises:
        TypeError: if an argument is not numeric.
        ValueError: if `adjacency` is not square, finite, non-negative and symmetric, `pool_size`
            is not a power of 2, or the graph has no edges left before the last level.

    Example:
        >>> path = [[0, 1, 0, 0], [1, 0, 2, 0], [0, 2, 0, 1], [0, 0, 1, 0]]
        >>> result = coarsen(path, levels=1)
        >>> result.clusters[0]
        array([[0, 1],
               [2, 3]], dtype=int32)
        >>> result.adjacencies[1]
        array([[0., 2.],
               [2., 0.]])

    Source:
        Defferrard et al., 2016, arXiv:1606.09375, sections 2.2 and 2.3; Dhillon et al., 2007
        (Graclus). Departs from the papers: nodes are visited by their number of unpaired
        neighbours, not at random or by degree. The paper adds fake nodes and reorders all nodes;
        here a cluster repeats nodes and lists their indices. So each level has real nodes only,
        in the order of the first node of each cluster.
    """
    matrix = as_matrix("adjacency", adjacency)
    check_symmetric(matrix)
    check_number("levels", levels, "at least 1", lambda v: v >= 1, numbers.Integral)
    check_number(
        "pool_size",
        pool_size,
        "a power of 2 that is at least 2",
        lambda v: v >= 2 and v & (v - 1) == 0,
        numbers.Integral,
    )
    coarse = _without_loops(matrix)
    adjacencies, clusters = [matrix], []
    for level in range(levels):
        members = np.arange(coarse.shape[0])[:, None]
        while members.shape[1] < pool_size:
            if coarse.nnz == 0:
                raise ValueError(
                    f"`levels` must be at most {level} for this graph with "
                    f"`pool_size`={pool_size}, because too few edges are left for the next "
                    f"level. Received: levels={levels}. Use fewer levels, or connect the parts of "
                    "the graph."
                )
            pairs = _match(coarse)
            members = members[pairs].reshape(len(pairs), -1)
            coarse = _merge(coarse, pairs)
        clusters.append(members.astype(np.int32))
        adjacencies.append(coarse if sp.issparse(matrix) else coarse.toarray())
    return Coarsening(tuple(adjacencies), tuple(clusters))


def _without_loops(adjacency):
    entries = sp.coo_array(adjacency)
    keep = (entries.row != entries.col) & (entries.data > 0)
    index = entries.row[keep], entries.col[keep]
    return sp.csr_array((entries.data[keep], index), shape=entries.shape)


def _match(adjacency):
    """Pairs the nodes, (clusters, 2); the row of a node that stays alone has the node twice."""
    entries = adjacency.tocoo()
    degree = adjacency.sum(axis=1)
    # Rounding keeps equal weights equal, whatever the order of the sums.
    weights = (entries.data / degree[entries.row] + entries.data / degree[entries.col]).round(12)
    links = [{} for _ in degree]  # links[n][m]: weight between the unpaired neighbours n and m
    rows, cols = entries.row.tolist(), entries.col.tolist()
    for node, other, weight in zip(rows, cols, weights.tolist(), strict=True):
        links[node][other] = weight

    partner = np.arange(len(links))
    queue = [(len(free), node) for node, free in enumerate(links)]
    heapq.heapify(queue)
    while queue:
        _, node = heapq.heappop(queue)
        free = links[node]
        if not free:  # the node is already paired, or has no unpaired neighbour
            continue
        _, _, mate = min((-weight, len(links[other]), other) for other, weight in free.items())
        partner[node], partner[mate] = mate, node
        for taken in (node, mate):
            for other in links[taken]:
                del links[other][taken]
                heapq.heappush(queue, (len(links[other]), other))
            links[taken] = {}
    first = np.flatnonzero(np.arange(len(links)) <= partner)
    return np.stack([first, partner[first]], axis=1)


def _merge(adjacency, pairs):
    """Returns the graph of the pairs: summed weights between pairs, without self loops."""
    cluster = np.empty(adjacency.shape[0], dtype=np.int64)
    cluster[pairs] = np.arange(len(pairs))[:, None]
    entries = adjacency.tocoo()
    index = cluster[entries.row], cluster[entries.col]
    merged = sp.csr_array((entries.data, index), shape=(len(pairs), len(pairs)))
    return _without_loops(merged)
