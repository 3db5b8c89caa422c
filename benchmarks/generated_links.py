"""Links of generated graphs, which change their parameters now and then, against the Bayes oracle.

    python benchmarks/generated_links.py
    python benchmarks/generated_links.py --seeds 0

One model learns Barabási-Albert, Erdős-Rényi and Newman-Watts graphs. The oracle knows the
parameters that the next graph is drawn with, also right after a change, which no model can; so
there is a row of what could be known: the parameters of the last graph, and how often they
change. Prints scores by kind, and ratios to the oracle's; figures go to
benchmarks/results/generated_links.json. Runs live in runs/links and are not repeated.
"""

import argparse

import keras
import link_runs
import numpy as np
import pandas as pd
import records

from stgkeras import datasets, losses, models
from stgkeras.datasets.links import graph_sequences

RESULT = records.RESULTS / "generated_links.json"
LENGTH = 10  # graphs of a window
ROW = "STGCN, pairwise"


def load(seed, batch_size):
    """The graphs, and windows of training, validation and test sequences."""
    data = datasets.load_dynamic_graphs(num_sequences=60, seed=0)
    split = datasets.split_sequences(data.kinds, val=0.15, test=0.15)
    parts = [
        data.windows(part, LENGTH, batch_size=batch_size, shuffle=part is split.train, seed=seed)
        for part in split
    ]
    return data, split, parts


def build(data, split):
    """A model whose nodes have vectors of their own, for some are hubs or neighbours on a ring."""
    model = models.STGCNLinkPredictor(
        data.num_nodes,
        input_length=LENGTH,
        decoder="pairwise",
        num_blocks=1,
        filters=16,
        units=32,
        node_units=16,
        dropout=0.0,
        normalize=True,
    )
    model.adapt(data.features[split.train])
    return model


def knowable(data, windows, num_draws=200):
    """Probabilities for one who knows the parameters of the last graph and how they change."""
    steps = windows.starts + windows.input_length
    sequences, steps = np.divmod(steps, data.num_steps)
    hazard = np.mean([len(points) for points in data.change_points]) / data.num_steps
    rng, after = np.random.default_rng(0), {}

    def mixed(kind, value):
        if (key := (kind, *np.nan_to_num(value))) not in after:
            draws = [graph_sequences.next_parameter(kind, value, rng) for _ in range(num_draws)]
            graphs = [datasets.edge_probabilities(kind, draw, data.num_nodes) for draw in draws]
            now = datasets.edge_probabilities(kind, value, data.num_nodes)
            after[key] = (1 - hazard) * now + hazard * np.mean(graphs, axis=0)
        return after[key]

    pairs = zip(data.kinds[sequences], data.parameters[sequences, steps - 1], strict=True)
    return np.stack([mixed(kind, value) for kind, value in pairs])


def by_kind(kinds, truth, probability):
    """Scores of each kind of graph."""
    return {
        str(kind): link_runs.scores(truth[kinds == kind], probability[kinds == kind])
        for kind in np.unique(kinds)
    }


def main(args):
    data, split, windows = load(0, args.batch_size)
    test = windows[2]
    truth, kinds = link_runs.truth_of(test), data.kinds[test.starts // data.num_steps]
    past = np.concatenate([test[number][0]["graph"] for number in range(len(test))])
    rows = {
        "last graph": datasets.last_graph(past),
        "mean of the window": datasets.window_mean(past),
        "exponential mean": datasets.exponential_mean(past),
        "what could be known": knowable(data, test),
        "Bayes oracle": datasets.oracle(data, test),
    }
    figures = {name: {"seed 0": by_kind(kinds, truth, p)} for name, p in rows.items()}
    figures[ROW] = {}
    for seed in args.seeds:
        print(f"{ROW}, seed {seed}", flush=True)
        folder = link_runs.RUNS / f"generated-{ROW.replace(', ', '-')}-seed{seed}"
        keras.utils.set_random_seed(seed)
        parts = load(seed, args.batch_size)[2]
        loss = losses.FocalLoss(alpha=1.0, gamma=0.0, pairs="undirected")  # cross-entropy
        link_runs.run(folder, lambda: build(data, split), parts, loss, "val_log_loss", "min", args)
        figures[ROW][f"seed {seed}"] = by_kind(kinds, truth, link_runs.predicted(folder))
        link_runs.save(RESULT, figures, args)
    oracle = figures["Bayes oracle"]["seed 0"]
    for kind in oracle:
        table = {}
        for row, seeds in figures.items():
            found = pd.DataFrame([scores[kind] for scores in seeds.values()])
            table[row] = {name: found[name].mean() for name in ("AUC", "AP", "log-loss", "Brier")}
            for name in ("AUC", "log-loss"):
                table[row][f"{name} / oracle's"] = table[row][name] / oracle[kind][name]
            table[row]["seeds"] = len(seeds)
        print(f"\n{kind}\n{pd.DataFrame(table).T.round(4).to_string()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-2)
    main(parser.parse_args())
