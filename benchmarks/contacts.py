"""Who meets next? Link predictors and averages of past graphs on measured contacts.

    python benchmarks/contacts.py --data FOLDER
    python benchmarks/contacts.py --data FOLDER --networks workplace2013 --seeds 0

FOLDER contains workplace2015_invs15.npz, workplace2013_invs13.npz and conference_sfhh.npz, contact
lists of SocioPatterns. The first 70 % of the snapshots are for training, the next 10 % for
validation and the last 20 % for testing. A second table shows the uncertainty of the gain over two
averages. Trainings are stored in runs/links, and complete trainings are not repeated.
"""

import functools
import pathlib
from typing import NamedTuple

import command
import link_runs
import numpy as np
import pandas as pd
import records
import training
from scipy.signal import lfilter
from sklearn.linear_model import LogisticRegression

from stgkeras import datasets, losses, metrics, models
from stgkeras.datasets.links.snapshots import CONSTANTS

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
    """A link predictor and its training."""

    model: type
    options: dict
    history: tuple = CONSTANTS  # time constants of the history of each pair
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
}
ALL = ROWS | {  # other losses for the first row
    "STGCN, pairwise, focal 0.25 2": STGCN._replace(alpha=0.25, gamma=2.0),
    "STGCN, pairwise, balanced": STGCN._replace(balance=1.0),
    "STGCN, pairwise, balanced 0.99999": STGCN._replace(balance=0.99999),
    "STGCN, pairwise, 20 negatives": STGCN._replace(negatives=20),
}
OPTIONS = {
    "data": command.DATA,
    "networks": command.several(FILES),
    "rows": command.several(ROWS, ALL),
    "seeds": [0, 1, 2],
    "epochs": 12,
    "rate": 1e-2,
}


def load(path):
    """Returns snapshots, and the steps of training, validation and test."""
    snapshots = datasets.load_contacts(path).snapshots(WIDTH)
    edges = [LENGTH, *(int(share * snapshots.num_steps) for share in (0.7, 0.8, 1.0))]
    return snapshots, [np.arange(a, b) for a, b in zip(edges, edges[1:], strict=False)]


def past_means(graphs):
    """Returns means of the graphs before each graph (T, N, N), {name: (T, N, N)}."""
    graphs = graphs.astype("float32")
    filters = {"last graph": ([0, 1], [1]), "window mean": ([0] + [1 / LENGTH] * LENGTH, [1])}
    filters |= {f"exponential {decay}": ([0, 1 - decay], [1, -decay]) for decay in DECAYS}
    means = {
        name: lfilter(np.float32(moving), np.float32(recursive), graphs, axis=0)
        for name, (moving, recursive) in filters.items()
    }
    before = np.maximum(np.arange(len(graphs), dtype="float32"), 1)[:, None, None]
    return means | {"frequency": (np.cumsum(graphs, axis=0) - graphs) / before}


def baselines(snapshots, parts):
    """Returns test scores and predictions of past means, and of a logistic regression on them.

    The decay and the time constant have the best average precision on validation.
    """
    graphs = snapshots.adjacency(range(snapshots.num_steps)) > 0
    means, (train, val, test) = past_means(graphs), parts
    seen, pairs = np.concatenate([val, test]), np.triu_indices(snapshots.num_nodes, 1)

    def best(forecasts):
        found = [metrics.link_scores(graphs[val], p[: len(val)])["AP"] for p in forecasts]
        return int(np.argmax(found))

    def columns(steps):
        return np.stack([mean[steps][:, *pairs].ravel() for mean in four.values()], axis=-1)

    decay = DECAYS[best(means[f"exponential {decay}"][seen] for decay in DECAYS)]
    four = {name: means[name] for name in ("last graph", "window mean", "frequency")}
    four["exponential mean"] = means[f"exponential {decay}"]
    regression = LogisticRegression(C=100.0, max_iter=1000)
    regression.fit(columns(train), graphs[train][:, *pairs].ravel())
    probability = np.zeros(graphs[seen].shape)
    probability[:, *pairs] = regression.predict_proba(columns(seen))[:, 1].reshape(len(seen), -1)
    history = np.concatenate([x["history"] for x, _ in snapshots.windows(seen, LENGTH)])
    rows = {name: mean[seen] for name, mean in four.items()}
    rows["logistic regression on the four"] = probability
    rows["exponential mean of contacts"] = history[..., best(np.moveaxis(history, -1, 0))]
    figures, predicted = {}, {}
    for name, forecast in rows.items():
        on_val, predicted[name] = forecast[: len(val)], forecast[len(val) :]
        threshold = metrics.best_threshold(graphs[val], on_val)
        figures[name] = link_runs.scores(graphs[test], predicted[name], threshold)
    return figures, predicted


def windows_of(row, snapshots, parts, seed, batch_size):
    """Returns windows for training, validation and test."""
    options = {"input_length": LENGTH, "history": row.history, "batch_size": batch_size}
    for_training = {"negatives": row.negatives, "shuffle": True, "seed": seed}
    each = zip(parts, (for_training, {}, {}), strict=False)
    return [snapshots.windows(steps, **options, **more) for steps, more in each]


def build(row, snapshots, train):
    """Returns a model, with a scaler fitted to the features of the training steps."""
    _, nodes, features = snapshots.features.shape
    sizes = {"input_length": LENGTH, "num_features": features, "num_history": len(row.history)}
    model = row.model(nodes, **sizes, normalize=True, dropout=0.1, **row.options)
    model.adapt(snapshots.features[: train[-1]])
    return model


def loss_of(row, snapshots, train):
    weight = 1.0
    if row.balance is not None:
        links = int((snapshots.adjacency(train) > 0).sum()) // 2
        pairs = len(train) * snapshots.num_nodes * (snapshots.num_nodes - 1) // 2
        weight = losses.balanced_weight(links, pairs - links, row.balance)
    return losses.FocalLoss(row.alpha, row.gamma, positive_weight=weight, pairs="undirected")


def average_precisions(truth, probability, weights):
    """Returns (draws,): the average precision for each row of weights (draws, graphs)."""
    order = np.argsort(-probability, axis=None, kind="stable")
    sorted_values, link = probability.ravel()[order], truth.ravel()[order]
    graph = order // truth.shape[1]
    last = np.append(np.flatnonzero(np.diff(sorted_values)), len(order) - 1)  # of equal values
    found = []
    for weight in weights:
        counts = weight[graph]
        hits, called = np.cumsum(counts * link)[last], np.cumsum(counts)[last]
        found.append(np.sum(np.diff(hits, prepend=0) * hits / np.maximum(called, 1)) / hits[-1])
    return np.array(found)


def gain(truth, ours, others, groups, draws=100):
    """Returns the ratio of two average precisions, with bootstrap quantiles.

    The bootstrap draws groups of graphs with replacement.
    """
    _, group = np.unique(groups, return_inverse=True)
    count = group.max() + 1
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), draws)
    weights = np.concatenate([np.ones((1, len(truth))), drawn[:, group]])
    pairs = np.triu_indices(truth.shape[1], 1)
    over, under = (
        average_precisions(truth[:, *pairs], p[:, *pairs], weights) for p in (ours, others)
    )
    whole, *ratios = over / under
    low, high = np.quantile(ratios, [0.05, 0.95]).tolist()
    return {"ratio": float(whole), "5 %": low, "95 %": high, "groups": int(count)}


def gains(network, snapshots, test, predicted):
    """Returns gains of the first row, seed 0, over two baselines, with a bootstrap over hours."""
    folder = records.run_folder("links", network, next(iter(ROWS)), 0)
    if not (folder / "test.npz").exists():
        return {}
    truth, hours = snapshots.adjacency(test) > 0, snapshots.start[test] // 3600
    return {
        f"{name}, hours": gain(truth, link_runs.predicted(folder), predicted[name], hours)
        for name in ("exponential mean", "exponential mean of contacts")
    }


def table(result):
    """Returns two tables per network: means over seeds, and gains."""
    frames = {
        name: pd.DataFrame(rows).T
        if name.endswith("gain")
        else records.seed_means(rows, [*SHOWN, "parameters"]).round(4)
        for name, rows in result["figures"].items()
    }
    texts = (f"{name}\n{records.markdown_frame(frame)}" for name, frame in frames.items())
    return "\n\n".join(texts)


def main(args):
    figures = records.read(args.out).get("figures", {})
    for network in args.networks:
        snapshots, parts = load(pathlib.Path(args.data) / FILES[network])
        found, predicted = baselines(snapshots, parts)
        known = {name: {"seed 0": scores} for name, scores in found.items()}
        figures[network] = figures.get(network, {}) | known
        batch_size = BATCH_SIZE[network]

        def run(folder, name, seed, snapshots=snapshots, parts=parts, batch_size=batch_size):
            row = ALL[name]
            make = functools.partial(build, row, snapshots, parts[0])
            windows = windows_of(row, snapshots, parts, seed, batch_size)
            loss = loss_of(row, snapshots, parts[0])
            return link_runs.run(folder, make, windows, loss, ("val_ap", "max"), seed, args)

        training.add_rows(args, "links", network, figures, run)
        figures[f"{network}, gain"] = gains(network, snapshots, parts[2], predicted)
        records.save(args, {"figures": figures})
    return {"figures": figures}


if __name__ == "__main__":
    command.run(__name__)
