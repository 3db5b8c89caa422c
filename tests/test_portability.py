"""A model trained and saved on another backend opens, predicts and trains on here."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import portable_run
import pytest
from conftest import BACKENDS

import stgkeras

HERE = keras.backend.backend()
OTHERS = [name for name in BACKENDS if name != HERE]
SCRIPT = pathlib.Path(portable_run.__file__)
PACKAGE = pathlib.Path(stgkeras.__file__).parent.parent


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """What the other installed backends wrote, {backend: folder}."""
    root = tmp_path_factory.mktemp("portable")
    runs = {}
    for backend in OTHERS:
        if importlib.util.find_spec(backend):
            paths = os.pathsep.join([str(PACKAGE), os.environ.get("PYTHONPATH", "")])
            env = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": paths}
            command = [sys.executable, str(SCRIPT), str(root / backend)]
            pipe = subprocess.PIPE
            runs[backend] = subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True)
    errors = {backend: run.communicate(timeout=600)[1] for backend, run in runs.items()}
    for backend, run in runs.items():
        assert run.returncode == 0, f"{backend}: {errors[backend]}"
    return {backend: root / backend for backend in runs}


@pytest.fixture(params=OTHERS)
def folder(folders, request):
    if request.param not in folders:
        pytest.skip(f"{request.param} is not installed")
    return folders[request.param]


@pytest.mark.parametrize("case", portable_run.CASES)
def test_opens_predicts_and_trains_on(folder, case):
    fresh, x, y = portable_run.build(case)
    saved = np.load(folder / f"{case}.npz")
    model = keras.models.load_model(folder / f"{case}.keras")

    assert type(model) is type(fresh)
    assert type(model.loss) is type(fresh.loss)
    assert type(model.optimizer) is type(fresh.optimizer)
    assert _settings(model.optimizer) == _settings(fresh.optimizer)
    assert model.jit_compile == fresh.jit_compile  # what "auto" comes to here, not there
    steps = portable_run.EPOCHS * portable_run.SAMPLES // portable_run.BATCH
    assert int(model.optimizer.iterations) == int(saved["iterations"]) == steps
    assert float(model.optimizer.learning_rate) == saved["learning_rate"]

    prediction = portable_run.predict(model, x)
    tolerance = 1e-5 * np.abs(saved["prediction"]).max()
    np.testing.assert_allclose(prediction, saved["prediction"], rtol=0, atol=tolerance)

    losses = portable_run.fit(model, x, y)
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0] < saved["losses"][-1]
    assert int(model.optimizer.iterations) == 2 * steps


def _settings(optimizer):
    """The optimizer's config without names, nor the module that defines an inner one here."""
    config = optimizer.get_config()
    del config["name"]
    if "inner_optimizer" in config:
        config["inner_optimizer"] = _settings(optimizer.inner_optimizer)
    return config
