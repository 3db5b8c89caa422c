"""Trains ASTGCN: predicts the next graph of a sequence, or forecasts a series on a graph.

python examples/train_astgcn.py                                 on graphs that it generates
python examples/train_astgcn.py --task forecast --data FILE     npz or csv, see load_series
python examples/train_astgcn.py --task forecast --dataset NAME  published; downloaded, or --path
python examples/train_astgcn.py … --out FOLDER --resume         goes on where it stopped
tensorboard --logdir runs                                       shows curves, weights and pictures
"""

import argparse
import json
import pathlib
import sys
import time

import keras
import pandas as pd
import tasks

from stgkeras import callbacks

# What TensorBoard compares runs by.
TOLD = "task model data dataset season batch_size learning_rate seed".split()
BEST = {"save_best_only": True, "save_weights_only": True}


def main(args):
    keras.utils.set_random_seed(args.seed)
    folder = pathlib.Path(args.out)
    last, best, log = folder / "last.keras", folder / "best.weights.h5", folder / "log.csv"
    if last.exists() and not args.resume:
        sys.exit(f"{folder} holds a run already. Pass --resume to go on, or another --out.")
    if args.resume and not last.exists():
        sys.exit(f"{folder} holds no checkpoint to go on with: leave --resume out.")
    folder.mkdir(parents=True, exist_ok=True)
    (train, val, test), model, goal, report, watch = getattr(tasks, args.task)(args)
    epoch, best_loss = 0, None
    if args.resume:
        model, epoch = keras.models.load_model(last), callbacks.Checkpoint.epoch(last)
        train.epoch, best_loss = epoch, pd.read_csv(log)["val_loss"].min()
    else:
        adam = keras.optimizers.Adam(args.learning_rate, global_clipnorm=1.0)
        model.compile(callbacks.GradientNorm(adam), **goal)
    told = {k: v for k, v in vars(args).items() if k in TOLD and v is not None}
    model.fit(
        train,
        validation_data=val,
        epochs=args.epochs,
        initial_epoch=epoch,
        shuffle=False,  # `train` shuffles by seed and epoch, so that a resumed run is the same run
        callbacks=[
            callbacks.WarmRestarts(base_lr=args.learning_rate),
            callbacks.TensorBoard(folder / "tensorboard", images=watch, hparams=told),
            keras.callbacks.CSVLogger(log, append=args.resume),
            keras.callbacks.ModelCheckpoint(best, initial_value_threshold=best_loss, **BEST),
            callbacks.Checkpoint(last),
        ],
    )
    model.load_weights(best)
    model.save(folder / "model.keras")
    table = report(model.predict(test, verbose=0), folder)
    versions = {"keras": keras.__version__, "backend": keras.backend.backend()}
    record = {"command": sys.argv, "seed": args.seed, "versions": versions, "test": table}
    (folder / "metrics.json").write_text(json.dumps(record, indent=2))
    print(f"\nTest, weights of the best validation epoch; everything is in {folder}")
    print(pd.DataFrame(table).T.round(4).to_string())


def number(text):
    """A share if it has a point, else a count."""
    return float(text) if "." in text else int(text)


def add_options(parser):
    """What train_stgcn.py takes too."""
    add_series_options(parser)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, help="1e-2 for links, 1e-3 for forecasts")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")


def add_series_options(parser):
    """What tune_astgcn.py takes too."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--data", help="series to forecast, npz or csv")
    source.add_argument("--dataset", choices=tasks.DATASETS, help="published, or demo: made up")
    parser.add_argument("--path", help="file or folder of the dataset, in place of a download")
    parser.add_argument("--graph", help="of --data, if not in the same file: csv or npz")
    parser.add_argument("--key", nargs="+", help="arrays of --data to read, if npz with several")
    parser.add_argument("--interval", type=float, help="minutes between steps, if not in the file")
    parser.add_argument("--null-value", type=float, help="what marks a missing reading, 0 or nan")
    parser.add_argument("--season", action="store_true", help="forecast what the season leaves")
    parser.add_argument("--boundary", choices=("inside", "start"), default="inside")
    parser.add_argument("--val", type=number, default=0.2, help="share (0.2) or count (535)")
    parser.add_argument("--test", type=number, default=0.2, help="share (0.2) or count (3567)")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="folder of the run; a new one under runs/ by default")


def checked(parser, arguments):
    args = parser.parse_args(arguments)
    if args.task == "forecast" and not (args.data or args.dataset):
        parser.error("--task forecast needs --data FILE or --dataset NAME")
    told = args.graph, args.key, args.interval, args.null_value
    if not args.data and any(value is not None for value in told):
        parser.error("--graph, --key, --interval and --null-value are of --data FILE")
    if args.path and args.dataset in (None, "demo"):
        parser.error("--path needs --dataset NAME, the published set that it holds")
    if args.resume and not args.out:
        parser.error("--resume needs --out FOLDER, the run to go on with")
    args.learning_rate = args.learning_rate or {"links": 1e-2, "forecast": 1e-3}[args.task]
    args.out = args.out or f"runs/{args.task}-{time.strftime('%Y%m%d-%H%M%S')}"
    return args


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(model="ASTGCN")
    parser.add_argument("--task", choices=("links", "forecast"), default="links")
    parser.add_argument("--sequences", type=int, default=15, help="graph sequences to generate")
    parser.add_argument("--node-values", type=int, default=16, help="see ASTGCNLinkPredictor")
    add_options(parser)
    return checked(parser, arguments)


if __name__ == "__main__":
    main(parse())
