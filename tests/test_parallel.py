"""Training on several devices and in several processes equals that on one device."""

import os
import pathlib
import re
import socket
import subprocess
import sys

import keras
import numpy as np
import parallel_run
import pytest
from conftest import child_environment

from stgkeras import _processes, parallel

BACKEND = keras.backend.backend()
FLAGS = "--xla_force_host_platform_device_count=4"
EXAMPLE = pathlib.Path(__file__).resolve().parent.parent / "examples" / "train_parallel.py"


def start(*words, folder=None, **environment):
    command = [sys.executable, *map(str, words)]
    env = child_environment(**environment)
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd=folder
    )


def finish(run):
    out = run.communicate(timeout=600)[0]
    assert run.returncode == 0, out
    return out


@pytest.fixture(scope="module")
def one():
    return parallel_run.results()


def assert_equal(path, expected, count):
    with np.load(path) as found:
        assert found["count"] == count
        for name, values in expected.items():
            if name in found or BACKEND != "torch":  # the loop of the example has `val_loss` only
                np.testing.assert_allclose(found[name], values, 1e-5, 1e-6, err_msg=name)


@pytest.mark.skipif(BACKEND == "torch", reason="Keras has no engine for PyTorch")
def test_devices_of_a_process(one, tmp_path):
    flags = {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {FLAGS}"} if BACKEND == "jax" else {}
    finish(start(parallel_run.__file__, tmp_path, "devices", **flags))
    assert_equal(tmp_path / "0.npz", one, {"jax": 4, "tensorflow": 2}[BACKEND])


@pytest.mark.skipif(BACKEND == "tensorflow", reason="trains in one process")
def test_two_processes(one, tmp_path):
    """On PyTorch with the loop of the example."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = parallel_run.__file__, tmp_path, "processes", address
    for run in [start(*words, index) for index in range(2)]:
        finish(run)
    if BACKEND == "torch":  # each has the forecasts of its own windows: 12 + 3, 6 + 3 and 6
        whole = one["forecast"]
        parts = np.concatenate([whole[:6], whole[12:]]), whole[6:12]
    else:
        parts = one["forecast"], one["forecast"]
    for index, part in enumerate(parts):
        assert_equal(tmp_path / f"{index}.npz", one | {"forecast": part}, 2)


@pytest.mark.skipif(BACKEND != "torch", reason="the example is for PyTorch")
def test_the_example_runs(tmp_path):
    words = "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2
    out = finish(start(*words, EXAMPLE, 1, folder=tmp_path))
    errors = re.findall(r"Epoch 1: MAE ([0-9.]+) in training, MAE ([0-9.]+) in validation", out)
    assert len(errors) == 1 and max(map(float, errors[0])) < 9
    assert keras.models.load_model(tmp_path / "parallel.keras").horizon == 12


def test_training_alone_is_refused(monkeypatch):
    found = parallel_run.model()
    part = parallel_run.windows(shard=(1, 2))
    monkeypatch.setattr(_processes, "running", lambda: (0, 2))
    x = np.zeros((4, 4, 3, 1), "float32")
    with pytest.raises(ValueError) as error:
        found.fit(x, x[:, :2])
    if BACKEND == "torch":
        assert "train each of the 2 processes alone" in str(error.value)
        return
    assert r"part (0, 2) of each batch. Received: data of type ndarray" in str(error.value)
    own = parallel_run.windows()
    assert own.shard == (0, 2)
    with pytest.raises(ValueError, match=r"with shard=\(1, 2\)"):
        found.fit(own, validation_data=part)


def test_engines():
    name = {"jax": "DataParallel", "tensorflow": "MirroredStrategy", "torch": "torch.distributed"}
    assert name[BACKEND] in parallel.engine() and parallel.is_first()
    if BACKEND == "torch":
        with pytest.raises(ValueError, match="Received: the backend torch.*torchrun"):
            with parallel.devices(2):
                pass
    else:
        with pytest.raises(ValueError, match="Received: count=100. To make several of one CPU"):
            with parallel.devices(100):
                pass
    with pytest.raises(ValueError, match="`index` must be below the count, 2. Received: index=2"):
        with parallel.processes("127.0.0.1:1", 2, 2):
            pass
    if BACKEND != "jax":
        with pytest.raises(ValueError, match=f"needs JAX. Received: the backend {BACKEND}"):
            with parallel.processes("127.0.0.1:1", 2, 0):
                pass
