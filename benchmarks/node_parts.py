"""Trains on parts of a graph that does not fit into memory as a whole: memory, time and error.

    python benchmarks/node_parts.py
    python benchmarks/node_parts.py --rows STGCN --nodes 100000 --parts 8
    python benchmarks/node_parts.py --nodes 0

Each row runs in a new process. The graph has random places as nodes, and edges between the nearest
places, ten for each node. A batch is one window. "seconds" are those of the processor.

Then a small graph, whose whole fits: the largest difference between forecasts of parts and of the
whole, and the error of training on parts. The series is a sum of a daily wave of each node and of
an autoregressive process on the graph. Each model is trained for the same number of epochs, as a
whole and on parts, which make more steps; and as a whole for the same number of steps. The error is
the mean absolute error of later steps, a mean over seeds.
"""

import contextlib
import resource
import time

import command
import records

LARGE = {"GraphSTID": {"adaptive_units": 0}, "STGCN": {}}
SMALL = {
    "GraphSTID": {"adaptive_units": 0, "units": 32, "K": 2},
    "STGCN": {"block_filters": ((16, 8, 16), (16, 8, 16)), "output_filters": (32, 32), "K": 2},
}
OPTIONS = {
    "rows": command.several(LARGE),
    "nodes": (1_000_000, "nodes of the large graph; 0: only the small graph"),
    "parts": 64,
    "small_nodes": (300, "0: only the large graph"),
    "small_parts": 4,
    "epochs": (4, "on the small graph"),
    "seeds": [0, 1],
    "forecast": (False, "also measure a forecast of the large graph"),
}


def in_child(row, nodes, parts, forecast=False, **small):
    if small:
        yield from small_graph(row, nodes, parts, **small)
        return
    import numpy as np

    from stgkeras import datasets, losses, models, parallel

    graph = near_graph(nodes, neighbours=9, edges=10 * nodes)
    model = getattr(models, row)(nodes, graph=graph, **LARGE[row])
    model.compile("adam", losses.MaskedMeanAbsoluteError())
    with measured() as found:
        divided = parallel.NodeParts(model, parts)
    halos = divided.partition.halo_sizes
    yield {
        "edges": graph.nnz,
        "weights": model.count_params(),
        "partition": found,
        "cut_share": divided.partition.cut_share,
        "halo": {"mean": sum(halos) / parts, "largest": max(halos)},
        "largest_part": divided.num_nodes,
    }
    values = np.random.default_rng(0).random((24, nodes, 1), "float32")
    windows = datasets.Windows(values, values, [0], input_length=12, horizon=12, batch_size=1)
    with measured() as found:
        divided.fit(windows)
    yield {"epoch": found}
    if forecast:
        with measured() as found:
            divided.predict(windows)
        yield {"forecast": found}
    yield {"versions": records.versions()}


@contextlib.contextmanager
def measured():
    """Yields a dict, and writes seconds and the peak of memory of the process into it."""
    found, start, wall = {}, time.process_time(), time.perf_counter()
    yield found
    found["seconds"] = round(time.process_time() - start, 1)
    found["wall_seconds"] = round(time.perf_counter() - wall, 1)
    found["peak_gib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def near_graph(nodes, neighbours, edges=None):
    """Returns the scaled Laplacian of nearest places; with `edges`, of so many shortest ones."""
    import numpy as np
    import scipy.sparse as sp
    from scipy.spatial import cKDTree

    from stgkeras import graphs

    places = np.random.default_rng(0).random((nodes, 2))
    distance, near = cKDTree(places).query(places, neighbours + 1)
    source = np.repeat(np.arange(nodes), neighbours)
    near, distance = near[:, 1:].ravel(), distance[:, 1:].ravel()
    pairs = np.sort([source, near], axis=0)
    _, first = np.unique(pairs[0] * nodes + pairs[1], return_index=True)
    if edges is not None:
        first = first[np.argsort(distance[first])[: edges // 2]]
    ones = np.ones(len(first), "float32")
    half = sp.csr_array((ones, tuple(pairs[:, first].astype("int32"))), shape=(nodes, nodes))
    return graphs.scaled_laplacian(half + half.T, lambda_max=2.0).astype("float32")


def small_graph(row, nodes, parts, epochs, seeds):
    """Yields the error of each seed, and the largest difference of forecasts."""
    import keras
    import numpy as np

    from stgkeras import datasets, losses, models, parallel

    graph = near_graph(nodes, neighbours=4)
    values = series(graph, steps=200)
    options = {"input_length": 12, "horizon": 3, "batch_size": 16}
    training = datasets.Windows(values, values, range(120), shuffle=True, **options)
    later = datasets.Windows(values, values, range(140, 180), **options)
    later_targets = np.concatenate([y for _, y in later])

    def error(forecast):
        return float(np.mean(np.abs(forecast - later_targets)))

    def create(seed):
        keras.utils.set_random_seed(seed)
        model = getattr(models, row)(nodes, graph=graph, horizon=3, normalize=True, **SMALL[row])
        model.adapt(values[:132])
        model.compile(keras.optimizers.Adam(5e-3), losses.MaskedMeanAbsoluteError())
        training.epoch = 0
        return model

    for seed in seeds:
        found = {}
        model = create(seed)
        divided = parallel.NodeParts(model, parts)
        divided.fit(training, epochs=epochs, seed=seed, verbose=2)
        forecast, whole = divided.predict(later), model.predict(later, verbose=0)
        found["difference"] = float(np.abs(forecast - whole).max() / np.abs(whole).max())
        found["parts"] = error(forecast)
        model = create(seed)
        for name, count in (("whole", epochs), ("whole, as many steps", (parts - 1) * epochs)):
            model.fit(training, epochs=count, shuffle=False, verbose=2)
            found[name] = error(model.predict(later, verbose=0))
        found["last value"] = error(np.repeat(values[later.starts + 11][:, None], 3, axis=1))
        halos = divided.partition.halo_sizes
        yield {**found, "largest_part": divided.num_nodes, "largest_halo": max(halos)}
    yield {"versions": records.versions()}


def series(graph, steps):
    """Returns (steps, nodes, 1): daily waves, and an autoregressive process on the graph."""
    import numpy as np

    rng = np.random.default_rng(0)
    nodes = graph.shape[0]
    strength, phase = rng.random(nodes), 0.25 * rng.random(nodes)
    state, found = np.zeros(nodes), []
    for step in range(-50, steps):
        state = 0.35 * state - 0.6 * (graph @ state) + 0.3 * rng.standard_normal(nodes)
        found.append(state + strength * np.sin(2 * np.pi * (step / 24 + phase)))
    return np.asarray(found[50:], "float32")[..., None]


def table(result):
    texts = []
    if result["large"]:
        head = ["", "partition, s", "largest part", "largest halo", "step, s", "epoch, s", "GiB"]
        rows = [head]
        for row, found in result["large"].items():
            seconds, parts = found["epoch"]["seconds"], result["parts"]
            cells = [found["partition"]["seconds"], found["largest_part"], found["halo"]["largest"]]
            cells += [round(seconds / parts, 1), seconds, found["epoch"]["peak_gib"]]
            rows.append([row, *(f"{cell:,}" for cell in cells)])
        texts.append(records.markdown(rows))
    if result["small"]:
        names = ["parts", "whole", "whole, as many steps", "last value", "difference"]
        rows = [["", *names]]
        for row, seeds in result["small"].items():
            means = [sum(one[name] for one in seeds) / len(seeds) for name in names]
            rows.append([row, *(f"{mean:.3g}" for mean in means)])
        texts.append(records.markdown(rows))
    return "\n\n".join(texts)


def main(args):
    result = {"large": {}, "small": {}, "parts": args.parts}
    for row in args.rows:
        if args.nodes:
            request = {"nodes": args.nodes, "parts": args.parts, "forecast": args.forecast}
            result["large"][row] = {}
            for answer in answers(row, **request):
                result["large"][row].update(answer)
                records.save(args, result)
            result["versions"] = result["large"][row].pop("versions")
        if args.small_nodes:
            request = {"nodes": args.small_nodes, "parts": args.small_parts}
            request |= {"epochs": args.epochs, "seeds": args.seeds}
            *seeds, last = answers(row, **request)
            result["small"][row], result["versions"] = seeds, last["versions"]
            records.save(args, result)
    return result


def answers(row, **request):
    """Yields the answers of a new process, up to the one with the versions."""
    env = command.environment("torch", threads=1)
    with contextlib.closing(command.Child(__file__, env, row=row, **request)) as child:
        answer = {}
        while "versions" not in answer:
            answer = child.answer()
            yield answer


if __name__ == "__main__":
    command.run(__name__)
