"""Measures which share of a training step it takes to gather the step's batch, on every backend.

    python benchmarks/feeding.py

At the shape of PEMS08, shuffled windows of random readings. A process a backend times
`Windows.__getitem__` on the batches of an epoch, then training steps on one batch.
"""

import functools
import statistics

import command
import numpy as np
import records
import speed
import speed_worker

STEPS = 17856  # 62 days of five minutes
FEATURES, MODELS = (1, 3), ("STGCN", "ASTGCN")
TARGET = 0.05
OPTIONS = {"backends": command.BACKENDS, "steps": (15, "training steps that count")}


def windows(series):
    """Shuffled training windows of the first feature of a series."""
    from stgkeras import datasets

    reach = {"input_length": 12, "horizon": 12}
    starts = datasets.split_windows(len(series), **reach).train
    options = {**reach, "batch_size": 32, "shuffle": True, "seed": 0}
    return datasets.Windows(series, series[..., :1], starts, **options)


def in_child(steps):
    """Median seconds by model and number of features, and the versions."""
    found = {}
    for features in FEATURES:
        shape = speed.SHAPES["PEMS08"] | {"F": features}
        series = np.random.default_rng(0).normal(size=(STEPS, shape["N"], features))
        batches = windows(series.astype("float32"))
        gather = functools.partial(next, map(batches.__getitem__, range(len(batches))))
        feed = statistics.median(speed_worker.times(gather, len(batches)))
        for name in MODELS:
            train = speed_worker.ours(name, shape, speed_worker.graph(shape))["train"]
            times = speed_worker.times(train, 3 + steps)[3:]  # the first ones compile
            found[f"{name} F={features}"] = {"feed": feed, "step": statistics.median(times)}
    return {**found, "versions": records.versions()}


def table(result):
    """The result as a table in Markdown, and the largest share."""
    cells, shares = [["backend", "model", "feed, ms", "step, ms", "share"]], []
    for backend, rows in result["seconds"].items():
        for name, row in rows.items():
            feed, step = 1e3 * row["feed"], 1e3 * row["step"]
            cells.append([backend, name, f"{feed:.3f}", f"{step:.1f}", f"{feed / step:.3%}"])
            shares.append(feed / step)
    largest = f"largest share {max(shares):.3%}, target at most {TARGET:.0%}"
    return f"{records.markdown(cells)}\n\n{largest}"


def main(args):
    seconds, versions = command.ask_backends(args, __file__, steps=args.steps)
    return {"versions": versions, "seconds": seconds}


if __name__ == "__main__":
    command.run(__name__)
