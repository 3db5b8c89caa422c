"""CPU seconds of training steps and predictions, beside those of another checkout.

    python benchmarks/cpu_seconds.py --against FOLDER

Each run is a process of its own with one thread; this checkout and FOLDER alternate. A figure is
the median over the runs of the CPU time of a step, after two steps that warm up: other processes
disturb it less than they disturb wall time. "times as fast" is the median of the ratios of the
pairs of runs. Prints a table in Markdown and writes benchmarks/results/cpu_seconds.json.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
from time import process_time

import records
import speed_worker
from speed import SHAPES, SPARSE
from speed_turns import THREADS

RESULT = records.RESULTS / "cpu_seconds.json"
STEPS = {"train": 8, "predict": 16}


def measure(request):
    """In the process of a run: CPU milliseconds of a step of each kind, and the versions."""
    shape = request["shape"]
    calls, _ = speed_worker.ours(request["network"], shape, speed_worker.graph(shape))
    found = {}
    for kind, steps in STEPS.items():
        for _ in range(2):
            calls[kind]()
        times = []
        for _ in range(steps):
            start = process_time()
            calls[kind]()
            times.append(process_time() - start)
        found[kind] = 1000 * statistics.median(times)
    return {**found, "versions": records.versions()}


def run(request, backend, root):
    env = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(root)}
    env |= dict.fromkeys(THREADS, "1")
    command = [sys.executable, __file__, "--request", json.dumps(request)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def commit_of(folder):
    done = subprocess.run(
        ["git", "-C", folder, "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    )
    return done.stdout.strip()


def main(args):
    command = "python benchmarks/cpu_seconds.py " + " ".join(sys.argv[1:]).replace(
        args.against, "FOLDER"
    )
    found = {"machine": records.MACHINE, "runs": args.runs, "command": command}
    result = {**found, "against": commit_of(args.against), "figures": {}}
    print("|  |  | training step, CPU ms | before | prediction, CPU ms | before | times as fast |")
    print("|" + " --- |" * 7)
    for network in args.networks:
        shape = SHAPES[args.shape] | {"sparse": network == "ASTGCN" and args.shape in SPARSE}
        for backend in args.backends:
            request = {"network": network, "shape": shape}
            pairs = [
                [run(request, backend, root) for root in (records.ROOT, args.against)]
                for _ in range(args.runs)
            ]
            figures, cells, ratios = {"versions": pairs[0][0]["versions"]}, [], []
            for kind in STEPS:
                now, before = ([pair[i][kind] for pair in pairs] for i in (0, 1))
                ratio = statistics.median(b / a for a, b in zip(now, before, strict=True))
                figures[kind] = {"now": now, "before": before, "times as fast": ratio}
                cells += [f"{statistics.median(now):.1f}", f"{statistics.median(before):.1f}"]
                ratios.append(f"{ratio:.2f}")
            result["figures"][f"{network} {args.shape}, {backend}"] = figures
            name = f"{network} {args.shape}"
            print("|", " | ".join([name, backend, *cells, " / ".join(ratios)]), "|", flush=True)
            records.write(args.out, result)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--against", metavar="FOLDER")
    parser.add_argument("--networks", nargs="+", default=["ASTGCN", "STGCN"])
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--shape", default="PEMS08", choices=SHAPES)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--out", type=pathlib.Path, default=RESULT)
    parser.add_argument("--request", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.request:
        print(json.dumps(measure(json.loads(arguments.request))))
    else:
        main(arguments)
