"""Searches the hyperparameters of ASTGCN, and compares the best with the default on test data.

python examples/tune_astgcn.py                          made-up speeds on two roads
python examples/tune_astgcn.py --data FILE --season     your series, see load_series
python examples/tune_astgcn.py … --out FOLDER           resumes the search in FOLDER
"""

import demo_roads
import keras
import keras_tuner
import numpy as np
from series_task import REACH

from stgkeras import datasets, reports, tuning
from stgkeras.cli import series_scripts as scripts


def main(args):
    folder = scripts.new_folder(args, None, "search/tuner0.json", free=("trials",))
    series, split, known = scripts.read(args, demo_roads.load, **REACH)
    clock = {"calendar": series.calendar} if args.season else {}

    def windows(batch_size, input_length):
        data = series.values, series.values[..., :1]  # papers compare the first feature
        options = {**REACH, **clock, "batch_size": batch_size, "missing": True, "seed": args.seed}
        train = datasets.Windows(*data, split.train, shuffle=True, **options)
        return train, datasets.Windows(*data, split.val, **options)

    fixed = {"horizon": 12, "num_features": series.values.shape[-1], **args.fix}
    fixed |= {"season": round(1440 / series.interval)} if args.season else {"normalize": True}
    fixed |= {name: array[:known] for name, array in clock.items()}
    fixed |= {"log_dir": folder / "trials", "values": series.values[:known]}
    adjacency = np.maximum(series.adjacency, series.adjacency.T)
    space = tuning.ASTGCNHyperModel(windows, adjacency, **fixed)
    place = {"seed": args.seed + 1, "directory": folder, "project_name": "search"}
    tuner = getattr(keras_tuner, args.tuner)(space, space.objective, args.trials, **place)
    tuner.search(epochs=args.epochs, verbose=2)
    rows, found = {}, tuner.oracle.get_best_trials(args.trials)  # failed trials come last
    trials = {t.trial_id: {"MAE": t.score, **t.hyperparameters.values} for t in found}
    scripts.print_table("Trials, sorted by validation MAE", trials, folder / "trials.csv")
    for name, hp in ("best", found[0].hyperparameters), ("default", keras_tuner.HyperParameters()):
        keras.utils.set_random_seed(args.seed)
        path = folder / f"{name}.keras"
        keep = keras.callbacks.ModelCheckpoint(path, "val_masked_mae", 0, True, mode="min")
        space.fit(hp, space.build(hp), epochs=3 * args.epochs, verbose=2, callbacks=[keep])
        model = keras.models.load_model(path)
        rows[name] = model.predict(reports.model_windows(model, series, split.test), verbose=0)
    rows |= reports.baselines(series, split, **REACH)
    errors = reports.Comparison(series, split.test + 12, rows).errors()
    scripts.print_table("Test errors of the retrained models", errors, folder / "table.csv")
    scripts.print_next(args, f"tensorboard --logdir {folder / 'trials'}", model="best.keras")


def parse(arguments=None):
    groups = "data", "split", "training", "tuning"
    return scripts.parse(scripts.parser(__doc__, *groups, dataset="demo", epochs=5), arguments)


if __name__ == "__main__":
    scripts.run(main, parse())
