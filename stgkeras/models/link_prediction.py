"""Link predictors with the blocks of STGCN and of ASTGCN."""

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
    """Link predictor with the blocks of STGCN: predicts the next graph from a window of graphs.

    The node features x (time, nodes, features) pass through several blocks, and then through a
    decoder, which returns one logit for each pair of nodes.

        block:    gated temporal convolution          combines the steps of each node
                  Chebyshev graph convolution, ReLU   combines neighbouring nodes at each step
                  gated temporal convolution
                  batch normalisation of each node, ReLU, dropout
        decoder:  all steps, nodes and features in one vector
                  dense layer, ReLU, dropout
                  dense layer: the logits of all pairs

    The sigmoid of a logit is the probability of the link. A temporal convolution shortens the
    window by kernel_size - 1 steps; a graph convolution then uses the graphs of the last steps.

    Args:
        num_blocks: int. Number of blocks. Default 2.
        filters: int. Number of filters of all convolutions. Default 32.
        kernel_size: int. Number of steps that a temporal convolution combines. Default 3.
        K: int ≥ 1. Number of Chebyshev terms. A graph convolution reaches K - 1 hops. Default 2.
        units: int. Number of units of the hidden dense layer of the decoder. Default 256.

    Call arguments:
        inputs: dict of tensors {"x": (batch, input_length, num_nodes, num_features), "graph": …}.
            With `num_history`, the dict also has "history" (batch, num_nodes, num_nodes, H). With
            `dynamic_graph=False`, "graph" is absent, and the tensor x can replace the dict.

    Returns:
        Tensor (batch, num_nodes, num_nodes): the probability of each link in the next graph.

    Raises:
        ValueError: if an argument is invalid, or `input_length` is too short for the blocks. When
            the model is used: if the graph or the scaler was never set, or an input has infinite
            values or NaN. With `normalize`, NaN in "x" is a missing value.

    Example:
        >>> import numpy as np, stgkeras
        >>> model = stgkeras.models.STGCNLinkPredictor()
        >>> x, graph = np.zeros((2, 10, 30, 6)), np.zeros((2, 10, 30, 30))
        >>> tuple(model({"x": x, "graph": graph}).shape)
        (2, 30, 30)

    Source:
        Blocks: Yu et al., 2018, arXiv:1709.04875, fig. 2. Departs from the paper: the residual
        connection of a temporal convolution is a third convolution; batch normalisation along the
        node axis replaces layer normalisation; the decoder predicts links.
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
    """Link predictor with the blocks of ASTGCN: predicts the next graph from a window of graphs.

    The node features x (time, nodes, features) pass through several blocks with attention, see
    `ASTGCN`. Then a linear map reduces all steps and features of each node to the state of the
    node, a vector of `node_values` numbers. A decoder maps the state of node n to the logits of all
    pairs (n, m):

        dense layer, layer normalisation, ReLU, dropout, dense layer with one output for each m

    The sigmoid of a logit is the probability of the link. All nodes share the weights of the linear
    map and of the decoder.

    Args:
        num_blocks, K, spatial_filters, temporal_filters, time_stride, attention, temporal_score,
            spatial_score, num_heads: as in `ASTGCN`, with the same defaults.
        node_values: int. Number of values in the state of a node. Use more than one value if links
            depend on which node it is, and not only on the features. Default 1.

    Call arguments:
        inputs: dict of tensors {"x": (batch, input_length, num_nodes, num_features), "graph": …}.
            With `num_history`, the dict also has "history" (batch, num_nodes, num_nodes, H). With
            `dynamic_graph=False`, "graph" is absent, and the tensor x can replace the dict.

    Returns:
        Tensor (batch, num_nodes, num_nodes): the probability of each link in the next graph.

    Raises:
        ValueError: if an argument is invalid. When the model is used: if the graph or the scaler
            was never set, or an input has infinite values or NaN. With `normalize`, NaN in "x" is a
            missing value.

    Example:
        >>> import numpy as np, stgkeras
        >>> model = stgkeras.models.ASTGCNLinkPredictor()
        >>> x, graph = np.zeros((2, 10, 30, 6)), np.zeros((2, 10, 30, 30))
        >>> tuple(model({"x": x, "graph": graph}).shape)
        (2, 30, 30)

    Source:
        Blocks: Guo et al., 2019, AAAI 33, sec. 4, see `ASTGCN`. Departs from the paper: the decoder
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
    """Computes the logits, or the node states. `LinkPredictor` describes the arguments."""
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
    """Computes the logits, or the node states. `LinkPredictor` describes the arguments."""
    x = astgcn_blocks(x, operator, arguments)
    x = linear_head(x, 1, arguments["node_values"], "node_value")[:, 0]  # (B, N, node_values)
    if arguments["decoder"] == "pairwise":
        return x
    x = layers.Dense(arguments["units"], name="output_dense")(x)
    x = CenteredLayerNormalization(epsilon=1e-5, name="output_norm")(x)
    x = layers.Dropout(arguments["dropout"], name="output_dropout")(ops.relu(x))
    return layers.Dense(arguments["num_nodes"], dtype="float32", name="output")(x)
