"""NaN and infinite numbers in what models are fitted to and predict from."""

import re
import warnings

import keras
import numpy as np
import pytest
from cases import NODES
from conftest import on_fastest
from model_cases import inputs_of, make

from stgkeras import datasets, losses

BACKEND = keras.backend.backend()
SAMPLES, BATCH = 6, 4
PLACE = (5, 2, 3, 0)  # in the last batch, which is a partial one
BAD = {"nan": np.nan, "inf": np.inf, "minus-inf": -np.inf}


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y = x, y

    def __len__(self):
        return -(-SAMPLES // BATCH)

    def __getitem__(self, index):
        part = slice(index * BATCH, (index + 1) * BATCH)
        x = keras.tree.map_structure(lambda array: array[part], self.x)
        return x, self.y[part]


def generator(x, y):
    batches = Batches(x, y)
    return (batches[index] for index in range(len(batches)))


def tensorflow_dataset(x, y):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((x, y)).batch(BATCH)


def torch_loader(x, y):
    import torch

    return torch.utils.data.DataLoader(list(zip(x, y, strict=True)), batch_size=BATCH)


# How data come: function of x and y, to the arguments of `fit` and `evaluate`.
FEEDS = {
    "arrays": lambda x, y: (x, y),
    "tensors": lambda x, y: (keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(y)),
    "batches": lambda x, y: (Batches(x, y),),
    "batches-workers": lambda x, y: (Batches(x, y, workers=2),),
    "generator": lambda x, y: (generator(x, y),),
}
if BACKEND == "tensorflow":
    FEEDS["tf-dataset"] = lambda x, y: (tensorflow_dataset(x, y),)
if BACKEND == "torch":
    FEEDS["torch-loader"] = lambda x, y: (torch_loader(x, y),)


@pytest.fixture(scope="module")
def plain():
    """A forecaster without a scaler."""
    model = make("stgcn")
    model.compile("sgd", "mae")
    return model


@pytest.fixture(scope="module")
def scaled():
    """A forecaster with a scaler, and a loss that leaves missing readings out."""
    model = make("stgcn-normalize")
    model.compile("sgd", losses.MaskedMeanAbsoluteError())
    return model


def data_of(model):
    x = inputs_of(model, batch=SAMPLES)
    return x, np.zeros((SAMPLES, *model.output_shape[1:]), "float32")


def spoiled(array, value, place=PLACE):
    array = array.copy()
    array[place] = value
    return array


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
def test_a_model_without_a_scaler_refuses_what_is_not_finite(plain, feed, value):
    x, y = data_of(plain)
    wrong = spoiled(x, value)
    place = r"at x\[5, 2, 3, 0\]" if feed is FEEDS["arrays"] else "at x"
    message = f"`x` must hold finite numbers. Received: .*{place}"
    for method in (plain.fit, plain.evaluate):
        with pytest.raises(ValueError, match=message):
            method(*feed(wrong, y), verbose=0)
    if feed in (FEEDS["arrays"], FEEDS["batches"]):
        before = plain.get_weights()
        with pytest.raises(ValueError, match=message):
            plain.predict(feed(wrong, y)[0], verbose=0)
        for ours, theirs in zip(before, plain.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    # Keras on JAX takes the weights out of a model while it works with them.
    assert all(np.isfinite(weight).all() for weight in plain.get_weights())
    assert np.isfinite(plain.evaluate(*feed(x, y), verbose=0))


def test_a_batch_is_checked_as_well(plain):
    x, y = data_of(plain)
    wrong = spoiled(x, np.nan)
    for call in (
        lambda: plain.train_on_batch(wrong, y),
        lambda: plain.test_on_batch(wrong, y),
        lambda: plain.predict_on_batch(wrong),
        lambda: plain.fit(x, y, validation_data=(wrong, y), verbose=0),
        lambda: plain.fit(x, y, validation_data=Batches(wrong, y), verbose=0),
        lambda: plain.predict({"x": wrong}, verbose=0),
        lambda: plain.predict([wrong], verbose=0),
    ):
        with pytest.raises(ValueError, match="`x` must hold finite numbers. Received: NaN at x"):
            call()


def test_targets_are_finite_unless_the_loss_leaves_missing_ones_out(plain, scaled):
    x, y = data_of(plain)
    place = (5, 1, 0, 0)
    with pytest.raises(ValueError, match=r"`y` must hold .* NaN at y\[5, 1, 0, 0\].*MaskedMean"):
        plain.fit(x, spoiled(y, np.nan, place), verbose=0)
    x, y = data_of(scaled)
    place = (5, 0, 0, 0)
    assert np.isfinite(scaled.evaluate(x, spoiled(y, np.nan, place), verbose=0))
    with pytest.raises(ValueError, match="`y` must hold .* Received: an infinite number at y"):
        scaled.evaluate(x, spoiled(y, np.inf, place), verbose=0)


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
def test_a_scaler_takes_nan_for_missing_and_refuses_inf(scaled, feed):
    x, y = data_of(scaled)
    assert np.isfinite(scaled.evaluate(*feed(spoiled(x, np.nan), y), verbose=0))
    with pytest.raises(ValueError, match="Received: an infinite number at x.*reading is missing"):
        scaled.evaluate(*feed(spoiled(x, np.inf), y), verbose=0)


@pytest.mark.parametrize("name", ["stgcn-season", "astgcn-season"])
def test_the_calendar_is_never_missing(name):
    model = make(name)
    x = inputs_of(model)
    signal = "x" if "x" in x else "recent"
    x[signal][0, 0, 0] = np.nan
    assert np.isfinite(model.predict(x, verbose=0)).all()
    x["calendar"][1, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"`calendar` must hold .* NaN at calendar\[1, 0, 0\]"):
        model.predict(x, verbose=0)


def test_a_window_without_any_reading_is_told(scaled):
    x, _ = data_of(scaled)
    x[[1, 4]] = np.nan
    x[2, :, 0] = np.nan  # one sensor
    for feed in (x, Batches(x, x)):
        with pytest.warns(
            UserWarning, match="2 of 6 input windows have no reading. The model replaces"
        ) as caught:
            scaled.predict(feed, verbose=0)
        told = [w for w in caught if "have no reading" in str(w.message)]
        assert len(told) == 1 and told[0].filename == __file__
    x[[1, 4]] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        scaled.predict(x, verbose=0)


@pytest.mark.parametrize("name", ["stgcn-links", "astgcn-links-pairwise", "stgcn-step"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_graphs_and_histories_that_come_as_input_are_finite(name, value):
    model = make(name)
    for key, array in inputs_of(model).items():
        x = inputs_of(model) | {key: spoiled(array, value, (1,) + (0,) * (array.ndim - 1))}
        with pytest.raises(ValueError, match=f"`{key}` must hold finite numbers"):
            model.predict(x, verbose=0)


@pytest.mark.parametrize("name", ["stgcn-links", "astgcn-sample-additive"])
def test_graphs_that_come_as_input_are_adjacencies(name):
    model = make(name)
    x = inputs_of(model)
    for dtype in ("float32", "int32"):
        graph = np.ceil(x["graph"]).astype(dtype)
        assert np.isfinite(model.predict(x | {"graph": graph}, verbose=0)).all()
        place = (1,) + (0,) * (graph.ndim - 3) + (2, 1)
        graph[place] = -1
        message = "`graph` must hold adj.* Received: -1 at graph" + re.escape(str(list(place)))
        with pytest.raises(ValueError, match=message):
            model.predict(x | {"graph": graph}, verbose=0)
    laplacian = np.broadcast_to(np.eye(NODES), x["graph"].shape) - x["graph"]
    y = np.zeros(model.predict(x, verbose=0).shape, "float32")
    model.compile("sgd", "mae")
    for feed in (generator, Batches):
        with pytest.raises(ValueError, match="Pass the adjacencies instead of Laplacians"):
            found = feed(x | {"graph": laplacian}, y)
            model.evaluate(found, verbose=0, steps=1 if feed is generator else None)


@pytest.mark.parametrize("name", ["chebnet", "gcn", "scnn"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_classifiers_refuse(name, value):
    model = make(name)
    x = spoiled(inputs_of(model), value, (1, 2, 0))
    with pytest.raises(ValueError, match=r"`x` must hold finite numbers. .* at x\[1, 2, 0\]"):
        model.predict(x, verbose=0)


def test_windows_of_a_series_with_gaps():
    values = np.random.default_rng(0).normal(size=(40, NODES, 2))
    values[30:] = np.nan
    model = make("stgcn-normalize")
    model.compile("sgd", losses.MaskedMeanAbsoluteError())
    windows = datasets.Windows(
        values, values[..., :1], np.arange(34), input_length=6, horizon=1, missing=True, workers=2
    )
    with pytest.warns(UserWarning, match="4 of 34 input windows have no reading. The model re"):
        model.evaluate(windows, verbose=0)
    plain = make("stgcn-normalize")
    plain.normalize = False
    plain.compile("sgd", losses.MaskedMeanAbsoluteError())
    with pytest.raises(ValueError, match="a model with `normalize=True` or a `season` accepts NaN"):
        plain.evaluate(windows, verbose=0)


WORKERS = [{"workers": 2}, {"workers": 2, "use_multiprocessing": True}]


@pytest.mark.parametrize("workers", on_fastest(WORKERS, WORKERS[1:]))
def test_checks_leave_the_order_of_windows_as_it_is(workers):
    values = np.random.default_rng(0).normal(size=(60, NODES, 1))
    windows = {
        key: datasets.Windows(
            *(values, values, np.arange(40)),
            **{"input_length": 6, "horizon": 2, "batch_size": 8, "shuffle": True, **options},
        )
        for key, options in (("alone", {}), ("workers", workers))
    }
    model = make("stgcn")
    model.compile(keras.optimizers.SGD(0.01), "mse")
    for layer in model.layers:
        if hasattr(layer, "rate"):
            layer.rate = 0.0
    start = model.get_weights()
    found = {}
    for key, train in windows.items():
        keras.utils.set_random_seed(0)
        model.set_weights(start)
        model.fit(train, validation_data=train, epochs=3, shuffle=False, verbose=0)
        found[key] = model.get_weights()
    for ours, theirs in zip(*found.values(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_what_keras_takes_is_taken(plain):
    import ml_dtypes
    import pandas as pd

    x, y = data_of(plain)
    nothing = np.full(SAMPLES, np.nan)
    plain.evaluate({"x": x, "not an input": nothing}, y, verbose=0)
    plain.predict(x.astype(ml_dtypes.bfloat16), verbose=0)
    plain.predict(x.astype("float16"), verbose=0)
    plain.predict((x * 10).astype("int32"), verbose=0)
    plain.evaluate([x], y, sample_weight=np.ones((SAMPLES, 1, 1)), verbose=0)
    plain.fit(x, y, validation_split=0.5, verbose=0)
    labels = pd.Series([0, 1, 2, 0, 1, 2])
    classifier = make("chebnet")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile("sgd", loss)
    classifier.evaluate(inputs_of(classifier, batch=SAMPLES), labels, verbose=0)
    if BACKEND == "tensorflow":
        dataset = tensorflow_dataset(x, y).map(lambda x, y: (x, y, None))
        plain.evaluate(dataset, verbose=0)


class Pairs(Batches):
    def __getitem__(self, index):
        return list(super().__getitem__(index))  # which Keras takes for inputs and targets


def test_more_ways_to_be_infinite_or_missing(plain):
    x, y = data_of(plain)
    with pytest.raises(ValueError, match="`x` must hold .* an infinite number at x"):
        plain.predict(spoiled(x.astype("float64"), 1e39), verbose=0)  # beyond float32
    with pytest.raises(ValueError, match=r"`y` must hold .* NaN at y\[1"):
        plain.evaluate(Pairs(x, spoiled(y, np.nan, (5, 0, 0, 0))), verbose=0)
