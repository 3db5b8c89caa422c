"""Frames and networks, which are joined to the sensors of a series by names."""

import igraph
import networkx as nx
import numpy as np
import pandas as pd

from tests.campaign.graph_joins import (
    edges_of,
    joined,
    known,
    matrix_of,
    ordered,
    sensors,
    value_of,
)
from tests.campaign.spoiled import WRONG, Refused, number


def frame_graph(rng, _):
    names = sensors(rng)
    edges = edges_of(rng, names)
    if rng.random() < 0.5:
        frame = pd.DataFrame(edges, columns=["from", "to", "weight"])
    else:
        order = rng.sample(names, len(names))
        frame = pd.DataFrame(matrix_of(edges, order), order, order)
    for _ in range(rng.choice((0, 0, 1, 2))):
        frame = spoiled_frame(rng, frame, names)
    copy = frame.copy()

    def meaning(unknown):
        columns = [str(name).strip().lower() for name in copy.columns]
        if {"from", "to"} <= set(columns):
            table = copy.set_axis(columns, axis=1)
            rows = table.to_dict("records") if table.columns.is_unique else []
            found = []
            for row in rows:
                ends = [str(row[end]).strip() for end in ("from", "to")]
                weight = value_of(row["weight"]) if "weight" in row else 1.0
                found.append((*ends, weight))
            return matrix_of(known(found, names, unknown), names)
        labels = [[str(label).strip() for label in axis] for axis in (copy.index, copy.columns)]
        bare = [axis == [str(n) for n in range(len(axis))] for axis in labels]
        if any(bare) and set(names) != set(labels[0]):
            labels = labels[::-1] if bare[0] else labels
            if all(bare):
                raise Refused("no labels")
            labels = [labels[0], labels[0]]
        return ordered(copy.to_numpy(), *labels, names, unknown)

    return joined(rng, names, frame, meaning, copy.to_dict("split"))


def checked(weight):
    if number(weight) < 0 or weight > 1e150:
        raise Refused(f"weight {weight!r}")
    return weight


def spoiled_frame(rng, frame, names):
    row, column = (rng.randrange(max(size, 1)) for size in frame.shape)
    fault = rng.randrange(8)
    if fault == 0:
        return frame.drop(index=frame.index[row : row + 1])
    if fault == 1:
        return frame.drop(columns=frame.columns[column : column + 1])
    if fault == 2:
        return frame.rename(columns={frame.columns[column]: rng.choice((*names, "x", 5, None))})
    if fault == 3:
        return pd.concat([frame, frame.iloc[:1]])
    if fault == 4:
        return frame.astype(rng.choice(("str", "object", "category")))
    if fault == 5:
        return rng.choice(
            (
                frame.T,
                frame.reset_index(),
                frame.iloc[:0],
                frame.set_axis(range(len(frame)), axis=0),
            )
        )
    if frame.size:
        frame = frame.astype(object)
        frame.iloc[row, column] = rng.choice((np.nan, None, -1, np.inf, "x", 1e308, *names))
    return frame


def network_graph(rng, _):
    names = sensors(rng)
    edges = edges_of(rng, names)
    directed, kind = rng.random() < 0.6, rng.random()
    weight = rng.choice(("weight", "weight", "length"))
    order = rng.sample(names, len(names))
    if rng.random() < 0.2:
        order.append("another")
    if edges and rng.random() < 0.15:
        edges[0] = (*edges[0][:2], rng.choice((-1, np.nan, "1", None, np.inf, [1], 1e308)))
    if kind < 0.6:
        graph = rng.choice(
            (nx.DiGraph, nx.MultiDiGraph) if directed else (nx.Graph, nx.MultiGraph)
        )()
        graph.add_nodes_from(order)
        for a, b, w in edges:
            graph.add_edge(a, b, **{weight: w})
        if not graph.is_multigraph():  # a second mention of an edge replaces the first
            ends = frozenset if not directed else tuple
            edges = list({ends(edge[:2]): edge for edge in edges}.values())
    elif kind < 0.85:
        graph = igraph.Graph(
            len(order), [(order.index(a), order.index(b)) for a, b, _ in edges], directed=directed
        )
        graph.vs["name"] = order
        graph.es[weight] = [w for *_, w in edges]
    else:
        graph = rng.choice([make for make in WRONG if make() is not None])()

    def meaning(unknown):
        if kind >= 0.85:
            return ordered(graph, None, None, names, unknown)
        if "another" in order and unknown != "drop":
            raise Refused("an unknown node")
        plain = [(a, b, w if weight == "weight" else 1.0) for a, b, w in edges]
        plain = [(a, b, checked(w)) for a, b, w in plain]
        found = {}
        for a, b, w in plain if directed else [*plain, *((b, a, w) for a, b, w in plain)]:
            if found.setdefault((a, b), w) != w:
                raise Refused("parallel edges of different weights")
        return matrix_of([(a, b, number(w)) for (a, b), w in found.items()], names)

    return joined(rng, names, graph, meaning, (edges, order, weight, directed))


TARGETS = (frame_graph, network_graph)
