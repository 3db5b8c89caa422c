"""Times training steps, and their memory, as the graph grows, on every backend.

    python benchmarks/scale.py --peer PYTHON
    python benchmarks/scale.py --graph hubs --networks ChebConv GraphConv \\
        --out benchmarks/results/scale_hubs.json
    python benchmarks/scale.py --networks ASTGCN --out benchmarks/results/scale_astgcn.json

Graphs have ten edges a node, at random, "near", between nodes of nearby numbers, or, as "hubs",
with power-law degrees, and are kept sparse; one window a batch, twelve steps of one feature. A
layer has 16 features, forward and backward; STGCN and ASTGCN, with additive spatial attention, take
whole training steps. Each size is a process of its own, timed as speed.py does. A line ends before
a size at which a step would take more than --longest seconds, or that fails. PYTHON is an
interpreter with the peers, as for speed.py: ChebConv and GCNConv of PyTorch Geometric, and networks
of PyTorch Geometric Temporal, whose attention and normalisation have weights for each node. FOLDER
is another checkout, whose lines are called "before". With --environment all are measured a second
time, "with" those variables set.

Prints tables in Markdown, with the slopes of log time and log memory over log N: least squares
through all sizes from 1,000, and between the last two, where what does not grow matters least.
Memory is the peak of the process beyond what it held before graph and network were made. Writes it
all to --out as JSON, and a picture beside it. Needs Linux.
"""

import argparse
import contextlib
import sys

import numpy as np
import records
from speed_turns import Worker, about, add_options, alternate, contenders, markdown

SIZES = [100, 1000, 10000, 100000]
SHAPE = {"B": 1, "F": 1, "T": 12, "K": 3, "horizon": 1, "width": 16, "edges": 10, "sparse": True}
NETWORKS = {
    "ChebConv": {},
    "GraphConv": {},
    "STGCN": {"width": 64},
    "ASTGCN": {"width": 64, "horizon": 12, "arguments": {"spatial_score": "additive"}},
}
PEERS = {"ChebConv": "PyG", "GraphConv": "PyG", "STGCN": "PyG-Temporal", "ASTGCN": "PyG-Temporal"}
SMALLER = {"ASTGCN": [1000, 3000, 8600]}  # the sizes of a network that has others
COUNTED = 1000  # nodes from which a slope is taken


def measure(network, nodes, backend, how, args, result):
    shape = {**SHAPE, **NETWORKS[network], "N": nodes, "graph": args.graph}
    with contextlib.closing(Worker(network, shape, backend, args.threads, **how)) as worker:
        whose = result["versions"].setdefault("peer" if how.get("peer") else "ours", {})
        whose |= worker.start["versions"]
        alternate([worker], ("train",), args.steps, args.seconds)
        return {"nodes": nodes, "edges": worker.start["edges"], **worker.summary()}


def slope(rows, key):
    """Slope of the line through the logarithms, None of fewer than two sizes."""
    rows = [row for row in rows if row["nodes"] >= COUNTED]
    if len(rows) < 2:
        return None
    x, y = (np.log([row[name] for row in rows]) for name in ("nodes", key))
    return round(float(np.polyfit(x, y, 1)[0]), 3)


def table(result):
    """The result as tables in Markdown, one a network, two rows a backend."""
    tables = []
    for network in dict.fromkeys(name.split()[0] for name in result["lines"]):
        lines = {
            name.split(" ", 1)[1]: line
            for name, line in result["lines"].items()
            if name.split()[0] == network
        }
        sizes = sorted({row["nodes"] for line in lines.values() for row in line["rows"]})
        cells = [[f"{network}, nodes", *(f"{size:,}" for size in sizes), "slope", "at the end"]]
        for backend, line in lines.items():
            found = {row["nodes"]: row for row in line["rows"]}
            for label, key, text in (("s a step", "train", "{:.3g}"), ("MB", "added", "{:,.0f}")):
                values = [text.format(found[n][key]) if n in found else "" for n in sizes]
                slopes = ["" if of is None else f"{of:.2f}" for of in line["slopes"][key]]
                cells.append([f"{backend}, {label}", *values, *slopes])
        tables.append(markdown(cells))
    return "\n\n".join(tables)


def plot(result, path):
    """Time and memory over the number of nodes; lines are backends, markers networks."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    size = {"figsize": (10, 3.6), "layout": "constrained"}
    figure, axes = pyplot.subplots(1, 2, **size)
    networks, backends = (
        list(dict.fromkeys(name.split(" ", 1)[part] for name in result["lines"])) for part in (0, 1)
    )
    for name, line in result["lines"].items():
        network, backend = name.split(" ", 1)
        style = {
            "color": f"C{backends.index(backend)}",
            "linestyle": ("-", "--", "-.", ":")[backends.index(backend) % 4],
            "marker": "osD^"[networks.index(network)],
            "label": f"{network}, {backend}",
        }
        nodes = [row["nodes"] for row in line["rows"]]
        for axis, key in zip(axes, ("train", "added"), strict=True):
            axis.loglog(nodes, [row[key] for row in line["rows"]], markersize=4, **style)
    sizes = sorted({row["nodes"] for line in result["lines"].values() for row in line["rows"]})
    for axis, label in zip(axes, ("training step, s", "memory, MB"), strict=True):
        axis.set(xlabel="nodes", ylabel=label)
        axis.set_xticks(sizes, [f"{nodes:,}" for nodes in sizes])
        axis.set_xticks([], minor=True)
        axis.grid(alpha=0.3)
    low, high = axes[0].get_xlim()
    for axis in axes:
        floor = axis.get_ylim()[0]
        axis.plot([low, high], [floor, floor * high / low], "k:", linewidth=1, label="linear")
        axis.set(xlim=(low, high))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main(args):
    result = {**about("scale.py", args), "shape": SHAPE, "graph": args.graph, "lines": {}}
    for network in args.networks:
        for name, backend, how in contenders(args, PEERS[network]):
            rows, line = [], {}
            for size in args.nodes or SMALLER.get(network, SIZES):
                if rows and rows[-1]["train"] * size / rows[-1]["nodes"] > args.longest:
                    line["stopped"] = f"{size}: a step would take more than {args.longest} s"
                    break
                try:
                    rows.append(measure(network, size, backend, how, args, result))
                except RuntimeError as error:  # out of memory, for one
                    line["stopped"] = f"{size}: {error}"
                    break
                row = rows[-1]
                print(
                    f"{network} {name}, {size:,} nodes: {row['train']:.3g} s a step, "
                    f"{row['train_steps']} steps counted, {row['added']:,.0f} MB",
                    flush=True,
                )
            if "stopped" in line:
                print(f"{network} {name} stopped at {line['stopped']}")
            slopes = {key: [slope(rows, key), slope(rows[-2:], key)] for key in ("train", "added")}
            result["lines"][f"{network} {name}"] = {**line, "slopes": slopes, "rows": rows}
            records.write(args.out, result)
    print("", table(result), sep="\n")
    plot(result, args.out.with_suffix(".png"))


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = ["ChebConv", "GraphConv", "STGCN"]
    parser.add_argument("--networks", nargs="+", default=default, choices=NETWORKS)
    parser.add_argument("--graph", default="random", choices=["random", "near", "hubs"])
    parser.add_argument("--nodes", nargs="+", type=int, help="in place of the network's sizes")
    parser.add_argument("--longest", type=float, default=60, help="seconds of a step to go on to")
    add_options(parser, "scale.json", seconds=10)
    return parser.parse_args(argv, argparse.Namespace(argv=argv))


if __name__ == "__main__":
    main(parse(sys.argv[1:]))
