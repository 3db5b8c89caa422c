"""Windows of snapshots and of generated graphs. They need Keras with a backend."""

import functools
import tempfile

import keras  # noqa: F401  (a child process that imports it would need time and memory)
import numpy as np

from stgkeras import datasets
from tests.campaign.contact_arrays import FAULTS, some_contacts
from tests.campaign.spoiled import Refused, call_of, close, number, numbers, spoil

TAUS = (0.1, 0.5, 2.0, 6.0, 24.0, 144.0, 1008.0)


def whole(steps, low, high):
    chosen = np.atleast_1d(np.asarray(steps))
    if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
        raise Refused("steps that are no ints")
    if not chosen.size or not low <= chosen.min() <= chosen.max() < high:
        raise Refused("steps out of range")
    return chosen.astype(int).tolist()


def taus_of(history):
    found = numbers(history)
    if found.ndim != 1 or (found <= 0).any():
        raise Refused(f"history={history!r}")
    return found


def history_of(snapshots, time, taus):
    """Returns the history of each pair at a time, (N, N, H)."""
    contacts, nodes = snapshots.contacts, snapshots.num_nodes
    found = np.zeros((nodes, nodes, len(taus)))
    mean = contacts.weight.mean(dtype=float)
    end = snapshots.start[snapshots.start < time][-1] + snapshots.width
    rows = zip(contacts.time, contacts.source, contacts.target, contacts.weight, strict=True)
    for t, s, d, w in rows:
        if t < min(time, end):
            with np.errstate(all="ignore"):
                part = w / mean * np.exp(-(time - t) / (taus * snapshots.width))
            found[d, s] += part
            if not contacts.directed:
                found[s, d] += part
    return np.log1p(300 * found) / np.log(301)


def fault_of_inputs(x, snapshots, steps, length, taus):
    """Compares the inputs of windows with loops; `steps` are the steps to predict."""
    whole = snapshots.adjacency(np.arange(snapshots.num_steps))
    times = np.append(snapshots.start, snapshots.start[-1] + snapshots.width)
    graph = np.stack([whole[step - length : step] for step in steps])
    features = np.stack([snapshots.features[step - length : step] for step in steps])
    fault = close(x["graph"], graph, 1e-6) or close(x["x"], features, 1e-6)
    if not fault and len(taus):
        past = np.stack([history_of(snapshots, times[step], taus) for step in steps])
        fault = close(x["history"], past, 1e-3, 1e-5)
    return fault


def snapshot_windows(rng, _):
    snapshots = some_contacts(rng).snapshots(rng.choice((60, 300)))
    length = rng.randint(1, 3)
    steps = range(length, max(length + 1, snapshots.num_steps))
    arguments = {"steps": rng.choices(steps, k=rng.randint(1, 4)), "input_length": length}
    if rng.random() < 0.5:
        arguments["history"] = rng.choice(((0.5, 20.0), (), [3], np.array([1.0, 2.0])))
    if rng.random() < 0.4:
        arguments["negatives"] = rng.choice((1, 2, None))
    if rng.random() < 0.4:
        arguments["batch_size"] = rng.choice((1, 2, 16))

    def expected(steps, input_length=10, history=TAUS, negatives=None, batch_size=16):
        number(input_length, 1, whole=True), number(batch_size, 1, whole=True)
        if negatives is not None:
            number(negatives, 1, whole=True)
        chosen = whole(steps, input_length, snapshots.num_steps)
        return chosen, input_length, taus_of(history), negatives, batch_size

    def compare(result, meant):
        steps, length, taus, negatives, size = meant
        if len(result) != -(-len(steps) // size):
            return f"{len(result)} batches of {len(steps)} windows"
        for i in range(len(result)):
            x, y, *weights = result[i]
            part = steps[i * size : (i + 1) * size]
            links = snapshots.adjacency(part) > 0
            fault = fault_of_inputs(x, snapshots, part, length, taus) or close(y, links * 1.0)
            if fault or len(weights) != (negatives is not None):
                return fault or "weights without negatives, or the other way round"
            if weights and ((weights[0] == 0) & links).any():
                return "a link without a weight"
        return None

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    found = call_of(snapshots.windows, arguments, expected, compare)
    found.names = ("batch_size",)
    return found


def latest(rng, _):
    snapshots = some_contacts(rng).snapshots(rng.choice((60, 300)))
    arguments = {"input_length": rng.randint(1, 3)}
    if rng.random() < 0.5:
        arguments["history"] = rng.choice(((0.5, 20.0), (), [3], np.array([1.0, 2.0])))

    def expected(input_length=10, history=TAUS):
        if number(input_length, 1, whole=True) > snapshots.num_steps:
            raise Refused(f"input_length={input_length}")
        return input_length, taus_of(history)

    def compare(result, meant):
        return fault_of_inputs(result, snapshots, [snapshots.num_steps], *meant)

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(snapshots.latest, arguments, expected, compare)


@functools.lru_cache(maxsize=1)
def generated():
    with tempfile.TemporaryDirectory() as folder:
        return datasets.load_dynamic_graphs(
            num_sequences=3, num_nodes=8, num_steps=60, cache_dir=folder
        )


def generated_windows(rng, _):
    graphs = generated()
    arguments = {"sequences": rng.choices(range(3), k=2), "input_length": rng.randint(1, 12)}

    def expected(sequences, input_length=10):
        if number(input_length, 1, whole=True) >= 60:
            raise Refused(f"input_length={input_length}")
        return whole(sequences, 0, 3), input_length

    def compare(result, meant):
        sequences, length = meant
        windows = [(s, t) for s in sequences for t in range(60 - length)]
        parts = [result[i] for i in range(len(result))]
        y = np.concatenate([part[1] for part in parts])
        x = np.concatenate([part[0]["graph"] for part in parts])
        fault = close(y, np.stack([graphs.adjacency[s, t + length] for s, t in windows]))
        fault = fault or close(
            x, np.stack([graphs.adjacency[s, t : t + length] for s, t in windows])
        )
        chances = datasets.oracle(graphs, result)
        s, t = windows[-1]
        known = datasets.edge_probabilities(graphs.kinds[s], graphs.parameters[s, t + length], 8)
        return fault or close(chances[-1], known, 1e-6)

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(graphs.windows, arguments, expected, compare)


generated()
TARGETS = (snapshot_windows, latest, generated_windows)
