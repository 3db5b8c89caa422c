"""Reports of predict_links.py: a table of scores, the most probable new links, and figures."""

import json
import sys

import keras
import numpy as np
import pandas as pd

from stgkeras import datasets, metrics, plots


def graphs(windows):
    """Returns the graph to predict in each window, (windows, N, N)."""
    return np.concatenate([windows[number][1] for number in range(len(windows))])


def table(name, model, val, test):
    """Returns test scores of the model and of baselines, {row: {score: value}}.

    F1 uses the threshold with the best F1 on validation. The recall counts the L most probable
    pairs, where L is the mean number of links of a test graph.
    """
    pairs = {"directed": test.snapshots.contacts.directed}
    on_val, on_test = predictions(name, model, val), predictions(name, model, test)
    # Choose the time constant of the mean of all contacts on validation.
    precision = [
        metrics.link_scores(graphs(val), mean, **pairs)["AP"] for mean in on_val["history"]
    ]
    for found in (on_val, on_test):
        found["mean of all contacts"] = found.pop("history")[int(np.argmax(precision))]
    truth = graphs(test)
    links = max(1, round(truth.sum() / len(truth) / (1 if pairs["directed"] else 2)))
    rows = {}
    for row, probability in on_test.items():
        threshold = metrics.best_threshold(graphs(val), on_val[row], **pairs)
        f1 = metrics.LinkF1(threshold, **pairs)
        rows[row] = {
            **metrics.link_scores(truth, probability, **pairs),
            "F1": float(f1(truth, probability)),
            f"recall at {links}": metrics.recall_at_k(truth, probability, links, **pairs),
        }
    del (
        rows["mean of all contacts"]["log-loss"],
        rows["mean of all contacts"]["Brier"],
    )  # its values are not probabilities
    return rows


def predictions(name, model, windows):
    """Returns {row: (windows, N, N)}, and the history of the pairs (H, windows, N, N)."""
    inputs = [windows[number][0] for number in range(len(windows))]
    past = np.concatenate([x["graph"] for x in inputs]) > 0
    return {
        name: model.predict(windows, verbose=0),
        "last graph": datasets.last_graph(past).astype("float32"),
        "mean of the window": datasets.window_mean(past),
        "exponential mean": datasets.exponential_mean(past),
        "history": np.moveaxis(np.concatenate([x["history"] for x in inputs]), -1, 0),
    }


def new_ties(snapshots, probability, most=10):
    """Returns a table of the most probable pairs in the next graph that never met before."""
    met = snapshots.adjacency(range(snapshots.num_steps)).any(axis=0)
    new = ~met & ~np.eye(len(met), dtype=bool)
    directed = snapshots.contacts.directed
    target, source = np.nonzero(new if directed else np.triu(new))
    order = np.argsort(-probability[0, target, source], kind="stable")[:most]
    first, second = (source, target) if directed else (target, source)
    ends = {"source": snapshots.contacts.names[first[order]]}
    ends["target"] = snapshots.contacts.names[second[order]]
    return pd.DataFrame(ends).assign(probability=probability[0, target, source][order])


def pictures(name, model, test, ties):
    """Returns figures: the test graph with the most links, the new links, and the reliability."""
    pairs = {"directed": test.snapshots.contacts.directed}
    truth, found = graphs(test), model.predict(test, verbose=0)
    fullest = int(np.argmax(truth.sum(axis=(1, 2))))
    join = " → " if pairs["directed"] else " – "
    shown = dict(zip(ties["source"] + join + ties["target"], ties["probability"], strict=True))
    names = test.snapshots.contacts.names
    return {
        "next_graph": plots.predicted_links(truth[fullest], found[fullest], names, **pairs),
        "new_ties": plots.likely_links(shown, title="Most probable new links"),
        "reliability": plots.reliability(
            {name: metrics.reliability(truth, found, bins=40, **pairs)}
        ),
    }


def write(folder, args, rows, ties):
    """Writes table.csv, new_ties.csv and metrics.json to the folder, and prints the tables."""
    frame = pd.DataFrame(rows).T
    frame.to_csv(folder / "table.csv", index_label="prediction")
    ties.to_csv(folder / "new_ties.csv", index=False)
    record = {
        "command": sys.argv,
        "seed": args.seed,
        "versions": {"keras": keras.__version__, "backend": keras.backend.backend()},
        "test": rows,
    }
    (folder / "metrics.json").write_text(json.dumps(record, indent=2))
    print(f"\nMost probable new links in the next graph\n{ties.to_string(index=False)}")
    print(f"\nTest scores. All files are in {folder}\n{frame.round(4).to_string()}")
