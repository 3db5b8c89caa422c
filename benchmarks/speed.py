"""Measures training steps and predictions, compared with PyTorch Geometric Temporal.

    python benchmarks/speed.py --peer PYTHON
    python benchmarks/speed.py --against FOLDER --out benchmarks/results/before_after.json
    python benchmarks/speed.py --profile --networks ASTGCN --shapes PEMS08 --backends torch \\
        --out benchmarks/results/profile.json

PYTHON is an interpreter with torch_geometric and torch_geometric_temporal. FOLDER is another
checkout, which the script measures alternately with this one. --environment measures everything a
second time with these variables. Each network runs in a process of its own. The processes run in
turns of a quarter of a second. A turn does not count if other processes used more than an eighth of
a core. The script also draws a figure next to --out. Needs Linux.
"""

import collections
import contextlib
import sys

import command
import records
import speed_turns
from speed_worker import MATRIX

COMMON = {"T": 12, "K": 3, "horizon": 12, "width": 64}
SHAPES = {
    "seed": {**COMMON, "B": 32, "N": 30, "F": 6, "T": 10, "edges": 6, "horizon": 1},
    "PEMS08": {**COMMON, "B": 32, "N": 170, "F": 3, "edges": 3.2},
    "PEMS04": {**COMMON, "B": 32, "N": 307, "F": 3, "edges": 2.2},
    "PeMSD7(M)": {**COMMON, "B": 50, "N": 228, "F": 1, "edges": 84, "horizon": 1},
}
PEERS = {
    "ASTGCN": "PyG Temporal ASTGCN",
    "STGCN": "PyG Temporal STConv × 2",
    "ChebConv": "PyG ChebConv",
    "GraphConv": "PyG GCNConv",
}
OPTIONS = speed_turns.OPTIONS | {
    "networks": command.several(["ASTGCN", "STGCN"], PEERS),
    "shapes": command.several(SHAPES),
    "profile": (False, "also profile the operators of torch"),
    "seconds": (40.0, "at most, per kind of step"),
}


def shape_of(network, name):
    """Returns a shape. ASTGCN has a SciPy sparse graph where it is faster with one."""
    return SHAPES[name] | {"sparse": network == "ASTGCN" and name in ("PEMS08", "PEMS04")}


def forward_flops(network, shape):
    """Returns the FLOPs of the plain dense algorithm for a batch, without products with T_0 = I."""
    B, T, N, F, K = (shape[name] for name in "BTNFK")
    horizon, width, total = shape["horizon"], shape["width"], 0
    if network in ("ChebConv", "GraphConv"):
        products, terms = (K - 1, K) if network == "ChebConv" else (1, 1)
        total = T * N * (F * width + products * N * width + terms * width * width)
    elif network == "ASTGCN":
        for features in (F, width):
            total += 3 * T * N * features + T * T * N + T**3 + T * T * N * features  # temporal
            total += 3 * T * N * features + T * N * N + N**3  # spatial
            total += (K - 1) * T * N * N * features + K * T * N * features * width
            total += T * N * width * (3 * width + features)
        total += N * T * width * horizon
    else:  # two blocks, of 64, 16 and 64 filters
        steps = T
        for features in (F, 64):
            steps -= 2
            total += steps * N * 64 * (6 * features + 16)
            total += (K - 1) * steps * N * N * 16 + K * steps * N * 16 * 16
            steps -= 2
            total += steps * N * 64 * 6 * 16
        total += N * (128 * (2 * steps * 64) + 128 * (128 + horizon))
    return 2 * B * total


def measure(network, name, args, result):
    """Adds the rows of a network and a shape to the result."""
    shape, workers, peer = shape_of(network, name), {}, PEERS[network]
    with contextlib.ExitStack() as stack:
        for key, (backend, how) in speed_turns.contenders(args, peer).items():
            worker = speed_turns.start(network, shape, backend, how, args, result)
            workers[key] = stack.enter_context(contextlib.closing(worker))
        every, short = list(workers.values()), args.seconds / 10
        speed_turns.alternate(every, ("peak",), 5, short)
        speed_turns.alternate(every, ("train", "predict"), args.steps, args.seconds)
        speed_turns.alternate(every, ("peak",), 10, short)
        if args.profile and "torch" in workers:
            result["profile"] = workers["torch"].ask("profile")["profile"]
        rows = {key: worker.summary() for key, worker in workers.items()}
        best = min(min(block["times"]) for worker in every for block in worker.blocks["peak"])
    peak, work = 2 * MATRIX**3 / best, forward_flops(network, shape)
    add_ratios(rows, peer, peak, work)
    found = {"peak_gflops": round(peak / 1e9, 1), "gflop_step": round(3 * work / 1e9, 3)}
    result["tables"][f"{network} {name}"] = {"shape": shape, **found, "rows": rows}


def add_ratios(rows, peer, peak, work):
    """Adds to each row the shares of the peak, and the ratios to the rows of others."""
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


def table(result):
    """Returns a Markdown table of all rows, and one of the profile if there is one."""
    tables = result["tables"].items()
    every = [(name, key, row) for name, found in tables for key, row in found["rows"].items()]
    words = ("peer", "before", "without")
    ratios = [word for word in words if any(f"of_{word}" in row for _, _, row in every)]
    head = ["", "", "training step, ms", "prediction, ms", "first step after, s", "memory, MB"]
    head += ["of the peak", *(f"times as fast as {word}" for word in ratios), "steps counted"]
    cells = [head]
    for name, key, row in every:
        times = [f"{1e3 * row[kind]:.1f}" for kind in ("train", "predict")]
        first = f"{row['first']:.1f}{'' if row['first_counts'] else ' (disturbed)'}"
        share = f"{row['share']:.0%}" if "share" in row else ""
        cells.append([name, key, *times, first, f"{row['memory']:,}", share])
        for word in ratios:
            found = [row.get(f"of_{word}"), row.get(f"predict_of_{word}")]
            cells[-1].append("" if None in found else f"{found[0]:.1f} / {found[1]:.1f}")
        cells[-1].append(f"{row['train_steps']} / {row['predict_steps']}")
    text = records.markdown(cells)
    if "profile" in result:
        cells = [["operator", "share", "ms a step", "calls a step"]]
        for row in result["profile"]:
            figures = [f"{row['share']:.1%}", f"{row['ms']:.1f}", f"{row['calls']:.0f}"]
            cells.append([f"`{row['operator']}`", *figures])
        text += "\n\n" + records.markdown(cells)
    return text


def plot(result, path):
    """Draws the time of a training step by shape and backend, with a panel per network."""
    from matplotlib.figure import Figure

    panels = collections.defaultdict(lambda: collections.defaultdict(dict))
    for title, found in result["tables"].items():
        network, shape = title.split(" ", 1)
        for key, row in found["rows"].items():
            key = key.replace(PEERS[network], "PyTorch Geometric")
            panels[network][key][shape] = 1e3 * row["train"]
    figure = Figure(figsize=(4.2 * len(panels) + 1.4, 3), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axis, (network, lines) in zip(axes, panels.items(), strict=True):
        for marker, (key, steps) in zip("osvD^<>phX*", lines.items(), strict=False):
            axis.plot(list(steps.values()), list(steps), marker, label=key)
        axis.set(title=network, xlabel="training step, ms", xscale="log")
    axes[0].invert_yaxis()
    speed_turns.save_figure(figure, axes, path)


def main(args):
    result = {"versions": {}, "tables": {}}
    for network in args.networks:
        for name in args.shapes:
            print(f"{network} {name}", file=sys.stderr)
            measure(network, name, args, result)
            records.save(args, result)
    plot(result, args.out.with_suffix(".png"))
    return result


if __name__ == "__main__":
    command.run(__name__)
