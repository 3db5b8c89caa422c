"""A preset leaves Keras: its ONNX file forecasts without, and its model card goes along."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ON_FASTEST, child_environment
from test_forecast_presets import SMALLEST, WEEK, newest

import stgkeras
from stgkeras.forecasting import folder as files
from stgkeras.forecasting.preset import load_onnx

CODE = """
import sys
sys.modules.update(keras=None, tensorflow=None, jax=None, torch=None, scipy=None)
import numpy as np
import pandas as pd
from stgkeras.forecasting import folder

frame = pd.read_csv("newest.csv", index_col=0, parse_dates=True)
forecast = folder.load("city", onnx=True).forecast(frame)
np.save("found.npy", forecast.values)
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A folder with a preset that reads days and weeks, and its ONNX file."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    folder = tmp_path_factory.mktemp("preset") / "city"
    forecaster = stgkeras.Forecaster.load(SMALLEST)
    forecaster.save(folder)
    assert forecaster.export(folder / "model.onnx") <= 1e-5
    return folder, forecaster


def test_a_preset_forecasts_without_keras(city, tmp_path):
    folder, forecaster = city
    frame = newest(SMALLEST, WEEK)
    frame.iloc[-5:, 0] = np.nan
    frame.to_csv(tmp_path / "newest.csv")
    (tmp_path / "city").mkdir()
    for name in ("model.onnx", "model.json"):  # which suffice
        shutil.copy(folder / name, tmp_path / "city")
    environment = child_environment()
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    expected = forecaster.forecast(frame)
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), expected.values, rtol=1e-4)


@pytest.mark.skipif(not ON_FASTEST, reason="files of ONNX are the same on each backend")
def test_damaged_files_are_refused(city, tmp_path):
    folder, _ = city
    shutil.copy(folder / "model.onnx", tmp_path)
    about = json.loads((folder / "model.json").read_text())
    beyond = about["data"] | {"horizon": 3}
    for changed, message in (
        ({key: about[key] for key in about if key != "edges"}, "nothing called 'edges'"),
        (about | {"edges": [[0, 29]]}, "model.json cannot be used: it is not of a preset"),
        (about | {"data": beyond}, "model.onnx cannot be used: .* has the shape"),
        (about | {"quantiles": [0.1, 0.9]}, "it has no median"),
        (about | {"inputs": {}}, "model.json cannot be used"),
        (about | {"inputs": {"x": {"shape": ["batch", "many", 29, 1]}}}, "cannot be used"),
        ([], "model.json cannot be used"),
    ):
        (tmp_path / "model.json").write_text(json.dumps(changed))
        with pytest.raises(ValueError, match=message):
            load_onnx(tmp_path)
        with pytest.raises(ValueError, match="Export it again"):
            files.load(tmp_path, onnx=True)


def test_the_card_of_a_preset_has_its_data_and_errors(city):
    folder, _ = city
    text = (folder / "README.md").read_text("utf-8")
    assert text == (folder / "model.md").read_text("utf-8")
    assert text.startswith("# GraphSTID for 29 sensors")
    for part in ("METR-LA", "speed (mph)", "- MAE 60 min: ", "windows", "no intervals", "Jagadish"):
        assert part in text
