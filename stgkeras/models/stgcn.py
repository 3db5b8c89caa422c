from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers, ops

from stgkeras.layers import (
    CenteredLayerNormalization,
    ChebConv,
    GatedTemporalConv,
    GraphConv,
    RenormalizedAdjacency,
    ScaledLaplacian,
    _checks,
)
from stgkeras.layers.bit_dropout import BitDropout
from stgkeras.models.forecaster import Forecaster
from stgkeras.models.model_inputs import forecast_head
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class STGCN(Forecaster):
    """Spatio-temporal graph convolutional network, for forecasts of signals on a graph.

    Blocks of gated temporal convolution, graph convolution and gated temporal convolution, each
    closed by layer normalisation over nodes and features and dropout; then a gated temporal
    convolution over all steps that are left, and two dense layers.

    Args:
        graph: None, or the (N, N) operator, array or scipy sparse: `graphs.scaled_laplacian(A)` for
            "cheb", `graphs.renormalized_adjacency(A)` for "gcn". Travels with the weights. With
            `None` it must be set, `model.graph = …`, or loaded with weights before use.
        input_length: int. Number of input steps T.
        block_filters: a triple of filters a block: temporal, graph, temporal.
        output_filters: filters of the last temporal convolution and units of the dense layer.
        kernel_size: int. Steps that a temporal convolution sees; a block takes 2·(kernel_size - 1).
        K: int. Number of Chebyshev terms of "cheb".
        gate: "glu" or "gtu".
        graph_conv: "cheb" (ChebConv) or "gcn" (GraphConv).
        dropout: float. Share of values dropped after each block and before the last layer.
        dynamic_graph: False; "sample" for a graph input (batch, N, N); "step" for (batch, T, N, N).
            The graph input is a non-negative adjacency, which the model normalises itself. After a
            temporal convolution the graphs of the last steps are used.

    Call arguments:
        x: (batch, input_length, num_nodes, num_features), or {"x": …, "graph": …} with
            `dynamic_graph`; with `season` also "calendar", (batch, horizon, 2), the
            `datasets.calendar` of the steps to predict.

    Returns:
        (batch, horizon, num_nodes, num_outputs).

    Raises:
        ValueError: on a bad argument, or if `input_length` is too short for the blocks; in use, if
            graph, scaler or season was never given, or the data hold NaN or infinite numbers. With
            a scaler or a season, NaN in `x` is a missing reading.

    Example:
        >>> import numpy as np, stgkeras
        >>> adjacency = stgkeras.graphs.knn_graph(np.random.default_rng(0).random((5, 2)), 2)
        >>> graph = stgkeras.graphs.scaled_laplacian(np.maximum(adjacency, adjacency.T))
        >>> model = stgkeras.models.STGCN(5, graph=graph, horizon=3)
        >>> tuple(model(np.zeros((2, 12, 5, 1), "float32")).shape)
        (2, 3, 5, 1)

    Source:
        Yu et al., 2018, arXiv:1709.04875. Departs from the paper: forecasts all steps at once;
        layer normalisation has ε = 1e-12 and, as in the authors' code, follows each block and
        precedes the dense layers.
    """

    takes_components = False

    def __init__(
        self,
        num_nodes: int,
        *,
        horizon: int = 1,
        block_filters: Sequence[Sequence[int]] = ((64, 16, 64), (64, 16, 64)),
        output_filters: Sequence[int] = (128, 128),
        kernel_size: int = 3,
        K: int = 3,
        gate: str = "glu",
        graph_conv: str = "cheb",
        dropout: float = 0.5,
        dynamic_graph: bool | str = False,
        **common: Any,
    ) -> None:
        own = {
            "block_filters": tuple(map(tuple, block_filters)),
            "output_filters": tuple(output_filters),
            "kernel_size": _checks.integer("kernel_size", kernel_size),
            "K": _checks.integer("K", K),
            "gate": gate,
            "graph_conv": _checks.one_of("graph_conv", graph_conv, ("cheb", "gcn")),
            "dropout": _checks.fraction("dropout", dropout),
            "dynamic_graph": dynamic_graph,
        }
        if any(len(filters) != 3 for filters in own["block_filters"]):
            raise ValueError(
                "`block_filters` must hold triples (temporal, graph, temporal). "
                f"Received: block_filters={block_filters!r}"
            )
        if len(own["output_filters"]) != 2:
            raise ValueError(
                "`output_filters` must be a pair (temporal filters, dense units). "
                f"Received: output_filters={output_filters!r}"
            )
        normalization = ScaledLaplacian() if graph_conv == "cheb" else RenormalizedAdjacency()
        super().__init__(stgcn, own, normalization, num_nodes, horizon=horizon, **common)


def stgcn(signals: Mapping[str, Tensor], operator: Tensor, arguments: Mapping[str, Any]) -> Tensor:
    """The network of STGCN, see `Forecaster`."""
    blocks = arguments["block_filters"]
    _checks.length_for_blocks(arguments["input_length"], len(blocks), arguments["kernel_size"])
    x = signals["recent"]
    for number, filters in enumerate(blocks, start=1):
        x = stgcn_block(x, operator, filters, arguments, f"block{number}")
    return stgcn_head(x, arguments)


def stgcn_block(x, operator, filters, arguments, name):
    """The block 'TGTND': temporal, graph, temporal, normalisation, dropout."""
    kernel_size, gate = arguments["kernel_size"], arguments["gate"]
    first, middle, last = filters
    x = GatedTemporalConv(first, kernel_size, gate=gate, name=f"{name}_temporal1")(x)
    x = ops.relu(graph_layer(x, operator_at(operator, x), middle, arguments, name))
    x = GatedTemporalConv(last, kernel_size, gate=gate, name=f"{name}_temporal2")(x)
    x = CenteredLayerNormalization((-2, -1), epsilon=1e-12, name=f"{name}_norm")(x)
    return BitDropout(arguments["dropout"], name=f"{name}_dropout")(x)


def graph_layer(x, operator, filters, arguments, name):
    """Features aligned to `filters`, plus their graph convolution."""
    if x.shape[-1] > filters:
        x = layers.Dense(filters, name=f"{name}_align")(x)
    else:
        missing = filters - x.shape[-1]
        x = ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, missing))) if missing else x
    if arguments["graph_conv"] == "cheb":
        y = ChebConv(filters, arguments["K"], name=f"{name}_graph")(x, operator)
    else:
        y = GraphConv(filters, name=f"{name}_graph")(x, operator)
    return x + y


def stgcn_head(x, arguments):
    """The head 'TNFF': temporal convolution over all steps, normalisation, two dense layers."""
    horizon, num_outputs = arguments["horizon"], arguments["num_outputs"]
    filters, units = arguments["output_filters"]
    x = GatedTemporalConv(filters, x.shape[1], gate=arguments["gate"], name="output_temporal")(x)
    x = CenteredLayerNormalization((-2, -1), epsilon=1e-12, name="output_norm")(x)
    x = layers.Dense(units, activation="relu", name="output_dense")(x[:, 0])  # (B, N, units)
    x = BitDropout(arguments["dropout"], name="output_dropout")(x)
    x = layers.Dense(horizon * num_outputs, dtype="float32", name="output")(x)
    return forecast_head(x, horizon, num_outputs)


def operator_at(operator, x):
    """The operator for the steps of x: of one graph a step, those of the last steps."""
    if isinstance(operator, dict) or len(operator.shape) < 4:
        return operator
    return operator[:, operator.shape[1] - x.shape[1] :]
