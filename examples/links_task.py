"""The task of `train_astgcn.py --task links`: the next graph in sequences of generated graphs."""

import numpy as np

from stgkeras import datasets, losses, metrics, models, plots
from stgkeras.cli import terminal


def task(args):
    """Returns windows, a model, arguments of `compile`, and the functions `report` and `watch`.

    `report(predictions, folder)` prints and returns test scores, and draws a test window.
    `watch(model)` returns figures of validation windows during training.
    """
    print("Generating random graphs …", flush=True)
    data = datasets.load_dynamic_graphs(num_sequences=args.sequences, seed=args.seed)
    split = datasets.split_sequences(data.kinds, args.val, args.test, seed=args.seed)
    windows = [
        data.windows(part, batch_size=args.batch_size, shuffle=part is split.train, seed=args.seed)
        for part in split
    ]
    model = models.ASTGCNLinkPredictor(data.num_nodes, node_values=args.node_values, normalize=True)
    model.adapt(data.features[split.train])

    def report(predicted, folder):
        test = windows[2]
        batches = [test[i] for i in range(len(test))]
        past = np.concatenate([x["graph"] for x, _ in batches])
        truth = np.concatenate([y for _, y in batches])
        rows = {
            "ASTGCN": predicted,
            "last graph": datasets.last_graph(past),
            "mean of the window": datasets.window_mean(past),
            "exponential mean": datasets.exponential_mean(past),
            "Bayes oracle": datasets.oracle(data, test),
        }
        kinds = data.kinds[test.starts // data.num_steps]
        shown = {"next graph": truth[0], "ASTGCN": predicted[0], "oracle": rows["Bayes oracle"][0]}
        plots.adjacency(shown, title=str(kinds[0])).savefig(folder / "links.png", dpi=150)
        table = {name: {} for name in rows}
        for name, p in rows.items():
            for kind in np.unique(kinds):
                scores = metrics.link_scores(truth[kinds == kind], p[kinds == kind])
                table[name][f"AUC {kind}"] = scores["AUC"]
            table[name] |= {k: metrics.link_scores(truth, p)[k] for k in ("AP", "Brier")}
        print(terminal.scores_text("\nTest scores", table, terminal.LINKS, ["Bayes oracle"]))
        return table

    def watch(model):
        x, truth = windows[1][0]
        shown = {"next graph": truth[0], "predicted": model.predict(x, verbose=0)[0]}
        found = models.attention_scores(model, x).items()
        scores = {name.removesuffix("_attention"): array for name, array in found}
        return {"links": plots.adjacency(shown), "attention": plots.attention(scores)}

    return windows, model, {"loss": losses.FocalLoss()}, report, watch
