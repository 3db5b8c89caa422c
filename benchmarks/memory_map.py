"""Training from a series that stays on disk, beside training from an array, on every backend.

    python benchmarks/memory_map.py

A file of random readings at 170 sensors, three features, every five minutes for five years (1.1 GB)
is mapped into memory, and copied into an array. A process a backend trains an STGCN on shuffled
windows, batches of 32, 12 steps in and out, in turns of a quarter of a second from the array and
from the map; then from the map after its pages were dropped, so that windows come from the disk. A
step gathers its batch and trains on it, one after the other; turns in which other processes were
busy do not count. Also says how much memory it took to check the map, to fit a scaler to it and to
gather a batch.

Prints medians; the result is benchmarks/results/memory_map.json. Needs Linux. Shuffled windows are
random reads: the second row is of a file that the page cache holds, the third of one far larger
than memory, on the disk of --folder. `Windows(…, workers=4)` reads in `fit` while the model trains.
"""

import argparse
import json
import mmap
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from time import perf_counter

import numpy as np
import records
from speed_turns import THREADS, about, markdown, median
from speed_worker import block

NODES, FEATURES, LENGTH, HORIZON, BATCH = 170, 3, 12, 12, 32
RESULT = records.RESULTS / "memory_map.json"
SOURCES = ("array", "memory map", "memory map, from disk")


def make_file(path, steps):
    """Writes the series a part at a time."""
    rng = np.random.default_rng(0)
    series = np.lib.format.open_memmap(path, "w+", "float32", (steps, NODES, FEATURES))
    for low in range(0, steps, 10000):
        part = series[low : low + 10000]
        part[:] = rng.standard_normal(part.shape, dtype="float32")
    series.flush()


def drop(mapped, path):
    """Takes the file's pages from this process and from the page cache."""
    mapped._mmap.madvise(mmap.MADV_DONTNEED)
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def windows(series):
    from stgkeras import datasets

    starts = datasets.split_windows(len(series), LENGTH, HORIZON).train
    arguments = {"input_length": LENGTH, "horizon": HORIZON, "batch_size": BATCH, "shuffle": True}
    return datasets.Windows(series, series[..., :1], starts, **arguments)


def measure(path, turns):
    """Blocks of steps by source, and the megabytes of preparation from the map."""
    import keras

    from stgkeras import datasets, graphs, models

    road = np.eye(NODES, k=1) + np.eye(NODES, k=-1)
    model = models.STGCN(
        NODES,
        graph=graphs.scaled_laplacian(road),
        input_length=LENGTH,
        horizon=HORIZON,
        num_features=FEATURES,
        normalize=True,
    )
    model.compile("adam", "mae")
    mapped = np.load(path, mmap_mode="r")
    tracemalloc.start()
    series = datasets.from_arrays(mapped, interval=5).values
    batches = {"memory map": windows(series)}
    model.adapt(series[: int(0.6 * len(series))])
    batches["memory map"][0]
    used = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    batches["memory map, from disk"] = batches["memory map"]
    batches["array"] = windows(np.array(mapped))
    sequence = iter(range(10**9))  # other windows in every step

    def step(source):
        start = perf_counter()
        batch = batches[source][next(sequence) % len(batches[source])]
        feeds[source].append(perf_counter() - start)
        float(model.train_on_batch(*batch))

    blocks, feeds = ({source: [] for source in SOURCES} for _ in range(2))
    step("array"), step("array")  # compiles
    for sources in (("array", "memory map"), ("memory map, from disk",)):
        if len(sources) == 1:
            drop(mapped, path)
        for _ in range(turns):
            for source in sources:
                blocks[source].append(block(lambda source=source: step(source)))
    found = {"keras": keras.__version__, "used": used, "bytes": mapped.nbytes}
    return {**found, "blocks": blocks, "feeds": feeds}


def summary(found):
    """Medians in seconds, of how many steps, and how much slower than from the array."""
    rows = {}
    for source, blocks in found["blocks"].items():
        seconds, steps = median(blocks)
        rows[source] = {
            "step": round(seconds, 5),
            "steps": steps,
            "feed": round(statistics.median(found["feeds"][source]), 7),
        }
    for row in rows.values():
        row["slower"] = round(row["step"] / rows["array"]["step"] - 1, 4)
    return {"rows": rows, "memory": round(found["used"], 1)}


def table(result):
    """The result as a table in Markdown."""
    head = ["", "from", "step, ms", "slower", "gathering, ms", "steps counted", "MB to prepare"]
    rows = [head]
    for backend, found in result["backends"].items():
        for source, row in found["rows"].items():
            figures = [f"{1e3 * row['step']:.1f}", f"{row['slower']:+.1%}"]
            figures += [f"{1e3 * row['feed']:.2f}", f"{row['steps']}"]
            memory = "" if source == "array" else f"{found['memory']:.0f}"
            rows.append([backend, source, *figures, memory])
    return markdown(rows)


def main(args):
    if args.here:
        print(json.dumps(measure(args.here, args.turns)))
        return
    result = {**about("memory_map.py", args), "backends": {}}
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = pathlib.Path(folder) / "series.npy"
        make_file(path, args.steps)
        for backend in args.backends:
            env = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(records.ROOT)}
            env |= dict.fromkeys(THREADS, str(args.threads))
            command = [sys.executable, __file__, "--here", str(path), "--turns", str(args.turns)]
            run = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
            found = json.loads(run.stdout.splitlines()[-1])
            result["versions"] |= {"keras": found["keras"]}
            result["gigabytes"] = round(found["bytes"] / 1e9, 2)
            result["backends"][backend] = summary(found)
    records.write(RESULT, result)
    print(table(result))


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every process")
    parser.add_argument("--steps", type=int, default=525600, help="steps of the series")
    parser.add_argument("--turns", type=int, default=15, help="of each source")
    parser.add_argument("--folder", help="where the file is made; a temporary one by default")
    parser.add_argument("--here", help=argparse.SUPPRESS)
    return parser.parse_args(argv, argparse.Namespace(argv=argv))


if __name__ == "__main__":
    main(parse(sys.argv[1:]))
