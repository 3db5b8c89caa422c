"""Every error of the layers and models, by its message."""

import re

import keras
import numpy as np
import pytest
import scipy.sparse
from cases import NODES, laplacian

from stgkeras import layers, models

N = NODES
X = (None, 6, N, 3)
GRAPH = (N, N)
NAN = np.full((N, N), np.nan)


def raises(message):
    """The message as it stands, where … is any text."""
    pattern = ".*".join(re.escape(part) for part in message.split("…"))
    return pytest.raises(ValueError, match=f"(?s){pattern}")


CHEB, GATED, HOLDER = layers.ChebConv, layers.GatedTemporalConv, layers.StaticGraph
TEMPORAL, SPATIAL = layers.TemporalAttention, layers.SpatialAttention
SIZES = {"filters": 4, "kernel_size": 3}
EYE = scipy.sparse.eye_array(N)
ARGUMENTS = [
    (CHEB, {"filters": 0, "K": 3}, "`filters` must be an integer … Received: filters=0"),
    (CHEB, {"filters": 4, "K": 0}, "`K` must be an integer of at least 1. Received: K=0"),
    (CHEB, {"filters": 4, "K": 2.0}, "`K` must be an integer … Received: K=2.0"),
    (CHEB, {"filters": 4, "K": True}, "`K` must be an integer … Received: K=True"),
    (layers.GraphConv, {"filters": "4"}, "`filters` must be an integer … filters='4'"),
    (GATED, {**SIZES, "kernel_size": 0}, "`kernel_size` must be an integer … kernel_size=0"),
    (GATED, {**SIZES, "gate": "relu"}, "`gate` must be one of 'glu', 'gtu'. Received: gate='relu'"),
    (GATED, {**SIZES, "residual": "add"}, "`residual` must be one of 'align', 'conv', None. Rec"),
    (TEMPORAL, {"score": "additive"}, "`score` must be one of 'bilinear', 'dot'. Received: score="),
    (TEMPORAL, {"num_heads": 2}, "`num_heads` must be 1 with score='bilinear'. … Use score='dot'"),
    (TEMPORAL, {"score": "dot", "num_heads": 0}, "`num_heads` must be … at least 1"),
    (TEMPORAL, {"score": "dot", "key_dim": 0}, "`key_dim` must be … at least 1"),
    (SPATIAL, {"score": "dot"}, "`score` must be one of 'bilinear', 'additive'. Received: score='"),
    (SPATIAL, {"K": 0}, "`K` must be an integer … Received: K=0"),
    (SPATIAL, {"units": -1}, "`units` must be an integer … Received: units=-1"),
    (
        layers.ScaledLaplacian,
        {"lambda_max": 0.0},
        "`lambda_max` must be a finite number above 0. … lambda_max=0.0",
    ),
    (
        layers.ScaledLaplacian,
        {"lambda_max": float("nan")},
        "`lambda_max` must be a finite number above 0",
    ),
    (layers.StandardScaler, {"num_features": 0}, "`num_features` must be an integer"),
    (HOLDER, {"num_nodes": 0}, "`num_nodes` must be an integer"),
    (HOLDER, {"num_nodes": N, "num_edges": 0}, "`num_edges` must be an integer"),
    (HOLDER, {"num_nodes": N, "graph": np.ones((N, 6))}, "= (5, 5). Received: graph.shape=(5, 6)"),
    (HOLDER, {"num_nodes": N, "graph": NAN}, "`graph` must hold finite numbers. … infinite"),
    (HOLDER, {"num_nodes": N, "graph": np.inf * EYE}, "`graph` must hold finite numbers"),
    (HOLDER, {"num_nodes": N, "graph": np.full((N, N), "a")}, "finite numbers. … dtype <U1"),
    (HOLDER, {"num_nodes": N, "graph": EYE, "num_edges": 4}, "`num_edges`=4 entries. Received: 5"),
]


@pytest.mark.parametrize("cls, kwargs, message", ARGUMENTS)
def test_arguments_of_layers(cls, kwargs, message):
    with raises(message):
        cls(**kwargs)


CHEB3, GATED3 = (CHEB, {"filters": 4, "K": 3}), (GATED, SIZES)
CONV = layers.GraphConv, {"filters": 4}
ADDITIVE = SPATIAL, {"score": "additive"}
LAPLACIAN = layers.ScaledLaplacian, {}
NOT_KNOWN = "`x` must have known numbers of nodes and features"
ALL_KNOWN = "`x` must have known numbers of steps, nodes and features, because the shapes of the"
NOT_4 = "`x` must have axes (batch, time, nodes, features). Received: x.shape=("
TERMS2 = {"index": (2, 9), "value": (9,), "terms": (2, 9)}
SHAPES = [
    (CHEB3, [(None,), GRAPH], "`x` must have axes (..., nodes, features). Received: x.shape="),
    (CHEB3, [(None, 6, None, 3), GRAPH], NOT_KNOWN),
    (CHEB3, [(None, 6, N, None), GRAPH], NOT_KNOWN),
    (CHEB3, [X, (4, 4)], "`graph` must have axes … the 5 nodes of `x`. Received: graph.shape=(4"),
    (CHEB3, [X, (5, 4)], "`graph` must have axes (nodes, nodes), (batch, nodes, nodes) or"),
    (CHEB3, [X, (5,)], "`graph` must have axes … Received: graph.shape=(5,)"),
    (CHEB3, [(None, N, 3), (None, 6, N, N)], "`graph` must have axes … x.shape=(None, 5, 3)"),
    (CHEB3, [X, {"index": (2, 7), "v": (7,)}], "A sparse `graph` must be … ['index', 'v']"),
    (CHEB3, [X, GRAPH, (None, 4, 4)], "`attention` must … attention.shape=(None, 4, 4)"),
    (CHEB3, [X, GRAPH, GRAPH], "`attention` must have axes (batch, nodes, nodes)"),
    (CHEB3, [(None, N, 3), GRAPH, (None, N, N)], NOT_4),
    (CONV, [X, (4, 4)], "`graph` must have axes"),
    (CONV, [X, {"index": (7, 2), "value": (7,)}], "axes (2, edges), … index.shape=(7, 2)"),
    (CONV, [X, {"index": (2, 7), "value": (6,)}], "A sparse `graph` must hold … value.shape=(6,)"),
    (CONV, [X, {"index": (2, 7), "value": (3, 3, 3, 7)}], "A sparse `graph` must hold 'value'"),
    ((layers.CenteredLayerNormalization, {"axis": 1}), [X], "`axis` must be the last … axis=1"),
    (CONV, [(3,), GRAPH], "`x` must have axes (..., nodes, features)"),
    (GATED3, [(None, N, 3)], NOT_4),
    (GATED3, [(None, 6, N, None)], NOT_KNOWN),
    (GATED3, [(None, 2, N, 3)], "`x` must have at least `kernel_size`=3 steps. … with 2 steps"),
    ((TEMPORAL, {}), [(None, N, 3)], NOT_4),
    ((TEMPORAL, {}), [(None, None, N, 3)], ALL_KNOWN),
    ((SPATIAL, {}), [(None, N, 3)], NOT_4),
    ((SPATIAL, {}), [(None, None, N, 3)], ALL_KNOWN),
    (ADDITIVE, [X], "`graph` must be given with score='additive'. Received: graph=None"),
    (ADDITIVE, [X, (4, 4)], "`graph` must have axes"),
    (ADDITIVE, [X, TERMS2], "`graph` must hold K=3 Chebyshev terms. Received: terms.shape=(2, 9)"),
    (CHEB3, [X, TERMS2, (None, 9)], "`graph` must hold K=3 Chebyshev terms. Received: terms.shape"),
    (CHEB3, [X, TERMS2, (None, 8)], "`attention` must have axes (batch, pairs), with the 9 pairs"),
    (CHEB3, [X, (N, N), (None, 9)], "`attention` must have axes (batch, nodes, nodes)"),
    (LAPLACIAN, [(None, 5, 4)], "`adjacency` must have axes (..., nodes, nodes). Received: adj"),
    (LAPLACIAN, [(5,)], "`adjacency` must have axes (..., nodes, nodes)"),
    (LAPLACIAN, [(5, None, None)], "`adjacency` must have axes"),
    ((layers.RenormalizedAdjacency, {}), [(None, 5, 4)], "`adjacency` must have axes (..., nodes"),
    (
        (layers.StandardScaler, {"num_features": 2}),
        [X],
        "`x` must have at most 2 features. Received",
    ),
    ((layers.ComponentFusion, {}), [[X, (None, 5, N, 3)]], "`forecasts` must all have the same"),
]


@pytest.mark.parametrize("layer, shapes, message", SHAPES)
def test_shapes_of_layer_inputs(layer, shapes, message):
    cls, kwargs = layer

    def symbol(shape):
        if isinstance(shape, dict):
            return {key: keras.KerasTensor(value) for key, value in shape.items()}
        return [symbol(s) for s in shape] if isinstance(shape, list) else keras.KerasTensor(shape)

    with raises(message):
        cls(**kwargs)(*map(symbol, shapes))


def test_a_scaler_on_arrays_with_too_many_features():
    scaler = layers.StandardScaler(2)
    scaler.adapt(np.eye(2))
    with raises("`x` must have at most 2 features"):
        scaler(np.ones((2, 3), "float32"))


STGCN, ASTGCN = models.STGCN, models.ASTGCN
STGCN_LINKS, ASTGCN_LINKS = models.STGCNLinkPredictor, models.ASTGCNLinkPredictor
PARTS = {"input_length": {"recent": 4, "daily": 4}}
MODELS = [
    *[
        (cls, {name: 0}, f"`{name}` must be an integer of at least 1. Received: {name}=0")
        for cls, names in (
            (STGCN, "num_nodes input_length horizon num_features num_outputs kernel_size K"),
            (
                ASTGCN,
                "num_nodes input_length horizon num_features num_outputs num_blocks K "
                "spatial_filters temporal_filters time_stride num_heads",
            ),
            (
                STGCN_LINKS,
                "num_nodes input_length num_features num_blocks filters kernel_size K units",
            ),
            (
                ASTGCN_LINKS,
                "num_nodes input_length num_features num_blocks K spatial_filters "
                "temporal_filters time_stride num_heads units",
            ),
        )
        for name in names.split()
    ],
    *[
        (cls, {"dynamic_graph": value}, f"`dynamic_graph` must be one of … dynamic_graph={value!r}")
        for cls in (STGCN, ASTGCN, STGCN_LINKS, ASTGCN_LINKS)
        for value in ("batch", None)
    ],
    *[
        (
            cls,
            {"dynamic_graph": "step", "graph": laplacian()},
            "`graph` must be None with dynamic_graph='step'. Received: graph of type ndarray. Call",
        )
        for cls in (STGCN, ASTGCN, STGCN_LINKS, ASTGCN_LINKS)
    ],
    *[
        (cls, {"dropout": value}, f"`dropout` must be at least 0 and below 1. … dropout={value!r}")
        for cls in (STGCN, STGCN_LINKS, ASTGCN_LINKS)
        for value in (1.0, -0.1, "0.5")
    ],
    *[
        (cls, kwargs, message)
        for cls in (ASTGCN, ASTGCN_LINKS)
        for kwargs, message in (
            ({"spatial_score": "dot"}, "`spatial_score` must be one of 'bilinear', 'additive'"),
            ({"temporal_score": "additive"}, "`temporal_score` must be one of 'bilinear', 'dot'"),
            ({"num_heads": 2}, "`num_heads` must be 1 with score='bilinear'. … Use score='dot'"),
        )
    ],
    (STGCN_LINKS, {"decoder": "gae"}, "`decoder` must be one of 'plain', 'pairwise'. …'gae'"),
    (ASTGCN_LINKS, {"decoder": "gae"}, "`decoder` must be one of 'plain', 'pairwise'. …'gae'"),
    (STGCN, {"gate": "relu"}, "`gate` must be one of 'glu', 'gtu'. Received: gate='relu'"),
    (STGCN, {"graph_conv": "gat"}, "`graph_conv` must be one of 'cheb', 'gcn'. … graph_conv='gat'"),
    (STGCN, {"block_filters": ((64, 16),)}, "`block_filters` must hold triples (temporal, graph"),
    (STGCN, {"output_filters": (128,)}, "`output_filters` must be a pair (temporal filters, dense"),
    (
        STGCN,
        {"block_filters": ((0, 16, 64),)},
        "`block_filters` must be a sequence of integers … block_filters=(0, 16, 64)",
    ),
    (STGCN, {"input_length": 8}, "must be at least 9, … by 8 steps. Received: input_length=8"),
    (STGCN_LINKS, {"input_length": 4, "kernel_size": 2}, "at least 5, … input_length=4. Use long"),
    (STGCN, {"graph": np.eye(6)}, "`graph` must have shape … (5, 5). Received: graph.shape=(6, 6)"),
    (ASTGCN, {"graph": NAN}, "`graph` must hold finite numbers"),
    (ASTGCN, {"graph": EYE, "num_edges": 2}, "at most `num_edges`=2 entries. Received: 5 entries"),
    (ASTGCN, {**PARTS, "dynamic_graph": "sample"}, "`dynamic_graph` must be False with several"),
    (ASTGCN, {"input_length": {"monthly": 4}}, "a dict with keys among … input_length={'monthly'"),
    (ASTGCN, {"input_length": {}}, "`input_length` must be an int, or a dict … input_length={}"),
    (ASTGCN, {"input_length": {"daily": 0}}, "`input_length['daily']` must be an integer of at"),
    (
        ASTGCN,
        {"num_outputs": 2, "normalize": True},
        "`num_outputs` must be at most `num_features` … Received: num_outputs=2, num_features=1",
    ),
    (STGCN, {"num_edges": 3, "dynamic_graph": "step"}, "`num_edges` must be None … num_edges=3"),
    (STGCN, {"num_edges": 0}, "`num_edges` must be an integer of at least 1"),
]


@pytest.mark.parametrize("cls, kwargs, message", MODELS)
def test_arguments_of_models(cls, kwargs, message):
    with raises(message):
        cls(**{"num_nodes": N, **kwargs})


@pytest.fixture(scope="module")
def small():
    arguments = {"num_blocks": 1, "spatial_filters": 2, "temporal_filters": 2, "K": 2}
    return lambda **kwargs: ASTGCN(N, input_length=3, **arguments, **kwargs)


def test_the_graph_of_a_dynamic_model_cannot_be_set(small):
    with raises("`graph` must not be set in … graph input. Received: dynamic_graph='sample'. Call"):
        small(dynamic_graph="sample").graph = np.eye(N)


def test_a_graph_that_does_not_fit_cannot_be_set(small):
    model = small(graph=scipy.sparse.eye_array(N))
    with raises("`graph` must have shape (num_nodes, num_nodes) = (5, 5)"):
        model.graph = np.eye(4)
    with raises("`graph` must hold finite numbers"):
        model.graph = NAN
    np.testing.assert_array_equal(model.graph.toarray(), np.eye(N))


def test_adapt(small):
    with raises("`adapt` needs a model with normalize=True or a season. Received: normalize=False"):
        small().adapt(np.ones((10, N, 1)))
    model = small(normalize=True, num_features=2)
    with raises("`values` must have axes (..., 2 features). Received: values.shape=(10, 5, 3)"):
        model.adapt(np.ones((10, N, 3)))
    with raises("`values` must have axes (..., 2 features). Received: values.shape=(2,)"):
        model.adapt(np.ones(2))
    for value, where in ((np.inf, (0, 0)), (np.nan, (slice(None), slice(None), 1))):
        values = np.ones((10, N, 2))
        values[where] = value
        with raises("`values` must be finite, or NaN for a missing reading, and each feature must"):
            model.adapt(values)
