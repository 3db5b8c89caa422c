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
    """Spatial and temporal identity with graph convolutions, for forecasts on a graph.

    What a node has read in its windows is one vector. A learned vector of the node is appended, a
    dense layer mixes the two, and residual blocks follow, each of a dense layer, a Chebyshev
    convolution on the given graph and a first-order convolution on a graph that is learned; one
    linear map gives all steps of the forecast. Without convolution along time it trains several
    times faster than STGCN.

    Args:
        units: int. Units of the dense layers and filters of the graph convolutions.
        num_blocks: int. Number of blocks.
        K: int. Number of Chebyshev terms; 1 leaves the given graph out.
        node_units: int ≥ 0. Length of the nodes' learned vectors; 0 leaves them out.
        adaptive_units: int ≥ 0. Length of the vectors that the learned graph is made of; 0 leaves
            it out.
        dropout: float. Share of values dropped before the last dense layer of a block.

    Call arguments:
        x: (batch, input_length, num_nodes, num_features), or {"recent": …, …} with several
            components; with `season` also "calendar", (batch, horizon, 2), the
            `datasets.calendar` of the steps to predict.

    Returns:
        (batch, horizon, num_nodes, num_outputs).

    Raises:
        ValueError: on a bad argument; in use, if graph, scaler or season was never given, or the
            data hold NaN or infinite numbers. With a scaler or a season, NaN in `x` is a missing
            reading.

    Example:
        >>> import numpy as np, stgkeras
        >>> adjacency = stgkeras.graphs.knn_graph(np.random.default_rng(0).random((5, 2)), 2)
        >>> graph = stgkeras.graphs.scaled_laplacian(np.maximum(adjacency, adjacency.T))
        >>> model = stgkeras.models.GraphSTID(5, graph=graph, horizon=3)
        >>> tuple(model(np.zeros((2, 12, 5, 1), "float32")).shape)
        (2, 3, 5, 1)

    Source:
        Shao et al., 2022, arXiv:2208.05233 (STID). Departs from the paper: the graph convolutions
        (Defferrard et al., 2016; the learned graph of Wu et al., 2019, arXiv:1906.00121) are added,
        and the identity of the time is the season rather than learned vectors of hours and days.
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
    """The network of GraphSTID, see `Forecaster`."""
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


def graph_stid_block(x, operator, learned, arguments, name):
    """Adds to x what a dense layer and the graph convolutions make of it, (B, N, units)."""
    units = arguments["units"]
    own = layers.Dense(units, activation="relu", name=f"{name}_dense")(x)
    chebyshev = ChebConv(units, arguments["K"], activation="relu", name=f"{name}_graph")
    parts = [own, chebyshev(own, operator)]
    if learned is not None:
        parts.append(GraphConv(units, activation="relu", name=f"{name}_adaptive")(own, learned))
    y = ops.concatenate(parts, axis=-1)
    y = layers.Dropout(arguments["dropout"], name=f"{name}_dropout")(y)
    return x + layers.Dense(units, name=f"{name}_output")(y)
