"""How weights and axes of published implementations become ours.

Weights are only transposed, stacked and reshaped, so that the same functions carry their gradients.
"""

import numpy as np
import reference_files


def from_bnft(x):
    """(B, N, F, T), the layout of ASTGCN's code, to (B, T, N, F)."""
    return x.transpose(0, 3, 1, 2)


def from_bctn(x):
    """(B, C, T, N), the layout of STGCN's code, to (B, T, N, C)."""
    return x.transpose(0, 2, 3, 1)


def from_bcnt(x):
    """(B, C, N, T), the layout of Graph WaveNet's code, to (B, T, N, C)."""
    return x.transpose(0, 3, 2, 1)


def by_nodes(x):
    """(B, units, N, 1), the layout of STID's code, to (B, N, units)."""
    return x[..., 0].transpose(0, 2, 1)


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


def linear(weight):
    """The weight (out, in) of a linear map or a 1x1 convolution (out, in, 1, 1) as (in, out)."""
    return weight.reshape(weight.shape[:2]).T


def denses(w, names):
    """Kernels and biases of linear maps {ours: theirs}."""
    found = {f"{ours}/kernel": linear(w[f"{theirs}.weight"]) for ours, theirs in names.items()}
    return found | {f"{ours}/bias": w[f"{theirs}.bias"] for ours, theirs in names.items()}


def norms(w, names):
    """Scales and offsets of normalisations {ours: theirs}."""
    found = {f"{ours}/gamma": w[f"{theirs}.weight"] for ours, theirs in names.items()}
    return found | {f"{ours}/beta": w[f"{theirs}.bias"] for ours, theirs in names.items()}


def stid_block_weights(w, prefix, name):
    return denses(w, {f"{name}_dense": f"{prefix}fc1", f"{name}_output": f"{prefix}fc2"})


def attention_weights(w, name):
    kinds = [w[f"attn.FC_{part}.weight"].T for part in "QKV"]
    return {
        f"{name}/attention/input_kernel": np.concatenate(kinds, axis=1),
        f"{name}/attention/input_bias": np.concatenate([w[f"attn.FC_{p}.bias"] for p in "QKV"]),
        f"{name}/attention/output_kernel": w["attn.out_proj.weight"].T,
        f"{name}/attention/output_bias": w["attn.out_proj.bias"],
    }


def transformer_weights(w, name):
    maps = {f"{name}/dense": "feed_forward.0", f"{name}/output": "feed_forward.2"}
    found = attention_weights(w, name) | denses(w, maps)
    return found | norms(w, {f"{name}/attention_norm": "ln1", f"{name}/norm": "ln2"})


def staeformer_weights(w):
    found = {
        "calendar_embedding/day_embeddings": w.get("tod_embedding.weight"),
        "calendar_embedding/week_embeddings": w.get("dow_embedding.weight"),
        "node_embedding/embeddings": w.get("node_emb"),
        "adaptive_embedding/embeddings": w.get("adaptive_embedding"),
    }
    found = {name: value for name, value in found.items() if value is not None}
    parts = {"input_dense": "input_proj", "output": "output_proj", "output_steps": "temporal_proj"}
    found |= denses(w, {o: theirs for o, theirs in parts.items() if f"{theirs}.weight" in w})
    for axis, letter in (("time", "t"), ("nodes", "s")):
        for number in range(2):
            part = reference_files.group(w, f"attn_layers_{letter}.{number}.")
            found |= transformer_weights(part, f"{axis}{number + 1}")
    return found


def stid_weights(w):
    blocks = {name.split(".")[1] for name in w if name.startswith("encoder.")}
    found = {
        **denses(w, {"input_dense": "time_series_emb_layer", "output": "regression_layer"}),
        "node_embedding/embeddings": w["node_emb"],
        "calendar_embedding/day_embeddings": w.get("time_in_day_emb"),
        "calendar_embedding/week_embeddings": w.get("day_in_week_emb"),
    }
    for number in blocks:
        block = f"block{int(number) + 1}"
        found |= stid_block_weights(w, f"encoder.{number}.", block)
    return {name: value for name, value in found.items() if value is not None}


def stgcn_weights(w):
    return {
        **stgcn_block_weights(w, "st_blocks.0.", "block1"),
        **stgcn_block_weights(w, "st_blocks.1.", "block2"),
        **stgcn_head_weights(w, "output."),
    }
