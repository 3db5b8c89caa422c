"""Makes the presets in saved_models/ of what benchmarks/forecasting.py has trained.

    python benchmarks/presets.py --data FOLDER

Of several seeds the one with the lowest validation error is taken. What is there already stays;
delete its folder to make it anew. A run that is not complete is named and left out.
"""

import argparse
import json
import pathlib
import textwrap

import forecasting
import keras
import numpy as np
import records
from forecasting_data import DATASETS, READ

from stgkeras import datasets

FOLDER = records.ROOT / "saved_models"
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


def make(name, dataset, row, root):
    """Writes a preset, whose forecasts must have the figures of its run."""
    runs = {}
    for record in forecasting.RUNS.glob(f"{forecasting.folder_of(dataset, row, '*').name}/fig*"):
        runs[int(record.parent.name.split("seed")[-1])] = json.loads(record.read_text())
    if not runs:
        print(f"{name}: {row} on {dataset} is not trained")
        return
    seed = min(runs, key=lambda seed: runs[seed]["validation"])
    data = DATASETS[dataset](root / dataset)
    model = forecasting.build(forecasting.ALL[row], data)
    model.load_weights(forecasting.folder_of(dataset, row, seed) / "best.weights.h5")
    _, _, test = forecasting.windows(forecasting.ALL[row], data, seed, batch_size=64)
    found = forecasting.errors(data, data.split.test, model.predict(test, verbose=0))
    np.testing.assert_allclose(found["MAE mean"], runs[seed]["MAE mean"], rtol=1e-4)
    metadata = metadata_of(data, dataset, row, seed, runs[seed])
    model.save_to_preset(FOLDER / name, metadata)
    (FOLDER / name / "README.md").write_text(card(name, model, metadata))
    print(f"{name}: test MAE {found['MAE mean']:.3f}")


def metadata_of(data, dataset, row, seed, figures):
    parts = {
        part: f"{len(starts)} windows, the first starts at step {starts[0]}"
        for part, starts in data.split._asdict().items()
    }
    known = datasets.training_steps(data.split, **READ)
    with_season = "mean by sensor, time of day and kind of day" if "season" in row else "mean"
    return {
        "data": data.about | {"dataset": dataset},
        "split": parts,
        "scaler": f"{with_season}, and standard deviation, of the first {known} steps",
        "seed": seed,
        "command": f"python benchmarks/forecasting.py --data FOLDER --datasets {dataset} "
        f'--rows "{row}" --seeds {seed}',
        "versions": records.read(forecasting.RESULT)["versions"],
        "metrics": {key: round(value, 5) for key, value in figures.items()},
    }


def card(name, model, metadata):
    """What a reader wants to know of a model, as Markdown."""
    data, figures = metadata["data"], metadata["metrics"]
    (feature, unit), *_ = data["features"].items()
    others = records.read(forecasting.RESULT)["figures"][data["dataset"]]
    rows = {"this model": figures} | {
        row: others[row]["seed 0"] for row in ("ridge on the residual", "last value")
    }
    columns = [f"MAE {minutes} min" for minutes in (15, 30, 60)] + ["MAE mean", "RMSE mean"]
    table = [[unit, *columns], ["---"] * (len(columns) + 1)]
    table += [[row, *(f"{found[column]:.2f}" for column in columns)] for row, found in rows.items()]
    kind, parts = type(model).__name__, metadata["split"]
    trained, chosen, tested = (parts[part].split(",")[0] for part in ("train", "val", "test"))
    inputs = "; ".join(
        f"`{tensor.name}` (batch, {', '.join(map(str, tensor.shape[1:]))})"
        for tensor in keras.tree.flatten(model.input)
    )
    features = ", ".join(f"{key} ({unit})" for key, unit in data["features"].items())
    days = "; `daily` and `weekly` are the readings at their hours a day and a week before"
    days = days if "daily" in inputs else ""
    paragraphs = [
        f"{kind}, {figures['parameters']:,} trained parameters: forecasts {feature} ({unit}) of "
        f"{len(data['sensors'])} sensors for the next hour, in steps of 5 minutes.",
        f'    model = stgkeras.models.{kind}.from_preset("{name}")',
        f"Inputs: {inputs}. Readings are in original units, NaN where one is missing; features "
        f"{features}; sensors in the order of `metadata.json`. `calendar` is "
        f"`stgkeras.datasets.calendar` of the steps to predict{days}.",
        f"Data: {data['series']}; {data['steps']}; missing readings: {data['missing']}. Source: "
        f"{data['source']}. Trained on {trained}, chosen on {chosen}, tested once on {tested}:",
        "\n".join(f"| {' | '.join(cells)} |" for cells in table),
        "It knows these sensors and the season of the weeks that it was trained on, and no others: "
        "adapt and train a model of your own for another network.",
        f"    {metadata['command']}",
    ]
    wrapped = [p if p[0] in "| " else textwrap.fill(p, 100) for p in paragraphs]
    return "\n\n".join([f"# {name}", *wrapped]) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    args = parser.parse_args()
    for name, (dataset, row) in PRESETS.items():
        if not (FOLDER / name).exists():
            make(name, dataset, row, pathlib.Path(args.data))
