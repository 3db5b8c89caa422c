"""Compares models on one device with the same models on four, for test_node_layout.py.

    XLA_FLAGS=--xla_force_host_platform_device_count=4 python tests/nodes_run.py

Prints {name: `comparison`} as JSON.
"""

import json

import keras
import numpy as np
import scipy.sparse

import stgkeras
from stgkeras import models

N, B = 16, 4
RNG = np.random.default_rng(0)
PLACES = RNG.random((N, 2))
NEAR = stgkeras.graphs.knn_graph(PLACES, 3)
GRAPH = stgkeras.graphs.scaled_laplacian(np.maximum(NEAR, NEAR.T))
SMALL = {"horizon": 3, "dropout": 0.0}
STGCN = {**SMALL, "block_filters": ((8, 4, 8),), "output_filters": (8, 8)}
CLOCK = {"season": 24, "past_calendar": True}
CREATE = {
    "STGCN": lambda: models.STGCN(N, graph=GRAPH, **STGCN),
    "STGCN, sparse": lambda: models.STGCN(N, graph=scipy.sparse.csr_array(GRAPH), **STGCN),
    "GraphSTID": lambda: models.GraphSTID(N, graph=GRAPH, units=8, num_blocks=1, **SMALL, **CLOCK),
    "PatchSTG": lambda: models.PatchSTG(
        N, places=PLACES, input_units=8, num_blocks=1, steps_per_day=24, normalize=True, **SMALL
    ),
    "ASTGCN": lambda: models.ASTGCN(
        N, graph=GRAPH, spatial_filters=4, temporal_filters=4, horizon=3, num_blocks=1
    ),
}


def adapt(model):
    hours = np.datetime64("2024-01-01T00", "h") + np.arange(14 * 24)
    values = np.random.default_rng(1).normal(0, 1, (len(hours), N, 1))
    if getattr(model, "season", None):
        model.adapt(values, stgkeras.datasets.calendar(hours))
    elif model.normalize:
        model.adapt(values)


def results(model):
    """Forecasts, the losses of two steps, forecasts after them, and all weights."""
    rng = np.random.default_rng(2)
    inputs = model.input if isinstance(model.input, dict) else {"x": model.input}
    x = {name: rng.random((B, *one.shape[1:]), "float32") for name, one in inputs.items()}
    x = x if isinstance(model.input, dict) else x["x"]
    y = rng.random((B, *model.output.shape[1:]), "float32")
    model.compile(keras.optimizers.SGD(0.01), "mse")
    found = [model.predict(x, verbose=0)]
    found += [np.array(model.train_on_batch(x, y)) for _ in range(2)]
    return [*found, model.predict(x, verbose=0), *model.get_weights()]


def comparison(create, mesh):
    """The largest difference of a result, the change by training, and sizes on a device."""
    one = create()
    adapt(one)
    layout = stgkeras.parallel.node_layout(one, mesh)
    with keras.distribution.ModelParallel(layout_map=layout).scope():
        many = create()
        many.set_weights(one.get_weights())
        shared = results(many)
    alone = results(one)
    gaps = [abs(a - b).max() / max(1.0, abs(a).max()) for a, b in zip(alone, shared, strict=True)]
    return {
        "gap": float(np.max(gaps)),
        "change": float(abs(alone[0] - alone[3]).max()),
        "shards": {v.path: v.value.sharding.shard_shape(v.shape) for v in many.variables},
        "outputs": sorted(path for path in layout if path.endswith("/output")),
    }


def main():
    keras.utils.set_random_seed(0)  # with some weights, losses and rounding are large
    mesh = keras.distribution.DeviceMesh((2, 2), ("windows", "nodes"))
    print(json.dumps({name: comparison(create, mesh) for name, create in CREATE.items()}))


if __name__ == "__main__":
    from own_process import quick_process

    with quick_process():
        main()
