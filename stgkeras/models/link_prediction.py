"""STGCN and ASTGCN as predictors of the links of the next graph."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from stgkeras.layers import CenteredLayerNormalization, ChebConv, GatedTemporalConv, _checks
from stgkeras.models.astgcn import astgcn_blocks, block_arguments, linear_head
from stgkeras.models.link_predictor import LinkPredictor
from stgkeras.models.model_inputs import by_node
from stgkeras.models.stgcn import operator_at


@keras.saving.register_keras_serializable("stgkeras")
class STGCNLinkPredictor(LinkPredictor):
    """Predicts the next graph from a window of graphs, with the convolutions of STGCN.

    Blocks of gated temporal convolution, Chebyshev graph convolution and gated temporal
    convolution, batch normalisation over nodes, ReLU and dropout; all that is left is flattened
    and mapped by two dense layers to one logit a pair.

    Args:
        num_blocks: int. Number of blocks.
        filters: int. Filters of all convolutions.
        kernel_size: int. Steps that a temporal convolution sees; a block takes 2·(kernel_size - 1).
        K: int. Number of Chebyshev terms.
        dropout: float. Share of values dropped after each block and before the last layer.

    Call arguments:
        {"x": (batch, input_length, num_nodes, num_features), "graph": …}, or x alone with
        `dynamic_graph=False`; with `num_history` also "history", (batch, num_nodes, num_nodes, H).

    Returns:
        (batch, num_nodes, num_nodes), the probability of each link in the next graph.

    Raises:
        ValueError: on a bad argument, or if `input_length` is too short for the blocks; in use, if
            graph or scaler was never given, or the data hold NaN or infinite numbers. With a
            scaler, NaN in `x` is a missing reading.

    Example:
        >>> import numpy as np, stgkeras
        >>> model = stgkeras.models.STGCNLinkPredictor()
        >>> x, graph = np.zeros((2, 10, 30, 6)), np.zeros((2, 10, 30, 30))
        >>> tuple(model({"x": x, "graph": graph}).shape)
        (2, 30, 30)

    Source:
        Blocks: Yu et al., 2018, arXiv:1709.04875, fig. 2. Departs from the paper: temporal
        convolutions have a third, residual convolution, normalisation is by batch over the node
        axis, and the head predicts links.
    """

    def __init__(
        self,
        num_nodes: int = 30,
        *,
        num_blocks: int = 2,
        filters: int = 32,
        kernel_size: int = 3,
        K: int = 2,
        units: int = 256,
        **common: Any,
    ) -> None:
        own = {
            "num_blocks": _checks.integer("num_blocks", num_blocks),
            "filters": _checks.integer("filters", filters),
            "kernel_size": _checks.integer("kernel_size", kernel_size),
            "K": _checks.integer("K", K),
        }
        super().__init__(_stgcn_links, own, num_nodes, units=units, **common)


@keras.saving.register_keras_serializable("stgkeras")
class ASTGCNLinkPredictor(LinkPredictor):
    """Predicts the next graph from a window of graphs, with the attention blocks of ASTGCN.

    The blocks and linear map of ASTGCN reduce the window to one value a node, or a few; dense
    layers with normalisation, shared by all nodes, turn them into that node's logits.

    Args:
        num_blocks, K, spatial_filters, temporal_filters, time_stride, attention, temporal_score,
            spatial_score, num_heads: as in `ASTGCN`.
        node_values: int. Values a node that reach the dense layers. One has to tell nodes apart
            and describe them at once; where links follow node identity, take more.
        dropout: float. Share of values dropped before the last layer.

    Call arguments:
        {"x": (batch, input_length, num_nodes, num_features), "graph": …}, or x alone with
        `dynamic_graph=False`; with `num_history` also "history", (batch, num_nodes, num_nodes, H).

    Returns:
        (batch, num_nodes, num_nodes), the probability of each link in the next graph.

    Raises:
        ValueError: on a bad argument; in use, if graph or scaler was never given, or the data hold
            NaN or infinite numbers. With a scaler, NaN in `x` is a missing reading.

    Example:
        >>> import numpy as np, stgkeras
        >>> model = stgkeras.models.ASTGCNLinkPredictor()
        >>> x, graph = np.zeros((2, 10, 30, 6)), np.zeros((2, 10, 30, 30))
        >>> tuple(model({"x": x, "graph": graph}).shape)
        (2, 30, 30)

    Source:
        Blocks: Guo et al., 2019, AAAI 33, sec. 4, see `ASTGCN`. Departs from the paper: the head
        predicts links.
    """

    def __init__(
        self,
        num_nodes: int = 30,
        *,
        num_blocks: int = 2,
        K: int = 3,
        spatial_filters: int = 64,
        temporal_filters: int = 64,
        time_stride: int = 1,
        attention: bool = True,
        temporal_score: str = "bilinear",
        spatial_score: str = "bilinear",
        num_heads: int = 1,
        node_values: int = 1,
        **common: Any,
    ) -> None:
        own = block_arguments(
            num_blocks=num_blocks,
            K=K,
            spatial_filters=spatial_filters,
            temporal_filters=temporal_filters,
            time_stride=time_stride,
            num_heads=num_heads,
            attention=attention,
            temporal_score=temporal_score,
            spatial_score=spatial_score,
        )
        own["node_values"] = _checks.integer("node_values", node_values)
        super().__init__(_astgcn_links, own, num_nodes, **common)


def _stgcn_links(x, operator, arguments):
    """The network of STGCNLinkPredictor, see `LinkPredictor`."""
    filters, kernel_size = arguments["filters"], arguments["kernel_size"]
    num_blocks, num_nodes = arguments["num_blocks"], arguments["num_nodes"]
    _checks.length_for_blocks(arguments["input_length"], num_blocks, kernel_size)

    def temporal(x, name):
        return GatedTemporalConv(filters, kernel_size, residual="conv", name=name)(x)

    for number in range(1, num_blocks + 1):
        name = f"block{number}"
        x = temporal(x, f"{name}_temporal1")
        x = ChebConv(filters, arguments["K"], activation="relu", name=f"{name}_graph")(
            x, operator_at(operator, x)
        )
        x = temporal(x, f"{name}_temporal2")
        x = layers.BatchNormalization(2, momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)
        x = layers.Dropout(arguments["dropout"], name=f"{name}_dropout")(ops.relu(x))
    if arguments["decoder"] == "pairwise":
        return by_node(x)
    x = layers.Dense(arguments["units"], activation="relu", name="output_dense")(
        layers.Flatten()(x)
    )
    x = layers.Dropout(arguments["dropout"], name="output_dropout")(x)
    x = layers.Dense(num_nodes * num_nodes, dtype="float32", name="output")(x)
    return ops.reshape(x, (-1, num_nodes, num_nodes))


def _astgcn_links(x, operator, arguments):
    """The network of ASTGCNLinkPredictor, see `LinkPredictor`."""
    x = astgcn_blocks(x, operator, arguments)
    x = linear_head(x, 1, arguments["node_values"], "node_value")[:, 0]  # (B, N, node_values)
    if arguments["decoder"] == "pairwise":
        return x
    x = layers.Dense(arguments["units"], name="output_dense")(x)
    x = CenteredLayerNormalization(epsilon=1e-5, name="output_norm")(x)
    x = layers.Dropout(arguments["dropout"], name="output_dropout")(ops.relu(x))
    return layers.Dense(arguments["num_nodes"], dtype="float32", name="output")(x)
