"""Hierarchical clustering of a graph, for pooling."""

import heapq
import numbers
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from stgkeras.graphs.adjacency import as_matrix, check_number
from stgkeras.graphs.laplacian import check_symmetric


class Coarsening(NamedTuple):
    """A graph at several levels, each coarser than the last.

    Args:
        adjacencies: tuple of levels + 1 matrices (nodes, nodes); the first is the given graph.
        clusters: tuple of `levels` int32 arrays (nodes of the next level, pool_size). Row c lists
            the nodes of this level that become node c of the next. A smaller cluster lists nodes
            again: its maximum stays what it is, and in its mean a node that stayed alone counts
            as much as a pair.
    """

    adjacencies: tuple
    clusters: tuple


def coarsen(adjacency, levels, pool_size=2):
    """Cluster the nodes of a graph, then the clusters, for pooling as images are pooled.

    A halving pairs nodes along edges that are heavy against all that their ends receive, by
    A_ij (1/d_i + 1/d_j), so that a normalised cut through the clusters stays small:

        while two free nodes share an edge: take the node with fewest free neighbours (the lower
        one of equals), and pair it with the free neighbour of largest weight (of equal ones, that
        with fewest free neighbours, then the lower)

    Nodes whose neighbours are all taken stay alone; fewest first keeps those rare. A level is
    log2(pool_size) halvings. Two clusters share the summed weight of the edges between them;
    edges within a cluster disappear.

    Args:
        adjacency: (nodes, nodes), dense or SciPy sparse, non-negative and symmetric. Self loops
            are ignored. Disconnected graphs are fine; a node without edges stays alone.
        levels: int ≥ 1. How many times to pool.
        pool_size: power of 2. Largest size of a cluster, and about the factor a level shrinks by.

    Returns:
        `Coarsening`: `adjacencies`, float64 in the unit of `adjacency`, `csr_array` if that is
        sparse, and `clusters`, int32.

    Raises:
        TypeError: if an argument is not numeric.
        ValueError: if `adjacency` is not square, finite, non-negative and symmetric, `pool_size`
            is no power of 2, or the edges run out before `levels` are done.

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
        (Graclus). Departs from the papers: nodes are visited by free neighbours, not at random
        or by degree; and where the paper adds fake nodes and reorders all, a cluster here repeats
        its nodes and lists their positions, so every level has real nodes alone, in order of
        their first member.
    """
    adjacency = as_matrix("adjacency", adjacency)
    check_symmetric(adjacency)
    check_number("levels", levels, "at least 1", lambda v: v >= 1, numbers.Integral)
    check_number(
        "pool_size",
        pool_size,
        "a power of 2 from 2 on",
        lambda v: v >= 2 and v & (v - 1) == 0,
        numbers.Integral,
    )
    coarse = _without_loops(adjacency)
    adjacencies, clusters = [adjacency], []
    for level in range(levels):
        members = np.arange(coarse.shape[0])[:, None]
        while members.shape[1] < pool_size:
            if coarse.nnz == 0:
                raise ValueError(
                    f"`levels` must be at most {level} for this graph with "
                    f"`pool_size`={pool_size}, as no edge is left to pool along after that. "
                    f"Received: levels={levels}. Ask for fewer, or connect the graph's parts."
                )
            pairs = _match(coarse)
            members = members[pairs].reshape(len(pairs), -1)
            coarse = _merge(coarse, pairs)
        clusters.append(members.astype(np.int32))
        adjacencies.append(coarse if sp.issparse(adjacency) else coarse.toarray())
    return Coarsening(tuple(adjacencies), tuple(clusters))


def _without_loops(adjacency):
    entries = sp.coo_array(adjacency)
    keep = (entries.row != entries.col) & (entries.data > 0)
    index = entries.row[keep], entries.col[keep]
    return sp.csr_array((entries.data[keep], index), shape=entries.shape)


def _match(adjacency):
    """Pair nodes along heavy edges; (clusters, 2), a node that stays alone twice."""
    entries = adjacency.tocoo()
    degree = adjacency.sum(axis=1)
    # Rounded, so that equal weights stay equal whatever the order of the sums.
    weights = (entries.data / degree[entries.row] + entries.data / degree[entries.col]).round(12)
    links = [{} for _ in degree]  # free neighbours of each free node, and the weight to them
    rows, cols = entries.row.tolist(), entries.col.tolist()
    for node, other, weight in zip(rows, cols, weights.tolist(), strict=True):
        links[node][other] = weight

    partner = np.arange(len(links))
    queue = [(len(free), node) for node, free in enumerate(links)]
    heapq.heapify(queue)
    while queue:
        _, node = heapq.heappop(queue)
        free = links[node]
        if not free:  # taken, or alone
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
    """The graph of the pairs: sums of the weights between them, no self loops."""
    cluster = np.empty(adjacency.shape[0], dtype=np.int64)
    cluster[pairs] = np.arange(len(pairs))[:, None]
    entries = adjacency.tocoo()
    index = cluster[entries.row], cluster[entries.col]
    merged = sp.csr_array((entries.data, index), shape=(len(pairs), len(pairs)))
    return _without_loops(merged)
