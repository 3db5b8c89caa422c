"""Training on several devices and in several processes equals that on one device."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import cli_runs
import keras
import numpy as np
import pandas as pd
import parallel_run
import parallel_snippets
import pytest
from conftest import child_environment, free_port, once, slow

import stgkeras
from stgkeras import _processes, callbacks, cli, parallel
from stgkeras.forecasting.patience import Patience

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
def trained():
    """A model, and what came out of its first two epochs."""
    found = parallel_run.model()
    return found, parallel_run.results(found)


@pytest.fixture(scope="module")
def one(trained):
    return trained[1]


@pytest.fixture
def files(tmp_path):
    """Files of readings for `stgkeras fit`."""
    cli_runs.speeds().to_csv(tmp_path / "speeds.csv")
    roads = pd.DataFrame(cli_runs.ROADS, columns=["from", "to"])
    roads.to_csv(tmp_path / "roads.csv", index=False)
    return tmp_path


def assert_equal(path, expected, count):
    with np.load(path) as found:
        assert found["count"] == count
        for name, values in expected.items():
            if name in found or BACKEND != "torch":  # the loop of the example has `val_loss` only
                np.testing.assert_allclose(found[name], values, 1e-5, 1e-6, err_msg=name)


@pytest.mark.skipif(BACKEND == "torch", reason="Keras has no engine for PyTorch")
def test_devices_of_a_process(one, files):
    flags = {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {FLAGS}"} if BACKEND == "jax" else {}
    run = start(parallel_run.__file__, files, "devices", **flags)
    assert cli.main(parallel_run.fit_words(files, "--out", files / "alone")) == 0
    out = finish(run)
    count = {"jax": 4, "tensorflow": 2}[BACKEND]
    assert_equal(files / "0.npz", one, count)
    assert f"at most 2 epochs, on {count} devices." in out
    alone, shared = (stgkeras.Forecaster.load(files / name) for name in ("alone", "shared"))
    np.testing.assert_allclose(shared.errors, alone.errors, 1e-5)
    np.testing.assert_allclose(shared.weights, alone.weights, atol=1e-5)
    for own, other in zip(shared.model.get_weights(), alone.model.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, 1e-5, 1e-6)


@pytest.mark.skipif(BACKEND == "tensorflow", reason="trains in one process")
def test_two_processes(trained, tmp_path):
    """On PyTorch with the loop of the example. One process goes on from their checkpoint."""
    whole, one = trained
    words = parallel_run.__file__, tmp_path, "processes", f"127.0.0.1:{free_port()}"
    for run in [start(*words, index) for index in range(2)]:
        finish(run)
    if BACKEND == "torch":  # each has the forecasts of its own windows: 12 + 3, 6 + 3 and 6
        rows = one["forecast"]
        parts = np.concatenate([rows[:6], rows[12:]]), rows[6:12]
    else:
        parts = one["forecast"], one["forecast"]
    for index, part in enumerate(parts):
        assert_equal(tmp_path / f"{index}.npz", one | {"forecast": part}, 2)
    assert [path.name for path in tmp_path.glob("*.keras")] == ["0.keras"]
    assert callbacks.Checkpoint.epoch(tmp_path / "0.keras") == 2
    resumed = keras.models.load_model(tmp_path / "0.keras")
    for found in (whole, resumed):
        parallel_run.train(found, first=2)
    for own, other in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, 1e-5, 1e-6)


@pytest.mark.skipif(BACKEND != "jax", reason="other backends do not start processes")
@pytest.mark.skipif(not pathlib.Path("/proc/self").exists(), reason="finds processes as on Linux")
def test_a_killed_process_of_the_command_ends_the_others(files):
    checkpoint = files / "city.partial" / "checkpoint.keras"
    options = "--processes", 2, "--epochs", 9999, "--out", files / "city"
    words = parallel_run.fit_words(files, *options)
    run = start("-m", "stgkeras", *words, JAX_DISABLE_MOST_OPTIMIZATIONS="1")
    while run.poll() is None and not checkpoint.exists():
        time.sleep(0.1)
    assert run.poll() is None, run.communicate()[0]
    tasks = pathlib.Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text()
    first, second = sorted(map(int, tasks.split()))
    os.kill(second, signal.SIGKILL)
    out = run.communicate(timeout=60)[0]
    assert run.returncode == 2
    assert out.splitlines()[-1] == (
        f"stgkeras fit: process 2 of 2 (pid {second}) ended by SIGKILL, so the others were ended "
        "too. Pass --resume to continue after the last complete epoch."
    )
    assert not pathlib.Path(f"/proc/{first}").exists()
    assert callbacks.Checkpoint.epoch(checkpoint) >= 1


@once
def test_only_the_first_process_writes(monkeypatch, tmp_path):
    found = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    found.compile("sgd", "mse")
    drawn = []
    writers = [
        callbacks.Checkpoint(tmp_path / "last.keras"),
        callbacks.TensorBoard(tmp_path / "logs", images=lambda model: drawn.append(1) or {}),
        Patience(1, tmp_path / "best.npz"),
    ]
    data = np.ones((4, 2)), np.ones((4, 1))
    for place, files in ((1, []), (0, ["best.npz", "last.keras", "logs"])):
        monkeypatch.setattr(_processes, "running", lambda place=place: (place, 2))
        found.fit(*data, validation_data=data, verbose=0, callbacks=writers)
        assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert len(drawn) == 2  # `images` may call `predict`, which waits for all processes


@pytest.mark.parametrize("options", [["--devices", "4"], ["--processes", "4"]])
def test_options_that_a_backend_refuses(options, capsys):
    def refused(*words):
        assert cli.main(["fit", "speeds.csv", "--out", "nowhere", *words]) == 2
        return capsys.readouterr().err

    assert f"{options[0]} must divide 32" in refused(options[0], "3")
    if BACKEND == "torch":
        line = "torchrun --standalone --nproc-per-node 4 examples/train_parallel.py"
        assert f"{options[0]} needs JAX" in (text := refused(*options)) and line in text
    elif options[0] == "--devices":  # the devices of this process are known by now
        keras.ops.zeros(1)
        assert re.search("--devices must be at most .* Received: --devices 4", refused(*options))
    elif BACKEND == "tensorflow":
        assert "the backend tensorflow. Pass --devices 4, or" in refused(*options)
    assert "--devices must not be used with --processes" in refused(
        "--devices", "2", "--processes", "2"
    )


@pytest.mark.skipif(BACKEND != "torch", reason="the example is for PyTorch")
def test_the_example_runs(tmp_path):
    words = "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2
    out = finish(start(*words, EXAMPLE, 1, folder=tmp_path))
    errors = re.findall(r"Epoch 1: MAE ([0-9.]+) in training, MAE ([0-9.]+) in validation", out)
    assert len(errors) == 1 and max(map(float, errors[0])) < 9
    assert keras.models.load_model(tmp_path / "parallel.keras").horizon == 12


@slow
def test_snippets_of_the_page(tmp_path):
    """On JAX, also those of two processes, which end after 4 of 10 epochs and resume."""
    flags = {"XLA_FLAGS": FLAGS} if BACKEND == "jax" else {}
    out = finish(start(parallel_snippets.__file__, folder=tmp_path, **flags))
    assert f"ran{' parallel.devices()' * (BACKEND != 'torch')}" in out
    assert ("node_layout" in out) == (BACKEND == "jax") and "NodeParts" in out
    for task, steps in (("train", 4), ("resume", 10)) if BACKEND == "jax" else ():
        words = parallel_snippets.__file__, task, f"127.0.0.1:{free_port()}"
        for run in [start(*words, index, folder=tmp_path) for index in range(2)]:
            assert f"steps {steps}\n" in finish(run)


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
    for address in (None, "10.0.0.1", "10.0.0.1:99999"):
        with pytest.raises(ValueError, match=f"`address` must be .* address={address!r}. Pass"):
            with parallel.processes(address, 2, 0):
                pass
    if BACKEND != "jax":
        with pytest.raises(ValueError, match=f"needs JAX. Received: the backend {BACKEND}"):
            with parallel.processes("127.0.0.1:1", 2, 0):
                pass
