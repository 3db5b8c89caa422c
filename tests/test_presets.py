"""Presets: written whole or not at all, opened with their graph and scaler, refused by name."""

import json

import keras
import numpy as np
import pytest
from cases import dense, predict
from conftest import on_fastest
from model_cases import CASES, FEW, STATIC, inputs_of, make

from stgkeras import models
from stgkeras.models import preset_files

METADATA = {
    "data": "made up",
    "split": {"train": 3},
    "scaler": None,
    "seed": 0,
    "command": "pytest",
    "versions": {"stgkeras": "0.1.0"},
    "metrics": {"MAE mean": 1.5},
}


@pytest.mark.parametrize("name", on_fastest(list(CASES), FEW))
def test_a_preset_opens_as_it_was(name, tmp_path):
    model = make(name)
    model.save_to_preset(tmp_path / "mine", METADATA)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]
    found = json.loads((tmp_path / "mine" / "metadata.json").read_text())
    assert found == METADATA
    loaded = type(model).from_preset(tmp_path / "mine")
    assert loaded.get_config() == model.get_config()
    if name in STATIC:
        np.testing.assert_array_equal(dense(loaded.graph), dense(model.graph))
    inputs = inputs_of(model)
    np.testing.assert_array_equal(predict(loaded, inputs), predict(model, inputs))


@pytest.fixture
def folder(tmp_path):
    make("stgcn").save_to_preset(tmp_path / "mine", METADATA)
    return tmp_path / "mine"


def test_shipped_presets_are_listed_and_opened_by_name(folder, monkeypatch):
    monkeypatch.setattr(preset_files, "_shipped", lambda: folder.parent)
    assert models.presets() == {"mine": METADATA}
    assert isinstance(models.STGCN.from_preset("mine"), models.STGCN)
    with pytest.raises(ValueError, match=r"one of \['mine'\]. Received: preset='yours'"):
        models.STGCN.from_preset("yours")


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX compiles random weights")
def test_no_random_weights_are_drawn_for_weights_of_a_file(folder, monkeypatch):
    config = models.STGCN.from_preset(folder).get_config()
    assert all(np.any(weight) for weight in models.STGCN.from_config(config).get_weights()[:1])
    monkeypatch.setattr(keras.initializers.VarianceScaling, "__call__", lambda *_, **__: 1 / 0)
    assert models.STGCN.from_preset(folder).get_config() == config
    with pytest.raises(ZeroDivisionError):
        models.STGCN.from_config(config)


def test_another_kind_of_model_is_named(folder):
    message = "must hold a model of class ASTGCN.* of class STGCN. Use `stgkeras.models.STGCN.from_"
    with pytest.raises(ValueError, match=message):
        models.ASTGCN.from_preset(folder)


def test_nothing_is_overwritten_nor_left_half_written(folder):
    with pytest.raises(ValueError, match="`folder` must not exist yet"):
        make("astgcn").save_to_preset(folder, METADATA)
    assert isinstance(models.STGCN.from_preset(folder), models.STGCN)
    with pytest.raises(TypeError):
        make("stgcn").save_to_preset(folder.parent / "new", METADATA | {"seed": object()})
    with pytest.raises(ValueError, match=r"without \['seed'\], and with \['sead'\]"):
        wrong = {"sead" if key == "seed" else key: value for key, value in METADATA.items()}
        make("stgcn").save_to_preset(folder.parent / "new", wrong)
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_damaged_or_missing_file_is_named(name, folder):
    path = folder / name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="a model that this version can open.*'stgkeras': '0.1.0'"):
        models.STGCN.from_preset(folder)
    path.unlink()
    with pytest.raises(ValueError, match=rf"must be a folder with .*mine without \['{name}'\]"):
        models.STGCN.from_preset(folder)


@pytest.mark.parametrize(
    "config",
    [[1], {}, {"class_name": "Dense", "config": {"units": 2}, "module": "keras.layers"}]
    + [{"class_name": 5, "config": 5, "module": []}],
)
def test_a_config_of_no_model_is_refused(config, folder):
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="`preset` must hold a model that this version can open"):
        models.STGCN.from_preset(folder)


def test_weights_of_another_model_are_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    config["config"]["K"] = 4
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="written by {'stgkeras': '0.1.0'}, with ValueError"):
        models.STGCN.from_preset(folder)


def test_every_shipped_preset_is_small_and_says_where_it_comes_from():
    for name, metadata in models.presets().items():
        assert set(metadata) == set(preset_files.KEYS), name
        card = " ".join((preset_files._shipped() / name / "README.md").read_text("utf-8").split())
        assert f" Licence: {metadata['data']['licence']}. " in card, name
        size = sum(path.stat().st_size for path in (preset_files._shipped() / name).iterdir())
        assert size <= 3 * 2**20, name
