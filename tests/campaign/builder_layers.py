"""All layers, with the NumPy layers of tests/numpy_layers.py as the oracle."""

import functools

import keras
import numpy as np

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
)
