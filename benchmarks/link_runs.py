"""What the benchmarks of link prediction share: a training, its scores, and the record of both."""

import json

import keras
import numpy as np
import records

from stgkeras import callbacks, metrics

RUNS = records.ROOT / "runs" / "links"
MOST_PROBABLE = 50  # pairs of a graph, for the recall


def truth_of(windows):
    """The graphs that follow each window, (windows, N, N)."""
    return np.concatenate([windows[number][1] for number in range(len(windows))])


def scores(truth, probability, threshold=None):
    """Exact scores over all pairs; F1 only with a threshold."""
    found = metrics.link_scores(truth, probability)
    found[f"recall at {MOST_PROBABLE}"] = metrics.recall_at_k(truth, probability, MOST_PROBABLE)
    if threshold is not None:
        pairs = np.triu_indices(truth.shape[1], 1)
        link, called = truth[:, *pairs] > 0, probability[:, *pairs] >= threshold
        found["F1"] = float(2 * (link & called).sum() / (link.sum() + called.sum()))
    return found


def run(folder, build, windows, loss, watch, mode, args):
    """Trains a model unless its folder says that it was; leaves its test scores there.

    Of the epochs the one with the best score `watch` on validation counts; the threshold of F1 is
    the best on validation too.

    Args:
        folder: that of this run.
        build: function without arguments, for a model with its scaler adapted.
        windows: batches of training, validation and test.
        loss: a Keras loss.
        watch: "val_ap" or another score of `callbacks.LinkScores`.
        mode: "max" or "min".
        args: with `epochs` and `rate`, the learning rate at first; it falls along a cosine.
    """
    if figures(folder) is not None:
        return
    train, val, test = windows
    model = build()
    rate = keras.optimizers.schedules.CosineDecay(args.rate, args.epochs * len(train))
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), loss)
    best = keras.callbacks.EarlyStopping(
        watch, mode=mode, patience=args.epochs, restore_best_weights=True
    )
    watching = [callbacks.LinkScores(val), best]
    log = model.fit(train, epochs=args.epochs, shuffle=False, verbose=2, callbacks=watching)
    found = {
        part: model.predict(batches, verbose=0) for part, batches in (("val", val), ("test", test))
    }
    threshold = metrics.best_threshold(truth_of(val), found["val"])
    scored = {
        f"validation {watch[4:]}": getattr(np, mode)(log.history[watch]).item(),
        **scores(truth_of(test), found["test"], threshold),
        "threshold": threshold,
        "epochs": best.best_epoch + 1,
        "parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
    }
    folder.mkdir(parents=True, exist_ok=True)
    model.save_weights(folder / "best.weights.h5")
    np.savez_compressed(folder / "test.npz", probability=found["test"])
    (folder / "figures.json").write_text(json.dumps(scored, indent=1))


def figures(folder):
    """What `run` found, or None."""
    record = folder / "figures.json"
    return json.loads(record.read_text()) if record.exists() else None


def predicted(folder):
    """The probabilities of a run, (test windows, N, N)."""
    with np.load(folder / "test.npz") as file:
        return file["probability"]


def save(path, figures, args):
    """Writes all figures, with what they were made with."""
    done = {"figures": figures}
    done["settings"] = {key: getattr(args, key) for key in ("epochs", "rate")}
    done |= {"machine": records.MACHINE, "versions": records.versions()}
    records.write(path, done)


def load(path):
    """The figures written before, {} at first."""
    return records.read(path).get("figures", {})
