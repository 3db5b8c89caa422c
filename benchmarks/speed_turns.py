"""Processes that run networks in turns, for speed.py and scale.py."""

import collections
import os
import pathlib
import statistics
import sys
from time import perf_counter

import command
import speed_worker
from speed_worker import busy

QUIET = 0.125  # cores that other processes may use in a block that counts
OPTIONS = {
    "backends": command.BACKENDS,
    "peer": {"metavar": "PYTHON", "help": "interpreter with the peers installed"},
    "against": {"metavar": "FOLDER", "help": "another checkout to measure too"},
    "environment": {"metavar": "NAME=VALUE", "nargs": "+", "help": "variables to set"},
    "threads": (os.cpu_count(), "of each process"),
    "steps": (20, "steps that count, per kind"),
}


class Worker(command.Child):
    """A network in a process of its own. `first` is the time from its start to the first step."""

    def __init__(
        self, network, shape, backend, threads, python=sys.executable, peer=False, **environment
    ):
        env = command.environment(backend, threads) | environment
        request = {"network": network, "shape": shape, "peer": peer}
        others, start = busy(), perf_counter()
        super().__init__(speed_worker.__file__, env, python, **request)
        self.start, self.blocks = self.answer(), collections.defaultdict(list)
        self.first = perf_counter() - start
        self.first_counts = (busy() - others - self.start["own"]) / self.first <= QUIET

    def done(self, kind, steps, seconds):
        blocks = self.blocks[kind]
        spent = sum(sum(block["times"]) for block in blocks)
        return len(counted(blocks)) >= steps or (spent >= seconds and len(blocks) >= 3)

    def summary(self):
        """Returns medians in seconds and the numbers of steps that count, and the memory in MB."""
        found = {"first": round(self.first, 2), "first_counts": self.first_counts}
        for kind, blocks in self.blocks.items():
            seconds, found[f"{kind}_steps"] = median(blocks)
            found[kind] = round(seconds, 6)
        memory = max(block["memory"] for blocks in self.blocks.values() for block in blocks)
        return {**found, "memory": round(memory), "added": round(memory - self.start["base"], 1)}


def counted(blocks):
    """Returns the times of steps in blocks that other processes did not disturb."""
    return [time for block in blocks if block["others"] <= QUIET for time in block["times"]]


def median(blocks):
    """Returns the median of the steps that count and their number; of all steps if none counts."""
    counts = counted(blocks)
    every = [time for block in blocks for time in block["times"]]
    return statistics.median(counts or every), len(counts)


def alternate(workers, kinds, steps, seconds):
    """Runs the workers in turns until each has `steps` that count, or has used its `seconds`."""
    turns = [(worker, kind) for worker in workers for kind in kinds]
    while turns := [turn for turn in turns if not turn[0].done(turn[1], steps, seconds)]:
        for worker, kind in turns:
            worker.blocks[kind].append(worker.ask(kind))


def contenders(args, peer):
    """Returns what to measure, {name: (backend, options of the worker)}."""
    found = {backend: (backend, {}) for backend in args.backends}
    if args.peer:
        found[peer] = "torch", {"python": args.peer, "peer": True}
    if args.environment:
        more = dict(setting.split("=", 1) for setting in args.environment)
        found |= {f"{name}, with": (backend, how | more) for name, (backend, how) in found.items()}
    if args.against:
        root = {"PYTHONPATH": str(pathlib.Path(args.against).resolve())}
        found |= {f"{backend}, before": (backend, root) for backend in args.backends}
    return found


def start(network, shape, backend, how, args, result):
    """Starts a worker, and adds its versions to the result."""
    worker = Worker(network, shape, backend, args.threads, **how)
    versions = result["versions"].setdefault("peer" if "peer" in how else "ours", {})
    versions.update(worker.start["versions"])
    return worker


def save_figure(figure, axes, path):
    """Adds tick labels, grids and a legend to a figure, and saves it."""
    for axis in axes:
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.grid(alpha=0.3)
    labels = axes[0].get_legend_handles_labels()
    figure.legend(*labels, loc="outside right center", frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)
