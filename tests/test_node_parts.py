"""Models computed and trained part by part, against the whole model and against separate models."""

import re

import keras
import numpy as np
import pytest
import scipy.sparse as sp
from conftest import once
from numpy.testing import assert_allclose

from stgkeras import datasets, graphs, models
from stgkeras.losses import MaskedMeanAbsoluteError, MaskedMeanSquaredError
from stgkeras.parallel import NodeParts

ON_JAX = keras.backend.backend() == "jax"
NODES = 120
VALUES = np.random.default_rng(0).standard_normal((30, NODES, 1)).astype("float32")
SMALL = {
    "GraphSTID": {"units": 6, "num_blocks": 1, "K": 3, "node_units": 3, "adaptive_units": 0},
    "STGCN": {"block_filters": [(6, 3, 6)], "output_filters": (6, 6), "K": 3},
}


def near_graph(nodes=NODES):
    near = graphs.knn_graph(np.random.default_rng(1).random((nodes, 2)), 3, sparse=True)
    return graphs.scaled_laplacian(near.maximum(near.T), lambda_max=2.0)


def random_model(name, graph, **options):
    model = getattr(models, name)(
        graph.shape[0],
        graph=graph,
        input_length=6,
        horizon=2,
        **{"dropout": 0.0, **SMALL[name], **options},
    )
    rng = np.random.default_rng(2)
    for variable in model.trainable_variables:
        variable.assign(0.5 * rng.standard_normal(variable.shape))
    return model


def values_of(variable):
    return keras.ops.convert_to_numpy(variable.value)


def windows(values, batch_size=4, **options):
    return datasets.Windows(
        values, values, range(4), input_length=6, horizon=2, batch_size=batch_size, **options
    )


def test_forecasts_are_those_of_the_whole():
    calendar = datasets.calendar(np.datetime64("2024-01-01T00") + np.arange(len(VALUES)))
    model = random_model("STGCN", near_graph(), season=24)
    model.adapt(VALUES, calendar)
    data = windows(VALUES, calendar=calendar)
    whole = model.predict(data, verbose=0)
    parts = NodeParts(model, 7)
    assert len(parts.partition.inner) == 7 and 0 < max(parts.partition.halo_sizes) < 60
    assert_allclose(parts.predict(data), whole, atol=1e-5 * abs(whole).max())


def test_a_step_is_that_of_the_whole_with_the_targets_of_a_part():
    model, whole = (random_model("GraphSTID", near_graph()) for _ in range(2))
    for one in (model, whole):
        one.compile(keras.optimizers.SGD(0.05), MaskedMeanSquaredError(), jit_compile=ON_JAX)
    parts = NodeParts(model, 3)
    assert len(set(parts.partition.halo_sizes)) > 1
    data = windows(VALUES)
    x, y = data[0]
    embeddings = whole.get_layer("node_embedding").weights[0]
    for part in np.random.default_rng(5).permutation(3):
        inner = parts.partition.inner[part]
        targets = np.full_like(y, np.nan)
        targets[:, :, inner] = y[:, :, inner]
        kept = np.array(values_of(embeddings))
        loss = whole.train_on_batch(x, targets)
        kept[inner] = values_of(embeddings)[inner]
        embeddings.assign(kept)  # those of other nodes are not changed
    history = parts.fit(data, seed=5, verbose=0)
    assert history.history["loss"] == [pytest.approx(float(loss), rel=1e-5)]
    for one, other in zip(model.get_weights(), whole.get_weights(), strict=True):
        assert_allclose(one, other, atol=1e-5)
    y = whole.predict_on_batch(x)
    assert_allclose(parts.predict(x), y, atol=1e-5 * abs(y).max())


@once
def test_one_part_is_trained_as_the_whole():
    """Also after its targets are chosen, and the learning rate or the loss is changed."""
    values = np.concatenate([VALUES[:, :12] * 3 + 10, VALUES[:, :12]], axis=-1)
    options = {"input_length": 6, "horizon": 2, "batch_size": 2, "shuffle": True}
    graph = near_graph(12)
    both = [random_model("GraphSTID", graph, num_features=2, normalize=True) for _ in range(2)]
    data = [datasets.Windows(values, values[..., 1:], range(4), **options) for _ in both]
    (model, whole), x = both, values[None, :6]
    for one in both:
        one.adapt(values)
        one.compile(keras.optimizers.SGD(0.05), MaskedMeanSquaredError(), jit_compile=ON_JAX)
    parts = NodeParts(model, 1)
    parts.predict(x)
    for change in ("nothing", "rate", "loss"):
        for one in both:
            if change == "rate":
                one.optimizer.learning_rate = 0.01
            if change == "loss":
                one.compile(one.optimizer, MaskedMeanAbsoluteError(), jit_compile=ON_JAX)
        parts.fit(data[0], verbose=0)
        whole.fit(data[1], shuffle=False, verbose=0)
        for one, other in zip(model.get_weights(), whole.get_weights(), strict=True):
            assert_allclose(one, other, atol=1e-5, err_msg=change)
    assert model.targets == (1,)
    assert_allclose(parts.predict(x), whole.predict_on_batch(x), atol=1e-5)


@once
def test_each_part_has_its_own_state_of_the_optimizer():
    graph = near_graph(23)
    model, alone = random_model("STGCN", two_of(graph)), random_model("STGCN", graph)
    for one in (model, alone):
        one.compile(keras.optimizers.Adam(0.01), MaskedMeanSquaredError(), jit_compile=ON_JAX)
    parts = NodeParts(model, 2)
    assert parts.partition.cut_edges == 0
    inner, data = parts.partition.inner, windows(VALUES[:, :46], batch_size=2)
    # The model `alone` trains on one part and then on the other. `kept` has its variables with an
    # axis of nodes, and the state of the optimizer for them, of each part.
    alone.optimizer.build(alone.trainable_variables)
    variables = [*alone.trainable_variables, *alone.optimizer.variables]
    variables = [one for one in variables if 23 in one.shape]
    starts = []
    for pair in zip(alone.trainable_variables, model.trainable_variables, strict=True):
        variable, value = pair[0], np.array(values_of(pair[1]))
        if 46 in value.shape:
            starts.append(value)
        else:
            variable.assign(value)
    slots = [np.zeros((23, 6), "float32")] * 2 * len(starts)
    kept = [[*(one[nodes] for one in starts), *slots] for nodes in inner]
    rng = np.random.default_rng(0)
    for number in range(2):
        x, y = data[number]
        for part in rng.permutation(2):
            for variable, value in zip(variables, kept[part], strict=True):
                variable.assign(value)
            alone.train_on_batch(x[:, :, inner[part]], y[:, :, inner[part]])
            kept[part] = [np.array(values_of(one)) for one in variables]
    parts.fit(data, verbose=0)
    pairs = zip(model.trainable_variables, alone.trainable_variables, strict=True)
    trained = [[], []]
    for variable, other in pairs:
        if 46 in variable.shape:
            for part, nodes in enumerate(inner):
                trained[part].append(values_of(variable)[nodes])
        else:
            assert_allclose(values_of(variable), values_of(other), atol=1e-5)
    for found, expected in zip(trained, kept, strict=True):
        for one, other in zip(found, expected, strict=False):
            assert_allclose(one, other, atol=1e-5)


def two_of(graph):
    return sp.block_diag([graph, graph], format="csr")


@once
@pytest.mark.parametrize(
    "model, error, message",
    [
        (keras.Sequential, TypeError, "`model` must be a forecaster .* Sequential"),
        (
            lambda: models.GraphSTID(5, graph=np.eye(5)),
            ValueError,
            "'adjacency' of type AdaptiveAdjacency, which reads all nodes. .* `adaptive_units=0`",
        ),
        (
            lambda: models.ASTGCN(5, graph=np.eye(5), num_blocks=1),
            ValueError,
            "'block1_temporal_attention' of .* `attention=False`",
        ),
        (lambda: models.STID(5), ValueError, "STID, which takes no graph. Use `models.STGCN`"),
        (
            lambda: models.STGCN(5, dynamic_graph="sample"),
            ValueError,
            "STGCN, which receives the graph as an input",
        ),
    ],
)
def test_models_that_mix_all_nodes_are_refused(model, error, message):
    with pytest.raises(error, match=message):
        NodeParts(model(), 2)


@once
def test_bad_training():
    model = random_model("GraphSTID", near_graph(12))
    parts, data = NodeParts(model, 2), windows(VALUES[:, :12])
    with pytest.raises(ValueError, match="`model` must be compiled"):
        parts.fit(data)
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="`loss` must ignore .* 'mse'. Compile with a masked loss"):
        parts.fit(data)
    model.compile(keras.optimizers.Adam(use_ema=True), MaskedMeanSquaredError())
    with pytest.raises(ValueError, match="`optimizer` must change .* Adam with use_ema=True"):
        parts.fit(data)
    model.compile("adafactor", MaskedMeanSquaredError())
    with pytest.raises(ValueError, match="`optimizer` must keep .* Adafactor, which"):
        parts.fit(data)
    for shape in ((1, 6, 13, 1), (6, 12, 1), (0, 6, 12, 1)):
        message = rf"`x` must have shape \(batch, 6, 12, 1\), .* x.shape={re.escape(str(shape))}"
        with pytest.raises(ValueError, match=message):
            parts.predict(np.zeros(shape))
    model.graph = model.graph * 0.5
    with pytest.raises(ValueError, match=r"`model` must keep .* `NodeParts\(model, 2\)` again"):
        parts.predict(np.zeros((1, 6, 12, 1)))
    with pytest.raises(TypeError, match="`windows` must be a data set .* type ndarray"):
        parts.fit(VALUES)


@once
def test_hops_of_the_default_models():
    options = {"graph": near_graph(8), "num_edges": 60}
    assert NodeParts(models.GraphSTID(8, adaptive_units=0, **options), 2).hops == 6
    assert NodeParts(models.STGCN(8, **options), 2).hops == 4
