"""Compares spectral graph networks on images of digits. The 8 × 8 pixels are graph nodes.

python examples/compare_spectral.py

SCNN, smooth SCNN, ChebNet and GCN read images with shuffled pixels, and the grid graph of
neighbouring pixels. ChebNet is also trained on two graphs that are estimated from training images.
The first links pixels with similar values. The second links pixels with similar weights in a
network that was trained on the labels.
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

STYLES = ("C0-", "C3--", "C2-.", "C4:", "k-", "k:")  # differ in greyscale too


def fit(model, train, val, label, epochs, learning_rate=1e-2):
    """Trains until the validation loss has not improved for 15 epochs.

    The model gets the weights of the best epoch. Returns the validation accuracy of each epoch, and
    the median time of an epoch in seconds.
    """
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")
    model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=[accuracy])
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
    """Returns the number of parameters, and the accuracy on {name: (images, labels)}."""
    return {
        "parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        **{name: model.evaluate(*part, 64, verbose=0)[1] for name, part in parts.items()},
    }


def linear_maps(model):
    """Returns the filters of the first layer as matrices (filters, N, N), without bias and ReLU."""
    layer, operator = model.get_layer("convolution_1"), model.graph[0]
    linear = type(layer).from_config(layer.get_config() | {"activation": None, "use_bias": False})
    impulses = np.eye(len(operator), dtype="float32")[..., None]
    linear.build(impulses.shape, operator.shape)
    linear.set_weights(layer.get_weights()[:1])
    return keras.ops.convert_to_numpy(linear(impulses, operator)).transpose(2, 1, 0)


def main(args):
    folder = pathlib.Path(args.out)
    if (folder / "metrics.json").exists():
        sys.exit(f"{folder} already holds a run. Pass another --out.")
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
    print(f"\nWeights of the best epoch on validation. All files are in {folder}")
    print(pd.DataFrame(rows).round(4).to_string(index=False))


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=60, help="largest number of epochs")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument("--out", help="output folder; default: a new one in runs/")
    args = parser.parse_args(arguments)
    args.out = args.out or f"runs/spectral-{time.strftime('%Y%m%d-%H%M%S')}"
    return args


if __name__ == "__main__":
    main(parse())
