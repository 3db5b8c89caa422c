"""Classifies the papers of the Cora citation network, with 20 labelled papers per class.

python examples/classify_nodes.py                               GCN, one seed, downloads Cora
python examples/classify_nodes.py --model chebnet --K 3 --seeds 10
python examples/classify_nodes.py --data FOLDER                 reads cora.npz or Planetoid files
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
from sklearn.manifold import TSNE
from sklearn.preprocessing import normalize
from tqdm import tqdm

from stgkeras import datasets, graphs, models


def build(args, cora, num_entries):
    """Returns a GCN or a ChebNet of the same width, with the settings of Kipf and Welling."""
    settings = {
        "num_classes": int(cora.labels.max()) + 1,
        "num_features": cora.features.shape[1],
        "num_entries": num_entries,
        "filters": (16,),
        "dropout": 0.5,
        "kernel_regularizer": keras.regularizers.L2(5e-4 / 2),
    }
    if args.model == "gcn":
        graph = graphs.renormalized_adjacency(cora.adjacency)
        return models.GCN(len(cora.labels), graph=graph, **settings)
    graph = graphs.scaled_laplacian(cora.adjacency)
    return models.ChebNet(len(cora.labels), graph=graph, K=args.K, classify="nodes", **settings)


def compiled(args, cora):
    """Returns model, inputs, labels and sample weights of each part. The graph is one sample."""
    x = graphs.stored_entries(normalize(cora.features, norm="l1"))
    parts = [
        np.isin(np.arange(len(cora.labels)), part)[None].astype("float32")
        for part in (cora.train, cora.val, cora.test)
    ]
    model = build(args, cora, cora.features.nnz)
    loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, reduction="mean_with_sample_weight"
    )
    accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")
    model.compile(keras.optimizers.Adam(1e-2), loss, weighted_metrics=[accuracy])
    return model, x, cora.labels[None], parts


def train(args, cora, seed, folder):
    """Trains one seed. Returns the model with the weights of the best epoch on validation."""
    keras.utils.set_random_seed(seed)
    model, x, y, (train, val, test) = compiled(args, cora)
    best = folder / f"seed{seed}.weights.h5"
    keep = keras.callbacks.ModelCheckpoint(best, save_best_only=True, save_weights_only=True)
    start = time.perf_counter()
    with tqdm(total=args.epochs, desc=f"seed {seed}", unit="epoch") as bar:
        progress = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: bar.update())
        model.fit(
            *(x, y, 1, args.epochs, 0, [keep, progress]),
            sample_weight=train,
            validation_data=(x, y, val),
        )
    seconds = (time.perf_counter() - start) / args.epochs
    model.load_weights(best)
    scores = {
        name: 100 * model.evaluate(x, y, 1, 0, part, return_dict=True)["accuracy"]
        for name, part in {"validation": val, "test": test}.items()
    }
    return model, x, {"seed": seed, **scores, "seconds an epoch": seconds}


def picture(model, x, labels, path):
    """Draws the features of the hidden layer in two dimensions, by t-SNE."""
    hidden = keras.Model(model.input, model.get_layer("convolution_1").output)
    places = TSNE(random_state=0).fit_transform(hidden.predict(x, batch_size=1, verbose=0)[0])
    axes = (figure := Figure(figsize=(6, 5), layout="constrained")).subplots()
    for label in np.unique(labels):
        axes.scatter(*places[labels == label].T, s=4, label=f"class {label}")
    axes.set(xticks=[], yticks=[], title="Cora: hidden features (t-SNE)")
    axes.legend(frameon=False, markerscale=3, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, dpi=150)


def main(args):
    folder = pathlib.Path(args.out)
    if (folder / "metrics.json").exists():
        sys.exit(f"{folder} already holds a run. Pass another --out.")
    cora = datasets.load_cora(args.data)
    folder.mkdir(parents=True, exist_ok=True)
    runs = []
    for seed in range(args.seeds):
        model, x, figures = train(args, cora, seed, folder)
        runs.append(figures)
    model.save(folder / "model.keras")
    picture(model, x, cora.labels, folder / "classes.png")
    versions = {"keras": keras.__version__, "backend": keras.backend.backend()}
    record = {"command": sys.argv, "versions": versions, "test": runs}
    (folder / "metrics.json").write_text(json.dumps(record, indent=2))
    table = pd.DataFrame(runs).set_index("seed").rename(index=str)
    if args.seeds > 1:
        table.loc["mean"], table.loc["std"] = table.mean(), table.std()
    print(f"\n{args.model}, accuracy in %, files in {folder}\n{table.round(4).to_string()}")


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=("gcn", "chebnet"), default="gcn")
    parser.add_argument("--K", type=int, default=3, help="Chebyshev terms of ChebNet")
    parser.add_argument("--data", help="local folder or file of Cora; default: download")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds, from 0")
    parser.add_argument("--epochs", type=int, default=200, help="training epochs")
    parser.add_argument("--out", help="output folder; default: a new one in runs/")
    args = parser.parse_args(arguments)
    args.out = args.out or f"runs/{args.model}-{time.strftime('%Y%m%d-%H%M%S')}"
    return args


if __name__ == "__main__":
    main(parse())
