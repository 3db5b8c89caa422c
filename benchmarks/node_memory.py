"""Measures the memory of a device if 1, 2, 4 or 8 devices divide the nodes of a model, on JAX.

    python benchmarks/node_memory.py
    python benchmarks/node_memory.py --rows STGCN --nodes 8192

The script compiles a step of training with Adam on virtual devices of the CPU, and does not run it.
The memory is that of the compiled program on one device: variables, batch and temporary values.
"""

import contextlib
import os

import command
import records

ROWS = {
    "STGCN": ("STGCN", {}),
    "GraphSTID": ("GraphSTID", {}),
    "PatchSTG, two blocks": ("PatchSTG", {"num_blocks": 2}),
    "STGCN, sparse graph": ("STGCN", {}),
    "GraphSTID, sparse graph": ("GraphSTID", {"adaptive_units": 0}),
}
OPTIONS = {
    "rows": command.several(ROWS),
    "devices": [1, 2, 4, 8],
    "nodes": 4096,
    "batch_size": 8,
}


def in_child(row, devices, nodes, batch_size):
    """Yields the memory of one of n devices in MiB for each n of `devices`, then the versions."""
    import keras
    import numpy as np

    from stgkeras import graphs, models, parallel

    name, options = ROWS[row]
    places = np.random.default_rng(0).random((nodes, 2))
    if name == "PatchSTG":
        options = {**options, "places": places}
    else:
        near = graphs.knn_graph(places, 10, sparse=True)
        graph = graphs.scaled_laplacian(near.maximum(near.T), lambda_max=2.0)
        options = {**options, "graph": graph if "sparse" in row else graph.toarray()}
    whole = getattr(models, name)(nodes, **options)
    for count in devices:
        some = keras.distribution.list_devices()[:count]
        mesh = keras.distribution.DeviceMesh((1, count), ("windows", "nodes"), some)
        layout = parallel.node_layout(whole, mesh)
        distribution = keras.distribution.ModelParallel(layout_map=layout)
        with distribution.scope():
            yield memory_of(getattr(models, name)(nodes, **options), distribution, batch_size)
    yield {"versions": records.versions()}


def memory_of(model, distribution, batch_size):
    """Compiles a step of training, and returns the memory of one device in MiB."""
    import jax
    import keras
    import numpy as np

    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)

    def loss_of(weights, others, x, y):
        forecast, others = model.stateless_call(weights, others, x, training=True)
        return keras.ops.mean(keras.ops.square(forecast - y)), others

    def step(weights, others, state, x, y):
        slopes, others = jax.grad(loss_of, has_aux=True)(weights, others, x, y)
        weights, state = optimizer.stateless_apply(state, slopes, weights)
        return weights, others, state

    def placed(tensor):
        zeros = np.zeros((batch_size, *tensor.shape[1:]), "float32")
        return jax.device_put(zeros, distribution.get_data_layout(zeros.shape).backend_layout)

    parts = model.trainable_variables, model.non_trainable_variables, optimizer.variables
    values = tuple([variable.value for variable in part] for part in parts)
    layouts = jax.tree.map(lambda value: value.sharding, values)
    compiled = jax.jit(step, out_shardings=layouts, donate_argnums=(0, 1, 2))
    data = jax.tree.map(placed, (model.input, model.output))
    memory = compiled.lower(*values, *data).compile().memory_analysis()
    held = memory.argument_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes
    found = {"held": held, "temporary": memory.temp_size_in_bytes}
    return {kind: round(size / 2**20) for kind, size in found.items()}


def table(result):
    rows = result["rows"]
    cells = [["MiB on a device, devices", *next(iter(rows.values()))]]
    for row, found in rows.items():
        sizes = [one["held"] + one["temporary"] for one in found.values()]
        cells.append([row, *(f"{size:,}" for size in sizes)])
    return records.markdown(cells)


def main(args):
    devices = f"--xla_force_host_platform_device_count={max(args.devices)}"
    os.environ["XLA_FLAGS"] = f"{devices} --xla_backend_optimization_level=0"  # nothing runs
    result = {"rows": {}}
    for row in args.rows:
        request = {name: getattr(args, name) for name in ("devices", "nodes", "batch_size")}
        env = command.environment("jax", threads=1)
        with contextlib.closing(command.Child(__file__, env, row=row, **request)) as child:
            result["rows"][row] = {str(count): child.answer() for count in args.devices}
            result["versions"] = child.answer()["versions"]
    return result


if __name__ == "__main__":
    command.run(__name__)
