"""CPU seconds of training steps and predictions, beside those of another checkout.

    python benchmarks/cpu_seconds.py --against FOLDER

Each run is a process of its own with one thread; this checkout and FOLDER alternate. A figure is
the median over the runs of the CPU time of a step, which other processes disturb less than wall
time. "times as fast" is the median of the ratios of the pairs of runs.
"""

import itertools
import pathlib
import statistics
import subprocess
import sys
from time import process_time

import command
import records
import speed
import speed_worker

STEPS = {"train": 8, "predict": 16}
OPTIONS = {
    "against": {"required": True, "metavar": "FOLDER", "help": "another checkout"},
    "networks": ["ASTGCN", "STGCN"],
    "backends": command.BACKENDS,
    "shape": {"default": "PEMS08", "choices": speed.SHAPES},
    "runs": 7,
}


def in_child(network, shape):
    """CPU milliseconds of a step of each kind, and the versions."""
    calls, _ = speed_worker.ours(network, shape, speed_worker.graph(shape))
    found = {"versions": records.versions()}
    for kind, steps in STEPS.items():
        times = speed_worker.times(calls[kind], 2 + steps, process_time)
        found[kind] = 1000 * statistics.median(times[2:])  # the first two warm up
    return found


def commit_of(folder):
    words = ["git", "-C", folder, "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


def table(result):
    rows = [["", "", "training step, CPU ms", "before", "prediction, CPU ms", "before"]]
    rows[0].append("times as fast")
    for name, figures in result["figures"].items():
        medians = [
            f"{statistics.median(figures[kind][when]):.1f}"
            for kind in STEPS
            for when in ("now", "before")
        ]
        ratios = [f"{figures[kind]['times as fast']:.2f}" for kind in STEPS]
        rows.append([*name.split(", "), *medians, " / ".join(ratios)])
    return records.markdown(rows)


def main(args):
    result = {"against": commit_of(args.against), "figures": {}}
    other = pathlib.Path(args.against).resolve()
    for network, backend in itertools.product(args.networks, args.backends):
        name = f"{network} {args.shape}, {backend}"
        print(name, file=sys.stderr)
        request = {"network": network, "shape": speed.shape_of(network, args.shape)}
        now, before = [], []
        for _ in range(args.runs):
            for runs, root in ((now, records.ROOT), (before, other)):
                runs.append(command.ask(__file__, backend, threads=1, root=root, **request))
        figures = {"versions": now[0]["versions"]}
        for kind in STEPS:
            ours, others = ([run[kind] for run in runs] for runs in (now, before))
            ratio = statistics.median(b / a for a, b in zip(ours, others, strict=True))
            figures[kind] = {"now": ours, "before": others, "times as fast": ratio}
        result["figures"][name] = figures
        records.save(args, result)
    return result


if __name__ == "__main__":
    command.run(__name__)
