"""Workers, which are processes that take turns at being timed, for speed.py and scale.py."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from time import perf_counter

import command
import records
from speed_worker import busy

QUIET = 0.125  # cores that other processes may use
OPTIONS = {
    "backends": command.BACKENDS,
    "peer": {"metavar": "PYTHON", "help": "interpreter with the peers installed"},
    "against": {"metavar": "FOLDER", "help": "another checkout to measure as well"},
    "environment": {"metavar": "NAME=VALUE", "nargs": "+", "help": "measure with these set too"},
    "threads": (os.cpu_count(), "of every process"),
    "steps": (20, "steps that count, of each kind"),
}


class Worker:
    """A network in a process of its own; `first` seconds after its start it has trained a step."""

    def __init__(
        self,
        network,
        shape,
        backend,
        threads,
        python=sys.executable,
        root=records.ROOT,
        peer=False,
        environment=(),
    ):
        env = command.environment(backend, threads, root)
        env |= dict(setting.split("=", 1) for setting in environment)
        request = json.dumps({"network": network, "shape": shape, "peer": peer})
        words = [python, str(records.ROOT / "benchmarks" / "speed_worker.py"), request]
        pipe, self.errors = subprocess.PIPE, tempfile.TemporaryFile("w+")
        others, start, self.blocks = busy(), perf_counter(), {}
        self.process = subprocess.Popen(
            words, env=env, stdin=pipe, stdout=pipe, stderr=self.errors, text=True
        )
        self.start = self._answer()
        self.first = perf_counter() - start
        self.first_counts = (busy() - others - self.start["own"]) / self.first <= QUIET

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.errors.seek(0)
            last = (self.errors.read().strip().splitlines() or ["no message"])[-1]
            raise RuntimeError(f"the process ended with {code}: {last}")
        return json.loads(line)

    def ask(self, what):
        print(what, file=self.process.stdin, flush=True)
        return self._answer()

    def done(self, kind, steps, seconds):
        blocks = self.blocks.get(kind, [])
        spent = sum(sum(block["times"]) for block in blocks)
        return len(counted(blocks)) >= steps or (spent >= seconds and len(blocks) >= 3)

    def summary(self):
        """Medians in seconds, and of how many steps each is; 0 if all were disturbed."""
        found = {"first": round(self.first, 2), "first_counts": self.first_counts}
        for kind, blocks in self.blocks.items():
            seconds, found[f"{kind}_steps"] = median(blocks)
            found[kind] = round(seconds, 6)
        memory = max(block["memory"] for blocks in self.blocks.values() for block in blocks)
        return {**found, "memory": round(memory), "added": round(memory - self.start["base"], 1)}

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()


def counted(blocks):
    """Times of the steps that count: those of blocks in which other processes were quiet."""
    return [time for block in blocks if block["others"] <= QUIET for time in block["times"]]


def median(blocks):
    """Median of the steps that count, and their number. If none counts: of all steps, and 0."""
    counts = counted(blocks)
    every = [time for block in blocks for time in block["times"]]
    return statistics.median(counts or every), len(counts)


def alternate(workers, kinds, steps, seconds):
    """Runs the workers in turn until each has `steps` that count, or has had its `seconds`."""
    turns = [(worker, kind) for worker in workers for kind in kinds]
    while turns := [turn for turn in turns if not turn[0].done(turn[1], steps, seconds)]:
        for worker, kind in turns:
            worker.blocks.setdefault(kind, []).append(worker.ask(kind))


def contenders(args, peer):
    """What the options ask to measure: names, backends, and how their workers are started."""
    found = [(backend, backend, {}) for backend in args.backends]
    if args.peer:
        found.append((peer, "torch", {"python": args.peer, "peer": True}))
    if args.environment:
        more = {"environment": args.environment}
        found += [(f"{name}, with", backend, {**how, **more}) for name, backend, how in found]
    if args.against:
        root = pathlib.Path(args.against).resolve()
        found += [(f"{backend}, before", backend, {"root": root}) for backend in args.backends]
    return found


def add_versions(result, how, worker):
    """Adds the versions in a worker's process to those of ours or of the peer."""
    whose = "peer" if how.get("peer") else "ours"
    result["versions"].setdefault(whose, {}).update(worker.start["versions"])
