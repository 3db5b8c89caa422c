"""Runs examples/train_astgcn.py over seeds and tables its test figures, mean ± standard deviation.

    python benchmarks/front_door.py forecast --data FILE … --name los_loop
    python benchmarks/front_door.py links --name links

Options that it does not know are passed on. Runs live in runs/<name>-seed<n>; one that was cut off
goes on, one that is complete is not repeated. The result is benchmarks/results/<name>.json.
"""

import argparse
import json
import pathlib
import platform
import subprocess
import sys

import numpy as np
import pandas as pd
import records


def run(task, options, name, seed):
    """One training in a process of its own; returns what it wrote."""
    folder = records.ROOT / "runs" / f"{name}-seed{seed}"
    if not (folder / "metrics.json").exists():
        script = records.ROOT / "examples" / "train_astgcn.py"
        command = [sys.executable, str(script), "--task", task]
        command += [*options, "--seed", str(seed), "--out", str(folder)]
        resume = ["--resume"] if (folder / "last.keras").exists() else []
        subprocess.run([*command, *resume], check=True, cwd=records.ROOT)
    return json.loads((folder / "metrics.json").read_text())


def without_folder(argument):
    """A file of the reader's is named, not where it lies here."""
    return pathlib.Path(argument).name if pathlib.Path(argument).is_file() else argument


def main(args, options):
    runs = [run(args.task, options, args.name, seed) for seed in args.seeds]
    figures = np.array([pd.DataFrame(r["test"]).T.to_numpy() for r in runs])  # (seeds, rows, cols)
    frame = pd.DataFrame(runs[0]["test"]).T
    mean, std = figures.mean(0), figures.std(0, ddof=1) if len(runs) > 1 else figures[0] * 0
    result = {
        "command": " ".join(
            ["python", "benchmarks/front_door.py", *map(without_folder, sys.argv[1:])]
        ),
        "machine": records.MACHINE,
        "versions": runs[0]["versions"] | {"python": platform.python_version()},
        "seeds": args.seeds,
        "rows": list(frame.index),
        "columns": list(frame.columns),
        "mean": mean.round(4).tolist(),
        "std": std.round(4).tolist(),
        "runs": [r["test"]["ASTGCN"] for r in runs],
    }
    records.write(records.RESULTS / f"{args.name}.json", result)
    cells = [
        [
            f"{m:.4g} ± {s:.2g}" if s > 1e-9 * abs(m) else f"{m:.4g}"
            for m, s in zip(*row, strict=True)
        ]
        for row in zip(mean, std, strict=True)
    ]
    print(pd.DataFrame(cells, frame.index, frame.columns).to_string())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=("links", "forecast"))
    parser.add_argument("--name", required=True, help="name of the runs and of the result")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    main(*parser.parse_known_args())
