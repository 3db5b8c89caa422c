"""The head of link predictors that looks at each pair of nodes by itself."""

import keras
from keras import layers, ops

from stgkeras.layers import NodeEmbedding
from stgkeras.models.model_inputs import joined

RARE = -4.6  # log-odds of 1 %, which an untrained head gives to links


def pairwise_head(x, inputs, arguments):
    """The logit of each pair, of what its nodes are and do, and of what the pair did.

        h = relu(W_1 [p_n ⊙ q_m, past_nm] + a_n + b_m)        logit = w · h + v · past_nm + c

    p, q, a and b are dense in the states x of the nodes (B, N, …) and their learned vectors; past
    is the pair's weight in each graph of the window, and its history. Undirected pairs have p = q
    and a = b.

    c begins at log-odds of 1 %, as in Lin et al., 2017, arXiv:1708.02002, section 4.1.

    Returns:
        The inputs with "history" if there is one, and the logits (B, N, N).
    """
    nodes, units = arguments["num_nodes"], arguments["units"]
    past = []
    if arguments["dynamic_graph"] == "step":
        past.append(ops.log1p(ops.transpose(inputs["graph"], (0, 2, 3, 1))))  # (B, N, N, T)
    if arguments["num_history"]:
        history = keras.Input((nodes, nodes, arguments["num_history"]), name="history")
        inputs = joined(inputs, {"history": history})
        past.append(history)
    if arguments["node_units"]:
        x = NodeEmbedding(arguments["node_units"], name="node_embedding")(x)

    def ends(name, **kwargs):
        """What is dense in the states, for the one that receives and the one that sends."""
        target = layers.Dense(units, name=name, **kwargs)
        source = layers.Dense(units, name=f"{name}_source", **kwargs)
        source = source if arguments["directed"] else target
        return target(x)[:, :, None], source(x)[:, None]

    target, source = ends("pair_factor", use_bias=False)
    parts = ops.concatenate([target * source, *past], axis=-1)
    target, source = ends("pair_node")
    hidden = layers.Dense(units, use_bias=False, name="pair_dense")(parts) + target + source
    hidden = layers.Dropout(arguments["dropout"], name="output_dropout")(ops.relu(hidden))
    # Links are rare: to begin with even odds would drive all logits down, past what can be undone.
    prior = keras.initializers.Constant(RARE)
    output = layers.Dense(1, bias_initializer=prior, dtype="float32", name="output")
    logits = output(ops.concatenate([hidden, *past], axis=-1))
    return inputs, logits[..., 0]
