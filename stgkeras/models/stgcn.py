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
    """Spatio-temporal graph convolutional network (STGCN): forecasts signals on a graph.

    The input x (time, nodes, features) passes through several blocks, and then through a head.

        block:  gated temporal convolution     combines the steps of each node
                graph convolution, ReLU        combines neighbouring nodes at each step
                gated temporal convolution
                layer normalisation over nodes and features, dropout
        head:   gated temporal convolution over all remaining steps, which leaves one step
                layer normalisation over nodes and features
                dense layer, ReLU, dropout
                dense layer                    returns the forecast of each node

    All nodes share the weights of convolutions and dense layers. A temporal convolution shortens
    the window by kernel_size - 1 steps. The input of each graph convolution is added to its output.

    Args:
        graph: None, or the graph operator, an (N, N) array or SciPy sparse array:
            `graphs.scaled_laplacian(A)` for "cheb", `graphs.renormalized_adjacency(A)` for "gcn".
            The model saves it with the weights. With None, set `model.graph` or load weights before
            the model is used. Default None.
        input_length: int. Number of input steps T. It must be more than 2 · (kernel_size - 1) times
            the number of blocks. Default 12.
        block_filters: sequence with three ints for each block: the numbers of filters of the first
            temporal convolution, of the graph convolution and of the second temporal convolution.
            Default ((64, 16, 64), (64, 16, 64)).
        output_filters: pair of ints. Number of filters of the temporal convolution in the head, and
            number of units of its first dense layer. Default (128, 128).
        kernel_size: int. Number of steps that a temporal convolution combines. Default 3.
        K: int ≥ 1. Number of Chebyshev terms of "cheb", which reaches K - 1 hops. Default 3.
        gate: str. "glu" or "gtu", see `layers.GatedTemporalConv`. Default "glu".
        graph_conv: str. "cheb" (`layers.ChebConv`) or "gcn" (`layers.GraphConv`). Default "cheb".
        dropout: float, 0 ≤ dropout < 1. Fraction of values that are set to 0 in training. Default
            0.5.
        dynamic_graph: str or False. False: the fixed `graph` is used. "sample": the model has an
            input "graph" (batch, N, N), one graph for each sample. "step": the input is (batch, T,
            N, N), one graph for each step. The input contains non-negative adjacencies. The model
            computes the graph operators. With "step", a graph convolution on a shortened window
            uses the graphs of the last steps. Default False.

    Call arguments:
        x: tensor (batch, input_length, num_nodes, num_features), or a dict of tensors: {"x": …,
            "graph": …} with `dynamic_graph`. With `season`, the dict also has "calendar" (batch,
            horizon, 2), the `datasets.calendar` of the predicted steps.

    Returns:
        Tensor (batch, horizon, num_nodes, num_outputs).

    Raises:
        ValueError: if an argument is invalid, or `input_length` is too short for the blocks. When
            the model is used: if the graph, the scaler or the season was never set, or an input has
            infinite values or NaN. With `normalize` or `season`, NaN in `x` is a missing reading.

    Example:
        >>> import numpy as np, stgkeras
        >>> adjacency = stgkeras.graphs.knn_graph(np.random.default_rng(0).random((5, 2)), 2)
        >>> graph = stgkeras.graphs.scaled_laplacian(np.maximum(adjacency, adjacency.T))
        >>> model = stgkeras.models.STGCN(5, graph=graph, horizon=3)
        >>> tuple(model(np.zeros((2, 12, 5, 1), "float32")).shape)
        (2, 3, 5, 1)

    Source:
        Yu et al., 2018, arXiv:1709.04875. Departs from the paper: the model forecasts all steps at
        once. As in the authors' code, there is a layer normalisation (ε = 1e-12) after each block
        and before the dense layers.
    """

    takes_components = False

    def __init__(
        self,
        num_nodes: int,
        *,
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
            "block_filters": tuple(
                _checks.integers("block_filters", block)
                for block in _checks.sequence("block_filters", block_filters)
            ),
            "output_filters": _checks.integers("output_filters", output_filters),
            "kernel_size": _checks.integer("kernel_size", kernel_size),
            "K": _checks.integer("K", K),
            "gate": _checks.one_of("gate", gate, ("glu", "gtu")),
            "graph_conv": _checks.one_of("graph_conv", graph_conv, ("cheb", "gcn")),
            "dropout": _checks.fraction("dropout", dropout),
            "dynamic_graph": dynamic_graph,
        }
        if any(len(filters) != 3 for filters in own["block_filters"]):
            raise ValueError(
                "`block_filters` must hold triples (temporal, graph, temporal). "
                f"Received: block_filters={block_filters!r}. Give three numbers of filters for "
                "each block, such as (64, 16, 64)."
            )
        if len(own["output_filters"]) != 2:
            raise ValueError(
                "`output_filters` must be a pair (temporal filters, dense units). "
                f"Received: output_filters={output_filters!r}. Give a pair such as (128, 128)."
            )
        normalization = ScaledLaplacian() if graph_conv == "cheb" else RenormalizedAdjacency()
        super().__init__(stgcn, own, normalization, num_nodes, **common)


def stgcn(signals: Mapping[str, Tensor], operator: Tensor, arguments: Mapping[str, Any]) -> Tensor:
    """Computes the forecast of STGCN. `Forecaster` describes the arguments."""
    blocks = arguments["block_filters"]
    _checks.length_for_blocks(arguments["input_length"], len(blocks), arguments["kernel_size"])
    x = signals["recent"]
    for number, filters in enumerate(blocks, start=1):
        x = stgcn_block(x, operator, filters, arguments, f"block{number}")
    return stgcn_head(x, arguments)


def stgcn_block(
    x: Tensor,
    operator: Tensor,
    filters: Sequence[int],
    arguments: Mapping[str, Any],
    name: str,
) -> Tensor:
    """Computes one block: temporal, graph, temporal convolution, normalisation, dropout."""
    kernel_size, gate = arguments["kernel_size"], arguments["gate"]
    first, middle, last = filters
    x = GatedTemporalConv(first, kernel_size, gate=gate, name=f"{name}_temporal1")(x)
    x = ops.relu(graph_layer(x, operator_at(operator, x), middle, arguments, name))
    x = GatedTemporalConv(last, kernel_size, gate=gate, name=f"{name}_temporal2")(x)
    x = CenteredLayerNormalization((-2, -1), epsilon=1e-12, name=f"{name}_norm")(x)
    return BitDropout(arguments["dropout"], name=f"{name}_dropout")(x)


def graph_layer(
    x: Tensor, operator: Tensor, filters: int, arguments: Mapping[str, Any], name: str
) -> Tensor:
    """Computes a graph convolution with a residual connection: x' + convolution of x'.

    x' is x with `filters` features: zeros are appended, or a dense layer reduces the features.
    """
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


def stgcn_head(x: Tensor, arguments: Mapping[str, Any]) -> Tensor:
    """Computes the head: temporal convolution over all steps, normalisation, two dense layers."""
    horizon, num_outputs = arguments["horizon"], arguments["num_outputs"]
    filters, units = arguments["output_filters"]
    x = GatedTemporalConv(filters, x.shape[1], gate=arguments["gate"], name="output_temporal")(x)
    x = CenteredLayerNormalization((-2, -1), epsilon=1e-12, name="output_norm")(x)
    x = layers.Dense(units, activation="relu", name="output_dense")(x[:, 0])  # (B, N, units)
    x = BitDropout(arguments["dropout"], name="output_dropout")(x)
    x = layers.Dense(horizon * num_outputs, dtype="float32", name="output")(x)
    return forecast_head(x, horizon, num_outputs)


def operator_at(operator: Tensor, x: Tensor) -> Tensor:
    """Returns the operator for a shortened window x: of one graph a step, the last graphs."""
    if isinstance(operator, dict) or len(operator.shape) < 4:
        return operator
    return operator[:, operator.shape[1] - x.shape[1] :]
