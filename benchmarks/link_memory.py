"""How much memory it takes to train link predictors on 400 people, on every backend.

    python benchmarks/link_memory.py
    python benchmarks/link_memory.py --nodes 1000 --batch-size 2

Made-up contacts between one pair in a thousand, ten snapshots a window, the history of every pair;
the pairwise predictors of contacts.py, and ASTGCN with its plain decoder. Each runs a few steps of
`fit` in a process of its own, whose peak counts, imports and data included. Prints a table; figures
go to benchmarks/results/link_memory.json. Needs Linux.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys

import records
from speed_turns import about, markdown

ROWS = ["STGCN, pairwise", "ASTGCN, pairwise", "ASTGCN, plain"]
WIDTH = 600  # seconds of a snapshot
SNAPSHOTS = 40


def train(name, args):
    """Trains a row of contacts.py on this process's backend; what it took, as a line of JSON."""
    import contacts
    import keras
    import numpy as np

    from stgkeras import datasets, losses

    rng, pairs = np.random.default_rng(0), args.nodes * (args.nodes - 1) // 2000
    source = rng.integers(0, args.nodes, SNAPSHOTS * pairs)
    target = (source + rng.integers(1, args.nodes, len(source))) % args.nodes
    # Everyone meets somebody at first, so that all have a number.
    everyone = np.arange(args.nodes)
    source, target = np.append(source, everyone), np.append(target, np.roll(everyone, 1))
    seconds = np.append(np.repeat(np.arange(SNAPSHOTS) * WIDTH, pairs), 0 * everyone)
    snapshots = datasets.contacts_from_arrays(seconds, source, target).snapshots(WIDTH)
    row, steps = contacts.ALL[name], np.arange(contacts.LENGTH, snapshots.num_steps)
    keras.utils.set_random_seed(0)
    model = contacts.build(row, snapshots, steps)
    model.compile("adam", losses.FocalLoss(alpha=1.0, gamma=0.0, pairs="undirected"))
    windows = contacts.windows_of(row, snapshots, [steps], 0, args.batch_size)[0]
    model.fit(windows, shuffle=False, verbose=0)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {"nodes": snapshots.num_nodes, "steps": len(windows), "MB": round(memory)}
    print(json.dumps({**found, "versions": records.versions()}))


def main(args):
    result = {**about("link_memory.py", args), "rows": {}}
    cells = [["MB", *args.backends]]
    for name in args.rows:
        rows = result["rows"][name] = {}
        for backend in args.backends:
            command = [sys.executable, __file__, *args.argv, "--child", name]
            environment = {**os.environ, "KERAS_BACKEND": backend}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            rows[backend] = json.loads(done.stdout.splitlines()[-1])
            result["versions"][backend] = rows[backend].pop("versions")
        cells.append([name, *(f"{rows[backend]['MB']:,}" for backend in args.backends)])
        records.write(args.out, result)
    print(markdown(cells))


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", nargs="+", default=ROWS)
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--nodes", type=int, default=400)
    parser.add_argument("--batch-size", type=int, default=16)
    out = records.RESULTS / "link_memory.json"
    parser.add_argument("--out", type=pathlib.Path, default=out)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args(argv, argparse.Namespace(argv=argv))


if __name__ == "__main__":
    args = parse(sys.argv[1:])
    train(args.child, args) if args.child else main(args)
