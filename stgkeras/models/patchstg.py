from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from stgkeras import graphs
from stgkeras.graphs._checks import as_dense
from stgkeras.kernels import gelu
from stgkeras.layers import (
    AxialAttention,
    CalendarEmbedding,
    CenteredLayerNormalization,
    NodeEmbedding,
    StaticPatches,
    _checks,
)
from stgkeras.layers.bit_dropout import BitDropout
from stgkeras.models.forecaster import Forecaster
from stgkeras.models.model_inputs import by_node, forecast_head, with_calendar
from stgkeras.types import Array, Tensor


@keras.saving.register_keras_serializable("stgkeras")
class PatchSTG(Forecaster):
    """Patches of near sensors (PatchSTG): attention inside patches, then across patches.

        h = (linear map of the window of the node) ‖ time of day ‖ day of the week ‖ node
        blocks, each inside patches (depth), then across patches (breadth):
            h = h + dropout of attention of (layer normalisation of h)
            h = h + dropout of W2 dropout(GELU(W1 layer normalisation of h))
        forecast = linear map of h

    Time of day, day of the week and node are trainable vectors, and ‖ is concatenation. The time is
    that of the last step of the window. `graphs.patches` divides the places of the nodes into
    patches of S slots: the leaves of a k-d tree. Depth attention is that among the nodes of a
    patch. Breadth attention is that among the nodes in the same slot of all P patches. The cost is
    proportional to N (S + P) instead of N², so that the model is for thousands of nodes. No graph
    is used. Patches with fewer nodes are filled with nodes of other patches. In both attentions,
    these nodes count as any others, as in the released code.

    Args:
        places: None, or array (num_nodes, 2): latitude and longitude of each node, or other
            coordinates. The model saves the patches with its weights, and not the places. With
            None, set `model.patches` or load weights before the model is used.
            `stgkeras.Forecaster` takes the places of the series, which has them if its graph is a
            table of coordinates. Default None.
        num_patches: None, or int: the number of patches, a power of 2. Default None: the smallest
            one with patches of at most `num_patches` nodes, about √N.
        depth: None, or int: the depth of the tree, at least log2(num_patches). With a larger depth,
            a patch consists of neighbouring leaves, each with its own slots and filled by itself,
            as in the published settings. Default None: a leaf is a patch.
        leaf_size: int. Number of slots of a leaf, if its nodes do not need more. Default 1.
        steps_per_day: int. Number of steps in a day. Default 288, steps of 5 minutes.
        input_units: int. Length of the linear map of the window. Default 64.
        day_units, week_units, node_units: int ≥ 0. Lengths of the vectors of the time of day, the
            day of the week and the node. 0 means no such vector. Default 32.
        num_blocks: int. Number of blocks. Default 5.
        dropout: float, 0 ≤ dropout < 1. Fraction of values, and of weights of the attention, that
            are set to 0 in training. Default 0.1.

    Call arguments:
        x: dict of "x", tensor (batch, input_length, num_nodes, num_features); "past_calendar"
            (batch, input_length, 2), the `datasets.calendar` of these steps, see
            `datasets.Windows`; and with `season`, "calendar" (batch, horizon, 2).

    Returns:
        Tensor (batch, horizon, num_nodes, num_outputs).

    Raises:
        ValueError: if an argument is invalid. When the model is used: if the patches, the scaler or
            the season were never set, or an input has infinite values or NaN. With `normalize` or
            `season`, NaN in a signal is a missing reading.

    Example:
        >>> import numpy as np, stgkeras
        >>> places = np.random.default_rng(0).random((20, 2))
        >>> model = stgkeras.models.PatchSTG(20, places=places, steps_per_day=24, num_blocks=1)
        >>> x = {"x": np.zeros((2, 12, 20, 1)), "past_calendar": np.zeros((2, 12, 2))}
        >>> tuple(model(x).shape)
        (2, 12, 20, 1)

    Source:
        Fang et al., 2025, arXiv:2412.09972, section 4, with the dropout of the released code.
        Departs from the code: the nearest nodes fill a leaf, where the code takes those with the
        most similar mean days (set `model.patches = graphs.patches(…, profiles=…)` for these);
        any horizon is possible, where the code has that of the window; with `normalize` or
        `season`, missing readings are the mean or the season, where the code reads zeros.
    """

    takes_graph, reads_calendar, takes_components, takes_places = False, True, False, True

    def __init__(
        self,
        num_nodes: int,
        *,
        places: Array | None = None,
        input_length: int = 12,
        num_patches: int | None = None,
        depth: int | None = None,
        leaf_size: int = 1,
        steps_per_day: int = 288,
        input_units: int = 64,
        day_units: int = 32,
        week_units: int = 32,
        node_units: int = 32,
        num_blocks: int = 5,
        dropout: float = 0.1,
        **common: Any,
    ) -> None:
        own = {
            "num_patches": num_patches,
            "depth": depth,
            "leaf_size": _checks.integer("leaf_size", leaf_size),
            "steps_per_day": _checks.integer("steps_per_day", steps_per_day),
            "input_units": _checks.integer("input_units", input_units),
            "day_units": _checks.integer("day_units", day_units, 0),
            "week_units": _checks.integer("week_units", week_units, 0),
            "node_units": _checks.integer("node_units", node_units, 0),
            "num_blocks": _checks.integer("num_blocks", num_blocks),
            "dropout": _checks.fraction("dropout", dropout),
        }
        count, depth, size = tree_sizes(num_nodes, num_patches, depth, leaf_size)
        patches = None
        if places is not None:
            found = as_dense("places", places).shape
            if found != (num_nodes, 2):
                raise ValueError(
                    f"`places` must have shape (num_nodes, 2) = ({num_nodes}, 2). Received: "
                    f"places.shape={found}. Pass the place of each node."
                )
            patches = graphs.patches(places, depth, size)
        layer = StaticPatches(num_nodes, 2**depth * size, patches, name="static_patches")

        def network(signals, calendar, arguments):
            stored = {"count": count, **layer(calendar)}
            return patchstg(signals, calendar, stored, arguments)

        super().__init__(network, own, None, num_nodes, input_length=input_length, **common)

    @property
    def patches(self) -> graphs.Patches:
        """`graphs.Patches`: the node in each slot, and the own slot of each node.

        Can be set to a result of `graphs.patches` with as many slots.
        """
        return self.get_layer("static_patches").patches

    @patches.setter
    def patches(self, patches: Sequence[Array]) -> None:
        self.get_layer("static_patches").patches = patches


def tree_sizes(
    num_nodes: int, num_patches: int | None, depth: int | None, leaf_size: int
) -> tuple[int, int, int]:
    """Returns the number of patches, the depth of the tree, and the number of slots of a leaf.

    Raises:
        ValueError: if there are more leaves than nodes, or `num_patches` is no power of 2.
    """
    nodes = _checks.integer("num_nodes", num_nodes)
    if num_patches is None:
        num_patches = 1
        while num_patches**2 < nodes:
            num_patches *= 2
    count = _checks.integer("num_patches", num_patches)
    least = count.bit_length() - 1
    if count > nodes or count != 2**least:
        raise ValueError(
            "`num_patches` must be a power of 2, and at most the number of nodes. Received: "
            f"num_patches={num_patches}, num_nodes={nodes}. Omit it, or pass, for example, "
            f"{2 ** min(least, nodes.bit_length() - 1)}."
        )
    depth = least if depth is None else _checks.integer("depth", depth, 0)
    if not least <= depth < nodes.bit_length():
        raise ValueError(
            f"`depth` must be from {least} (for {count} patches) to {nodes.bit_length() - 1} (for "
            f"{nodes} nodes). Received: depth={depth}. Omit it, or pass a depth in this range."
        )
    if leaf_size > nodes:
        raise ValueError(
            f"`leaf_size` must be at most the number of nodes. Received: leaf_size={leaf_size}, "
            f"num_nodes={nodes}. Omit it, or pass a smaller one."
        )
    return count, depth, max(leaf_size, -(-nodes // 2**depth))


def patchstg(
    signals: Mapping[str, Tensor],
    calendar: Tensor,
    patches: Mapping[str, Any],
    arguments: Mapping[str, Any],
) -> Tensor:
    """Computes the forecast of PatchSTG. `Forecaster` describes most arguments.

    Args:
        patches: dict of the number of patches "count", and the tensors "nodes" and "slots" of
            `layers.StaticPatches`.
    """
    nodes = arguments["num_nodes"]
    week = ops.concatenate([calendar[..., :1], calendar[..., 1:] / 7], axis=-1)
    h = by_node(with_calendar(signals["recent"], week))
    h = layers.Dense(arguments["input_units"], name="input_dense")(h)
    sizes = arguments["steps_per_day"], arguments["day_units"], arguments["week_units"]
    if any(sizes[1:]):
        known = CalendarEmbedding(*sizes, name="calendar_embedding")(calendar[:, -1:])
        h = ops.concatenate([h, ops.repeat(known, nodes, axis=1)], axis=-1)
    if arguments["node_units"]:
        h = NodeEmbedding(arguments["node_units"], name="node_embedding")(h)
    units, slots = h.shape[-1], patches["nodes"].shape[0]
    h = ops.take(h, patches["nodes"], axis=1)
    h = ops.reshape(h, (-1, patches["count"], slots // patches["count"], units))
    for number in range(1, arguments["num_blocks"] + 1):
        for axis, name in (("nodes", "depth"), ("time", "breadth")):
            h = patch_block(h, axis, arguments["dropout"], f"block{number}_{name}")
    horizon, num_outputs = arguments["horizon"], arguments["num_outputs"]
    y = layers.Dense(horizon * num_outputs, dtype="float32", name="output")(h)
    y = ops.reshape(y, (-1, slots, horizon * num_outputs))
    y = ops.take(y, patches["slots"], axis=1)
    return forecast_head(y, horizon, num_outputs)


def patch_block(h: Tensor, axis: str, dropout: float, name: str) -> Tensor:
    """Computes the depth or the breadth half of a block of PatchSTG.

    Args:
        h: (batch, patches, slots, units).
        axis: "nodes" for attention inside a patch, "time" for attention across patches.
        dropout: float.
        name: str. Start of the names of the layers.

    Returns:
        A tensor of the shape of `h`.
    """
    units = h.shape[-1]
    a = CenteredLayerNormalization(epsilon=1e-5, name=f"{name}_attention_norm")(h)
    a = AxialAttention(1, axis, dropout=dropout, name=f"{name}_attention")(a)
    h = h + BitDropout(dropout, name=f"{name}_attention_dropout")(a)
    d = CenteredLayerNormalization(epsilon=1e-5, name=f"{name}_norm")(h)
    d = layers.Dense(units, activation=gelu, name=f"{name}_dense")(d)
    d = BitDropout(dropout, name=f"{name}_inner_dropout")(d)
    d = layers.Dense(units, name=f"{name}_output")(d)
    return h + BitDropout(dropout, name=f"{name}_dropout")(d)
