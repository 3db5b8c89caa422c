"""The lineage SCNN → smooth SCNN → ChebNet → GCN on digits, over seeds.

    python benchmarks/digits.py

Classifies the 8 × 8 images of scikit-learn with the models and training of
examples/compare_spectral.py. A seed fixes the split, how pixels are shuffled and the weights at the
start, alike for all models, so that differences are paired. Four tables, printed and written to
benchmarks/results/digits.json; runs already in it are not repeated:

(a) all models with about the same number of parameters;
(b) each at its best of 8 settings, chosen by validation accuracy on seeds of their own;
(c) ChebNet at its best on the grid of pixels, on graphs estimated from the training part, the
    estimate too at its best of 4 settings, and on a grid whose nodes are relabelled at random;
(d) the models of (a) without their graph: random orthogonal vectors in place of the Fourier basis
    (they pool over the grid as before), or a grid relabelled at random.
"""

import argparse
import itertools
import sys

import keras
import numpy as np
import pandas as pd
import records

sys.path.insert(0, str(records.ROOT / "examples"))
import compare_spectral  # noqa: E402
import pixel_graphs  # noqa: E402

RESULT = records.RESULTS / "digits.json"
# What sets the models of the lineage apart: frequencies kept, knots, terms, and plain width.
SPECIAL = {
    "SCNN": [{"frequencies": share} for share in (0.25, 0.5, 0.75, 1.0)],
    "smooth SCNN": [{"num_knots": knots} for knots in (4, 8, 16, 32)],
    "ChebNet": [{"K": terms} for terms in (3, 5, 10, 20)],
    "GCN": [{"filters": (width, 2 * width)} for width in (16, 32, 64, 128)],
}
ESTIMATES = [{"num_neighbors": neighbors} for neighbors in (2, 4, 8, 16)]
GRAPHS = ("estimated", "estimated with labels", "relabelled at random")
WITHOUT = {
    "SCNN": "random basis",
    "smooth SCNN": "random basis",
    "ChebNet": "relabelled at random",
    "GCN": "relabelled at random",
}


def candidates(name):
    """Eight settings of a model, every two values of two of them met equally often."""
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
    if kind in ("grid", "random basis"):
        return grid
    if kind == "relabelled at random":
        order = np.random.default_rng(1000 + seed).permutation(len(grid))
        return grid[np.ix_(order, order)]
    x, y = train
    labels = y if kind == "estimated with labels" else None
    return pixel_graphs.estimate(x, labels, seed, **estimate)


def train(label, name, kind, seed, settings, estimate, final):
    """One training. The test part is looked at in final runs alone."""
    grid, train, val, test = pixel_graphs.load(seed)
    adjacency = graph_of(kind, grid, train, seed, estimate)
    settings = dict(settings)
    rate, share = settings.pop("learning_rate", 1e-2), settings.pop("frequencies", None)
    if share is not None:
        settings["operator"] = lambda a: pixel_graphs.basis(a)[:, : round(share * len(a))]
    if kind == "random basis":
        rng = np.random.default_rng(seed)
        settings["operator"] = lambda a: np.linalg.qr(rng.normal(size=a.shape))[0]
    keras.utils.set_random_seed(seed)
    model = pixel_graphs.build(name, adjacency, **settings)
    curve, seconds = compare_spectral.fit(model, train, val, label, 100, rate)
    parts = {"validation": val} | ({"test": test} if final else {})
    return {
        "epochs": len(curve),
        "seconds_per_epoch": round(seconds, 4),
        "true_links": round(float((adjacency * grid > 0).sum() / (adjacency > 0).sum()), 3),
        **compare_spectral.scores(model, parts),
    }


class Runs:
    """The runs by label, each done once and kept in the result file."""

    def __init__(self, args):
        self.args = args
        self.done = records.read(RESULT) or {"runs": {}}

    def final(self, group, name, kind="grid", settings=None, estimate=None):
        """Figures of a model on every seed, (seeds, columns)."""
        runs = [
            self._run(f"{group} / {name} / {kind}", name, kind, seed, settings, estimate, True)
            for seed in self.args.seeds
        ]
        return pd.DataFrame(runs, self.args.seeds)

    def best(self, name, kind, candidates):
        """The candidate, keywords of `_run`, of highest mean validation accuracy."""
        means = []
        for number, candidate in enumerate(candidates):
            label = f"search / {name} / {kind} / {number}"
            runs = [
                self._run(label, name, kind, seed, **candidate, final=False)
                for seed in self.args.search_seeds
            ]
            means.append(np.mean([run["validation"] for run in runs]))
        chosen = candidates[int(np.argmax(means))]
        self.done.setdefault("searches", {})[f"{name} / {kind}"] = [
            {**candidate, "validation": round(float(mean), 4), "chosen": candidate is chosen}
            for candidate, mean in zip(candidates, means, strict=True)
        ]
        return chosen

    def _run(self, label, name, kind, seed, settings, estimate, final):
        label = f"{label} / seed {seed}"
        if label not in self.done["runs"]:
            result = train(label, name, kind, seed, settings or {}, estimate or {}, final)
            self.done["runs"][label] = result
            self.save()
        return self.done["runs"][label]

    def save(self):
        self.done |= {
            "command": " ".join(["python", "benchmarks/digits.py", *sys.argv[1:]]),
            "seeds": vars(self.args),
            "machine": records.MACHINE,
            "versions": records.versions(),
        }
        records.write(RESULT, self.done)


def table(frames, difference, others):
    """Mean ± standard deviation in %, and paired differences to `others`, ± standard error."""
    rows = {}
    for name, frame in frames.items():
        scores = 100 * frame[["validation", "test"]]
        rows[name] = {
            "parameters": round(frame["parameters"].mean()),
            "seconds per epoch": f"{frame['seconds_per_epoch'].median():.3f}",
            "true links": f"{frame['true_links'].mean():.2f}",
        }
        for part in scores:
            rows[name][part] = f"{scores[part].mean():.2f} ± {scores[part].std():.2f}"
        if name in others:
            gain = scores["test"] - 100 * others[name]["test"]
            rows[name][difference] = f"{gain.mean():+.2f} ± {gain.sem():.2f}"
    return pd.DataFrame(rows).T.fillna("")


def by_lineage(frames):
    above = dict(zip(list(frames)[1:], frames.values(), strict=False))
    return table(frames, "test - row above", above)


def main(args):
    runs = Runs(args)
    equal = {name: runs.final("a", name) for name in SPECIAL}
    chosen = {
        name: runs.best(name, "grid", [{"settings": s, "estimate": None} for s in candidates(name)])
        for name in SPECIAL
    }
    best = {name: runs.final("b", name, **chosen[name]) for name in SPECIAL}
    settings = chosen["ChebNet"]["settings"]
    by_graph = {"grid": best["ChebNet"]}
    for kind in GRAPHS:
        choice = {"settings": settings, "estimate": None}
        if kind.startswith("estimated"):
            tries = [{"settings": settings, "estimate": estimate} for estimate in ESTIMATES]
            choice = runs.best("ChebNet", kind, tries)
        by_graph[kind] = runs.final("b", "ChebNet", kind, **choice)
    without = {f"{n}, {kind}": runs.final("a", n, kind) for n, kind in WITHOUT.items()}
    with_graph = dict(zip(without, equal.values(), strict=True))
    grid = dict.fromkeys(GRAPHS, best["ChebNet"])
    tables = {
        "(a) equal size": by_lineage(equal),
        "(b) each at its best": by_lineage(best),
        "(c) ChebNet, by graph": table(by_graph, "test - grid", grid),
        "(d) equal size, without the graph": table(without, "test - (a)", with_graph),
    }
    runs.done["tables"] = {title: frame.to_dict("index") for title, frame in tables.items()}
    runs.save()
    for title, frame in tables.items():
        print(f"\n{title}: accuracy in %, {len(args.seeds)} seeds\n{frame.to_string()}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--search-seeds", type=int, nargs="+", default=[100, 101, 102])
    main(parser.parse_args())
