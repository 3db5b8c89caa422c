"""Compares the forecaster with its baselines on real series that are cut to a few days.

    KERAS_BACKEND=torch python benchmarks/cut_series.py --data FOLDER

Each series is cut to `--days` days that begin at `--starts` places, evenly spread; 0 means all
steps. The forecaster has its defaults: 60 % of the steps for training, 20 % for validation, 20 %
for the test. Each run is stored, so that an interrupted benchmark goes on.
"""

import dataclasses
import pathlib

import command
import numpy as np
import pandas as pd
import records
from forecasting_data import DATASETS

from stgkeras import datasets


def montevideo(folder):
    """Passengers at 675 bus stops in each hour of October 2020."""
    with np.load(folder / "pygt" / "montevideo_bus.npz") as file:
        times = pd.date_range("2020-10-01", periods=len(file["inflow"]), freq="h")
        frame = pd.DataFrame(file["inflow"], times.tz_localize("America/Montevideo"))
        frame.columns = file["bus_stop"].astype(str)
        return datasets.from_pandas(frame, _symmetric(file["edges"], frame.shape[1]))


def chickenpox(folder):
    """Cases, standardized, in 20 counties of Hungary in 521 weeks."""
    with np.load(folder / "pygt" / "chickenpox.npz") as file:
        times = pd.date_range("2005-01-03", periods=len(file["x"]), freq="7D")
        frame = pd.DataFrame(file["x"], times, file["node_name"])
        return datasets.from_pandas(frame, _symmetric(file["edges"], frame.shape[1]))


def england_covid(folder):
    """Cases in 129 regions on 61 days. The graph is the mean flow of people."""
    with np.load(folder / "pygt" / "england_covid.npz") as file:
        times = pd.date_range("2020-03-03", periods=len(file["cases"]), freq="D")
        names = [f"region {n}" for n in range(file["cases"].shape[1])]
        frame = pd.DataFrame(file["cases"].astype(float), times, names)
        flow = np.zeros((len(names), len(names)))
        np.add.at(flow, (file["edge_src"], file["edge_dst"]), file["edge_weight"] / len(frame))
    np.fill_diagonal(flow, 0)
    return datasets.from_pandas(frame, np.maximum(flow, flow.T))


def _symmetric(edges, nodes):
    found = np.zeros((nodes, nodes))
    found[edges[:, 0], edges[:, 1]] = 1
    np.fill_diagonal(found, 0)
    return np.maximum(found, found.T)


def _published(name):
    return lambda folder: DATASETS[name](folder / name).series


SERIES = {name: _published(name) for name in DATASETS}
SERIES |= {made.__name__: made for made in (montevideo, chickenpox, england_covid)}
SHORT = {"england_covid": {"horizon": 3, "input_length": 7}}  # longer windows do not fit 61 steps
OPTIONS = {
    "data": {**command.DATA, "type": pathlib.Path},
    "names": command.several(SERIES),
    "days": ([7, 10, 14, 21, 0], "days of the series; 0: all of it"),
    "starts": (5, "number of places where a cut begins"),
    "epochs": (30, "largest number of epochs"),
    "model": ("GraphSTID", "model of the forecaster"),
    "stored": (False, "table of the runs that are stored, without further ones"),
}


def cut(series, day, days, place, places):
    """Returns `days` days of a series of `day` steps per day, or None if there is no such place."""
    steps, room = days * day, len(series.values) - days * day
    if not days:
        return series if place == 0 else None
    if room < 0 or (room == 0 and place):
        return None
    first = round(room * place / max(1, places - 1))
    part = slice(first, first + steps)
    return dataclasses.replace(
        series, values=series.values[part], timestamps=series.timestamps[part]
    )


def errors(series, args, lengths):
    """Returns the test errors of one run, the weight of the model and what it decided."""
    import stgkeras

    forecaster = stgkeras.Forecaster(args.model, targets=series.features[0], **lengths)
    history = forecaster.fit(series, epochs=args.epochs, verbose=0)
    table = forecaster.evaluate()
    return {
        "mae": table["MAE mean"].to_dict(),
        "model weight": float(forecaster.weights["model"].mean()),
        "season": forecaster.model.season is not None,
        "epochs": len(history.epoch),
    }


def main(args):
    import keras  # noqa: F401 - the result tells its version and backend

    found = {}
    for name in args.names:
        whole = SERIES[name](args.data)
        day = round(24 * 60 / whole.interval)
        for days in args.days if day > 1 else [0]:
            runs = []
            for place in range(args.starts):
                series = cut(whole, day, days, place, args.starts)
                if series is None:
                    continue
                folder = records.run_folder("cut", name, f"{args.model}-{days}", place)
                path = folder / f"epochs{args.epochs}.json"
                if args.stored and not path.exists():
                    continue
                if not path.exists():
                    records.write(path, errors(series, args, SHORT.get(name, {})))
                runs.append(records.read(path))
                print(name, days, place, runs[-1]["mae"], flush=True)
            if runs:
                found.setdefault(name, {})[str(days)] = runs
    return {"runs": found}


def table(result):
    """Returns the mean errors of each series and length, and ratios to the best baseline."""
    rows = {}
    for name, lengths in result["runs"].items():
        for days, runs in lengths.items():
            mae = pd.DataFrame([run["mae"] for run in runs]).mean()
            best = mae.drop(["forecaster", "model"]).min()
            rows[f"{name}, {'whole' if days == '0' else days + ' days'}"] = {
                "starts": len(runs),
                **mae.round(3),
                "forecaster / best baseline": round(mae["forecaster"] / best, 3),
                "model / best baseline": round(mae["model"] / best, 3),
                "weight of the model": round(sum(r["model weight"] for r in runs) / len(runs), 2),
            }
    frame = pd.DataFrame(rows).T.astype({"starts": int})
    return records.markdown_frame(frame, "mean absolute error")


if __name__ == "__main__":
    command.run(__name__)
