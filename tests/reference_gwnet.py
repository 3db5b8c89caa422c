"""How Graph WaveNet's released code names its weights, and settings of its reference files."""

import numpy as np
from reference_weights import denses, time_kernel

PUBLISHED = {"kernel_size": 2, "num_blocks": 4, "num_layers": 2, "K": 2}
SMALL = {"residual_filters": 3, "dilation_filters": 4, "skip_filters": 5, "end_filters": 6}
SMALL |= {**PUBLISHED, "dropout": 0.0, "horizon": 12, "num_outputs": 1}
# file: arguments of our model
CASES = {
    "gwnet_double_adaptive": {**SMALL, "adaptive_units": 10},
    "gwnet_fixed": {**SMALL, "dilation_filters": 5, "adaptive_units": 0},
    "gwnet_no_graph": {**SMALL, "adaptive_units": 0},
}


def along_time(weight):
    """A torch kernel (out, in, 1, k) as (k, in, out)."""
    return time_kernel(weight.transpose(0, 1, 3, 2))


def diffusion(w, name, ours):
    """The input channels are the features of one term of the diffusion after the other."""
    weight = w[f"{name}.weight"][..., 0, 0]
    filters, features = len(weight), w[f"{name}.features"]
    kernel = weight.reshape(filters, -1, features).transpose(1, 2, 0)
    return {f"{ours}/kernel": kernel, f"{ours}/bias": w[f"{name}.bias"]}


def temporal(w, number, ours):
    parts = [
        {"weight": w[f"{one}_convs.{number}.weight"], "bias": w[f"{one}_convs.{number}.bias"]}
        for one in ("filter", "gate")
    ]
    kernel = np.concatenate([along_time(part["weight"]) for part in parts], axis=-1)
    return {f"{ours}/kernel": kernel, f"{ours}/bias": np.concatenate([p["bias"] for p in parts])}


def weights(w, count=8):
    """Our trainable weights. Those of the code without an effect are left out."""
    found = denses(w, {"input_dense": "start_conv"})
    found |= denses(w, {"output_dense": "end_conv_1"}) | denses(w, {"output": "end_conv_2"})
    if "nodevec1" in w:
        found |= {"adjacency/source": w["nodevec1"], "adjacency/target": w["nodevec2"].T}
    for number in range(count):
        ours = f"layer{number + 1}"
        found |= temporal(w, number, f"{ours}_temporal")
        found |= denses(w, {f"{ours}_skip": f"skip_convs.{number}"})
        if number == count - 1:
            break
        if f"gconv.{number}.mlp.mlp.weight" in w:
            features = w[f"skip_convs.{number}.weight"].shape[1]
            name = f"gconv.{number}.mlp.mlp"
            found |= diffusion({**w, f"{name}.features": features}, name, f"{ours}_graph")
        else:
            found |= denses(w, {f"{ours}_dense": f"residual_convs.{number}"})
        found |= {f"{ours}_norm/gamma": w[f"bn.{number}.weight"]}
        found |= {f"{ours}_norm/beta": w[f"bn.{number}.bias"]}
    return found


def statistics(buffers, count=8):
    """The moving statistics of our batch normalisations."""
    names = {"moving_mean": "running_mean", "moving_variance": "running_var"}
    return {
        f"layer{number + 1}_norm/{ours}": buffers[f"bn.{number}.{theirs}"]
        for number in range(count - 1)
        for ours, theirs in names.items()
    }
