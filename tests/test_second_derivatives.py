"""Products of second derivatives against central differences of the gradients, in float64."""

import keras
import numpy as np
import pytest
from conftest import on_fastest
from gradients import double_precision
from keras import ops
from layer_cases import LAYERS
from model_cases import inputs_of, make
from second_derivatives import products

MODELS = [
    "stgcn",
    "stgcn-sparse",
    "astgcn",
    "astgcn-dot-additive",
    "astgcn-step-stride",
    "mstgcn",
    "graph-stid",
    "graph-stid-sparse",
    "graph-wavenet",
    "stgcn-links",
    "astgcn-links",
    "chebnet",
    "chebnet-nodes",
]
# Layers that hold a graph pass nothing of their input on, and a scaler is linear in it.
DERIVED = [name for name in LAYERS if "static" not in name and "scaler" not in name]


@pytest.fixture(autouse=True)
def in_double_precision():
    with double_precision():
        yield


def assert_right(layer, inputs, **kwargs):
    """Of the sum of the outputs, weighted by random numbers, by all inputs and trainable weights
    that are floats."""
    leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(inputs)]
    where = [number for number, leaf in enumerate(leaves) if leaf.dtype.kind == "f"]
    state = [v.value for v in layer.non_trainable_variables]
    rng = np.random.default_rng(1)
    weights_of_outputs = []

    def function(*tensors):
        given = [ops.convert_to_tensor(leaf) for leaf in leaves]
        for number, tensor in zip(where, tensors, strict=False):
            given[number] = tensor
        given = keras.tree.pack_sequence_as(inputs, given)
        given = given if isinstance(given, list) else [given]
        trainable = list(tensors[len(where) :])
        outputs, _ = layer.stateless_call(trainable, state, *given, **kwargs)
        outputs = keras.tree.flatten(outputs)
        if not weights_of_outputs:
            weights_of_outputs.extend(rng.standard_normal(y.shape) for y in outputs)
        pairs = zip(outputs, weights_of_outputs, strict=True)
        return sum(ops.sum(y * ops.convert_to_tensor(w)) for y, w in pairs)

    start = [leaves[number].astype("float64") for number in where]
    start += [ops.convert_to_numpy(v.value) for v in layer.trainable_variables]
    directions = [rng.standard_normal(array.shape) for array in start]
    ways, expected = products(function, start, directions)
    largest = max(np.abs(array).max() for array in expected)
    for way in ways:
        for ours, theirs in zip(way, expected, strict=True):
            assert ours.dtype == "float64"
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6 * max(1.0, largest))


# Without those that others of the list contain.
CONTAINED = ("cheb-no-time", "gated-none", "temporal-dot-one-head", "norm-plain")
FEW = [name for name in DERIVED if name not in CONTAINED]


@pytest.mark.parametrize("name", on_fastest(DERIVED, FEW))
def test_of_a_layer(name):
    case = LAYERS[name]
    layer = case.build(dtype="float64")
    assert_right(layer, list(case.arrays(2).values()), **case.call)


# A sparse graph, attention, a graph for each step, and a model of nodes.
FEW_MODELS = ["astgcn-dot-additive", "stgcn-links", "graph-stid-sparse", "chebnet-nodes"]


@pytest.mark.parametrize("name", on_fastest(MODELS, FEW_MODELS))
def test_of_a_model(name):
    model = make(name)
    inputs = inputs_of(model, batch=2)
    if isinstance(inputs, dict) and "graph" in inputs:
        inputs["graph"] += 0.5  # a node that receives nothing has no derivative
    assert_right(model, inputs)
