"""Measures what `import stgkeras`, with all its parts, adds to `import keras`, on every backend.

    python benchmarks/import_time.py

Each turn is a new process a backend, which times the two imports one after the other. A first turn
warms the file cache, and does not count. Figures are medians in seconds.
"""

import statistics
from time import perf_counter

import command
import records

OPTIONS = {"backends": command.BACKENDS, "turns": (7, "turns that count")}


def in_child():
    """Seconds of both imports in this process, and the versions."""
    start = perf_counter()
    import keras  # noqa: F401

    middle = perf_counter()
    import stgkeras

    for part in stgkeras.__all__:  # they are imported when they are first used
        getattr(stgkeras, part)
    return [round(middle - start, 4), round(perf_counter() - middle, 4), records.versions()]


def table(result):
    rows = [["backend", "keras", "stgkeras adds"]]
    for backend, row in result["seconds"].items():
        rows.append([backend, f"{row['keras']:.2f}", f"{row['added']:.3f}"])
    return records.markdown(rows)


def main(args):
    turns = [
        {backend: command.ask(__file__, backend) for backend in args.backends}
        for _ in range(args.turns + 1)
    ][1:]
    result = {"versions": {}, "seconds": {}}
    for backend in args.backends:
        keras, added, versions = zip(*(turn[backend] for turn in turns), strict=True)
        result["versions"] |= versions[0]
        result["seconds"][backend] = {
            "keras": statistics.median(keras),
            "added": statistics.median(added),
            "all": {"keras": keras, "added": added},
        }
    return result


if __name__ == "__main__":
    command.run(__name__)
