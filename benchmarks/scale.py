"""Measures the time and memory of training steps as the graph grows, on every backend.

    python benchmarks/scale.py --peer PYTHON
    python benchmarks/scale.py --graph hubs --networks ChebConv GraphConv \\
        --out benchmarks/results/scale_hubs.json
    python benchmarks/scale.py --networks ASTGCN --out benchmarks/results/scale_astgcn.json

PYTHON and --environment are as for speed.py. Graphs have ten edges per node, between random nodes
("random"), between nodes with nearby indices ("near"), or with power-law degrees ("hubs"). Each
size runs in a new process. A network ends before a size at which a step would take more than
--longest seconds, or at a size that fails. The script also draws a figure next to --out. Needs
Linux.
"""

import collections
import contextlib

import command
import numpy as np
import records
import speed_turns

SIZES = [100, 1000, 10000, 100000]
SHAPE = {"B": 1, "F": 1, "T": 12, "K": 3, "horizon": 1, "width": 16, "edges": 10, "sparse": True}
NETWORKS = {
    "ChebConv": {},
    "GraphConv": {},
    "STGCN": {"width": 64},
    "ASTGCN": {"width": 64, "horizon": 12, "arguments": {"spatial_score": "additive"}},
}
PEERS = {"ChebConv": "PyG", "GraphConv": "PyG", "STGCN": "PyG-Temporal", "ASTGCN": "PyG-Temporal"}
SMALLER = {"ASTGCN": [1000, 3000, 8600]}  # networks with other sizes
COUNTED = 1000  # smallest number of nodes for the slope
OPTIONS = speed_turns.OPTIONS | {
    "networks": command.several(["ChebConv", "GraphConv", "STGCN"], NETWORKS),
    "graph": {"default": "random", "choices": ["random", "near", "hubs"]},
    "nodes": {"nargs": "+", "type": int, "help": "default: the sizes of each network"},
    "longest": (60.0, "longest expected step, in seconds"),
    "seconds": (10.0, "at most, per kind of step"),
}


def measure(network, name, backend, how, args, result):
    """Returns the results of a network on a backend for all sizes, and their slopes."""
    rows, line = [], {}
    for size in args.nodes or SMALLER.get(network, SIZES):
        if rows and rows[-1]["train"] * size / rows[-1]["nodes"] > args.longest:
            line["stopped"] = f"{size}: a step would take more than {args.longest} s"
            break
        shape = {**SHAPE, **NETWORKS[network], "N": size, "graph": args.graph}
        try:
            worker = speed_turns.start(network, shape, backend, how, args, result)
            with contextlib.closing(worker):
                speed_turns.alternate([worker], ["train"], args.steps, args.seconds)
        except RuntimeError as error:  # for example, out of memory
            line["stopped"] = f"{size}: {error}"
            break
        rows.append({"nodes": size, "edges": worker.start["edges"], **worker.summary()})
        print(f"{network} {name}: {rows[-1]}", flush=True)
    slopes = {key: [slope(rows, key), slope(rows[-2:], key)] for key in ("train", "added")}
    return {**line, "slopes": slopes, "rows": rows}


def slope(rows, key):
    """Returns the slope of log value over log size, or None with fewer than two sizes."""
    rows = [row for row in rows if row["nodes"] >= COUNTED]
    if len(rows) < 2:
        return None
    x, y = (np.log([row[name] for row in rows]) for name in ("nodes", key))
    return round(float(np.polyfit(x, y, 1)[0]), 3)


def table(result):
    """Returns a Markdown table per network, with two rows per backend."""
    tables, texts = collections.defaultdict(dict), []
    for name, line in result["lines"].items():
        network, backend = name.split(" ", 1)
        tables[network][backend] = line
    for network, lines in tables.items():
        sizes = sorted({row["nodes"] for line in lines.values() for row in line["rows"]})
        cells = [[f"{network}, nodes", *(f"{size:,}" for size in sizes), "slope", "at the end"]]
        for backend, line in lines.items():
            found = {row["nodes"]: row for row in line["rows"]}
            for label, key, text in (("s a step", "train", "{:.3g}"), ("MB", "added", "{:,.0f}")):
                values = [text.format(found[n][key]) if n in found else "" for n in sizes]
                slopes = ["" if of is None else f"{of:.2f}" for of in line["slopes"][key]]
                cells.append([f"{backend}, {label}", *values, *slopes])
        texts.append(records.markdown(cells))
    return "\n\n".join(texts)


def plot(result, path):
    """Draws time and memory over the number of nodes; markers are networks."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.subplots(1, 2)
    colours, markers = {}, {}
    for name, line in result["lines"].items():
        network, backend = name.split(" ", 1)
        marker = "osD^"[markers.setdefault(network, len(markers))]
        place = colours.setdefault(backend, len(colours))
        style = f"C{place}{marker}{('-', '--', '-.', ':')[place % 4]}"
        nodes = [row["nodes"] for row in line["rows"]]
        for axis, key in zip(axes, ("train", "added"), strict=True):
            values = [row[key] for row in line["rows"]]
            axis.loglog(nodes, values, style, markersize=4, label=f"{network}, {backend}")
    for axis, label in zip(axes, ("training step, s", "memory, MB"), strict=True):
        (low, high), floor = axis.get_xlim(), axis.get_ylim()[0]
        axis.plot([low, high], [floor, floor * high / low], "k:", linewidth=1, label="linear")
        axis.set(xlabel="nodes", ylabel=label, xlim=(low, high))
    speed_turns.save_figure(figure, axes, path)


def main(args):
    result = {"shape": SHAPE, "graph": args.graph, "versions": {}, "lines": {}}
    for network in args.networks:
        for name, (backend, how) in speed_turns.contenders(args, PEERS[network]).items():
            line = measure(network, name, backend, how, args, result)
            result["lines"][f"{network} {name}"] = line
            records.save(args, result)
    plot(result, args.out.with_suffix(".png"))
    return result


if __name__ == "__main__":
    command.run(__name__)
