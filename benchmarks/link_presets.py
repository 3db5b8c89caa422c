"""Makes the link predictors in saved_models/ of what contacts.py and generated_links.py trained.

    python benchmarks/link_presets.py --data FOLDER

FOLDER holds workplace2015_invs15.npz. Of several seeds the one with the best validation score is
taken. A preset that is there already stays; delete its folder to make it anew.
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
    """Writes a preset, whose predictions must be those of its run."""
    model.load_weights(run / "best.weights.h5")
    found = model.predict(test, verbose=0)
    np.testing.assert_allclose(found, link_runs.predicted(run), rtol=1e-3, atol=1e-5)
    metadata["metrics"] = {key: round(value, 6) for key, value in metadata["metrics"].items()}
    presets.write(folder, model, metadata, [*first_paragraphs(folder, model, does), *paragraphs])


def first_paragraphs(folder, model, does):
    kind, parameters = type(model).__name__, link_runs.training.num_parameters(model)
    return [
        f"{kind} with pairwise decoder, {parameters:,} trained parameters: predicts {does}.",
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
        "steps": f"{snapshots.num_steps} snapshots of ten minutes, without the empty ones",
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
    rows = {"this model": figures}
    for other in ("exponential mean", "logistic regression on the four"):
        rows[other] = result["figures"][network][other]["seed 0"]
    does = f"which of {people} people meet face to face in the next ten minutes"
    paragraphs = [
        f"Inputs, as `stgkeras.datasets.load_contacts(file).snapshots({width}).windows(steps, "
        f"{length})` gives them: `x` (batch, {length}, {people}, 5), features of the people; "
        f"`graph` (batch, {length}, {people}, {people}), contacts in each snapshot; `history` "
        f"(batch, {people}, {people}, 7), how much and how lately each pair met. People are in "
        "the order of `metadata.json`.",
        f"Data: {data['series']}; {data['steps']}. Source: {data['source']}. Trained on the first "
        "70 %, chosen on the next 10 %, tested once on the last 20 %. A pair is best called a link "
        f"from {figures['threshold']:.3f} on, for an F1 of {figures['F1']:.3f}:",
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
        "Inputs, as the windows of `stgkeras.datasets.load_dynamic_graphs()` give them: `x` "
        "(batch, 10, 30, 6), features of the nodes; `graph` (batch, 10, 30, 30), the last graphs.",
        "The Bayes oracle knows the parameters that the next graph is drawn with; one who sees the "
        "past can at best know those of the last graph, and how often they change. Trained on 42 "
        "sequences of 200 graphs, chosen on 9, tested once on 9:",
    ]
    for kind in kinds:
        of_kind = {name: found[kind] for name, found in rows.items()}
        paragraphs.append(presets.scores(kind.replace("_", " "), SHOWN, of_kind, "{:.4f}"))
    does = "the next of a sequence of random graphs of 30 nodes"
    write(folder, run, generated_links.build(data, split), test, metadata, does, paragraphs)


PRESETS = {"stgcn_links_workplace2015": workplace2015, "stgcn_links_generated": generated}


def main(args):
    presets.make_all(args, PRESETS, lambda folder, root, make: make(folder, root))


if __name__ == "__main__":
    command.run(__name__)
