"""FaST as cases of `test_reference.py`, and how its weights become ours."""

import keras
import numpy as np
import reference_files
from keras import ops
from reference_weights import denses, under
from reference_zoo import part

from stgkeras import layers
from stgkeras.models.fast import fast, rms_norm

ROUTER = {
    "node_embeddings": "adaptive_router_node.parameter",
    "day_embeddings": "adaptive_router_day.parameter",
    "week_embeddings": "adaptive_router_week.parameter",
}


def attention_weights(w, name):
    """The constants of the keys are left out: they change no softmax."""
    kernels = np.split(w["qkv.weight"], 3) + np.split(w["agent.weight"], 2)
    query_bias, _, value_bias = np.split(w["qkv.bias"], 3)
    names = ("query", "key", "value", "agent_query", "agent_key")
    found = {f"{one}_kernel": kernel.T for one, kernel in zip(names, kernels, strict=True)}
    found |= {"query_bias": query_bias, "value_bias": value_bias}
    found["agent_query_bias"] = np.split(w["agent.bias"], 2)[0]
    for ours, theirs in {"inner": "fc1", "output": "fc2"}.items():
        found[f"{ours}_kernel"] = w[f"{theirs}.weight"].T
        found[f"{ours}_bias"] = w[f"{theirs}.bias"]
    return under(f"{name}_attention", found) | {f"{name}_attention_norm/scale": w["norm.scale"]}


def experts_weights(w, name):
    return denses(w, {f"{name}_experts": "GLU_Experts.linear"})


def router_weights(routers):
    """Those of all routers side by side."""
    linear = "router_logit_layer"
    kernels = [w[f"{linear}.weight"].T for w in routers]
    found = {"router/kernel": np.concatenate(kernels, axis=1)}
    found["router/bias"] = np.concatenate([w[f"{linear}.bias"] for w in routers])
    for ours, theirs in ROUTER.items():
        found[f"router_embedding/{ours}"] = np.concatenate([w[theirs] for w in routers], axis=1)
    return found


def fast_weights(w):
    group = reference_files.group
    blocks = len({name.split(".")[1] for name in w if name.startswith("MoE.")})
    routers = [group(w, "input_layer.0."), *(group(w, f"Router.{i}.") for i in range(blocks))]
    found = router_weights(routers) | experts_weights(group(w, "input_layer.1."), "input")
    for i in range(blocks):
        moe = group(w, f"MoE.{i}.")
        found |= attention_weights(group(w, f"AAGA.{i}."), f"block{i + 1}")
        found |= experts_weights(moe, f"block{i + 1}")
        if i + 1 < blocks:  # the scale of the last norm changes no forecast
            found[f"block{i + 1}_norm/scale"] = moe["norm.scale"]
    names = {"node": "node_emb", "day": "tod_emb", "week": "dow_emb"}
    found |= {f"embedding/{o}_embeddings": w[f"{t}.parameter"] for o, t in names.items()}
    found |= denses(w, {"output_dense": "output_layer.layers.0", "output": "output_layer.layers.2"})
    return found | {"agents/agents": w["agent"]}


def attention(x, agents):
    attended = layers.AgentAttention(name="block_attention")(x, agents)
    return rms_norm("block_attention_norm")(x + attended)


def experts(x, window, calendar):
    """A router, its mixture, and the norm of the sum."""
    scores = keras.layers.Dense(3, name="router")(window)
    scores = layers.SpatioTemporalEmbedding(32, name="router_embedding")(scores, calendar)
    mixed = layers.MixtureOfExperts(6, 3, name="block_experts")(x, ops.softmax(scores))
    return rms_norm("block_norm")(x + mixed)


def experts_inputs(a):
    calendar = np.stack([a["in/tod_index"][:, 0] / 32, a["in/dow_index"][:, 0]], axis=-1)
    return [a["in/x"], a["in/window"], calendar]


def part_weights(w):
    group = reference_files.group
    moe, norm = group(w, "moe."), {"block_norm/scale": w["moe.norm.scale"]}
    return router_weights([group(w, "router.")]) | experts_weights(moe, "block") | norm


def fast_of(num_nodes, steps_per_day, **sizes):
    arguments = {"num_nodes": num_nodes, "num_outputs": 1, "targets": None, "quantiles": None}
    arguments |= {"steps_per_day": steps_per_day, "units": 6, "past_covariates": 0, **sizes}

    def network(x, calendar):
        return fast({"recent": x}, calendar, arguments)

    def inputs(a):  # the released code reads the day of the week as a fraction of a week
        calendar = np.stack([a["in/tod_index"] / steps_per_day, a["in/dow_index"]], axis=-1)
        return [a["in/x"][..., :1], calendar]

    return part(network), inputs, fast_weights, np.asarray


CASES = {
    "fast_agent_attention": (
        part(attention),
        lambda a: [a["in/x"], a["in/agent"]],
        lambda w: attention_weights(w, "block"),
        np.asarray,
    ),
    "fast_moe_glu": (part(experts), experts_inputs, part_weights, np.asarray),
    "fast_h12": fast_of(9, 32, horizon=12, num_blocks=2, num_experts=3, num_agents=4),
    "fast_h48": fast_of(8, 16, horizon=48, num_blocks=3, num_experts=4, num_agents=5),
}
AXES_OF_X = {"fast": lambda x: x[..., :1] if x.ndim == 4 else x}
