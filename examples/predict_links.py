"""Trains a link predictor on contacts, and writes the model, a table of scores and figures.

python examples/predict_links.py                               made-up contacts in an office
python examples/predict_links.py contacts.csv --width 600
python examples/predict_links.py mobility.csv --unit 86400 --width 86400 --directed --drop-loops
python examples/predict_links.py trust.csv --columns source target - time --width 86400
"""

from stgkeras.cli import scripts, startup


def main(args):
    startup.announced()  # takes seconds: not for `--help`
    import keras

    from stgkeras import callbacks, datasets, links, losses, models

    folder = scripts.new_folder(args.out, "links")
    with scripts.in_option_names(args, path=args.contacts, input_length="--length"):
        if args.contacts is None:
            args.contacts = folder / "office.csv"
            datasets.make_contacts(seed=args.seed).to_csv(args.contacts)
        columns = [None if name == "-" else name for name in args.columns] or None
        form = {"unit": args.unit, "drop_loops": args.drop_loops, "columns": columns}
        contacts = datasets.load_contacts(args.contacts, args.directed, **form)
        snapshots = contacts.snapshots(args.width)
        split = snapshots.split(args.length)  # 70 % to train, 10 % to validate, 20 % to test
    keras.utils.set_random_seed(args.seed)
    train = snapshots.windows(split.train, args.length, batch_size=8, shuffle=True, seed=args.seed)
    val, test = (snapshots.windows(part, args.length, batch_size=8) for part in split[1:])
    data = {"num_features": 5, "num_history": 7, "directed": snapshots.directed, "normalize": True}
    size = {"num_blocks": 1, "filters": 16, "units": 16, "dropout": 0.1}
    model = models.STGCNLinkPredictor(
        snapshots.num_nodes, input_length=args.length, decoder="pairwise", **data, **size
    )
    model.adapt(snapshots.features[: split.train[-1]])
    pairs = "directed" if snapshots.directed else "undirected"
    cross_entropy = losses.FocalLoss(alpha=1.0, gamma=0.0, pairs=pairs)
    model.compile(keras.optimizers.Adam(5e-3), cross_entropy)
    scores, board = callbacks.LinkScores(val), callbacks.TensorBoard(folder / "tensorboard")
    model.fit(train, epochs=args.epochs, shuffle=False, callbacks=[scores, board])
    model.save(folder / "model.keras")
    table = links.report(folder, model, val, test, "STGCN", (folder / args.contacts).stem)
    scripts.finish(folder, "Test scores", table, seed=args.seed, test=table)


def parse(arguments=None):
    parser = scripts.parser(__doc__, epochs=12)
    parser.add_argument("contacts", nargs="?", help="CSV or NPZ file; default: made-up contacts")
    parser.add_argument("--columns", nargs="+", default=[], help="name of each column, or -")
    parser.add_argument("--unit", type=float, default=1.0, help="seconds per unit of the times")
    parser.add_argument("--width", type=float, default=600.0, help="seconds per snapshot")
    parser.add_argument("--length", type=int, default=10, help="snapshots per input window")
    parser.add_argument("--directed", action="store_true", help="keep the direction of contacts")
    parser.add_argument("--drop-loops", action="store_true", help="ignore self-loops")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(parse())
