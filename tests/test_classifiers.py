"""SpectralCNN, ChebNet and GCN: pooling, sparse features, and training on a few labels."""

import json

import keras
import numpy as np
import numpy_layers
import pytest
import scipy.sparse
from cases import NODES, adjacency, as_numpy, predict, randomize
from keras import ops
from model_cases import copy_weights, inputs_of, make
from numpy_layers import assert_close, normal

from stgkeras import graphs, layers, models

N, F, CLASSES = NODES, 2, 3
COARSE = graphs.coarsen(adjacency(), levels=2)
SIZES = [len(members) for members in COARSE.clusters]


def laplacians():
    return [graphs.scaled_laplacian(a, lambda_max=2.0) for a in COARSE.adjacencies[:2]]


def bases():
    return [graphs.fourier_basis(a)[1][:, :3] for a in COARSE.adjacencies[:2]]


OPERATORS = {
    "chebnet": (models.ChebNet, laplacians, {"K": 3}),
    "chebnet-sparse": (
        models.ChebNet,
        lambda: [scipy.sparse.csr_array(matrix) for matrix in laplacians()],
        {"K": 2, "pooling": "average"},
    ),
    "scnn": (models.SpectralCNN, bases, {}),
    "smooth-scnn": (models.SpectralCNN, bases, {"num_knots": 3}),
    "gcn": (
        models.GCN,
        lambda: [graphs.renormalized_adjacency(a) for a in COARSE.adjacencies[:2]],
        {"classify": "signals"},
    ),
}
pooled = pytest.mark.parametrize("name", OPERATORS)


def pooled_model(name, **kwargs):
    cls, operators, more = OPERATORS[name]
    small = {"num_classes": CLASSES, "num_features": F, "filters": (4, 5), "units": (6,)}
    state = {"graph": operators(), "clusters": COARSE.clusters}
    model = cls(N, **{**small, **more, **state, **kwargs})
    randomize(model)
    return model


def dense(operators):
    return [a.toarray() if scipy.sparse.issparse(a) else a for a in operators]


def test_pooled_chebnet_is_its_layers_one_after_the_other():
    model, x = pooled_model("chebnet"), normal(4, N, F)
    y = x
    weights = iter(as_numpy(v.value).astype("float64") for v in model.trainable_variables)
    for operator, members in zip(laplacians(), COARSE.clusters, strict=True):
        kernel, bias = next(weights), next(weights)
        y = numpy_layers.cheb_conv(y[:, None], operator, kernel=kernel, bias=bias)[:, 0]
        y = numpy_layers.graph_pooling(np.maximum(y, 0.0), members, "max")
    y = y.reshape(4, SIZES[-1] * 5)
    y = np.maximum(y @ next(weights) + next(weights), 0.0)
    assert_close(predict(model, x), y @ next(weights) + next(weights))


def test_gcn_is_the_formula_of_the_paper():
    model, x = make("gcn"), normal(1, N, F)
    first, second = (model.get_layer(name) for name in ("convolution_1", "output"))
    operator = numpy_layers.renormalized_adjacency(adjacency())
    hidden = operator @ x[0] @ as_numpy(first.kernel.value) + as_numpy(first.bias.value)
    logits = operator @ np.maximum(hidden, 0.0) @ as_numpy(second.kernel.value)
    assert_close(predict(model, x)[0], logits + as_numpy(second.bias.value))


@pooled
def test_a_saved_model_keeps_its_graphs_and_clusters(name, tmp_path):
    model, x = pooled_model(name), normal(4, N, F)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    for ours, theirs in zip(loaded.clusters, COARSE.clusters, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(dense(loaded.graph), dense(OPERATORS[name][1]()), strict=True):
        np.testing.assert_array_equal(ours, theirs.astype("float32"))
    assert_close(predict(loaded, x), predict(model, x))


@pooled
def test_a_model_from_config_refuses_to_predict_until_all_its_state_is_set(name):
    model, x = pooled_model(name), normal(4, N, F)
    copy = type(model).from_config(json.loads(json.dumps(model.get_config())))
    copy_weights(model, copy)
    with pytest.raises(ValueError, match="`graph` must be given"):
        copy.predict(x)
    copy.graph = model.graph
    with pytest.raises(ValueError, match="`clusters` must be given"):
        copy.predict(x)
    copy.clusters = model.clusters
    assert_close(predict(copy, x), predict(model, x))


@pooled
def test_relabelled_nodes_and_clusters_give_the_same_classes(name):
    order = np.array([2, 4, 0, 1, 3])
    model, x = pooled_model(name), normal(4, N, F)
    first, second = model.graph
    rows = dense([first])[0][order]
    moved = rows if "scnn" in name else rows[:, order]
    place = np.argsort(order)  # where each node went
    other = pooled_model(
        name,
        graph=[scipy.sparse.csr_array(moved) if "sparse" in name else moved, second],
        clusters=[place[COARSE.clusters[0]], COARSE.clusters[1]],
    )
    assert_close(predict(copy_weights(model, other), x[:, order]), predict(model, x))


@pooled
def test_one_step_of_fit_moves_every_weight(name):
    model, x = pooled_model(name, kernel_regularizer="l2"), normal(16, N, F)
    before = [as_numpy(v.value) for v in model.trainable_variables]
    graph = dense(model.graph)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert len(model.losses) == 3  # of two convolutions and a dense layer
    history = model.fit(x, np.arange(16) % CLASSES, batch_size=16, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    for variable, value in zip(model.trainable_variables, before, strict=True):
        assert (as_numpy(variable.value) != value).any(), variable.path
    for ours, theirs in zip(dense(model.graph), graph, strict=True):
        np.testing.assert_array_equal(ours, theirs)


CROSS_ENTROPY = {"from_logits": True, "reduction": "mean_with_sample_weight"}


def semi_supervised(y, **kwargs):
    """A GCN after an epoch on labels `y` of which nodes 0 and 3 count."""
    model = make("gcn", dropout=0.0, kernel_regularizer=keras.regularizers.L2(0.1), **kwargs)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(**CROSS_ENTROPY))
    mask = np.float32([[1, 0, 0, 1, 0]])
    history = model.fit(inputs_of(model, batch=1), y, sample_weight=mask, batch_size=1, verbose=0)
    return model, history.history["loss"][0]


def test_labels_outside_the_mask_teach_nothing():
    first, _ = semi_supervised(np.array([[0, 1, 2, 1, 0]]))
    second, _ = semi_supervised(np.array([[0, 0, 0, 1, 1]]))
    third, _ = semi_supervised(np.array([[0, 1, 2, 2, 0]]))
    for one, same, other in zip(
        first.trainable_variables,
        second.trainable_variables,
        third.trainable_variables,
        strict=True,
    ):
        np.testing.assert_array_equal(as_numpy(one.value), as_numpy(same.value))
        assert (as_numpy(one.value) != as_numpy(other.value)).any()


def test_loss_is_the_mean_over_the_labelled_nodes_and_the_first_kernel():
    start = make("gcn")
    logits = predict(start, inputs_of(start, batch=1))[0].astype("float64")
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    kernel = as_numpy(start.get_layer("convolution_1").kernel.value)
    _, loss = semi_supervised(np.array([[0, 1, 2, 1, 0]]))
    expected = -(log_p[0, 0] + log_p[3, 1]) / 2 + 0.1 * np.square(kernel).sum()
    assert loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("classify", ["nodes", "signals"])
def test_sparse_features_give_what_dense_ones_give(classify):
    x = np.where(np.random.default_rng(0).random((N, F)) < 0.6, normal(N, F), 0.0)
    entries = graphs.stored_entries(scipy.sparse.csr_array(x))
    full = make({"nodes": "gcn", "signals": "gcn-signals"}[classify])
    arguments = {**full.get_config(), "num_entries": entries["value"].shape[1]}
    del arguments["name"], arguments["trainable"]
    model = copy_weights(full, models.GCN(**arguments, graph=full.graph))
    assert_close(predict(model, entries), predict(full, x[None].astype("float32")))


def test_dropout_of_sparse_features_drops_entries():
    x = np.ones((N, 40))
    entries = graphs.stored_entries(scipy.sparse.csr_array(x))
    model = models.GCN(
        N, graph=np.eye(N), num_features=40, num_classes=2, dropout=0.5, num_entries=N * 40
    )
    features = keras.Model(model.input, model.get_layer("features").output)
    dropped = ops.convert_to_numpy(features(entries, training=True))
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert 0.3 < (dropped == 0).mean() < 0.7


ARGUMENTS = {"num_classes": 3, "filters": (4, 5)}


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (models.GCN, {"filters": ()}, "`filters` must hold at least one number. Received: "),
        (models.GCN, {"filters": (0,)}, "`filters` must be a sequence of integers of at least 1"),
        (models.GCN, {"num_classes": 0}, "`num_classes` must be an integer of at least 1"),
        (models.GCN, {"classify": "edges"}, "`classify` must be one of 'signals', 'nodes'"),
        (
            models.GCN,
            {"clusters": COARSE.clusters},
            '`clusters` must be None with classify="nodes"',
        ),
        (models.GCN, {"graph": np.ones((4, 4))}, r"= \(5, 5\). Received: graph.shape=\(4, 4\)"),
        (models.GCN, {"units": (8,)}, '`units` must be empty with classify="nodes"'),
        (models.GCN, {"num_entries": 0}, "`num_entries` must be an integer of at least 1"),
        (models.ChebNet, {"K": 0}, "`K` must be an integer of at least 1"),
        (models.ChebNet, {"pooling": "sum"}, "`pooling` must be one of"),
        (models.ChebNet, {"dropout": 1.0}, "`dropout` must be at least 0 and below 1"),
        (
            models.ChebNet,
            {"clusters": COARSE.clusters[:1]},
            r"for each of the 2 convolutions of `filters`. Received: shapes \[\(3, 2\)\]",
        ),
        (
            models.ChebNet,
            {"clusters": COARSE.clusters, "graph": laplacians()[0]},
            "`graph` must be a list of length 2, .* Received: graph of type ndarray",
        ),
        (
            models.ChebNet,
            {"clusters": COARSE.clusters, "graph": laplacians()[::-1]},
            r"`graph` must have shape \(num_nodes, num_nodes\) = \(5, 5\)",
        ),
        (
            models.ChebNet,
            {"clusters": [COARSE.clusters[0] + 3, COARSE.clusters[1]]},
            r"`clusters\[0\]` must hold node numbers below 5, .* Received: [67]",
        ),
        (models.SpectralCNN, {"num_knots": 1}, "`num_knots` must be an integer of at least 2"),
        (models.SpectralCNN, {"graph": np.ones((4, 3))}, "`graph` must have shape"),
        (models.SpectralCNN, {"graph": np.eye(N)[:, :2], "num_knots": 3}, "at most the 2 freq"),
    ],
)
def test_bad_arguments(cls, arguments, message):
    with pytest.raises(ValueError, match=message):
        cls(N, **{**ARGUMENTS, **arguments})


def test_default_units_are_those_of_the_paper_for_signals_and_none_for_nodes():
    signals, nodes = (
        models.ChebNet(N, num_classes=3, K=2, classify=classify)
        for classify in ("signals", "nodes")
    )
    assert (signals.units, nodes.units) == ((512,), ())


def test_pooling_layers_are_named_after_their_convolution():
    model = pooled_model("scnn")
    assert isinstance(model.get_layer("pooling_2"), layers.GraphPooling)
    assert model.get_layer("clusters_1").clusters.shape == COARSE.clusters[1].shape


@pytest.mark.parametrize("weights", ["none", "zero"])
def test_nodes_without_a_label_do_not_count(weights):
    """Labels of -1 stop TensorFlow and PyTorch in a plain Keras model, even with weight 0."""
    model = make("gcn")
    x = inputs_of(model, batch=2)
    nodes, classes = model.output_shape[1:]
    labels = np.random.default_rng(0).integers(0, classes, (2, nodes))
    some = labels.copy()
    some[:, 1::2] = -1
    weight = (some >= 0).astype("float32")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.0), loss, weighted_metrics=["accuracy"])
    expected = model.evaluate(x, labels, sample_weight=weight, verbose=0)
    given = weight if weights == "zero" else None
    found = model.evaluate(x, some, sample_weight=given, verbose=0)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5)
    if weights == "zero":
        np.testing.assert_allclose(found[1], expected[1], rtol=1e-5)
    model.compile(keras.optimizers.SGD(0.1), loss)
    start = model.get_weights()
    model.fit(x, some, sample_weight=given, verbose=0, shuffle=False)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert any((a != b).any() for a, b in zip(start, model.get_weights(), strict=True))
