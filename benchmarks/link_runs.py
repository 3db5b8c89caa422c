"""Training and scores of a link predictor."""

import keras
import numpy as np
import resumable
import training

from stgkeras import callbacks, metrics
from stgkeras.links.predictions import truth as graphs

MOST_PROBABLE = 50  # number of pairs per graph, for the recall


def scores(truth, probability, threshold=None):
    """Returns scores over all pairs. F1 needs a threshold."""
    found = metrics.link_scores(truth, probability)
    found[f"recall at {MOST_PROBABLE}"] = metrics.recall_at_k(truth, probability, MOST_PROBABLE)
    if threshold is not None:
        found["F1"] = float(metrics.LinkF1(threshold)(truth, probability))
    return found


def run(folder, build, windows, loss, watch, seed, args):
    """Trains the model that `build` returns, and returns its test scores.

    The training has `args.epochs` epochs and the initial learning rate `args.rate`. The model gets
    the weights of the best epoch: `watch` is a score of `callbacks.LinkScores` with "max" or "min",
    such as ("val_ap", "max"). The threshold of F1 is chosen on validation. The test predictions are
    stored in the folder.
    """
    train, val, test = windows
    keras.utils.set_random_seed(seed)

    def compiled():
        model = build()
        model.compile(training.adam(args.rate, args.epochs * len(train), clip=1.0), loss)
        return model

    before = [callbacks.LinkScores(val)]
    options = {"epochs": args.epochs, "verbose": 2}
    model, log = resumable.fit(folder, compiled, train, before, watch, **options)
    on_val, on_test = (model.predict(batches, verbose=0) for batches in (val, test))
    np.savez_compressed(folder / "test.npz", probability=on_test)
    threshold = metrics.best_threshold(graphs(val), on_val)
    column, mode = watch
    best = int(getattr(log[column], f"idx{mode}")())
    return {
        f"validation {column[4:]}": float(log[column][best]),
        **scores(graphs(test), on_test, threshold),
        "threshold": threshold,
        "epochs": best + 1,
        "parameters": training.num_parameters(model),
    }


def predicted(folder):
    """Returns the stored probabilities of a run, (test windows, N, N)."""
    with np.load(folder / "test.npz") as file:
        return file["probability"]
