"""Base class of the models that predict the links of the next graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from stgkeras.layers import ScaledLaplacian, _checks
from stgkeras.models.graph_model import GraphModel
from stgkeras.models.model_inputs import graph_inputs, scaling
from stgkeras.models.pairwise_head import pairwise_head
from stgkeras.models.target_checks import DirectionCheck, TargetCheck, check_direction
from stgkeras.types import Array, Tensor

DECODERS = ("plain", "pairwise")


class LinkPredictor(GraphModel):
    """Base class of link predictors: states their common arguments, creates inputs and output.

    Args:
        network: function (x, operator, arguments). `x` is the signal (batch, time, nodes,
            features), `operator` the graph operator, and `arguments` a dict of all arguments. With
            decoder="plain" the function returns the logits (batch, nodes, nodes), with "pairwise"
            the state of each node (batch, nodes, values).
        own: dict of the arguments that only this model has, already checked.
        num_nodes: int. Number of nodes N. Default 30.
        input_length: int. Number T of input steps, each with features and a graph. Default 10.
        num_features: int. Number of input features F of each node. Default 6.
        decoder: str. "plain" or "pairwise". "plain" computes the logits by the dense layers
            described above. "pairwise" computes the logit of each pair of nodes from the states of
            the two nodes and the past edge weights of the pair. Default "plain".
        directed: bool. Whether A[n, m] and A[m, n] may differ. If False, both receive the mean of
            the two logits. The contacts or targets, the loss and the metrics must have the same
            direction. Default False.
        num_history: int ≥ 0. Number H of history features of each pair of nodes. The model then has
            an input "history". Only for decoder="pairwise". Default 0.
        node_units: int ≥ 0. Length of a trainable vector for each node, which is appended to the
            state of the node. Only for decoder="pairwise". Default 0.
        graph: None, or the graph operator `graphs.scaled_laplacian(A)`, an (N, N) array or SciPy
            sparse array. Only for `dynamic_graph=False`. Default None.
        units: int. Number of units of the hidden dense layer of the decoder. Default 64.
        dropout: float, 0 ≤ dropout < 1. Fraction of values that are set to 0 in training. Default
            0.2.
        dynamic_graph: str or False. "step": the model has an input "graph" (batch, T, N, N), one
            graph for each step. "sample": the input is (batch, N, N), one graph for each sample.
            The input contains non-negative adjacencies. False: the fixed `graph` is used. Default
            "step".
        num_edges: None, or int: the largest number of entries of a sparse graph. Only needed if a
            sparse graph is set or loaded later. Default: taken from `graph`.
        normalize: bool. Whether to standardise the input features. Call `adapt` with the training
            values before `fit`. Default False.
    """

    hidden_arguments = ("network", "own")  # which only a model passes on

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
                    f'decoder={decoder!r}. Use `{name}=0` or `decoder="pairwise"`.'
                )
        arguments = {
            "num_nodes": _checks.integer("num_nodes", num_nodes),
            "input_length": _checks.integer("input_length", input_length),
            "num_features": _checks.integer("num_features", num_features),
            "decoder": decoder,
            "directed": _checks.boolean("directed", directed),
            "num_history": num_history,
            "node_units": node_units,
            "units": _checks.integer("units", units),
            "dropout": _checks.fraction("dropout", dropout),
            "dynamic_graph": dynamic_graph,
            "num_edges": num_edges,
            "normalize": _checks.boolean("normalize", normalize),
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

    def check_compiled(self, given: Mapping[str, Any]) -> None:
        """Checks that the losses and metrics have the direction of the model."""
        metrics = [given.get(name) for name in ("metrics", "weighted_metrics")]
        losses, metrics = (keras.tree.flatten(part) for part in (given.get("loss"), metrics))
        check_direction(self.directed, losses, metrics)

    def target_check(self, call: str) -> TargetCheck:
        return DirectionCheck(self.directed)
