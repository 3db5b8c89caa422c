"""The public functions of `stgkeras.graphs`, against NumPy and networkx."""

import itertools
import math

import networkx as nx
import numpy as np
import scipy.sparse as sp

from stgkeras import graphs
from tests.campaign.graph_operators import FAULTS, square
from tests.campaign.spoiled import Refused, call_of, close, number, numbers, spoil


def from_edges(rng, _):
    nodes, edges = rng.randint(1, 10), rng.randint(0, 25)
    pairs = {(rng.randrange(nodes), rng.randrange(nodes)) for _ in range(edges)}
    source, target = (
        (np.array(part, dtype=int) for part in zip(*pairs, strict=True))
        if pairs
        else (np.zeros((2, 0), dtype=int))
    )
    arguments = {"source": source, "target": target}
    if rng.random() < 0.7:
        arguments["weights"] = np.array([rng.uniform(0, 3) for _ in source])
    if rng.random() < 0.5 or not pairs:
        arguments["num_nodes"] = nodes
    if rng.random() < 0.5:
        arguments["sparse"] = rng.random() < 0.5

    def expected(source, target, weights=None, num_nodes=None, sparse=False):
        source, target = (whole_numbers(ends) for ends in (source, target))
        weights = numbers([1.0] * len(source) if weights is None else weights, 1, negative=False)
        if not len(source) == len(target) == len(weights):
            raise Refused("different lengths")
        if num_nodes is None:
            if not len(source):
                raise Refused("no edges and no number of nodes")
            num_nodes = int(max(*source, *target)) + 1
        number(num_nodes, 1, whole=True)
        found = {}
        for s, t, w in zip(source, target, weights, strict=True):
            if not (0 <= s < num_nodes and 0 <= t < num_nodes) or found.get((t, s), w) != w:
                raise Refused(f"the edge {s} → {t}")
            found[t, s] = w
        adjacency = np.zeros((num_nodes, num_nodes))
        for place, weight in found.items():
            adjacency[place] = weight
        return adjacency

    return call_of(graphs.from_edges, spoil(rng, arguments, rng.choice(FAULTS)), expected, close)


def whole_numbers(value):
    found = numbers(value, 1)
    if np.asarray(value).dtype.kind not in "iu" and found.size:
        raise Refused("nodes that are no integers")
    return found.astype(int).tolist()


NAMES = (lambda i: i, lambda i: f"s{i}", lambda i: (i, "x"), lambda i: i / 2)


def network(rng):
    """Returns a random networkx graph, with faults."""
    kind = rng.choice((nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph))
    graph, name = kind(), rng.choice(NAMES)
    nodes = [name(i) for i in rng.sample(range(10), rng.randint(1, 8))]
    graph.add_nodes_from(nodes)
    values = rng.choice(
        (
            (1.0,),
            (0.5, 2, 3),
            (0.5, 2),
            (0.5, None),
            ("a", 1),
            (np.nan,),
            (-1, 2),
            (np.inf,),
            ([1],),
        )
        if rng.random() < 0.4
        else ((0.5, 2, 3),)
    )
    weight = rng.choice(("weight", "weight", "weight", "length", None))
    for _ in range(rng.randint(0, 15)):
        u, v = rng.choice(nodes), rng.choice(nodes)
        data = {} if weight is None or rng.random() < 0.02 else {weight: rng.choice(values)}
        graph.add_edge(u, v, **data)
    return graph, nodes, weight


def from_networkx(rng, _):
    graph, nodes, weight = network(rng)
    arguments = {"graph": graph}
    if weight != "weight" or rng.random() < 0.3:
        arguments["weight"] = weight
    if rng.random() < 0.4:
        arguments["nodes"] = rng.sample(nodes, len(nodes))
    if rng.random() < 0.3:
        arguments["sparse"] = True

    def expected(graph, weight="weight", sparse=False, nodes=None):
        nodes = list(graph) if nodes is None else list(nodes)
        if sorted(map(str, nodes)) != sorted(map(str, graph)):
            raise Refused("other nodes")
        if weight is not None and not isinstance(weight, str):
            raise Refused(f"weight {weight!r}")
        found, place = np.zeros((len(nodes), len(nodes))), {n: i for i, n in enumerate(nodes)}
        with_weight = [weight in data for *_, data in graph.edges(data=True)]
        plain = weight is None or (weight == "weight" and not any(with_weight))
        if not plain and not all(with_weight):
            raise Refused("edges without a weight")
        seen = {}
        for u, v, data in graph.edges(data=True):
            value = 1.0 if plain else numbers(data[weight], 0, negative=False).item()
            for a, b in [(u, v)] if graph.is_directed() else [(u, v), (v, u)]:
                if seen.setdefault((a, b), value) != value:
                    raise Refused("parallel edges of different weights")
                found[place[b], place[a]] = value
        return found

    arguments = spoil(rng, arguments, rng.choice((0, 0, 0, 0, 1)))
    return call_of(graphs.from_networkx, arguments, expected, close)


def points(rng, rows, columns):
    return np.array([[rng.uniform(-9, 9) for _ in range(columns)] for _ in range(rows)])


def knn_graph(rng, _):
    rows = rng.randint(2, 15)
    places = points(rng, rows, rng.randint(1, 4))
    if rng.random() < 0.2:
        places = places.round()
    arguments = {"points": places, "k": rng.randint(1, rows - 1)}
    if rng.random() < 0.3:
        arguments["sparse"] = True

    def expected(points, k, sparse=False):
        places = numbers(points, 2)
        if number(k, 1, whole=True) >= len(places) or not places.shape[1]:
            raise Refused(f"{k} neighbours of {places.shape}")
        return places, k

    def compare(result, meant):
        found, (places, k) = np.asarray(result.todense() if sp.issparse(result) else result), meant
        if found.shape != (len(places), len(places)) or set(np.unique(found)) - {0.0, 1.0}:
            return f"no zeros and ones of the right shape: {found.shape}"
        for n, row in enumerate(found):
            far = [math.dist(places[n], other) for other in places]
            near = [far[m] for m in np.flatnonzero(row)]
            others = [far[m] for m in np.flatnonzero(row == 0) if m != n]
            if row[n] or len(near) != k:
                return f"row {n} has {len(near)} neighbours"
            if others and max(near) > min(others) * (1 + 1e-9) + 1e-12:
                return f"row {n}: a neighbour is farther than another node"
        return None

    return call_of(graphs.knn_graph, spoil(rng, arguments, rng.choice(FAULTS)), expected, compare)


def gaussian_kernel(rng, _):
    nodes = rng.randint(1, 10)
    far = np.array([[rng.uniform(0, 9) for _ in range(nodes)] for _ in range(nodes)])
    for i, j in itertools.product(range(nodes), repeat=2):
        if i == j or rng.random() < 0.1:
            far[i, j] = 0 if i == j else np.inf
    arguments = {"distances": far}
    if rng.random() < 0.3:
        arguments["distances"] = sp.csr_array(np.where(np.isinf(far), 0, far))
    for name, choices in (
        ("sigma2", (10, 0.5, 100.0, np.float32(3))),
        ("epsilon", (0, 0.1, 0.5, 1)),
        ("zero", ("no_road", "same_place", None)),
    ):
        if rng.random() < 0.4:
            arguments[name] = rng.choice(choices)

    def expected(distances, sigma2=10.0, epsilon=0.5, zero=None):
        far, is_sparse = square(distances, finite=False), sp.issparse(distances)
        if number(sigma2) <= 0 or not 0 <= number(epsilon) <= 1:
            raise Refused("options out of range")
        there = {(i, j) for i, j in itertools.product(range(len(far)), repeat=2)}
        if is_sparse:
            entries = sp.coo_array(distances)
            there = set(zip(*(part.tolist() for part in entries.coords), strict=True))
        same_place = zero == "same_place" or (zero is None and is_sparse)
        found = np.zeros(far.shape)
        for i, j in there:
            if i != j and (far[i, j] > 0 or same_place):
                with np.errstate(over="ignore"):
                    weight = np.exp(-(far[i, j] ** 2) / sigma2)
                found[i, j] = weight if weight >= epsilon else 0
        return found

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(graphs.gaussian_kernel, arguments, expected, close)


def distances_km(rng, _):
    nodes = rng.randint(1, 8)
    arguments = {
        "latitude": np.array([rng.uniform(-90, 90) for _ in range(nodes)]),
        "longitude": np.array([rng.uniform(-180, 180) for _ in range(nodes)]),
    }

    def expected(latitude, longitude):
        phi, lam = np.radians(numbers(latitude, 1)), np.radians(numbers(longitude, 1))
        if len(phi) != len(lam) or (abs(phi) > 1.5708).any() or (abs(lam) > 3.1416).any():
            raise Refused("angles out of range")
        place = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], 1)
        across = np.linalg.norm(np.cross(place[:, None], place[None]), axis=-1)
        return 6371.0088 * np.arctan2(across, place @ place.T)

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(graphs.distances_km, arguments, expected, lambda a, b: close(a, b, 1e-6, 1e-3))


def estimate_graph(rng, _):
    nodes = rng.randint(2, 10)
    arguments = {"signals": points(rng, rng.randint(1, 12), nodes), "k": rng.randint(1, nodes - 1)}
    if rng.random() < 0.5:
        arguments["bandwidth"] = rng.choice(("local", "global", 2.5, 100))
    if rng.random() < 0.4:
        arguments["num_neighbors"] = rng.randint(1, nodes - 1)
    if rng.random() < 0.3:
        arguments["sparse"] = True

    def expected(signals, k=7, bandwidth="local", num_neighbors=None, sparse=False):
        columns = numbers(signals, 2).T
        nodes = len(columns)
        if nodes < 2 or not columns.shape[1]:
            raise Refused(f"shape {columns.T.shape}")
        far = np.array([[((a - b) ** 2).sum() for b in columns] for a in columns])
        if isinstance(bandwidth, str) and bandwidth == "local":
            if number(k, 1, whole=True) >= nodes:
                raise Refused(f"k={k}")
            scale = np.sqrt(np.sort(far, axis=1)[:, k])
            width = scale[:, None] * scale
        else:
            mean = far.sum() / (nodes * (nodes - 1))
            is_global = isinstance(bandwidth, str) and bandwidth == "global"
            width = np.full(far.shape, mean if is_global else number(bandwidth, 1e-300))
        found = np.zeros(far.shape)
        for i, j in itertools.permutations(range(nodes), 2):
            if far[i, j] == 0:
                found[i, j] = 1
            elif width[i, j] > 0:
                found[i, j] = np.exp(-far[i, j] / width[i, j])
        if num_neighbors is not None:
            number(num_neighbors, 1, whole=True)
            if num_neighbors >= nodes:
                raise Refused(f"num_neighbors={num_neighbors}")
            order = [sorted(range(nodes), key=lambda m, n=n: -found[n, m]) for n in range(nodes)]
            strong = [set(row[:num_neighbors]) for row in order]
            for i, j in itertools.permutations(range(nodes), 2):
                if j not in strong[i] and i not in strong[j]:
                    found[i, j] = 0
        return found

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(graphs.estimate_graph, arguments, expected, lambda a, b: close(a, b, 1e-6, 1e-9))


TARGETS = (*(from_edges, from_networkx, knn_graph, gaussian_kernel, distances_km, estimate_graph),)
