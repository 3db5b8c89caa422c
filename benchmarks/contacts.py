"""Who meets next? Link predictors on measured contacts, beside averages of the past.

    python benchmarks/contacts.py --data FOLDER
    python benchmarks/contacts.py --data FOLDER --networks workplace2013 --seeds 0

FOLDER holds workplace2015_invs15.npz, workplace2013_invs13.npz and conference_sfhh.npz, contact
lists of SocioPatterns. Snapshots of ten minutes without the empty ones; the first 70 % train, then
10 % validate, 20 % test. Prints a table; figures go to benchmarks/results/contacts.json. Runs that
are in it are not repeated.
"""

import argparse
import json
import os
import pathlib
import platform

import keras
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from stgkeras import callbacks, datasets, metrics, models
from stgkeras.datasets.snapshots import CONSTANTS

RESULT = pathlib.Path(__file__).parent / "results" / "contacts.json"
FILES = {
    "workplace2015": "workplace2015_invs15.npz",
    "workplace2013": "workplace2013_invs13.npz",
    "conference": "conference_sfhh.npz",
}
WIDTH, LENGTH = 600, 10  # seconds of a snapshot, snapshots of a window
DECAYS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
PAIRWISE = {"decoder": "pairwise", "units": 16, "num_blocks": 1}
STGCN = models.STGCNLinkPredictor, PAIRWISE | {"filters": 16}
ASTGCN = (
    models.ASTGCNLinkPredictor,
    PAIRWISE | {"spatial_filters": 16, "temporal_filters": 16, "node_values": 8},
)
ROWS = {  # a class, its options, and the histories of the pairs that it is given
    "STGCN, pairwise": (*STGCN, CONSTANTS),
    "ASTGCN, pairwise": (*ASTGCN, CONSTANTS),
    "STGCN, pairwise, no history": (*STGCN, ()),
    "STGCN, plain": (models.STGCNLinkPredictor, {"num_blocks": 1}, ()),
    "ASTGCN, plain": (models.ASTGCNLinkPredictor, {"node_values": 16}, ()),
}


def load(path):
    """Snapshots, and the steps to train, validate and test on."""
    snapshots = datasets.load_contacts(path).snapshots(WIDTH)
    edges = [LENGTH, *(int(share * snapshots.num_steps) for share in (0.7, 0.8, 1.0))]
    return snapshots, [np.arange(a, b) for a, b in zip(edges, edges[1:], strict=False)]


def past_means(snapshots):
    """What averages of the past say of each snapshot: {name: (T, N, N) float32}.

    "exponential" has one for each of `DECAYS`, weights of a graph relative to the next younger one,
    and is over all the past, as "frequency" is.
    """
    steps, nodes = snapshots.num_steps, snapshots.num_nodes
    graphs = snapshots.adjacency(range(steps)) > 0
    frequency = np.zeros((steps, nodes, nodes), "float32")
    frequency[1:] = np.cumsum(graphs[:-1], axis=0, dtype="float32")
    window = frequency - np.concatenate([frequency[:LENGTH] * 0, frequency[:-LENGTH]])
    frequency /= np.maximum(np.arange(steps), 1)[:, None, None]
    found = {"last graph": np.concatenate([graphs[:1] * 0.0, graphs[:-1]]), "frequency": frequency}
    found["window mean"] = window / LENGTH
    for decay in DECAYS:
        mean = np.zeros_like(frequency)
        for step in range(1, steps):
            mean[step] = decay * mean[step - 1] + (1 - decay) * graphs[step - 1]
        found[f"exponential {decay}"] = mean
    return graphs, found


def baselines(snapshots, parts):
    """Test scores of averages of the past, their decay chosen on validation, and of a logistic
    regression on them."""
    graphs, means = past_means(snapshots)
    train, val, test = parts

    def precision(name):
        return metrics.link_scores(graphs[val], means[name][val])["AP"]

    best = max((name for name in means if "exponential" in name), key=precision)
    four = ["last graph", "window mean", best, "frequency"]
    rows = {name: means[name][test] for name in four}
    rows["exponential mean"] = rows.pop(best)
    pairs = np.triu_indices(snapshots.num_nodes, 1)
    columns = {
        part: np.stack([means[name][steps][:, *pairs] for name in four], axis=-1).reshape(-1, 4)
        for part, steps in (("train", train), ("test", test))
    }
    model = LogisticRegression(C=100.0, max_iter=1000)
    model.fit(columns["train"], graphs[train][:, *pairs].ravel())
    probability = np.zeros(graphs[test].shape)
    probability[:, *pairs] = model.predict_proba(columns["test"])[:, 1].reshape(len(test), -1)
    rows["logistic regression on the four"] = probability
    history = {
        part: np.concatenate([x["history"] for x, _ in snapshots.windows(steps, LENGTH)])
        for part, steps in (("val", val), ("test", test))
    }
    scores = [
        metrics.link_scores(graphs[val], history["val"][..., h])["AP"]
        for h in range(len(CONSTANTS))
    ]
    rows["exponential mean of contacts"] = history["test"][..., int(np.argmax(scores))]
    found = {name: metrics.link_scores(graphs[test], values) for name, values in rows.items()}
    found["exponential mean"]["decay"] = float(best.split()[-1])
    found["exponential mean of contacts"]["constant"] = CONSTANTS[int(np.argmax(scores))]
    return found


def run(row, snapshots, parts, seed, args):
    """Test scores of one training, of the epoch with the best average precision on validation."""
    model_class, options, history = ROWS[row]
    keras.utils.set_random_seed(seed)
    windows = [
        snapshots.windows(
            steps,
            LENGTH,
            history,
            batch_size=args.batch_size,
            shuffle=steps is parts[0],
            seed=seed,
        )
        for steps in parts
    ]
    model = model_class(
        snapshots.num_nodes,
        input_length=LENGTH,
        num_features=snapshots.features.shape[-1],
        normalize=True,
        dropout=0.1,
        num_history=len(history),
        **options,
    )
    model.adapt(snapshots.features[: parts[0][-1]])
    rate = keras.optimizers.schedules.CosineDecay(args.rate, args.epochs * len(windows[0]))
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), "binary_crossentropy")
    scores = callbacks.LinkScores(windows[1])
    best = keras.callbacks.EarlyStopping(
        "val_ap", mode="max", patience=args.epochs, restore_best_weights=True
    )
    watching = [scores, best]
    log = model.fit(windows[0], epochs=args.epochs, shuffle=False, verbose=2, callbacks=watching)
    truth = np.concatenate([y for _, y in windows[2]])
    probability = model.predict(windows[2], verbose=0)
    return {
        "validation AP": max(log.history["val_ap"]),
        **metrics.link_scores(truth, probability),
        "parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
    }


def main(args):
    done = json.loads(RESULT.read_text()) if RESULT.exists() else {"figures": {}}
    for network in args.networks:
        snapshots, parts = load(pathlib.Path(args.data) / FILES[network])
        table = done["figures"].setdefault(network, {})
        table |= {row: {"seed 0": found} for row, found in baselines(snapshots, parts).items()}
        for seed in args.seeds:
            for row in args.rows:
                if f"seed {seed}" not in table.setdefault(row, {}):
                    print(f"{network}, {row}, seed {seed}", flush=True)
                    table[row][f"seed {seed}"] = run(row, snapshots, parts, seed, args)
                    save(done, args)
        save(done, args)
    for network, table in done["figures"].items():
        rows = {
            row: {**pd.DataFrame(seeds).T.mean().round(4), "seeds": len(seeds)}
            for row, seeds in table.items()
        }
        shown = ["validation AP", "AP", "AUC", "log-loss", "Brier", "parameters", "seeds"]
        print(f"\n{network}\n{pd.DataFrame(rows).T.reindex(columns=shown).to_string()}")


def save(done, args):
    done["settings"] = {key: getattr(args, key) for key in ("epochs", "batch_size", "rate")}
    done["machine"] = {"processor": platform.machine(), "cores": os.cpu_count()}
    done["versions"] = {"keras": keras.__version__, "backend": keras.backend.backend()}
    RESULT.write_text(json.dumps(done, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--networks", nargs="+", default=list(FILES), choices=list(FILES))
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ROWS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-2)
    main(parser.parse_args())
