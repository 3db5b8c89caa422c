"""GCN and ChebNet on Cora over ten seeds, and the time of GCN's epochs beside PyTorch Geometric's.

    python benchmarks/cora.py accuracy --data FOLDER
    KERAS_BACKEND=jax python benchmarks/cora.py speed --data FOLDER     needs torch_geometric

Accuracy runs examples/classify_nodes.py; a run that is complete is not repeated. Speed times epochs
of `fit` against a bare loop over PyTorch Geometric's GCN of the same sizes and settings, the two
taking turns in one process. Tables are printed; figures go to benchmarks/results/cora.json.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import records

RESULT = records.RESULTS / "cora.json"
PUBLISHED = {("gcn", 2): 81.5, ("chebnet", 3): 81.2, ("chebnet", 4): 79.5}
SEEDS, EPOCHS, TURNS = 10, 50, 10


def accuracy(args):
    """{row: figures in %}, each of ten seeds."""
    rows = {}
    for (model, K), published in PUBLISHED.items():
        name = model if model == "gcn" else f"{model}, {K} terms"
        folder = records.ROOT / "runs" / f"cora-{model}-{K}"
        if not (folder / "metrics.json").exists():
            command = [sys.executable, str(records.ROOT / "examples" / "classify_nodes.py")]
            command += ["--model", model, "--K", str(K), "--seeds", str(SEEDS)]
            command += ["--data", args.data, "--out", str(folder)]
            subprocess.run(command, check=True, cwd=records.ROOT)
        record = json.loads((folder / "metrics.json").read_text())
        test = np.array([run["test"] for run in record["test"]])
        rows[name] = {
            "published": published,
            "test mean": test.mean().round(2),
            "test std": test.std(ddof=1).round(2),
            "standard error": (test.std(ddof=1) / len(test) ** 0.5).round(2),
            "validation mean": np.mean([run["validation"] for run in record["test"]]).round(2),
            "backend": record["versions"]["backend"],
        }
    return rows


def speed(args):
    """{row: median milliseconds an epoch}: one step on the whole graph, without validation."""
    import keras

    sys.path.insert(0, str(records.ROOT / "examples"))
    import classify_nodes

    from stgkeras import datasets

    cora = datasets.load_cora(args.data)
    ours, theirs = ours_by_epoch(classify_nodes, cora), pyg_by_epoch(cora)
    ours(), theirs()  # compiles
    times = np.array([[ours(), theirs()] for _ in range(TURNS)])  # (turns, 2, epochs)
    median = 1e3 * np.median(times, axis=(0, 2))
    return {
        f"GCN, {keras.backend.backend()}": {
            "ms an epoch": median[0].round(2),
            "PyTorch Geometric": median[1].round(2),
            "times faster": (median[1] / median[0]).round(2),
        }
    }


def ours_by_epoch(classify_nodes, cora):
    import keras

    args = classify_nodes.parse(["--model", "gcn"])
    model, x, y, (train, _, _) = classify_nodes.compiled(args, cora)
    stamps = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: stamps.append(time.perf_counter())
    )

    def run():
        stamps[:] = [time.perf_counter()]
        model.fit(x, y, 1, EPOCHS, 0, [clock], sample_weight=train)
        return np.diff(stamps)

    return run


def pyg_by_epoch(cora):
    """PyTorch Geometric's two layers, its cached normalisation, and its usual dense features."""
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

    def step():
        optimizer.zero_grad()
        hidden = F.relu(first(F.dropout(x, 0.5), edges))
        logits = second(F.dropout(hidden, 0.5), edges)
        loss = F.cross_entropy(logits[train], y[train])
        loss.backward()
        optimizer.step()
        return float(loss)

    def run():
        stamps = [time.perf_counter()]
        for _ in range(EPOCHS):
            step()
            stamps.append(time.perf_counter())
        return np.diff(stamps)

    return run


def main(args):
    rows = {"accuracy": accuracy, "speed": speed}[args.what](args)
    done = records.read(RESULT)
    done[args.what] = done.get(args.what, {}) | rows
    done["command"] = "python benchmarks/cora.py accuracy|speed --data FOLDER"
    done["settings"] = {"seeds": list(range(SEEDS)), "epochs": 200, "timed": f"{TURNS} × {EPOCHS}"}
    done |= {"machine": records.MACHINE, "versions": records.versions()}
    records.write(RESULT, done)
    print(pd.DataFrame(done[args.what]).T.to_string())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("accuracy", "speed"))
    parser.add_argument("--data", required=True, help="folder or file with Cora")
    main(parser.parse_args())
