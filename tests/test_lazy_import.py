"""`import stgkeras` without any backend, and what Keras knows of stgkeras after both imports."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from conftest import child_environment

pytestmark = pytest.mark.skipif(
    os.environ["KERAS_BACKEND"] != "torch", reason="runs once: each test names its own backend"
)
# As if none of the three were installed; in an environment without them it changes nothing.
WITHOUT = "import sys; sys.modules.update(tensorflow=None, jax=None, torch=None)\n"
DATA = """
import numpy as np
from stgkeras import datasets, graphs, plots

stamps = np.datetime64("2024-01-01T00:00") + np.timedelta64(1, "h") * np.arange(96)
with open("speed.csv", "w") as file:
    file.write("time,a,b,c\\n")
    for number, stamp in enumerate(stamps):
        file.write(f"{stamp},{number % 24},{number % 7},3\\n")
series = datasets.from_csv("speed.csv")
assert series.values.shape == (96, 3, 1)
split = datasets.split_windows(96, 12, 3)
forecast = datasets.same_time(series.values, split.test, 12, 3, lag=24)
assert np.array_equal(forecast[:, :, 0], series.values[split.test[:, None] + np.arange(12, 15), 0])
assert datasets.calendar(stamps)[30].tolist() == [0.25, 1.0]  # 6 o'clock on a Tuesday
path = np.eye(3, k=1) + np.eye(3, k=-1)
assert np.allclose(graphs.scaled_laplacian(path), graphs.laplacian(path) - np.eye(3))
figure = plots.predicted_links(path, path / 2, ["a", "b", "c"])
figure.savefig("links.png")
for name in set(datasets.__all__) - {"Windows"}:
    getattr(datasets, name)
generated = datasets.load_dynamic_graphs(num_sequences=1, num_nodes=8, num_steps=60, cache_dir=".")
snapshots = datasets.contacts_from_arrays([0, 650], "ab", "bc").snapshots(600)
assert snapshots.adjacency([0]).shape == (1, 3, 3)
assert "keras" not in sys.modules
"""


def run(code, folder, backend="torch"):
    env = child_environment(KERAS_BACKEND=backend)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)


def test_data_graphs_and_plots_work_without_a_backend(tmp_path):
    done = run(WITHOUT + DATA, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "links.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("code", "backend", "message"),
    [
        (
            WITHOUT + "import stgkeras; stgkeras.models.STGCN(3)",
            "torch",
            "KERAS_BACKEND='torch', but `torch` is not installed. "
            """Run `pip install "stgkeras[torch]"`.""",
        ),
        (
            WITHOUT + "from stgkeras.layers import ChebConv",
            "",
            "Received: KERAS_BACKEND='tensorflow', but `tensorflow` is not installed. "
            "Run `pip install tensorflow`.",
        ),
        (
            WITHOUT + "import stgkeras; stgkeras.datasets.Windows",
            "jax",
            """`jax` is not installed. Run `pip install "stgkeras[jax]""",
        ),
        (
            WITHOUT + "import stgkeras; stgkeras.losses.FocalLoss()",
            "theano",
            "KERAS_BACKEND='theano', which is none of these. Set KERAS_BACKEND to one of these, "
            "and install it: tensorflow, jax, torch.",
        ),
        (
            "import stgkeras; stgkeras.losses.FocalLoss()",
            "pytorch",
            "KERAS_BACKEND='pytorch', which is none of these. Set KERAS_BACKEND to a backend that "
            "is installed: ",
        ),
    ],
    ids=["missing", "default", "data", "none", "unknown"],
)
def test_a_missing_or_unknown_backend_is_named_with_its_remedy(code, backend, message, tmp_path):
    done = run(code, tmp_path, backend)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert last.startswith("ImportError: stgkeras models need TensorFlow, JAX or PyTorch.")
    assert message in last


FIRST = {
    "stgkeras": "import stgkeras, keras",
    "part": "from stgkeras.layers import ChebConv",
    "file": "from stgkeras.losses.focal import FocalLoss",
}


@pytest.mark.parametrize("first", FIRST)
def test_keras_knows_all_classes_whatever_is_imported_first(first, tmp_path):
    code = f"""{FIRST[first]}
import keras
names = ["stgkeras>STGCN", "stgkeras>ChebConv", "stgkeras>FocalLoss", "stgkeras.metrics>LinkAUC"]
names += ["stgkeras.callbacks>GradientNorm"]
found = [keras.saving.get_registered_object(name) for name in names]
assert [kind.__name__ for kind in found] == [name.split(">")[1] for name in names], found
"""
    quickest = "jax" if find_spec("jax") else "torch"  # to import; the order matters here
    done = run(code, tmp_path, quickest)
    assert done.returncode == 0, done.stderr
