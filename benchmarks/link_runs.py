"""A training of a link predictor, and its scores."""

import keras
import numpy as np
import training
from link_report import graphs

from stgkeras import callbacks, metrics

MOST_PROBABLE = 50  # pairs of a graph, for the recall


def scores(truth, probability, threshold=None):
    """Exact scores over all pairs; F1 only with a threshold."""
    found = metrics.link_scores(truth, probability)
    found[f"recall at {MOST_PROBABLE}"] = metrics.recall_at_k(truth, probability, MOST_PROBABLE)
    if threshold is not None:
        found["F1"] = float(metrics.LinkF1(threshold)(truth, probability))
    return found


def run(folder, build, windows, loss, watch, seed, args):
    """Trains the model that `build` returns for `args.epochs`, at first at `args.rate`.

    The weights of the epoch with the best validation score count: `watch` is "val_ap" or another
    score of `callbacks.LinkScores`, with "max" or "min". The threshold of F1 is chosen on
    validation too. Returns the test scores; the test predictions stay in the folder.
    """
    train, val, test = windows
    keras.utils.set_random_seed(seed)

    def compiled():
        model = build()
        model.compile(training.adam(args.rate, args.epochs * len(train), clip=1.0), loss)
        return model

    before = [callbacks.LinkScores(val)]
    model, log = training.fit(folder, compiled, train, args.epochs, watch, before)
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
    """The probabilities of a run, (test windows, N, N)."""
    with np.load(folder / "test.npz") as file:
        return file["probability"]
