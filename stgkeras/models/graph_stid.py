from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers, ops

from stgkeras.layers import AdaptiveAdjacency, ChebConv, GraphConv, NodeEmbedding, _checks
from stgkeras.models.forecaster import Forecaster
from stgkeras.models.model_inputs import by_node, forecast_head
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class GraphSTID(Forecaster):
    """Spatial and temporal identity (STID) with graph convolutions: forecasts signals on a graph.

    For each node, all readings in the input window form one vector x. With several components, x
    contains the readings of all components. The model computes

        h = linear map of (x, e)       e is a trainable vector of the node (node embedding)
        blocks, each of:
            d = dense layer with ReLU of h
            c = ReLU(Chebyshev convolution of d on the given graph)
            g = ReLU(first-order graph convolution of d on a learned graph)
            h = h + linear map of dropout of (d, c, g)
        forecast = linear map of h

    All nodes share all weights, except e and the learned graph. Because there is no convolution
    along time, GraphSTID trains several times faster than STGCN.

    Args:
        units: int. Number of units of the dense layers, and of filters of the graph convolutions.
            Default 64.
        num_blocks: int. Number of blocks. Default 3.
        K: int ≥ 1. Number of Chebyshev terms. With K=1 the given graph has no effect. Default 3.
        node_units: int ≥ 0. Length of the vector e of each node. 0 means no vector. Default 16.
        adaptive_units: int ≥ 0. Each node has two trainable vectors of this length. The vectors
            define the learned graph, see `layers.AdaptiveAdjacency`. 0 means no learned graph.
            Default 10.
        dropout: float, 0 ≤ dropout < 1. Fraction of values that are set to 0 in training. Default
            0.1.

    Call arguments:
        x: tensor (batch, input_length, num_nodes, num_features), or a dict of tensors: {"recent":
            …, "daily": …} with components. With `season`, the dict also has "calendar" (batch,
            horizon, 2), the `datasets.calendar` of the predicted steps.

    Returns:
        Tensor (batch, horizon, num_nodes, num_outputs).

    Raises:
        ValueError: if an argument is invalid. When the model is used: if the graph, the scaler or
            the season was never set, or an input has infinite values or NaN. With `normalize` or
            `season`, NaN in a signal is a missing reading.

    Example:
        >>> import numpy as np, stgkeras
        >>> adjacency = stgkeras.graphs.knn_graph(np.random.default_rng(0).random((5, 2)), 2)
        >>> graph = stgkeras.graphs.scaled_laplacian(np.maximum(adjacency, adjacency.T))
        >>> model = stgkeras.models.GraphSTID(5, graph=graph, horizon=3)
        >>> tuple(model(np.zeros((2, 12, 5, 1), "float32")).shape)
        (2, 3, 5, 1)

    Source:
        Shao et al., 2022, arXiv:2208.05233 (STID). Departs from the paper: adds graph convolutions
        (Defferrard et al., 2016, arXiv:1606.09375) and a learned graph (Wu et al., 2019,
        arXiv:1906.00121); `season` replaces the trainable vectors for hours and days.
    """

    def __init__(
        self,
        num_nodes: int,
        *,
        units: int = 64,
        num_blocks: int = 3,
        K: int = 3,
        node_units: int = 16,
        adaptive_units: int = 10,
        dropout: float = 0.1,
        **common: Any,
    ) -> None:
        own = {
            "units": _checks.integer("units", units),
            "num_blocks": _checks.integer("num_blocks", num_blocks),
            "K": _checks.integer("K", K),
            "node_units": _checks.integer("node_units", node_units, 0),
            "adaptive_units": _checks.integer("adaptive_units", adaptive_units, 0),
            "dropout": _checks.fraction("dropout", dropout),
        }
        super().__init__(graph_stid, own, None, num_nodes, **common)


def graph_stid(
    signals: Mapping[str, Tensor], operator: Tensor, arguments: Mapping[str, Any]
) -> Tensor:
    """Computes the forecast of GraphSTID. `Forecaster` describes the arguments."""
    horizon, num_outputs = arguments["horizon"], arguments["num_outputs"]
    x = ops.concatenate([by_node(x) for x in signals.values()], axis=-1)
    if arguments["node_units"]:
        x = NodeEmbedding(arguments["node_units"], name="node_embedding")(x)
    x = layers.Dense(arguments["units"], name="input_dense")(x)
    learned = None
    if arguments["adaptive_units"]:
        learned = AdaptiveAdjacency(arguments["adaptive_units"], name="adjacency")(x)
    for number in range(1, arguments["num_blocks"] + 1):
        x = graph_stid_block(x, operator, learned, arguments, f"block{number}")
    x = layers.Dense(horizon * num_outputs, dtype="float32", name="output")(x)
    return forecast_head(x, horizon, num_outputs)


def graph_stid_block(
    x: Tensor,
    operator: Tensor,
    learned: Tensor | None,
    arguments: Mapping[str, Any],
    name: str,
) -> Tensor:
    """Computes one block of GraphSTID.

    Args:
        x: (batch, nodes, units).
        operator: operator of the given graph.
        learned: None, or the operator of the learned graph.
        arguments: dict of the arguments of the model.
        name: str. Start of the names of all layers.

    Returns:
        (batch, nodes, units).
    """
    units = arguments["units"]
    own = layers.Dense(units, activation="relu", name=f"{name}_dense")(x)
    chebyshev = ChebConv(units, arguments["K"], activation="relu", name=f"{name}_graph")
    parts = [own, chebyshev(own, operator)]
    if learned is not None:
        parts.append(GraphConv(units, activation="relu", name=f"{name}_adaptive")(own, learned))
    y = ops.concatenate(parts, axis=-1)
    y = layers.Dropout(arguments["dropout"], name=f"{name}_dropout")(y)
    return x + layers.Dense(units, name=f"{name}_output")(y)
