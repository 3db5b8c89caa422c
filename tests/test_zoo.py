"""The shipped models: each has the figures of its card, on whatever backend runs the tests."""

import os
import pathlib
import sys

import keras
import numpy as np
import pytest
from cases import as_numpy

from stgkeras import datasets, layers, models
from stgkeras.models import preset_files

ROOT = pathlib.Path(__file__).parent.parent
WEEK = 7 * 288
NAMES = list(models.presets())


@pytest.fixture(scope="module")
def data_of():
    folder = os.environ.get("STGKERAS_DATA")
    if not folder:
        pytest.skip("STGKERAS_DATA does not name the folder of the data sets")
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import forecasting_data
    finally:
        sys.path.pop(0)
    return lambda name: forecasting_data.DATASETS[name](pathlib.Path(folder) / name)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_reproduces_its_test_error(name, data_of):
    metadata = models.presets()[name]
    if metadata["versions"]["backend"] == keras.backend.backend():
        pytest.skip("the backend that it was trained on, where benchmarks/presets.py has tested it")
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


@pytest.mark.parametrize("name", NAMES)
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


def test_the_zoo_holds_each_kind_of_forecaster():
    assert len(NAMES) >= 6
    kinds = {type(preset_files.load(name)).__name__ for name in NAMES}
    assert kinds >= {"STGCN", "ASTGCN", "GraphSTID"}
