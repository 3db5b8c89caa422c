"""Saves trained models of contacts.py and generated_links.py as presets in saved_models/.

    python benchmarks/link_presets.py --data FOLDER

FOLDER holds workplace2015_invs15.npz. If a row has several seeds, the preset is the seed with the
best validation score. The script keeps presets that exist; to replace one, delete its folder.
"""

import command
import contacts
import generated_links
import link_runs
import numpy as np
import presets
import records

OPTIONS = presets.OPTIONS
SHOWN = ["AP", "AUC", "log-loss", "Brier"]


def write(folder, run, model, test, metadata, does, paragraphs):
    """Saves a preset. Its test predictions must equal the predictions of the run."""
    model.load_weights(run / "best.weights.h5")
    found = model.predict(test, verbose=0)
    np.testing.assert_allclose(found, link_runs.predicted(run), rtol=1e-3, atol=1e-5)
    metadata["metrics"] = {key: round(value, 6) for key, value in metadata["metrics"].items()}
    presets.write(folder, model, metadata, [*first_paragraphs(folder, model, does), *paragraphs])


def first_paragraphs(folder, model, does):
    kind, parameters = type(model).__name__, link_runs.training.num_parameters(model)
    return [
        f"{kind} with pairwise decoder and {parameters:,} trained parameters. The model predicts "
        f"{does}.",
        f'    model = stgkeras.models.{kind}.from_preset("{folder.name}")',
    ]


def workplace2015(folder, root):
    network, row = "workplace2015", next(iter(contacts.ROWS))
    run, seed, figures = presets.best_run("links", network, row, "validation ap", max)
    snapshots, parts = contacts.load(root / contacts.FILES[network])
    result = records.read(records.RESULTS / "contacts.json")
    people, length, width = snapshots.num_nodes, contacts.LENGTH, contacts.WIDTH
    data = {
        "dataset": network,
        "series": "face-to-face contacts of 217 people at a workplace, 2015",
        "source": "SocioPatterns, InVS15, CC0",
        "file": contacts.FILES[network],
        "width": width,
        "steps": f"{snapshots.num_steps} snapshots of ten minutes with at least one contact",
        "nodes": snapshots.contacts.names.tolist(),
    }
    metadata = {
        "data": data,
        "split": {
            part: f"snapshots {steps[0]} … {steps[-1]} to predict"
            for part, steps in zip(("train", "val", "test"), parts, strict=True)
        },
        "scaler": f"mean and standard deviation of the first {parts[0][-1]} snapshots",
        "seed": seed,
        "command": f"python benchmarks/contacts.py --data FOLDER --networks {network} "
        f'--rows "{row}" --seeds {seed}',
        "metrics": figures,
        "versions": result["versions"],
    }
    others = {
        "exponential mean": "exponential mean",
        "logistic regression on the four": "logistic regression on four baselines",
    }
    rows = {"this model": figures}
    for name, shown in others.items():
        rows[shown] = result["figures"][network][name]["seed 0"]
    does = f"which of {people} people meet face to face in the next ten minutes"
    paragraphs = [
        f"Inputs from `stgkeras.datasets.load_contacts(file).snapshots({width}).windows(steps, "
        f"{length})`: `x` (batch, {length}, {people}, 5), features of the people; `graph` (batch, "
        f"{length}, {people}, {people}), contacts in each snapshot; `history` (batch, {people}, "
        f"{people}, 7), how long and how recently each pair met. The people are in the order of "
        "`metadata.json`.",
        f"Data: {data['series']}; {data['steps']}. Source: {data['source']}.",
        "Training used the first 70 % of the snapshots, validation the next 10 %, and the test the "
        "last 20 %. No choice used the test snapshots. With the probability threshold "
        f"{figures['threshold']:.3f}, selected on validation, the test F1 is {figures['F1']:.3f}. "
        "Other test scores (AP: average precision):",
        presets.scores("", SHOWN, rows, "{:.4f}"),
    ]
    model = contacts.build(contacts.ROWS[row], snapshots, parts[0])
    test = contacts.windows_of(contacts.ROWS[row], snapshots, parts, seed, batch_size=8)[2]
    write(folder, run, model, test, metadata, does, paragraphs)


def generated(folder, root):
    row = generated_links.ROW
    run, seed, _ = presets.best_run("links", "generated", row, "validation log_loss")
    data, split, (_, _, test) = generated_links.load(seed, batch_size=16)
    result = records.read(records.RESULTS / "generated_links.json")
    rows = {"this model": result["figures"][row][f"seed {seed}"]}
    for other in ("Bayes oracle", "what could be known"):
        rows[other] = result["figures"][other]["seed 0"]
    kinds = list(rows["this model"])
    metadata = {
        "data": {
            "dataset": "generated",
            "series": "Barabási-Albert, Erdős-Rényi and Newman-Watts graphs of 30 nodes with "
            "change points",
            "source": "stgkeras.datasets.load_dynamic_graphs(num_sequences=60, seed=0)",
        },
        "split": {part: list(map(int, numbers)) for part, numbers in split._asdict().items()},
        "scaler": "mean and standard deviation of the training sequences",
        "seed": seed,
        "command": f"python benchmarks/generated_links.py --seeds {seed}",
        "metrics": {
            f"{kind} {score}": rows["this model"][kind][score] for kind in kinds for score in SHOWN
        },
        "versions": result["versions"],
    }
    paragraphs = [
        "Inputs from the windows of `stgkeras.datasets.load_dynamic_graphs()`: `x` (batch, 10, 30, "
        "6), features of the nodes; `graph` (batch, 10, 30, 30), the last graphs.",
        "The parameters of the graphs change from time to time. The Bayes oracle knows the "
        "parameters of the next graph. A model can at best know the parameters of the last graph "
        'and how often they change ("what could be known").',
        "Training used 42 sequences of 200 graphs, validation 9, and the test 9. No choice used "
        "the test sequences. Test scores by kind of graph (AP: average precision):",
    ]
    for kind in kinds:
        of_kind = {name: found[kind] for name, found in rows.items()}
        paragraphs.append(presets.scores(kind.replace("_", " "), SHOWN, of_kind, "{:.4f}"))
    does = "the next graph in a sequence of random graphs of 30 nodes"
    write(folder, run, generated_links.build(data, split), test, metadata, does, paragraphs)


PRESETS = {"stgcn_links_workplace2015": workplace2015, "stgcn_links_generated": generated}


def main(args):
    presets.make_all(args, PRESETS, lambda folder, root, make: make(folder, root))


if __name__ == "__main__":
    command.run(__name__)
