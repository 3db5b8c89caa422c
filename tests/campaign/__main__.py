"""A campaign of random inputs against every public reader, constructor and opener of files.

    python -m tests.campaign readers --count 10000 --out FOLDER
    KERAS_BACKEND=torch python -m tests.campaign builders openers --count 300 --out FOLDER

Each input runs in a child process with a limit of 60 s, and of memory of twice its size and 100 MB.
`FOLDER/TARGET.json` is written as the campaign goes on; the same command continues where the
last one was stopped. Inputs that need a look are in `FOLDER/kept`. Inputs are random and cannot be
repeated; nothing is kept of an input that makes a process crash.
"""

import argparse
import gc
import importlib
import json
import os
import pathlib
import re
import sys
import time

from tests.campaign.children import OUTCOMES, outcome_of

GROUPS = ("readers", "links", "published", "graphs", "builders", "openers")
PACKAGES = ("h5py", "holidays", "networkx", "pandas", "pyarrow.parquet", "scipy.sparse.csgraph")
PIECE = 100  # inputs between two writes of the counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="+", help=f"of {', '.join(GROUPS)}; or one target, a.b")
    parser.add_argument("--count", type=int, default=300, help="inputs for each target")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder of the results")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if os.environ.get("KERAS_BACKEND") != "tensorflow":  # each child would import it, for seconds
        sys.modules["tensorflow"] = None
    for package in PACKAGES:  # a child process that imports them would need time and memory for it
        importlib.import_module(package)
    for group in options.groups:
        group, _, only = group.partition(".")
        module = importlib.import_module(f"tests.campaign.{group}")
        getattr(module, "warm_up", lambda: None)()
        gc.collect()
        gc.freeze()  # the children share this memory
        for target in module.TARGETS:
            if only in ("", target.__name__):
                run(group, target, options)
    table(options.out)


def run(group, target, options):
    """Runs the inputs of one target that are left to do."""
    name = f"{group}.{target.__name__}"
    path = options.out / f"{name}.json"
    counts = {"backend": os.environ.get("KERAS_BACKEND", "none"), "seconds": 0, "messages": {}}
    if path.exists():
        counts = json.loads(path.read_text())
    while True:
        done = sum(counts.get(outcome, 0) for outcome in OUTCOMES)
        left = min(PIECE, options.count - done)
        if left <= 0:
            return
        began = time.monotonic()
        for _ in range(left):
            found = outcome_of(target, options.out / "kept")
            counts[found["outcome"]] = counts.get(found["outcome"], 0) + 1
            if found["outcome"] == "refused":
                form = form_of(found["message"])
                counts["messages"][form] = counts["messages"].get(form, 0) + 1
        counts["seconds"] += round(time.monotonic() - began)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(counts, indent=1, sort_keys=True))
        partial.replace(path)
        told = ", ".join(
            f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if outcome in counts
        )
        print(f"{name} {done + left}/{options.count} ({counts['seconds']} s): {told}", flush=True)


def form_of(message):
    """Returns the start of a message without its values, so that messages can be counted."""
    message = re.sub(r"/\S+", "PATH", message.split("Received")[0])
    return re.sub(r"\d+", "0", message)[:90]


def table(folder):
    """Prints the counts as a table, with the number of different messages."""
    shown = OUTCOMES[:-1]
    print("| target | backend | inputs | " + " | ".join(shown) + " | messages |")
    print("|---|---|" + "--:|" * (len(shown) + 2))
    for path in sorted(folder.glob("*.json")):
        counts = json.loads(path.read_text())
        cells = [counts.get(outcome, 0) for outcome in shown]
        row = [path.stem, counts["backend"], sum(cells), *cells, len(counts["messages"])]
        print("| " + " | ".join(map(str, row)) + " |")


if __name__ == "__main__":
    main()
