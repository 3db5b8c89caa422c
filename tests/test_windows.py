"""Batches of windows: equal to slices, shuffled by seed and epoch, never held in memory."""

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
from stgkeras.datasets import Windows, split_windows


def series(num_steps, nodes=3, features=2):
    return np.random.default_rng(0).normal(size=(num_steps, nodes, features)).astype("float32")


def make(num_steps=20, starts=None, input_length=4, horizon=2, **kwargs):
    data = series(num_steps)
    starts = np.arange(num_steps - input_length - (horizon or 1) + 1) if starts is None else starts
    return Windows(data, data[..., 0], starts, input_length=input_length, horizon=horizon, **kwargs)


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
        ({"batch_size": 0}, ValueError, "`batch_size` must be an integer of at least 1.*=0"),
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


PARTS = ("_lazy", "arguments", "datasets", "graphs", "seasons", "types")
OURS = tuple(f"stgkeras.{part}" for part in PARTS)


def test_modules_import_only_numpy_scipy_and_graphs_at_the_top():
    for path in Path(datasets.__file__).parent.rglob("*.py"):
        allowed = sys.stdlib_module_names | {"numpy", "scipy"}
        allowed |= {"keras"} if path.name in ("batches.py", "citation_parts.py") else set()
        for node in ast.parse(path.read_text()).body:
            names = [alias.name for alias in getattr(node, "names", ())]
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{name}" for name in names]
            for name in names:
                known = name.startswith(OURS) or name.split(".")[0] in allowed
                assert known, f"{path.name} imports {name}"


def test_windows_are_a_public_name_like_the_others():
    assert set(datasets.__all__) <= set(dir(datasets))
    with pytest.raises(AttributeError, match="no attribute 'Window'"):
        _ = datasets.Window
