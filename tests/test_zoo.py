"""The shipped models: each has the figures of its card, on whatever backend runs the tests.

The fastest backend tests them on all windows; the others on few, whose figures are in
`zoo_few.json`. After a change of the models,

    KERAS_BACKEND=torch python tests/test_zoo.py

with STGKERAS_DATA set writes that file anew, and the tests on torch hold it to the cards.
"""

import functools
import json
import os
import pathlib
import sys

import keras
import numpy as np
import pytest
from cases import as_numpy
from conftest import on_fastest

from stgkeras import datasets, layers, metrics, models
from stgkeras.datasets.links import graph_sequences
from stgkeras.models import preset_files

ROOT = pathlib.Path(__file__).parent.parent
WEEK = 7 * 288
NAMES = list(models.presets())
LINKS = [name for name in NAMES if "links" in name]
FORECASTERS = [name for name in NAMES if name not in LINKS]
CONTACTS = "stgcn_links_workplace2015"
CONTACT_STEPS = np.arange(int(0.8 * 693), 693)
FEW = pathlib.Path(__file__).with_name("zoo_few.json")


def data_folder():
    folder = os.environ.get("STGKERAS_DATA")
    if not folder:
        pytest.skip("STGKERAS_DATA does not name the folder of the data sets")
    return pathlib.Path(folder)


def metadata_elsewhere(name):
    """The metadata of a preset, on backends that it was not trained on."""
    metadata = models.presets()[name]
    if metadata["versions"]["backend"] == keras.backend.backend():
        pytest.skip("the backend that it was trained on, where its benchmark has tested it")
    return metadata


@functools.cache
def data_of(name):
    folder = data_folder()
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import forecasting_data
    finally:
        sys.path.pop(0)
    return forecasting_data.DATASETS[name](folder / name)


def few(windows, number):
    """That many of the windows, at even distances."""
    return windows[np.linspace(0, len(windows) - 1, number).round().astype(int)]


def forecast_error(name, starts):
    """A function of windows among `starts`: the mean error of the forecasts for them."""
    data = data_of(models.presets()[name]["data"]["dataset"])
    model = preset_files.load(name)
    readings = data.series.values
    values = np.concatenate([np.full((WEEK, *readings.shape[1:]), np.nan), readings])
    windows = datasets.Windows(
        values,
        values[..., :1],
        starts + WEEK,
        input_length=model.input_length,
        horizon=12,
        batch_size=256,
        calendar=np.concatenate([data.calendar[:WEEK], data.calendar]),
        steps_per_day=288,
        missing=True,
    )
    forecast = model.predict(windows, verbose=0)
    truth = readings[starts[:, None] + 12 + np.arange(12)][..., :1]
    error = np.abs(forecast - truth)
    return lambda part: float(np.nanmean(error[np.searchsorted(starts, part)]))


@pytest.mark.parametrize("name", FORECASTERS)
def test_a_preset_reproduces_its_test_error(name):
    metadata = metadata_elsewhere(name)
    every = data_of(metadata["data"]["dataset"]).split.test
    part = few(every, 256)
    error = forecast_error(name, on_fastest(every, part))
    assert error(part) == pytest.approx(json.loads(FEW.read_text())[name], rel=1e-3)
    if on_fastest(True, False):
        assert error(every) == pytest.approx(metadata["metrics"]["MAE mean"], rel=1e-3)


@pytest.mark.parametrize("name", FORECASTERS)
def test_a_preset_opens_by_its_class_and_forecasts_in_original_units(name):
    model = preset_files.load(name)
    assert type(model).from_preset(name).count_params() == model.count_params()
    card = (preset_files._shipped() / name / "README.md").read_text("utf-8")
    assert f"{type(model).__name__}.from_preset" in card
    # On a Monday at noon, with nothing read at all, it forecasts what is usual then.
    calendar = datasets.calendar(np.datetime64("2024-01-01T12:00", "s") + 300 * np.arange(12))
    inputs = {
        tensor.name: np.full((1, *tensor.shape[1:]), np.nan, "float32")
        for tensor in (model.input[key] for key in model.input)
    }
    inputs["calendar"] = calendar[None].astype("float32")
    forecast = model.predict(inputs, verbose=0)
    scaler = next(layer for layer in model.layers if isinstance(layer, layers.SeasonalScaler))
    usual = as_numpy(scaler.season.value)[12 * 12 : 13 * 12, :, 0]
    assert np.isfinite(forecast).all()
    assert np.abs(forecast[0, :, :, 0] - usual).mean() < 0.5 * usual.std() + 0.1 * usual.mean()


def contact_scores(steps):
    """A function of steps among `steps`: the scores of the predictions of them."""
    data = models.presets()[CONTACTS]["data"]
    contacts = datasets.load_contacts(data_folder() / "sociopatterns" / data["file"])
    assert contacts.names.tolist() == data["nodes"]
    windows = contacts.snapshots(data["width"]).windows(steps, batch_size=8)
    probability = models.STGCNLinkPredictor.from_preset(CONTACTS).predict(windows, verbose=0)
    truth = np.concatenate([windows[number][1] for number in range(len(windows))])

    def scores(part):
        rows = np.searchsorted(steps, part)
        return metrics.link_scores(truth[rows], probability[rows])

    return scores


def test_links_of_contacts_reproduce_their_scores():
    metadata = metadata_elsewhere(CONTACTS)
    part = few(CONTACT_STEPS, 16)
    scores = contact_scores(on_fastest(CONTACT_STEPS, part))
    assert scores(part) == pytest.approx(json.loads(FEW.read_text())[CONTACTS], rel=1e-3)
    if on_fastest(True, False):
        found = scores(CONTACT_STEPS)
        assert found == pytest.approx({key: metadata["metrics"][key] for key in found}, rel=1e-3)


@pytest.mark.parametrize("kind", ["barabasi_albert", "newman_watts"])
def test_links_of_generated_graphs_reproduce_their_scores(kind):
    name = "stgcn_links_generated"
    metadata = metadata_elsewhere(name)
    kinds = graph_sequences.KINDS
    probability, truth = [], []
    model = models.STGCNLinkPredictor.from_preset(name)
    for number in metadata["split"]["test"]:  # the sequences of one kind are every third
        if kinds[number % len(kinds)] == kind:
            graphs, _, _ = graph_sequences.draw_sequence(kind, 30, 200, (0, number))
            window = np.arange(190)[:, None] + np.arange(10)
            inputs = {"x": datasets.node_features(graphs)[window], "graph": graphs[window]}
            inputs = {key: array.astype("float32") for key, array in inputs.items()}
            probability.append(model.predict(inputs, verbose=0))
            truth.append(graphs[10:])
    found = metrics.link_scores(np.concatenate(truth), np.concatenate(probability))
    expected = {score: metadata["metrics"][f"{kind} {score}"] for score in found}
    assert found == pytest.approx(expected, rel=1e-3)


def test_the_zoo_holds_each_kind_of_forecaster():
    assert len(NAMES) >= 6
    kinds = {type(preset_files.load(name)).__name__ for name in NAMES}
    assert kinds >= {"STGCN", "ASTGCN", "GraphSTID", "STGCNLinkPredictor"}


if __name__ == "__main__":
    table = {}
    for name in FORECASTERS:
        part = few(data_of(models.presets()[name]["data"]["dataset"]).split.test, 256)
        table[name] = forecast_error(name, part)(part)
    part = few(CONTACT_STEPS, 16)
    table[CONTACTS] = contact_scores(part)(part)
    FEW.write_text(json.dumps(table, indent=2) + "\n")
