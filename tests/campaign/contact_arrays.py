"""Contacts from arrays, and their snapshots, against loops in Python."""

import math
from datetime import datetime, timedelta

import numpy as np

from stgkeras import datasets
from tests.campaign import contact_oracle as oracle
from tests.campaign.spoiled import Refused, call_of, close, number, spoil

FAULTS = (0, 0, 0, 1, 1, 1, 2)
NODES = (
    lambda i: i,
    lambda i: 7 * i + 40,
    lambda i: "abcdefgh"[i],
    lambda i: f"{i:02d}",
    lambda i: f"Zoë {i}",
)
TIMES = (
    lambda t: t,
    lambda t: round(t, 3),
    lambda t: int(t),
    lambda t: str(int(t)),
    lambda t: datetime(2024, 2, 28) + timedelta(seconds=t),
    lambda t: np.datetime64(datetime(2024, 2, 28) + timedelta(seconds=t), "ms"),
    lambda t: (datetime(2024, 2, 28) + timedelta(seconds=int(t))).isoformat(" "),
    lambda t: (datetime(2024, 2, 28) + timedelta(seconds=int(t))).isoformat() + "+01:00",
)


def contacts(rng, most=30):
    """Returns the columns of valid contacts: lists `time`, `source`, `target` and `weight`."""
    node, time, n = rng.choice(NODES), rng.choice(TIMES), rng.randint(2, 8)
    pairs = [rng.sample(range(n), 2) for _ in range(rng.randint(1, most))]
    span = rng.choice((100, 90_000, 1e6))
    return {
        "time": [time(rng.uniform(0, span)) for _ in pairs],
        "source": [node(s) for s, _ in pairs],
        "target": [node(t) for _, t in pairs],
        "weight": [round(rng.uniform(0.1, 9), 2) for _ in pairs],
    }


def as_arrays(rng, columns):
    for name, cells in columns.items():
        if rng.random() < 0.6 and not isinstance(cells[0], datetime):
            columns[name] = np.array(cells)
    return columns


def contacts_from_arrays(rng, _):
    arguments = as_arrays(rng, contacts(rng))
    used = list(dict.fromkeys([*arguments["source"], *arguments["target"]]))
    if rng.random() < 0.6:
        del arguments["weight"]
    if rng.random() < 0.3:
        names = [*map(str, used), "another"]
        arguments["names"] = rng.sample(names, len(names))
    if rng.random() < 0.3:
        arguments["directed"] = rng.random() < 0.5
    if rng.random() < 0.15:
        arguments["kinds"] = rng.choice((("user", "item"), ["a", "b"], "ab", ("a", "a"), ("a",)))

    def expected(time, source, target, weight=None, names=None, directed=False, kinds=None):
        columns = [oracle.cells_of(time, "time")]
        columns += [oracle.cells_of(source, "source"), oracle.cells_of(target, "target")]
        weight = None if weight is None else oracle.cells_of(weight, "weight")
        names = None if names is None else oracle.cells_of(names, "names")
        if isinstance(kinds, str):
            raise Refused(f"kinds={kinds!r}")
        return oracle.meant(*columns, weight, names, directed, kinds)

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    function = datasets.contacts_from_arrays
    return call_of(function, arguments, expected, oracle.fault_of_contacts)


def some_contacts(rng):
    """Returns valid `Contacts`, with times in seconds."""
    columns = contacts(rng)
    columns["time"] = [rng.uniform(-500, 4000) for _ in columns["time"]]
    return datasets.contacts_from_arrays(**columns, directed=rng.random() < 0.5)


def snapshots(rng, _):
    found = some_contacts(rng)
    arguments = {"width": rng.choice((60, 600.0, 0.5, 3600, np.float32(20)))}
    if rng.random() < 0.5:
        arguments["keep_empty"] = rng.random() < 0.5

    def expected(width, keep_empty=False):
        if not isinstance(keep_empty, (bool, np.bool_)) or number(width) <= 0:
            raise Refused("width or keep_empty")
        return width, keep_empty

    def compare(result, meant):
        width, keep_empty = meant
        steps = [math.floor(t / width) for t in found.time]
        own = list(range(min(steps), max(steps) + 1)) if keep_empty else sorted(set(steps))
        if result.width != float(width) or result.num_nodes != len(found.names):
            return "another width or number of nodes"
        fault = close(result.start, np.array(own) * float(width))
        if fault or len(own) > 2000:
            return fault
        dense = result.adjacency(np.arange(len(own)))
        expected = np.zeros(dense.shape)
        for step, s, t, w in zip(steps, found.source, found.target, found.weight, strict=True):
            expected[own.index(step), t, s] += w
            if not found.directed:
                expected[own.index(step), s, t] += w
        fault = close(dense, expected, 1e-5)
        both = expected + expected.swapaxes(1, 2) if found.directed else expected
        fault = fault or close(result.features[..., 0], np.log1p((both > 0).sum(2)), 1e-5)
        mean = found.weight.mean(dtype=np.float64)
        fault = fault or close(result.features[..., 1], np.log1p(both.sum(2) / mean), 1e-5)
        return fault or close(
            result.features[..., 3],
            np.sin(2 * np.pi * result.start / 86400)[:, None] + 0 * mean + np.zeros(both.shape[:2]),
            1e-4,
            1e-5,
        )

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(found.snapshots, arguments, expected, compare)


def adjacency(rng, _):
    found = some_contacts(rng).snapshots(600)
    whole = found.adjacency(range(found.num_steps))
    steps = [rng.randrange(found.num_steps) for _ in range(rng.randint(0, 5))]
    arguments = {"steps": rng.choice((list, np.array, tuple))(steps)}

    def expected(steps):
        chosen = np.atleast_1d(np.asarray(steps))
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
            raise Refused("steps that are no ints")
        if chosen.size and not 0 <= chosen.min() <= chosen.max() < found.num_steps:
            raise Refused("steps out of range")
        return np.stack([whole[step] for step in chosen]) if chosen.size else whole[:0]

    arguments = spoil(rng, arguments, rng.choice(FAULTS))
    return call_of(found.adjacency, arguments, expected, close)


TARGETS = (contacts_from_arrays, snapshots, adjacency)
