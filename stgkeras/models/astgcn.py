from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from stgkeras.layers import (
    CenteredLayerNormalization,
    ChebConv,
    ComponentFusion,
    ScaledLaplacian,
    SpatialAttention,
    TemporalAttention,
    _checks,
)
from stgkeras.layers.temporal_conv import TemporalConv
from stgkeras.layers.temporal_dense import TemporalDense
from stgkeras.models.forecaster import Forecaster
from stgkeras.models.model_inputs import forecast_head
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class ASTGCN(Forecaster):
    """Attention-based spatial-temporal graph convolutional network (ASTGCN): forecasts signals.

    The input x (time, nodes, features) passes through several blocks. Each block computes

        A = temporal attention of x           how much each step depends on each other step
        S = spatial attention of A x          how much each node depends on each other node
        y = ReLU(Chebyshev graph convolution of x, weighted by S)
        y = convolution of y along time, over three steps
        output = layer normalisation of ReLU(y + linear map of the features of x)

    Then a linear map, which all nodes share, maps all steps and features of a node to the forecast
    of the node. With several components, each component has its own blocks and its own linear map.
    The forecast is the weighted sum of the forecasts of the components, with a trainable weight for
    each step and node. Without attention, the model is MSTGCN.

    Args:
        graph: None, or the graph operator `graphs.scaled_laplacian(A)`, an (N, N) array or SciPy
            sparse array. The model saves it with the weights. With None, set `model.graph` or load
            weights before the model is used. For a sparse graph, the model stores all pairs of
            nodes within K - 1 hops. If the number of these pairs is small, as in road networks, a
            sparse graph is faster than an array. Default None.
        num_blocks: int. Number of blocks. Default 2.
        K: int ≥ 1. Number of Chebyshev terms. A graph convolution reaches K - 1 hops. Default 3.
        spatial_filters: int. Number of filters of the graph convolutions. Default 64.
        temporal_filters: int. Number of filters of the convolutions along time. Default 64.
        time_stride: int. Stride along time of the convolution in the first block. Default 1.
        attention: bool. Whether to use attention. False gives MSTGCN. Default True.
        temporal_score: str. "bilinear" or "dot", see `layers.TemporalAttention`. Default
            "bilinear".
        spatial_score: str. "bilinear" or "additive", see `layers.SpatialAttention`. "bilinear" has
            N² weights. "additive" is for thousands of nodes: with a sparse `graph`, time and memory
            are linear in the number of pairs of nodes within K - 1 hops. Default "bilinear".
        num_heads: int. Number of heads of the "dot" temporal attention. Default 1.
        dynamic_graph: str or False. False: the fixed `graph` is used. "sample": the model has an
            input "graph" (batch, N, N), one graph for each sample. "step": the input is (batch, T,
            N, N), one graph for each step. The input contains non-negative adjacencies. The model
            computes the scaled Laplacians. After a time stride s, the blocks use every s-th graph.
            Default False.

    Call arguments:
        x: tensor (batch, input_length, num_nodes, num_features), or a dict of tensors. The dict is
            {"x": …, "graph": …} with `dynamic_graph`, and {"recent": …, "daily": …} with
            components. With `season`, the dict also has "calendar" (batch, horizon, 2), the
            `datasets.calendar` of the predicted steps.

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
        >>> model = stgkeras.models.ASTGCN(5, graph=graph, horizon=3)
        >>> tuple(model(np.zeros((2, 12, 5, 1), "float32")).shape)
        (2, 3, 5, 1)

    Source:
        Guo et al., 2019, AAAI 33, sec. 4. Departs from the paper, as the authors' code does: the
        graph convolution receives x, and only the spatial attention receives A x; blocks have a
        residual connection and layer normalisation (ε = 1e-5); the last layer is a linear map.
        Departs from the authors' code: the Chebyshev polynomials use matrix products, as in the
        paper, instead of elementwise products.
    """

    def __init__(
        self,
        num_nodes: int,
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
        dynamic_graph: bool | str = False,
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
        own["dynamic_graph"] = dynamic_graph
        super().__init__(astgcn, own, ScaledLaplacian(), num_nodes, **common)


def astgcn(signals: Mapping[str, Tensor], operator: Tensor, arguments: Mapping[str, Any]) -> Tensor:
    """Computes the forecast of ASTGCN. `Forecaster` describes the arguments."""
    has_components = isinstance(arguments["input_length"], dict)
    forecasts = []
    for name, x in signals.items():
        prefix = f"{name}_" if has_components else ""
        x = astgcn_blocks(x, operator, arguments, prefix)
        sizes = arguments["horizon"], arguments["num_outputs"]
        forecasts.append(linear_head(x, *sizes, f"{prefix}output"))
    if len(forecasts) == 1:
        return forecasts[0]
    return ComponentFusion(dtype="float32", name="fusion")(forecasts)


def block_arguments(
    *, attention: bool, temporal_score: str, spatial_score: str, **integers: int
) -> dict[str, Any]:
    """Checks the arguments of `astgcn_blocks`, and returns them as a dict."""
    return {
        **{name: _checks.integer(name, value) for name, value in integers.items()},
        "attention": _checks.boolean("attention", attention),
        "temporal_score": _checks.one_of("temporal_score", temporal_score, ("bilinear", "dot")),
        "spatial_score": _checks.one_of("spatial_score", spatial_score, ("bilinear", "additive")),
    }


def astgcn_blocks(
    x: Tensor, operator: Tensor, arguments: Mapping[str, Any], prefix: str = ""
) -> Tensor:
    """Computes the blocks of ASTGCN.

    Args:
        x: (batch, time, nodes, features).
        operator: graph operator.
        arguments: dict of the arguments of the model.
        prefix: str. Start of the names of all layers. Default "".

    Returns:
        (batch, ⌈time / time_stride⌉, nodes, temporal_filters).
    """
    for number in range(1, arguments["num_blocks"] + 1):
        name = f"{prefix}block{number}"
        stride = arguments["time_stride"] if number == 1 else 1
        attention = None
        if arguments["attention"]:
            temporal = TemporalAttention(
                arguments["temporal_score"],
                arguments["num_heads"],
                name=f"{name}_temporal_attention",
            )
            spatial = SpatialAttention(
                arguments["spatial_score"], K=arguments["K"], name=f"{name}_spatial_attention"
            )
            if arguments["temporal_score"] == "bilinear":
                scores = temporal(x, return_attention_scores="only")
                attention = spatial(x, operator, scores)
            else:
                attention = spatial(temporal(x), operator)
        filters = arguments["temporal_filters"]
        y = ChebConv(
            arguments["spatial_filters"], arguments["K"], activation="relu", name=f"{name}_graph"
        )(x, operator, attention)
        y = TemporalConv(filters, 3, stride, name=f"{name}_temporal")(y)
        residual = TemporalConv(filters, 1, stride, activation="relu", name=f"{name}_residual")
        x = residual(x, y)
        x = CenteredLayerNormalization(epsilon=1e-5, name=f"{name}_norm")(x)
        if stride > 1 and not isinstance(operator, dict) and len(operator.shape) == 4:
            operator = operator[:, ::stride]
    return x


def linear_head(x: Tensor, horizon: int, num_outputs: int, name: str) -> Tensor:
    """Maps all steps and features of a node to its forecast, by one linear map for all nodes."""
    x = TemporalDense(horizon * num_outputs, dtype="float32", name=name)(x)
    return forecast_head(x, horizon, num_outputs)
