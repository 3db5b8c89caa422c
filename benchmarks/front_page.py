"""Prints tables of the README and of docs/results/measured.md from committed results.

python benchmarks/front_page.py
"""

import command
import numpy as np
import records

SETS = {
    "metr_la": "METR-LA, 29 sensors (mph)",
    "pems_d12_orange": "PEMS D12 Orange (vehicles / 5 min)",
    "pems08_tail": "PEMS08, last 40 % (vehicles / 5 min)",
    "los_loop": "Los-loop (mph)",
}
ROWS = ("last value", "historical mean", "ridge on the residual", "STGCN, season")
ROWS += ("ASTGCN, season", "GraphSTID, season", "GraphSTID, season, days")
ALL_ROWS = (*ROWS[:3], "STGCN", "ASTGCN", "GraphSTID", "STGCN, season", "MSTGCN, season")
ALL_ROWS += ("ASTGCN, season", "ASTGCN, season, additive", *ROWS[-2:])
SIZES = {"PEMS08": 170, "PEMS04": 307}  # of `speed.py`, 32 windows of 12 steps


def errors(names=ROWS):
    """Test errors of forecasts: means of seeds, and their deviation where there are several."""
    figures = records.read(records.RESULTS / "forecasting.json")["figures"]
    rows = [["mean absolute error", *SETS.values()]]
    for row in names:
        rows.append([row, *(error(figures[name].get(row)) for name in SETS)])
    if names == ALL_ROWS:
        below = [[mean(figures[name][row]) for row in (names[-1], names[2])] for name in SETS]
        rows.append(["the last row below the ridge", *(f"{1 - a / b:.1%}" for a, b in below)])
    return records.markdown(rows)


def mean(seeds):
    return np.mean([one["MAE mean"] for one in seeds.values()])


def error(seeds):
    if seeds is None:
        return "not run"
    found = np.array([one["MAE mean"] for one in seeds.values()])
    spread = f" ± {found.std(ddof=1):.2f}" if len(found) > 1 else ""
    return f"{mean(seeds):.2f}{spread}"


def backends():
    """Seconds of a training step and memory, by model, size and backend."""
    rows = [["", "sensors", "windows", *command.BACKENDS]]
    speed = records.read(records.RESULTS / "speed.json")["tables"]
    for model in ("STGCN", "ASTGCN"):
        for shape, nodes in SIZES.items():
            found = speed[f"{model} {shape}"]["rows"]
            own = [(found[kind]["train"], found[kind]["memory"] / 1e3) for kind in command.BACKENDS]
            rows.append([model, str(nodes), "32", *map(cell, own)])
    for name, found in records.read(records.RESULTS / "zoo_speed.json")["figures"].items():
        model, sizes = name.split(" ", 1)
        windows, nodes, *steps = sizes.strip("()").split(", ")
        if steps == ["12", "12"]:
            kinds = [found.get(kind) for kind in command.BACKENDS]
            own = [one and (one["least"], one["memory"]) for one in kinds]
            rows.append([model, f"{int(nodes):,}", windows, *map(cell, own)])
    for name, found in records.read(records.RESULTS / "zoo_scale.json")["figures"].items():
        model, nodes = name.split()
        if int(nodes) == 8600:
            own = [None, None, (found["torch"]["least"], found["torch"]["memory"])]
            rows.append([model, f"{int(nodes):,}", "4", *map(cell, own)])
    return records.markdown(rows)


def cell(figure):
    return "not run" if figure is None else f"{figure[0]:.2f} / {figure[1]:.1f}"


if __name__ == "__main__":
    print(errors(), errors(ALL_ROWS), backends(), sep="\n\n")
