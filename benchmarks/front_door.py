"""Runs examples/train_astgcn.py over seeds. The table shows mean ± standard deviation on test data.

    python benchmarks/front_door.py forecast --data FILE … --name los_loop
    python benchmarks/front_door.py links --name links

The example gets all other options. Runs are stored in runs/<name>-seed<n>. Interrupted runs are
resumed, and complete runs are not repeated. The result is benchmarks/results/<name>.json.
"""

import pathlib

import command
import numpy as np
import pandas as pd
import records

OPTIONS = {
    "name": {"required": True, "help": "name of the runs and of the result"},
    "seeds": [0, 1, 2],
    "task": {"choices": ["links", "forecast"]},
    "rest": {},  # options of the example
    "out": {"type": pathlib.Path, "help": "file of the result; default: by name"},
}


def cell(mean, std):
    return f"{mean:.4g} ± {std:.2g}" if std > 1e-9 * abs(mean) else f"{mean:.4g}"


def table(result):
    cells = np.vectorize(cell)(result["mean"], result["std"])
    return records.markdown_frame(pd.DataFrame(cells, result["rows"], result["columns"]))


def main(args):
    runs = []
    for seed in args.seeds:
        options = ["--task", args.task, *args.rest, "--seed", str(seed)]
        folder = records.ROOT / "runs" / f"{args.name}-seed{seed}"
        runs.append(command.example("train_astgcn", options, folder))
    frame = pd.DataFrame(runs[0]["test"]).T
    figures = np.array([pd.DataFrame(run["test"]).T for run in runs])  # (seeds, rows, columns)
    std = figures.std(0, ddof=1) if len(runs) > 1 else 0 * figures[0]
    args.out = args.out or records.RESULTS / f"{args.name}.json"
    return {
        "versions": records.versions() | runs[0]["versions"],
        "rows": list(frame.index),
        "columns": list(frame.columns),
        "mean": figures.mean(0).round(4).tolist(),
        "std": std.round(4).tolist(),
    }


if __name__ == "__main__":
    command.run(__name__)
