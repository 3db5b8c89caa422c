"""Adjacency matrices from networkx graphs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from stgkeras.graphs._checks import LARGEST
from stgkeras.graphs.adjacency import from_edges

if TYPE_CHECKING:
    import networkx


def from_networkx(
    graph: networkx.Graph,
    weight: str | None = "weight",
    sparse: bool = False,
    nodes: Sequence[Hashable] | None = None,
) -> np.ndarray | sp.csr_array:
    """Converts a networkx graph to an adjacency matrix.

    An edge u → v sets A[v, u]; an undirected edge also sets A[u, v]. The result is the transpose
    of networkx's own matrices, which are [source, target]. Parallel edges must have equal weights.

    `graph.nodes` often has another order than the columns of a table. Pass the names of the columns
    as `nodes`, or pass the graph itself to `datasets.from_pandas`, which joins it by the names.

    Args:
        graph: `networkx.Graph`, `DiGraph` or a multigraph.
        weight: str or None. Edge attribute with the weights. All edges must have it; only if no
            edge has the attribute "weight", every edge has weight 1. With None, every edge has
            weight 1. Default "weight".
        sparse: bool. Whether to return a `csr_array`. Use it for an attribute with distances: in a
            dense matrix, a distance of 0 would be no edge. Default False.
        nodes: None, or sequence of all nodes of `graph`: row n of the result is `nodes[n]`. Default
            None: the order of `graph.nodes`.

    Returns:
        (nodes, nodes) float64, in the unit of the attribute.

    Raises:
        TypeError: if `graph` is not a networkx graph or a weight is not a number.
        ValueError: if `graph` has no nodes, `nodes` are not those of `graph`, only some edges have
            the attribute `weight`, a weight is negative or not finite, or parallel edges have
            different weights.

    Example:
        >>> import networkx as nx
        >>> from_networkx(nx.DiGraph([("a", "b")]))
        array([[0., 0.],
               [1., 0.]])
        >>> from_networkx(nx.DiGraph([("a", "b")]), nodes=["b", "a"])
        array([[0., 1.],
               [0., 0.]])
    """
    import networkx as nx

    if not isinstance(graph, nx.Graph):
        raise TypeError(
            f"`graph` must be a networkx graph. Received: graph of type {type(graph).__name__}. "
            "Use `from_edges` for a list of edges."
        )
    if not (weight is None or isinstance(weight, str)):
        raise TypeError(f"`weight` must be a str or None. Received: weight={weight!r}")
    if nodes is not None:
        nodes = _checked_nodes(nodes)
    if len(graph) == 0:
        raise ValueError(
            "`graph` must have at least one node. Received: graph with 0 nodes. Add nodes first."
        )
    position = {node: n for n, node in enumerate(graph.nodes if nodes is None else nodes)}
    if nodes is not None and (set(position) != set(graph.nodes) or len(position) != len(nodes)):
        without = [node for node in graph.nodes if node not in position]
        others = [node for node in position if node not in graph]
        raise ValueError(
            "`nodes` must have each node of `graph` once. Received: "
            f"{len(nodes)} entries, without the nodes {without[:5]}, and with {others[:5]}, which "
            "are not in `graph`. Pass a subgraph, `graph.subgraph(nodes)`, or add the nodes."
        )
    edges = [(u, v, {} if weight is None else data) for u, v, data in graph.edges(data=True)]
    bare = [(u, v) for u, v, data in edges if weight is not None and weight not in data]
    if bare and (weight != "weight" or len(bare) < len(edges)):
        names = sorted({str(name) for _, _, data in edges for name in data})
        raise ValueError(
            "`weight` must be an attribute of each edge of `graph`. Received: "
            f"weight={weight!r}, which {len(bare)} of {len(edges)} edges do not have, first "
            f"{bare[0]}. The edges have the attributes {names}. Name one of them, or pass "
            "`weight=None` for weights of 1."
        )
    source = [position[u] for u, _, _ in edges]
    target = [position[v] for _, v, _ in edges]
    weights = [data.get(weight, 1.0) for _, _, data in edges]
    check_weights(weights, [edge[:2] for edge in edges], graph.is_directed())
    if not graph.is_directed():
        source, target, weights = source + target, target + source, 2 * weights
    return from_edges(source, target, weights, num_nodes=len(graph), sparse=sparse)


def _checked_nodes(nodes):
    try:
        nodes = list(nodes)
        hash(tuple(nodes))
    except (TypeError, NotImplementedError) as error:  # the latter: a memoryview of several axes
        raise TypeError(
            f"`nodes` must be a sequence of the nodes of `graph`. Received: nodes={nodes!r}. Pass "
            "a list, such as `list(graph)`."
        ) from error
    return nodes


def check_weights(weights: Sequence[Any], edges: Sequence[tuple], directed: bool) -> None:
    """Checks the weights of the edges of a graph.

    Raises:
        TypeError: if a weight is not a number.
        ValueError: if a weight is negative or not finite, or parallel edges have different weights.
    """
    found: dict[tuple, Any] = {}
    for value, (u, v) in zip(weights, edges, strict=True):
        if not isinstance(value, Real):
            raise TypeError(
                "`graph` must have a number as `weight` of each edge. Received: "
                f"{value!r} at the edge {(u, v)}. Convert it to a float first."
            )
        if not 0 <= float(value) <= LARGEST:
            raise ValueError(
                "`graph` must have a finite, non-negative number as `weight` of each edge. "
                f"Received: {value!r} at the edge {(u, v)}. Replace the number, or remove the edge."
            )
        for pair in [(u, v)] if directed else [(u, v), (v, u)]:
            if found.setdefault(pair, value) != value:
                raise ValueError(
                    f"`graph` must have equal weights at parallel edges. Received: {found[pair]!r} "
                    f"and {value!r} at the edge {(u, v)}. Combine the weights of each edge first, "
                    "for example with their sum."
                )
