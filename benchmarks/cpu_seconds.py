"""CPU time of training steps and predictions, compared with another checkout.

    python benchmarks/cpu_seconds.py --against FOLDER

Each run is a new process with one thread. Runs of this checkout and of FOLDER alternate. The table
shows medians over the runs. Other processes disturb CPU time less than wall time. "Times as fast"
is the median of the ratios of the pairs of runs.
"""

import itertools
import pathlib
import subprocess
import sys
from statistics import median
from time import process_time

import command
import records
import speed
import speed_worker

STEPS = {"train": 8, "predict": 16}
HEAD = ["", "", "training step, CPU ms", "before", "prediction, CPU ms", "before", "times as fast"]
OPTIONS = {
    "against": {"required": True, "metavar": "FOLDER", "help": "another checkout"},
    "networks": ["ASTGCN", "STGCN"],
    "backends": command.BACKENDS,
    "shape": {"default": "PEMS08", "choices": speed.SHAPES},
    "runs": 7,
}


def in_child(network, shape):
    """Yields the CPU milliseconds of a step of each kind, and the versions."""
    calls = speed_worker.our_steps(network, shape, speed_worker.graph(shape))
    found = {"versions": records.versions()}
    for kind, steps in STEPS.items():
        times = speed_worker.times(calls[kind], 2 + steps, process_time)
        found[kind] = 1000 * median(times[2:])  # the first two warm up
    yield found


def table(result):
    rows = [HEAD]
    for name, found in result["figures"].items():
        runs = [found[kind][when] for kind in STEPS for when in ("now", "before")]
        ratios = " / ".join(f"{found[kind]['times as fast']:.2f}" for kind in STEPS)
        rows.append([*name.split(", "), *(f"{median(times):.1f}" for times in runs), ratios])
    return records.markdown(rows)


def main(args):
    other = pathlib.Path(args.against).resolve()
    words = ["git", "-C", str(other), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(words, capture_output=True, text=True).stdout.strip()
    result = {"against": commit, "figures": {}}
    for network, backend in itertools.product(args.networks, args.backends):
        name = f"{network} {args.shape}, {backend}"
        print(name, file=sys.stderr)
        request = {"network": network, "shape": speed.shape_of(network, args.shape)}
        runs = [
            [command.ask(__file__, backend, 1, root, **request) for root in (records.ROOT, other)]
            for _ in range(args.runs)
        ]
        found = result["figures"][name] = {"versions": runs[0][0]["versions"]}
        for kind in STEPS:
            now, before = zip(*([run[kind] for run in pair] for pair in runs), strict=True)
            ratio = median(b / a for a, b in zip(now, before, strict=True))
            found[kind] = {"now": now, "before": before, "times as fast": ratio}
        records.save(args, result)
    return result


if __name__ == "__main__":
    command.run(__name__)
