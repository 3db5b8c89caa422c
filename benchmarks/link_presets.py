"""Makes the link predictors in saved_models/ of what contacts.py and generated_links.py trained.

    python benchmarks/link_presets.py --data FOLDER

FOLDER holds workplace2015_invs15.npz. Of several seeds the one with the best validation score is
taken. What is there already stays; delete its folder to make it anew.
"""

import argparse
import pathlib
import textwrap

import contacts
import generated_links
import link_runs
import numpy as np
import records

FOLDER = records.ROOT / "saved_models"
SHOWN = ("AP", "AUC", "log-loss", "Brier")


def best_seed(pattern, score, pick):
    """The seed whose run has the best validation score, of those that were trained."""
    runs = {
        int(folder.name.rsplit("seed", 1)[1]): link_runs.figures(folder)[score]
        for folder in link_runs.RUNS.glob(pattern)
        if link_runs.figures(folder)
    }
    return pick(runs, key=runs.get) if runs else None


def make(name, model, folder, test, metadata, paragraphs, tables):
    """Writes a preset, whose predictions must be those of its run."""
    model.load_weights(folder / "best.weights.h5")
    found = model.predict(test, verbose=0)
    np.testing.assert_allclose(found, link_runs.predicted(folder), rtol=1e-3, atol=1e-5)
    metadata["versions"] = records.read(metadata.pop("result"))["versions"]
    metadata["metrics"] = {key: round(value, 6) for key, value in metadata["metrics"].items()}
    model.save_to_preset(FOLDER / name, metadata)
    head = [
        f"# {name}",
        f"{type(model).__name__} with pairwise decoder, "
        f"{sum(int(np.prod(v.shape)) for v in model.trainable_variables):,} trained parameters: "
        f"{paragraphs[0]}",
        f'    model = stgkeras.models.{type(model).__name__}.from_preset("{name}")',
        *paragraphs[1:],
    ]
    wrapped = [part if part[0] in "# " else textwrap.fill(part, 100) for part in head]
    text = "\n\n".join([*wrapped, *tables, f"    {metadata['command']}"])
    (FOLDER / name / "README.md").write_text(text + "\n")
    print(f"{name}: {metadata['metrics']}")


def markdown(first, rows):
    """A table of {row: {score: value}}."""
    lines = [[first, *SHOWN], ["---"] * (len(SHOWN) + 1)]
    lines += [[row, *(f"{found[score]:.4f}" for score in SHOWN)] for row, found in rows.items()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def workplace2015(name, root):
    network, row = "workplace2015", next(iter(contacts.ROWS))
    seed = best_seed(contacts.folder_of(network, row, "*").name, "validation ap", max)
    if seed is None:
        return print(f"{name}: {row} on {network} is not trained")
    folder = contacts.folder_of(network, row, seed)
    snapshots, parts = contacts.load(root / contacts.FILES[network])
    _, _, test = contacts.windows_of(contacts.ROWS[row], snapshots, parts, seed, batch_size=8)
    table = link_runs.load(contacts.RESULT)[network]
    figures = link_runs.figures(folder)
    others = ("exponential mean", "logistic regression on the four")
    length, people = contacts.LENGTH, snapshots.num_nodes
    metadata = {
        "data": {
            "dataset": network,
            "series": "face-to-face contacts of 217 people at a workplace, 2015",
            "source": "SocioPatterns, InVS15, CC0",
            "file": contacts.FILES[network],
            "width": contacts.WIDTH,
            "steps": f"{snapshots.num_steps} snapshots of ten minutes, without the empty ones",
            "nodes": snapshots.contacts.names.tolist(),
        },
        "split": {
            part: f"snapshots {steps[0]} … {steps[-1]} to predict"
            for part, steps in zip(("train", "val", "test"), parts, strict=True)
        },
        "scaler": f"mean and standard deviation of the first {parts[0][-1]} snapshots",
        "seed": seed,
        "command": f"python benchmarks/contacts.py --data FOLDER --networks {network} "
        f'--rows "{row}" --seeds {seed}',
        "metrics": figures,
        "result": contacts.RESULT,
    }
    paragraphs = [
        f"predicts which of {people} people meet face to face in the next ten minutes.",
        f"Inputs, as `stgkeras.datasets.load_contacts(file).snapshots({contacts.WIDTH})."
        f"windows(steps, {length})` gives them: `x` (batch, {length}, {people}, 5), features of "
        f"the people; `graph` (batch, {length}, {people}, {people}), contacts in each snapshot; "
        f"`history` (batch, {people}, {people}, 7), how much and how lately each pair met. People "
        "are in the order of `metadata.json`.",
        f"Data: {metadata['data']['series']}; {metadata['data']['steps']}. Source: "
        f"{metadata['data']['source']}. Trained on the first 70 %, chosen on the next 10 %, tested "
        f"once on the last 20 %. A pair is best called a link from {figures['threshold']:.3f} on, "
        f"for an F1 of {figures['F1']:.3f}:",
    ]
    rows = {"this model": figures} | {other: table[other]["seed 0"] for other in others}
    model = contacts.build(contacts.ROWS[row], snapshots, parts[0])
    make(name, model, folder, test, metadata, paragraphs, [markdown("", rows)])


def generated(name, root):
    row = generated_links.ROW
    stem = f"generated-{row.replace(', ', '-')}-seed"
    seed = best_seed(f"{stem}*", "validation log_loss", min)
    if seed is None:
        return print(f"{name}: {row} on generated graphs is not trained")
    data, split, (_, _, test) = generated_links.load(seed, batch_size=16)
    figures = link_runs.load(generated_links.RESULT)
    ours = figures[row][f"seed {seed}"]
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
        "metrics": {f"{kind} {score}": ours[kind][score] for kind in ours for score in SHOWN},
        "result": generated_links.RESULT,
    }
    paragraphs = [
        "predicts the next of a sequence of random graphs of 30 nodes.",
        "Inputs, as the windows of `stgkeras.datasets.load_dynamic_graphs()` give them: `x` "
        "(batch, 10, 30, 6), features of the nodes; `graph` (batch, 10, 30, 30), the last graphs.",
        "The Bayes oracle knows the parameters that the next graph is drawn with; one who sees the "
        "past can at best know those of the last graph, and how often they change. Trained on 42 "
        "sequences of 200 graphs, chosen on 9, tested once on 9:",
    ]
    tables = [
        markdown(
            kind.replace("_", " "),
            {"this model": ours[kind]}
            | {
                other: figures[other]["seed 0"][kind]
                for other in ("Bayes oracle", "what could be known")
            },
        )
        for kind in ours
    ]
    model = generated_links.build(data, split)
    make(name, model, link_runs.RUNS / f"{stem}{seed}", test, metadata, paragraphs, tables)


PRESETS = {"stgcn_links_workplace2015": workplace2015, "stgcn_links_generated": generated}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    args = parser.parse_args()
    for name, make_it in PRESETS.items():
        if not (FOLDER / name).exists():
            make_it(name, pathlib.Path(args.data))
