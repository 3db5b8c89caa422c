"""ASTGCNLinkPredictor with 1, 4 or 16 values per node, compared with the Bayes oracle.

    python benchmarks/link_neck.py
    python benchmarks/link_neck.py --node-values 1 --learning-rate 3e-3

The model trains on one kind of generated graphs at a time. The scores are those of the best
validation epoch. Runs in the file of the result are not repeated.
"""

import itertools
import pathlib
import tempfile

import command
import generated_links
import keras
import link_runs
import pandas as pd
import records
import resumable

from stgkeras import callbacks, losses, metrics, models

OPTIONS = {
    "kinds": ["barabasi_albert", "newman_watts"],
    "node_values": [1, 4, 16],
    "seeds": [0],
    "sequences": 20,
    "epochs": 15,
    "learning_rate": 1e-2,
}


def train(kind, values, seed, args):
    """Returns the test scores of one training."""
    data, split, (train, val, test) = generated_links.load(seed, 32, (kind,), args.sequences)

    def build():
        model = models.ASTGCNLinkPredictor(data.num_nodes, normalize=True, node_values=values)
        model.adapt(data.features[split.train])
        optimizer = keras.optimizers.Adam(args.learning_rate, global_clipnorm=1.0)
        model.compile(optimizer, losses.FocalLoss())
        return model

    keras.utils.set_random_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        options = {"epochs": args.epochs, "validation_data": val, "verbose": 2}
        restarts = [callbacks.WarmRestarts()]
        model, _ = resumable.fit(pathlib.Path(folder), build, train, restarts, **options)
    return metrics.link_scores(link_runs.graphs(test), model.predict(test, verbose=0))


def table(result):
    return records.markdown_frame(pd.DataFrame(result["runs"]).T.round(4))


def main(args):
    runs = records.read(args.out).get("runs", {})
    for kind in args.kinds:
        data, _, (_, _, test) = generated_links.load(0, 32, (kind,), args.sequences)
        truth = link_runs.graphs(test)
        for name, probability in generated_links.baselines(data, test).items():
            runs[f"{kind} / {name}"] = metrics.link_scores(truth, probability)
        for values, seed in itertools.product(args.node_values, args.seeds):
            name = f"{kind} / {values} values a node / rate {args.learning_rate} / seed {seed}"
            if name not in runs:
                print(name, flush=True)
                runs[name] = train(kind, values, seed, args)
                records.save(args, {"runs": runs})
    return {"runs": runs}


if __name__ == "__main__":
    command.run(__name__)
