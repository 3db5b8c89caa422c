"""Nodes over devices: the same results as on one device, and what is divided."""

import json
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import child_environment

from stgkeras import models
from stgkeras.kernels.dispatch import on_cpu, takes_fast_form
from stgkeras.parallel import node_layout

on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX divides variables")
GRAPH = np.eye(6)


@pytest.fixture(scope="module")
def run():
    """What nodes_run.py prints on a mesh of 2 × 2 devices, with 16 nodes."""
    flags = "--xla_force_host_platform_device_count=4"
    script = pathlib.Path(__file__).parent / "nodes_run.py"
    words, env = [sys.executable, str(script)], child_environment(XLA_FLAGS=flags)
    done = subprocess.run(words, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@on_jax
@pytest.mark.parametrize("name", ["STGCN", "STGCN, sparse", "GraphSTID", "PatchSTG", "ASTGCN"])
def test_devices_compute_what_one_device_does(run, name):
    assert run[name]["gap"] < 1e-5 < 1e-3 < run[name]["change"]


DIVIDED = {
    "STGCN": ["block1_norm/gamma", "output_norm/beta", "static_graph/graph"],
    "STGCN, sparse": ["block1_norm/beta", "output_norm/gamma"],
    "GraphSTID": ["adjacency/source", "adjacency/target", "node_embedding/embeddings"],
    "PatchSTG": ["node_embedding/embeddings"],
    "ASTGCN": ["block1_temporal_attention/u1", "block1_spatial_attention/v_s"],
}


@on_jax
@pytest.mark.parametrize("name", DIVIDED)
def test_variables_of_nodes_are_divided(run, name):
    shards = run[name]["shards"]
    for path in DIVIDED[name]:
        assert shards[path][0] == 8
    if name == "GraphSTID":
        assert shards["scaler/season"] == [48, 8, 1]
    assert shards["output/kernel"][1] == 3 and 16 not in shards["output/kernel"]


@on_jax
def test_outputs_of_layers_are_divided(run):
    inner = [f"block1_{name}/output" for name in ("align", "graph", "norm", "temporal1")]
    assert set(inner) < set(run["STGCN"]["outputs"])
    assert "static_graph/output" in run["STGCN"]["outputs"]
    assert "static_graph/output" not in run["STGCN, sparse"]["outputs"]
    assert "block1_breadth_attention/output" in run["PatchSTG"]["outputs"]  # patches of nodes
    assert "calendar_embedding/output" not in run["PatchSTG"]["outputs"]


@on_jax
def test_fast_forms_of_one_device_are_not_used():
    x = keras.ops.ones((2, 3))
    layout = keras.distribution.LayoutMap(mesh(1, 1))
    assert takes_fast_form(x) == on_cpu(x)
    with keras.distribution.ModelParallel(layout_map=layout).scope():
        assert not takes_fast_form(x)


def mesh(*shape, names=("windows", "nodes")):
    return keras.distribution.DeviceMesh(shape, names[: len(shape)], ["cpu:0"] * np.prod(shape))


@on_jax
@pytest.mark.parametrize(
    "model, mesh, error, message",
    [
        (keras.Sequential, mesh(1, 1), TypeError, "`model` must be a forecaster .* Sequential"),
        (None, (1, 4), TypeError, "`mesh` must be .* Received: mesh of type tuple. .*DeviceMesh"),
        (None, mesh(2), ValueError, "`mesh` must have two axes.* mesh.axis_names=.'windows',"),
        (None, mesh(1, 4), ValueError, "`mesh` must divide .* 4 devices for 6 nodes"),
    ],
)
def test_bad_arguments(model, mesh, error, message):
    model = models.STGCN(6, graph=GRAPH) if model is None else model()
    with pytest.raises(error, match=message):
        node_layout(model, mesh)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX divides variables")
def test_other_backends_are_refused():
    with pytest.raises(RuntimeError, match="`node_layout` needs the backend JAX.*Received: the ba"):
        node_layout(models.STGCN(6, graph=GRAPH), mesh(1, 1))
