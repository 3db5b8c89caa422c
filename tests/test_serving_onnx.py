"""Services of ONNX files: without Keras and its backends, and killed at any moment."""

import hashlib
import http.client
import json
import random
import shutil
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ON_FASTEST, child_environment

for package in ("fastapi", "uvicorn", "onnx", "onnxruntime"):
    pytest.importorskip(package, reason=f"{package} is not installed")

from service_runs import NAMES, START, Client, Process, saved, speeds, time_of  # noqa: E402

import stgkeras  # noqa: E402
from stgkeras.cli.partial import check_finished  # noqa: E402
from stgkeras.forecasting import folder as files  # noqa: E402
from stgkeras.serving.app import create_app  # noqa: E402
from stgkeras.serving.guard import Guard  # noqa: E402
from stgkeras.serving.metrics import metrics  # noqa: E402
from stgkeras.serving.sensors import sensors_of  # noqa: E402
from stgkeras.serving.service import Counts, Service  # noqa: E402
from stgkeras.serving.store import Store  # noqa: E402

pytestmark = pytest.mark.skipif(not ON_FASTEST, reason="ONNX is the same on each backend")
N, L, H = len(NAMES), 12, 3


def write_onnx(path, nodes=N, horizon=H, shift=0.0):
    """Writes a model that forecasts the last step plus `shift`."""
    from onnx import TensorProto, helper, numpy_helper, save

    floats = TensorProto.FLOAT
    x = helper.make_tensor_value_info("x", floats, ["batch", L, nodes, 1])
    calendar = helper.make_tensor_value_info("calendar", floats, ["batch", horizon, 2])
    y = helper.make_tensor_value_info("forecast", floats, ["batch", horizon, nodes, 1])
    numbers = {"begin": [-1], "end": [L], "axis": [1], "times": [1, horizon, 1, 1]}
    given = [numpy_helper.from_array(np.array(n), name) for name, n in numbers.items()]
    given.append(numpy_helper.from_array(np.float32(shift), "shift"))
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["x", "begin", "end", "axis"], ["last"]),
            helper.make_node("Add", ["last", "shift"], ["moved"]),
            helper.make_node("Tile", ["moved", "times"], ["forecast"]),
        ],
        "last",
        [x, calendar],
        [y],
        given,
    )
    opset = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A forecaster whose forecast is that of its model, with an ONNX file beside it."""
    folder = tmp_path_factory.mktemp("onnx")
    forecaster = saved(folder / "first")
    forecaster.weights[:] = 0.0
    forecaster.weights["model"] = 1.0
    forecaster.save(folder / "city")
    write_onnx(folder / "city" / "model.onnx", shift=1.0)
    return folder / "city"


@pytest.fixture
def own_city(city, tmp_path):
    shutil.copytree(city, tmp_path / "city")
    return tmp_path / "city"


CODE = """
import sys
sys.modules.update(keras=None, tensorflow=None, jax=None, torch=None, scipy=None)
import asyncio
from stgkeras.serving.sensors import sensors_of  # noqa: E402
from stgkeras.serving.service import Service

async def main():
    service = Service(sys.argv[1], onnx=True)
    await service.take([("2024-05-11T00:00", [1, 2, 3, None]), ("2024-05-11T01:00", [4, 5, 6, 7])])
    print((await service.newest()).forecast.values[..., 0].tolist(), service.opened.edges.shape[1])
    service.close()

asyncio.run(main())
"""


def test_neither_keras_nor_a_backend_is_imported(own_city):
    command = [sys.executable, "-c", CODE, str(own_city)]
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True)
    assert done.stdout == f"{[[5.0, 6.0, 7.0, 8.0]] * 3} 2\n", done.stderr


def test_the_forecast_is_that_of_keras_with_the_same_model(own_city):
    onnx, keras = files.load(own_city, onnx=True), files.load(own_city)
    for fitted in (onnx, keras):
        fitted.weights[:] = 0.0
        fitted.weights["ridge"] = 1.0
    newest = speeds(12)[-12:]
    found, expected = onnx.forecast(newest), keras.forecast(newest)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-6)
    assert list(found.times) == list(expected.times)
    np.testing.assert_array_equal(onnx.places, keras.places)


def test_files_that_do_not_fit_are_refused(own_city, tmp_path):
    path = own_city / "model.onnx"
    for write, message in (
        (lambda: write_onnx(path, nodes=3), "'x' has the shape .*, instead of .*12, 4, 1"),
        (lambda: write_onnx(path, horizon=2), "'forecast' has the shape"),
        (lambda: path.write_bytes(b"no model"), "ONNX Runtime cannot read it"),
        (path.unlink, "without model.onnx. Write the file with `forecaster.export"),
    ):
        write()
        with pytest.raises(ValueError, match=message):
            files.load(own_city, onnx=True)
    assert stgkeras.Forecaster.load(own_city).form.names == tuple(NAMES)


def test_a_folder_without_a_name_of_its_own(own_city, monkeypatch):
    (own_city / "more").mkdir()
    for place, name in ((own_city, "."), (own_city / "more", "..")):
        monkeypatch.chdir(place)
        check_finished(name, name)
        service = Service(name, onnx=True)
        assert create_app(service).app.title == "Forecasts of city"
        service.close()
    assert {one.name for one in own_city.parent.iterdir()} == {"city", "city.sqlite"}
    check_finished("/", "/")


def test_sensors_without_times_are_silent_after_two_steps():
    form = SimpleNamespace(interval=60.0, dated=False)
    observed = SimpleNamespace(form=form, last_seen=lambda: [9, 7, 6, None], seconds=float)
    service = SimpleNamespace(counts=Counts(), opened=SimpleNamespace(observed=observed))
    text = metrics(service, Guard(None, "", 0))
    assert "\nstgkeras_silent_sensors 2\n" in text
    assert "\nstgkeras_newest_reading_age_seconds nan\n" in text  # there is no clock


def test_an_answer_is_of_one_forecaster_while_another_one_is_opened(own_city):
    service = Service(own_city, onnx=True)
    opened = service.opened
    service.close()

    class Exchanged:
        counts = service.counts

        @property
        def opened(self):
            return each.pop()  # a second look would find another forecaster

    for answer in (lambda found: metrics(found, Guard(None, "", 0)), sensors_of):
        each = [opened]
        assert answer(Exchanged())


def test_the_file_of_another_training_and_a_damaged_one_are_refused(own_city):
    path, about = own_city / "model.onnx", own_city / "model.json"
    data = json.loads((own_city / "forecaster.json").read_text("utf-8"))["data"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    about.write_text(json.dumps({"data": data, "sha256": digest}))
    files.load(own_city, onnx=True)
    seen = ["2024-05-11T10:00:00"] * N
    for text, message in (
        (json.dumps({"data": data, "sha256": "0"}), "model.onnx cannot be used: it is damaged"),
        (json.dumps({"data": {**data, "last_seen": seen}}), "is of another training; export it"),
        ("{", "the model.json beside it is damaged"),
        ("[]", "the model.json beside it is damaged"),
    ):
        about.write_text(text)
        with pytest.raises(ValueError, match=message):
            files.load(own_city, onnx=True)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_nothing_acknowledged_is_lost_or_doubled_when_the_service_is_killed(own_city):
    rng, acknowledged, hour = random.Random(0), {}, 240
    for _ in range(3):
        service = Process(own_city, "--runtime", "onnx")
        client = Client(service.port)
        killer = threading.Timer(0.2 + rng.random(), service.process.kill)
        killer.start()
        try:
            while True:
                value = float(rng.randrange(1000))
                step = {"time": time_of(hour), "values": [value] * N}
                if client.post(step) == (200, {"stored": 1, "late": 0}):
                    acknowledged[hour] = value
                    hour += 1
        except (OSError, http.client.HTTPException):
            hour += 1  # the step of the last request may be stored or not
        killer.join()
        service.kill()
    store = Store(own_city.with_name("city.sqlite"), [(name, "value") for name in NAMES])
    rows = store.newest(10**6)
    store.close()
    found = {round((when / 1e6 - START.timestamp()) / 3600): row for when, row in rows}
    assert len(found) == len(rows) and len(acknowledged) > 20
    assert set(acknowledged) <= set(found) and len(found) <= len(acknowledged) + 3
    for one, value in acknowledged.items():
        np.testing.assert_array_equal(found[one], [value] * N)
    service = Process(own_city, "--runtime", "onnx")  # its forecast is that of the newest step
    last = Client(service.port).get("/forecast")[1]["sensors"][0]["values"]["value"]
    service.kill()
    assert last == [found[max(found)][0] + 1] * H
