"""Trains a link predictor on contacts, and writes the model, a table of scores and figures.

python examples/predict_links.py                               synthetic contacts in an office
python examples/predict_links.py contacts.csv --width 600 --model ASTGCN
python examples/predict_links.py mobility.csv --unit 86400 --width 86400 --directed --drop-loops
python examples/predict_links.py trust.csv --columns source target - time --width 86400

The file of contacts, CSV or NPZ, has the columns time, source, target and optionally weight. With
--columns, a CSV file has columns of this order; the example leaves out a column named "-". The
example divides the time into snapshots. The first 70 % of the snapshots are for training, the next
10 % for validation and the last 20 % for testing.
"""

import argparse
import sys
import time

import demo_contacts
import keras
import link_report
import numpy as np
from forecast_your_csv import new_folder

from stgkeras import callbacks, datasets, losses, models
from stgkeras.datasets.links.snapshots import CONSTANTS

MODELS = {  # model class, and arguments for a small model
    "STGCN": (models.STGCNLinkPredictor, {"filters": 16}),
    "ASTGCN": (
        models.ASTGCNLinkPredictor,
        {"spatial_filters": 16, "temporal_filters": 16, "node_values": 8},
    ),
}


def main(args):
    folder = new_folder(args.out)
    keras.utils.set_random_seed(args.seed)
    if args.contacts is None:
        args.contacts = folder / "contacts.csv"
        demo_contacts.make().to_csv(args.contacts, index=False)
    contacts = datasets.load_contacts(
        args.contacts,
        args.directed,
        unit=args.unit,
        drop_loops=args.drop_loops,
        columns=args.columns and [None if name == "-" else name for name in args.columns],
    )
    snapshots = contacts.snapshots(args.width)
    edges = [args.length, *(int(share * snapshots.num_steps) for share in (0.7, 0.8, 1.0))]
    if min(np.diff(edges)) < 1:
        sys.exit(f"{snapshots.num_steps} snapshots are too few. Use a smaller --width or --length.")
    train, val, test = (
        snapshots.windows(
            np.arange(*part), args.length, batch_size=8, shuffle=part[0] == edges[0], seed=args.seed
        )
        for part in zip(edges, edges[1:], strict=False)
    )
    model = trained(snapshots, train, val, args)
    model.save(folder / "model.keras")
    table = link_report.table(args.model, model, val, test)
    ties = link_report.new_ties(snapshots, model.predict(snapshots.latest(args.length), verbose=0))
    pictures = link_report.pictures(args.model, model, test, ties)
    for name, figure in pictures.items():
        figure.savefig(folder / f"{name}.png", dpi=200)
    link_report.write(folder, args, table, ties)


def trained(snapshots, train, val, args):
    """Returns a trained model with the weights of the best epoch on validation."""
    model_class, options = MODELS[args.model]
    model = model_class(
        snapshots.num_nodes,
        input_length=args.length,
        num_features=snapshots.features.shape[-1],
        decoder="pairwise",
        directed=args.directed,
        num_history=len(CONSTANTS),
        num_blocks=1,
        units=16,
        dropout=0.1,
        normalize=True,
        **options,
    )
    model.adapt(snapshots.features[: train.starts[-1] + args.length])
    rate = keras.optimizers.schedules.CosineDecay(1e-2, args.epochs * len(train))
    pairs = "directed" if args.directed else "undirected"
    # These arguments make the loss the cross-entropy, for calibrated probabilities.
    loss = losses.FocalLoss(alpha=1.0, gamma=0.0, pairs=pairs)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), loss)
    best = keras.callbacks.EarlyStopping(
        "val_ap", mode="max", patience=args.epochs, restore_best_weights=True
    )
    scores = callbacks.LinkScores(val, directed=args.directed)
    model.fit(train, epochs=args.epochs, shuffle=False, callbacks=[scores, best])
    return model


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("contacts", nargs="?", help="CSV or NPZ file; default: synthetic")
    parser.add_argument("--columns", nargs="+", help="name of each column of a CSV file")
    parser.add_argument("--unit", type=float, default=1.0, help="seconds per unit of the times")
    parser.add_argument("--width", type=float, default=600.0, help="seconds per snapshot")
    parser.add_argument("--length", type=int, default=10, help="snapshots per input window")
    parser.add_argument("--directed", action="store_true", help="keep the direction of contacts")
    parser.add_argument("--drop-loops", action="store_true", help="ignore self-loops")
    parser.add_argument("--model", choices=MODELS, default="STGCN")
    parser.add_argument("--epochs", type=int, default=12, help="training epochs")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument("--out", help="output folder; default: a new one in runs/")
    args = parser.parse_args(arguments)
    args.out = args.out or f"runs/links-{time.strftime('%Y%m%d-%H%M%S')}"
    return args


if __name__ == "__main__":
    main(parse())
