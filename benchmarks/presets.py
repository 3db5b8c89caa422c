"""Saves trained models of benchmarks/forecasting.py as presets in saved_models/.

    python benchmarks/presets.py --data FOLDER

If a row has several seeds, the preset is the seed with the lowest validation error. The script
keeps presets that exist; to replace one, delete its folder. It skips rows without a training and
prints their names.
"""

import pathlib
import textwrap

import command
import forecasting
import keras
import numpy as np
import pandas as pd
import records
from forecasting_data import DATASETS, READ

from stgkeras import datasets

OPTIONS = {"data": command.DATA, "out": (records.ROOT / "saved_models", "folder of the presets")}
PRESETS = {
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


def write(folder, model, metadata, paragraphs):
    """Saves a model and its card: the name, the paragraphs, and the training command."""
    model.save_to_preset(folder, metadata)
    parts = [f"# {folder.name}", *paragraphs, "Training command:", f"    {metadata['command']}"]
    # Only text is wrapped: titles, tables and code start with "#", "|" and a space.
    wrapped = [part if part[0] in "#| " else textwrap.fill(part, 100) for part in parts]
    (folder / "README.md").write_text("\n\n".join(wrapped) + "\n")
    print(f"{folder.name}: {metadata['metrics']}")


def make_all(args, presets, make):
    """Calls `make(folder, data, source)` for each {name: source} without a folder."""
    for name, source in presets.items():
        if not (args.out / name).exists():
            try:
                make(args.out / name, pathlib.Path(args.data), source)
            except LookupError as error:
                print(f"{name}: {error.args[0]}")


def make(folder, root, source):
    """Saves a preset. Its test error must equal the test error of the run."""
    dataset, row = source
    run, seed, figures = best_run("forecasting", dataset, row, "validation")
    data = DATASETS[dataset](root / dataset)
    model = forecasting.build(forecasting.ALL[row], data)
    model.load_weights(run / "best.weights.h5")
    _, _, test = forecasting.windows(forecasting.ALL[row], data, seed, batch_size=64)
    found = forecasting.errors(data, data.split.test, model.predict(test, verbose=0))
    np.testing.assert_allclose(found["MAE mean"], figures["MAE mean"], rtol=1e-4)
    known = datasets.training_steps(data.split, **READ)
    with_season = "mean by sensor, time of day and kind of day" if "season" in row else "mean"
    metadata = {
        "data": data.about | {"dataset": dataset},
        "split": {
            part: f"{len(starts)} windows, the first starts at step {starts[0]}"
            for part, starts in data.split._asdict().items()
        },
        "scaler": f"{with_season}, and standard deviation, of the first {known} steps",
        "seed": seed,
        "command": f"python benchmarks/forecasting.py --data FOLDER --datasets {dataset} "
        f'--rows "{row}" --seeds {seed}',
        "versions": records.read(forecasting.RESULT)["versions"],
        "metrics": {key: round(value, 5) for key, value in figures.items()},
    }
    write(folder, model, metadata, card(folder.name, model, metadata))


def card(name, model, metadata):
    """Returns the Markdown paragraphs of a model card."""
    data, figures = metadata["data"], metadata["metrics"]
    (feature, unit), *_ = data["features"].items()
    others = records.read(forecasting.RESULT)["figures"][data["dataset"]]
    rows = {"this model": figures} | {
        row: others[row]["seed 0"] for row in ("ridge on the residual", "last value")
    }
    columns = ["MAE 15 min", "MAE 30 min", "MAE 60 min", "MAE mean", "RMSE mean"]
    kind, parts = type(model).__name__, metadata["split"]
    train, val, test = (parts[part].split(",")[0] for part in ("train", "val", "test"))
    inputs = "; ".join(
        f"`{tensor.name}` (batch, {', '.join(map(str, tensor.shape[1:]))})"
        for tensor in keras.tree.flatten(model.input)
    )
    features = ", ".join(f"{key} ({unit})" for key, unit in data["features"].items())
    days = " `daily` and `weekly` are the readings a day and a week before the predicted steps."
    return [
        f"{kind} with {figures['parameters']:,} trained parameters. The model forecasts the "
        f"{feature} ({unit}) of {len(data['sensors'])} sensors for the next hour, in steps of "
        "5 minutes.",
        f'    model = stgkeras.models.{kind}.from_preset("{name}")',
        f"Inputs: {inputs}. Features: {features}. All readings are in original units, with NaN for "
        "missing readings. The sensors are in the order of `metadata.json`. `calendar` is the "
        "result of `stgkeras.datasets.calendar` for the predicted steps."
        f"{days if 'daily' in inputs else ''}",
        f"Data: {data['series']}; {data['steps']}. Missing readings are {data['missing']}. Source: "
        f"{data['source']}.",
        f"Training used {train}, validation {val}, and the test {test}. No choice used the test "
        "windows. Test errors (MAE: mean absolute error, RMSE: root mean squared error):",
        scores(unit, columns, rows, "{:.2f}"),
        "The model is for these sensors only, and its seasonal mean comes from the training weeks. "
        "For other sensors, build a new model, call `adapt` with their readings, and train it.",
    ]


def main(args):
    make_all(args, PRESETS, make)


if __name__ == "__main__":
    command.run(__name__)
