"""Measures the time that `import stgkeras`, with all its parts, adds to `import keras`.

    python benchmarks/import_time.py

Each turn starts a new process per backend, which measures the two imports one after the other. The
first turn only fills the file cache. The table shows medians in seconds.
"""

import statistics
from time import perf_counter

import command
import records

OPTIONS = {"backends": command.BACKENDS, "turns": (7, "turns that count")}


def in_child():
    """Yields the seconds of both imports in this process, and the versions."""
    start = perf_counter()
    import keras  # noqa: F401

    middle = perf_counter()
    import stgkeras

    for part in stgkeras.__all__:  # parts are imported when they are first used
        getattr(stgkeras, part)
    seconds = {"keras": middle - start, "added": perf_counter() - middle}
    yield {**seconds, "versions": records.versions()}


def table(result):
    columns = result["seconds"].values()
    turns = len(next(iter(columns))["all"]["keras"])
    rows = [
        [f"seconds, medians of {turns}", *result["seconds"]],
        ["`import keras`", *(f"{found['keras']:.2f}" for found in columns)],
        ["`import stgkeras` after it", *(f"{found['added']:.2f}" for found in columns)],
    ]
    return records.markdown(rows)


def main(args):
    turns = [command.ask_backends(args, __file__) for _ in range(1 + args.turns)][1:]
    seconds = {}
    for backend in args.backends:
        every = {key: [found[backend][key] for found, _ in turns] for key in ("keras", "added")}
        medians = {key: statistics.median(times) for key, times in every.items()}
        seconds[backend] = {**medians, "all": every}
    return {"versions": turns[0][1], "seconds": seconds}


if __name__ == "__main__":
    command.run(__name__)
