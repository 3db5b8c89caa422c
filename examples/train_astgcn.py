"""Trains ASTGCN to forecast a series on a graph, or to predict the next graph of a sequence.

python examples/train_astgcn.py                              made-up speeds on two roads
python examples/train_astgcn.py --data FILE --graph FILE     your series, see load_series
python examples/train_astgcn.py --dataset NAME               published data; download or --path
python examples/train_astgcn.py --task links                 generated graphs
python examples/train_astgcn.py … --out FOLDER --resume      resumes a run
"""

from stgkeras.cli import outputs, terminal
from stgkeras.cli import series_scripts as scripts

# Options that TensorBoard shows as hyperparameters of a run.
SHOWN = "task model data dataset season batch_size learning_rate seed".split()


def main(args):
    import keras  # takes seconds: not for `--help`, nor for errors in options
    import links_task
    import resumable
    import series_task

    from stgkeras import callbacks

    folder = scripts.new_folder(args, args.resume, "last.keras")
    keras.utils.set_random_seed(args.seed)
    task, usual_rate = {"links": (links_task, 1e-2), "forecast": (series_task, 1e-3)}[args.task]
    args.learning_rate = rate = args.learning_rate or usual_rate
    (train, val, test), model, goal, report, watch = task.task(args)
    print(terminal.model_text(model, training=train, validation=val, test=test))

    def compiled():
        adam = keras.optimizers.Adam(rate, global_clipnorm=1.0)
        model.compile(callbacks.GradientNorm(adam), **goal)
        return model

    shown = {k: v for k, v in vars(args).items() if k in SHOWN and v is not None}
    board = callbacks.TensorBoard(folder / "tensorboard", images=watch, hparams=shown)
    before = [callbacks.WarmRestarts(base_lr=rate), board]
    options = {"validation_data": val, "epochs": args.epochs}
    model, _ = resumable.fit(folder, compiled, train, before, **options)
    model.save(folder / "model.keras")
    print("Testing the weights of the best epoch …", flush=True)
    table = report(model.predict(test, verbose=0), folder)
    outputs.write_record(folder, seed=args.seed, test=table)
    scripts.print_next(args, f"tensorboard --logdir {folder}")


def parse(arguments=None):
    groups = "data", "split", "training", "steps", "links"
    parser = scripts.parser(__doc__, *groups, model="ASTGCN", dataset="demo")
    return scripts.parse(parser, arguments)


if __name__ == "__main__":
    scripts.run(main, parse())
