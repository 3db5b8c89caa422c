"""Models leave Keras: on the portable forms, for batches of any size, compared in their runtime."""

import json
import pathlib

import keras
import numpy as np
import pytest
from model_cases import inputs_of, make
from snippets import python_snippets

import stgkeras
from stgkeras.exporting import checked, writers
from stgkeras.kernels import dispatch

BACKEND = keras.backend.backend()
ROOT = pathlib.Path(__file__).parent.parent


@pytest.mark.parametrize("name", ["stgcn-sparse", "graph-wavenet-sparse"])
@pytest.mark.skipif(BACKEND == "torch", reason="PyTorch writes no SavedModel")
def test_a_model_with_a_sparse_graph_is_exported(name, tmp_path, monkeypatch):
    import tensorflow as tf

    model = make(name)
    x = inputs_of(model, batch=3)
    expected = model.predict(x, verbose=0)
    answers, rule = [], dispatch.takes_fast_form

    def recorded(*args, **kwargs):
        answers.append(rule(*args, **kwargs))
        return answers[-1]

    monkeypatch.setattr(dispatch, "takes_fast_form", recorded)
    model.export(tmp_path / "model", format="tf_saved_model", verbose=False)
    assert set(answers) == {False}
    exported = tf.saved_model.load(tmp_path / "model")
    found = exported.serve(x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def season_model(sparse):
    """A model with a season of 24 steps a day, adapted to values about 50."""
    graph = stgkeras.graphs.scaled_laplacian(np.ones((4, 4)) - np.eye(4), lambda_max=2.0)
    if sparse:
        import scipy.sparse

        graph = scipy.sparse.csr_array(graph)
    model = stgkeras.models.GraphSTID(
        4, graph=graph, horizon=3, season=24, units=4, num_blocks=1, adaptive_units=0
    )
    hours = np.arange(24 * 14)
    calendar = np.stack([hours % 24 / 24, hours // 24 % 7], axis=1)
    rng = np.random.default_rng(0)
    values = 50 + 10 * np.sin(calendar[:, :1] * 2 * np.pi) + rng.normal(size=(len(hours), 4))
    model.adapt(values[..., None], calendar)
    return model


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_onnx_forecasts_in_original_units(sparse, tmp_path):
    import onnxruntime

    model = season_model(sparse)
    difference = stgkeras.export(model, tmp_path / "city.onnx")
    assert difference <= 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "city.onnx")
    assert [one.name for one in session.get_outputs()] == ["forecast"]
    # The steps ahead begin on a Monday at midnight, so that all that are read are of a Sunday.
    calendar = np.array([[[0, 0], [1 / 24, 0], [2 / 24, 0]]] * 5, "float32")
    x = np.full((5, 12, 4, 1), 50, "float32")
    x[1, 3:, 0] = np.nan
    expected = model.predict({"x": x, "calendar": calendar}, verbose=0)
    (found,) = session.run(None, {"x": x, "calendar": calendar})
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    text = json.loads((tmp_path / "city.json").read_text())
    assert text["inputs"]["x"]["shape"] == ["batch", 12, 4, 1]
    assert text["outputs"] == {"forecast": {"shape": ["batch", 3, 4, 1]}}
    assert {path.name for path in tmp_path.iterdir()} == {"city.onnx", "city.json"}


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_the_format_of_the_backend(sparse, tmp_path):
    format = {"tensorflow": "saved_model", "torch": "pt2"}.get(BACKEND)
    if format is None:
        pytest.skip("JAX has no format of its own")
    path = tmp_path / ("city.pt2" if format == "pt2" else "city")
    assert stgkeras.export(season_model(sparse), path, format) <= 1e-5


LACKING = {"tensorflow": ["patchstg", "stgcn-links-pairwise"], "jax": ["graph-wavenet"]}


@pytest.mark.parametrize("name", LACKING.get(BACKEND, []))
def test_operations_that_the_converter_lacks(name, tmp_path):
    assert stgkeras.export(make(name), tmp_path / "model.onnx") <= 1e-5


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow alone writes LiteRT")
def test_litert_gets_the_portable_forms(tmp_path):
    difference = stgkeras.export(make("stgcn-sparse"), tmp_path / "model.tflite", "litert")
    assert difference is None or difference <= 1e-5  # None without ai-edge-litert


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a fault of TensorFlow's converter")
def test_normalisation_of_one_step(tmp_path):
    """tf2onnx 1.17.0 normalises the last step of this model over other axes, without a word."""
    model = stgkeras.models.STGCN(5, graph=np.eye(5), block_filters=[(4, 4, 4)])
    assert stgkeras.export(model, tmp_path / "model.onnx") <= 1e-5


def test_a_file_with_another_output_is_removed(tmp_path, monkeypatch):
    model = make("stgcn")

    def write(signature, path):
        path.write_bytes(b"")

    monkeypatch.setitem(writers.WRITERS["onnx"], BACKEND, write)
    monkeypatch.setitem(
        checked.RUNTIMES, "onnx", lambda path: lambda x: 1.001 * model.predict(x["x"], verbose=0)
    )
    with pytest.raises(ValueError, match=r"removed: ValueError: its output differs by 1\.0e-03"):
        stgkeras.export(model, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_converter_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def write(signature, path):
        path.write_bytes(b"half")
        raise RuntimeError("Exception from a.cpp:132:\nno such operation\nmore lines")

    monkeypatch.setitem(writers.WRITERS["onnx"], BACKEND, write)
    with pytest.raises(ValueError, match="converter failed: RuntimeError: no such operation. Use"):
        stgkeras.export(make("stgcn"), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_bad_arguments(tmp_path):
    model = make("stgcn")
    (tmp_path / "taken.json").write_text("{}")
    for path, format, message in (
        ("model.onnx", "tf", "`format` must be one of"),
        ("model.bin", "onnx", "`path` must end in '.onnx'"),
        ("taken.onnx", "onnx", "taken.json', which exists"),
    ):
        with pytest.raises(ValueError, match=message):
            stgkeras.export(model, tmp_path / path, format)
    if BACKEND == "jax":
        with pytest.raises(ValueError, match="set KERAS_BACKEND=torch, open it with"):
            stgkeras.export(model, tmp_path / "model.pt2", "pt2")
    with pytest.raises(ValueError, match="model of stgkeras. Received: Sequential"):
        stgkeras.export(keras.Sequential(), tmp_path / "model.onnx")
    with pytest.raises(TypeError, match="`path` must be a path"):
        stgkeras.export(model, 5)
    assert {path.name for path in tmp_path.iterdir()} == {"taken.json"}


def test_every_file_that_would_be_replaced_is_named(tmp_path, monkeypatch):
    (tmp_path / "city.bin").write_text("weights of another model")
    monkeypatch.setattr(checked.importlib.util, "find_spec", lambda name: True)
    with pytest.raises(ValueError, match="city.bin', which exists"):
        stgkeras.export(make("stgcn"), tmp_path / "city.xml", "openvino")
    (tmp_path / "city-1.json").write_text("{}")
    checked._checked_path(tmp_path / "city-1.0", "saved_model", [".json"])
    (tmp_path / "city-1.0.json").write_text("{}")
    with pytest.raises(ValueError, match="city-1.0.json', which exists"):
        checked._checked_path(tmp_path / "city-1.0", "saved_model", [".json"])


def test_a_missing_converter_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(checked.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="Run `pip install "):
        stgkeras.export(make("stgcn"), tmp_path / "model.onnx")


def test_a_forecaster_in_its_folder(tmp_path, monkeypatch):
    """The saved folder with the ONNX file gives the forecast of the forecaster, without Keras.

    The code of docs/export.md gives that of the model.
    """
    import pandas as pd

    from stgkeras.forecasting import folder

    times = pd.date_range("2024-05-01", periods=24 * 14, freq="h", tz="Europe/Vienna")
    wave = 50 + 10 * np.sin(times.hour.to_numpy() * np.pi / 12)
    frame = pd.DataFrame({"A": wave, "B": wave + 5}, times)
    series = stgkeras.datasets.from_pandas(frame, [[0, 1], [1, 0]], units="km/h")
    forecaster = stgkeras.Forecaster("GraphSTID", horizon=3, units=4, num_blocks=1)
    forecaster.fit(series, epochs=1, verbose=0)
    monkeypatch.chdir(tmp_path)
    saving, code = python_snippets(ROOT / "docs" / "export.md")
    if keras.backend.backend() != "torch":  # the last line writes a pt2 file
        saving = saving[: saving.index("stgkeras.export")]
    exec(saving, {"stgkeras": stgkeras, "forecaster": forecaster, "model": forecaster.model})
    expected = forecaster.forecast(frame[-12:])
    found = folder.load(tmp_path / "city", onnx=True).forecast(frame[-12:], None)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-5)
    text = json.loads((tmp_path / "city" / "model.json").read_text())
    assert "computes the network alone" in (tmp_path / "city" / "model.md").read_text("utf-8")
    assert text["data"]["names"] == ["A", "B"] and text["data"]["timezone"] == "Europe/Vienna"
    assert forecaster.model.season is None or "calendar" in text["inputs"]
    frame[-12:].tz_convert("UTC").to_csv(tmp_path / "newest.csv")
    exec(code, found := {})
    inputs = {"x": frame.to_numpy("float32")[None, -12:, :, None]}
    clock = {"past_calendar": times[-12:], "calendar": times[-1] + pd.to_timedelta([1, 2, 3], "h")}
    for name, steps in clock.items():
        inputs[name] = stgkeras.datasets.calendar(steps.tz_localize(None))[None].astype("float32")
    inputs = {name: inputs[name] for name in text["inputs"]}
    x = inputs if isinstance(forecaster.model.input, dict) else inputs["x"]
    expected = forecaster.model.predict(x, verbose=0)
    np.testing.assert_allclose(found["forecast"], expected, rtol=1e-5)
