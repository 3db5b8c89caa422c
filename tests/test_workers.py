"""Workers gather batches ahead: each epoch has its windows once, in the order it has without."""

import pickle
import threading

import keras
import numpy as np
import pytest
from conftest import once

from stgkeras import datasets

NUMBER, BATCH = 47, 4  # 12 batches, the last of 3 windows
VALUES = np.random.default_rng(0).uniform(1, 2, (NUMBER + 1, 1, 1)).astype("float32")
WORKERS = [{}, {"workers": 2}, {"workers": 2, "use_multiprocessing": True, "max_queue_size": 3}]
IDS = ["none", "threads", "processes"]
some_workers = pytest.mark.parametrize("workers", WORKERS, ids=IDS)


def make(kind=datasets.Windows, seed=0, **workers):
    arguments = {"input_length": 1, "horizon": 1, "batch_size": BATCH, "shuffle": True}
    return kind(VALUES, VALUES, range(NUMBER), seed=seed, **arguments, **workers)


def order(epoch, seed=0):
    """The targets of an epoch, in its order."""
    starts = np.random.default_rng((seed, epoch)).permutation(NUMBER)
    return VALUES[starts + 1, 0, 0]


def code(targets):
    """What `Order` gives for targets that come in this order."""
    return float(np.sum(np.arange(len(targets)) * targets.astype("float64")))


class Order(keras.metrics.Metric):
    """Sum of the targets of a pass, each times its place."""

    def __init__(self):
        super().__init__(name="order")
        self.total = self.add_variable((), "zeros", name="total")
        self.place = self.add_variable((), "zeros", name="place")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = keras.ops.reshape(y_true, (-1,))
        ones = keras.ops.ones_like(y_true)
        places = keras.ops.cumsum(ones) - 1.0 + self.place
        self.total.assign_add(keras.ops.sum(places * y_true))
        self.place.assign_add(keras.ops.sum(ones))

    def result(self):
        return self.total + 0.0


def model():
    x = keras.Input((1, 1, 1))
    net = keras.Model(x, keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(x))
    net.compile(keras.optimizers.SGD(0.0), "mse", metrics=[Order()])
    return net


def assert_orders(found, epochs, seed=0):
    np.testing.assert_allclose(found, [code(order(e, seed)) for e in epochs], rtol=1e-5)


@some_workers
def test_fit_evaluate_predict_and_a_second_fit_have_their_orders(workers):
    windows, validation, net = make(**workers), make(seed=1, **workers), model()
    arguments = {"validation_data": validation, "shuffle": False, "verbose": 0}
    history = net.fit(windows, epochs=3, **arguments).history
    assert_orders(history["order"], [1, 2, 3])
    assert_orders(history["val_order"], [1, 3, 5], seed=1)  # two ends an evaluation
    assert windows.epoch == 4
    assert_orders([net.evaluate(windows, verbose=0)[1]], [5])
    assert windows.epoch == 6
    expected = VALUES[np.random.default_rng((0, 6)).permutation(NUMBER), 0, 0]
    assert np.array_equal(net.predict(windows, verbose=0).ravel(), expected)
    windows.epoch = 1
    history = net.fit(windows, initial_epoch=1, epochs=3, **arguments).history
    assert_orders(history["order"], [2, 3])


@some_workers
def test_a_model_that_is_not_built_predicts_in_order(workers):
    net = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    net.compile("sgd", "mse")
    windows = datasets.Windows(
        VALUES, VALUES, range(NUMBER), input_length=1, horizon=1, batch_size=BATCH, **workers
    )
    assert np.array_equal(net.predict(windows, verbose=0).ravel(), VALUES[:NUMBER, 0, 0])


@some_workers
def test_an_epoch_of_fewer_steps_goes_on_in_the_order_of_the_pass(workers):
    history = (
        model().fit(make(**workers), steps_per_epoch=4, epochs=6, shuffle=False, verbose=0).history
    )
    parts = [p for e in (1, 4) for p in np.split(order(e), [4 * BATCH, 8 * BATCH])]
    np.testing.assert_allclose(history["order"], [code(part) for part in parts], rtol=1e-5)


@some_workers
def test_batches_that_keras_shuffles_come_once_each(workers):
    net = model()
    net.set_weights([np.zeros((1, 1))])
    history = net.fit(make(**workers), epochs=3, verbose=0).history
    mean = np.mean(VALUES[1:].astype("float64") ** 2)
    np.testing.assert_allclose(history["loss"], [mean] * 3, rtol=1e-5)
    assert not np.isclose(history["order"], [code(order(e)) for e in (1, 2, 3)]).any()


@once
@some_workers
def test_links_that_are_drawn_anew_are_those_of_the_epoch(workers):
    ends = np.random.default_rng(0).integers(0, 8, (2, 300))
    ends = ends[:, ends[0] != ends[1]]
    contacts = datasets.contacts_from_arrays(60 * np.arange(ends.shape[1]), *ends)
    snapshots = contacts.snapshots(width=600)
    steps = np.arange(2, snapshots.num_steps)
    arguments = {"input_length": 2, "negatives": 1, "shuffle": True, "batch_size": 5}
    windows, plain = (snapshots.windows(steps, **arguments, **w) for w in (workers, {}))
    for epoch in range(2):
        windows.epoch = plain.epoch = epoch
        batches = list(windows)
        assert len(batches) == len(plain)
        for number, batch in enumerate(batches):
            for ours, theirs in zip(keras.tree.flatten(batch), flat(plain, number), strict=True):
                assert np.array_equal(ours, theirs)


def flat(windows, number):
    return keras.tree.flatten(windows[number])


@once
@some_workers
def test_a_pass_that_was_left_does_not_reach_into_the_next(workers):
    windows = make(**workers)
    for _ in windows:
        break
    windows.on_epoch_end()
    assert np.array_equal(np.concatenate([y for _, y in windows]).ravel(), order(1))
    next(iter(windows))
    windows.epoch = 5
    found = [windows[i][1] for i in range(len(windows))]
    assert np.array_equal(np.concatenate(found).ravel(), order(5))


class Broken(datasets.Windows):
    def gather(self, starts):
        if 30 in starts:
            raise RuntimeError("Row 30 cannot be read")
        return super().gather(starts)


@once
@some_workers
def test_an_error_in_a_worker_is_raised(workers):
    with pytest.raises(RuntimeError, match="Row 30"):
        list(make(Broken, **workers))


class Counted(datasets.Windows):
    """Counts the batches that were gathered."""

    count = 0

    def gather(self, starts):
        self.count += 1
        return super().gather(starts)


@once
def test_workers_are_no_more_ahead_than_they_may_be():
    windows, ahead = make(Counted, workers=2, max_queue_size=3), []
    for number, _ in enumerate(windows):
        ahead.append(windows.count - number - 1)
    assert windows.count == len(windows) and max(ahead) <= 3


@once
def test_one_batch_alone_starts_no_worker():
    before, windows = threading.active_count(), make(workers=2)
    windows[0], windows[1]
    assert threading.active_count() <= before  # others may end meanwhile


@once
def test_windows_are_pickled_in_the_middle_of_a_pass():
    windows = make(workers=2)
    batches = iter(windows)
    next(batches)
    copy = pickle.loads(pickle.dumps(windows))
    assert np.array_equal(np.concatenate([y for _, y in copy]).ravel(), order(0))
    assert len(list(batches)) == len(windows) - 1


@once
def test_workers_that_are_set_later():
    windows = make()
    windows.workers, windows.use_multiprocessing = 2, True
    assert np.array_equal(np.concatenate([y for _, y in windows]).ravel(), order(0))


@pytest.mark.parametrize("wrong", [{"workers": -1}, {"workers": "2"}, {"max_queue_size": 0}])
def test_wrong_numbers_of_workers(wrong):
    (name, value), *_ = wrong.items()
    with pytest.raises(ValueError, match=f"`{name}` must be an integer of at least .*{value!r}"):
        make(**wrong)
