"""Measures the memory to train link predictors on 400 people, on every backend.

    python benchmarks/link_memory.py
    python benchmarks/link_memory.py --nodes 1000 --batch-size 2

The contacts are random, between one pair in a thousand. Each row of contacts.py runs a few steps of
`fit` in a new process. The table shows the peak memory of the process. Needs Linux.
"""

import resource

import command
import records

SNAPSHOTS, WIDTH = 40, 600  # number, and seconds of each
OPTIONS = {
    "rows": ["STGCN, pairwise", "ASTGCN, pairwise", "ASTGCN, plain"],
    "backends": command.BACKENDS,
    "nodes": 400,
    "batch_size": 16,
}


def in_child(name, nodes, batch_size):
    """Trains a row of contacts.py. Yields the peak memory in MB, and the versions."""
    import contacts
    import keras
    import numpy as np

    from stgkeras import datasets, losses

    rng, pairs = np.random.default_rng(0), nodes * (nodes - 1) // 2000
    source = rng.integers(0, nodes, SNAPSHOTS * pairs)
    target = (source + rng.integers(1, nodes, len(source))) % nodes
    # Everyone has a contact in the first snapshot, so that everyone is a node.
    everyone = np.arange(nodes)
    source, target = np.append(source, everyone), np.append(target, np.roll(everyone, 1))
    seconds = np.append(np.repeat(np.arange(SNAPSHOTS) * WIDTH, pairs), 0 * everyone)
    snapshots = datasets.contacts_from_arrays(seconds, source, target).snapshots(WIDTH)
    row, steps = contacts.ALL[name], np.arange(contacts.LENGTH, snapshots.num_steps)
    keras.utils.set_random_seed(0)
    model = contacts.build(row, snapshots, steps)
    model.compile("adam", losses.FocalLoss(alpha=1.0, gamma=0.0, pairs="undirected"))
    windows = contacts.windows_of(row, snapshots, [steps], 0, batch_size)[0]
    model.fit(windows, shuffle=False, verbose=0)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield {"MB": round(memory), "versions": records.versions()}


def table(result):
    cells = [["MB", *next(iter(result["rows"].values()))]]
    for name, rows in result["rows"].items():
        cells.append([name, *(f"{found['MB']:,}" for found in rows.values())])
    return records.markdown(cells)


def main(args):
    result = {"rows": {}}
    request = {"nodes": args.nodes, "batch_size": args.batch_size}
    for name in args.rows:
        found = command.ask_backends(args, __file__, name=name, **request)
        result["rows"][name], result["versions"] = found
    return result


if __name__ == "__main__":
    command.run(__name__)
