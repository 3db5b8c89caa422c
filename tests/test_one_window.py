"""One window: the compiled call equals `predict`, and a plain frame is read as any other frame."""

import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from conftest import once

from stgkeras import models
from stgkeras.datasets.series.clocks import checked_holidays
from stgkeras.forecasting.form import Form
from stgkeras.forecasting.newest import as_series, in_order, newest_window
from stgkeras.forecasting.one_window import compiled_call
from stgkeras.forecasting.plain_frame import plain_readings
from stgkeras.graphs import scaled_laplacian

PATH = np.diag(np.ones(3), 1) + np.diag(np.ones(3), -1)
RNG = np.random.default_rng(0)
TORCH = pytest.mark.skipif(keras.backend.backend() != "torch", reason="traces of PyTorch")


def graph_stid(**options):
    sizes = {"units": 4, "num_blocks": 1, "node_units": 2, "adaptive_units": 2}
    return models.GraphSTID(4, **{"graph": scaled_laplacian(PATH), **sizes, **options})


def window(batch=1):
    return RNG.normal(size=(batch, 12, 4, 1)).astype("float32")


def assert_equal(call, model, x):
    for _ in range(3):  # the plain call, the trace, the traced call
        np.testing.assert_allclose(call(x), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


def test_the_call_equals_predict_after_changes():
    model = graph_stid()
    call, x = compiled_call(model), window()
    assert_equal(call, model, x)
    before = call(x)
    model.set_weights([1.5 * weight for weight in model.get_weights()])
    assert_equal(call, model, x)
    assert np.abs(call(x) - before).max() > 1e-3
    model.compile("sgd", "mae")
    model.fit(x, np.full((1, 12, 4, 1), 5.0), verbose=0)
    assert_equal(call, model, x)
    model.graph = scaled_laplacian(np.ones((4, 4)) - np.eye(4))
    assert_equal(call, model, x)
    assert_equal(call, model, window(3))  # another shape
    assert_equal(call, model, {"x": x})


def test_the_call_equals_predict_with_more_edges_than_before():
    model = graph_stid(graph=scipy.sparse.csr_array(scaled_laplacian(PATH)))
    call, x = compiled_call(model), window()
    assert_equal(call, model, x)
    before = call(x)
    model.graph = scipy.sparse.csr_array(scaled_laplacian(np.ones((4, 4)) - np.eye(4)))
    assert_equal(call, model, x)
    assert np.abs(call(x) - before).max() > 1e-4


def test_the_call_equals_predict_with_a_clock_and_half_precision():
    model = graph_stid(season=24, dtype="mixed_bfloat16")
    hours = np.arange(14 * 24)
    clock = np.stack([hours % 24 / 24, hours // 24 % 7], axis=-1).astype("float32")
    model.adapt(RNG.normal(50, 5, (len(hours), 4, 1)), clock)
    x = {"x": 50 + window(), "calendar": clock[None, 12:24]}
    call = compiled_call(model)
    for _ in range(3):
        np.testing.assert_allclose(call(x), model.predict(x, verbose=0), rtol=0.01)


def test_eight_threads_call_at_once():
    model, inputs = graph_stid(), [window() for _ in range(8)]
    expected = [model.predict(x, verbose=0) for x in inputs]
    call, at_once = compiled_call(model), threading.Barrier(8)

    def work(x):
        at_once.wait()
        return [call(x) for _ in range(100)]

    with ThreadPoolExecutor(8) as threads:
        for values, found in zip(expected, threads.map(work, inputs), strict=True):
            np.testing.assert_allclose(found, [values] * 100, rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(found[3:], [found[-1]] * 97)  # of the compiled call


@TORCH
def test_the_third_call_has_no_work_of_keras(monkeypatch):
    model, x = graph_stid(), window()
    call = compiled_call(model)
    expected = [call(x), call(x)][1]
    monkeypatch.setattr(type(model), "__call__", lambda *_, **__: 1 / 0)
    np.testing.assert_array_equal(call(x), expected)
    with pytest.raises(ZeroDivisionError):
        call(window(2))


@TORCH
def test_a_model_with_a_tensor_of_its_own_is_not_traced():
    class Times(keras.layers.Layer):
        def call(self, x):
            return x * self.factor

    layer = Times()
    layer.factor = keras.ops.convert_to_tensor(2.0)
    inputs = keras.Input((3,))
    call, x = compiled_call(keras.Model(inputs, layer(inputs))), np.ones((1, 3), "float32")
    assert [call(x).sum() for _ in range(3)] == [6, 6, 6]
    layer.factor = keras.ops.convert_to_tensor(3.0)
    assert call(x).sum() == 9


NAMES = ("A", "B", "C")


def form(**fields):
    known = {
        "names": NAMES,
        "features": ("speed",),
        "units": ("km/h",),
        "targets": (0,),
        "interval": 60.0,
        "timezone": "Europe/Vienna",
        "holidays": None,
        "null_value": (None,),
        "input_length": 12,
        "horizon": 12,
        "dated": True,
        "floor": (0.0,),
        "last_seen": ("2024-01-01T00:00:00",) * 3,
        "trained": (True,) * 3,
    }
    return Form(**{**known, **fields})


def frame(start="2024-05-01", zone="Europe/Vienna", **options):
    times = pd.date_range(start, periods=30, freq="h", tz=zone, **options)
    return pd.DataFrame(RNG.normal(50, 5, (30, 3)).round(1), times, NAMES)


def with_cells(table, *cells):
    for row, column, value in cells:
        table.iloc[row, column] = value
    return table


PLAIN = {
    "zone of the form": ({}, frame()),
    "autumn": ({}, frame("2024-10-27")),
    "spring": ({}, frame("2024-03-31")),
    "local times without a zone": ({}, frame(zone=None)),
    "another zone": ({}, frame(zone="UTC")),
    "nanoseconds": ({}, frame(unit="ns")),
    "seconds": ({"interval": 60.0}, frame(unit="s")),
    "no zone": ({"timezone": None}, frame(zone=None)),
    "missing readings": ({}, with_cells(frame(), (3, 0, np.nan), (29, 1, np.nan))),
    "the last rows": ({}, with_cells(frame(), *((29, n, np.nan) for n in range(3)))),
    "zeros that are missing": ({"null_value": (0.0,)}, with_cells(frame(), (28, 2, 0.0))),
    "silent sensor": ({}, with_cells(frame(), *((n, 1, np.nan) for n in range(4, 30)))),
    "float32": ({}, frame().astype("float32")),
    "whole numbers": ({}, frame().astype(int)),
    "columns of both": ({}, frame().astype({"A": int, "B": "float32"})),
    "names as objects": ({}, frame().set_axis(pd.Index(list("ABC"), dtype=object), axis=1)),
    "offset": ({"timezone": "+01:00"}, frame(zone=None)),
    "holidays": ({"holidays": checked_holidays(["2024-05-01"])}, frame()),
}
OTHER = {
    "another order": frame()[["B", "A", "C"]],
    "a sensor less": frame()[["A", "B"]],
    "a row less": frame().drop(frame().index[20]),
    "a row twice": frame().iloc[[*range(30), 29]],
    "rows in another order": frame().iloc[::-1],
    "other steps": frame()[::2],
    "an hour that occurs twice": frame("2024-10-27", zone=None),
    "texts as times": frame().set_axis(frame().index.strftime("%Y-%m-%d %H:%M%z")),
    "objects": frame().astype(object),
    "several frames": {"speed": frame()},
    "no frame": "newest.csv",
    "infinite": with_cells(frame(), (29, 0, np.inf)),
    "two levels": pd.concat({"speed": frame()}, axis=1),
    "one row": frame()[:1],
    "numbers as names": frame().set_axis([1, 2, 3], axis=1),
}


@once
@pytest.mark.parametrize("case", PLAIN)
def test_a_plain_frame_is_read_as_any_other(case, monkeypatch):
    fields, newest = PLAIN[case]
    kept = newest.copy()
    known = form(**fields)
    series = as_series(known, newest)
    values, times = plain_readings(known, newest)
    np.testing.assert_array_equal(values, in_order(known, series))
    np.testing.assert_array_equal(times, series.timestamps)
    assert values.dtype == np.float32
    found = newest_window(known, newest)
    monkeypatch.setattr("stgkeras.forecasting.newest.plain_readings", lambda *_: None)
    expected = newest_window(known, newest)
    for field in ("values", "calendar", "flags"):
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))
    pd.testing.assert_index_equal(found.times, expected.times)
    pd.testing.assert_frame_equal(newest, kept)


@once
@pytest.mark.parametrize("case", OTHER)
def test_other_frames_take_the_general_path(case):
    assert plain_readings(form(), OTHER[case]) is None


@once
def test_frames_of_another_clock_or_of_several_features_take_the_general_path():
    assert plain_readings(form(timezone=None), frame()) is None
    assert plain_readings(form(dated=False), frame()) is None
    two = form(features=("speed", "flow"), units=("", ""), null_value=(None, None))
    assert plain_readings(two, frame()) is None


@once
@pytest.mark.parametrize("start", ["2024-03-30 20:00", "2024-10-26 20:00", "2024-05-01"])
@pytest.mark.parametrize("interval", [5.0, 60.0, 180.0])
def test_the_calendar_of_the_window_is_that_of_pandas(start, interval):
    known = form(interval=interval)
    times = pd.date_range(start, periods=12, freq=f"{interval:g}min", tz="Europe/Vienna")
    found = newest_window(known, pd.DataFrame(np.ones((12, 3)), times, NAMES))
    every = pd.date_range(times[0], periods=24, freq=f"{interval:g}min")
    share = (every.hour * 60 + every.minute) / 1440
    expected = np.stack([share, every.dayofweek], axis=-1)
    np.testing.assert_allclose(found.calendar, expected, atol=1e-6)
    assert list(found.times) == list(every[12:])
