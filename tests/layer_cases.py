"""Every layer as data; `None` in a shape is the batch axis."""

import layer_cases_zoo
from cases import NODES, LayerCase, basis, clusters, laplacian, patches

from stgkeras import layers

X = (None, 6, NODES, 3)
GRAPH = (NODES, NODES)
SPARSE = {"index": (2, 7), "value": (7,)}
SQUARE = (None, NODES, NODES)
BASIS = (NODES, 4)

LAYERS = {
    **layer_cases_zoo.LAYERS,
    "cheb": LayerCase(
        layers.ChebConv, {"filters": 4, "K": 3}, {"x": X, "graph": GRAPH}, (None, 6, NODES, 4), 2
    ),
    "cheb-no-time": LayerCase(
        layers.ChebConv,
        {"filters": 4, "K": 2, "activation": "relu", "use_bias": False},
        {"x": (None, NODES, 3), "graph": SQUARE},
        (None, NODES, 4),
        1,
    ),
    "cheb-attention": LayerCase(
        layers.ChebConv,
        {"filters": 4, "K": 3, "kernel_initializer": "he_normal"},
        {"x": X, "graph": GRAPH, "attention": SQUARE},
        (None, 6, NODES, 4),
        2,
    ),
    "cheb-sparse": LayerCase(
        layers.ChebConv, {"filters": 4, "K": 3}, {"x": X, "graph": SPARSE}, (None, 6, NODES, 4), 2
    ),
    "cheb-step": LayerCase(
        layers.ChebConv,
        {"filters": 4, "K": 3},
        {"x": X, "graph": (None, 6, NODES, NODES)},
        (None, 6, NODES, 4),
        2,
    ),
    "graph-conv": LayerCase(
        layers.GraphConv,
        {"filters": 4, "activation": "tanh", "bias_initializer": "ones"},
        {"x": X, "graph": SQUARE},
        (None, 6, NODES, 4),
        2,
    ),
    "graph-conv-sparse": LayerCase(
        layers.GraphConv, {"filters": 2}, {"x": X, "graph": SPARSE}, (None, 6, NODES, 2), 2
    ),
    "gated-up": LayerCase(
        layers.GatedTemporalConv, {"filters": 4, "kernel_size": 3}, {"x": X}, (None, 4, NODES, 4), 2
    ),
    "gated-down-gtu": LayerCase(
        layers.GatedTemporalConv,
        {"filters": 2, "kernel_size": 6, "gate": "gtu"},
        {"x": X},
        (None, 1, NODES, 2),
        4,
    ),
    "gated-conv": LayerCase(
        layers.GatedTemporalConv,
        {"filters": 4, "kernel_size": 2, "residual": "conv"},
        {"x": X},
        (None, 5, NODES, 4),
        4,
    ),
    "gated-none": LayerCase(
        layers.GatedTemporalConv,
        {"filters": 4, "kernel_size": 1, "residual": None, "bias_initializer": "ones"},
        {"x": X},
        X[:-1] + (4,),
        2,
    ),
    "gated-dilated": LayerCase(
        layers.GatedTemporalConv,
        {"filters": 4, "kernel_size": 3, "gate": "gtu", "residual": None, "dilation_rate": 2},
        {"x": X},
        (None, 2, NODES, 4),
        2,
    ),
    "temporal-bilinear": LayerCase(layers.TemporalAttention, {}, {"x": X}, X, 5),
    "temporal-dot": LayerCase(
        layers.TemporalAttention,
        {"score": "dot", "num_heads": 2, "key_dim": 4},
        {"x": X},
        (X, (None, 2, 6, 6)),
        3,
        call={"return_attention_scores": True},
    ),
    "temporal-dot-one-head": LayerCase(
        layers.TemporalAttention,
        {"score": "dot", "kernel_initializer": "he_normal"},
        {"x": X},
        (X, (None, 6, 6)),
        3,
        call={"return_attention_scores": True},
    ),
    "spatial-bilinear": LayerCase(layers.SpatialAttention, {}, {"x": X}, SQUARE, 5),
    "spatial-additive": LayerCase(
        layers.SpatialAttention,
        {"score": "additive", "K": 2, "units": 4, "negative_slope": 0.1},
        {"x": X, "graph": GRAPH},
        SQUARE,
        2,
    ),
    "spatial-additive-sparse": LayerCase(
        layers.SpatialAttention, {"score": "additive"}, {"x": X, "graph": SPARSE}, SQUARE, 2
    ),
    "scaled-laplacian": LayerCase(
        layers.ScaledLaplacian, {"lambda_max": 1.5}, {"adjacency": SQUARE}, SQUARE
    ),
    "renormalized-adjacency": LayerCase(
        layers.RenormalizedAdjacency, {}, {"adjacency": SQUARE}, SQUARE
    ),
    "norm": LayerCase(
        layers.CenteredLayerNormalization, {"axis": (-2, -1), "epsilon": 1e-6}, {"x": X}, X, 2
    ),
    "norm-plain": LayerCase(
        layers.CenteredLayerNormalization, {"center": False, "scale": False}, {"x": X}, X
    ),
    "fusion": LayerCase(layers.ComponentFusion, {}, {"forecasts": [X, X]}, X, 1),
    "scaler": LayerCase(layers.StandardScaler, {"num_features": 3}, {"x": X}, X, 0, 2),
    "scaler-inverse": LayerCase(
        layers.StandardScaler,
        {"num_features": 4},
        {"x": X},
        X,
        0,
        2,
        call={"inverse": True},
    ),
    "spectral": LayerCase(
        layers.SpectralConv, {"filters": 4}, {"x": X, "basis": BASIS}, X[:-1] + (4,), 2
    ),
    "spectral-smooth": LayerCase(
        layers.SpectralConv,
        {"filters": 4, "num_knots": 3, "use_bias": False, "kernel_regularizer": "l2"},
        {"x": (None, NODES, 3), "basis": BASIS},
        (None, NODES, 4),
        1,
    ),
    "pooling": LayerCase(layers.GraphPooling, {}, {"x": X, "clusters": (2, 3)}, (None, 6, 2, 3)),
    "pooling-average": LayerCase(
        layers.GraphPooling,
        {"pooling": "average"},
        {"x": (None, NODES, 3), "clusters": (2, 3)},
        (None, 2, 3),
    ),
    "sparse-features": LayerCase(
        layers.SparseFeatures,
        {"num_nodes": NODES, "num_features": 6},
        {"entries": {"index": (None, 2, 7), "value": (None, 7)}},
        (None, NODES, 6),
    ),
    "static-clusters": LayerCase(
        layers.StaticClusters,
        {"num_clusters": 2, "pool_size": 3, "clusters": clusters},
        {"x": X},
        (2, 3),
        0,
        1,
    ),
    "static-patches": LayerCase(
        layers.StaticPatches,
        {"num_nodes": NODES, "num_slots": 8, "patches": patches},
        {"x": X},
        {"nodes": (8,), "slots": (NODES,)},
        0,
        2,
    ),
    "static-graph-basis": LayerCase(
        layers.StaticGraph,
        {"num_nodes": NODES, "graph": basis, "num_frequencies": 4},
        {"x": X},
        BASIS,
        0,
        1,
    ),
    "node-embedding": LayerCase(
        layers.NodeEmbedding, {"units": 4}, {"x": (None, NODES, 3)}, (None, NODES, 7), 1
    ),
    "covariate-effect": LayerCase(
        layers.CovariateEffect,
        {"units": 4, "node_units": 2},
        {"y": (None, 2, NODES, 1), "covariates": (None, 2, NODES, 3)},
        (None, 2, NODES, 1),
        7,
    ),
    "monotone-quantiles": LayerCase(
        layers.MonotoneQuantiles,
        {"quantiles": (0.1, 0.5, 0.9)},
        {"x": (None, NODES, 6)},
        (None, NODES, 2, 3),
        0,
    ),
    "adaptive-adjacency": LayerCase(
        layers.AdaptiveAdjacency,
        {"units": 4, "embeddings_initializer": "he_normal"},
        {"x": (None, NODES, 3)},
        (NODES, NODES),
        2,
    ),
    "seasonal-scaler": LayerCase(
        layers.SeasonalScaler,
        {"num_nodes": NODES, "num_features": 3, "steps_per_day": 4},
        {"x": X, "calendar": (None, 2, 2)},
        X,
        0,
        2,
        call={"steps": list(range(-6, 0))},
    ),
    "static-graph": LayerCase(
        layers.StaticGraph, {"num_nodes": NODES, "graph": laplacian}, {"x": X}, GRAPH, 0, 1
    ),
    "static-graph-sparse": LayerCase(
        layers.StaticGraph,
        {"num_nodes": NODES, "graph": laplacian, "num_edges": 11},
        {"x": X},
        {"index": (2, 11), "value": (11,)},
        0,
        2,
    ),
    "static-terms": LayerCase(
        layers.StaticTerms,
        {"num_nodes": NODES, "K": 3, "graph": laplacian, "num_edges": 19},
        {"x": X},
        {"index": (2, 19), "value": (19,), "terms": (3, 19)},
        0,
        3,
    ),
}
