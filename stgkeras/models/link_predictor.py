"""The base class of the models that predict the links of the next graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from stgkeras.layers import ScaledLaplacian, _checks
from stgkeras.models.graph_model import GraphModel
from stgkeras.models.model_inputs import graph_inputs, scaling
from stgkeras.models.pairwise_head import pairwise_head
from stgkeras.types import Array, Tensor

DECODERS = ("plain", "pairwise")


class LinkPredictor(GraphModel, is_family=True):
    """Base class of link predictors: their common arguments, inputs and output.

    Args:
        network: function (x, operator, arguments) of the signal (batch, time, nodes, features), the
            graph operator, and a dict of all arguments. With decoder "plain" it returns logits
            (batch, nodes, nodes); with "pairwise" the states of the nodes (batch, nodes, values).
        own: dict of the checked arguments that only this model has.
        num_nodes: int. Number of nodes N.
        input_length: int. Number of input graphs T.
        num_features: int. Number of node features F.
        decoder: "plain", dense layers that map the states of all nodes to all logits; or
            "pairwise", dense layers that compute the logit of each pair from the states of its two
            nodes and the past weights of the pair.
        directed: bool. Whether A[n, m] and A[m, n] may differ. If False, their logits are averaged.
        num_history: int ≥ 0. Number H of features of each pair in another input, "history"; only
            for "pairwise".
        node_units: int ≥ 0. Length of a learned vector of each node, which is appended to the
            states; only for "pairwise".
        graph: None; or with `dynamic_graph=False` the operator `graphs.scaled_laplacian(A)`.
        units: int. Number of units of the first dense layer.
        dropout: float. Share of values that dropout sets to 0 in training.
        dynamic_graph: "step" for a graph input (batch, T, N, N), "sample" for (batch, N, N), both
            non-negative adjacencies; False for the fixed `graph`.
        num_edges: None, or the number of entries of a sparse `graph`; taken from it.
        normalize: bool. Whether to standardise the node features. Call `adapt` before `fit`.
    """

    for_models = ("network", "own")  # arguments that users of a model do not see

    def __init__(
        self,
        network: Callable[[Tensor, Tensor, dict[str, Any]], Tensor],
        own: dict[str, Any],
        num_nodes: int = 30,
        *,
        input_length: int = 10,
        num_features: int = 6,
        decoder: str = "plain",
        directed: bool = False,
        num_history: int = 0,
        node_units: int = 0,
        graph: Array | None = None,
        units: int = 64,
        dropout: float = 0.2,
        dynamic_graph: bool | str = "step",
        num_edges: int | None = None,
        normalize: bool = False,
        **kwargs: Any,
    ) -> None:
        _checks.one_of("decoder", decoder, DECODERS)
        for name, value in (("num_history", num_history), ("node_units", node_units)):
            _checks.integer(name, value, 0)
            if value and decoder != "pairwise":
                raise ValueError(
                    f'`{name}` must be 0 without decoder="pairwise". Received: {name}={value}, '
                    f"decoder={decoder!r}"
                )
        arguments = {
            "num_nodes": _checks.integer("num_nodes", num_nodes),
            "input_length": _checks.integer("input_length", input_length),
            "num_features": _checks.integer("num_features", num_features),
            "decoder": decoder,
            "directed": bool(directed),
            "num_history": num_history,
            "node_units": node_units,
            "units": _checks.integer("units", units),
            "dropout": _checks.fraction("dropout", dropout),
            "dynamic_graph": dynamic_graph,
            "num_edges": num_edges,
            "normalize": bool(normalize),
            **own,
        }
        inputs, x, operator = graph_inputs(arguments, graph, ScaledLaplacian())
        scale, _, _ = scaling(arguments)
        logits = network(scale(x), operator, arguments)
        if decoder == "pairwise":
            inputs, logits = pairwise_head(logits, inputs, arguments)
        if not directed:
            logits = 0.5 * (logits + ops.transpose(logits, (0, 2, 1)))
        super().__init__(inputs, ops.sigmoid(logits), arguments, **kwargs)
