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
    """Attention-based spatial-temporal graph convolutional network, for forecasts on a graph.

    Blocks of temporal attention, spatial attention, Chebyshev graph convolution weighted by it,
    and convolution along time, with a residual path; then one linear map from steps and features
    to the horizon. Several components, windows of the recent past and of the same hours of
    earlier days and weeks, run through blocks of their own and are added up with learned weights.
    Without attention it is MSTGCN.

    Args:
        graph: None, or the (N, N) operator `graphs.scaled_laplacian(A)`, array or scipy sparse.
            Travels with the weights. With `None` it must be set, `model.graph = …`, or loaded with
            weights before use. A sparse one is held with its pairs of nodes within K - 1 hops;
            where they are few, as on roads, its products are faster than those of an array.
        num_blocks: int. Number of blocks.
        K: int. Number of Chebyshev terms.
        spatial_filters: int. Filters of the graph convolutions.
        temporal_filters: int. Filters of the convolutions along time.
        time_stride: int. Stride along time of the first block.
        attention: bool. Whether to use attention; False is MSTGCN.
        temporal_score: "bilinear" or "dot", see `layers.TemporalAttention`.
        spatial_score: "bilinear" or "additive", see `layers.SpatialAttention`. The first has N²
            weights; with a sparse `graph` the second costs as much as there are pairs of nodes
            within K - 1 hops, and serves graphs of thousands of nodes.
        num_heads: int. Heads of the "dot" temporal attention.
        dynamic_graph: False; "sample" for a graph input (batch, N, N); "step" for (batch, T, N, N).
            The graph input is a non-negative adjacency, which the model normalises itself. After
            stride s every s-th graph is used.

    Call arguments:
        x: (batch, input_length, num_nodes, num_features); {"x": …, "graph": …} with
            `dynamic_graph`; {"recent": …, …} with several components; with `season` also
            "calendar", (batch, horizon, 2), the `datasets.calendar` of the steps to predict.

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
        >>> model = stgkeras.models.ASTGCN(5, graph=graph, horizon=3)
        >>> tuple(model(np.zeros((2, 12, 5, 1), "float32")).shape)
        (2, 3, 5, 1)

    Source:
        Guo et al., 2019, AAAI 33, sec. 4. Departs from the paper: as in the authors' code, the
        graph convolution filters the raw signal and the attended one only serves the spatial
        attention, blocks have a residual path and layer normalisation (ε = 1e-5), and a linear map
        closes; the Chebyshev polynomials are those of the paper, not the code's elementwise ones.
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
    """The network of ASTGCN, see `Forecaster`."""
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


def block_arguments(*, attention, temporal_score, spatial_score, **integers):
    """The checked arguments of `astgcn_blocks`."""
    return {
        **{name: _checks.integer(name, value) for name, value in integers.items()},
        "attention": bool(attention),
        "temporal_score": _checks.one_of("temporal_score", temporal_score, ("bilinear", "dot")),
        "spatial_score": _checks.one_of("spatial_score", spatial_score, ("bilinear", "additive")),
    }


def astgcn_blocks(x, operator, arguments, prefix=""):
    """The blocks of ASTGCN, (B, T, N, F) to (B, T / time_stride, N, temporal_filters)."""
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


def linear_head(x, horizon, num_outputs, name):
    """One linear map, shared by all nodes, from steps and features to the forecast."""
    x = TemporalDense(horizon * num_outputs, dtype="float32", name=name)(x)
    return forecast_head(x, horizon, num_outputs)
