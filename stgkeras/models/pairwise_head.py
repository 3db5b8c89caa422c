"""The decoder of link predictors that computes the logit of each pair of nodes separately."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers, ops

from stgkeras.layers import NodeEmbedding
from stgkeras.models.model_inputs import joined
from stgkeras.types import Tensor

RARE = -4.6  # log-odds of 1 %, the probability of a link before training


def pairwise_head(
    x: Tensor, inputs: Tensor | dict[str, Tensor], arguments: Mapping[str, Any]
) -> tuple[Tensor | dict[str, Tensor], Tensor]:
    """Computes the logit of each pair of nodes from the two nodes and the past of the pair.

        h = relu(W_1 (p_n ⊙ q_m, past_nm) + a_n + b_m)
        logit_nm = w · h + v · past_nm + c

    p_n, a_n and q_m, b_m are trainable linear maps of the states of node n and node m. past_nm is
    log(1 + weight) of the pair in each graph of the window, and the history of the pair. In an
    undirected graph, p and q are the same map, and so are a and b. W_1, w, v and c are trainable.
    Training applies dropout to h.

    Args:
        x: states of the nodes, (batch, nodes, values). With "node_units", a trainable vector of
            each node is appended.
        inputs: the inputs of the model; with `dynamic_graph="step"` a dict with "graph".
        arguments: dict of the arguments of the model.

    Returns:
        The inputs, with "history" if the model has it, and the logits (batch, nodes, nodes).

    Source:
        Lin et al., 2017, arXiv:1708.02002, section 4.1, for the initial value of c, the log-odds of
        a probability of 1 %.
    """
    nodes, units = arguments["num_nodes"], arguments["units"]
    past = []
    if arguments["dynamic_graph"] == "step":
        weights = ops.transpose(inputs["graph"], (0, 2, 3, 1))  # (B, N, N, T)
        past.append(ops.log(1.0 + weights))  # not log1p, which ONNX has not
    if arguments["num_history"]:
        history = keras.Input((nodes, nodes, arguments["num_history"]), name="history")
        inputs = joined(inputs, {"history": history})
        past.append(history)
    if arguments["node_units"]:
        x = NodeEmbedding(arguments["node_units"], name="node_embedding")(x)

    def ends(name, **kwargs):
        """Maps the states of the target and of the source of each pair by a dense layer each."""
        target = layers.Dense(units, name=name, **kwargs)
        source = layers.Dense(units, name=f"{name}_source", **kwargs)
        source = source if arguments["directed"] else target
        return target(x)[:, :, None], source(x)[:, None]

    target, source = ends("pair_factor", use_bias=False)
    parts = ops.concatenate([target * source, *past], axis=-1)
    target, source = ends("pair_node")
    hidden = layers.Dense(units, use_bias=False, name="pair_dense")(parts) + target + source
    hidden = layers.Dropout(arguments["dropout"], name="output_dropout")(ops.relu(hidden))
    # Links are rare. From a probability of 1/2, the first steps of training would push all logits
    # so far down that training cannot recover.
    prior = keras.initializers.Constant(RARE)
    output = layers.Dense(1, bias_initializer=prior, dtype="float32", name="output")
    logits = output(ops.concatenate([hidden, *past], axis=-1))
    return inputs, logits[..., 0]
