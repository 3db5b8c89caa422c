"""Processes that take turns at being timed, and the record of it; for speed.py and scale.py."""

import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
from time import perf_counter

import records
from speed_worker import busy

QUIET = 0.125  # cores that other processes may use
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "NPROC",  # XLA's thread pool
)


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
        env = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(root)}
        env |= dict.fromkeys(THREADS, str(threads))
        env |= dict(setting.split("=", 1) for setting in environment)
        request = json.dumps({"network": network, "shape": shape, "peer": peer})
        command = [python, str(records.ROOT / "benchmarks" / "speed_worker.py"), request]
        pipe, self.errors = subprocess.PIPE, tempfile.TemporaryFile("w+")
        others, start, self.blocks = busy(), perf_counter(), {}
        self.process = subprocess.Popen(
            command, env=env, stdin=pipe, stdout=pipe, stderr=self.errors, text=True
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
    """Median of the steps that count, and how many they are; 0 of all steps, if none counts."""
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
    """What is measured, as the options ask: names, backends, and how their workers are started."""
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


def about(script, args):
    """What the figures depend on."""
    # What lies elsewhere is named, not where it lies here.
    far = {word for word in args.argv if word.startswith((os.path.sep, "..", "~"))}
    settings = {name: value for name, value in vars(args).items() if isinstance(value, int | float)}
    named = [pathlib.Path(word).name if word in far else word for word in args.argv]
    return {
        "command": " ".join(["python", f"benchmarks/{script}", *named]),
        "machine": records.MACHINE,
        "settings": settings,
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "seed": 0,
        "python": platform.python_version(),
        "versions": {},
    }


def markdown(rows):
    """Rows of strings, the first of them the head, as a table in Markdown."""
    head, *others = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *others))


def add_options(parser, out, seconds):
    """The options that speed.py and scale.py share."""
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--peer", metavar="PYTHON", help="interpreter with the peers installed")
    parser.add_argument("--against", metavar="FOLDER", help="another checkout to measure as well")
    parser.add_argument(
        "--environment",
        metavar="NAME=VALUE",
        nargs="+",
        help="variables to measure all with as well",
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every process")
    parser.add_argument("--steps", type=int, default=20, help="steps that count, of each kind")
    parser.add_argument("--seconds", type=float, default=seconds, help="at most, of a kind of step")
    parser.add_argument("--out", type=pathlib.Path, default=records.RESULTS / out)
