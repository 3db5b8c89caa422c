"""Training on several devices and in several processes equals that on one device."""

import os
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
EXAMPLE = os.path.join(os.path.dirname(__file__), "..", "examples", "train_parallel.py")


def start(*words, **environment):
    command = [sys.executable, *map(str, words)]
    env = child_environment(**environment)
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True)


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
            np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.skipif(BACKEND == "torch", reason="Keras has no engine for PyTorch")
def test_devices_of_a_process(one, tmp_path):
    flags = {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {FLAGS}"} if BACKEND == "jax" else {}
    finish(start(parallel_run.__file__, tmp_path, "devices", **flags))
    assert_equal(tmp_path / "0.npz", one, {"jax": 4, "tensorflow": 2}[BACKEND])


@pytest.mark.skipif(BACKEND != "jax", reason="the engine of JAX")
def test_two_processes(one, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = parallel_run.__file__, tmp_path, "processes", address
    for run in [start(*words, index) for index in range(2)]:
        finish(run)
    for index in range(2):
        assert_equal(tmp_path / f"{index}.npz", one, 2)


@pytest.mark.skipif(BACKEND != "torch", reason="the example is for PyTorch")
def test_example_in_two_processes(tmp_path):
    """Epochs are the same to five digits: rounding grows from step to step."""
    told, weights = [], []
    for count in (1, 2):
        path = tmp_path / f"{count}.keras"
        words = "-m", "torch.distributed.run", "--nproc-per-node", count, "--master-port", "0"
        out = finish(start(*words, EXAMPLE, "--epochs", 1, "--out", path))
        told.append([float(word) for word in re.findall(r"MAE ([0-9.]+)", out)])
        weights.append(keras.models.load_model(path).get_weights())
    assert len(told[0]) == 2
    np.testing.assert_allclose(told[1], told[0], rtol=1e-5)
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4)


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
