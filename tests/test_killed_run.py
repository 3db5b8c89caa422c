"""A training killed by SIGKILL goes on, and ends exactly as one that nothing interrupted."""

import os
import shutil
import signal
import subprocess
import sys

import keras
import killed_run
import numpy as np
import pytest
from conftest import child_environment
from killed_run import BATCHES, EPOCHS

from stgkeras.callbacks import Checkpoint

if not hasattr(signal, "SIGKILL"):
    pytest.skip("no SIGKILL on this system", allow_module_level=True)

PARTIAL = ".last.partial.keras"


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, killed_run.__file__, *map(str, arguments)],
        env=child_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(run, code):
    errors = run.communicate(timeout=300)[1]
    assert run.returncode == code, errors


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Of a run in this process that came to its end; of one killed in an epoch, as the kill left
    it; and of the same when it had gone on to the end, and died later, while saving."""
    whole, killed, resumed = (tmp_path_factory.mktemp(n) for n in ("whole", "killed", "resumed"))
    finish(start(killed, "batch"), -signal.SIGKILL)
    shutil.copytree(killed, resumed, dirs_exist_ok=True)
    half = (killed / "last.keras").read_bytes()[:5000]  # which must trouble neither run
    for folder in (whole, resumed):
        (folder / PARTIAL).write_bytes(half)
    run = start(resumed, "save")
    killed_run.main(whole)
    finish(run, -signal.SIGKILL)
    return whole, killed, resumed


def log(folder):
    return (folder / "log.txt").read_text().splitlines()


def test_the_run_is_killed_within_its_third_epoch(folders):
    whole, killed, _ = folders
    assert log(killed) == log(whole)[:2]
    assert sorted(os.listdir(killed)) == ["last.keras", "log.txt"]
    assert Checkpoint.epoch(killed / "last.keras") == 2
    model = keras.models.load_model(killed / "last.keras")
    assert int(model.optimizer.iterations) == 2 * BATCHES


def test_a_run_that_goes_on_ends_with_the_same_bits(folders):
    whole, _, resumed = folders
    assert len(log(whole)) == EPOCHS
    assert log(resumed) == log(whole)  # each epoch once, its order, and its loss to the last bit
    with np.load(whole / "end.npz") as expected, np.load(resumed / "end.npz") as end:
        assert expected.files == end.files
        for name in end.files:
            np.testing.assert_array_equal(end[name], expected[name])
    assert sorted(os.listdir(whole)) == ["end.npz", "last.keras", "log.txt"]
    for folder in (whole, resumed):
        assert Checkpoint.epoch(folder / "last.keras") == EPOCHS


def test_a_kill_while_saving_leaves_the_checkpoint_before_it(folders):
    resumed = folders[2]
    assert sorted(os.listdir(resumed)) == [PARTIAL, "end.npz", "last.keras", "log.txt"]
    with pytest.raises(Exception, match="(?i)zip"):
        keras.models.load_model(resumed / PARTIAL)
    assert Checkpoint.epoch(resumed / "last.keras") == EPOCHS
    loaded = killed_run.state(keras.models.load_model(resumed / "last.keras"))
    with np.load(resumed / "end.npz") as end:
        assert len(loaded) == len(end.files) - 2  # and two dropouts
        for array, expected in zip(loaded, end.values(), strict=False):
            np.testing.assert_array_equal(array, expected)
