"""Layers and models against outputs and gradients of published PyTorch implementations."""

import keras
import numpy as np
import pytest
import reference_files
from cases import evaluate
from gradients import gradients
from keras import ops
from reference_weights import (
    from_bctn,
    from_bnft,
    gated,
    graph_layer_weights,
    guo_block,
    guo_model,
    spatial_attention,
    staeformer_weights,
    stgcn_block_weights,
    stgcn_head_weights,
    stgcn_weights,
    stid_block_weights,
    stid_weights,
    temporal_attention,
    theta,
    transformer_weights,
    transposed,
    under,
)

from stgkeras import graphs, layers, models
from stgkeras.models.astgcn import astgcn_blocks
from stgkeras.models.staeformer import staeformer, transformer_block
from stgkeras.models.stgcn import graph_layer, stgcn_block, stgcn_head
from stgkeras.models.stid import stid, stid_block

TOLERANCE = 1e-5  # of the largest entry


def by_nodes(x):
    """(B, units, N, 1), the layout of STID's code, to (B, N, units)."""
    return x[..., 0].transpose(0, 2, 1)


def part(layer):
    """Builds a model of one layer, or of a function of tensors, for inputs of given shapes."""

    def build(arrays, inputs):
        tensors = [keras.Input(batch_shape=x.shape) for x in inputs]
        return keras.Model(tensors if len(tensors) > 1 else tensors[0], layer(*tensors))

    return build


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


def stid_of(num_nodes, horizon=12, calendar_features=True, **sizes):
    """STID of the reference's widths, on the value and the calendar of its three channels."""
    arguments = {"num_nodes": num_nodes, "horizon": horizon, "num_outputs": 1, "dropout": 0.0}
    arguments |= {"steps_per_day": 32, "units": 6, "node_units": 5, "day_units": 4, "num_blocks": 3}
    arguments |= {"week_units": 3, "calendar_features": calendar_features, **sizes}

    def network(x, calendar):
        return stid({"recent": x}, calendar, arguments)

    inputs = lambda a: [a["in/x"][..., :1], a["in/x"][:, :, 0, 1:]]  # noqa: E731
    return part(network), inputs, stid_weights, np.asarray


TRANSFORMER = {"num_heads": 4, "feed_forward_units": 12, "dropout": 0.0}


def staeformer_of(num_nodes, horizon=12, **sizes):
    arguments = {"num_nodes": num_nodes, "horizon": horizon, "num_outputs": 1, "num_blocks": 2}
    arguments |= {"steps_per_day": 32, "input_units": 3, "day_units": 2, "week_units": 2}
    arguments |= {"node_units": 0, "adaptive_units": 5, "calendar_features": True}
    arguments |= {**TRANSFORMER, "feed_forward_units": 8, "mixed_output": True, **sizes}

    def network(x, calendar):
        return staeformer({"recent": x}, calendar, arguments)

    inputs = lambda a: [a["in/x"][..., :1], a["in/x"][:, :, 0, 1:]]  # noqa: E731
    return part(network), inputs, staeformer_weights, np.asarray


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
    "staeformer_published": staeformer_of(8),
    "staeformer_spatial_tod_unmixed": staeformer_of(
        7,
        horizon=9,
        day_units=4,
        week_units=0,
        node_units=5,
        adaptive_units=0,
        num_heads=2,
        calendar_features=False,
        mixed_output=False,
    ),
    "stid_full": stid_of(8),
    "stid_node_tod": stid_of(7, calendar_features=False, num_blocks=2, week_units=0),
    "stid_node_dow_h24": stid_of(9, 24, day_units=0, week_units=6),
    "stid_mlp": (
        part(lambda h: stid_block(h, 0.0, "block")),
        lambda a: [by_nodes(a["in/x"])],
        lambda w: stid_block_weights(w, "", "block"),
        by_nodes,
    ),
}
AXES_OF_X = {"guoshn": from_bnft, "hazdzz": from_bctn, "pyg": np.asarray}
AXES_OF_X["stid"] = lambda x: x[..., :1] if x.ndim == 4 and x.shape[-1] == 3 else by_nodes(x)
AXES_OF_X["staeformer"] = lambda x: x[..., :1]


def assert_close(ours, theirs, what, tolerance=TOLERANCE, floor=0.0):
    tolerance = max(tolerance * np.abs(theirs).max(), floor)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance, err_msg=what)


@pytest.mark.parametrize("name", CASES)
def test_output_and_gradients(name):
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
    # magnifies rounding: 4e-6 to 1.1e-5 by backend and compiler flags. And single precision cannot
    # carry gradients a million times smaller than the largest.
    tolerance = (
        2 * TOLERANCE if name in ("guoshn_astgcn_small", "guoshn_mstgcn_small") else TOLERANCE
    )
    floor = 1e-9 * max(np.abs(gradient).max() for gradient in expected.values())
    for path, gradient in zip(variables, found[1:], strict=True):
        if path in expected:
            assert_close(gradient, expected[path], f"gradient of {path}", tolerance, floor)
    unmatched = set(variables) - set(weights)
    assert all(path.endswith("_graph/bias") for path in unmatched), unmatched


def test_transformer_blocks_along_time_and_nodes():
    """One block of STAEformer along time, along nodes, and one after the other."""
    arrays = reference_files.load("staeformer_block")
    x = arrays["in/x"].astype("float32")
    weights = transformer_weights(reference_files.group(arrays, "w/"), "block")
    blocks = []
    for axis in ("time", "nodes"):
        signal = keras.Input(batch_shape=x.shape)
        model = keras.Model(signal, transformer_block(signal, axis, TRANSFORMER, "block"))
        for variable in model.trainable_variables:
            variable.assign(weights[variable.path])
        blocks.append(model)
    along_time, along_nodes = blocks
    first = evaluate(along_time, x)
    assert_close(first, arrays["out64/y_time"], "time")
    assert_close(evaluate(along_nodes, x), arrays["out64/y_nodes"], "nodes")
    assert_close(evaluate(along_nodes, first), arrays["out64/y"], "both")
    attended = along_nodes.get_layer("block_attention")
    assert_close(evaluate(attended, x), arrays["out64/attention_nodes"], "attention")
