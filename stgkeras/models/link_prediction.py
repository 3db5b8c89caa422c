import keras
from keras import layers, ops

from stgkeras.layers import (
    CenteredLayerNormalization,
    ChebConv,
    GatedTemporalConv,
    ScaledLaplacian,
    _checks,
)
from stgkeras.models.astgcn import astgcn_blocks, block_arguments, linear_head
from stgkeras.models.graph_model import GraphModel
from stgkeras.models.model_inputs import graph_inputs, scaling
from stgkeras.models.pairwise_head import pairwise_head
from stgkeras.models.stgcn import operator_at

DECODERS = ("plain", "pairwise")


@keras.saving.register_keras_serializable("stgkeras")
class STGCNLinkPredictor(GraphModel):
    """Predicts the next graph from a window of graphs, with the convolutions of STGCN.

    Blocks of gated temporal convolution, Chebyshev graph convolution and gated temporal
    convolution, batch normalisation over nodes, ReLU and dropout; all that is left is flattened
    and mapped by two dense layers to one logit a pair.

    Args:
        num_nodes: int. Number of nodes N.
        input_length: int. Number of input graphs T.
        num_features: int. Number of node features F.
        decoder: "plain", the dense layers above; or "pairwise", which looks at each pair by itself:
            the states of its two nodes, and what the pair did in the window and before.
        num_history: int ≥ 0. Histories H of each pair, of another input "history"; for "pairwise".
        node_units: int ≥ 0. Length of the nodes' learned vectors, beside their states; for
            "pairwise".
        directed: bool. Whether A[n, m] and A[m, n] may differ; else they are averaged as logits.
        graph: None, or with `dynamic_graph=False` the operator `graphs.scaled_laplacian(A)`.
        num_blocks: int. Number of blocks.
        filters: int. Filters of all convolutions.
        kernel_size: int. Steps that a temporal convolution sees; a block takes 2·(kernel_size - 1).
        K: int. Number of Chebyshev terms.
        units: int. Units of the first dense layer.
        dropout: float. Share of values dropped after each block and before the last layer.
        dynamic_graph: "step" for a graph input (batch, T, N, N), "sample" for (batch, N, N), both
            non-negative adjacencies; False for the fixed `graph`.
        num_edges: None, or the number of entries of a sparse `graph`; taken from it.
        normalize: bool. Whether to standardise the node features; call `adapt` before `fit`.

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
        num_nodes=30,
        *,
        input_length=10,
        num_features=6,
        decoder="plain",
        directed=False,
        num_history=0,
        node_units=0,
        graph=None,
        num_blocks=2,
        filters=32,
        kernel_size=3,
        K=2,
        units=256,
        dropout=0.2,
        dynamic_graph="step",
        num_edges=None,
        normalize=False,
        **kwargs,
    ):
        arguments = {
            **_link_arguments(
                num_nodes, input_length, num_features, decoder, directed, num_history, node_units
            ),
            "num_blocks": _checks.integer("num_blocks", num_blocks),
            "filters": _checks.integer("filters", filters),
            "kernel_size": _checks.integer("kernel_size", kernel_size),
            "K": _checks.integer("K", K),
            "units": _checks.integer("units", units),
            "dropout": _checks.fraction("dropout", dropout),
            "dynamic_graph": dynamic_graph,
            "num_edges": num_edges,
            "normalize": bool(normalize),
        }
        _checks.length_for_blocks(input_length, num_blocks, kernel_size)
        inputs, x, operator = graph_inputs(arguments, graph, ScaledLaplacian())
        scale, _, _ = scaling(arguments)

        def temporal(x, name):
            return GatedTemporalConv(filters, kernel_size, residual="conv", name=name)(x)

        x = scale(x)
        for number in range(1, num_blocks + 1):
            name = f"block{number}"
            x = temporal(x, f"{name}_temporal1")
            x = ChebConv(filters, K, activation="relu", name=f"{name}_graph")(
                x, operator_at(operator, x)
            )
            x = temporal(x, f"{name}_temporal2")
            x = layers.BatchNormalization(2, momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)
            x = layers.Dropout(dropout, name=f"{name}_dropout")(ops.relu(x))
        if decoder == "pairwise":
            _, steps, _, features = x.shape
            x = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, num_nodes, steps * features))
            inputs, logits = pairwise_head(x, inputs, arguments)
        else:
            x = layers.Dense(units, activation="relu", name="output_dense")(layers.Flatten()(x))
            x = layers.Dropout(dropout, name="output_dropout")(x)
            x = layers.Dense(num_nodes * num_nodes, dtype="float32", name="output")(x)
            logits = ops.reshape(x, (-1, num_nodes, num_nodes))

        super().__init__(inputs, _probabilities(logits, directed), arguments, **kwargs)


@keras.saving.register_keras_serializable("stgkeras")
class ASTGCNLinkPredictor(GraphModel):
    """Predicts the next graph from a window of graphs, with the attention blocks of ASTGCN.

    The blocks and linear map of ASTGCN reduce the window to one value a node, or a few; dense
    layers with normalisation, shared by all nodes, turn them into that node's logits.

    Args:
        num_nodes: int. Number of nodes N.
        input_length: int. Number of input graphs T.
        num_features: int. Number of node features F.
        decoder: "plain", the dense layers above; or "pairwise", which looks at each pair by itself:
            the states of its two nodes, and what the pair did in the window and before.
        num_history: int ≥ 0. Histories H of each pair, of another input "history"; for "pairwise".
        node_units: int ≥ 0. Length of the nodes' learned vectors, beside their states; for
            "pairwise".
        directed: bool. Whether A[n, m] and A[m, n] may differ; else they are averaged as logits.
        graph: None, or with `dynamic_graph=False` the operator `graphs.scaled_laplacian(A)`.
        num_blocks, K, spatial_filters, temporal_filters, time_stride, attention, temporal_score,
            spatial_score, num_heads: as in `ASTGCN`.
        node_values: int. Values a node that reach the dense layers. One has to tell nodes apart
            and describe them at once; where links follow node identity, take more.
        units: int. Units of the first dense layer.
        dropout: float. Share of values dropped before the last layer.
        dynamic_graph: "step" for a graph input (batch, T, N, N), "sample" for (batch, N, N), both
            non-negative adjacencies; False for the fixed `graph`.
        num_edges: None, or the number of entries of a sparse `graph`; taken from it.
        normalize: bool. Whether to standardise the node features; call `adapt` before `fit`.

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
        num_nodes=30,
        *,
        input_length=10,
        num_features=6,
        decoder="plain",
        directed=False,
        num_history=0,
        node_units=0,
        graph=None,
        num_blocks=2,
        K=3,
        spatial_filters=64,
        temporal_filters=64,
        time_stride=1,
        attention=True,
        temporal_score="bilinear",
        spatial_score="bilinear",
        num_heads=1,
        node_values=1,
        units=64,
        dropout=0.2,
        dynamic_graph="step",
        num_edges=None,
        normalize=False,
        **kwargs,
    ):
        arguments = {
            **_link_arguments(
                num_nodes, input_length, num_features, decoder, directed, num_history, node_units
            ),
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
            "node_values": _checks.integer("node_values", node_values),
            "units": _checks.integer("units", units),
            "dropout": _checks.fraction("dropout", dropout),
            "dynamic_graph": dynamic_graph,
            "num_edges": num_edges,
            "normalize": bool(normalize),
        }
        inputs, x, operator = graph_inputs(arguments, graph, ScaledLaplacian())
        scale, _, _ = scaling(arguments)

        x = astgcn_blocks(scale(x), operator, arguments)
        x = linear_head(x, 1, node_values, "node_value")[:, 0]  # (B, N, node_values)
        if decoder == "pairwise":
            inputs, logits = pairwise_head(x, inputs, arguments)
        else:
            x = layers.Dense(units, name="output_dense")(x)
            x = CenteredLayerNormalization(epsilon=1e-5, name="output_norm")(x)
            x = layers.Dropout(dropout, name="output_dropout")(ops.relu(x))
            logits = layers.Dense(num_nodes, dtype="float32", name="output")(x)

        super().__init__(inputs, _probabilities(logits, directed), arguments, **kwargs)


def _link_arguments(
    num_nodes, input_length, num_features, decoder, directed, num_history, node_units
):
    _checks.one_of("decoder", decoder, DECODERS)
    for name, value in (("num_history", num_history), ("node_units", node_units)):
        _checks.integer(name, value, 0)
        if value and decoder != "pairwise":
            raise ValueError(
                f'`{name}` must be 0 without decoder="pairwise". Received: {name}={value}'
            )
    return {
        "num_nodes": _checks.integer("num_nodes", num_nodes),
        "input_length": _checks.integer("input_length", input_length),
        "num_features": _checks.integer("num_features", num_features),
        "decoder": decoder,
        "directed": bool(directed),
        "num_history": num_history,
        "node_units": node_units,
    }


def _probabilities(logits, directed):
    if not directed:
        logits = 0.5 * (logits + ops.transpose(logits, (0, 2, 1)))
    return ops.sigmoid(logits)
