"""A model trained and saved on another backend opens, predicts and trains on here."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import portable_run
import pytest
from conftest import BACKENDS, child_environment, each_from

HERE = keras.backend.backend()
OTHERS = [name for name in BACKENDS if name != HERE]
SCRIPT = pathlib.Path(portable_run.__file__)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """What the other installed backends wrote, {backend: folder}. Runs on several backends write
    it once for all, into the folder that STGKERAS_PORTABLE names."""
    shared = os.environ.get("STGKERAS_PORTABLE")
    root = pathlib.Path(shared) if shared else tmp_path_factory.mktemp("portable")
    work, runs = tmp_path_factory.mktemp("written"), {}
    there = [backend for backend in OTHERS if importlib.util.find_spec(backend)]
    for backend in there:
        if not (root / backend).exists():
            runs[backend] = start(backend, work / backend)
    for backend, run in runs.items():
        errors = run.communicate(timeout=600)[1]
        assert run.returncode == 0, f"{backend}: {errors}"
        shutil.copytree(work / backend, root / f".{backend}")
        (root / f".{backend}").rename(root / backend)  # whole, or not at all
    return {backend: root / backend for backend in there}


def start(backend, folder):
    # TensorFlow reads the flags for XLA as well, and may not know those for JAX.
    flags = os.environ.get("STGKERAS_JAX_FLAGS", "") if backend == "jax" else ""
    env = child_environment(KERAS_BACKEND=backend, XLA_FLAGS=flags)
    command = [sys.executable, str(SCRIPT), str(folder)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.parametrize("backend, case", each_from(OTHERS, list(portable_run.CASES)))
def test_opens_predicts_and_trains_on(folders, backend, case):
    if backend not in folders:
        pytest.skip(f"{backend} is not installed")
    folder = folders[backend]
    fresh, x, y = portable_run.build(case)
    saved = np.load(folder / f"{case}.npz")
    model = keras.models.load_model(folder / f"{case}.keras")

    assert type(model) is type(fresh)
    assert type(model.loss) is type(fresh.loss)
    assert type(model.optimizer) is type(fresh.optimizer)
    assert _settings(model.optimizer) == _settings(fresh.optimizer)
    assert model.jit_compile == fresh.jit_compile  # what "auto" comes to here, not there
    steps = portable_run.EPOCHS * portable_run.SAMPLES // portable_run.BATCH
    assert int(model.optimizer.iterations) == steps
    assert float(model.optimizer.learning_rate) == saved["learning_rate"]
    variables = portable_run.optimizer_variables(model)
    assert sum(name.startswith("optimizer") for name in saved.files) == len(variables)
    for name, array in variables.items():
        assert array.shape == saved[name].shape
        np.testing.assert_array_equal(array, saved[name])

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
