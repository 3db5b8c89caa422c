"""STID and STAEformer as cases of `test_reference.py`."""

import keras
import numpy as np
from reference_weights import (
    by_nodes,
    from_bcnt,
    staeformer_weights,
    stid_block_weights,
    stid_weights,
)

from stgkeras import layers
from stgkeras.models.staeformer import staeformer
from stgkeras.models.stid import stid, stid_block


def part(layer):
    """Builds a model of one layer, or of a function of tensors, for inputs of given shapes."""

    def build(arrays, inputs):
        tensors = [keras.Input(batch_shape=x.shape) for x in inputs]
        return keras.Model(tensors if len(tensors) > 1 else tensors[0], layer(*tensors))

    return build


def stid_of(num_nodes, horizon=12, calendar_features=True, **sizes):
    """STID of the reference's widths, on the value and the calendar of its three channels."""
    arguments = {"num_nodes": num_nodes, "horizon": horizon, "num_outputs": 1, "dropout": 0.0}
    arguments |= {"steps_per_day": 32, "units": 6, "node_units": 5, "day_units": 4, "num_blocks": 3}
    arguments |= {"week_units": 3, "calendar_features": calendar_features, **sizes}

    def network(x, calendar):
        return stid({"recent": x}, calendar, arguments)

    inputs = lambda a: [a["in/x"][..., :1], a["in/x"][:, :, 0, 1:]]  # noqa: E731
    return part(network), inputs, stid_weights, np.asarray


def staeformer_of(num_nodes, horizon=12, **sizes):
    arguments = {"num_nodes": num_nodes, "horizon": horizon, "num_outputs": 1, "num_blocks": 2}
    arguments |= {"steps_per_day": 32, "input_units": 3, "day_units": 2, "week_units": 2}
    arguments |= {"node_units": 0, "adaptive_units": 5, "calendar_features": True}
    arguments |= {"num_heads": 4, "feed_forward_units": 8, "dropout": 0.0, "mixed_output": True}
    arguments |= {"spatial_attention": "exact", "random_features": 8, **sizes}

    def network(x, calendar):
        return staeformer({"recent": x}, calendar, arguments)

    inputs = lambda a: [a["in/x"][..., :1], a["in/x"][:, :, 0, 1:]]  # noqa: E731
    return part(network), inputs, staeformer_weights, np.asarray


def diffusion(x, forward, backward):
    return layers.DiffusionConv(5, K=2, name="layer")(x, [forward, backward])


def diffusion_weights(w):
    weight = w["mlp.mlp.weight"][..., 0, 0]  # (5, 5 terms of 3 features)
    kernel = weight.reshape(5, 5, 3).transpose(1, 2, 0)
    return {"layer/kernel": kernel, "layer/bias": w["mlp.mlp.bias"]}


CASES = {
    "gwnet_gcn_dir": (
        part(diffusion),
        lambda a: [from_bcnt(a["in/x"]), a["in/support0"].T, a["in/support1"].T],
        diffusion_weights,
        from_bcnt,
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
AXES_OF_X = {"gwnet": from_bcnt}
AXES_OF_X["stid"] = lambda x: x[..., :1] if x.ndim == 4 and x.shape[-1] == 3 else by_nodes(x)
AXES_OF_X["staeformer"] = lambda x: x[..., :1]
