"""PatchSTG: the patches, the model in NumPy, and what it needs to know of places."""

import json
import math

import keras
import numpy as np
import numpy_zoo
import pytest
import reference_files
from cases import evaluate, predict, randomize
from conftest import once
from keras import ops
from numpy_layers import assert_close, layer_norm, normal
from reference_patchstg import block_weights, by_patch

from stgkeras import datasets, graphs, layers, models
from stgkeras.graphs.patches import unit_profiles
from stgkeras.models.patchstg import patch_block, tree_sizes

SMALL = {"input_units": 3, "day_units": 2, "week_units": 2, "node_units": 2, "num_blocks": 1}
SMALL |= {"steps_per_day": 24, "dropout": 0.0}


def places(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 2))


@once
@pytest.mark.parametrize("name", ["n11", "n50"])
def test_leaves_are_those_of_the_authors(name):
    arrays = reference_files.load(f"patchstg_kdtree_{name}")
    depth = json.loads(str(arrays["meta"]))["settings"]["times"]
    found = graphs.patches(arrays["in/locations"].T, depth)
    np.testing.assert_array_equal(np.argsort(found.slots), arrays["out/parts"])
    sizes = np.bincount(found.slots // found.nodes.shape[1])
    np.testing.assert_array_equal(sizes, arrays["out/part_sizes"])


@once
@pytest.mark.parametrize("name", ["n11", "n21_leaf4"])
def test_similar_profiles_fill_leaves_as_in_the_authors_code(name):
    arrays = reference_files.load(f"patchstg_fill_{name}")
    sizes = json.loads(str(arrays["meta"]))["settings"]
    points, profiles = arrays["in/locations"].T, arrays["in/profile"]
    nodes, slots = graphs.patches(points, sizes["times"], sizes["leaf"], profiles)
    np.testing.assert_array_equal(nodes.ravel(), arrays["out/reo_all_idx"])
    np.testing.assert_array_equal(slots[arrays["out/ori_parts_idx"]], arrays["out/reo_parts_idx"])
    cosine = unit_profiles(profiles, len(points))
    cosine = cosine @ cosine.T
    similarity = np.exp((cosine - cosine.mean()) / cosine.std())
    np.testing.assert_allclose(similarity, arrays["out/similarity"], rtol=1e-4)


@once
@pytest.mark.parametrize("depth, size", [(0, None), (1, 30), (3, None), (4, 7), (5, None)])
def test_every_node_has_a_slot_and_the_nearest_fill_the_rest(depth, size):
    points = places(50)
    points[10:20] = points[10]  # equal coordinates
    nodes, slots = graphs.patches(points, depth, size)
    np.testing.assert_array_equal(nodes.ravel()[slots], np.arange(50))
    own = np.bincount(slots // nodes.shape[1])
    assert own.max() - own.min() <= 1 and own.max() <= nodes.shape[1]
    for leaf, count in zip(nodes, own, strict=True):
        assert len(set(leaf)) == len(leaf) and (np.diff(leaf[:count]) > 0).all()
        distance = np.linalg.norm(points[leaf[:count], None] - points, axis=-1).min(axis=0)
        others = np.setdiff1d(np.arange(50), leaf)
        fill = distance[leaf[count:]]
        assert (np.diff(fill) >= 0).all()
        assert not len(fill) or fill.max() <= distance[others].min()


@once
def test_halves_of_equal_coordinates_keep_the_order_of_the_nodes():
    nodes, _ = graphs.patches([[1.0, 0], [0, 1], [1, 2], [1, 3], [0, 4]], 1)
    assert nodes[0, :2].tolist() == [1, 4] and nodes[1].tolist() == [0, 2, 3]
    assert graphs.patches([[7.0, 7]] * 6, 1).nodes.tolist() == [[0, 1, 2], [3, 4, 5]]


def numpy_block(h, axis, w, name):
    own = {k.removeprefix(f"{name}_"): v for k, v in w.items() if k.startswith(f"{name}_")}

    def norm(h, part):
        return layer_norm(
            h, axes=-1, epsilon=1e-5, gamma=own[f"{part}/gamma"], beta=own[f"{part}/beta"]
        )

    attention = {
        k.removeprefix("attention/"): v for k, v in own.items() if k.startswith("attention/")
    }
    h = h + numpy_zoo.axial_attention(norm(h, "attention_norm"), axis, 1, **attention)
    d = norm(h, "norm") @ own["dense/kernel"] + own["dense/bias"]
    d = d * (1 + np.vectorize(math.erf)(d / np.sqrt(2))) / 2
    return h + d @ own["output/kernel"] + own["output/bias"]


def numpy_patchstg(x, calendar, patches, count, w, horizon):
    """Each node and slot by itself."""
    samples, steps, num_nodes, features = x.shape
    tokens = []
    for n in range(num_nodes):
        clock = calendar * [1, 1 / 7]
        window = np.concatenate([x[:, :, n], clock], axis=-1).reshape(samples, -1)
        day = w["calendar_embedding/day_embeddings"]
        step = np.rint(calendar[:, -1, 0] * len(day)).astype(int)
        parts = [window @ w["input_dense/kernel"] + w["input_dense/bias"], day[step]]
        parts += [np.tile(w["node_embedding/embeddings"][n], (samples, 1))]
        tokens.append(np.concatenate(parts, axis=-1))
    h = np.stack([tokens[n] for n in patches.nodes.ravel()], axis=1)
    h = h.reshape(samples, count, -1, h.shape[-1])
    for block in (1, 2):
        h = numpy_block(h, "nodes", w, f"block{block}_depth")
        h = numpy_block(h, "time", w, f"block{block}_breadth")
    h = h.reshape(samples, -1, h.shape[-1])
    y = np.stack([h[:, slot] for slot in patches.slots], axis=1)
    y = (y @ w["output/kernel"] + w["output/bias"]).reshape(samples, num_nodes, horizon, -1)
    return y.transpose(0, 2, 1, 3)


def test_the_model_in_numpy():
    """Another number of patches, two features, a horizon longer than the window."""
    sizes = {"num_features": 2, "num_outputs": 2, "input_length": 5, "horizon": 7}
    arguments = {**SMALL, "week_units": 0, "num_blocks": 2, "num_patches": 2, "depth": 2}
    model = models.PatchSTG(13, places=places(13), **sizes, **arguments)
    randomize(model)
    calendar = datasets.calendar(np.datetime64("2024-01-05T20") + np.arange(10).astype("m8[h]"))
    inputs = {"x": normal(2, 5, 13, 2), "past_calendar": calendar.reshape(2, 5, 2)}
    weights = {v.path: keras.ops.convert_to_numpy(v).astype("float64") for v in model.weights}
    expected = numpy_patchstg(
        inputs["x"].astype("float64"), inputs["past_calendar"], model.patches, 2, weights, 7
    )
    assert_close(predict(model, inputs), expected)


@pytest.mark.parametrize("heads", [1, 2])
def test_dropout_of_the_weights_of_an_attention(heads):
    """With rate 0.5, each weight is 0 or twice as large; values that are 1 show the sums."""
    layer = layers.AxialAttention(heads, "nodes", dropout=0.5)
    x = np.ones((2, 3, 4, 2), "float32")
    layer.build(x.shape)
    kernel = np.zeros((2, 6))
    layer.input_kernel.assign(kernel)
    layer.input_bias.assign([0, 0, 0, 0, 1, 1])
    layer.output_kernel.assign(np.eye(2))
    np.testing.assert_allclose(evaluate(layer, x), 1.0, rtol=1e-6)
    found = ops.convert_to_numpy(layer(x, training=True))  # of 4 weights, k are kept: k / 2
    np.testing.assert_allclose(2 * found, np.round(2 * found), atol=1e-5)
    assert found.std() > 0.1 and found.max() <= 2.001


@once
def test_depth_attention_is_that_of_the_authors():
    arrays = reference_files.load("patchstg_block")
    x = by_patch(arrays["in/x"]).astype("float32")
    signal = keras.Input(batch_shape=x.shape)
    model = keras.Model(signal, patch_block(signal, "nodes", 0.0, "block1_depth"))
    weights = block_weights(reference_files.group(arrays, "w/"))
    for variable in model.trainable_variables:
        variable.assign(weights[variable.path])
    normed = evaluate(model.get_layer("block1_depth_attention_norm"), x)
    found = evaluate(model.get_layer("block1_depth_attention"), normed)
    reference_files.assert_close(found, by_patch(arrays["out64/depth_attention"]), "attention")


@once
def test_sizes_follow_from_the_number_of_nodes():
    assert [tree_sizes(n, None, None, 1) for n in (1, 2, 3, 207, 2000, 8600)] == [
        (1, 0, 1),
        (2, 1, 1),
        (2, 1, 2),
        (16, 4, 13),
        (64, 6, 32),
        (128, 7, 68),
    ]
    assert tree_sizes(716, 16, 9, 1) == (16, 9, 2)  # as published for San Diego
    for nodes in range(1, 300):
        count, depth, size = tree_sizes(nodes, None, None, 1)
        assert 2**depth == count <= nodes and count * size >= nodes and size <= count


def test_a_model_from_its_config_needs_patches():
    model = models.PatchSTG(9, places=places(9), **SMALL)
    copy = models.PatchSTG.from_config(json.loads(json.dumps(model.get_config())))
    inputs = {"x": normal(1, 12, 9, 1), "past_calendar": np.zeros((1, 12, 2), "float32")}
    with pytest.raises(ValueError, match="`patches` must be given before.*Pass `places` to the"):
        copy.predict(inputs, verbose=0)
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.patches.nodes, model.patches.nodes)
    np.testing.assert_allclose(
        copy.predict(inputs, verbose=0), model.predict(inputs, verbose=0), rtol=1e-5
    )
    similar = graphs.patches(places(9), 2, profiles=normal(9, 24))
    copy.patches = similar
    np.testing.assert_array_equal(copy.patches.nodes, similar.nodes.ravel())


@once
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"places": places(8)}, r"`places` must have shape \(num_nodes, 2\) = \(9, 2\).*\(8, 2\)"),
        ({"places": places(2)}, r"`places` must have shape \(num_nodes, 2\) = \(9, 2\).*\(2, 2\)"),
        ({"places": places(99)}, r"`places` must have shape \(num_nodes, 2\) .*\(99, 2\)"),
        ({"places": places(9).T}, r"`places` must have shape \(num_nodes, 2\) .*\(2, 9\)"),
        ({"places": np.full((9, 2), np.nan)}, "`places` must be finite"),
        ({"num_patches": 3}, "`num_patches` must be a power of 2.*num_patches=3.*example, 2"),
        ({"num_patches": 16}, "at most the number of nodes.*num_patches=16, num_nodes=9"),
        ({"num_patches": 4, "depth": 1}, "`depth` must be from 2 .*to 3.*depth=1"),
        ({"depth": 4}, "`depth` must be from 2 .*Received: depth=4"),
        ({"leaf_size": 10}, "`leaf_size` must be at most the number of nodes.*leaf_size=10"),
        ({"graph": np.eye(9)}, "`graph` must be None, because PatchSTG reads no graph"),
        ({"input_length": {"recent": 6}}, "`input_length` must be an integer"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        models.PatchSTG(9, **{**SMALL, **arguments})


@once
@pytest.mark.parametrize(
    ("patches", "message"),
    [
        (np.arange(12), "Received: "),
        ((np.arange(9), np.arange(9)), r"Received: 9 slots, of \(9,\) nodes"),
        ((np.zeros(12, int), np.arange(9)), "a node in the slot of another one"),
        ((np.full(12, 9), np.arange(9)), "a node in the slot of another one"),
        ((np.zeros(12), np.arange(9)), "dtype float64"),
    ],
)
def test_bad_patches(patches, message):
    model = models.PatchSTG(9, **SMALL)
    with pytest.raises(ValueError, match=f"`patches` must be the node in each of 12.*{message}"):
        model.patches = patches
