"""Runs the snippets of docs/parallel.md that the backend can run. A script of its own.

python tests/parallel_snippets.py                       those of one process
python tests/parallel_snippets.py train ADDRESS INDEX   `parallel.processes`, then "resume"
"""

import pathlib
import sys

import keras
import numpy as np
import scipy.sparse
from snippets import python_snippets

import stgkeras

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "parallel.md"
BACKEND = keras.backend.backend()
CAN = {
    "parallel.devices()": ("tensorflow", "jax"),
    "parallel.node_layout(": ("jax",),
    "parallel.NodeParts(": ("tensorflow", "jax", "torch"),
}


def names():
    """What the snippets leave to their reader: readings of 70 nodes in a ring, and a graph."""
    ring = scipy.sparse.csr_array(np.roll(np.eye(70), 1, axis=1))
    graph = stgkeras.graphs.scaled_laplacian(ring + ring.T, lambda_max=2.0)
    values = np.random.default_rng(0).normal(50, 10, (55, 70, 1)).astype("float32")
    windows = stgkeras.datasets.Windows(values, values, range(32), input_length=12, horizon=12)
    found = {"keras": keras, "stgkeras": stgkeras, "graph": graph, "num_nodes": 70}
    found |= {"values": values, "starts": range(32), "windows": windows}
    return found | {"newest": {"x": values[None, :12]}}


def alone():
    ran = []
    for name, backends in CAN.items():
        (code,) = (one for one in python_snippets(PAGE) if name in one)
        if BACKEND in backends:
            exec(compile(code, name, "exec"), names())
            ran.append(name)
    print("ran", *ran)


def together(task, address, index):
    devices, *_, start, resume = python_snippets(PAGE)
    saved = 'shuffle=False, callbacks=[stgkeras.callbacks.Checkpoint("last.keras")]'
    body = devices.split("\n", 1)[1].replace("shuffle=False", saved).replace("=10,", "=4,")
    windows = body[: body.index("    model =")]
    code = {
        "train": start.replace("    ...  # as above\n", body),
        "resume": resume.replace("    ...  # windows, as above\n", windows),
    }[task]
    found = names() | {"index": int(index)}
    exec(compile(code.replace("10.0.0.1:1234", address), task, "exec"), found)
    print("steps", int(found["model"].optimizer.iterations))


if __name__ == "__main__":
    together(*sys.argv[1:]) if sys.argv[1:] else alone()
