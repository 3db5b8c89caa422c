"""The shipped models: each has the figures of its card, on whatever backend runs the tests."""

import os
import pathlib
import sys

import keras
import numpy as np
import pytest
from cases import as_numpy

from stgkeras import datasets, layers, metrics, models
from stgkeras.datasets.links import graph_sequences
from stgkeras.models import preset_files

ROOT = pathlib.Path(__file__).parent.parent
WEEK = 7 * 288
NAMES = list(models.presets())
LINKS = [name for name in NAMES if "links" in name]
FORECASTERS = [name for name in NAMES if name not in LINKS]


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


@pytest.fixture(scope="module")
def data_of():
    folder = data_folder()
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import forecasting_data
    finally:
        sys.path.pop(0)
    return lambda name: forecasting_data.DATASETS[name](folder / name)


@pytest.mark.parametrize("name", FORECASTERS)
def test_a_preset_reproduces_its_test_error(name, data_of):
    metadata = metadata_elsewhere(name)
    data = data_of(metadata["data"]["dataset"])
    model = preset_files.load(name)
    pad = np.full((WEEK, *data.values.shape[1:]), np.nan)
    values = np.concatenate([pad, data.values])
    windows = datasets.Windows(
        values,
        values[..., :1],
        data.split.test + WEEK,
        input_length=model.input_length,
        horizon=12,
        batch_size=256,
        calendar=np.concatenate([data.calendar[:WEEK], data.calendar]),
        steps_per_day=288,
        missing=True,
    )
    forecast = model.predict(windows, verbose=0)
    truth = data.values[data.split.test[:, None] + 12 + np.arange(12)][..., :1]
    expected = metadata["metrics"]["MAE mean"]
    assert np.nanmean(np.abs(forecast - truth)) == pytest.approx(expected, rel=1e-3)


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


def test_links_of_contacts_reproduce_their_scores():
    name = "stgcn_links_workplace2015"
    metadata = metadata_elsewhere(name)
    contacts = datasets.load_contacts(data_folder() / "sociopatterns" / metadata["data"]["file"])
    assert contacts.names.tolist() == metadata["data"]["nodes"]
    snapshots = contacts.snapshots(metadata["data"]["width"])
    windows = snapshots.windows(np.arange(int(0.8 * 693), 693), batch_size=8)
    probability = models.STGCNLinkPredictor.from_preset(name).predict(windows, verbose=0)
    truth = np.concatenate([windows[number][1] for number in range(len(windows))])
    found = metrics.link_scores(truth, probability)
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
