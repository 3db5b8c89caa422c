"""Files of earlier releases, written on each backend: they open here and predict the same."""

import pathlib
import zipfile

import keras
import numpy as np
import pytest
from compatibility.write import PRESETS, TRAINED, UNTRAINED
from conftest import each_from
from portable_run import BATCH

from stgkeras import models

FOLDER = pathlib.Path(__file__).parent / "compatibility"
ARCHIVES = sorted(FOLDER.glob("*/*.zip"))
RELEASES = [
    sorted(FOLDER.glob(f"{release}/*.zip")) for release in {p.parent.name for p in ARCHIVES}
]


def of_each_release(*cases):
    """Parameters: a folder with what one backend wrote, and a case that the release has."""
    pairs = []
    for archives in RELEASES:
        names = zipfile.ZipFile(archives[0]).namelist()
        of_release = {name.split("/")[0].split(".")[0] for name in names}
        pairs += each_from(archives, [case for case in cases if case in of_release])
    pairs.sort(key=lambda pair: ARCHIVES.index(pair[0]))
    ids = [f"{path.parent.name}-{path.stem}-{case}" for path, case in pairs]
    return pytest.mark.parametrize("folder, case", pairs, ids=ids, indirect=["folder"])


@pytest.fixture(scope="module")
def folder(request, tmp_path_factory):
    """What one release wrote on one backend."""
    folder = tmp_path_factory.mktemp(request.param.stem)
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(folder)
    return folder


def recorded(folder, case):
    """The inputs of a case, and the other arrays that were recorded."""
    arrays = dict(np.load(folder / f"{case}.npz"))
    rest = {name: arrays.pop(name) for name in ("prediction", "iterations") if name in arrays}
    return arrays if len(arrays) > 1 else arrays["x"], rest


def check(model, folder, case):
    x, found = recorded(folder, case)
    prediction = model.predict(x, batch_size=BATCH, verbose=0)
    tolerance = 1e-5 * np.abs(found["prediction"]).max()
    np.testing.assert_allclose(prediction, found["prediction"], rtol=0, atol=tolerance)


@of_each_release(*UNTRAINED)
def test_model_opens(folder, case):
    check(keras.models.load_model(folder / f"{case}.keras"), folder, case)


@of_each_release(*TRAINED)
def test_trained_model_opens(folder, case):
    model = keras.models.load_model(folder / f"{case}.keras")
    check(model, folder, case)
    assert int(model.optimizer.iterations) == recorded(folder, case)[1]["iterations"]


@of_each_release(*PRESETS)
def test_preset_opens(folder, case):
    kind = models.STGCN if case.startswith("stgcn") else models.ASTGCNLinkPredictor
    check(kind.from_preset(folder / case), folder, case)


@of_each_release("unset")
def test_a_model_that_was_saved_without_its_graph_is_refused(folder, case):
    model = keras.models.load_model(folder / f"{case}.keras")
    x = np.zeros((1, *model.input_shape[1:]), "float32")
    with pytest.raises(ValueError, match="`graph` must be given before the model is used"):
        model.predict(x, verbose=0)


def test_every_release_has_the_files_of_each_backend():
    backends = ("tensorflow", "jax", "torch")
    folders = {path.parent for path in ARCHIVES}
    assert folders
    assert {folder / f"{name}.zip" for folder in folders for name in backends} == set(ARCHIVES)
    assert sum(path.stat().st_size for path in ARCHIVES) < 15 * 10**5
