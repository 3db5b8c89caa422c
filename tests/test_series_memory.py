"""A series is made in one copy of its readings, in pieces, and leaves the caller's arrays alone."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from stgkeras import datasets, seasons

STEPS, NODES = 20_000, 120
SIZE = 4 * STEPS * NODES  # bytes of the series
TIMES = np.datetime64("2024-01-01T00", "m") + 5 * np.arange(STEPS)
GAPS = np.delete(TIMES, [4, 70])
TWICE = np.sort(np.append(TIMES[:-1], TIMES[30]))
NULL = {"null_value": 0.0}
MENDED = {"null_value": 0.0, "regularize": True}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(seasons, "PIECE", 1 << 14)


def readings(dtype="float64"):
    values = np.random.default_rng(0).integers(0, 90, (STEPS, NODES))
    return values.astype(dtype)


def copies(make, *arrays):
    """Most memory that `make` held at a time, in sizes of the series; it must change no array."""
    before = [array.copy() for array in arrays]
    make()  # imports
    tracemalloc.start()
    series = make()
    peak = tracemalloc.get_traced_memory()[1] / SIZE
    tracemalloc.stop()
    assert series.values.dtype == np.float32
    for array, copy in zip(arrays, before, strict=True):
        assert np.array_equal(array, copy, equal_nan=True)
    return peak


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
@pytest.mark.parametrize(
    ("times", "options"),
    [
        (TIMES, {}),
        (TIMES, NULL),
        (TIMES, {"null_value": np.nan}),
        (GAPS, MENDED),
        (TIMES[::-1], MENDED),
        (TWICE, {**MENDED, "duplicates": "mean"}),
        (TWICE, {"duplicates": "first"}),
    ],
    ids=["plain", "null", "nan", "gaps", "sorted", "mean", "first"],
)
def test_from_arrays(dtype, times, options):
    values = readings(dtype)[: len(times)]
    assert copies(lambda: datasets.from_arrays(values, times, **options), values) < 1.2


def test_from_pandas():
    values = readings()
    frame = pd.DataFrame(values, TIMES)
    assert copies(lambda: datasets.from_pandas(frame, **NULL), values) < 1.15
    many = pd.DataFrame({str(i): column.copy() for i, column in enumerate(values.T)}, TIMES)
    assert copies(lambda: datasets.from_pandas(many, **NULL), values) < 1.15
    two = {"speed": frame, "flow": frame}
    assert copies(lambda: datasets.from_pandas(two, **NULL), values) < 2.2  # twice as long


def test_files_cost_what_is_read_and_one_copy(tmp_path):
    values = readings()
    np.savez(tmp_path / "plain.npz", speed=values)
    np.savez(tmp_path / "scaled.npz", speed=values.astype("int16"), speed_scale=0.1)
    for name, read in (("plain", values.nbytes), ("scaled", values.nbytes / 4)):
        path = tmp_path / f"{name}.npz"
        assert copies(lambda path=path: datasets.load_series(path, interval=5)) < 1.2 + read / SIZE
    few = len(values) // 10
    path = tmp_path / "speed.csv"
    pd.DataFrame(values[:few], TIMES[:few]).to_csv(path, index_label="time")
    alone = copies(lambda: Read(pd.read_csv(path, low_memory=False)))
    assert copies(lambda: datasets.from_csv(path, **NULL)) < alone + 0.2


class Read:
    """Looks like a series."""

    def __init__(self, table):
        self.table, self.values = table, np.zeros(1, "float32")


def test_pieces_give_what_the_whole_gives(monkeypatch):
    monkeypatch.setattr(seasons, "PIECE", 7)
    rng = np.random.default_rng(1)
    values = np.round(rng.uniform(0, 3, (50, 3)), 1)  # some 0.0, which is no reading
    values[rng.random(values.shape) < 0.1] = np.nan
    minutes = 5 * rng.integers(0, 60, 50)
    stamps = np.datetime64("2024-05-01T08", "m") + minutes
    table = pd.DataFrame(np.where(values == 0, np.nan, values))
    grid = np.arange(minutes.min(), minutes.max() + 5, 5)
    first = table.set_axis(minutes)[~pd.Series(minutes).duplicated().to_numpy()]
    for duplicates, found in (("mean", table.groupby(minutes).mean()), ("first", first)):
        series = datasets.from_arrays(values, stamps, interval=5, duplicates=duplicates, **MENDED)
        expected = found.reindex(grid).to_numpy("float32")
        np.testing.assert_allclose(series.values[..., 0], expected, rtol=1e-6)
    marked = datasets.from_arrays(values, interval=5, null_value=0.0).values[..., 0]
    assert np.array_equal(
        marked, np.where(values == 0, np.nan, values).astype("float32"), equal_nan=True
    )


def test_columns_of_text_among_numbers(tmp_path):
    path = tmp_path / "speed.csv"
    path.write_text("A,B,C\n1,2,3\n4,,6\n" + "7,x,9\n")
    with pytest.raises(ValueError, match="must hold numbers.*'x' in column 'B', row 2"):
        datasets.from_csv(path, interval=5)
    path.write_text("time,A,B\n2024-05-01,1.5,2\n2024-05-02,4.5,\n")
    series = datasets.from_csv(path, null_value=np.nan)
    np.testing.assert_array_equal(series.values[..., 0], [[1.5, 2], [4.5, np.nan]])


def test_windows_look_for_nan_without_a_copy():
    values = readings("float32").reshape(STEPS, NODES, 1)

    def make():
        return datasets.Windows(values, values, range(10), input_length=2, horizon=2)

    make()
    tracemalloc.start()
    make()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.1 * SIZE
