"""Networks of stgkeras and of PyTorch Geometric, and a process that runs their steps.

The process trains one step and yields an answer. Then it reads lines from its standard input,
"train", "predict", "peak" or "profile", and yields an answer to each.
"""

import functools
import os
import random
import sys
import types
from time import perf_counter, process_time, sleep

import command
import numpy as np
import records

BLOCK = 0.25  # seconds of steps per block
SLOW = 5  # seconds of a step; slower peers do no warm-up, because they compile nothing
MATRIX = 2048  # rows of the matrices whose product measures the peak
PROFILED = 5  # number of steps


def graph(shape):
    """Returns a random undirected SciPy sparse graph with `edges` edges per node.

    "hubs": the degrees follow a power law with exponent 2.5. "near": the indices of neighbours
    differ by less than 30, like sensors numbered along a road. Otherwise all edges are as likely.
    """
    import scipy.sparse

    nodes, wanted = shape["N"], int(shape["N"] * shape["edges"] / 2)
    rng = np.random.default_rng(0)
    chance = np.full(nodes, 1.0 / nodes)
    if shape.get("graph") == "hubs":
        chance = rng.permutation(np.arange(1, nodes + 1) ** (-1 / 1.5))
        chance /= chance.sum()
    pairs = rng.choice(nodes, (2, 2 * wanted), p=chance)
    if shape.get("graph") == "near":
        pairs[1] = (pairs[0] + rng.integers(1, 30, 2 * wanted)) % nodes
    low, high = np.sort(pairs, axis=0)
    drawn = (low * nodes + high)[low != high]
    first = np.unique(drawn, return_index=True)[1]  # repeated edges count once
    ends = np.divmod(drawn[np.sort(first)[:wanted]], nodes)
    half = scipy.sparse.coo_array((np.ones(len(ends[0])), ends), (nodes, nodes)).tocsr()
    return half + half.T


def compiled(network, shape, adjacency):
    """Returns a compiled model of stgkeras, or of one of its graph layers."""
    import keras

    import stgkeras

    random.seed(0)  # seeds of Keras; keras.utils.set_random_seed imports TensorFlow
    if network == "GraphConv":
        operator = stgkeras.graphs.renormalized_adjacency(adjacency)
    else:
        operator = stgkeras.graphs.scaled_laplacian(adjacency, lambda_max=2.0)
    operator = operator if shape.get("sparse") else operator.toarray()
    if network in ("ChebConv", "GraphConv"):
        # The dense layer has parameters, so that the backward pass includes the graph.
        x = keras.Input((shape["T"], shape["N"], shape["F"]))
        terms = {"K": shape["K"]} if network == "ChebConv" else {}
        layer = getattr(stgkeras.layers, network)(shape["width"], **terms)
        graph_of_x = stgkeras.layers.StaticGraph(shape["N"], graph=operator)(x)
        model = keras.Model(x, layer(keras.layers.Dense(shape["width"])(x), graph_of_x))
    else:
        sizes = {"num_features": shape["F"], "input_length": shape["T"], "K": shape["K"]}
        sizes |= {"horizon": shape["horizon"], **shape.get("arguments", {})}
        model = getattr(stgkeras.models, network)(shape["N"], graph=operator, **sizes)
    model.compile("adam", "mse")
    return model


def our_steps(network, shape, adjacency):
    """Returns functions of stgkeras: a training step, a prediction, and a matrix product ("peak").

    The functions wait for the result.
    """
    import keras

    model, rng = compiled(network, shape, adjacency), np.random.default_rng(0)
    inputs, outputs = (shape["T"], shape["N"], shape["F"]), model.output_shape[1:]
    x, y = (rng.standard_normal((shape["B"], *s)).astype("float32") for s in (inputs, outputs))
    matrix = functools.cache(lambda: keras.ops.ones((MATRIX, MATRIX)))
    return {
        "train": lambda: float(model.train_on_batch(x, y)),
        "predict": lambda: model.predict_on_batch(x),
        "peak": lambda: float(keras.ops.matmul(matrix(), matrix())[0, 0]),
    }


def peer_steps(network, shape, adjacency):
    """Returns the same functions of PyTorch Geometric (Temporal).

    The networks are ASTGCN, or two STConv layers and a linear layer. The layers are ChebConv or
    GCNConv after a linear layer.
    """
    import torch

    torch.manual_seed(0)
    edges = torch.from_numpy(np.stack(adjacency.nonzero()).astype("int64"))
    make = peer_layers if network in ("ChebConv", "GraphConv") else peer_network
    modules, forward, x, y = make(network, shape, edges)
    modules = torch.nn.ModuleList(modules)
    optimizer = torch.optim.Adam(modules.parameters())
    matrix = functools.cache(lambda: torch.ones(MATRIX, MATRIX))

    def train():
        modules.train()
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.mse_loss(forward(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    def predict():
        modules.eval()
        with torch.no_grad():
            return forward(x)

    return {
        "train": train,
        "predict": predict,
        "peak": lambda: float((matrix() @ matrix())[0, 0]),
    }


def peer_network(network, shape, edges):
    """Returns the modules, the forward function, a batch, and its targets."""
    import torch
    import torch_geometric.typing

    # The package imports one name of torch_sparse, which is not used here.
    stub = types.ModuleType("torch_sparse")
    stub.SparseTensor = torch_geometric.typing.SparseTensor
    sys.modules.setdefault("torch_sparse", stub)
    from torch_geometric_temporal.nn.attention import astgcn, stgcn

    batch, steps, nodes, features, K = (shape[name] for name in "BTNFK")
    horizon, width = shape["horizon"], shape["width"]
    y = torch.randn(batch, nodes, horizon)
    if network == "ASTGCN":
        net = astgcn.ASTGCN(2, features, K, width, width, 1, horizon, steps, nodes, "sym")
        return [net], lambda x: net(x, edges), torch.randn(batch, nodes, features, steps), y
    first = stgcn.STConv(nodes, features, width, width, 3, K)
    second = stgcn.STConv(nodes, width, width, width, 3, K)
    dense = torch.nn.Linear((steps - 8) * width, horizon)

    def forward(x):
        left = second(first(x, edges), edges)
        return dense(left.permute(0, 2, 1, 3).reshape(batch, nodes, -1))

    return [first, second, dense], forward, torch.randn(batch, steps, nodes, features), y


def peer_layers(network, shape, edges):
    import torch
    from torch_geometric.nn import ChebConv, GCNConv

    width, signals = shape["width"], (shape["B"] * shape["T"], shape["N"])
    dense = torch.nn.Linear(shape["F"], width)
    is_cheb = network == "ChebConv"
    layer = ChebConv(width, width, shape["K"]) if is_cheb else GCNConv(width, width, cached=True)
    x, y = torch.randn(*signals, shape["F"]), torch.randn(*signals, width)
    return [dense, layer], lambda x: layer(dense(x), edges), x, y


def busy():
    """Returns the CPU seconds of all processes of the machine."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, *interrupts = map(int, file.readline().split()[1:9])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def block(step):
    """Runs steps for `BLOCK` seconds. Returns their times, and the cores that others used."""
    others, own, start, times = busy(), process_time(), perf_counter(), []
    while perf_counter() - start < BLOCK:
        before = perf_counter()
        step()
        times.append(perf_counter() - before)
    seconds = perf_counter() - start
    return {"times": times, "others": (busy() - others - process_time() + own) / seconds}


def times(step, count, clock=perf_counter):
    """Returns the seconds of each of `count` steps."""
    found = []
    for _ in range(count):
        start = clock()
        step()
        found.append(clock() - start)
    return found


def profile(step):
    """Returns the operators of PyTorch with the most CPU time."""
    import torch

    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as found:
        for _ in range(PROFILED):
            step()
    seconds = {event: event.self_cpu_time_total / 1e6 for event in found.key_averages()}
    return [
        {
            "operator": event.key,
            "share": round(seconds[event] / sum(seconds.values()), 4),
            "ms": round(1e3 * seconds[event] / PROFILED, 3),
            "calls": event.count / PROFILED,
        }
        for event in sorted(seconds, key=seconds.get, reverse=True)[:12]
    ]


def memory(field="VmHWM"):
    """Returns resident memory in MB: the peak (VmHWM), or the current value (VmRSS)."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(field))


def in_child(network, shape, peer):
    """Trains one step and yields an answer. Then yields an answer to each line of input."""
    if peer:
        import torch  # noqa: F401 - the same part of the start as Keras and its backend
        import torch_geometric.nn  # noqa: F401
    else:
        import keras  # noqa: F401

        import stgkeras.models  # noqa: F401
    base, adjacency = memory("VmRSS"), graph(shape)
    steps = (peer_steps if peer else our_steps)(network, shape, adjacency)
    start = perf_counter()
    steps["train"]()
    warm = {"train", "predict"} if peer and perf_counter() - start > SLOW else set()
    about = {"base": base, "versions": records.versions(), "edges": adjacency.nnz}
    yield {**about, "own": process_time()}
    for kind in map(str.strip, sys.stdin):
        if kind == "profile":
            yield {"profile": profile(steps["train"])}
            continue
        if kind not in warm:
            steps[kind]()
            warm.add(kind)
        yield {**block(steps[kind]), "memory": memory()}
        sleep(0.01)


if __name__ == "__main__":
    command.run(__name__)
