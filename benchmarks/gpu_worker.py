"""Processes of gpu.py: outputs and gradients, times and memory of steps, on a GPU or a CPU.

A process answers with its device, and then to each request in turn. A request that fails is
answered with its error.
"""

import gc
import importlib.util
import os
import pathlib
import statistics
import time
import traceback

import command
import exports
import numpy as np
import records
import speed_worker

BATCH = 2  # windows of which outputs and gradients are compared
STEPS = 3  # that compile and choose algorithms; and at least as many that count
WAIT = 80.0  # seconds for the results of the CPU
ENDING = ("CUDA", "memory", "MEMORY", "RESOURCE_EXHAUSTED", "INTERNAL")  # errors that can last


class Device:
    """The device of this process: its name, its memory, and how to wait for it."""

    def __init__(self, kind):
        self.backend, self.cuda, self.highest = os.environ["KERAS_BACKEND"], None, 0.0
        self.is_gpu, self.name = kind == "gpu", "CPU"
        if self.backend == "torch":
            import torch

            if self.is_gpu and torch.cuda.is_available():
                self.cuda, self.name = torch.cuda, torch.cuda.get_device_name(0)
        else:
            import jax

            if self.is_gpu and jax.default_backend() == "gpu":
                self.name = jax.devices()[0].device_kind
        if self.is_gpu and self.name == "CPU":
            raise RuntimeError("no GPU")

    def wait(self):
        """Waits for all work of PyTorch. Steps on JAX wait for their own results."""
        if self.cuda:
            self.cuda.synchronize()

    def reset(self):
        """Frees what the last request left, and forgets its largest memory where possible."""
        gc.collect()
        if self.cuda:
            self.cuda.empty_cache()
            self.cuda.reset_peak_memory_stats()

    def memory(self):
        """Returns the largest memory in GB, and whether it is only an upper bound."""
        if self.cuda:
            return {"memory": self.cuda.max_memory_allocated() / 1e9, "at_most": False}
        found = speed_worker.memory() / 1e3
        if self.is_gpu:
            import jax

            found = jax.devices()[0].memory_stats()["peak_bytes_in_use"] / 1e9
        before, self.highest = self.highest, found
        return {"memory": found, "at_most": found <= before}


def case_and_windows(case):
    """Returns a model of exports.py and random inputs."""
    from stgkeras.exporting.signature import Signature
    from stgkeras.exporting.windows import random_windows

    model = exports.built(case)
    x = random_windows(Signature.of(model), BATCH)
    return model, x if isinstance(model.input, dict) else x["x"]


def derived(model, x):
    """Returns the output, and the gradient of its product with random numbers for each weight."""
    import keras
    from keras import ops

    rng = np.random.default_rng(1)
    shape = (BATCH, *model.output_shape[1:])
    direction = rng.standard_normal(shape).astype("float32")
    if keras.backend.backend() == "torch":
        import torch

        y = model(x, training=False)
        variables = [variable.value for variable in model.trainable_variables]
        total = ops.sum(y * ops.convert_to_tensor(direction))
        found = torch.autograd.grad(total, variables, allow_unused=True)
        given = zip(found, variables, strict=True)
        gradients = [torch.zeros_like(one) if g is None else g for g, one in given]
    else:
        import jax

        def total(trainable, fixed, x, direction):
            y, _ = model.stateless_call(trainable, fixed, x, training=False)
            return ops.sum(y * direction), y

        parts = (model.trainable_variables, model.non_trainable_variables)
        values = ([variable.value for variable in part] for part in parts)
        step = jax.jit(jax.value_and_grad(total, has_aux=True))
        (_, y), gradients = step(*values, x, direction)
    return [ops.convert_to_numpy(one) for one in (y, *gradients)]


def reference(device, case, file):
    """Writes the weights, the output and the gradients of a model on the CPU."""
    target, found = pathlib.Path(file), {}
    try:
        model, x = case_and_windows(case)
        weights = model.get_weights()
        found = {f"weight {n}": one for n, one in enumerate(weights)}
        found |= {f"result {n}": one for n, one in enumerate(derived(model, x))}
    finally:  # so that the other process does not wait for a model that failed
        part = target.with_name(f"part {target.name}")
        np.savez(part, **found)
        part.rename(target)
    return {}


def equality(device, case, file):
    """Returns the largest relative differences from what `reference` wrote."""
    path, start = pathlib.Path(file), time.perf_counter()
    model, x = case_and_windows(case)
    while not path.exists():
        if time.perf_counter() - start > WAIT:
            raise RuntimeError("no result of the CPU")
        time.sleep(0.02)
    with np.load(path) as saved:
        count = sum(name.startswith("weight") for name in saved.files)
        wanted = [saved[f"result {n}"] for n in range(len(saved.files) - count)]
        weights = [saved[f"weight {n}"] for n in range(count)]
    if not wanted:
        raise RuntimeError("failed on the CPU")
    model.set_weights(weights)
    found = derived(model, x)
    apart = [float(np.abs(a - b).max()) for a, b in zip(found, wanted, strict=True)]
    sizes = [float(np.abs(one).max()) for one in wanted]
    # A gradient that is 0 but for rounding is not compared with itself.
    least = max(1e-3 * max(sizes[1:]), 1e-30)
    shares = [one / max(size, least) for one, size in zip(apart[1:], sizes[1:], strict=True)]
    worst = int(np.argmax(shares))
    return {
        "output": apart[0] / max(sizes[0], 1e-30),
        "gradient": shares[worst],
        "weight": model.trainable_variables[worst].path,
    }


def built(name, shape, dtype):
    """Returns a compiled forecaster for a shape of speed.py."""
    import keras

    import stgkeras

    kind, nodes = getattr(stgkeras.models, name), shape["N"]
    arguments = {"num_features": shape["F"], "input_length": shape["T"]}
    arguments |= {"horizon": shape["horizon"], "dtype": dtype, **shape.get("arguments", {})}
    if kind.takes_graph:
        roads = speed_worker.graph(shape)
        if name == "GraphWaveNet":
            graph = [stgkeras.graphs.random_walk(one) for one in (roads, roads.T.tocsr())]
        else:
            graph = [stgkeras.graphs.scaled_laplacian(roads, lambda_max=2.0)]
        if not shape.get("sparse"):
            graph = [one.toarray() for one in graph]
        arguments["graph"] = graph if name == "GraphWaveNet" else graph[0]
    if name == "PatchSTG":
        arguments["places"] = np.random.default_rng(0).random((nodes, 2))
    model = kind(nodes, **arguments)
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    return model


def our_steps(name, shape, dtype, device):
    """Returns functions that wait for their results: a training step and a prediction."""
    from stgkeras.exporting.signature import Signature
    from stgkeras.exporting.windows import random_windows

    model = built(name, shape, dtype)
    x = random_windows(Signature.of(model), shape["B"])
    x = x if isinstance(model.input, dict) else x["x"]
    rng = np.random.default_rng(0)
    y = rng.standard_normal((shape["B"], *model.output_shape[1:])).astype("float32")

    def train():
        loss = float(model.train_on_batch(x, y))
        if device.backend == "jax":
            import jax

            jax.block_until_ready([variable.value for variable in model.trainable_variables])
        return loss

    return {"train": train, "predict": lambda: model.predict_on_batch(x)}


def peer_steps(name, shape, dtype, device):
    """Returns the same functions of PyTorch Geometric Temporal. `dtype` is that of autocast.

    Each step copies its batch from the memory of the host, as Keras does.
    """
    import torch

    torch.manual_seed(0)
    place = "cuda" if device.is_gpu else "cpu"
    edges = torch.from_numpy(np.stack(speed_worker.graph(shape).nonzero()).astype("int64"))
    modules, forward, x, y = speed_worker.peer_network(name, shape, edges.to(place))
    modules = torch.nn.ModuleList(modules).to(place)
    optimizer = torch.optim.Adam(modules.parameters(), 1e-3)
    half = torch.autocast(place, torch.bfloat16, enabled=dtype != "float32")

    def train():
        modules.train()
        optimizer.zero_grad(set_to_none=True)
        with half:
            found = forward(x.to(place))
        loss = torch.nn.functional.mse_loss(found.float(), y.to(place))
        loss.backward()
        optimizer.step()
        return loss.item()

    def predict():
        modules.eval()
        with torch.no_grad(), half:
            return forward(x.to(place)).float().cpu().numpy()

    return {"train": train, "predict": predict}


def steps(device, name, shape, dtype, seconds, peer=False):
    """Returns the median seconds of steps after the first, the memory, and a loss."""
    device.reset()
    found, least = {}, STEPS if seconds else 1
    for kind, step in (peer_steps if peer else our_steps)(name, shape, dtype, device).items():
        start, times = time.perf_counter(), []
        step()
        device.wait()
        found[f"first_{kind}"] = time.perf_counter() - start
        for _ in range(least - 1):
            step()
        device.wait()
        while len(times) < least or (sum(times) < seconds and len(times) < 200):
            start = time.perf_counter()
            result = step()
            device.wait()
            times.append(time.perf_counter() - start)
        found |= {kind: statistics.median(times), f"{kind}_steps": len(times)}
        if kind == "train":
            found |= {"loss": result, **device.memory()}
    return found


KINDS = {"reference": reference, "equality": equality, "steps": steps}


def said(error):
    """Returns an error in a few words."""
    text = " ".join(str(error).split())
    if "out of memory" in text.lower() or "RESOURCE_EXHAUSTED" in text:
        return "out of memory"
    return f"{type(error).__name__}: {text}"[:90]


def in_child(device, exact, peer, requests):
    """Yields the device, or why there is none; then an answer to each request."""
    try:
        if peer and not importlib.util.find_spec("torch_geometric_temporal"):
            raise ImportError("torch_geometric_temporal")
        import keras  # noqa: F401

        device = Device(device)
        if exact and device.backend == "torch":
            import torch

            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    except (ImportError, RuntimeError) as error:
        traceback.print_exc()
        yield {"none": "no GPU" if str(error) == "no GPU" else f"not installed: {error}"[:90]}
        return
    yield {"device": device.name, "versions": records.versions()}
    for kind, request in requests:
        try:
            answer = KINDS[kind](device, **request)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": said(error), "full": str(error)[:1000]}
            answer["ends"] = kind != "reference" and any(word in str(error) for word in ENDING)
        yield answer
        if answer.get("ends"):
            return


if __name__ == "__main__":
    command.run(__name__)
