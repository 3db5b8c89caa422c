"""Saves trained models of other benchmarks as presets in saved_models/, with their model cards.

    python benchmarks/presets.py forecasts --data FOLDER
    python benchmarks/presets.py links --data FOLDER

"forecasts" saves models of forecasting.py, "links" those of contacts.py and generated_links.py;
FOLDER is that of forecasting.py or contacts.py. If a row has several seeds, the preset is the seed
with the best validation score. The script keeps presets that exist; to replace one, delete its
folder. It skips rows without a training and prints their names. The texts of the cards are in
cards/.
"""

import pathlib
import textwrap

import command
import contacts
import forecasting
import generated_links
import keras
import link_runs
import numpy as np
import pandas as pd
import records
import training
from forecasting_data import DATASETS

OPTIONS = {
    "task": {"choices": ["forecasts", "links"]},
    "data": command.DATA,
    "out": (records.ROOT / "saved_models", "folder of the presets"),
}
FORECASTERS = {
    "stgcn_metr_la": ("metr_la", "STGCN, season"),
    "astgcn_metr_la": ("metr_la", "ASTGCN, season"),
    "graph_stid_metr_la": ("metr_la", "GraphSTID, season, days"),
    "mstgcn_pems_d12_orange": ("pems_d12_orange", "MSTGCN, season"),
    "graph_stid_pems_d12_orange": ("pems_d12_orange", "GraphSTID, season, days"),
    "stgcn_pems08": ("pems08_tail", "STGCN, season"),
    "graph_stid_pems08": ("pems08_tail", "GraphSTID, season, days"),
    "astgcn_los_loop": ("los_loop", "ASTGCN, season"),
    "graph_stid_los_loop": ("los_loop", "GraphSTID, season, days"),
}
ERRORS = ["MAE 15 min", "MAE 30 min", "MAE 60 min", "MAE mean", "RMSE mean"]
SCORES = ["AP", "AUC", "log-loss", "Brier"]
DAYS = "`daily` and `weekly` are the readings a day and a week before the predicted steps."


def best_run(kind, name, row, score, pick=min):
    """Returns the folder, the seed and the figures of the run with the best validation score."""
    pattern = records.run_folder(kind, name, row, "*")
    runs = {}
    for record in pattern.parent.glob(f"{pattern.name}/figures.json"):
        runs[record.parent] = records.read(record)
    if not runs:
        raise LookupError(f"{row} on {name} is not trained")
    folder = pick(runs, key=lambda folder: runs[folder][score])
    return folder, int(folder.name.split("seed")[-1]), runs[folder]


def scores(corner, columns, rows, form):
    """Returns a Markdown table of {row: {column: number}}."""
    return records.markdown_frame(pd.DataFrame(rows).T[columns].map(form.format), corner)


def write(folder, card, model, metadata, **fields):
    """Saves a model and its card, a text of cards/ with metadata and other fields filled in."""
    metadata["metrics"] = {key: round(value, 6) for key, value in metadata["metrics"].items()}
    model.save_to_preset(folder, metadata)
    fields |= {"name": folder.name, "kind": type(model).__name__}
    fields["parameters"] = training.num_parameters(model)
    text = (records.ROOT / "benchmarks" / "cards" / f"{card}.md").read_text("utf-8")
    parts = text.format(**metadata, **fields).strip().split("\n\n")
    # Only text is wrapped: titles, tables and code start with "#", "|" and a space.
    wrap = {"width": 100, "break_on_hyphens": False}
    wrapped = [part if part[0] in "#| " else textwrap.fill(part, **wrap) for part in parts]
    (folder / "README.md").write_text("\n\n".join(wrapped) + "\n")
    print(f"{folder.name}: {metadata['metrics']}")


def forecaster(folder, root):
    """Saves a preset. Its test error must equal the test error of the run."""
    dataset, row = FORECASTERS[folder.name]
    run, seed, figures = best_run("forecasting", dataset, row, "validation")
    result, row_of = records.read(forecasting.RESULT), forecasting.ALL[row]
    data = forecasting.task_of(row_of, DATASETS[dataset](root / dataset))
    model = data.model(row_of.model, **row_of.options)
    test = data.batches(data.split.test, batch_size=64)
    model.load_weights(run / "best.weights.h5")
    found = forecasting.errors(data, data.split.test, model.predict(test, verbose=0))
    np.testing.assert_allclose(found["MAE mean"], figures["MAE mean"], rtol=1e-4)
    with_season = "mean by sensor, time of day and kind of day" if "season" in row else "mean"
    metadata = {
        "data": data.about | {"dataset": dataset},
        "split": {
            part: f"{len(starts)} windows, the first starts at step {starts[0]}"
            for part, starts in data.split._asdict().items()
        },
        "scaler": f"{with_season}, and standard deviation, of the first {data.known} steps",
        "seed": seed,
        "command": f"python benchmarks/forecasting.py --data FOLDER --datasets {dataset} "
        f'--rows "{row}" --seeds {seed}',
        "versions": result["versions"],
        "metrics": figures,
    }
    (feature, unit), *_ = data.about["features"].items()
    inputs = {tensor.name: tensor.shape[1:] for tensor in keras.tree.flatten(model.input)}
    rows = {"this model": figures}
    for other in ("ridge on the residual", "last value"):
        rows[other] = result["figures"][dataset][other]["seed 0"]
    fields = {
        "feature": feature,
        "unit": unit,
        "sensors": len(data.about["sensors"]),
        "inputs": "; ".join(
            f"`{name}` (batch, {', '.join(map(str, shape))})" for name, shape in inputs.items()
        ),
        "features": ", ".join(f"{key} ({unit})" for key, unit in data.about["features"].items()),
        "days": DAYS if "daily" in inputs else "",
        "rows": f"{7 * data.day if 'weekly' in inputs else data.reach['input_length']:,}",
        "num_windows": {part: len(starts) for part, starts in data.split._asdict().items()},
        "table": scores(unit, ERRORS, rows, "{:.2f}"),
    }
    write(folder, "forecaster", model, metadata, **fields)


def load(model, run, test):
    """Loads the weights of a link predictor. Its predictions must equal those of the run."""
    model.load_weights(run / "best.weights.h5")
    found = model.predict(test, verbose=0)
    np.testing.assert_allclose(found, link_runs.predicted(run), rtol=1e-3, atol=1e-5)


def workplace2015(folder, root):
    """Saves a preset of contacts.py."""
    network, row = "workplace2015", next(iter(contacts.ROWS))
    run, seed, figures = best_run("links", network, row, "validation ap", max)
    snapshots, parts = contacts.load(root / contacts.FILES[network])
    result = records.read(records.RESULTS / "contacts.json")
    model = contacts.build(contacts.ROWS[row], snapshots, parts[0])
    test = contacts.windows_of(contacts.ROWS[row], snapshots, parts, seed, batch_size=8)[2]
    load(model, run, test)
    metadata = {
        "data": {
            "dataset": network,
            "series": "face-to-face contacts of 217 people at a workplace, 2015",
            "source": "SocioPatterns, InVS15, CC0",
            "files": "SocioPatterns/sociopatterns, on GitHub",
            "licence": "CC0",
            "file": contacts.FILES[network],
            "width": contacts.WIDTH,
            "steps": f"{snapshots.num_steps} snapshots of ten minutes with at least one contact",
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
        "versions": result["versions"],
    }
    others = {name: seeds["seed 0"] for name, seeds in result["figures"][network].items()}
    rows = {
        "this model": figures,
        "exponential mean": others["exponential mean"],
        "logistic regression on four baselines": others["logistic regression on the four"],
    }
    fields = {"people": snapshots.num_nodes, "length": contacts.LENGTH}
    fields["table"] = scores("", SCORES, rows, "{:.4f}")
    write(folder, "contacts", model, metadata, **fields)


def generated(folder, root):
    """Saves a preset of generated_links.py."""
    row = generated_links.ROW
    run, seed, _ = best_run("links", "generated", row, "validation log_loss")
    data, split, (_, _, test) = generated_links.load(seed, batch_size=16)
    model = generated_links.build(data, split)
    load(model, run, test)
    result = records.read(records.RESULTS / "generated_links.json")
    rows = {"this model": result["figures"][row][f"seed {seed}"]}
    for other in ("Bayes oracle", "what could be known"):
        rows[other] = result["figures"][other]["seed 0"]
    figures = {
        f"{kind} {score}": found[score]
        for kind, found in rows["this model"].items()
        for score in SCORES
    }
    metadata = {
        "data": {
            "dataset": "generated",
            "series": "Barabási-Albert, Erdős-Rényi and Newman-Watts graphs of 30 nodes with "
            "change points",
            "source": "stgkeras.datasets.load_dynamic_graphs(num_sequences=60, seed=0)",
            "licence": "that of stgkeras, Apache-2.0; the graphs are random",
        },
        "split": {part: list(map(int, numbers)) for part, numbers in split._asdict().items()},
        "scaler": "mean and standard deviation of the training sequences",
        "seed": seed,
        "command": f"python benchmarks/generated_links.py --seeds {seed}",
        "metrics": figures,
        "versions": result["versions"],
    }
    tables = [
        scores(kind.replace("_", " "), SCORES, pd.DataFrame(rows).loc[kind].to_dict(), "{:.4f}")
        for kind in rows["this model"]
    ]
    write(folder, "generated_links", model, metadata, tables="\n\n".join(tables))


LINKS = {"stgcn_links_workplace2015": workplace2015, "stgcn_links_generated": generated}


def main(args):
    makers = LINKS if args.task == "links" else dict.fromkeys(FORECASTERS, forecaster)
    for name, make in makers.items():
        if not (args.out / name).exists():
            try:
                make(args.out / name, pathlib.Path(args.data))
            except LookupError as error:
                print(f"{name}: {error.args[0]}")


if __name__ == "__main__":
    command.run(__name__)
