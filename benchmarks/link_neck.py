"""How many values a node must pass to the head of ASTGCNLinkPredictor, against the Bayes oracle.

    python benchmarks/link_neck.py
    python benchmarks/link_neck.py --node-values 1 --learning-rate 3e-3

Trains on one kind of generated graphs at a time, keeps the weights of the best validation epoch,
and reports ROC AUC over all pairs of the test sequences. The plain architecture passes one value a
node. A table is printed and written to benchmarks/results/link_neck.json; runs already in it are
not repeated.
"""

import argparse
import pathlib
import tempfile

import keras
import numpy as np
import pandas as pd
import records

from stgkeras import callbacks, datasets, losses, metrics, models

RESULT = pathlib.Path(__file__).parent / "results" / "link_neck.json"


def load(kind, sequences):
    """Graphs of one kind, windows of three parts, and the past and target graphs of the test."""
    data = datasets.load_dynamic_graphs((kind,), num_sequences=sequences, seed=0)
    split = datasets.split_sequences(data.kinds, val=0.15, test=0.15)
    train, val, test = (data.windows(part, shuffle=part is split.train) for part in split)
    batches = [test[i] for i in range(len(test))]
    past = np.concatenate([x["graph"] for x, _ in batches])
    truth = np.concatenate([y for _, y in batches])
    return data, split, (train, val, test), past, truth


def baselines(data, test, past, truth):
    rows = {
        "last graph": datasets.last_graph(past),
        "mean of the window": datasets.window_mean(past),
        "exponential mean": datasets.exponential_mean(past),
        "Bayes oracle": datasets.oracle(data, test),
    }
    return {name: metrics.link_scores(truth, p) for name, p in rows.items()}


def train(data, split, windows, truth, node_values, seed, args):
    """Test scores of one training."""
    keras.utils.set_random_seed(seed)
    parts = dict(zip(("train", "val", "test"), windows, strict=True))
    parts["train"].seed, parts["train"].epoch = seed, 0
    model = models.ASTGCNLinkPredictor(data.num_nodes, normalize=True, node_values=node_values)
    model.adapt(data.features[split.train])
    optimizer = keras.optimizers.Adam(args.learning_rate, global_clipnorm=1.0)
    model.compile(optimizer, losses.FocalLoss())
    with tempfile.TemporaryDirectory() as folder:
        best = f"{folder}/best.weights.h5"
        keep = keras.callbacks.ModelCheckpoint(best, save_best_only=True, save_weights_only=True)
        model.fit(
            parts["train"],
            validation_data=parts["val"],
            epochs=args.epochs,
            shuffle=False,
            verbose=2,
            callbacks=[callbacks.WarmRestarts(), keep],
        )
        model.load_weights(best)
    return metrics.link_scores(truth, model.predict(parts["test"], verbose=0))


def main(args):
    done = records.read(RESULT) or {"runs": {}}
    for kind in args.kinds:
        data, split, windows, past, truth = load(kind, args.sequences)
        done["runs"] |= {
            f"{kind} / {name}": scores
            for name, scores in baselines(data, windows[2], past, truth).items()
        }
        for values in args.node_values:
            for seed in args.seeds:
                name = f"{kind} / {values} values a node / rate {args.learning_rate} / seed {seed}"
                if name not in done["runs"]:
                    print(name, flush=True)
                    done["runs"][name] = train(data, split, windows, truth, values, seed, args)
                    save(done, args)
    save(done, args)
    print(pd.DataFrame(done["runs"]).T.round(4).to_string())


def save(done, args):
    done["settings"] = vars(args)
    done |= {"machine": records.MACHINE, "versions": records.versions()}
    records.write(RESULT, done)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kinds", nargs="+", default=["barabasi_albert", "newman_watts"])
    parser.add_argument("--node-values", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--sequences", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--learning-rate", type=float, default=1e-2)
    main(parser.parse_args())
