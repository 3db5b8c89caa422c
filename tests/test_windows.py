"""Windows and splits: counts by hand, published counts, and properties over random sizes."""

import ast
import sys
import tracemalloc
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stgkeras import datasets
from stgkeras.datasets import Windows, split_windows, training_steps


def counts(split):
    return [len(part) for part in split]


def series(num_steps, nodes=3, features=2):
    return np.random.default_rng(0).normal(size=(num_steps, nodes, features)).astype("float32")


def make(num_steps=20, starts=None, input_length=4, horizon=2, **kwargs):
    data = series(num_steps)
    starts = np.arange(num_steps - input_length - (horizon or 1) + 1) if starts is None else starts
    return Windows(data, data[..., 0], starts, input_length=input_length, horizon=horizon, **kwargs)


# Splits


def test_inside_by_hand():
    # 20 steps, cut at 12 and 16: windows of 3 steps inside 0-11, 12-15, 16-19.
    train, val, test = split_windows(20, 2, 1, val=0.2, test=0.2)
    assert train.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert val.tolist() == [12, 13]
    assert test.tolist() == [16, 17]


def test_start_by_hand():
    # 12 steps, windows of 3: 10 windows, cut at 6 and 8.
    train, val, test = split_windows(12, 2, 1, val=0.2, test=0.2, boundary="start")
    assert train.tolist() == [0, 1, 2, 3, 4, 5]
    assert val.tolist() == [6, 7]
    assert test.tolist() == [8, 9]


@pytest.mark.parametrize(
    ("num_steps", "val", "test", "expected"),
    [
        (8064, 0.2, 0.2, [4824, 1608, 1609]),
        (34272, 0.1, 0.2, [23974, 3425, 6850]),
        (7156, 535, 3567, [3031, 535, 3567]),
    ],
)
def test_start_gives_published_counts(num_steps, val, test, expected):
    split = split_windows(num_steps, 12, 12, val, test, boundary="start")
    assert counts(split) == expected
    assert np.array_equal(np.concatenate(split), np.arange(num_steps - 23))


def test_inside_gives_the_published_count_of_los_loop():
    split = split_windows(2016, 12, 12, val=0, test=0.2)
    assert counts(split) == [1589, 0, 381]
    assert split.test[0] == 1612


def test_shares_are_not_cut_by_rounding_errors():
    # In floating point 1 - 0.3 - 0.1 is 0.6 less a rounding error, and so is 0.29 * 100.
    for total in range(10, 2000, 10):
        assert len(split_windows(total, 1, None, 0.3, 0.1, "start").train) == int(
            (total - 1) * 6 // 10
        )
    assert len(split_windows(101, 1, 1, 0.0, 0.71, "start").train) == 29
    assert len(split_windows(10, 1, 1, 1 / 3, 1 / 3, "start").train) == 3


def test_counts_mean_steps_inside_and_windows_at_start():
    assert counts(split_windows(30, 2, 1, val=5, test=7)) == [16, 3, 5]
    assert counts(split_windows(30, 2, 1, val=5, test=7, boundary="start")) == [
        16,
        5,
        7,
    ]


@given(
    st.integers(2, 300),
    st.integers(1, 6),
    st.integers(1, 6),
    st.sampled_from([0, 0.1, 0.25, 1 / 3, 12]),
    st.sampled_from([0.1, 0.2, 0.3, 15]),
)
@settings(max_examples=200, deadline=None)
def test_properties_of_splits(num_steps, length, horizon, val, test):
    reach = length + horizon
    for boundary in ("inside", "start"):
        try:
            split = split_windows(num_steps, length, horizon, val, test, boundary)
        except ValueError:
            continue
        starts = np.concatenate(split)
        assert (np.diff(starts) > 0).all() and starts[0] >= 0 and starts[-1] <= num_steps - reach
        if boundary == "start":
            assert np.array_equal(starts, np.arange(num_steps - reach + 1))
        else:
            touched = [set((p[:, None] + np.arange(reach)).ravel().tolist()) for p in split]
            assert not (touched[0] & touched[1] | touched[1] & touched[2] | touched[0] & touched[2])
            assert starts[-1] == num_steps - reach  # no step is wasted at the end
        assert training_steps(split, length, horizon) == split.train[-1] + reach


def test_training_steps_are_those_of_the_protocol():
    assert training_steps(split_windows(8064, 12, 12, boundary="start"), 12, 12) == 4847
    assert training_steps(split_windows(100, 5, 1), 5, None) == 60


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            (10, 8, 4),
            ValueError,
            "`num_steps` must be at least input_length .* = 12.*=10",
        ),
        (
            (60, 10, 5, 0.1),
            ValueError,
            "validation part must hold at least 15 steps.*: 6 steps",
        ),
        (
            (60, 10, 5, 0.3, 0.2),
            ValueError,
            "test part must hold at least 15 steps.*: 12 steps",
        ),
        (
            (60, 10, 5, 0.4, 0.4),
            ValueError,
            "training part must hold .* 15 steps.*: 12 steps",
        ),
        (
            (18, 10, 5, 0.05, 0.2, "start"),
            ValueError,
            "validation part .* 1 windows.*: 0 windows",
        ),
        (
            (60, 10, 5, 0.5, 0.5),
            ValueError,
            "must leave something to train on.*val=0.5",
        ),
        ((60, 10, 5, 0.2, 60), ValueError, "must leave something to train on.*test=60"),
        ((60, 10, 5, -0.1), ValueError, "`val` must not be negative.*-0.1"),
        ((60, 10, 5, "0.1"), TypeError, "`val` must be an int or a float.*'0.1'"),
        ((60, 0, 5), ValueError, "`input_length` must be an int of at least 1.*=0"),
        ((60, 5, 0), ValueError, "`horizon` must be an int of at least 1.*=0"),
        ((60, 5, 1, 0.2, 0.2, "middle"), ValueError, "`boundary` must be .*'middle'"),
    ],
)
def test_bad_splits(arguments, error, message):
    with pytest.raises(error, match=message):
        split_windows(*arguments)


# Batches


@given(
    st.integers(1, 5),
    st.none() | st.integers(1, 4),
    st.integers(1, 7),
    st.booleans(),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_batches_equal_slices(length, horizon, batch_size, shuffle, data):
    values = series(24)
    graph = np.arange(24 * 9, dtype="uint8").reshape(24, 3, 3)
    last = 24 - length - (horizon or 1)
    starts = data.draw(st.lists(st.integers(0, last), min_size=1, max_size=15))
    windows = Windows(
        {"x": values, "graph": graph},
        graph,
        starts,
        input_length=length,
        horizon=horizon,
        batch_size=batch_size,
        shuffle=shuffle,
    )
    order = starts
    if shuffle:
        order = np.random.default_rng((0, 0)).permutation(starts).tolist()
    batches = list(windows)
    assert len(batches) == len(windows)
    assert [len(y) for _, y in batches[:-1]] == [batch_size] * (len(batches) - 1)
    xs, graphs, ys = (
        np.concatenate(parts)
        for parts in zip(*((x["x"], x["graph"], y) for x, y in batches), strict=True)
    )
    assert xs.dtype == graphs.dtype == ys.dtype == np.float32
    for x, g, y, s in zip(xs, graphs, ys, order, strict=True):
        end = s + length
        assert np.array_equal(x, values[s:end])
        assert np.array_equal(g, graph[s:end])
        assert np.array_equal(y, graph[end] if horizon is None else graph[end : end + horizon])


def starts_of(windows):
    return [s for batch in windows for s in batch[0][:, 0, 0, 0].tolist()]


def test_shuffle_depends_on_seed_and_epoch_alone():
    first, again, other = (make(200, shuffle=True, seed=seed) for seed in (1, 1, 2))
    epoch0 = starts_of(first)
    assert starts_of(again) == epoch0 != starts_of(other)
    assert sorted(epoch0) == sorted(starts_of(make(200)))
    first.on_epoch_end()
    assert first.epoch == 1
    assert starts_of(first) != epoch0
    resumed = make(200, shuffle=True, seed=1)
    resumed.epoch = 1
    assert starts_of(resumed) == starts_of(first)
    resumed.epoch = 0
    assert starts_of(resumed) == epoch0


def test_unshuffled_order_is_kept_over_epochs():
    windows = make(60)
    before = starts_of(windows)
    windows.on_epoch_end()
    assert starts_of(windows) == before == windows.inputs[: len(before), 0, 0].tolist()


def test_stored_arrays_are_shared_and_windows_never_held():
    values = np.random.default_rng(0).normal(size=(4000, 20, 2)).astype("float32")
    target = values[..., 0]
    starts = split_windows(4000, 24, 24).train
    windows = Windows(values, target, starts, input_length=24, horizon=24, batch_size=16)
    assert np.shares_memory(windows.inputs, values)
    assert np.shares_memory(windows.targets, target)
    tracemalloc.start()
    for _ in windows:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    batch = sum(part.nbytes for part in windows[0])
    assert peak < 4 * batch < values.nbytes < len(windows) * batch / 10  # of all windows


def test_memory_maps_stay_memory_maps(tmp_path):
    values = series(50)
    np.save(tmp_path / "values.npy", values)
    mapped = np.load(tmp_path / "values.npy", mmap_mode="r")
    windows = Windows(mapped, mapped, [3], input_length=4, horizon=1)
    assert isinstance(windows.inputs, np.memmap) and isinstance(windows.targets, np.memmap)
    x, y = windows[0]
    assert type(x) is np.ndarray
    assert np.array_equal(x[0], values[3:7]) and np.array_equal(y[0, 0], values[7])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"starts": [0, 5, 15, -1]},
            ValueError,
            r"`starts` must lie in \[0, 14\].*starts\[2\]=15",
        ),
        ({"starts": [0, -2]}, ValueError, r"`starts` must lie in .*starts\[1\]=-2"),
        ({"starts": []}, ValueError, "`starts` must be .* at least one window"),
        ({"starts": [0.5]}, ValueError, "`starts` must be .* ints.*float64"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1.*=0"),
        ({"input_length": 0}, ValueError, "`input_length` must be .*=0"),
        ({"horizon": 1.5}, ValueError, "`horizon` must be .*=1.5"),
    ],
)
def test_bad_windows(change, error, message):
    with pytest.raises(error, match=message):
        make(**({"starts": [0, 1]} | change))


def test_bad_arrays():
    values = series(20)
    with pytest.raises(ValueError, match=r"equally many steps.*'targets', 19"):
        Windows(values, values[1:], [0], input_length=4, horizon=1)
    with pytest.raises(TypeError, match="`inputs` must hold real numbers.*<U1"):
        Windows(np.full((20, 1), "a"), values, [0], input_length=4, horizon=1)
    with pytest.raises(IndexError, match="`index` must lie in .*index=1"):
        Windows(values, values, [0], input_length=4, horizon=1)[1]


def test_nan_is_counted_and_placed():
    values = np.zeros((5000, 30, 10), "float32")  # longer than one chunk of the check
    values[4321, 7, 1] = values[4999, 0, 0] = np.nan
    clean = np.zeros((5000, 1))
    with pytest.raises(
        ValueError, match=r"`x` must not hold NaN.*: 2 of .*first at \(4321, 7, 1\)"
    ):
        Windows({"x": values}, clean, [0], input_length=2, horizon=1)
    with pytest.raises(ValueError, match="`targets` must not hold NaN"):
        Windows(clean, values, [0], input_length=2, horizon=1)


# Training


def model(input_shape, horizon):
    inputs = {"x": keras.Input(input_shape, name="x")}
    flat = keras.layers.Flatten()(inputs["x"])
    return keras.Model(inputs, keras.layers.Dense(horizon, kernel_initializer="zeros")(flat))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_fit_and_predict(workers):
    values = np.sin(np.arange(90.0) / 5)[:, None]
    windows = [
        Windows(
            {"x": values},
            values[:, 0],
            s,
            input_length=8,
            horizon=2,
            batch_size=16,
            workers=workers,
        )
        for s in split_windows(90, 8, 2)
    ]
    net = model((8, 1), 2)
    net.compile(keras.optimizers.Adam(0.05), "mse")
    history = net.fit(
        windows[0], validation_data=windows[1], epochs=6, shuffle=False, verbose=0
    ).history
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    predictions = net.predict(windows[2], verbose=0)
    x, _ = windows[2][0]
    assert predictions.shape == (len(windows[2].starts), 2)
    np.testing.assert_allclose(predictions[: len(x["x"])], net.predict(x, verbose=0), atol=1e-6)


def test_a_resumed_fit_sees_the_order_of_an_unbroken_one():
    values = np.random.default_rng(0).normal(size=(60, 1))

    def run(first):
        windows = Windows({"x": values}, values, range(50), input_length=4, horizon=1, shuffle=True)
        windows.epoch = first
        net = model((4, 1), 1)
        net.compile("sgd", "mse")
        orders = []
        record = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: orders.append((epoch, logs["loss"])),
            on_epoch_begin=lambda epoch, logs: orders.append([y[0, 0, 0] for _, y in windows]),
        )
        net.fit(
            windows, epochs=4, initial_epoch=first, shuffle=False, verbose=0, callbacks=[record]
        )
        return orders

    unbroken = run(0)
    assert run(0) == unbroken  # the losses too
    assert len({tuple(order) for order in unbroken[::2]}) == 4
    assert run(2)[::2] == unbroken[4::2]


def test_modules_import_only_numpy_keras_and_graphs_at_the_top():
    for path in Path(datasets.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else names
            for name in names:
                ours = name.startswith(("stgkeras.datasets", "stgkeras.graphs"))
                known = name.split(".")[0] in sys.stdlib_module_names | {"numpy", "keras"}
                assert ours or known, f"{path.name} imports {name}"
