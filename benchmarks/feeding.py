"""Measures which share of a training step it takes to gather the step's batch, on every backend.

    python benchmarks/feeding.py

At the shape of PEMS08, shuffled windows of random readings. A process a backend times
`Windows.__getitem__` on the batches of an epoch, then training steps on one batch.
"""

import statistics

import command
import numpy as np
import records
import speed
import speed_worker

STEPS = 17856  # 62 days of five minutes
NOT_COUNTED = 3  # first steps, which compile
TARGET = 0.05
OPTIONS = {
    "backends": command.BACKENDS,
    "models": ["STGCN", "ASTGCN"],
    "features": [1, 3],
    "steps": (15, "training steps that count"),
}


def windows(series):
    """Shuffled training windows of the first feature of a series."""
    from stgkeras import datasets

    reach = {"input_length": 12, "horizon": 12}
    starts = datasets.split_windows(len(series), **reach).train
    return datasets.Windows(
        series, series[..., :1], starts, **reach, batch_size=32, shuffle=True, seed=0
    )


def gathering(batches):
    """Seconds to gather a batch, the median."""
    numbers = iter(range(len(batches)))
    return statistics.median(speed_worker.times(lambda: batches[next(numbers)], len(batches)))


def in_child(models, features, steps):
    """Medians by model and number of features, and the versions."""
    found, nodes = {}, speed.SHAPES["PEMS08"]["N"]
    for count in features:
        series = np.random.default_rng(0).normal(size=(STEPS, nodes, count)).astype("float32")
        feed = gathering(windows(series))
        for name in models:
            shape = speed.SHAPES["PEMS08"] | {"F": count}
            train = speed_worker.ours(name, shape, speed_worker.graph(shape))[0]["train"]
            times = speed_worker.times(train, NOT_COUNTED + steps)
            step = statistics.median(times[NOT_COUNTED:])
            row = {"feed": round(feed, 7), "step": round(step, 5), "share": round(feed / step, 6)}
            found[f"{name} F={count}"] = row
    return {**found, "versions": records.versions()}


def table(result):
    """The result as a table in Markdown, and the largest share."""
    cells, shares = [["backend", "model", "feed, ms", "step, ms", "share"]], []
    for backend, rows in result["seconds"].items():
        for name, row in rows.items():
            times = [f"{1e3 * row['feed']:.3f}", f"{1e3 * row['step']:.1f}"]
            cells.append([backend, name, *times, f"{row['share']:.3%}"])
            shares.append(row["share"])
    largest = f"largest share {max(shares):.3%}, target at most {result['target_share']:.0%}"
    return f"{records.markdown(cells)}\n\n{largest}"


def main(args):
    request = {"models": args.models, "features": args.features, "steps": args.steps}
    seconds, versions = command.ask_backends(args, __file__, **request)
    return {"target_share": TARGET, "versions": versions, "seconds": seconds}


if __name__ == "__main__":
    command.run(__name__)
