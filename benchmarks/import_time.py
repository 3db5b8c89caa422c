"""Measures what `import stgkeras` adds to `import keras`, on every backend.

    python benchmarks/import_time.py

Each turn is a new process a backend, which times the two imports one after the other: that finds
the part of stgkeras even where the time of Keras itself varies by more. A first turn, not counted,
warms the file cache. Prints medians in seconds; the result is benchmarks/results/import_time.json.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
from importlib import metadata

import records

CODE = """if True:
    from time import perf_counter
    start = perf_counter()
    import keras
    middle = perf_counter()
    import stgkeras
    print(middle - start, perf_counter() - middle)
"""


def seconds(backend):
    """Times of `import keras` and of `import stgkeras` after it, in a new process."""
    env = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(records.ROOT)}
    command = [sys.executable, "-c", CODE]
    out = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    return [round(float(number), 4) for number in out.splitlines()[-1].split()]


def main(args):
    turns = [{name: seconds(name) for name in args.backends} for _ in range(args.turns + 1)][1:]
    times = {}
    for backend in args.backends:
        keras, added = zip(*(turn[backend] for turn in turns), strict=True)
        times[backend] = {
            "keras": statistics.median(keras),
            "added": statistics.median(added),
            "all": {"keras": keras, "added": added},
        }
    result = {
        "command": " ".join(["python", "benchmarks/import_time.py", *sys.argv[1:]]),
        "machine": records.MACHINE,
        "versions": {name: metadata.version(name) for name in ("keras", "numpy", "scipy")}
        | {"python": platform.python_version()},
        "turns": args.turns,
        "seconds": times,
    }
    records.write(records.RESULTS / "import_time.json", result)
    print(f"{'backend':<12}{'keras':>10}{'stgkeras adds':>16}")
    for backend, row in times.items():
        print(f"{backend:<12}{row['keras']:>10.2f}{row['added']:>16.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backends", nargs="+", default=["tensorflow", "jax", "torch"])
    parser.add_argument("--turns", type=int, default=7, help="counted turns")
    main(parser.parse_args())
