"""Times training steps and predictions on every backend, beside PyTorch Geometric Temporal.

    python benchmarks/speed.py --peer PYTHON
    python benchmarks/speed.py --peer PYTHON --networks ChebConv GraphConv \\
        --out benchmarks/results/speed_layers.json
    python benchmarks/speed.py --against FOLDER --out benchmarks/results/before_after.json
    python benchmarks/speed.py --profile --networks ASTGCN --shapes PEMS08 --backends torch \\
        --out benchmarks/results/profile.json

Every network runs in a process of its own; the processes take turns of a quarter of a second, and a
turn in which others used more than an eighth of a core does not count. All get as many threads
(--threads, by default a core each). PYTHON is an interpreter with torch_geometric_temporal (`pip
install --no-deps`) and torch_geometric; FOLDER is another checkout, measured in the same turns.
With --environment all are measured a second time, "with" those variables set.

Prints a table in Markdown: medians, and of how many steps, 0 if all were disturbed; the seconds
from the start of a process, imports included, to the end of the first training step; the peak
memory of the process; the share of the best matrix product of the same turns (FLOPs of the plain
dense algorithm without the identity term, a training step for three forward passes); ratios to the
peer. Writes it all to --out as JSON, and a picture beside it. Needs Linux.
"""

import argparse
import contextlib
import sys

import records
from speed_turns import Worker, about, add_options, alternate, contenders, markdown
from speed_worker import MATRIX

COMMON = {"T": 12, "K": 3, "horizon": 12, "width": 64}
SHAPES = {
    "seed": {**COMMON, "B": 32, "N": 30, "F": 6, "T": 10, "edges": 6, "horizon": 1},
    "PEMS08": {**COMMON, "B": 32, "N": 170, "F": 3, "edges": 3.2},
    "PEMS04": {**COMMON, "B": 32, "N": 307, "F": 3, "edges": 2.2},
    "PeMSD7(M)": {**COMMON, "B": 50, "N": 228, "F": 1, "edges": 84, "horizon": 1},
}
SPARSE = ("PEMS08", "PEMS04")  # where ASTGCN takes a scipy sparse graph, which is then faster
PEERS = {
    "ASTGCN": "PyG Temporal ASTGCN",
    "STGCN": "PyG Temporal STConv × 2",
    "ChebConv": "PyG ChebConv",
    "GraphConv": "PyG GCNConv",
}


def forward_flops(network, shape):
    """FLOPs of the plain dense algorithm for a batch, without the identity term of Chebyshev."""
    B, T, N, F, K = (shape[name] for name in "BTNFK")
    horizon, width, total = shape["horizon"], shape["width"], 0
    if network in ("ChebConv", "GraphConv"):
        products, terms = (K - 1, K) if network == "ChebConv" else (1, 1)
        of_node = F * width + products * N * width + terms * width * width
        return 2 * B * T * N * of_node
    if network == "ASTGCN":
        for features in (F, width):
            temporal = 3 * T * N * features + T * T * N + T**3 + T * T * N * features
            spatial = 3 * T * N * features + T * N * N + N**3
            product = (K - 1) * T * N * N * features + K * T * N * features * width
            total += temporal + spatial + product + T * N * width * (3 * width + features)
        return 2 * B * (total + N * T * width * horizon)

    def gated(steps, features, filters, size):
        align = features if features > filters else 0
        return steps * N * filters * (2 * size * features + align)

    features, steps = F, T
    for first, middle, last in ((64, 16, 64), (64, 16, 64)):
        steps -= 2
        total += gated(steps, features, first, 3) + steps * N * first * middle
        total += (K - 1) * steps * N * N * middle + K * steps * N * middle * middle
        steps -= 2
        total += gated(steps, middle, last, 3)
        features = last
    return 2 * B * (total + gated(1, features, 128, steps) + N * 128 * (128 + horizon))


def measure(network, name, args, result):
    """Adds the rows of one network at one shape to the result."""
    shape = {**SHAPES[name], "sparse": network == "ASTGCN" and name in SPARSE}
    workers, peer = {}, PEERS[network]
    with contextlib.ExitStack() as stack:
        for key, backend, how in contenders(args, peer):
            worker = Worker(network, shape, backend, args.threads, **how)
            workers[key] = stack.enter_context(contextlib.closing(worker))
            whose = result["versions"].setdefault("peer" if how.get("peer") else "ours", {})
            whose |= worker.start["versions"]
        alternate(workers.values(), ("peak",), 5, args.seconds / 10)
        alternate(workers.values(), ("train", "predict"), args.steps, args.seconds)
        alternate(workers.values(), ("peak",), 10, args.seconds / 10)
        if args.profile and "torch" in workers:
            result["profile"] = workers["torch"].ask("profile")["profile"]
        rows = {key: worker.summary() for key, worker in workers.items()}
        best = min(min(b["times"]) for w in workers.values() for b in w.blocks["peak"])
    peak, work = 2 * MATRIX**3 / best, forward_flops(network, shape)
    for key, row in rows.items():
        others = {"peer": peer, "before": f"{key}, before"}
        if key.endswith(", with"):
            others = {"peer": f"{peer}, with", "without": key.split(", ")[0]}
        if not key.startswith(peer):
            row["share"] = round(3 * work / row["train"] / peak, 4)
            row["predict_share"] = round(work / row["predict"] / peak, 4)
        for word, other in others.items():
            if other in rows:
                row[f"of_{word}"] = round(rows[other]["train"] / row["train"], 2)
                row[f"predict_of_{word}"] = round(rows[other]["predict"] / row["predict"], 2)
    found = {"peak_gflops": round(peak / 1e9, 1), "gflop_step": round(3 * work / 1e9, 3)}
    result["tables"][f"{network} {name}"] = {"shape": shape, **found, "rows": rows}


def table(result):
    """The result as a table in Markdown, a row a network, shape and backend."""
    every = [row for found in result["tables"].values() for row in found["rows"].values()]
    ratios = [
        word for word in ("peer", "before", "without") if any(f"of_{word}" in row for row in every)
    ]
    head = ["", "", "training step, ms", "prediction, ms", "first step after, s", "memory, MB"]
    head += ["of the peak", *(f"times as fast as {word}" for word in ratios), "steps counted"]
    cells = [head]
    for name, found in result["tables"].items():
        for key, row in found["rows"].items():
            times = [f"{1e3 * row[kind]:.1f}" for kind in ("train", "predict")]
            first = f"{row['first']:.1f}{'' if row['first_counts'] else ' (disturbed)'}"
            share = f"{row['share']:.0%}" if "share" in row else ""
            pairs = [
                f"{row[f'of_{word}']:.1f} / {row[f'predict_of_{word}']:.1f}"
                if f"of_{word}" in row
                else ""
                for word in ratios
            ]
            steps = f"{row['train_steps']} / {row['predict_steps']}"
            cells.append([name, key, *times, first, f"{row['memory']:,}", share, *pairs, steps])
    return markdown(cells)


def profile_table(rows):
    cells = [["operator", "share", "ms a step", "calls a step"]]
    cells += [
        [f"`{row['operator']}`", f"{row['share']:.1%}", f"{row['ms']:.1f}", f"{row['calls']:.0f}"]
        for row in rows
    ]
    return markdown(cells)


def plot(result, path):
    """A panel a network: how long a training step takes, by shape, on each backend."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    networks = list(dict.fromkeys(name.split(" ", 1)[0] for name in result["tables"]))
    size = {"figsize": (4.2 * len(networks) + 1.4, 3), "layout": "constrained"}
    figure, axes = pyplot.subplots(1, len(networks), squeeze=False, sharey=True, **size)
    for axis, network in zip(axes[0], networks, strict=True):
        tables = {
            name.split(" ", 1)[1]: found["rows"]
            for name, found in result["tables"].items()
            if name.split(" ", 1)[0] == network
        }
        keys = list(next(iter(tables.values())))
        names = list(dict.fromkeys(key.split(", ")[0] for key in keys))
        for key in keys:
            name, *more = key.split(", ")
            place = names.index(name)
            color, marker = f"C{place}", "osv^"[place]
            if name == PEERS[network]:
                name, color, marker = "PyTorch Geometric", "black", "D"
            style = {"edgecolors": color, "facecolors": "none" if more else color}
            style |= {"marker": marker, "label": ", ".join([name, *more])}
            steps = [1e3 * rows[key]["train"] for rows in tables.values()]
            axis.scatter(steps, range(len(steps)), zorder=3, **style)
        axis.set(title=network, xlabel="training step, ms", xscale="log")
        axis.set_yticks(range(len(tables)), list(tables))
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.grid(alpha=0.3, which="both")
    axes[0, 0].invert_yaxis()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center", frameon=False)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main(args):
    result, printed = {**about("speed.py", args), "tables": {}}, 0
    for network in args.networks:
        for name in args.shapes:
            measure(network, name, args, result)
            lines = table(result).splitlines()
            print(*lines[printed:], sep="\n", flush=True)
            printed = len(lines)
            records.write(args.out, result)
    if "profile" in result:
        print("", profile_table(result["profile"]), sep="\n")
    plot(result, args.out.with_suffix(".png"))


def parse(argv):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", default=["ASTGCN", "STGCN"], choices=PEERS)
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--profile", action="store_true", help="name torch's operators by time")
    add_options(parser, "speed.json", seconds=40)
    return parser.parse_args(argv, argparse.Namespace(argv=argv))


if __name__ == "__main__":
    main(parse(sys.argv[1:]))
