"""Compares spectral graph networks on images of digits. The 8 × 8 pixels are graph nodes.

python examples/compare_spectral.py

The pixels are shuffled, so only the graph shows which pixels are neighbours.
"""

import keras
from scipy.sparse.csgraph import shortest_path

from stgkeras import callbacks, datasets, graphs, models, plots
from stgkeras.cli import scripts

LINEAGE = {  # model class, and arguments for about 13 700 parameters
    "SCNN": (models.SpectralCNN, {"filters": (12, 24)}),
    "smooth SCNN": (models.SpectralCNN, {"filters": (24, 48), "num_knots": 5}),
    "ChebNet": (models.ChebNet, {"filters": (24, 48), "K": 5}),
    "GCN": (models.GCN, {"filters": (35, 70)}),
}


def main(args):
    folder = scripts.new_folder(args.out, "spectral")
    digits = datasets.load_digits(args.seed)
    train, val, test = ((digits.images[part], digits.labels[part]) for part in digits.split)
    pixels, grid = train[0][..., 0], digits.adjacency
    estimated = graphs.estimate_graph(pixels, num_neighbors=4, standardize=True)
    labelled = graphs.estimate_graph(pixels, num_neighbors=4, labels=train[1], seed=args.seed)
    runs = [(name, "grid", grid) for name in LINEAGE]
    runs += [("ChebNet", "estimated", estimated), ("ChebNet", "estimated with labels", labelled)]
    rows, filters, curves = [], {}, {}
    for name, kind, adjacency in runs:
        print(f"{name} on the {kind} graph", flush=True)
        keras.utils.set_random_seed(args.seed)
        model_class, width = LINEAGE[name]
        model = model_class.from_adjacency(adjacency, num_classes=10, units=(), **width)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(1e-2), loss, metrics=["accuracy"])
        stop = keras.callbacks.EarlyStopping(patience=15, restore_best_weights=True)
        board = callbacks.TensorBoard(folder / "tensorboard" / f"{name}, {kind}")
        log = model.fit(*train, 64, args.epochs, 0, [stop, board], validation_data=val)
        curves[f"{name}, {kind}"] = log.history["val_accuracy"]
        scores = [model.evaluate(*part, 64, 0)[1] for part in (val, test)]
        size = sum(int(keras.ops.size(weight)) for weight in model.trainable_weights)
        row = {"parameters": size, "validation": scores[0], "test": scores[1]}
        rows.append({"model": name, "graph": kind, **row})
        filters.setdefault(name, model.filter_matrices())
    baseline = {"logistic regression": digits.accuracy_of_pixels()["validation"] / 100}
    errors = plots.accuracies(curves, baselines=baseline, title="Digits with shuffled pixels")
    form = (*graphs.fourier_basis(grid), shortest_path(grid, unweighted=True))
    shown = plots.spectral_filters(filters, *form, title="Digits: filters of the first layer")
    scripts.finish(folder, "Accuracy", rows, {"accuracy": errors, "filters": shown}, rows=rows)


def parse(arguments=None):
    return scripts.parser(__doc__, epochs=60).parse_args(arguments)


if __name__ == "__main__":
    main(parse())
