"""Measures training steps of the zoo beside the authors' code, and over the number of nodes.

    python benchmarks/zoo.py speed --official FOLDER
    python benchmarks/zoo.py scale
    python benchmarks/zoo.py attention

`speed` compares a training step with that of the released PyTorch code, at the published widths, in
turns of new processes: forward pass, masked MAE, backward pass and Adam, on random data. FOLDER
holds clones of zezhishao/STID, nnzhan/Graph-WaveNet, XDZhelheim/STAEformer, LMissher/PatchSTG (with
the package timm) and yijizhao/FaST, in folders of these names. `scale` trains on 4 windows of 12
steps, with more and more nodes. `attention` compares linear attention with exact attention.

Each figure is the least CPU time (user and system, all threads) of the steps after the first, with
two sleeping threads (OMP_WAIT_POLICY=PASSIVE); for `speed`, the median of this time over the turns.
"Memory" is the largest resident memory of the process.
"""

import os
import pathlib
import resource
import sys
from time import process_time

import command
import records

SHAPES = {  # batch, nodes, input steps, steps to forecast
    "STID": [(32, 170, 12, 12), (16, 307, 12, 12), (4, 2000, 12, 12)],
    "GraphWaveNet": [(32, 170, 12, 12), (16, 307, 12, 12)],
    "STAEformer": [(32, 170, 12, 12), (16, 307, 12, 12)],
    "PatchSTG": [(4, 2000, 12, 12)],
    "FaST": [(4, 2000, 12, 12), (4, 2000, 96, 48)],
}
LARGE = {  # models whose cost is linear, or nearly so, in the number of nodes
    "STID": {},
    "GraphSTID": {"adaptive_units": 0},
    "FaST": {},
    "PatchSTG": {},
    "STAEformer": {"spatial_attention": "linear"},
}
OPTIONS = {
    "task": {"choices": ["speed", "scale", "attention"]},
    "official": ("", "folder of the authors' code"),
    "models": command.several(sorted({*SHAPES, *LARGE})),
    "backends": command.BACKENDS,
    "nodes": ([500, 1000, 2000, 4300, 8600], "numbers of nodes of `scale` and `attention`"),
    "features": ([16, 32, 64, 128, 256], "numbers of random features"),
    "steps": (5, "steps that count"),
    "rounds": (3, "turns of `speed`, an odd number: each is a new process of each kind"),
    "threads": 2,
}


def measured(step, steps):
    """Returns the CPU seconds of steps, the least of them, and the memory of this process in GB."""
    times = []
    for _ in range(1 + steps):
        start = process_time()
        step()
        times.append(process_time() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"least": min(times[1:]), "seconds": times, "memory": memory}


def in_child(kind, steps, **request):
    """Yields the figures of one kind of step, and the versions."""
    if "torch" in (os.environ["KERAS_BACKEND"], kind):
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    step, about = {"ours": our_step, "torch": official_step, "block": block_step}[kind](**request)
    yield measured(step, steps) | about | {"versions": records.versions()}


def our_step(name, shape, arguments):
    """Returns a training step of a model of stgkeras, and its number of parameters."""
    import keras
    import numpy as np

    import stgkeras

    batch, nodes, length, horizon = shape
    kind = getattr(stgkeras.models, name)
    arguments = {"input_length": length, "horizon": horizon, **arguments}
    rng = np.random.default_rng(0)
    places = rng.random((nodes, 2))
    if kind.takes_graph:
        roads = stgkeras.graphs.knn_graph(places, 5, sparse=nodes > 400)
        roads = roads.maximum(roads.T) if nodes > 400 else roads
        if name == "GraphWaveNet":
            arguments["graph"] = [stgkeras.graphs.random_walk(one) for one in (roads, roads.T)]
        else:
            arguments["graph"] = stgkeras.graphs.scaled_laplacian(roads, lambda_max=2.0)
    if name == "PatchSTG":
        arguments["places"] = places
    x = rng.normal(size=(batch, length, nodes, 1)).astype("float32")
    if kind.reads_calendar:
        arguments["steps_per_day"] = 288
        calendar = [rng.random((batch, length)), rng.integers(0, 7, (batch, length))]
        x = {"x": x, "past_calendar": np.stack(calendar, axis=-1).astype("float32")}
    y = rng.normal(size=(batch, horizon, nodes, 1)).astype("float32")
    model = kind(nodes, **arguments)
    loss = stgkeras.losses.MaskedMeanAbsoluteError()
    model.compile(keras.optimizers.Adam(1e-3), loss, jit_compile="auto")
    return lambda: model.train_on_batch(x, y), {"parameters": model.count_params()}


def block_step(nodes, random_features):
    """Returns a training step of one block along nodes, of the width of STAEformer."""
    import keras
    import numpy as np

    import stgkeras

    x = np.random.default_rng(0).normal(size=(1, 12, nodes, 152)).astype("float32")
    signal = keras.Input(x.shape[1:])
    block = stgkeras.layers.TransformerBlock(4, "nodes", 256, random_features=random_features)
    model = keras.Model(signal, block(signal))
    model.compile("adam", "mse", jit_compile="auto")
    return lambda: model.train_on_batch(x, x), {}


def official_step(name, shape, folder):
    """Returns a training step of the authors' code, and its number of parameters."""
    import torch
    from official import NETWORKS

    batch, nodes, length, horizon = shape
    model, forecast = NETWORKS[name](pathlib.Path(folder), nodes, length, horizon)
    x = torch.randn(batch, length, nodes, 1)
    fraction, day = torch.rand(batch, length, 1, 1), torch.randint(0, 7, (batch, length, 1, 1))
    y = torch.randn(batch, horizon, nodes, 1)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step():
        optimizer.zero_grad()
        mask = (y != 0).float()
        loss = ((forecast(x, fraction, day.float()) - y).abs() * mask / mask.mean()).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()

    return step, {"parameters": sum(one.numel() for one in model.parameters())}


def child(args, kind, backend, **request):
    """Returns the figures of a new process, or None if it failed."""
    words = [kind, backend, *map(str, request.values())]
    print(" ".join(words), file=sys.stderr, flush=True)
    request |= {"kind": kind, "steps": args.steps}
    try:
        return command.ask(__file__, backend, args.threads, **request)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return None


def speed(args):
    before = records.read(args.out)
    found = before.get("figures", {})  # of other models or backends
    commands = [*before.get("commands", []), records.about(args)["command"]]
    for name in (one for one in SHAPES if one in args.models):
        for shape in SHAPES[name]:
            asked, about = {}, {"name": name, "shape": shape}
            for backend in args.backends:
                asked[backend] = "ours", backend, about | {"arguments": {}}
            if args.official:
                asked["official"] = "torch", "torch", about | {"folder": args.official}
            turns = {kind: [] for kind in asked}
            for _ in range(args.rounds):
                for kind, (code, backend, request) in asked.items():
                    turns[kind].append(child(args, code, backend, **request))
            row = found.setdefault(f"{name} {shape}", {})
            row |= {kind: middle(rounds) for kind, rounds in turns.items()}
            records.save(args, {"figures": found, "commands": commands})
    return found


def middle(rounds):
    """The round with the median time. None if one of them failed."""
    if None in rounds:
        return None
    rounds = sorted(rounds, key=lambda one: one["least"])
    return rounds[len(rounds) // 2] | {"rounds": [one["least"] for one in rounds]}


def scale(args):
    found = records.read(args.out).get("figures", {})
    for name, arguments in LARGE.items():
        for nodes in args.nodes if name in args.models else ():
            row = found.setdefault(f"{name} {nodes}", {})
            for backend in args.backends:
                request = {"name": name, "shape": (4, nodes, 12, 12), "arguments": arguments}
                row[backend] = child(args, "ours", backend, **request)
                records.save(args, {"figures": found})
    return found


def attention(args):
    """Measures both kinds of attention, and the error of the linear one."""
    found = {"error": errors(args.features), "blocks": {}}
    for nodes in args.nodes:
        for features in (0, 64, 128):
            request = {"nodes": nodes, "random_features": features or None}
            row = found["blocks"].setdefault(str(nodes), {})
            row[str(features)] = child(args, "block", args.backends[0], **request)
            records.save(args, {"figures": found})
    return found


def errors(numbers, units=38, rows=300, draws=20):
    """Returns, for each number of features, the error of attention relative to its own size.

    Queries, keys and values are Gaussian, with the standard deviations 0.5 and 1 of queries and
    keys. The values are those of a head of STAEformer.
    """
    import numpy as np
    from keras import ops

    from stgkeras.kernels import linear_attention, orthogonal_directions

    rng, found = np.random.default_rng(0), {}
    for deviation in (0.5, 1.0):
        q, k, v = (
            rng.normal(size=(3, rows, units)) * np.array([deviation, deviation, 1])[:, None, None]
        )
        weights = np.exp(q @ k.T / np.sqrt(units))
        exact = weights / weights.sum(axis=1, keepdims=True) @ v
        tensors = [ops.convert_to_tensor(one[None].astype("float32")) for one in (q, k, v)]
        for number in numbers:
            squares = []
            for _ in range(draws):
                directions = orthogonal_directions(units, number, rng).astype("float32")
                y = ops.convert_to_numpy(
                    linear_attention(*tensors, ops.convert_to_tensor(directions))
                )
                squares.append(np.mean((y[0] - exact) ** 2))
            own = found.setdefault(str(deviation), {})
            own[str(number)] = float(np.sqrt(np.mean(squares) / np.mean(exact**2)))
    return found


def cell(figure, *keys):
    """Returns the least CPU seconds, and with "memory" the memory, as text."""
    if figure is None:
        return "not run"
    return " / ".join(f"{figure[key]:.2f}" for key in ("least", *keys))


def table(result):
    figures = result["figures"]
    if "blocks" in figures:
        numbers = list(next(iter(figures["error"].values())))
        rows = [["deviation of queries and keys", *(f"m = {number}" for number in numbers)]]
        for deviation, own in figures["error"].items():
            rows.append([deviation, *(f"{own[number]:.3f}" for number in numbers)])
        kinds = list(next(iter(figures["blocks"].values())))
        others = [["N", *("exact" if kind == "0" else f"m = {kind}" for kind in kinds)]]
        for nodes, own in figures["blocks"].items():
            others.append([nodes, *(cell(own.get(kind), "memory") for kind in kinds)])
        return records.markdown(rows) + "\n\n" + records.markdown(others)
    ran = {kind for own in figures.values() for kind in own}
    kinds = [kind for kind in (*command.BACKENDS, "official") if kind in ran]
    rows = [["", *kinds, *(["times as fast"] if "official" in kinds else [])]]
    for name, own in figures.items():
        ratio = []
        if own.get("official"):
            least = min(one["least"] for kind, one in own.items() if kind != "official" and one)
            ratio = [f"{own['official']['least'] / least:.2f}"]
        rows.append([name, *(cell(own.get(kind), "memory") for kind in kinds), *ratio])
    return records.markdown(rows)


def main(args):
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    args.out = args.out.with_stem(f"zoo_{args.task}") if args.out.stem == "zoo" else args.out
    return {"figures": {"speed": speed, "scale": scale, "attention": attention}[args.task](args)}


if __name__ == "__main__":
    command.run(__name__)
