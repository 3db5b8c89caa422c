"""Layers and models against outputs and gradients of published PyTorch implementations.

A case tells how a reference's arrays become ours. Weights are only transposed, stacked and
reshaped on the way, so that the same function carries their gradients over.
"""

import keras
import numpy as np
import pytest
import reference_files
from gradients import gradients
from keras import ops

from stgkeras import graphs, layers, models
from stgkeras.models.astgcn import astgcn_blocks
from stgkeras.models.stgcn import graph_layer, stgcn_block, stgcn_head

TOLERANCE = 1e-5  # of the largest entry


def from_bnft(x):
    """(B, N, F, T), the layout of ASTGCN's code, to (B, T, N, F)."""
    return x.transpose(0, 3, 1, 2)


def from_bctn(x):
    """(B, C, T, N), the layout of STGCN's code, to (B, T, N, C)."""
    return x.transpose(0, 2, 3, 1)


def transposed(scores):
    return scores.transpose(0, 2, 1)


def theta(w, prefix=""):
    return np.stack([w[f"{prefix}Theta.{k}"] for k in range(3)])


def time_kernel(weight):
    """A torch kernel (out, in, k, 1) as (k, in, out)."""
    return weight[..., 0].transpose(2, 1, 0)


def temporal_attention(w):
    names = {"u1": "U1", "u2": "U2", "u3": "U3", "v_e": "Ve"}
    return {ours: w[name] for ours, name in names.items()} | {"b_e": w["be"][0]}


def spatial_attention(w):
    names = {"w1": "W1", "w2": "W2", "w3": "W3", "v_s": "Vs"}
    return {ours: w[name] for ours, name in names.items()} | {"b_s": w["bs"][0]}


def under(name, weights):
    return {f"{name}/{key}": value for key, value in weights.items()}


def guo_block(w, prefix, name, attention=True):
    """The weights of an ASTGCN or MSTGCN block as `name/weight` of ours."""
    part = reference_files.group(w, prefix)
    conv, residual = part["time_conv.weight"], part["residual_conv.weight"]
    graph = "cheb_conv_SAt." if attention else "cheb_conv."
    ours = {
        f"{name}_graph/kernel": theta(part, graph),
        f"{name}_temporal/kernel": conv.transpose(3, 2, 1, 0),  # (out, in, 1, k) to (k, 1, in, out)
        f"{name}_temporal/bias": part["time_conv.bias"],
        f"{name}_residual/kernel": residual.transpose(3, 2, 1, 0),
        f"{name}_residual/bias": part["residual_conv.bias"],
        f"{name}_norm/gamma": part["ln.weight"],
        f"{name}_norm/beta": part["ln.bias"],
    }
    if attention:
        group = reference_files.group
        ours |= under(f"{name}_temporal_attention", temporal_attention(group(part, "TAt.")))
        ours |= under(f"{name}_spatial_attention", spatial_attention(group(part, "SAt.")))
    return ours


def guo_model(attention):
    def weights(w):
        final = w["final_conv.weight"][:, :, 0]  # (P, T, C)
        return {
            **guo_block(w, "BlockList.0.", "block1", attention),
            **guo_block(w, "BlockList.1.", "block2", attention),
            "output/kernel": final.reshape(len(final), -1).T,
            "output/bias": w["final_conv.bias"],
        }

    return weights


def gated(w, prefix=""):
    ours = {
        "kernel": time_kernel(w[f"{prefix}causal_conv.weight"]),
        "bias": w[f"{prefix}causal_conv.bias"],
    }
    if (align := w.get(f"{prefix}align.align_conv.weight")) is not None:
        if align.shape[1] > align.shape[0]:
            ours["align_kernel"] = align[:, :, 0, 0].T
            ours["align_bias"] = w[f"{prefix}align.align_conv.bias"]
    return ours


def graph_layer_weights(w, name):
    return {
        f"{name}_graph/kernel": w["cheb_graph_conv.weight"],
        f"{name}_graph/bias": w["cheb_graph_conv.bias"],
        f"{name}_align/kernel": w["align.align_conv.weight"][:, :, 0, 0].T,
        f"{name}_align/bias": w["align.align_conv.bias"],
    }


def stgcn_block_weights(w, prefix, name):
    part = reference_files.group(w, prefix)
    ours = {
        **under(f"{name}_temporal1", gated(part, "tmp_conv1.")),
        **under(f"{name}_temporal2", gated(part, "tmp_conv2.")),
        **graph_layer_weights(reference_files.group(part, "graph_conv."), name),
    }
    ours[f"{name}_norm/gamma"] = part["tc2_ln.weight"]
    ours[f"{name}_norm/beta"] = part["tc2_ln.bias"]
    return ours


def stgcn_head_weights(w, prefix):
    part = reference_files.group(w, prefix)
    return {
        **under("output_temporal", gated(part, "tmp_conv1.")),
        "output_norm/gamma": part["tc1_ln.weight"],
        "output_norm/beta": part["tc1_ln.bias"],
        "output_dense/kernel": part["fc1.weight"].T,
        "output_dense/bias": part["fc1.bias"],
        "output/kernel": part["fc2.weight"].T,
        "output/bias": part["fc2.bias"],
    }


def stgcn_weights(w):
    return {
        **stgcn_block_weights(w, "st_blocks.0.", "block1"),
        **stgcn_block_weights(w, "st_blocks.1.", "block2"),
        **stgcn_head_weights(w, "output."),
    }


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
    "time_stride": 1,
    "attention": True,
    "temporal_score": "bilinear",
    "spatial_score": "bilinear",
    "num_heads": 1,
}


def temporal_scores(x):
    layer = layers.TemporalAttention(name="layer")
    return layer(x, return_attention_scores=True)[1]


def block_of_astgcn(x, graph):
    return astgcn_blocks(x, graph, ASTGCN_ARGUMENTS)


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
    "guoshn_block_small": (
        part(block_of_astgcn),
        lambda a: [from_bnft(a["in/x"]), a["in/cheb"][1]],
        lambda w: guo_block(w, "", "block1"),
        from_bnft,
    ),
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
AXES_OF_X = {"guoshn": from_bnft, "hazdzz": from_bctn, "pyg": np.asarray}


def assert_close(ours, theirs, what, largest=0.0):
    # Single precision cannot carry gradients a million times smaller than the largest.
    tolerance = max(TOLERANCE * np.abs(theirs).max(), 1e-9 * largest)
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

    output = model([x, *others] if others else x)
    assert_close(ops.convert_to_numpy(output), axes_of(arrays["out64/y"]), "output")
    start = [x, *(ops.convert_to_numpy(v.value) for v in variables.values())]
    _, found = gradients(weighted_sum, start)
    expected = weights_of(reference_files.group(arrays, "g64/w/"))
    assert_close(found[0], AXES_OF_X[name.split("_")[0]](arrays["g64/in/x"]), "gradient of x")
    largest = max(np.abs(gradient).max() for gradient in expected.values())
    for path, gradient in zip(variables, found[1:], strict=True):
        if path in expected:
            assert_close(gradient, expected[path], f"gradient of {path}", largest)
    unmatched = set(variables) - set(weights)
    assert all(path.endswith("_graph/bias") for path in unmatched), unmatched
