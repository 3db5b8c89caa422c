"""All layers, with the NumPy layers of tests/numpy_layers.py as the oracle."""

import functools

import keras
import numpy as np
import scipy.sparse

from stgkeras import layers
from tests.campaign import constructed
from tests.campaign.constructed import fault_of_config, fault_of_numbers, some

import built_layers  # isort: skip
import cases  # isort: skip
import numpy_layers  # isort: skip

B, T, N, F = 2, 4, 5, 3
INITIALIZERS = ("glorot_uniform", "he_normal", "zeros")
KERNEL = {"kernel_initializer": INITIALIZERS}
DENSE = {
    **KERNEL,
    "activation": (None, "relu", "tanh", "sigmoid"),
    "use_bias": (True, False),
    "bias_initializer": ("zeros", "ones"),
    "kernel_regularizer": (None, "l2"),
}
ACTIVATIONS = {
    None: lambda y: y,
    "relu": lambda y: np.maximum(y, 0),
    "tanh": np.tanh,
    "sigmoid": lambda y: 1 / (1 + np.exp(-y)),
}


def normal(rng, *shape):
    return np.random.default_rng(rng.getrandbits(32)).standard_normal(shape).astype("float32")


def operator(rng, *leading):
    matrix = normal(rng, *leading, N, N)
    return matrix * (normal(rng, *leading, N, N) > 0)


def activated(function):
    """The NumPy layer followed by the activation of the arguments."""

    def expected(given, arrays, weights):
        return ACTIVATIONS[given.get("activation")](function(*arrays, **weights))

    return expected


def layer(cls, valid, arrays_of, expected, **call):
    """The target of a layer that has an oracle, a function (arguments, arrays, weights)."""

    def use(cls, given, rng):
        made = cls(**given)
        arrays = arrays_of(rng, given)
        found = cases.evaluate(built_layers.built(made, arrays, **call), *arrays)
        doubles = keras.tree.map_structure(
            lambda a: a if a.dtype.kind == "i" else a.astype("float64"), arrays
        )
        return made, found, expected, doubles, cases.weights_of(made)

    def check(result, given):
        made, found, expected, arrays, weights = result
        wrong = fault_of_numbers(found, expected(given, arrays, weights), 1e-4)
        return wrong or fault_of_config(made)

    return constructed.target(cls, valid, use, check, ("x", "graph", "basis", "inputs"))


def signal(rng, given):
    return [normal(rng, B, T, N, F)]


def nodes(rng, given):
    return [normal(rng, B, N, F)]


def with_graph(rng, given):
    return [normal(rng, B, T, N, F), operator(rng, *rng.choice(((), (B,), (B, T))))]


def chosen(**choices):
    """Required arguments first; those in `choices["maybe"]` are left out half of the time."""
    maybe = choices.pop("maybe", {})
    return lambda rng: {**some(rng, choices, 1.0), **some(rng, maybe)}


def temporal(given, arrays, weights):
    given = {"gate": "glu", "residual": "align", **given}
    parts = {name: given[name] for name in ("gate", "residual")}
    return numpy_layers.gated_temporal_conv(*arrays, **parts, **weights)


def temporal_attention(given, arrays, weights):
    kind = given.get("score", "bilinear")
    return getattr(numpy_layers, f"{kind}_temporal_attention")(*arrays, **weights)


def spatial_attention(given, arrays, weights):
    if given.get("score", "bilinear") == "bilinear":
        return numpy_layers.bilinear_spatial_attention(arrays[0], **weights)
    more = {"K": given.get("K", 3), "slope": given.get("negative_slope", 0.2)}
    return numpy_layers.additive_spatial_attention(*arrays, **more, **weights)


def valid_attention(rng):
    found = some(rng, {"score": ("bilinear", "dot"), "key_dim": (1, 4), **KERNEL})
    if found.get("score") == "dot":
        found["num_heads"] = rng.choice((1, 2, 3))
    return found


def pooled(given, arrays, weights):
    return numpy_layers.graph_pooling(*arrays, given.get("pooling", "max"))


def normalized(given, arrays, weights):
    axes = given.get("axis", -1)
    axes = tuple(axes) if isinstance(axes, list) else axes
    return numpy_layers.layer_norm(
        *arrays, **weights, axes=axes, epsilon=given.get("epsilon", 1e-3)
    )


def sparse_signal(given, arrays, weights):
    index, value = arrays[0]["index"], arrays[0]["value"]
    x = np.zeros((B, given["num_nodes"], given["num_features"]))
    for b in range(B):
        for e in range(value.shape[1]):
            x[b, index[b, 0, e], index[b, 1, e]] += value[b, e]
    return x


def entries(rng, given):
    draw = np.random.default_rng(rng.getrandbits(32))
    sizes = [given["num_nodes"], given["num_features"]]
    index = np.stack([draw.integers(0, int(s), (B, 7), "int32") for s in sizes], axis=1)
    return [{"index": index, "value": normal(rng, B, 7)}]


def spectral(given, arrays, weights):
    kernel, frequencies = weights["kernel"], arrays[1].shape[1]
    if given.get("num_knots") is not None:
        from scipy.interpolate import make_interp_spline

        knots = np.linspace(0, frequencies - 1, len(kernel))
        rank = min(3, len(kernel) - 1)
        kernel = make_interp_spline(knots, kernel, rank)(np.arange(frequencies))
    y = numpy_layers.spectral_conv(*arrays, kernel=kernel, bias=weights.get("bias", 0.0))
    return ACTIVATIONS[given.get("activation")](y)


def with_basis(rng, given):
    return [normal(rng, B, N, F), normal(rng, N, rng.choice((5, 4)))]


def each(function):
    def expected(given, arrays, weights):
        return np.stack([function(matrix) for matrix in arrays[0]])

    return expected


def adjacencies(rng, given):
    return [np.abs(operator(rng, B))]


def fused(rng, given):
    return [[normal(rng, B, T, N, F) for _ in range(rng.choice((1, 2, 3)))]]


# Layers that hold what the user gives them.


def kept(cls, valid, give, fixed=()):
    """The target of a layer that holds state; `give` returns pairs of what it holds and must."""

    def use(cls, given, rng):
        made = cls(**given)
        return made, give(made, given, rng)

    def check(result, given):
        made, pairs = result
        for found, expected in pairs:
            wrong = fault_of_numbers(found, expected, 1e-4)
            if wrong:
                return wrong
        return fault_of_config(made)

    return constructed.target(cls, valid, use, check, ("x", "values", "calendar"), fixed)


def valid_scaler(rng):
    features = rng.choice((1, 2, 3))
    found = {"num_features": features}
    if rng.random() < 0.5:
        found["targets"] = rng.sample(range(features), rng.randint(1, features))
    return found


def scaled(made, given, rng):
    values = 50 + 10 * normal(rng, 20, N, made.num_features)
    values[rng.randrange(20), 0] = np.nan
    made.adapt(values)
    mean = np.nanmean(values.astype("float64"), axis=(0, 1))
    std = np.nanstd(values.astype("float64"), axis=(0, 1))
    x = values[None, :3].astype("float64")
    filled = np.where(np.isnan(x), mean, x)
    order = list(range(made.num_features)) if made.targets is None else list(made.targets)
    back = made(x[..., order].astype("float32"), inverse=True)
    found = made(x.astype("float32"))
    return [(found, (filled - mean) / std), (back, x[..., order] * std[order] + mean[order])]


def seasonal(made, given, rng):
    steps = made.steps_per_day
    draw = np.random.default_rng(rng.getrandbits(32))
    hour = np.arange(21 * steps) % steps / steps
    calendar = np.stack([hour, np.arange(21 * steps) // steps % 7], axis=-1)
    values = 50 + draw.standard_normal((21 * steps, made.num_nodes, made.num_features))
    made.adapt(values, calendar)
    kind = calendar[:, 1] >= 5
    season = np.zeros_like(values)
    for weekend in (False, True):
        for slot in range(steps):
            here = (kind == weekend) & (np.arange(len(values)) % steps == slot)
            season[here] = values[here].mean(axis=0)
    std = np.sqrt(((values - season) ** 2).mean(axis=(0, 1)))
    std = np.where(std > 1e-12, std, 1)
    x = values[None, :4].astype("float32")
    found = made(x, calendar[None, :4].astype("float32"))
    return [(np.asarray(found), (values - season)[None, :4] / std)]


def clusters(rng):
    number, size = rng.choice((1, 2)), rng.choice((1, 3))
    found = {"num_clusters": number, "pool_size": size}
    if rng.random() < 0.8:
        found["clusters"] = [[rng.randrange(N) for _ in range(size)] for _ in range(number)]
    return found


def held_clusters(made, given, rng):
    if given.get("clusters") is None:
        made.clusters = np.zeros((made.num_clusters, made.pool_size), int)
        return [(made(np.ones((1, N))), np.zeros((made.num_clusters, made.pool_size)))]
    return [(np.asarray(made(np.ones((1, N)))), np.asarray(given["clusters"]))]


def static(rng):
    matrix = operator(rng)
    kind = rng.choice(("dense", "sparse", "room", "basis", "none"))
    found = {"num_nodes": N, "graph": matrix}
    if kind == "sparse":
        found["graph"] = scipy.sparse.csr_array(matrix)
    elif kind == "room":
        found["num_edges"] = 25
    elif kind == "basis":
        found.update(graph=matrix[:, :3], num_frequencies=3)
    elif kind == "none":
        del found["graph"]
    return found


def static_terms(rng):
    found = {"num_nodes": N, "K": rng.choice((1, 2, 3)), "graph": operator(rng)}
    if rng.random() < 0.5:
        found["graph"] = scipy.sparse.csr_array(found["graph"])
    if rng.random() < 0.3:
        found["num_edges"] = 25
    return found


def held_graph(made, given, rng):
    if given.get("graph") is None:
        shape = (made.num_nodes, made.num_frequencies or made.num_nodes)
        given = {**given, "graph": np.eye(*shape)}
        made.graph = given["graph"]
    matrix = cases.dense(given["graph"])
    found = made(np.ones((1, N)))
    if isinstance(found, dict):
        index, value = (np.asarray(found[part]) for part in ("index", "value"))
        total = np.zeros((N, N))
        np.add.at(total, tuple(index), value)
        pairs = [(total, matrix)]
        if "terms" in found:
            terms = numpy_layers.chebyshev_polynomials(matrix.astype("float64"), made.K)
            for term, row in zip(terms, np.asarray(found["terms"]), strict=True):
                total = np.zeros((N, N))
                np.add.at(total, tuple(index), row)
                pairs.append((total, term))
        return pairs
    return [(np.asarray(found), matrix)]


SPATIAL = {"K": (1, 2, 3), "units": (1, 4), "negative_slope": (0.0, 0.2, 0.5), **KERNEL}
POOL = np.array([[0, 1, 0], [2, 3, 4]], "int32")
TARGETS = (
    layer(
        layers.AdaptiveAdjacency,
        chosen(units=(1, 3)),
        nodes,
        lambda given, arrays, weights: numpy_layers.adaptive_adjacency(*arrays, **weights),
    ),
    layer(
        layers.CenteredLayerNormalization,
        chosen(
            maybe={
                "axis": (-1, (-2, -1), [-1], 3, (2, 3)),
                "epsilon": (1e-3, 1e-6),
                "center": (True, False),
            }
        ),
        signal,
        normalized,
    ),
    layer(
        layers.ChebConv,
        chosen(filters=(1, 3, 4), K=(1, 2, 4), maybe=DENSE),
        with_graph,
        activated(numpy_layers.cheb_conv),
    ),
    layer(
        layers.ComponentFusion,
        chosen(),
        fused,
        lambda given, arrays, weights: numpy_layers.component_fusion(*arrays, **weights),
    ),
    layer(
        layers.GatedTemporalConv,
        chosen(
            filters=(1, 3, 4),
            kernel_size=(1, 2, 4),
            maybe={"gate": ("glu", "gtu"), "residual": ("align", "conv", None), **KERNEL},
        ),
        signal,
        temporal,
    ),
    layer(
        layers.GraphConv,
        chosen(filters=(1, 4), maybe=DENSE),
        with_graph,
        activated(numpy_layers.graph_conv),
    ),
    layer(
        layers.GraphPooling,
        chosen(maybe={"pooling": ("max", "average")}),
        lambda rng, given: [normal(rng, B, T, N, F), POOL],
        pooled,
    ),
    layer(
        layers.NodeEmbedding,
        chosen(units=(1, 4)),
        nodes,
        lambda given, arrays, weights: numpy_layers.node_embedding(*arrays, **weights),
    ),
    layer(
        layers.RenormalizedAdjacency,
        chosen(),
        adjacencies,
        each(numpy_layers.renormalized_adjacency),
    ),
    layer(
        layers.ScaledLaplacian,
        chosen(maybe={"lambda_max": (2.0, 1.5, 2)}),
        adjacencies,
        lambda given, arrays, weights: each(
            functools.partial(
                numpy_layers.scaled_laplacian, lambda_max=given.get("lambda_max", 2.0)
            )
        )(given, arrays, weights),
    ),
    layer(
        layers.SparseFeatures, chosen(num_nodes=(3, 5), num_features=(1, 4)), entries, sparse_signal
    ),
    layer(
        layers.SpatialAttention,
        chosen(maybe={"score": ("bilinear", "additive"), **SPATIAL}),
        with_graph,
        spatial_attention,
    ),
    layer(
        layers.SpectralConv,
        chosen(filters=(1, 4), maybe={"num_knots": (None, 2, 3, 4), **DENSE}),
        with_basis,
        spectral,
    ),
    layer(
        layers.TemporalAttention,
        valid_attention,
        signal,
        temporal_attention,
        return_attention_scores=True,
    ),
    kept(layers.StandardScaler, valid_scaler, scaled),
    kept(
        layers.SeasonalScaler,
        lambda rng: {
            "num_nodes": rng.choice((1, N)),
            "steps_per_day": rng.choice((4, 24)),
            **valid_scaler(rng),
        },
        seasonal,
    ),
    kept(layers.StaticClusters, clusters, held_clusters),
    kept(layers.StaticGraph, static, held_graph),
    kept(layers.StaticTerms, static_terms, held_graph),
)
