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
from stgkeras.models.graph_model import GraphModel
from stgkeras.models.model_inputs import (
    component_inputs,
    forecast_head,
    forecaster_arguments,
    graph_inputs,
    joined,
    scaling,
    window_lengths,
)


@keras.saving.register_keras_serializable("stgkeras")
class ASTGCN(GraphModel):
    """Attention-based spatial-temporal graph convolutional network, for forecasts on a graph.

    Blocks of temporal attention, spatial attention, Chebyshev graph convolution weighted by it,
    and convolution along time, with a residual path; then one linear map from steps and features
    to the horizon. Several components, windows of the recent past and of the same hours of
    earlier days and weeks, run through blocks of their own and are added up with learned weights.
    Without attention it is MSTGCN.

    Args:
        num_nodes: int. Number of nodes N.
        graph: None, or the (N, N) operator `graphs.scaled_laplacian(A)`, array or scipy sparse.
            Travels with the weights. With `None` it must be set, `model.graph = …`, or loaded with
            weights before use. A sparse one is held with its pairs of nodes within K - 1 hops;
            where they are few, as on roads, its products are faster than those of an array.
        input_length: int, number of input steps T, or a dict of them for the components, a subset
            of {"recent": …, "daily": …, "weekly": …}.
        horizon: int. Number of steps to forecast.
        num_features: int. Number of input features F.
        num_outputs: int. Number of forecast features, the first ones of the input.
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
        num_edges: None, or the number of entries of a sparse graph, with attention of its pairs
            within K - 1 hops; taken from `graph`.
        normalize: bool. Whether to standardise the input and take forecasts back to original
            units; call `adapt` with the training steps before `fit`.
        season: None, or int, the steps of a day: the model forecasts what is left of the readings
            over their mean by node, time of day and kind of day, from that and from the
            standardised readings. Takes another input, "calendar", and an `adapt` with the
            training steps and their calendar before `fit`.

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
        num_nodes,
        *,
        graph=None,
        input_length=12,
        horizon=12,
        num_features=1,
        num_outputs=1,
        num_blocks=2,
        K=3,
        spatial_filters=64,
        temporal_filters=64,
        time_stride=1,
        attention=True,
        temporal_score="bilinear",
        spatial_score="bilinear",
        num_heads=1,
        dynamic_graph=False,
        num_edges=None,
        normalize=False,
        season=None,
        **kwargs,
    ):
        arguments = {
            **forecaster_arguments(
                num_nodes=num_nodes,
                horizon=horizon,
                num_features=num_features,
                num_outputs=num_outputs,
                num_edges=num_edges,
                normalize=normalize,
                season=season,
            ),
            "input_length": window_lengths(input_length),
            **block_arguments(
                num_blocks=num_blocks,
                K=K,
                spatial_filters=spatial_filters,
                temporal_filters=temporal_filters,
                time_stride=time_stride,
                num_heads=num_heads,
                attention=attention,
                temporal_score=temporal_score,
                spatial_score=spatial_score,
            ),
            "dynamic_graph": dynamic_graph,
        }
        scale, unscale, more = scaling(arguments)

        def component(x, operator, name="recent", prefix=""):
            x = astgcn_blocks(scale(x, name), operator, arguments, prefix)
            return linear_head(x, horizon, num_outputs, f"{prefix}output")

        if isinstance(input_length, dict):
            inputs, operator = component_inputs(arguments, graph)
            forecasts = [component(x, operator, name, f"{name}_") for name, x in inputs.items()]
            outputs = forecasts[0]
            if len(forecasts) > 1:
                outputs = ComponentFusion(dtype="float32", name="fusion")(forecasts)
        else:
            inputs, x, operator = graph_inputs(arguments, graph, ScaledLaplacian())
            outputs = component(x, operator)

        super().__init__(joined(inputs, more), unscale(outputs), arguments, **kwargs)


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
