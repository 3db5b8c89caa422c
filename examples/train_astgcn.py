"""Trains ASTGCN to predict the next graph of a sequence, or to forecast a series on a graph.

python examples/train_astgcn.py                                 generated graphs
python examples/train_astgcn.py --task forecast --data FILE     NPZ or CSV, see load_series
python examples/train_astgcn.py --task forecast --dataset NAME  published data; download or --path
python examples/train_astgcn.py … --out FOLDER --resume         resumes a run
tensorboard --logdir runs                                       shows curves, weights and figures
"""

import argparse
import json
import pathlib
import sys
import time

import keras
import pandas as pd
import resumable
import tasks

from stgkeras import callbacks

# Arguments that TensorBoard shows as hyperparameters of a run.
SHOWN = "task model data dataset season batch_size learning_rate seed".split()


def main(args):
    keras.utils.set_random_seed(args.seed)
    folder = pathlib.Path(args.out)
    last = folder / "last.keras"
    if last.exists() and not args.resume:
        sys.exit(f"{folder} already holds a run. Pass --resume, or another --out.")
    if args.resume and not last.exists():
        sys.exit(f"{folder} has no checkpoint to resume. Remove --resume.")
    folder.mkdir(parents=True, exist_ok=True)
    (train, val, test), model, goal, report, watch = getattr(tasks, args.task)(args)

    def compiled():
        adam = keras.optimizers.Adam(args.learning_rate, global_clipnorm=1.0)
        model.compile(callbacks.GradientNorm(adam), **goal)
        return model

    shown = {k: v for k, v in vars(args).items() if k in SHOWN and v is not None}
    before = [
        callbacks.WarmRestarts(base_lr=args.learning_rate),
        callbacks.TensorBoard(folder / "tensorboard", images=watch, hparams=shown),
    ]
    model, _ = resumable.fit(
        folder, compiled, train, before, validation_data=val, epochs=args.epochs
    )
    model.save(folder / "model.keras")
    table = report(model.predict(test, verbose=0), folder)
    versions = {"keras": keras.__version__, "backend": keras.backend.backend()}
    record = {"command": sys.argv, "seed": args.seed, "versions": versions, "test": table}
    (folder / "metrics.json").write_text(json.dumps(record, indent=2))
    print(f"\nTest scores, weights of the best epoch on validation. All files are in {folder}")
    print(pd.DataFrame(table).T.round(4).to_string())


def number(text):
    """Converts text to a fraction (float) if it has a point, else to a count (int)."""
    return float(text) if "." in text else int(text)


def add_options(parser):
    """Adds the options that train_stgcn.py also has."""
    add_series_options(parser)
    parser.add_argument("--batch-size", type=int, default=32, help="windows per step")
    parser.add_argument("--learning-rate", type=float, help="default: links 1e-2, forecast 1e-3")
    parser.add_argument("--resume", action="store_true", help="resume the run in --out")


def add_series_options(parser):
    """Adds the options that tune_astgcn.py also has."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--data", help="series to forecast: NPZ or CSV file")
    source.add_argument("--dataset", choices=tasks.DATASETS, help="published or synthetic data")
    parser.add_argument("--path", help="local file or folder of the data set")
    parser.add_argument("--graph", help="graph of --data, if in another file: CSV or NPZ")
    parser.add_argument("--key", nargs="+", help="arrays of an NPZ file to read as features")
    parser.add_argument("--interval", type=float, help="minutes between steps, if not in the file")
    parser.add_argument("--null-value", type=float, help="value of missing readings: 0 or nan")
    parser.add_argument("--season", action="store_true", help="subtract the seasonal mean first")
    parser.add_argument("--boundary", choices=("inside", "start"), default="inside")
    parser.add_argument("--val", type=number, default=0.2, help="fraction (0.2) or count (535)")
    parser.add_argument("--test", type=number, default=0.2, help="fraction (0.2) or count (3567)")
    parser.add_argument("--epochs", type=int, default=15, help="training epochs")
    parser.add_argument("--seed", type=int, default=0, help="random seed")
    parser.add_argument("--out", help="output folder; default: a new one in runs/")


def checked(parser, arguments):
    args = parser.parse_args(arguments)
    if args.task == "forecast" and not (args.data or args.dataset):
        parser.error("--task forecast needs --data FILE or --dataset NAME")
    only_data = args.graph, args.key, args.interval, args.null_value
    if not args.data and any(value is not None for value in only_data):
        parser.error("--graph, --key, --interval and --null-value need --data FILE")
    if args.path and args.dataset in (None, "demo"):
        parser.error("--path needs --dataset NAME, the name of a published data set")
    if args.resume and not args.out:
        parser.error("--resume needs --out FOLDER, the folder of the run")
    args.learning_rate = args.learning_rate or {"links": 1e-2, "forecast": 1e-3}[args.task]
    args.out = args.out or f"runs/{args.task}-{time.strftime('%Y%m%d-%H%M%S')}"
    return args


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(model="ASTGCN")
    parser.add_argument("--task", choices=("links", "forecast"), default="links")
    parser.add_argument("--sequences", type=int, default=15, help="number of generated sequences")
    parser.add_argument("--node-values", type=int, default=16, help="see ASTGCNLinkPredictor")
    add_options(parser)
    return checked(parser, arguments)


if __name__ == "__main__":
    main(parse())
