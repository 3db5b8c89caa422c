"""FaST and its layers in NumPy, from the equations: loops over samples, nodes and experts."""

import numpy as np


def softmax(scores):
    found = np.exp(scores - scores.max())
    return found / found.sum()


def logistic(x):
    return 1 / (1 + np.exp(-x))


def agent_attention(x, agents, *, inner_kernel, inner_bias, output_kernel, output_bias, **maps):
    """All maps of the nodes and of the agents, then one row of weights after the other."""
    y, root = np.empty_like(x, dtype="float64"), np.sqrt(x.shape[-1])
    agent_query = agents @ maps["agent_query_kernel"] + maps["agent_query_bias"]
    agent_key = agents @ maps["agent_key_kernel"]
    for b, sample in enumerate(x):
        query = sample @ maps["query_kernel"] + maps["query_bias"]
        key = sample @ maps["key_kernel"]
        value = sample @ maps["value_kernel"] + maps["value_bias"]
        read = np.stack([softmax(one @ key.T / root) @ value for one in agent_query])
        read = read @ inner_kernel + inner_bias
        y[b] = np.stack([softmax(one @ agent_key.T / root) @ read for one in query])
    return y @ output_kernel + output_bias


def mixture_of_experts(x, routing=None, *, kernel, bias):
    experts = 1 if routing is None else routing.shape[-1]
    values, gates = np.split(x @ kernel + bias, 2, axis=-1)
    y = 0
    for e, (value, gate) in enumerate(
        zip(np.split(values, experts, -1), np.split(gates, experts, -1), strict=True)
    ):
        y = y + (1 if routing is None else routing[..., e, None]) * value * logistic(gate)
    return y


def reversible_normalization(x, y=None, targets=None, epsilon=1e-5):
    mean, variance = x.mean(axis=1), np.zeros((x.shape[0], *x.shape[2:]))
    if x.shape[1] > 1:
        variance = x.var(axis=1, ddof=1)
    deviation = np.sqrt(variance + epsilon)
    if y is None:
        return (x - mean[:, None]) / deviation[:, None]
    features = range(y.shape[-1]) if targets is None else targets
    parts = [
        y[..., o] * deviation[:, None, :, f] + mean[:, None, :, f] for o, f in enumerate(features)
    ]
    return np.stack(parts, axis=-1)


def spatio_temporal_embedding(x, calendar, *, node_embeddings, day_embeddings, week_embeddings):
    y = np.empty_like(x, dtype="float64")
    for b, n in np.ndindex(x.shape[:2]):
        step = round(calendar[b, 0] * len(day_embeddings)) % len(day_embeddings)
        day = week_embeddings[round(calendar[b, 1])]
        y[b, n] = x[b, n] + node_embeddings[n] + day_embeddings[step] + day
    return y


def rms_norm(x, scale):
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True)) * scale


def fast(x, calendar, weights, blocks, experts, targets=None):
    """The forecast (batch, horizon, nodes, outputs), from weights by layer and name."""

    def of(layer):
        start = f"{layer}/"
        return {name[len(start) :]: w for name, w in weights.items() if name.startswith(start)}

    window = reversible_normalization(x)
    newest = calendar[:, -1]
    batch, steps, nodes, features = x.shape
    rows = window.transpose(0, 2, 1, 3).reshape(batch, nodes, steps * features)
    routing = [None] * (blocks + 1)
    if experts > 1:
        scores = rows @ of("router")["kernel"] + of("router")["bias"]
        scores = spatio_temporal_embedding(scores, newest, **of("router_embedding"))
        parts = np.split(scores, blocks + 1, axis=-1)
        routing = [np.apply_along_axis(softmax, -1, part) for part in parts]
    h = mixture_of_experts(rows, routing[0], **of("input_experts"))
    h = spatio_temporal_embedding(h, newest, **of("embedding"))
    skip = [h]
    for number in range(1, blocks + 1):
        attended = agent_attention(h, weights["agents/agents"], **of(f"block{number}_attention"))
        h = rms_norm(h + attended, **of(f"block{number}_attention_norm"))
        skip.append(mixture_of_experts(h, routing[number], **of(f"block{number}_experts")))
        if number < blocks:
            h = rms_norm(h + skip[-1], **of(f"block{number}_norm"))
    joined = np.concatenate(skip, axis=-1)
    hidden = np.maximum(joined @ of("output_dense")["kernel"] + of("output_dense")["bias"], 0)
    y = hidden @ of("output")["kernel"] + of("output")["bias"]
    outputs = x.shape[-1] if targets is None else len(targets)
    y = y.reshape(batch, nodes, -1, outputs).transpose(0, 2, 1, 3)
    return reversible_normalization(x, y, targets)
