"""Measures which share of a training step it takes to gather the step's batch, on every backend.

    python benchmarks/feeding.py

At the shape of PEMS08: 170 nodes, 12 steps in and 12 out, batches of 32, shuffled; random readings.
A process a backend times `Windows.__getitem__` on the batches of an epoch, then steps of `fit` on
one batch held ready, each to the end of its computation; the first steps, which compile, do not
count. Prints medians; the result is benchmarks/results/feeding.json.
"""

import argparse
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
from time import perf_counter

import records

STEPS, NODES, LENGTH, HORIZON, BATCH = 17856, 170, 12, 12, 32  # 62 days of five minutes
NOT_COUNTED = 3  # first steps
TARGET = 0.05


def windows(num_features):
    import numpy as np

    import stgkeras

    series = np.random.default_rng(0).normal(size=(STEPS, NODES, num_features)).astype("float32")
    starts = stgkeras.datasets.split_windows(STEPS, LENGTH, HORIZON).train
    arguments = {"input_length": LENGTH, "horizon": HORIZON, "batch_size": BATCH, "shuffle": True}
    return stgkeras.datasets.Windows(series, series[..., :1], starts, **arguments)


def feeding_times(batches):
    """Seconds that each batch takes."""
    times = []
    for index in range(len(batches)):
        start = perf_counter()
        batches[index]
        times.append(perf_counter() - start)
    return times


def step_times(name, num_features, batch, steps):
    """Seconds of each step of `fit`, from when its batch is there until its loss is."""
    import keras
    import numpy as np

    import stgkeras

    class Time(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.times = []

        def on_train_batch_begin(self, step, logs=None):
            self.start = perf_counter()

        def on_train_batch_end(self, step, logs=None):
            float(logs["loss"])  # until then the step may still be under way
            self.times.append(perf_counter() - self.start)

    keras.utils.set_random_seed(0)
    path = np.eye(NODES, k=1) + np.eye(NODES, k=-1)
    model = getattr(stgkeras.models, name)(
        NODES,
        graph=stgkeras.graphs.scaled_laplacian(path),
        input_length=LENGTH,
        horizon=HORIZON,
        num_features=num_features,
    )
    model.compile("adam", "mae")

    class Ready(keras.utils.PyDataset):
        def __len__(self):
            return steps + NOT_COUNTED

        def __getitem__(self, index):
            return batch

    time = Time()
    model.fit(Ready(), shuffle=False, verbose=0, callbacks=[time])
    return time.times[NOT_COUNTED:]


def measure(args):
    """Medians in seconds by model and number of features, on the backend of this process."""
    import keras

    backend = keras.backend.backend()
    found = {"version": importlib.import_module(backend).__version__, "keras": keras.__version__}
    for features in args.features:
        batches = windows(features)
        feed = statistics.median(feeding_times(batches))
        for name in args.models:
            step = statistics.median(step_times(name, features, batches[0], args.steps))
            row = {"feed": round(feed, 7), "step": round(step, 5), "share": round(feed / step, 6)}
            found[f"{name} F={features}"] = row
    return found


def main(args):
    if args.here:
        print(json.dumps(measure(args)))
        return
    found = {}
    for backend in args.backends:
        env = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(records.ROOT)}
        command = [sys.executable, *sys.argv, "--here"]
        run = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
        found[backend] = json.loads(run.stdout.splitlines()[-1])
    versions = {"keras": found[args.backends[0]]["keras"], "python": platform.python_version()}
    versions |= {backend: rows["version"] for backend, rows in found.items()}
    seconds = {
        backend: {row: times for row, times in rows.items() if isinstance(times, dict)}
        for backend, rows in found.items()
    }
    result = {
        "command": " ".join(["python", "benchmarks/feeding.py", *sys.argv[1:]]),
        "machine": records.MACHINE,
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "versions": versions,
        "steps": args.steps,
        "target_share": TARGET,
        "seconds": seconds,
    }
    records.write(records.RESULTS / "feeding.json", result)
    print(f"{'backend':<12}{'model':<14}{'feed, ms':>10}{'step, ms':>10}{'share':>10}")
    for backend, rows in seconds.items():
        for row, times in rows.items():
            feed, step = 1e3 * times["feed"], 1e3 * times["step"]
            print(f"{backend:<12}{row:<14}{feed:>10.3f}{step:>10.1f}{times['share']:>10.3%}")
    worst = max(times["share"] for rows in seconds.values() for times in rows.values())
    print(f"largest share {worst:.3%}, target at most {TARGET:.0%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--models", nargs="+", default=["STGCN", "ASTGCN"])
    parser.add_argument("--features", nargs="+", type=int, default=[1, 3])
    parser.add_argument("--steps", type=int, default=15, help="counted steps of a training")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    main(parser.parse_args())
