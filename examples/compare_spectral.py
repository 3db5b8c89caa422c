"""Compares the lineage of spectral networks on digits, 8 × 8 pixels taken as nodes of a graph.

python examples/compare_spectral.py

SCNN, smooth SCNN, ChebNet and GCN see images whose pixels are shuffled, and the grid that tells
which pixels are neighbours. ChebNet learns on two estimates of the grid too, of the training part
alone: pixels are linked that vary alike, or that a network trained on the labels uses alike.
"""

import argparse
import json
import pathlib
import sys
import time

import keras
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from pixel_graphs import LINEAGE, build, estimate, load
from scipy.sparse.csgraph import shortest_path
from tqdm.keras import TqdmCallback

from stgkeras import graphs, plots

STYLES = ("C0-", "C3--", "C2-.", "C4:", "k-", "k:")  # told apart in greyscale too


def fit(model, train, val, label, epochs, learning_rate=1e-2):
    """Trains up to 15 epochs past the one of least validation loss, and goes back to that one.

    Returns the validation accuracies, and the median seconds of an epoch.
    """
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=["accuracy"])
    ends = [time.perf_counter()]
    history = model.fit(
        *train,
        validation_data=val,
        batch_size=64,
        epochs=epochs,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=15, restore_best_weights=True),
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda *_: ends.append(time.perf_counter())
            ),
            TqdmCallback(verbose=0, desc=label),
        ],
    ).history
    return history["val_accuracy"], float(np.median(np.diff(ends)))


def scores(model, parts):
    """The number of parameters, and the accuracy on each part, {name: (images, labels)}."""
    return {
        "parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        **{name: model.evaluate(*part, 64, verbose=0)[1] for name, part in parts.items()},
    }


def linear_maps(model):
    """The filters of the first convolution as matrices (filters, N, N), without bias and ReLU."""
    layer, operator = model.get_layer("convolution_1"), model.graph[0]
    linear = type(layer).from_config(layer.get_config() | {"activation": None, "use_bias": False})
    impulses = np.eye(len(operator), dtype="float32")[..., None]
    linear.build(impulses.shape, operator.shape)
    linear.set_weights(layer.get_weights()[:1])
    return keras.ops.convert_to_numpy(linear(impulses, operator)).transpose(2, 1, 0)


def main(args):
    folder = pathlib.Path(args.out)
    if (folder / "metrics.json").exists():
        sys.exit(f"{folder} holds a finished run. Pass another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    grid, train, val, test = load(args.seed)
    runs = [(name, "grid", grid) for name in LINEAGE]
    runs.append(("ChebNet", "estimated", estimate(train[0])))
    runs.append(("ChebNet", "estimated with labels", estimate(*train, args.seed)))
    rows, maps, curves = [], {}, Figure(figsize=(7, 4), layout="constrained")
    axes = curves.subplots()
    for (name, kind, adjacency), style in zip(runs, STYLES, strict=True):
        keras.utils.set_random_seed(args.seed)
        model, label = build(name, adjacency), f"{name}, {kind}"
        accuracies, seconds = fit(model, train, val, label, args.epochs)
        errors = 100 - 100 * np.array(accuracies)
        axes.plot(np.arange(1, len(errors) + 1), errors, style, label=label)
        row = {"model": name, "graph": kind, "seconds per epoch": seconds}
        rows.append(row | scores(model, {"validation": val, "test": test}))
        if kind == "grid":
            maps[name] = linear_maps(model)
    ticks = (1, 2, 5, 10, 20, 50)
    axes.set(xlabel="epoch", ylabel="validation error (%)", yscale="log")
    axes.set_yticks(ticks, ticks)
    axes.legend(frameon=False)
    curves.savefig(folder / "accuracy.png", dpi=150)
    hops = shortest_path(grid, unweighted=True)
    filters = plots.spectral_filters(maps, *graphs.fourier_basis(grid), hops)
    filters.savefig(folder / "filters.png", dpi=130)
    versions = {"keras": keras.__version__, "backend": keras.backend.backend()}
    record = {"command": sys.argv, "seed": args.seed, "versions": versions, "rows": rows}
    (folder / "metrics.json").write_text(json.dumps(record, indent=2))
    print(f"\nWeights of the best validation epoch; everything is in {folder}")
    print(pd.DataFrame(rows).round(4).to_string(index=False))


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="folder of the run; a new one under runs/ by default")
    args = parser.parse_args(arguments)
    args.out = args.out or f"runs/spectral-{time.strftime('%Y%m%d-%H%M%S')}"
    return args


if __name__ == "__main__":
    main(parse())
