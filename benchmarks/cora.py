"""Accuracy of GCN and ChebNet on Cora, and the time of an epoch compared with PyTorch Geometric.

    python benchmarks/cora.py accuracy --data FOLDER
    KERAS_BACKEND=jax python benchmarks/cora.py speed --data FOLDER     needs torch_geometric

"accuracy" runs examples/classify_nodes.py over seeds; complete runs are not repeated. "speed"
measures epochs of `fit`, and of a plain training loop with PyTorch Geometric's GCN of the same size
and settings, alternately in one process. FOLDER can also be the file of Cora.
"""

import functools
from time import perf_counter

import command
import numpy as np
import pandas as pd
import records
from speed_worker import times

PUBLISHED = {("gcn", 2): 81.5, ("chebnet", 3): 81.2, ("chebnet", 4): 79.5}
EPOCHS = 50  # per turn
TASKS = ("accuracy", "speed")
OPTIONS = {"task": {"choices": TASKS}, "data": command.DATA, "num_seeds": 10, "turns": 10}


def accuracy(args):
    """Returns {row: accuracies in % over the seeds}."""
    rows = {}
    for (model, K), published in PUBLISHED.items():
        options = ["--model", model, "--K", str(K), "--seeds", str(args.num_seeds)]
        folder = records.ROOT / "runs" / f"cora-{model}-{K}"
        record = command.example("classify_nodes", [*options, "--data", args.data], folder)
        runs = pd.DataFrame(record["test"])
        rows[model if model == "gcn" else f"{model}, {K} terms"] = {
            "published": published,
            "test mean": runs["test"].mean().round(2),
            "test std": runs["test"].std().round(2),
            "standard error": runs["test"].sem().round(2),
            "validation mean": runs["validation"].mean().round(2),
            "backend": record["versions"]["backend"],
        }
    return rows


def speed(args):
    """Returns {row: median milliseconds per epoch}. An epoch is one step on the whole graph."""
    import keras

    from stgkeras import datasets

    cora = datasets.load_cora(args.data)
    ours, theirs = our_epochs(cora), functools.partial(times, pyg_epoch(cora), EPOCHS)
    ours(), theirs()  # compiles
    seconds = [[ours(), theirs()] for _ in range(args.turns)]
    our_ms, their_ms = 1e3 * np.median(seconds, axis=(0, 2))  # of (turns, 2, epochs)
    row = {"ms an epoch": our_ms, "PyTorch Geometric": their_ms, "times faster": their_ms / our_ms}
    row = {key: round(float(value), 2) for key, value in row.items()}
    return {f"GCN, {keras.backend.backend()}": row}


def our_epochs(cora):
    """Returns a function that runs epochs of `fit` and returns the seconds of each."""
    import classify_nodes
    import keras

    args = classify_nodes.parse(["--model", "gcn"])
    model = classify_nodes.compiled(args, cora)
    x, y, train = cora.batch("train")[0]

    def run():
        stamps = [perf_counter()]
        clock = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: stamps.append(perf_counter())
        )
        model.fit(x, y, 1, EPOCHS, 0, [clock], sample_weight=train)
        return np.diff(stamps)

    return run


def pyg_epoch(cora):
    """Returns a function that runs an epoch of PyTorch Geometric, with the usual dense features."""
    import torch
    from sklearn.preprocessing import normalize
    from torch.nn import functional as F
    from torch_geometric.nn import GCNConv

    x = torch.tensor(normalize(cora.features, norm="l1").toarray())
    edges = torch.tensor(np.stack(cora.adjacency.tocoo().coords).astype("int64"))
    train, y = torch.tensor(cora.train), torch.tensor(cora.labels)
    first, second = GCNConv(x.shape[1], 16, cached=True), GCNConv(16, 7, cached=True)
    decayed = {"params": first.parameters(), "weight_decay": 5e-4}
    optimizer = torch.optim.Adam([decayed, {"params": second.parameters()}], lr=1e-2)

    def epoch():
        optimizer.zero_grad()
        hidden = F.relu(first(F.dropout(x, 0.5), edges))
        logits = second(F.dropout(hidden, 0.5), edges)
        loss = F.cross_entropy(logits[train], y[train])
        loss.backward()
        optimizer.step()
        return loss.item()

    return epoch


def table(result):
    shown = [result[task] for task in TASKS if task in result]
    return "\n\n".join(records.markdown_frame(pd.DataFrame(rows).T) for rows in shown)


def main(args):
    done = {task: rows for task, rows in records.read(args.out).items() if task in TASKS}
    rows = {"accuracy": accuracy, "speed": speed}[args.task](args)
    return done | {"seeds": list(range(args.num_seeds)), args.task: done.get(args.task, {}) | rows}


if __name__ == "__main__":
    command.run(__name__)
