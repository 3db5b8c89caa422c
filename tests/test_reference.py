"""Layers and models against outputs and gradients of published PyTorch implementations."""

import keras
import numpy as np
import pytest
import reference_fast
import reference_files
import reference_patchstg
import reference_zoo
from cases import evaluate
from gradients import gradients
from keras import ops
from reference_files import TOLERANCE, assert_close
from reference_weights import (
    from_bctn,
    from_bnft,
    gated,
    graph_layer_weights,
    guo_block,
    guo_model,
    spatial_attention,
    stgcn_block_weights,
    stgcn_head_weights,
    stgcn_weights,
    temporal_attention,
    theta,
    transformer_weights,
    transposed,
    under,
)
from reference_zoo import part

from stgkeras import graphs, layers, models
from stgkeras.models.astgcn import astgcn_blocks
from stgkeras.models.stgcn import graph_layer, stgcn_block, stgcn_head


def astgcn(**kwargs):
    return lambda arrays, inputs: models.ASTGCN(
        9,
        graph=arrays["in/cheb"][1],
        input_length=6,
        horizon=4,
        num_features=3,
        spatial_filters=4,
        temporal_filters=4,
        **kwargs,
    )


def stgcn(arrays, inputs):
    return models.STGCN(
        9,
        graph=arrays["in/gso"],
        horizon=3,
        num_features=2,
        block_filters=((4, 3, 5), (5, 3, 4)),
        output_filters=(6, 7),
        dropout=0.0,
    )


STGCN_ARGUMENTS = {
    "kernel_size": 3,
    "gate": "glu",
    "K": 3,
    "graph_conv": "cheb",
    "dropout": 0.0,
    "horizon": 2,
    "num_outputs": 1,
    "output_filters": (6, 7),
}
ASTGCN_ARGUMENTS = {
    "num_blocks": 1,
    "K": 3,
    "spatial_filters": 4,
    "temporal_filters": 5,
    "attention": True,
    "temporal_score": "bilinear",
    "spatial_score": "bilinear",
    "num_heads": 1,
}


def temporal_scores(x):
    layer = layers.TemporalAttention(name="layer")
    return layer(x, return_attention_scores=True)[1]


def block_of_astgcn(time_stride):
    arguments = {**ASTGCN_ARGUMENTS, "time_stride": time_stride}
    return (
        part(lambda x, graph: astgcn_blocks(x, graph, arguments)),
        lambda a: [from_bnft(a["in/x"]), a["in/cheb"][1]],
        lambda w: guo_block(w, "", "block1"),
        from_bnft,
    )


def graph_layer_of_stgcn(x, graph):
    return graph_layer(x, graph, 4, STGCN_ARGUMENTS, "block1")


def block_of_stgcn(x, graph):
    return stgcn_block(x, graph, (4, 3, 5), STGCN_ARGUMENTS, "block1")


def head_of_stgcn(x):
    return stgcn_head(x, STGCN_ARGUMENTS)


def cheb_conv(**kwargs):
    return part(layers.ChebConv(K=3, name="layer", **kwargs))


def pyg_inputs(operator):
    """PyG's signal and edge list, whose messages flow from row 0 to row 1."""

    def inputs(a):
        source, target = a["in/edge_index"]
        return [a["in/x"], operator(graphs.from_edges(source, target, a["in/edge_weight"]))]

    return inputs


def forecast(y):
    return y.transpose(0, 2, 1)[..., None]  # (B, N, horizon) to (B, horizon, N, 1)


# file: (our model, its inputs, our weights by layer and name, the output in our axes)
CASES = {
    "guoshn_temporal_attention_small": (
        part(temporal_scores),
        lambda a: [from_bnft(a["in/x"])],
        lambda w: under("layer", temporal_attention(w)),
        transposed,
    ),
    "guoshn_spatial_attention_small": (
        part(layers.SpatialAttention(name="layer")),
        lambda a: [from_bnft(a["in/x"])],
        lambda w: under("layer", spatial_attention(w)),
        transposed,
    ),
    "guoshn_chebSAt_und_w_K3": (
        cheb_conv(filters=4, activation="relu", use_bias=False),
        lambda a: [from_bnft(a["in/x"]), a["in/cheb"][1], transposed(a["in/S"])],
        lambda w: {"layer/kernel": theta(w)},
        from_bnft,
    ),
    "guoshn_cheb_noatt_und_w_K3": (
        cheb_conv(filters=4, activation="relu", use_bias=False),
        lambda a: [from_bnft(a["in/x"]), a["in/cheb"][1]],
        lambda w: {"layer/kernel": theta(w)},
        from_bnft,
    ),
    "guoshn_block_small": block_of_astgcn(1),
    "guoshn_block_small_stride2": block_of_astgcn(2),
    "guoshn_astgcn_small": (
        astgcn(),
        lambda a: [from_bnft(a["in/x"])],
        guo_model(attention=True),
        forecast,
    ),
    "guoshn_mstgcn_small": (
        astgcn(attention=False),
        lambda a: [from_bnft(a["in/x"])],
        guo_model(attention=False),
        forecast,
    ),
    "pyg_cheb_und_w_sym_lamNone_K3": (
        cheb_conv(filters=3),
        pyg_inputs(lambda adjacency: graphs.scaled_laplacian(adjacency, "sym", 2.0)),
        lambda w: {
            "layer/kernel": np.stack([w[f"lins.{k}.weight"].T for k in range(3)]),
            "layer/bias": w["bias"],
        },
        np.asarray,
    ),
    "pyg_gcn_und_w_loops1_norm1": (
        part(layers.GraphConv(3, name="layer")),
        pyg_inputs(graphs.renormalized_adjacency),
        lambda w: {"layer/kernel": w["lin.weight"].T, "layer/bias": w["bias"]},
        np.asarray,
    ),
    "hazdzz_tconv_up_glu": (
        part(layers.GatedTemporalConv(4, 3, name="layer")),
        lambda a: [from_bctn(a["in/x"])],
        lambda w: under("layer", gated(w)),
        from_bctn,
    ),
    "hazdzz_tconv_same_gtu": (
        part(layers.GatedTemporalConv(4, 3, gate="gtu", name="layer")),
        lambda a: [from_bctn(a["in/x"])],
        lambda w: under("layer", gated(w)),
        from_bctn,
    ),
    "hazdzz_gclayer_cheb_graph_conv_down": (
        part(graph_layer_of_stgcn),
        lambda a: [from_bctn(a["in/x"]), a["in/gso"]],
        lambda w: graph_layer_weights(w, "block1"),
        from_bctn,
    ),
    "hazdzz_stblock_cheb_graph_conv_glu": (
        part(block_of_stgcn),
        lambda a: [from_bctn(a["in/x"]), a["in/gso"]],
        lambda w: stgcn_block_weights(w, "", "block1"),
        from_bctn,
    ),
    "hazdzz_outblock_glu": (
        part(head_of_stgcn),
        lambda a: [from_bctn(a["in/x"])],
        lambda w: stgcn_head_weights(w, ""),
        lambda y: y.transpose(0, 1, 3, 2),  # (B, horizon, 1, N) to (B, horizon, N, 1)
    ),
    "hazdzz_stgcn_cheb_graph_conv_glu_n9_small": (
        stgcn,
        lambda a: [from_bctn(a["in/x"])],
        stgcn_weights,
        lambda y: y.transpose(0, 1, 3, 2),
    ),
}
for part_of_zoo in (reference_zoo, reference_patchstg, reference_fast):
    CASES |= part_of_zoo.CASES
AXES_OF_X = reference_patchstg.AXES_OF_X | reference_zoo.AXES_OF_X | reference_fast.AXES_OF_X
AXES_OF_X |= {"guoshn": from_bnft, "hazdzz": from_bctn, "pyg": np.asarray}


@pytest.mark.parametrize("name", CASES)
def test_output_and_gradients(name, quick_if_large):
    build, inputs_of, weights_of, axes_of = CASES[name]
    arrays = reference_files.load(name)
    x, *others = (array.astype("float32") for array in inputs_of(arrays))
    model = build(arrays, [x, *others])
    variables = {v.path: v for v in model.trainable_variables}
    weights = weights_of(reference_files.group(arrays, "w/"))
    for path, value in weights.items():
        variables[path].assign(value)
    cotangent = axes_of(arrays["in/cot"]).astype("float32")
    state = [v.value for v in model.non_trainable_variables]

    def weighted_sum(x, *trainable):
        y, _ = model.stateless_call(list(trainable), state, [x, *others] if others else x)
        return ops.sum(ops.multiply(y, cotangent))

    output = evaluate(lambda *given: model(list(given) if others else given[0]), x, *others)
    assert_close(output, axes_of(arrays["out64/y"]), "output")
    start = [x, *(ops.convert_to_numpy(v.value) for v in variables.values())]
    _, found = gradients(weighted_sum, start)
    expected = weights_of(reference_files.group(arrays, "g64/w/"))
    assert_close(found[0], AXES_OF_X[name.split("_")[0]](arrays["g64/in/x"]), "gradient of x")
    # Gradients of the whole ASTGCN pass a normalisation over four nearly equal features, which
    # magnifies rounding: 4e-6 to 1.1e-5 by backend and compiler flags. STAEformer too:
    # PyTorch itself loses 5e-6, TensorFlow without oneDNN 1.1e-5. And single precision cannot carry
    # gradients a million times smaller than the largest.
    deep = ("guoshn_astgcn_small", "guoshn_mstgcn_small", "staeformer_published")
    tolerance = 2 * TOLERANCE if name in deep else TOLERANCE
    floor = 1e-9 * max(np.abs(gradient).max() for gradient in expected.values())
    for path, gradient in zip(variables, found[1:], strict=True):
        if path in expected:
            assert_close(gradient, expected[path], f"gradient of {path}", tolerance, floor)
    unmatched = set(variables) - set(weights)
    assert all(path.endswith("_graph/bias") for path in unmatched), unmatched


def test_random_walks_are_those_of_graph_wavenet():
    """Their support is multiplied from the right, so that it is the transposed of our operator."""
    arrays = reference_files.load("gwnet_supports")
    adjacency = arrays["in/adjacency"]
    for name, matrix in (("transition", adjacency), ("transition_backward", adjacency.T)):
        found = graphs.random_walk(matrix)
        np.testing.assert_allclose(found, arrays[f"out32/{name}"], atol=1e-6)


def test_transformer_blocks_along_time_and_nodes():
    """One block of STAEformer along time, along nodes, and one after the other."""
    arrays = reference_files.load("staeformer_block")
    x = arrays["in/x"].astype("float32")
    weights = transformer_weights(reference_files.group(arrays, "w/"), "block")
    blocks = []
    for axis in ("time", "nodes"):
        signal = keras.Input(batch_shape=x.shape)
        block = layers.TransformerBlock(4, axis, 12, dropout=0.0, name="block")
        model = keras.Model(signal, block(signal))
        for variable in model.trainable_variables:
            variable.assign(weights[variable.path])
        blocks.append(model)
    along_time, along_nodes = blocks
    first = evaluate(along_time, x)
    assert_close(first, arrays["out64/y_time"], "time")
    assert_close(evaluate(along_nodes, x), arrays["out64/y_nodes"], "nodes")
    assert_close(evaluate(along_nodes, first), arrays["out64/y"], "both")
    attended = along_nodes.get_layer("block").attention
    assert_close(evaluate(attended, x), arrays["out64/attention_nodes"], "attention")
