"""Measures the time to gather a batch, as a share of a training step, on every backend.

    python benchmarks/feeding.py

The batches are shuffled windows of random readings at the size of PEMS08. One process per backend
measures `Windows.__getitem__` for the batches of an epoch, then training steps on one batch.
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
OPTIONS = {"backends": command.BACKENDS, "steps": (15, "training steps that count")}


def windows(series):
    """Returns shuffled training windows of a series, to predict the first feature."""
    from stgkeras import datasets

    reach = {"input_length": 12, "horizon": 12}
    starts = datasets.split_windows(len(series), **reach).train
    options = {**reach, "batch_size": 32, "shuffle": True, "seed": 0}
    return datasets.Windows(series, series[..., :1], starts, **options)


def in_child(steps):
    """Yields median seconds by model and number of features, and the versions."""
    found = {}
    for features in FEATURES:
        shape = speed.SHAPES["PEMS08"] | {"F": features}
        series = np.random.default_rng(0).normal(size=(STEPS, shape["N"], features))
        batches = windows(series.astype("float32"))
        gather = functools.partial(next, map(batches.__getitem__, range(len(batches))))
        feed = statistics.median(speed_worker.times(gather, len(batches)))
        for name in MODELS:
            train = speed_worker.our_steps(name, shape, speed_worker.graph(shape))["train"]
            times = speed_worker.times(train, 3 + steps)[3:]  # the first steps compile
            found[f"{name} F={features}"] = {"feed": feed, "step": statistics.median(times)}
    yield {**found, "versions": records.versions()}


def table(result):
    """Returns a table with a column per backend. Cells: 1 feature / 3 features."""

    def row(label, name, figure):
        found = ([rows[f"{name} F={number}"] for number in FEATURES] for rows in seconds.values())
        return [label, *(" / ".join(map(figure, pair)) for pair in found)]

    def share(found):
        return f"{100 * found['feed'] / found['step']:.2f} %"

    seconds, label = result["seconds"], "gathering, 1 feature / 3 features, ms"
    feed = row(label, MODELS[0], lambda found: f"{1e3 * found['feed']:.2f}")
    shares = [row(f"share of a step of {name}", name, share) for name in MODELS]
    return records.markdown([["", *seconds], feed, *shares])


def main(args):
    seconds, versions = command.ask_backends(args, __file__, steps=args.steps)
    return {"versions": versions, "seconds": seconds}


if __name__ == "__main__":
    command.run(__name__)
