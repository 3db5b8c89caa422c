"""Search spaces: what they hold, what they build, and how a trial is trained."""

import keras
import keras_tuner
import numpy as np
import pytest
import tuned_search
from keras_tuner.errors import FailedTrialError, FatalValueError
from tuned_search import ADJACENCY, KNOWN, NODES, SERIES, SPLIT, space

import stgkeras
from stgkeras import graphs, tuning

TRAINING = {"learning_rate": (1e-4, 1e-2), "batch_size": {16, 32, 64}, "T_0": (2, 10)}
TRAINING |= {"T_mult": (1, 2)}
FORECAST = {"loss": {"mae", "mse", "huber"}, "K": (1, 4), **TRAINING}
FILTERS = {16, 32, 64, 128}
SCORES = {"temporal_score": {"bilinear", "dot"}, "spatial_score": {"bilinear", "additive"}}
BLOCKS = {"1x2", "1x3", "1x4", "2x2", "2x3", "3x2"}  # of 12 steps, 2 · blocks · (size - 1) < 12
ASTGCN = {"num_blocks": (1, 3), "spatial_filters": FILTERS, "temporal_filters": FILTERS, **SCORES}
PARTS = {"recent": 6, "daily": 2, "weekly": 4}
LINKS = {"num_nodes": NODES, "input_length": 7, "num_features": 2}
SPACES = {
    "stgcn": (
        tuning.STGCNHyperModel,
        {},
        FORECAST
        | {"blocks": BLOCKS, "temporal_filters": FILTERS, "spatial_filters": FILTERS}
        | {"graph_conv": {"cheb", "gcn"}, "gate": {"glu", "gtu"}, "dropout": (0.0, 0.5)},
    ),
    "astgcn": (tuning.ASTGCNHyperModel, {}, FORECAST | ASTGCN),
    "mstgcn": (
        tuning.ASTGCNHyperModel,
        {"attention": False, "input_length": PARTS},
        FORECAST
        | {name: value for name, value in ASTGCN.items() if name not in SCORES}
        | {"components": {"recent", "recent daily", "recent weekly", "recent daily weekly"}},
    ),
    "links": (
        tuning.LinkPredictorHyperModel,
        LINKS,
        ASTGCN
        | {"model": {"STGCN", "ASTGCN"}, "blocks": BLOCKS - {"2x3"}}
        | {"filters": FILTERS, "node_values": {1, 4, 16}, "units": {16, 64, 256}, "K": (1, 4)}
        | {"dropout": (0.0, 0.5), "loss": {"binary_crossentropy", "focal"}}
        | {"alpha": {0.25, 0.5, 0.75, 0.9}, "gamma": {0.5, 1.0, 2.0, 5.0}, **TRAINING},
    ),
}


def no_windows(**sizes):
    raise AssertionError("a build needs no windows")


def make(name, **arguments):
    cls, given, _ = SPACES[name]
    adjacency = None if name == "links" else ADJACENCY
    return cls(no_windows, adjacency, **{**given, **arguments})


def registered(hypermodel):
    hp = keras_tuner.HyperParameters()
    hypermodel.build(hp)
    return hp


@pytest.mark.parametrize("name", SPACES)
def test_spaces_are_those_of_the_literature(name):
    found = {}
    for p in registered(make(name)).space:
        kind = type(p).__name__
        found[p.name] = set(p.values) if kind == "Choice" else (p.min_value, p.max_value)
        assert p.name != "learning_rate" or p.sampling == "log"
    assert found == SPACES[name][2]


@pytest.mark.parametrize("name", SPACES)
def test_any_values_build_a_model_that_has_them(name):
    """Corners of the space, where sizes are small, so that it is quick."""
    hypermodel, small = make(name), {16, 1, "1x2"}
    first = registered(hypermodel)
    for last in (False, True):
        hp = keras_tuner.HyperParameters()
        for p in first.space:
            if isinstance(p.default, (bool, float)) or p.name in ("T_0", "batch_size"):
                continue
            values = list(p.values)
            few = [v for v in values if v in small]
            hp.Fixed(p.name, few[0] if few else values[-1 if last else 0])
        model = hypermodel.build(hp)
        config = model.get_config()
        shared = {k: v for k, v in hp.values.items() if k in config}
        if name == "links" and last is False:
            shared.pop("num_blocks")  # of ASTGCN alone
        if hp.values.get("graph_conv") == "gcn":
            shared.pop("K")
        assert {k: config[k] for k in shared} == shared
        if name == "stgcn":
            assert config["block_filters"] == ((16, 16, 16),) and config["kernel_size"] == 2
        if name == "links":
            assert type(model).__name__ == f"{hp.get('model')}LinkPredictor"
        if name == "mstgcn":
            assert " ".join(config["input_length"]) == hp.get("components")


def test_blocks_fit_the_window():
    lengths = {3: {"1x2"}, 5: {"1x2", "1x3", "2x2"}, 12: BLOCKS}
    for length, expected in lengths.items():
        (found,) = [
            p for p in registered(make("stgcn", input_length=length)).space if p.name == "blocks"
        ]
        assert set(found.values) == expected
    fixed = registered(make("stgcn", num_blocks=2)).space
    assert [p.values for p in fixed if p.name == "blocks"] == [["2x2", "2x3"]]
    with pytest.raises(ValueError, match="`input_length` must be above.*Received: input_length=4"):
        make("stgcn", input_length=4, num_blocks=2)
    make("links", input_length=4, num_blocks=2, model="ASTGCN")  # which takes no steps


def test_operator_follows_the_graph_convolution():
    operators = {"cheb": graphs.scaled_laplacian, "gcn": graphs.renormalized_adjacency}
    for graph_conv, operator in operators.items():
        model = space(graph_conv=graph_conv, K=2).build(keras_tuner.HyperParameters())
        np.testing.assert_allclose(model.graph, operator(ADJACENCY), rtol=1e-6)
        assert (model.output_filters, model.horizon) == ((4, 4), 2)


def test_hyperparameters_can_be_fixed_in_two_ways():
    hp = keras_tuner.HyperParameters()
    hp.Fixed("K", 2)  # also where it is conditional
    hp.Choice("graph_conv", ["cheb"])
    model = make("stgcn", gate="gtu").build(hp)
    assert (model.K, model.graph_conv, model.gate) == (2, "cheb", "gtu")
    assert hp.get("gate") == "gtu"  # and shows in the table of trials
    assert [p.name for p in hp.space].count("K") == 1


def test_a_value_fixed_twice_stops_the_search():
    hp = keras_tuner.HyperParameters()
    hp.Fixed("K", 2)
    with pytest.raises(FatalValueError, match="`K` must agree .* which has 2. Received: K=3"):
        make("stgcn", K=3).build(hp)
    hp = keras_tuner.HyperParameters()
    hp.Fixed("learning_rate", float(np.float32(1e-3)))  # as it comes from another process
    make("stgcn", learning_rate=1e-3).build(hp)


def test_links_are_weighed_as_in_the_paper():
    p, truth = np.array([[[0.3, 0.6], [0.6, 0.9]]], "float32"), np.array([[[1.0, 1], [1, 0]]])
    fixed = {"model": "ASTGCN", "num_blocks": 1, "loss": "focal", "alpha": 0.75, "gamma": 2.0}
    model = make("links", **fixed).build(keras_tuner.HyperParameters())
    # The one pair n < m is a link of probability 0.6: α_t (1 - p_t)^γ -log p_t, eq. 5.
    assert float(model.loss(truth, p)) == pytest.approx(-0.75 * 0.4**2 * np.log(0.6), rel=1e-5)
    assert float(model.loss(1 - truth, p)) == pytest.approx(-0.25 * 0.6**2 * np.log(0.4), rel=1e-5)
    fixed = {"model": "ASTGCN", "num_blocks": 1, "loss": "binary_crossentropy"}
    model = make("links", **fixed).build(keras_tuner.HyperParameters())
    assert float(model.loss(truth, p)) == pytest.approx(-np.log(0.6), rel=1e-5)


def test_a_trial_is_trained_as_its_values_say():
    asked, rates = [], []

    def windows(**sizes):
        asked.append(sizes)
        asked.append(tuned_search.windows(**sizes)[0])
        asked[-1].epoch = 7
        return asked[-1], tuned_search.windows(**sizes)[1]

    class Rates(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    hypermodel, hp = space(windows, batch_size=None), keras_tuner.HyperParameters()
    hp.Fixed("learning_rate", 0.01)
    hp.Fixed("batch_size", 16)
    model = hypermodel.build(hp)
    scaler = model.get_layer("scaler")
    assert float(scaler.mean[0]) == pytest.approx(KNOWN.mean(), rel=1e-5)
    arguments = {"epochs": 4, "initial_epoch": 1, "verbose": 0}
    history = hypermodel.fit(hp, model, callbacks=[Rates()], **arguments).history
    assert asked[0] == {"batch_size": 16, "input_length": 6}
    assert asked[1].epoch == 1 + 1 + 3  # Keras also calls on_epoch_end as `fit` begins
    assert rates == pytest.approx([0.005, 0.01, 0.005])  # T_0=2, T_mult=1
    first = SPLIT.val[:, None] + 6
    predicted = model.predict(tuned_search.windows(16, 6)[1], verbose=0)
    truth = SERIES[first + np.arange(2)]
    assert history["val_masked_mae"][-1] == pytest.approx(abs(predicted - truth).mean(), rel=1e-4)


def test_links_are_trained():
    rng = np.random.default_rng(0)
    graph = np.triu(rng.integers(0, 2, (30, NODES, NODES)), 1)
    graph, x = graph + graph.swapaxes(1, 2), rng.random((30, NODES, 2))

    def windows(**sizes):
        inputs, sizes = {"x": x, "graph": graph}, {**sizes, "horizon": None}
        parts = np.arange(15), np.arange(15, 20)
        return [stgkeras.datasets.Windows(inputs, graph, part, **sizes) for part in parts]

    small = {"model": "ASTGCN", "num_blocks": 1, "K": 1, "spatial_filters": 2}
    small |= {"temporal_filters": 2, "units": 4, "loss": "focal", "normalize": True}
    small["attention"] = False  # quicker to compile
    hypermodel = tuning.LinkPredictorHyperModel(windows, values=x[:20], **LINKS, **small)
    hp = keras_tuner.HyperParameters()
    model = hypermodel.build(hp)
    history = hypermodel.fit(hp, model, epochs=1, verbose=0).history
    assert (
        0 < history[hypermodel.objective.name][0] <= 1 and hypermodel.objective.direction == "max"
    )


def test_a_training_that_is_nan_throughout_says_so():
    hypermodel, hp = space(), keras_tuner.HyperParameters()
    model = hypermodel.build(hp)
    history = {"loss": [float("nan"), float("nan")]}
    model.fit = lambda *args, **kwargs: type("History", (), {"history": history})
    with pytest.raises(
        FailedTrialError, match="Received: loss=nan from the first .* learning_rate=0.001"
    ):
        hypermodel.fit(hp, model)


def test_a_tensorboard_for_all_trials_is_refused(tmp_path):
    board = stgkeras.callbacks.TensorBoard(tmp_path)
    with pytest.raises(FatalValueError, match="Give the hypermodel a `log_dir`"):
        space().fit(keras_tuner.HyperParameters(), None, callbacks=[board])


def test_bad_arguments():
    with pytest.raises(ValueError, match="`windows` must be a function .*Received: windows=3"):
        tuning.STGCNHyperModel(3, ADJACENCY)
    with pytest.raises(TypeError, match="block_filters"):
        registered(make("stgcn", block_filters=((4, 4, 4),)))
    with pytest.raises(AttributeError, match="no attribute 'GCNHyperModel'"):
        _ = tuning.GCNHyperModel
