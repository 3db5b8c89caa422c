"""A series longer than memory: mapped from a file, never copied whole, the same in training."""

import mmap
import tracemalloc

import keras
import numpy as np
import pytest
from season_data import CALENDAR, DAY, VALUES, F, N, season_at

from stgkeras import datasets, layers, seasons


def mapped(folder, values, dtype="float32"):
    np.save(folder / "series.npy", values.astype(dtype))
    return np.load(folder / "series.npy", mmap_mode="r")


def peak_of(action):
    """Most bytes that were allocated at a time, those of the map itself not among them."""
    tracemalloc.start()
    action()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.fixture(scope="module")
def long_series(tmp_path_factory):
    values = np.random.default_rng(0).standard_normal((40_000, 25, 4), dtype="float32")
    return mapped(tmp_path_factory.mktemp("long"), values)


def windows_and_batches(series):
    windows = datasets.Windows(
        series, series[..., :1], range(1000), input_length=12, horizon=12, shuffle=True
    )
    for index in range(10):
        windows[index]


def seasonal_scaler(series):
    hours = np.datetime64("2024-01-01T00", "h") + np.arange(len(series))
    layers.SeasonalScaler(25, 4, 24).adapt(series, datasets.calendar(hours))


@pytest.mark.parametrize(
    "use",
    [
        lambda series: datasets.from_arrays(series, interval=5),
        windows_and_batches,
        lambda series: layers.StandardScaler(4).adapt(series),
        seasonal_scaler,
    ],
    ids=["from_arrays", "windows", "standard_scaler", "seasonal_scaler"],
)
def test_what_is_held_of_a_map_is_far_less_than_the_series(long_series, use):
    use(long_series[:2000])  # imports, and what does not depend on the length
    assert peak_of(lambda: use(long_series)) < 0.4 * long_series.nbytes


def fit(net, series):
    """Losses and weights of two epochs on shuffled windows, the weights zero at first."""
    net.set_weights([np.zeros(weight.shape) for weight in net.weights])
    net.get_layer("scaler").adapt(series[:100])
    windows = datasets.Windows(
        series,
        series[:, 0, 0],
        range(100, 200),
        input_length=6,
        horizon=4,
        batch_size=16,
        shuffle=True,
    )
    losses = net.fit(windows, epochs=2, shuffle=False, verbose=0).history["loss"]
    return losses, net.get_weights()


def test_training_from_a_map_is_training_from_the_array(tmp_path):
    values = np.nan_to_num(VALUES, nan=50.0).astype("float32")
    series = datasets.from_arrays(mapped(tmp_path, values), interval=180).values
    assert isinstance(series, np.memmap)
    x = keras.Input((6, N, F))
    scaled = keras.layers.Flatten()(layers.StandardScaler(F, name="scaler")(x))
    net = keras.Model(x, keras.layers.Dense(4)(scaled))
    net.compile("sgd", "mse")
    losses, weights = fit(net, series)
    expected_losses, expected = fit(net, values)
    assert losses == expected_losses and losses[1] < losses[0]
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(weights, expected, strict=True))


def test_scalers_in_pieces_equal_numpy_on_the_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(seasons, "PIECE", 7 * N * F)  # 32 pieces of seven steps
    series = mapped(tmp_path, VALUES)
    standard, seasonal = layers.StandardScaler(F), layers.SeasonalScaler(N, F, DAY)
    standard.adapt(series)
    seasonal.adapt(series, CALENDAR)
    mean, std = np.nanmean(VALUES, axis=(0, 1)), np.nanstd(VALUES, axis=(0, 1))
    season = np.stack([season_at(step) for step in range(len(VALUES))])
    rest = np.sqrt(np.nanmean((VALUES - season) ** 2, axis=(0, 1)))
    rows = seasons.slots(CALENDAR, DAY)
    found = [standard.mean, standard.std, seasonal.std, keras.ops.take(seasonal.season, rows, 0)]
    for ours, expected in zip(found, (mean, std, rest, season), strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(ours), expected, rtol=1e-6)


def test_pieces_cover_every_row_once():
    for shape in [(0, 3), (1, 3), (10, 1), (70_000, 5), (3, 200_000)]:
        array = np.broadcast_to(0.0, shape)
        rows = [row for piece in seasons.pieces(array) for row in range(shape[0])[piece]]
        assert rows == list(range(shape[0]))
    assert len(seasons.pieces(np.broadcast_to(0.0, (3, 200_000)))) == 3


# from_arrays


def test_from_arrays_keeps_a_map_that_needs_no_change(tmp_path):
    series = mapped(tmp_path, VALUES[:, :, 0])
    kept = datasets.from_arrays(series, interval=5, null_value=np.nan).values
    assert kept.shape == (len(VALUES), N, 1) and np.shares_memory(kept, series)
    array = np.array(series)
    assert not np.shares_memory(datasets.from_arrays(array, null_value=np.nan).values, array)
    doubled = mapped(tmp_path, VALUES, "float64")
    assert datasets.from_arrays(doubled, null_value=np.nan).values.dtype == np.float32


def test_from_arrays_mends_a_copy(tmp_path):
    values = np.array([[1.0, 0.1], [2.0, 5.0], [4.0, 6.0], [3.0, 7.0]])
    stamps = np.datetime64("2024-05-01T08", "m") + np.array([0, 5, 5, 15])
    arguments = {"null_value": 1.0, "regularize": True, "duplicates": "mean"}
    series = datasets.from_arrays(mapped(tmp_path, values), stamps, **arguments)
    expected = [[np.nan, 0.1], [3.0, 5.5], [np.nan, np.nan], [3.0, 7.0]]
    np.testing.assert_allclose(series.values[..., 0], expected, rtol=1e-6)


def test_nan_in_a_map_is_refused_with_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(seasons, "PIECE", 7 * N * F)
    with pytest.raises(ValueError, match=r"not hold NaN.*: 2 of 2200 .*first at \(36, 1, 0\)"):
        datasets.from_arrays(mapped(tmp_path, VALUES[4:]))


# Pages are asked for before they are read


@pytest.fixture
def asked(monkeypatch):
    """The ranges of bytes of a file that were asked for, as (first, last + 1)."""
    found = []

    class Map(mmap.mmap):
        def madvise(self, option, start, length):
            assert option == mmap.MADV_WILLNEED
            super().madvise(option, start, length)
            found.append((start, start + length))

    monkeypatch.setattr(mmap, "mmap", Map)
    return found


@pytest.mark.skipif(not hasattr(mmap.mmap, "madvise"), reason="the system takes no advice")
def test_a_batch_asks_for_its_rows_alone(tmp_path, asked):
    page = mmap.PAGESIZE
    series = mapped(tmp_path, np.arange(40.0 * page).reshape(40, page // 4, 4))  # 4 pages a row
    head = (tmp_path / "series.npy").stat().st_size - series.nbytes  # bytes before the first row
    row = 4 * page
    part = series[2:, :, 1:]  # a view that begins elsewhere
    starts = [30, 0, 1, 9]
    windows = datasets.Windows(part, part[..., :1], starts, input_length=3, horizon=5, batch_size=4)
    x, y = windows[0]
    assert np.array_equal(x, np.stack([part[s : s + 3] for s in starts]))
    assert np.array_equal(y, np.stack([part[s + 3 : s + 8, :, :1] for s in starts]))
    rows = [(2, 6), (11, 14), (32, 35), (5, 11), (14, 19), (35, 40)]  # inputs, then targets
    for (first, end), (low, high) in zip(asked, rows, strict=True):
        assert 0 <= head + low * row + 4 - first < page
        assert end == min(head + high * row + 4, head + 40 * row)
