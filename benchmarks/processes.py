"""Measures the training of one model by 2 processes against 1, with one thread each.

    taskset -c 0,1 python benchmarks/processes.py

All processes run on this machine and share each batch: JAX by `stgkeras.parallel.processes` and
`fit`, PyTorch by the loop of examples/train_parallel.py. The first epoch, which compiles, is left
out; figures are medians over the others.
"""

import contextlib
import socket
import statistics
import time

import command
import records

ROWS = {"GraphSTID": {}, "STGCN": {}}
OPTIONS = {
    "rows": command.several(ROWS),
    "backends": command.several(["jax", "torch"]),
    "nodes": 170,
    "batch_size": (64, "windows of all processes"),
    "steps": (4, "batches of an epoch"),
    "epochs": (6, "epochs, of which the first is left out"),
}
REACH = {"input_length": 12, "horizon": 12}


def in_child(row, nodes, batch_size, steps, epochs, address, count, index):
    """Yields the wall and CPU seconds of this process in each epoch, and the versions."""
    import keras
    import numpy as np

    from stgkeras import graphs, losses, models

    with joined(address, count, index):
        keras.utils.set_random_seed(0)
        rng = np.random.default_rng(0)
        near = graphs.knn_graph(rng.random((nodes, 2)), 5)
        graph = graphs.scaled_laplacian(np.maximum(near, near.T), lambda_max=2.0)
        model = getattr(models, row)(nodes, graph=graph, normalize=True, **REACH, **ROWS[row])
        values = rng.normal(60, 10, (batch_size * steps + 23, nodes, 1)).astype("float32")
        model.adapt(values)
        model.compile("adam", losses.MaskedMeanAbsoluteError())
        found = []
        for seconds in epochs_of(model, values, batch_size, steps, epochs):
            found.append(seconds)
    yield {"seconds": found[1:], "versions": records.versions()}


@contextlib.contextmanager
def joined(address, count, index):
    """A context in which this process trains with the others."""
    import keras

    from stgkeras import parallel

    if keras.backend.backend() == "jax":
        alone = contextlib.nullcontext()
        with parallel.processes(address, count, index) if count > 1 else alone:
            yield
        return
    from torch import distributed

    distributed.init_process_group("gloo", f"tcp://{address}", world_size=count, rank=index)
    yield
    distributed.destroy_process_group()


def epochs_of(model, values, batch_size, steps, epochs):
    """Trains, and yields the wall and CPU seconds of each epoch."""
    import keras
    import numpy as np

    from stgkeras import datasets

    windows = datasets.Windows(
        *(values, values, np.arange(batch_size * steps)),
        **{"batch_size": batch_size, "missing": True, "last": "drop", **REACH},
    )
    if keras.backend.backend() == "torch":
        import torch
        import train_parallel  # of examples/

        shared = torch.nn.parallel.DistributedDataParallel(model)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for epoch in range(epochs):
        wall, cpu = time.perf_counter(), time.process_time()
        if keras.backend.backend() == "torch":
            train_parallel.mean_loss(shared, windows, optimizer)
        else:
            epoch = {"initial_epoch": epoch, "epochs": epoch + 1}
            model.fit(windows, shuffle=False, verbose=0, **epoch)
        yield time.perf_counter() - wall, time.process_time() - cpu


def measured(args, row, backend, count):
    """Returns samples/s, and CPU seconds of all processes for 1,000 samples."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    names = "nodes", "batch_size", "steps", "epochs"
    request = {name: getattr(args, name) for name in names} | {"row": row, "count": count}
    env = command.environment(backend, threads=1)
    with contextlib.ExitStack() as stack:
        children = [
            command.Child(__file__, env, address=address, index=index, **request)
            for index in range(count)
        ]
        for child in children:
            stack.enter_context(contextlib.closing(child))
        answers = [child.answer() for child in children]
    samples = args.batch_size * args.steps
    wall = [seconds for seconds, _ in answers[0]["seconds"]]
    cpu = [statistics.median(used for _, used in answer["seconds"]) for answer in answers]
    rate, spent = samples / statistics.median(wall), 1000 * sum(cpu) / samples
    versions = answers[0]["versions"]
    return {"samples_per_s": rate, "cpu_s_per_1000": spent, "wall": wall, "versions": versions}


def table(result):
    cells = [
        ["", "samples/s, 1 process", "2 processes", "ratio", "CPU s per 1,000 samples, 1", "2"]
    ]
    for row, counts in result["rows"].items():
        rates = [counts[count]["samples_per_s"] for count in ("1", "2")]
        spent = [counts[count]["cpu_s_per_1000"] for count in ("1", "2")]
        figures = [f"{rates[0]:.0f}", f"{rates[1]:.0f}", f"{rates[1] / rates[0]:.2f}"]
        cells.append([row, *figures, *(f"{one:.1f}" for one in spent)])
    return records.markdown(cells)


def main(args):
    result = {"rows": {}, "versions": {}}
    for row in args.rows:
        for backend in args.backends:
            found = {str(count): measured(args, row, backend, count) for count in (1, 2)}
            for one in found.values():
                result["versions"] |= one.pop("versions")
            result["rows"][f"{row}, {backend}"] = found
    return result


if __name__ == "__main__":
    command.run(__name__)
