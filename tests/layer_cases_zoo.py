"""The layers of STID, STAEformer, Graph WaveNet and FaST as data, see `layer_cases.py`."""

from cases import NODES, LayerCase

from stgkeras import layers

X = (None, 6, NODES, 3)
GRAPH = (NODES, NODES)
SQUARE = (None, NODES, NODES)

LAYERS = {
    "diffusion": LayerCase(
        layers.DiffusionConv,
        {"filters": 4, "K": 2, "activation": "tanh"},
        {"x": X, "operators": [GRAPH, GRAPH]},
        (None, 6, NODES, 4),
        2,
    ),
    "diffusion-each-step": LayerCase(
        layers.DiffusionConv,
        {"filters": 2, "K": 1, "use_bias": False},
        {"x": X, "operators": [SQUARE, (None, 6, NODES, NODES)]},
        (None, 6, NODES, 2),
        1,
    ),
    "axial-attention-time": LayerCase(
        layers.AxialAttention,
        {"num_heads": 2, "axis": "time"},
        {"x": (None, 6, NODES, 4)},
        (None, 6, NODES, 4),
        4,
    ),
    "axial-attention-nodes": LayerCase(
        layers.AxialAttention, {"num_heads": 1, "axis": "nodes"}, {"x": X}, X, 4
    ),
    "axial-attention-linear": LayerCase(
        layers.AxialAttention,
        {"num_heads": 1, "axis": "nodes", "random_features": 5},
        {"x": X},
        X,
        trainable=4,
        frozen=1,
    ),
    "transformer-block": LayerCase(
        layers.TransformerBlock,
        {"num_heads": 3, "axis": "time", "feed_forward_units": 4, "dropout": 0.0},
        {"x": X},
        X,
        12,
    ),
    "adaptive-embedding": LayerCase(
        layers.AdaptiveEmbedding, {"units": 4}, {"x": X}, (None, 6, NODES, 7), 1
    ),
    "node-embedding-steps": LayerCase(
        layers.NodeEmbedding, {"units": 4}, {"x": X}, (None, 6, NODES, 7), 1
    ),
    "calendar-embedding": LayerCase(
        layers.CalendarEmbedding,
        {"steps_per_day": 24, "day_units": 3, "week_units": 2},
        {"calendar": (None, 6, 2)},
        (None, 6, 5),
        2,
    ),
    "agent-attention": LayerCase(
        layers.AgentAttention, {}, {"x": (None, NODES, 3), "agents": (2, 3)}, (None, NODES, 3), 12
    ),
    "agent-tokens": LayerCase(layers.AgentTokens, {"num_agents": 2}, {"x": X}, (2, 3), 1),
    "mixture-of-experts": LayerCase(
        layers.MixtureOfExperts,
        {"units": 4, "num_experts": 3},
        {"x": (None, NODES, 2), "routing": (None, NODES, 3)},
        (None, NODES, 4),
        2,
    ),
    "mixture-of-one-expert": LayerCase(
        layers.MixtureOfExperts, {"units": 4, "num_experts": 1}, {"x": X}, X[:-1] + (4,), 2
    ),
    "reversible-normalization": LayerCase(
        layers.ReversibleNormalization, {"epsilon": 1e-3}, {"x": X}, X
    ),
    "reversible-normalization-inverse": LayerCase(
        layers.ReversibleNormalization,
        {"targets": (2, 0)},
        {"x": X, "y": (None, 2, NODES, 2)},
        (None, 2, NODES, 2),
    ),
    "spatio-temporal-embedding": LayerCase(
        layers.SpatioTemporalEmbedding,
        {"steps_per_day": 4},
        {"x": (None, NODES, 3), "calendar": (None, 2)},
        (None, NODES, 3),
        3,
    ),
}
