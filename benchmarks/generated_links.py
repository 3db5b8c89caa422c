"""Predicts links of generated graphs with changing parameters, compared with the Bayes oracle.

    python benchmarks/generated_links.py
    python benchmarks/generated_links.py --seeds 0

One model predicts three kinds of graphs. The oracle knows the parameters of the next graph. The row
"what could be known" knows the parameters of the last graph, and how often parameters change.
Trainings are stored in runs/links, and complete trainings are not repeated.
"""

import functools

import command
import link_runs
import numpy as np
import records
import training

from stgkeras import datasets, losses, models
from stgkeras.datasets.links import graph_sequences

LENGTH = 10  # graphs per window
ROW = "STGCN, pairwise"
OPTIONS = {"seeds": [0, 1, 2], "epochs": 15, "batch_size": 16, "rate": 1e-2}


def load(seed, batch_size, kinds=graph_sequences.KINDS, num_sequences=60):
    """Returns the graphs, their split, and windows for training, validation and test."""
    data = datasets.load_dynamic_graphs(kinds, num_sequences=num_sequences, seed=0)
    split = datasets.split_sequences(data.kinds, val=0.15, test=0.15)
    parts = [
        data.windows(part, LENGTH, batch_size=batch_size, shuffle=part is split.train, seed=seed)
        for part in split
    ]
    return data, split, parts


def build(data, split):
    """Returns a model. It learns a vector per node, because nodes differ: some are hubs."""
    sizes = {"num_blocks": 1, "filters": 16, "units": 32, "node_units": 16}
    options = {"decoder": "pairwise", "dropout": 0.0, "normalize": True}
    model = models.STGCNLinkPredictor(data.num_nodes, input_length=LENGTH, **sizes, **options)
    model.adapt(data.features[split.train])
    return model


def baselines(data, test):
    """Returns probabilities of past means and of the oracle, {name: (windows, N, N)}."""
    past = np.concatenate([test[number][0]["graph"] for number in range(len(test))])
    return {
        "last graph": datasets.last_graph(past),
        "mean of the window": datasets.window_mean(past),
        "exponential mean": datasets.exponential_mean(past),
        "Bayes oracle": datasets.oracle(data, test),
    }


def knowable(data, windows, num_draws=200):
    """Returns the best probabilities if only the parameters of the last graph are known."""
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
    """Returns the scores of each kind of graph."""
    return {
        str(kind): link_runs.scores(truth[kinds == kind], probability[kinds == kind])
        for kind in np.unique(kinds)
    }


def table(result):
    """Returns a table per kind of graph: means over seeds, and ratios to the oracle."""
    figures, texts = result["figures"], []
    for kind in figures["Bayes oracle"]["seed 0"]:
        of_kind = {
            name: {seed: scores[kind] for seed, scores in seeds.items()}
            for name, seeds in figures.items()
        }
        means = records.seed_means(of_kind, ["AUC", "AP", "log-loss", "Brier"])
        for score in ("AUC", "log-loss"):
            means[f"{score} / oracle's"] = means[score] / means[score]["Bayes oracle"]
        texts.append(f"{kind}\n{records.markdown_frame(means.round(4))}")
    return "\n\n".join(texts)


def main(args):
    data, split, (_, _, test) = load(0, args.batch_size)
    truth, kinds = link_runs.graphs(test), data.kinds[test.starts // data.num_steps]
    rows = baselines(data, test)
    oracle = rows.pop("Bayes oracle")
    rows |= {"what could be known": knowable(data, test), "Bayes oracle": oracle}
    figures = {name: {"seed 0": by_kind(kinds, truth, p)} for name, p in rows.items()}
    figures[ROW] = {}
    make = functools.partial(build, data, split)
    loss = losses.FocalLoss(alpha=1.0, gamma=0.0, pairs="undirected")  # cross-entropy
    for seed in args.seeds:
        print(f"{ROW}, seed {seed}", flush=True)
        folder = records.run_folder("links", "generated", ROW, seed)
        _, _, parts = load(seed, args.batch_size)
        watch = ("val_log_loss", "min")
        training.once(folder, link_runs.run, make, parts, loss, watch, seed, args)
        figures[ROW][f"seed {seed}"] = by_kind(kinds, truth, link_runs.predicted(folder))
        records.save(args, {"figures": figures})
    return {"figures": figures}


if __name__ == "__main__":
    command.run(__name__)
