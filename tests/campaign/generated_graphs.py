"""Generated graphs, their features, and baselines, against networkx and loops in Python."""

import os

import igraph  # noqa: F401  (makes folders of settings when it is first imported)
import networkx as nx
import numpy as np

from stgkeras import datasets
from tests.campaign.spoiled import Refused, call_of, close, number, numbers, spoil

FAULTS = (0, 0, 0, 1, 1, 1, 2)
KINDS = ("barabasi_albert", "erdos_renyi", "newman_watts")


def load_dynamic_graphs(rng, folder):
    os.environ["KERAS_HOME"] = os.path.join(folder, "home")
    arguments = {
        "kinds": rng.choice((*KINDS, list(KINDS), KINDS[1:], np.array(KINDS))),
        "num_sequences": rng.randint(1, 2),
        "num_nodes": rng.randint(8, 10),
        "num_steps": rng.randint(60, 64),
        "seed": rng.choice((0, 5, 2**40)),
        "cache_dir": os.path.join(folder, "cache"),
    }
    first = None
    if rng.random() < 0.5:  # from the cache, which may be damaged
        first = datasets.load_dynamic_graphs(**arguments)
        path = os.path.join(arguments["cache_dir"], os.listdir(arguments["cache_dir"])[0])
        damage(rng, path)
    faults = 0 if first is not None else rng.choice(FAULTS)

    def expected(kinds, num_sequences, num_nodes, num_steps, seed, cache_dir):
        kinds = [kinds] if isinstance(kinds, str) else list(kinds)
        if not kinds or not set(kinds) <= set(KINDS):
            raise Refused(f"kinds={kinds!r}")
        sizes = (num_sequences, 1), (num_nodes, 8), (num_steps, 60), (seed, 0)
        return kinds, *(number(value, least, whole=True) for value, least in sizes)

    def compare(result, meant):
        kinds, sequences, nodes, steps, _ = meant
        graphs = result.adjacency
        if graphs.shape != (sequences, steps, nodes, nodes) or graphs.dtype != "uint8":
            return f"shape {graphs.shape}, dtype {graphs.dtype}"
        if result.kinds.tolist() != [kinds[s % len(kinds)] for s in range(sequences)]:
            return f"kinds {result.kinds}"
        if graphs.max() > 1 or (graphs != graphs.swapaxes(2, 3)).any():
            return "graphs that are not binary and symmetric"
        for s, points in enumerate(result.change_points):
            parameters = result.parameters[s]
            changed = (np.nan_to_num(parameters[1:]) != np.nan_to_num(parameters[:-1])).any(1)
            if (np.flatnonzero(changed) + 1).tolist() != list(points):
                return f"change points {points}"
            if result.kinds[s] == KINDS[0]:  # each node after the first star adds m edges
                links = parameters[:, 0] * (nodes - parameters[:, 0])
                if (graphs[s].sum((1, 2)) != 2 * links).any():
                    return "another number of edges than m (N - m)"
            network = nx.from_numpy_array(graphs[s, 0])
            middle = list(nx.betweenness_centrality(network).values())
            fault = close(result.features[s, 0, :, 1], middle, 1e-5, 1e-6)
            if fault:
                return fault
        if first is not None and not np.array_equal(first.adjacency, graphs):
            return "other graphs than before"
        return None

    arguments = spoil(rng, arguments, faults)
    found = call_of(datasets.load_dynamic_graphs, arguments, expected, compare)
    found.writes, found.size = True, 10**7
    return found


def damage(rng, path):
    """Changes the bytes of a file, or leaves it as it is."""
    with open(path, "rb") as file:
        data = file.read()
    place = rng.randrange(len(data))
    with open(path, "wb") as file:
        file.write(rng.choice((data, data[:place], data[:place] + rng.randbytes(9) + data[place:])))


def make_contacts(rng, _):
    arguments = {}
    if rng.random() < 0.8:
        arguments["num_days"] = rng.randint(1, 2)
    if rng.random() < 0.6:
        arguments["seed"] = rng.choice((0, 7, 2**40))

    def expected(num_days=10, seed=0):
        if number(num_days, 1, whole=True) > 1000:
            raise Refused(f"num_days={num_days}")
        return int(num_days), number(seed, 0, whole=True)

    def compare(result, meant):
        days, clock = result.time // 86400, result.time % 86400
        if set(days) != set(range(meant[0])) or len(result.names) != 30 or result.directed:
            return f"days {set(days)}, {len(result.names)} names, directed={result.directed}"
        if clock.min() < 9 * 3600 or clock.max() >= 17 * 3600 or (clock % 60).any():
            return "contacts outside the office hours, or between minutes"
        if (result.source == result.target).any() or (result.weight != 1).any():
            return "loops, or weights that are not 1"
        rows = np.stack([result.time, *np.sort([result.source, result.target], axis=0)])
        if len(np.unique(rows, axis=1).T) < len(rows.T):
            return "a contact twice"
        again = datasets.make_contacts(*meant)
        return None if np.array_equal(again.time, result.time) else "other contacts"

    arguments = spoil(rng, arguments, rng.choice(FAULTS)) if arguments else arguments
    return call_of(datasets.make_contacts, arguments, expected, compare)


def split_sequences(rng, _):
    arguments = {"kinds": [rng.choice(KINDS) for _ in range(rng.randint(1, 40))]}
    for name, choices in (
        ("val", (0.2, 0.5, 0, 1, 2, 0.1)),
        ("test", (0.2, 0.1, 0, 1, 3)),
        ("seed", (0, 7)),
    ):
        if rng.random() < 0.6:
            arguments[name] = rng.choice(choices)

    def expected(kinds, val=0.2, test=0.2, seed=0):
        number(seed, 0, whole=True)
        if isinstance(kinds, (bytes, dict, set)):
            raise Refused(f"kinds={kinds!r}")
        kinds = [str(kind) for kind in kinds]
        return kinds, {"val": number(val, 0), "test": number(test, 0)}

    def compare(result, meant):
        kinds, amounts = meant
        together = sorted(np.concatenate(list(result)).tolist())
        if together != list(range(len(kinds))) or any((np.diff(part) < 1).any() for part in result):
            return "parts that do not have each sequence once, in order"
        for kind in set(kinds):
            count = kinds.count(kind)
            for name, amount in amounts.items():
                size = sum(kinds[i] == kind for i in getattr(result, name))
                wanted = amount if isinstance(amount, (int, np.integer)) else amount * count
                if abs(size - wanted) >= (1 if isinstance(amount, (int, np.integer)) else 2):
                    return f"{size} of {count} sequences of {kind} in {name}={amount}"
        return None

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(datasets.split_sequences, arguments, expected, compare)


def node_features(rng, _):
    nodes = rng.randint(1, 9)
    graphs = np.array([nx.to_numpy_array(nx.gnp_random_graph(nodes, 0.4)) for _ in range(2)])
    graphs = graphs if rng.random() < 0.5 else graphs[0]
    graphs = graphs.astype(rng.choice(("uint8", "float32", "bool", "int64")))

    def expected(adjacency):
        found = numbers(adjacency)
        if found.ndim < 2 or found.shape[-1] != found.shape[-2] or not found.shape[-1]:
            raise Refused(f"shape {found.shape}")
        graphs = found.reshape(-1, *found.shape[-2:])
        if set(np.unique(graphs)) - {0.0, 1.0} or (graphs != graphs.swapaxes(1, 2)).any():
            raise Refused("no binary, symmetric graph")
        if np.diagonal(graphs, axis1=1, axis2=2).any():
            raise Refused("self loops")
        return graphs, found.shape

    def compare(result, meant):
        graphs, shape = meant
        if result.shape != (*shape[:-1], 6) or result.dtype != np.float32:
            return f"shape {result.shape}"
        for graph, features in zip(graphs, result.reshape(-1, shape[-1], 6), strict=True):
            network, degree = nx.from_numpy_array(graph), graph.sum(1)
            measures = [degree / max(len(graph) - 1, 1)]
            for measure in (nx.betweenness_centrality, nx.closeness_centrality):
                measures.append(list(measure(network).values()))
            fault = close(features[:, [0, 1, 3]].T, np.array(measures), 1e-5, 1e-6)
            matrices = (2, graph), (4, graph @ graph), (5, np.diag(degree) - graph)
            for place, matrix in matrices:
                vector = features[:, place].astype(float)
                top = np.linalg.eigvalsh(matrix)[-1]
                fault = fault or close(matrix @ vector, top * vector, 1e-3, 1e-5)
                fault = fault or close(np.linalg.norm(vector), 1.0, 1e-5)
            if fault:
                return fault
        return None

    arguments = spoil(rng, {"adjacency": graphs}, rng.choice(FAULTS))
    return call_of(datasets.node_features, arguments, expected, compare)


def edge_probabilities(rng, _):
    kind, nodes = rng.choice(KINDS), rng.randint(1, 9)
    p, count = rng.choice((0, 0.1, 0.15, 0.5, 1)), rng.randint(1, 6)
    parameter = {KINDS[0]: count, KINDS[1]: p, KINDS[2]: (count, p)}[kind]
    if rng.random() < 0.3:
        parameter = {KINDS[0]: [count, np.nan], KINDS[1]: (np.nan, p), KINDS[2]: [count, p]}[kind]
    arguments = {"kind": kind, "parameter": parameter, "num_nodes": nodes}

    def expected(kind, parameter, num_nodes):
        given = np.atleast_1d(numbers(np.nan_to_num(np.array(parameter, float), nan=-7.0)))
        values = given[given != -7].tolist()
        if not isinstance(kind, str) or len(values) != 1 + (kind == KINDS[2]):
            raise Refused(f"kind={kind!r} with {values}")
        number(num_nodes, 1, whole=True)
        if kind != KINDS[1] and values[0] != int(values[0]):
            raise Refused(f"a count of {values[0]}")
        draw = {
            KINDS[0]: lambda: nx.barabasi_albert_graph(int(num_nodes), int(values[0])),
            KINDS[1]: lambda: nx.fast_gnp_random_graph(int(num_nodes), values[0]),
            KINDS[2]: lambda: nx.newman_watts_strogatz_graph(
                int(num_nodes), int(values[0]), values[1]
            ),
        }[kind]
        if kind != KINDS[0] and not 0 <= values[-1] <= 1:
            raise Refused(f"a probability of {values[-1]}")
        try:
            return sum(nx.to_numpy_array(draw()) for _ in range(600)) / 600
        except (nx.NetworkXError, ValueError) as error:
            raise Refused(str(error)) from error

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(
        datasets.edge_probabilities, arguments, expected, lambda a, b: close(a, b, 0, 0.15)
    )


def baselines(rng, _):
    size = np.random.default_rng(rng.getrandbits(60))
    shape = (rng.randint(1, 3), rng.randint(1, 5), *[rng.randint(1, 4)] * 2)
    graphs = size.random(shape).astype(rng.choice(("float32", "float64", "bool", "uint8")))
    function = rng.choice((datasets.last_graph, datasets.window_mean, datasets.exponential_mean))
    arguments = {"graphs": graphs}
    if function is datasets.exponential_mean and rng.random() < 0.6:
        arguments["decay"] = rng.choice((0.8, 1, 1.0, 0.1, np.float32(0.5)))

    def expected(graphs, decay=0.8):
        found = numbers(graphs, 4)
        if not found.shape[1] or not found.shape[2] or found.shape[2] != found.shape[3]:
            raise Refused(f"shape {found.shape}")
        if not 0 < number(decay) <= 1:
            raise Refused(f"decay={decay}")
        weights = {
            datasets.last_graph: lambda age: age == 0,
            datasets.window_mean: lambda age: 1,
            datasets.exponential_mean: lambda age: float(decay) ** age,
        }[function]
        ages = range(found.shape[1])[::-1]
        total = sum(weights(age) * found[:, t] for t, age in enumerate(ages))
        return total / sum(map(weights, ages))

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(function, arguments, expected, lambda a, b: close(a, b, 1e-5, 1e-6))


TARGETS = (load_dynamic_graphs, make_contacts, split_sequences, node_features) + (
    *(edge_probabilities, baselines),
)
