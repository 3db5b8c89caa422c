"""Who meets next? Link predictors on measured contacts, beside averages of the past.

    python benchmarks/contacts.py --data FOLDER
    python benchmarks/contacts.py --data FOLDER --networks workplace2013 --seeds 0

FOLDER holds workplace2015_invs15.npz, workplace2013_invs13.npz and conference_sfhh.npz, contact
lists of SocioPatterns. Snapshots of ten minutes without the empty ones; the first 70 % train, then
10 % validate, 20 % test. Prints a table, and how sure the gain over the best average is; figures go
to benchmarks/results/contacts.json. Runs live in runs/links and are not repeated.
"""

import argparse
import functools
import pathlib
from typing import NamedTuple

import keras
import link_runs
import numpy as np
import pandas as pd
import records
from sklearn.linear_model import LogisticRegression

from stgkeras import datasets, losses, metrics, models
from stgkeras.datasets.links.snapshots import CONSTANTS

RESULT = records.RESULTS / "contacts.json"
FILES = {
    "workplace2015": "workplace2015_invs15.npz",
    "workplace2013": "workplace2013_invs13.npz",
    "conference": "conference_sfhh.npz",
}
BATCH_SIZE = {"workplace2015": 8, "workplace2013": 8, "conference": 2}  # the last has few windows
WIDTH, LENGTH = 600, 10  # seconds of a snapshot, snapshots of a window
DECAYS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
SHOWN = ("AP", "AUC", "log-loss", "Brier", "F1", f"recall at {link_runs.MOST_PROBABLE}")


class Row(NamedTuple):
    """A link predictor, and how it is trained."""

    model: type
    options: dict
    history: tuple = CONSTANTS  # what it is told of each pair's past
    alpha: float = 1.0
    gamma: float = 0.0  # 0 is cross-entropy
    balance: float | None = None  # β of `losses.balanced_weight`
    negatives: int | None = None


PAIRWISE = {"decoder": "pairwise", "units": 16, "num_blocks": 1}
STGCN = Row(models.STGCNLinkPredictor, PAIRWISE | {"filters": 16})
ASTGCN = Row(
    models.ASTGCNLinkPredictor,
    PAIRWISE | {"spatial_filters": 16, "temporal_filters": 16, "node_values": 8},
)
ROWS = {
    "STGCN, pairwise": STGCN,
    "ASTGCN, pairwise": ASTGCN,
    "STGCN, pairwise, no history": STGCN._replace(history=()),
    "STGCN, plain": Row(models.STGCNLinkPredictor, {"num_blocks": 1}, ()),
    "ASTGCN, plain": Row(models.ASTGCNLinkPredictor, {"node_values": 16}, ()),
    "ASTGCN, plain, one value a node": Row(models.ASTGCNLinkPredictor, {}, ()),
}
# Other losses for the first row.
LOSSES = {
    "STGCN, pairwise, focal 0.25 2": STGCN._replace(alpha=0.25, gamma=2.0),
    "STGCN, pairwise, balanced": STGCN._replace(balance=1.0),
    "STGCN, pairwise, balanced 0.99999": STGCN._replace(balance=0.99999),
    "STGCN, pairwise, 20 negatives": STGCN._replace(negatives=20),
}
ALL = ROWS | LOSSES


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
    """Test scores and predictions of averages of the past, their decay chosen on validation, and of
    a logistic regression on them."""
    graphs, means = past_means(snapshots)
    train, val, test = parts

    def precision(name):
        return metrics.link_scores(graphs[val], means[name][val])["AP"]

    best = max((name for name in means if "exponential" in name), key=precision)
    four = ["last graph", "window mean", best, "frequency"]
    rows = {name: (means[name][val], means[name][test]) for name in four}
    rows["exponential mean"] = rows.pop(best)
    pairs = np.triu_indices(snapshots.num_nodes, 1)
    columns = {
        part: np.stack([means[name][steps][:, *pairs] for name in four], axis=-1).reshape(-1, 4)
        for part, steps in (("train", train), ("val", val), ("test", test))
    }
    model = LogisticRegression(C=100.0, max_iter=1000)
    model.fit(columns["train"], graphs[train][:, *pairs].ravel())

    def probability(part, steps):
        found = np.zeros(graphs[steps].shape)
        found[:, *pairs] = model.predict_proba(columns[part])[:, 1].reshape(len(steps), -1)
        return found

    rows["logistic regression on the four"] = probability("val", val), probability("test", test)
    history = [
        np.concatenate([x["history"] for x, _ in snapshots.windows(steps, LENGTH)])
        for steps in (val, test)
    ]
    precisions = [
        metrics.link_scores(graphs[val], history[0][..., h])["AP"] for h in range(len(CONSTANTS))
    ]
    constant = int(np.argmax(precisions))
    rows["exponential mean of contacts"] = tuple(part[..., constant] for part in history)
    figures = {}
    for name, (on_val, on_test) in rows.items():
        threshold = metrics.best_threshold(graphs[val], on_val)
        figures[name] = link_runs.scores(graphs[test], on_test, threshold)
    figures["exponential mean"]["decay"] = float(best.split()[-1])
    figures["exponential mean of contacts"]["constant"] = CONSTANTS[constant]
    return figures, {name: on_test for name, (_, on_test) in rows.items()}


def windows_of(row, snapshots, parts, seed, batch_size):
    return [
        snapshots.windows(
            steps,
            LENGTH,
            row.history,
            row.negatives if steps is parts[0] else None,
            batch_size=batch_size,
            shuffle=steps is parts[0],
            seed=seed,
        )
        for steps in parts
    ]


def build(row, snapshots, train):
    """A model that is fitted to the features of the steps it may know."""
    model = row.model(
        snapshots.num_nodes,
        input_length=LENGTH,
        num_features=snapshots.features.shape[-1],
        normalize=True,
        dropout=0.1,
        num_history=len(row.history),
        **row.options,
    )
    model.adapt(snapshots.features[: train[-1]])
    return model


def loss_of(row, snapshots, train):
    weight = 1.0
    if row.balance is not None:
        links = int((snapshots.adjacency(train) > 0).sum()) // 2
        pairs = len(train) * snapshots.num_nodes * (snapshots.num_nodes - 1) // 2
        weight = losses.balanced_weight(links, pairs - links, row.balance)
    return losses.FocalLoss(row.alpha, row.gamma, positive_weight=weight, pairs="undirected")


def folder_of(network, row, seed):
    return link_runs.RUNS / f"{network}-{row.replace(', ', '-').replace(' ', '_')}-seed{seed}"


def average_precisions(truth, probability, weights):
    """Average precision over all pairs, with each row of weights (draws, graphs) of the graphs."""
    order = np.argsort(-probability, axis=None, kind="stable")
    sorted_values, link = probability.ravel()[order], truth.ravel()[order]
    graph = order // truth.shape[1]
    last = np.append(np.flatnonzero(np.diff(sorted_values)), len(order) - 1)  # of equal ones
    found = []
    for weight in weights:
        counts = weight[graph]
        hits, called = np.cumsum(counts * link)[last], np.cumsum(counts)[last]
        found.append(np.sum(np.diff(hits, prepend=0) * hits / np.maximum(called, 1)) / hits[-1])
    return np.array(found)


def gain(truth, ours, others, groups, draws=100):
    """Average precision over that of a baseline: on all pairs, in each group of graphs, and the
    range that holds 90 % of the ratios where groups are drawn anew."""
    pairs = np.triu_indices(truth.shape[1], 1)
    members = groups == np.unique(groups)[:, None]  # (groups, graphs)
    drawn = np.random.default_rng(0).multinomial(
        len(members), np.full(len(members), 1 / len(members)), draws
    )
    weights = np.concatenate([np.ones((1, len(truth))), members, drawn @ members])
    precision = [
        average_precisions(truth[:, *pairs], p[:, *pairs], weights) for p in (ours, others)
    ]
    ratios = precision[0] / precision[1]
    whole, each, drawn = np.split(ratios, [1, 1 + len(members)])
    return {
        "ratio": float(whole[0]),
        "5 %": float(np.quantile(drawn, 0.05)),
        "95 %": float(np.quantile(drawn, 0.95)),
        "groups": each.tolist() if len(each) < 8 else len(each),
    }


def gains(network, snapshots, test, rows):
    """Of the first row, seed 0, over two baselines: by day and by hour."""
    folder = folder_of(network, next(iter(ROWS)), 0)
    if not (folder / "figures.json").exists():
        return {}
    truth, ours = snapshots.adjacency(test) > 0, link_runs.predicted(folder)
    return {
        f"{baseline}, {unit}": gain(truth, ours, rows[baseline], snapshots.start[test] // seconds)
        for baseline in ("exponential mean", "exponential mean of contacts")
        for unit, seconds in (("days", 86400), ("hours", 3600))
    }


def main(args):
    figures = link_runs.load(RESULT)
    for network in args.networks:
        snapshots, parts = load(pathlib.Path(args.data) / FILES[network])
        found, predicted = baselines(snapshots, parts)
        table = {row: {"seed 0": scores} for row, scores in found.items()}
        figures[network] = table
        for name in ALL:
            for seed in range(10):
                folder, row = folder_of(network, name, seed), ALL[name]
                if name in args.rows and seed in args.seeds:
                    print(f"{network}, {name}, seed {seed}", flush=True)
                    keras.utils.set_random_seed(seed)
                    link_runs.run(
                        folder,
                        functools.partial(build, row, snapshots, parts[0]),
                        windows_of(row, snapshots, parts, seed, BATCH_SIZE[network]),
                        loss_of(row, snapshots, parts[0]),
                        "val_ap",
                        "max",
                        args,
                    )
                if (scores := link_runs.figures(folder)) is not None:
                    table.setdefault(name, {})[f"seed {seed}"] = scores
                    link_runs.save(RESULT, figures, args)
        figures[f"{network}, gain"] = gains(network, snapshots, parts[2], predicted)
        link_runs.save(RESULT, figures, args)
    for network, table in figures.items():
        if network.endswith("gain"):
            shown = pd.DataFrame(table).T
        else:
            rows = {
                row: {**pd.DataFrame(seeds).T.mean().round(4), "seeds": len(seeds)}
                for row, seeds in table.items()
            }
            shown = pd.DataFrame(rows).T.reindex(columns=[*SHOWN, "parameters", "seeds"])
        print(f"\n{network}\n{shown.to_string()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--networks", nargs="+", default=list(FILES), choices=list(FILES))
    parser.add_argument("--rows", nargs="+", default=list(ROWS), choices=list(ALL))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--rate", type=float, default=1e-2)
    main(parser.parse_args())
