"""Compares training from a memory map with training from an array, on every backend.

    python benchmarks/memory_map.py

A file of random readings (1.1 GB) is mapped into memory, and also copied into an array. One process
per backend trains an STGCN on shuffled windows, alternately from the array and from the map. Then
it removes the file from the page cache and trains from the disk of --folder. "MB to prepare" is the
memory needed to check the map, to fit a scaler and to gather a batch. Needs Linux.
"""

import functools
import itertools
import mmap
import os
import pathlib
import statistics
import tempfile
import tracemalloc
from time import perf_counter

import command
import numpy as np
import records
import speed
import speed_worker
from feeding import windows
from speed_turns import median

SOURCES = ("array", "memory map", "memory map, from disk")
SHAPE = speed.SHAPES["PEMS08"] | {"arguments": {"normalize": True}}
OPTIONS = {
    "backends": command.BACKENDS,
    "threads": (os.cpu_count(), "of each process"),
    "steps": (525600, "steps of the series"),
    "turns": (15, "turns per source"),
    "folder": {"help": "folder of the file; default: a temporary one"},
}


def make_file(path, steps):
    """Writes the series in parts."""
    rng = np.random.default_rng(0)
    shape = (steps, SHAPE["N"], SHAPE["F"])
    series = np.lib.format.open_memmap(path, "w+", "float32", shape)
    for low in range(0, steps, 10000):
        part = series[low : low + 10000]
        part[:] = rng.standard_normal(part.shape, dtype="float32")
    series.flush()


def drop(mapped, path):
    """Removes the file from the memory of this process and from the page cache."""
    mapped._mmap.madvise(mmap.MADV_DONTNEED)
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def in_child(path, turns):
    """Yields medians by source, the memory to prepare the map in MB, and the versions."""
    from stgkeras import datasets

    model = speed_worker.compiled("STGCN", SHAPE, speed_worker.graph(SHAPE))
    mapped = np.load(path, mmap_mode="r")
    tracemalloc.start()
    series = datasets.from_arrays(mapped, interval=5).values
    from_map = windows(series)
    model.adapt(series[: int(0.6 * len(series))])
    from_map[0]
    used = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    batches = dict(zip(SOURCES, (windows(np.array(mapped)), from_map, from_map), strict=True))
    blocks, feeds = ({source: [] for source in SOURCES} for _ in range(2))
    numbers = itertools.cycle(range(len(from_map)))  # each step gets other windows

    def step(source):
        start = perf_counter()
        batch = batches[source][next(numbers)]
        feeds[source].append(perf_counter() - start)
        float(model.train_on_batch(*batch))

    step("array"), step("array")  # compiles
    for source in [*SOURCES[:2] * turns, *SOURCES[2:] * turns]:
        if source == SOURCES[2] and not blocks[source]:
            drop(mapped, path)
        blocks[source].append(speed_worker.block(functools.partial(step, source)))
    rows = {}
    for source in SOURCES:
        seconds, counted = median(blocks[source])
        rows[source] = {"step": seconds, "steps": counted, "feed": statistics.median(feeds[source])}
    yield {"rows": rows, "memory": used, "versions": records.versions()}


def table(result):
    """Returns the result as a table in Markdown."""
    rows = [["", "from", "step, ms", "slower", "gathering, ms", "steps counted", "MB to prepare"]]
    for backend, found in result["backends"].items():
        array = found["rows"]["array"]["step"]
        for source, row in found["rows"].items():
            times = [f"{1e3 * row['step']:.1f}", f"{row['step'] / array - 1:+.1%}"]
            memory = "" if source == "array" else f"{found['memory']:.0f}"
            figures = [*times, f"{1e3 * row['feed']:.2f}", f"{row['steps']}", memory]
            rows.append([backend, source, *figures])
    return records.markdown(rows)


def main(args):
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        path = pathlib.Path(folder) / "series.npy"
        make_file(path, args.steps)
        request = {"path": str(path), "turns": args.turns}
        backends, versions = command.ask_backends(args, __file__, **request)
    return {"versions": versions, "backends": backends}


if __name__ == "__main__":
    command.run(__name__)
