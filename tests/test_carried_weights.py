"""Which weights of a model go where in a model with other sensors: the axes of nodes."""

import keras
import numpy as np
import pytest
from cases import dense
from conftest import on_fastest, once
from test_forecaster import NAMES, ROADS, SMALL

from stgkeras import graphs, models
from stgkeras.forecasting.initial import node_shares
from stgkeras.models.carried_weights import carry_weights

# The axes of nodes of each kind of weight, by hand from the equations. All others have none.
NODE_AXES = {
    ("NodeEmbedding", "embeddings"): (0,),
    ("AdaptiveAdjacency", "source"): (0,),
    ("AdaptiveAdjacency", "target"): (0,),
    ("SpatialAttention", "b_s"): (0, 1),
    ("SpatialAttention", "v_s"): (0, 1),
    ("TemporalAttention", "u1"): (0,),
    ("TemporalAttention", "u2"): (1,),
    ("ComponentFusion", "kernel"): (2,),
}
STGCN = {"block_filters": ((4, 4, 4),), "output_filters": (4, 4), "kernel_size": 2, "K": 2}
ASTGCN = {"num_blocks": 1, "spatial_filters": 4, "temporal_filters": 4, "K": 2}
WAVENET = {"residual_filters": 4, "dilation_filters": 4, "skip_filters": 4, "end_filters": 4}
WAVENET |= {"num_blocks": 1, "adaptive_units": 4}
COMPONENTS = {"input_length": {"recent": 4, "daily": 4}, "horizon": 4, "normalize": True}
# Four nodes, and four of nearly everything else: sizes do not show the axes of nodes.
MODELS = {
    "GraphSTID": (models.GraphSTID, {**SMALL, "node_units": 4, "adaptive_units": 4}),
    "GraphWaveNet": (models.GraphWaveNet, {**WAVENET, "input_length": 4}),
    "STGCN": (models.STGCN, {**STGCN, "input_length": 4}),
    "ASTGCN": (models.ASTGCN, {**ASTGCN, "input_length": 4, "num_features": 4}),
    "ASTGCN with components": (models.ASTGCN, {**ASTGCN, **COMPONENTS}),
    "ASTGCN with season": (models.ASTGCN, {**ASTGCN, "season": 4, "input_length": 4}),
    "ASTGCN, dot": (models.ASTGCN, {**ASTGCN, "temporal_score": "dot", "num_features": 3}),
    "MSTGCN": (models.ASTGCN, {**ASTGCN, "attention": False}),
}
FEW = ["GraphSTID", "STGCN", "ASTGCN with components"]
ONE_MORE = [[0, 1, 0, 1, 0], [1, 0, 1, 0, 0], [0, 1, 0, 0, 1], [1, 0, 0, 0, 1], [0, 0, 1, 1, 0.0]]
NEW = ("C", "X", "A", "D", "Y")  # B is gone; X is between C and A, Y between A and D


def operator(adjacency):
    return graphs.scaled_laplacian(np.asarray(adjacency))


def numbers(variable):
    return keras.ops.convert_to_numpy(variable)


@once
def test_new_sensors_have_the_mean_of_their_known_neighbours():
    found = node_shares(NEW, NAMES, np.array(ONE_MORE))
    expected = [[0, 0, 1, 0], [0.5, 0, 0.5, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0.5, 0, 0, 0.5]]
    np.testing.assert_array_equal(found, expected)
    one_way = np.zeros((3, 3))
    one_way[2, 0] = one_way[0, 1] = 5.0  # from A to Z, and from the new Y to A
    found = node_shares(("A", "Y", "Z"), NAMES, one_way)
    np.testing.assert_array_equal(found, [[1, 0, 0, 0]] * 3)
    alone = node_shares(("A", "Y", "Z"), NAMES, np.eye(3)[[0, 2, 1]])  # new neighbours alone
    np.testing.assert_array_equal(alone[1:], np.full((2, 4), 0.25))


@pytest.mark.parametrize("name", on_fastest([*MODELS], FEW))
def test_weights_go_to_the_sensors_of_their_names(name):
    build, arguments = MODELS[name]
    old = build(4, graph=operator(ROADS), **arguments)
    new = build(5, graph=operator(ONE_MORE), **arguments)
    rng = np.random.default_rng(0)
    for weight in old.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))
    graph = dense(new.graph).copy()
    shares = node_shares(NEW, NAMES, np.array(ONE_MORE))
    carry_weights(old, new, shares)
    np.testing.assert_array_equal(dense(new.graph), graph)
    nodes = 0
    for layer, other in zip(old.layers, new.layers, strict=True):
        for weight, found in zip(layer.trainable_weights, other.trainable_weights, strict=True):
            axes = NODE_AXES.get((type(layer).__name__, weight.name), ())
            if weight.name in ("gamma", "beta") and len(weight.shape) == 2:
                axes = (0,)
            each = 1
            if weight.name in ("query_kernel", "key_kernel"):
                axes, each = (0,), 3
            nodes += bool(axes)
            a, b = numbers(weight), numbers(found)
            for axis in axes:  # by the rules in words: copies, and means of two
                parts = np.split(a, 4, axis)  # of A, B, C, D
                assert parts[0].shape[axis] == each
                order = [parts[2], (parts[0] + parts[2]) / 2, parts[0], parts[3]]
                a = np.concatenate([*order, (parts[0] + parts[3]) / 2], axis)
            np.testing.assert_allclose(b, a, rtol=1e-6, err_msg=weight.path)
    assert nodes == {"GraphSTID": 3, "GraphWaveNet": 2, "STGCN": 4, "MSTGCN": 0}.get(name, nodes)
    assert nodes or name == "MSTGCN"


@once
def test_models_of_other_layers():
    build, arguments = MODELS["GraphSTID"]
    old = build(4, graph=operator(ROADS), **arguments)
    for change, received in (
        ({"units": 5}, r"kernel of shape .* instead"),
        ({"num_blocks": 2}, ""),
    ):
        new = build(4, graph=operator(ROADS), **{**arguments, **change})
        before = [numbers(w).copy() for w in new.weights]
        with pytest.raises(ValueError, match=f"`model` must have the same layers.*{received}"):
            carry_weights(old, new, np.eye(4))
        for one, weight in zip(before, new.weights, strict=True):
            np.testing.assert_array_equal(one, numbers(weight))
