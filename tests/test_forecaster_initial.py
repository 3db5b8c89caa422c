"""Training from the weights of an earlier forecaster: which weights go where, for which sensors."""

import json
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import on_fastest, once
from test_carried_weights import ASTGCN, numbers, operator
from test_forecaster import NAMES, ROADS, SMALL, city, series_of

import stgkeras
from stgkeras import datasets, models
from stgkeras.forecasting import Forecaster


@pytest.fixture(scope="module")
def frames():
    return city()


@pytest.fixture(scope="module")
def fitted(frames):
    forecaster = Forecaster("GraphSTID", horizon=3, targets="speed", season=True, **SMALL)
    forecaster.fit(series_of(frames), epochs=1, verbose=0)
    return forecaster


@pytest.mark.parametrize("season", on_fastest([True, False], [True]))
def test_the_same_sensors_in_any_order_start_with_the_same_forecasts(frames, season, tmp_path):
    series = series_of(frames)
    old = Forecaster(horizon=3, targets="speed", season=season, **SMALL)
    old.fit(series, epochs=1, verbose=0)
    old.save(tmp_path / "city")
    turned = series.select(["D", "B", "A", "C"])
    turned = replace(turned, values=turned.values[..., ::-1], features=("flow", "speed"))
    for initial, again in ((old, series), (tmp_path / "city", turned)):
        new = Forecaster(horizon=3, targets="speed")
        history = new.fit(again, initial=initial, epochs=0, verbose=0)
        assert history.history == {}
        assert new.model is not old.model
        assert new.form.features == old.form.features
        a = old.forecast().to_frame().sort_values(["sensor", "time"])["speed"]
        b = new.forecast().to_frame().sort_values(["sensor", "time"])["speed"]
        np.testing.assert_allclose(a, b, rtol=1e-4)
        tables = old.evaluate(), new.evaluate()
        np.testing.assert_allclose(*tables, rtol=1e-4)


def test_a_forecaster_is_trained_again(fitted, frames):
    """The first validation error is that of the old model on the new series."""
    longer = {name: np.concatenate([frame, frame[-48:]]) for name, frame in frames.items()}
    times = pd.date_range("2024-10-20", periods=14 * 24, freq="h", tz="Europe/Vienna")
    longer = {name: pd.DataFrame(values, times, NAMES) for name, values in longer.items()}
    series = series_of(longer)
    before = [numbers(w).copy() for w in fitted.model.weights]
    new = Forecaster(horizon=3, targets="speed", dropout=0.3)
    history = new.fit(series, initial=fitted, epochs=2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert new.model.dropout == 0.3 and new.model.units == SMALL["units"]
    for one, weight in zip(before, fitted.model.weights, strict=True):
        np.testing.assert_array_equal(one, numbers(weight))
    np.testing.assert_allclose(new.model.graph, fitted.model.graph)
    moved = [np.abs(a - numbers(w)).max() for a, w in zip(before, new.model.weights, strict=True)]
    assert max(moved) > 0


def test_a_sensor_more_and_one_less(fitted, frames):
    more = {name: frame.assign(E=frame["D"] + 3) for name, frame in frames.items()}
    roads = np.zeros((5, 5))
    roads[:4, :4] = ROADS
    roads[4, 3] = roads[3, 4] = 1
    new = Forecaster(horizon=3, targets="speed")
    new.fit(datasets.from_pandas(more, roads, units="u"), initial=fitted, epochs=0, verbose=0)
    old, grown = (numbers(f.model.get_layer("node_embedding").embeddings) for f in (fitted, new))
    np.testing.assert_array_equal(grown, old[[0, 1, 2, 3, 3]])
    forecast = new.forecast()
    assert forecast.names == (*NAMES, "E") and np.isfinite(forecast.values).all()
    less = Forecaster(horizon=3, targets="speed")
    less.fit(series_of(frames).select(["C", "A", "B"]), initial=new, epochs=1, verbose=0)
    assert less.forecast().names == ("C", "A", "B") and less.model.num_nodes == 3


@pytest.mark.parametrize("name", on_fastest(["GraphSTID", "ASTGCN"], ["GraphSTID"]))
def test_a_road_more_on_a_sparse_graph(frames, name):
    arguments = SMALL if name == "GraphSTID" else {**ASTGCN, "spatial_score": "additive"}
    room = 10 if name == "GraphSTID" else 10 + 4
    first = Forecaster(name, horizon=2, num_edges=room, season=False, **arguments)
    series = series_of({"speed": frames["speed"]})
    first.fit(series, epochs=1, verbose=0)
    ring = ROADS.copy()
    ring[0, 3] = ring[3, 0] = 1
    series = datasets.from_pandas({"speed": frames["speed"]}, ring, units="u")
    first.fit(series, initial=first, epochs=1, verbose=0)
    graph = first.model.graph
    assert hasattr(graph, "tocoo")
    np.testing.assert_allclose(graph.toarray(), operator(ring), atol=1e-6)
    assert first.graph_summary()["edges"] == 4


def test_weights_stay_if_no_epoch_is_better(fitted, frames, tmp_path):
    """With a rate that climbs, also if the training is interrupted."""
    series = series_of(frames)
    for parts in on_fastest([(3,), (1, 3)], [(1, 3)]):
        path = tmp_path / f"{len(parts)}.keras"
        for epochs in parts:
            new = Forecaster(horizon=3, targets="speed", dropout=0.0)
            new.fit(
                series, initial=fitted, epochs=epochs, optimizer=keras.optimizers.SGD(-1e-2),
                checkpoint=path, verbose=0,
            )  # fmt: skip
        for a, b in zip(fitted.model.weights, new.model.weights, strict=True):
            np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-6)
        starts = datasets.split_windows(len(series.values), 12, 3).val
        found = fitted._fitted.forecasts(series, starts)["model"][..., 0]
        truth = frames["speed"].to_numpy()[starts[:, None] + 12 + np.arange(3)]
        kept = np.load(path.with_suffix(".best.npz"))
        assert kept["start"] == pytest.approx(np.abs(found - truth).mean(), rel=1e-4)
        assert kept["epoch"] == -1 and (kept["values"] > kept["start"]).all()
    with pytest.raises(ValueError, match=r"`checkpoint` must be a new path.*2.keras.*4, 3, 2, 1"):
        less = series.select(["A", "B", "C"])
        new.fit(less, initial=fitted, epochs=4, checkpoint=path, verbose=0)


@once
def test_a_checkpoint_of_other_data_is_refused(fitted, frames, tmp_path):
    """Otherwise a training each night on the same path would do nothing from the second on."""
    path, series = tmp_path / "nightly.keras", series_of(frames)
    new = Forecaster(horizon=3, targets="speed")
    new.fit(series, initial=fitted, epochs=1, checkpoint=path, verbose=0)
    later = series_of(city(seed=1))
    turned = series.select(["D", "B", "A", "C"])
    ring = replace(series, adjacency=np.roll(np.eye(4), 1, axis=0))
    for other in (later, turned, ring):
        with pytest.raises(ValueError, match=r"`checkpoint` must be a new path.*nightly"):
            new.fit(other, initial=new, epochs=2, checkpoint=path, verbose=0)
    history = new.fit(series, initial=new, epochs=2, checkpoint=path, verbose=0)
    assert history.epoch == [1]


@once
def test_a_resumed_training_from_initial_weights(fitted, frames, tmp_path):
    series, found = series_of(frames), []
    for parts in ((3,), (1, 3)):
        path = tmp_path / f"{len(parts)}.keras"
        for epochs in parts:
            new = Forecaster(horizon=3, targets="speed")
            new.fit(series, initial=fitted, epochs=epochs, checkpoint=path, verbose=0)
        found.append([numbers(w) for w in new.model.weights])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@once
def test_functions_and_classes_that_build_the_model(fitted, frames):
    series = series_of(frames)

    def build(num_nodes, **arguments):
        return models.GraphSTID(num_nodes, **{**SMALL, **arguments})

    new = Forecaster(build, horizon=3, targets="speed")
    new.fit(series, initial=fitted, epochs=0, verbose=0)
    assert new.model.units == SMALL["units"]
    speeds = series_of({"speed": frames["speed"]})
    without = Forecaster(lambda n, targets, **arguments: build(n, **arguments), horizon=3)
    without.fit(speeds, epochs=1, verbose=0)  # the only feature, without its number
    new = Forecaster(horizon=3)
    new.fit(speeds, initial=without, epochs=0, verbose=0)
    assert new.model.targets == (0,)
    with pytest.raises(ValueError, match=r"`units` must be 4, as in `initial`. Received: units=8"):
        Forecaster(build, horizon=3, targets="speed", units=8).fit(series, initial=fitted)


@once
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "STGCN"}, "`model` must be GraphSTID, as in `initial`. Received: model='STGCN'"),
        ({"horizon": 2}, "`horizon` must be 3, as in `initial`. Received: horizon=2"),
        ({"input_length": 14}, "`input_length` must be 12, as in"),
        ({"targets": "flow"}, r"`targets` must be \('speed',\), as in `initial`.*'flow'"),
        ({"season": False}, "`season` must be True, as in `initial`. Received: season=False"),
        ({"units": 5}, "`units` must be 4, as in `initial`. Received: units=5. Use the same"),
    ],
)
def test_other_forecasters_are_refused(fitted, frames, arguments, message):
    forecaster = Forecaster(**{"horizon": 3, "targets": "speed", **arguments})
    with pytest.raises(ValueError, match=message):
        forecaster.fit(series_of(frames), initial=fitted, epochs=0)


@once
def test_other_series_are_refused(fitted, frames):
    def fit(series, **options):
        new = Forecaster(horizon=3, targets="speed")
        new.fit(series, **{"initial": fitted, "epochs": 0, **options})

    with pytest.raises(ValueError, match=r"`series` must have the features \('speed', 'flow'\)"):
        fit(series_of({"speed": frames["speed"]}))
    slow = {name: frame.resample("2h").mean() for name, frame in frames.items()}
    with pytest.raises(ValueError, match="`series` must have steps of 60 minutes.*interval=120"):
        fit(series_of(slow))
    other = {name: frame.set_axis(list("KLMN"), axis=1) for name, frame in frames.items()}
    with pytest.raises(ValueError, match=r"`series` must have sensors of `initial`.*'K', 'L'"):
        fit(series_of(other))
    values = np.stack([frames["speed"], frames["flow"]], axis=-1)
    bare = datasets.from_arrays(
        values, graph=ROADS, names=NAMES, features=["speed", "flow"], interval=60
    )
    with pytest.raises(ValueError, match="`series` must have timestamps, as in `initial`"):
        fit(bare)
    with pytest.raises(ValueError, match="`epochs` must be an integer of at least 1"):
        fit(series_of(frames), initial=None)
    for wrong in (fitted.model, Forecaster(), 5):
        with pytest.raises(
            ValueError, match="`initial` must be a trained forecaster or the folder"
        ):
            fit(series_of(frames), initial=wrong)
    with pytest.raises(ValueError, match=r"`folder` must be a folder.*nowhere"):
        fit(series_of(frames), initial="nowhere")


@once
def test_names_that_lost_their_zeros_are_no_new_sensors(frames):
    named = {name: frame.rename(columns={"A": "007"}) for name, frame in frames.items()}
    old = Forecaster(horizon=2, targets="speed", **SMALL)
    old.fit(series_of(named), epochs=1, verbose=0)
    stripped = {name: frame.rename(columns={"007": "7"}) for name, frame in named.items()}
    with pytest.raises(ValueError, match=r"'7' seems to be the sensor '007'"):
        old.fit(series_of(stripped), initial=old, epochs=0)


@once
def test_folders_keep_the_split_and_the_test_errors(fitted, frames, tmp_path):
    series = series_of(frames)
    split = datasets.split_windows(len(series.values), 12, 3)
    sizes = {name: len(getattr(split, name)) for name in ("train", "val", "test")}
    assert fitted.split == sizes
    new = Forecaster(horizon=3, targets="speed", **SMALL)
    new.fit(series, epochs=1, verbose=0)
    assert new.errors is None
    new.save(tmp_path / "early")
    assert stgkeras.Forecaster.load(tmp_path / "early").errors is None
    table = new.evaluate()
    new.evaluate(series)  # all windows: not the test part
    new.save(tmp_path / "late")
    opened = stgkeras.Forecaster.load(tmp_path / "late")
    assert opened.split == sizes
    np.testing.assert_array_equal(opened.errors, table)
    assert list(opened.errors) == list(table) and list(opened.errors.index) == list(table.index)
    record = json.loads((tmp_path / "late" / "forecaster.json").read_text())
    for change in ({"errors": {"data": [["a"]]}}, {"split": {"train": 5}}):
        (tmp_path / "late" / "forecaster.json").write_text(json.dumps(record | change))
        with pytest.raises(ValueError, match="`folder` must hold a forecaster"):
            stgkeras.Forecaster.load(tmp_path / "late")
    del record["errors"], record["split"]  # as the first version of the folder
    (tmp_path / "late" / "forecaster.json").write_text(json.dumps(record))
    older = stgkeras.Forecaster.load(tmp_path / "late")
    assert older.errors is None and older.split is None
    # A loaded forecaster trains the same model.
    opened.fit(series, epochs=1, verbose=0)
    assert opened.model.get_config()["units"] == SMALL["units"] and opened.errors is None
