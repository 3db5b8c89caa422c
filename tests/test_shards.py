"""Windows that several processes share: disjoint, covering, in the order of a single process."""

import keras
import numpy as np
import pytest

from stgkeras import datasets, losses, metrics, models

STEPS, LENGTH, HORIZON = 61, 4, 2
VALUES = np.random.default_rng(0).normal(size=(STEPS, 3, 1)).astype("float32")
STARTS = np.arange(50)


def windows(shard=None, starts=STARTS, **options):
    options = {"batch_size": 12, "shuffle": True, "seed": 5, "missing": True, **options}
    return datasets.Windows(
        VALUES, VALUES, starts, input_length=LENGTH, horizon=HORIZON, shard=shard, **options
    )


def test_the_parts_of_each_batch_are_the_batch_of_one_process():
    whole, parts = windows(), [windows((index, 3)) for index in range(3)]
    assert [len(part) for part in parts] == [5, 5, 5] and parts[1].shard == (1, 3)
    for epoch in range(2):
        for one in (whole, *parts):
            one.epoch = epoch
        for number in range(5):
            x, y = whole[number]
            found = [part[number] for part in parts]
            assert [len(part[0]) for part in found] == [4, 4, 4]
            together = np.concatenate([part[0] for part in found])
            np.testing.assert_array_equal(together[: len(x)], x)
            targets = np.concatenate([part[1] for part in found])
            np.testing.assert_array_equal(targets[: len(y)], y)
            assert np.isnan(targets[len(y) :]).all()  # 2 of 12 windows are left for the last batch
            assert np.isfinite(together).all()
    first, second = (np.concatenate([whole[n][0] for n in range(5)]) for whole.epoch in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("last, sizes", [("keep", [12] * 4 + [2]), ("drop", [12] * 4)])
def test_last_batches(last, sizes):
    one = windows(last=last)
    assert [len(x) for x, _ in one] == sizes and len(one) == len(sizes)
    filled = windows(last="fill")
    assert [len(x) for x, _ in filled] == [12] * 5
    assert sum(np.isfinite(y).all(axis=(1, 2, 3)).sum() for _, y in filled) == len(STARTS)
    with_rest = windows((1, 2), starts=STARTS[:28], last=last)  # 4 windows are left: two each
    assert [len(x) for x, _ in with_rest] == ([6, 6, 2] if last == "keep" else [6, 6])


def test_workers_fill_as_well():
    wanted = [y for _, y in windows((2, 3))]
    for options in ({"workers": 2}, {"workers": 1, "use_multiprocessing": True}):
        for ours, theirs in zip(windows((2, 3), **options), wanted, strict=True):
            np.testing.assert_array_equal(ours[1], theirs)


def test_filled_windows_weigh_nothing():
    model = models.STGCN(
        3, graph=np.eye(3), input_length=LENGTH, horizon=HORIZON, kernel_size=1, normalize=True
    )
    model.adapt(VALUES)
    logged = [metrics.MaskedMeanAbsoluteError(name="mae")]
    model.compile("sgd", losses.MaskedMeanSquaredError(), metrics=logged)
    wanted, found = (
        model.evaluate(windows(last=last), verbose=0, return_dict=True) for last in ("keep", "fill")
    )
    assert found == pytest.approx(wanted, rel=1e-6)
    start, ended = model.get_weights(), []
    for last in ("keep", "fill"):
        model.set_weights(start)
        keras.utils.set_random_seed(0)
        model.compile(keras.optimizers.SGD(1e-3), losses.MaskedMeanSquaredError())
        for layer in model.layers:
            if hasattr(layer, "rate"):
                layer.rate = 0.0
        model.fit(windows(last=last), epochs=1, shuffle=False, verbose=0)
        ended.append(model.get_weights())
    for ours, theirs in zip(*ended, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shard": (0, 5)}, "`batch_size` must be a multiple of 5, .* Received: batch_size=12"),
        ({"shard": (2, 2)}, r"index of `shard` must lie in \[0, 2\). Received: shard=\(2, 2\)"),
        ({"shard": (0, 0)}, "count of `shard`` must be an integer of at least 1"),
        ({"shard": 2}, r"must be None or a pair \(index, count\).* Received: shard=2"),
        ({"last": "pad"}, "`last` must be one of 'keep', 'drop', 'fill'. Received: last='pad'"),
        ({"shard": (0, 4), "last": "keep"}, "`last` must be 'drop' or 'fill'.* 2 windows"),
        ({"shard": (0, 2), "missing": False}, "Pass `last='drop'`.*Received: 50 windows"),
        ({"last": "drop", "starts": STARTS[:3]}, "batch_size=12, 3 windows"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        windows(**options)
