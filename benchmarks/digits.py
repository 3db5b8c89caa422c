"""SCNN, smooth SCNN, ChebNet and GCN on images of digits, over seeds.

    python benchmarks/digits.py

The models are those of examples/compare_spectral.py. A seed determines the split, the
order of the pixels and the initial weights, for all models alike, so that differences are paired.
Runs in the file of the result are not repeated. There are four tables:

(a) all models with about the same number of parameters;
(b) each model with the best of 8 settings, by validation accuracy on separate seeds;
(c) the ChebNet of (b) with the grid of pixels, with graphs estimated from the training images (the
    best of 4 settings), and with a grid whose nodes are relabelled at random;
(d) the models of (a) without their graph: with random orthogonal vectors instead of the Fourier
    basis (pooling still uses the grid), or with a grid relabelled at random.
"""

import itertools
import time

import command
import keras
import numpy as np
import pandas as pd
import records
from compare_spectral import LINEAGE

from stgkeras import datasets, graphs

# Four values of the setting that only this model has; of GCN, the number of filters.
SPECIAL = {
    "SCNN": [{"frequencies": share} for share in (0.25, 0.5, 0.75, 1.0)],
    "smooth SCNN": [{"num_knots": knots} for knots in (4, 8, 16, 32)],
    "ChebNet": [{"K": terms} for terms in (3, 5, 10, 20)],
    "GCN": [{"filters": (width, 2 * width)} for width in (16, 32, 64, 128)],
}
NEIGHBORS = (2, 4, 8, 16)  # per node of an estimated graph
RELABELLED = "relabelled at random"
WITHOUT = dict(zip(SPECIAL, ["random basis"] * 2 + [RELABELLED] * 2, strict=True))
OPTIONS = {"seeds": list(range(10)), "search_seeds": [100, 101, 102], "epochs": 100}


def candidates(name):
    """Returns eight settings of a model: a fractional factorial design."""
    return [
        {
            "filters": ((16, 32), (32, 64))[a ^ c],
            "dropout": (0.0, 0.5)[c],
            "learning_rate": (3e-3, 1e-2)[b ^ c],
            **SPECIAL[name][2 * a + b],
        }
        for a, b, c in itertools.product((0, 1), repeat=3)
    ]


def graph_of(kind, grid, train, seed, estimate):
    """Returns the graph of a kind, for the model to use instead of the grid of pixels."""
    if kind in ("grid", "random basis"):
        return grid
    if kind == RELABELLED:
        order = np.random.default_rng(1000 + seed).permutation(len(grid))
        return grid[np.ix_(order, order)]
    pixels = train[0][..., 0]
    labels = train[1] if kind == "estimated with labels" else None
    estimate = {"num_neighbors": 4, "standardize": True, "seed": seed, **estimate}
    return graphs.estimate_graph(pixels, labels=labels, **estimate)


def fit(model, train, val, epochs, learning_rate):
    """Trains until the validation loss has not improved for 15 epochs.

    The model gets the weights of the best epoch. Returns the validation accuracy of each epoch, and
    the median time of an epoch in seconds.
    """
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=["accuracy"])
    ends = [time.perf_counter()]
    stop = keras.callbacks.EarlyStopping(patience=15, restore_best_weights=True)
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: ends.append(time.perf_counter()))
    log = model.fit(*train, 64, epochs, 0, [stop, clock], validation_data=val)
    return log.history["val_accuracy"], float(np.median(np.diff(ends)))


def train(label, seed, name, kind, epochs, settings, estimate):
    """Returns the figures of one training. A search does not use the test part."""
    digits = datasets.load_digits(seed)
    train, val, test = ((digits.images[part], digits.labels[part]) for part in digits.split)
    grid = digits.adjacency
    adjacency = graph_of(kind, grid, train, seed, estimate)
    settings = {"learning_rate": 1e-2, **settings}
    rate, share = settings.pop("learning_rate"), settings.pop("frequencies", None)
    if share is not None:
        settings["operator"] = lambda a: graphs.fourier_basis(a)[1][:, : round(share * len(a))]
    if kind == "random basis":
        rng = np.random.default_rng(seed)
        settings["operator"] = lambda a: np.linalg.qr(rng.normal(size=a.shape))[0]
    keras.utils.set_random_seed(seed)
    model_class, usual = LINEAGE[name]
    settings = {"num_classes": 10, "units": (), **usual, **settings}
    model = model_class.from_adjacency(adjacency, **settings)
    curve, seconds = fit(model, train, val, epochs, rate)
    parts = {"validation": val} | ({} if label.startswith("search") else {"test": test})
    return {
        "epochs": len(curve),
        "seconds_per_epoch": round(seconds, 4),
        "true_links": round(float((adjacency * grid > 0).sum() / (adjacency > 0).sum()), 3),
        "parameters": sum(int(keras.ops.size(weight)) for weight in model.trainable_weights),
        **{part: model.evaluate(*data, 64, verbose=0)[1] for part, data in parts.items()},
    }


class Runs:
    """Runs by label. Each run is done once and stored in the file of the result."""

    def __init__(self, args):
        self.args = args
        self.done = {
            "seeds": {"seeds": args.seeds, "search_seeds": args.search_seeds},
            "runs": records.read(args.out).get("runs", {}),
            "searches": {},
        }

    def frame(self, group, name, kind="grid", settings=None, estimate=None, number=None):
        """Returns the figures of a model for each seed of the group, (seeds, columns)."""
        seeds = self.args.search_seeds if group == "search" else self.args.seeds
        label = f"{group} / {name} / {kind}" + ("" if number is None else f" / {number}")
        runs = self.done["runs"]
        labels = {seed: f"{label} / seed {seed}" for seed in seeds}
        for seed, key in labels.items():
            if key not in runs:
                how = (name, kind, self.args.epochs, settings or {}, estimate or {})
                runs[key] = train(key, seed, *how)
                records.save(self.args, self.done)
        return pd.DataFrame([runs[key] for key in labels.values()], seeds)

    def best(self, name, kind, candidates):
        """Returns figures with the best of the candidates (arguments of `frame`) on validation."""
        means = [
            float(self.frame("search", name, kind, **how, number=number)["validation"].mean())
            for number, how in enumerate(candidates)
        ]
        chosen = candidates[int(np.argmax(means))]
        self.done["searches"][f"{name} / {kind}"] = [
            {**how, "validation": round(mean, 4), "chosen": how is chosen}
            for how, mean in zip(candidates, means, strict=True)
        ]
        return self.frame("b", name, kind, **chosen), chosen


def summary(frames, difference, others):
    """Returns mean ± standard deviation in %, and paired differences ± standard error."""
    rows = {}
    for name, frame in frames.items():
        scores = 100 * frame[["validation", "test"]]
        rows[name] = {
            "parameters": round(frame["parameters"].mean()),
            "seconds per epoch": f"{frame['seconds_per_epoch'].median():.3f}",
            "true links": f"{frame['true_links'].mean():.2f}",
            **{part: f"{scores[part].mean():.2f} ± {scores[part].std():.2f}" for part in scores},
        }
        if name in others:
            gain = scores["test"] - 100 * others[name]["test"]
            rows[name][difference] = f"{gain.mean():+.2f} ± {gain.sem():.2f}"
    return pd.DataFrame(rows).T.fillna("").to_dict("index")


def by_lineage(frames):
    above = dict(zip(list(frames)[1:], frames.values(), strict=False))
    return summary(frames, "test - row above", above)


def table(result):
    return "\n\n".join(
        f"{title}: accuracy in %, {len(result['seeds']['seeds'])} seeds\n"
        + records.markdown_frame(pd.DataFrame(rows).T)
        for title, rows in result["tables"].items()
    )


def main(args):
    runs = Runs(args)
    equal = {name: runs.frame("a", name) for name in SPECIAL}
    best, chosen = {}, {}
    for name in SPECIAL:
        settings = [{"settings": found, "estimate": None} for found in candidates(name)]
        best[name], chosen[name] = runs.best(name, "grid", settings)
    same, by_graph = {"settings": chosen["ChebNet"]["settings"]}, {"grid": best["ChebNet"]}
    for kind in ("estimated", "estimated with labels"):
        estimates = [same | {"estimate": {"num_neighbors": number}} for number in NEIGHBORS]
        by_graph[kind], _ = runs.best("ChebNet", kind, estimates)
    by_graph[RELABELLED] = runs.frame("b", "ChebNet", RELABELLED, **same)
    without = {f"{name}, {kind}": runs.frame("a", name, kind) for name, kind in WITHOUT.items()}
    with_graph = dict(zip(without, equal.values(), strict=True))
    grid = dict.fromkeys(list(by_graph)[1:], best["ChebNet"])
    runs.done["tables"] = {
        "(a) equal size": by_lineage(equal),
        "(b) each at its best": by_lineage(best),
        "(c) ChebNet, by graph": summary(by_graph, "test - grid", grid),
        "(d) equal size, without the graph": summary(without, "test - (a)", with_graph),
    }
    return runs.done


if __name__ == "__main__":
    command.run(__name__)
