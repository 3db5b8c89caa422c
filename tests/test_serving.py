"""The service over HTTP: readings in, forecasts out, what it refuses, and what survives."""

import contextlib
import io
import json
import shutil
import socket
import sqlite3
import threading

import numpy as np
import pandas as pd
import pytest
from conftest import ON_FASTEST

pytest.importorskip("fastapi", reason="FastAPI is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from service_runs import NAMES, Client, running, saved, speeds, time_of, until  # noqa: E402

import stgkeras  # noqa: E402
from stgkeras.cli import main  # noqa: E402
from stgkeras.cli.serve import bound  # noqa: E402
from stgkeras.serving.store import Store  # noqa: E402

pytestmark = pytest.mark.skipif(not ON_FASTEST, reason="the service is the same on each backend")
FIRST = 240  # the first hour after training


@pytest.fixture(scope="module")
def saved_city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "city"
    return folder, saved(folder, quantiles=(0.05, 0.5, 0.95))


@pytest.fixture
def city(saved_city, tmp_path):
    shutil.copytree(saved_city[0], tmp_path / "city")
    return tmp_path / "city"


@pytest.fixture
def served(city):
    with running(city) as (service, port):
        yield service, Client(port), port


def steps(hours, values=None):
    every = speeds(12)
    return [
        {"time": time_of(hour), "values": every.iloc[hour].to_dict() if values is None else values}
        for hour in hours
    ]


def test_the_forecast_is_that_of_the_readings(served, saved_city):
    _, client, _ = served
    assert client.get("/forecast")[0] == 503
    assert client.post(steps(range(FIRST, FIRST + 11))) == (200, {"stored": 11, "late": 0})
    assert client.post(steps([FIRST + 11])[0]) == (200, {"stored": 1, "late": 0})
    expected = saved_city[1].forecast(speeds(12)[FIRST : FIRST + 12])
    status, found = client.get("/forecast")
    assert status == 200 and found["times"] == [time.isoformat() for time in expected.times]
    assert [one["sensor"] for one in found["sensors"]] == NAMES
    assert found["units"] == {"value": "km/h"} and found["levels"] == [0.05, 0.5, 0.95]
    values = np.array([one["values"]["value"] for one in found["sensors"]]).T
    np.testing.assert_allclose(values, expected.values[..., 0], rtol=1e-6)
    upper = np.array([one["quantiles"]["value"]["q95"] for one in found["sensors"]]).T
    np.testing.assert_allclose(upper, expected.quantiles[..., 0, 2], rtol=1e-6)
    status, some = client.get("/forecast?sensor=007&sensor=A1")
    assert some["sensors"] == [found["sensors"][3], found["sensors"][0]]
    table = pd.read_csv(io.StringIO(client.get("/forecast?format=csv&sensor=B1")[1]), dtype=str)
    whole = expected.to_frame()
    assert list(table) == list(whole) and list(table["sensor"]) == ["B1"] * 3
    assert table["time"][0] == expected.times[0].isoformat(sep=" ")
    assert client.get("/forecast?sensor=X") == (404, {"detail": "`sensor` is unknown: X"})
    assert client.get("/forecast?format=xml")[0] == 422


def test_late_double_and_disordered_steps_give_the_same_forecast(served):
    _, client, _ = served
    hours = range(FIRST, FIRST + 12)
    client.post(steps(hours))
    expected = client.get("/forecast")[1]
    again = steps([*hours[::-1], *hours[4:6]])
    assert client.post(again)[1] == {"stored": 14, "late": 0}
    assert client.post(steps([FIRST - 1, FIRST - 40]))[1] == {"stored": 2, "late": 2}
    client.post(steps([FIRST + 11], {"A1": None, "B1": float("nan")}))  # NaN in the JSON
    assert client.get("/forecast")[1] == expected
    client.post(steps([FIRST + 11], {"A1": 20}))  # a corrected reading
    assert client.get("/forecast")[1] != expected


GOOD = json.dumps({"time": time_of(FIRST), "values": {"A1": 1}}).encode()
BAD = {
    "no JSON": (b"{", "JSON"),
    "deep": (b"[" * 4000, "parsing"),
    "no values": (b'{"time": "2024-05-11T00:00"}', "values"),
    "text": (b'{"time": "2024-05-11T00:00", "values": {"A1": "50"}}', "values.A1.float: Input"),
    "unknown": (b'{"time": "2024-05-11T00:00", "values": {"A1": NaN, "X": 5}}', "does not know"),
    "infinite": (b'{"time": "2024-05-11T00:00", "values": {"A1": Infinity}}', "finite"),
    "too few": (b'{"time": "2024-05-11T00:00", "values": [1, 2]}', "each of 4 sensors"),
    "between": (b'{"time": "2024-05-11T00:20", "values": {"A1": 5}}', "steps of 60 minutes"),
    "future": (b'{"time": "2194-05-11T00:00", "values": {"A1": 5}}', "in the future"),
    "past": (b'{"time": "0001-01-01T00:00+14:00", "values": {"A1": 5}}', "the years 1700"),
    "no time": (b'{"time": 5, "values": {"A1": 5}}', "must be a time"),
    "more": (b'{"time": "2024-05-11T00:00", "values": {}, "more": 1}', "more"),
}


def test_bad_requests_are_refused_and_store_nothing(city):
    with running(city, most=4096) as (service, port):
        client = Client(port)
        for name, (body, message) in BAD.items():
            if body.endswith(b"}"):  # one bad step refuses all
                body = b"[" + GOOD + b"," + body + b"]"
            status, found = client.ask("POST", "/readings", body)
            assert status in (400, 422) and message in found["detail"], (name, found)
        status, found = Client(port).ask("POST", "/readings", b" " * 5000)
        assert status == 413 and "at most 4096 bytes" in found["detail"]
        status, found = client.ask("POST", "/readings", GOOD, **{"Content-Type": "text/plain"})
        assert status == 422 and "`Content-Type` must be application/json" in found["detail"]
        assert service.store.size() == 0
        assert client.get("/health")[0] == 200


def test_a_body_without_its_length_is_limited_too(city):
    with running(city, most=4096) as (_, port):
        connection = Client(port).connection
        chunks = (b" " * 1000 for _ in range(10))
        connection.request("POST", "/readings", chunks, encode_chunked=True)
        assert connection.getresponse().status == 413


def test_the_token_is_needed_for_both_verbs(city):
    with running(city, token="sesame") as (_, port):
        client = Client(port)
        assert client.post(steps([FIRST]))[0] == client.get("/forecast")[0] == 401
        for given, status in (("Bearer other", 401), ("sesame", 401), ("bearer sesame", 200)):
            assert client.get("/sensors", Authorization=given)[0] == status
        assert client.get("/health")[0] == client.get("/")[0] == 200
        allowed = Client(port, Authorization="Bearer sesame")
        assert allowed.post(steps([FIRST]))[0] == allowed.get("/forecast")[0] == 200


def test_the_readings_survive_a_restart(city):
    with running(city) as (_, port):
        client = Client(port)
        client.post(steps(range(FIRST - 20, FIRST + 12)))
        client.post(steps([FIRST - 30], {"A1": 5}))
        expected = client.get("/forecast")[1]
    with running(city) as (service, port):
        assert Client(port).get("/forecast")[1] == expected
        assert service.store.size() == 33
    with sqlite3.connect(city.with_name("city.sqlite")) as file:
        sensors = [row[0] for row in file.execute("SELECT sensor FROM columns ORDER BY number")]
        (blob,) = file.execute("SELECT readings FROM steps ORDER BY time DESC").fetchone()
    file.close()
    assert sensors == NAMES
    newest = speeds(12).iloc[FIRST + 11].to_numpy("float32")
    np.testing.assert_array_equal(np.frombuffer(blob, "<f4"), newest)


def test_a_new_forecaster_is_opened_without_losing_a_request(served, city, tmp_path):
    service, client, port = served
    client.post(steps(range(FIRST, FIRST + 12)))
    before, statuses, done = client.get("/forecast")[1], [], threading.Event()

    def ask():
        other, hour = Client(port), FIRST + 12
        while not done.is_set():
            statuses.append(other.get("/forecast")[0])
            statuses.append(other.post(steps([hour % 24 + FIRST], {"A2": 50}))[0])
            hour += 1

    thread = threading.Thread(target=ask)
    thread.start()
    new = saved(tmp_path / "new", seed=1)
    city.rename(tmp_path / "old")
    (tmp_path / "new").rename(city)
    until(lambda: service.counts.reloads)
    done.set()
    thread.join()
    assert set(statuses) == {200} and len(statuses) > 10
    client.post(steps(range(FIRST + 12, FIRST + 24)))
    found = client.get("/forecast")[1]
    assert found["levels"] == [] and before["levels"]
    expected = new.forecast(speeds(12)[FIRST + 12 : FIRST + 24]).values[..., 0]
    values = np.array([one["values"]["value"] for one in found["sensors"]]).T
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    (city / "forecaster.json").write_text("{}")  # damaged: the service goes on
    until(lambda: service.counts.failed_reloads)
    assert client.get("/forecast")[1] == found


def test_the_schema_the_metrics_and_the_sensors(served):
    _, client, _ = served
    client.post(steps(range(FIRST, FIRST + 3), {"A1": 50}))
    schema = client.get("/openapi.json")[1]
    assert {"/readings", "/forecast", "/sensors", "/health", "/metrics"} == set(schema["paths"])
    client.get("/nothing")
    for verb in ("BREW", "WHEN"):
        client.ask(verb, "/nothing")
    text = client.get("/metrics")[1]
    assert 'requests_total{method="other",path="other",status="404"} 2\n' in text
    assert "stgkeras_steps_total 3\n" in text and "stgkeras_silent_sensors 4\n" in text
    assert 'stgkeras_requests_total{method="GET",path="other",status="404"} 1\n' in text
    assert 'stgkeras_request_seconds_count{method="POST",path="/readings"} 1\n' in text
    found = client.get("/sensors")[1]
    assert [one["sensor"] for one in found["sensors"]] == NAMES
    assert found["sensors"][0]["last"] == time_of(FIRST + 2) and found["sensors"][0]["age"] > 0
    assert np.shape(found["positions"]) == (4, 2) and len(found["edges"]) >= 3
    assert found["readings"]["value"][0][-3:] == [50, 50, 50]
    assert found["readings"]["value"][1] == [None] * 12


def test_a_store_takes_other_sensors_and_keeps_what_it_has(tmp_path):
    store = Store(tmp_path / "a.sqlite", [("A", "speed"), ("B", "speed")])
    store.add([(5, np.array([1.0, 2.0])), (5, np.array([np.nan, 3.0])), (4, np.array([7.0, 8.0]))])
    store.take_columns([("C", "speed"), ("A", "speed")])
    store.add([(5, np.array([9.0, np.nan]))])
    found = store.newest(5)
    assert [time for time, _ in found] == [4, 5]
    np.testing.assert_array_equal([row for _, row in found], [[np.nan, 7], [9, 1]])
    with pytest.raises(TypeError):  # which leaves nothing
        store.add([(6, np.array([1.0, 1.0])), ("x", None)])
    assert store.size() == 2
    store.close()


def test_files_that_are_no_store_and_files_that_are_locked(tmp_path):
    path, columns = tmp_path / "a.sqlite", [("A", "speed")]
    path.write_text("no database" * 100)
    with pytest.raises(ValueError, match="`stgkeras serve` wrote.*not a database. Move the file"):
        Store(path, columns)
    for wrong in ("a TEXT", "time INTEGER, readings BLOB"):  # of another program, and damaged
        path.unlink()
        with contextlib.closing(sqlite3.connect(path)) as file, file:
            file.execute(f"CREATE TABLE steps ({wrong})")
            file.execute(f"INSERT INTO steps VALUES ({'0' if ',' not in wrong else '0, 123'})")
        with pytest.raises(ValueError, match="`stgkeras serve` wrote.*Move the file away"):
            Store(path, columns)
    path.unlink()
    store = Store(path, columns)
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("BEGIN EXCLUSIVE")
        with pytest.raises(ValueError, match="can be written.*locked.*end other programs"):
            Store(path, columns)
    store.close()
    for place in (tmp_path, tmp_path / "nowhere" / "a.sqlite"):
        with pytest.raises(ValueError, match="can be written.*unable to open"):
            Store(place, columns)


def test_readings_that_cannot_be_stored_are_not_acknowledged(served, city):
    service, client, _ = served
    with contextlib.closing(sqlite3.connect(city.with_name("city.sqlite"))) as file:
        file.execute(
            "CREATE TRIGGER full BEFORE INSERT ON steps BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        status, found = client.post(steps([FIRST]))
        assert status == 503 and "stored: full. Send them again." in found["detail"]
        file.execute("DROP TRIGGER full")
    assert client.get("/forecast")[0] == 503 and service.store.size() == 0
    assert client.post(steps([FIRST]))[0] == 200


def test_a_preset_is_served(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    form = stgkeras.Forecaster.load("graph_stid_los_loop").form
    with running("graph_stid_los_loop") as (_, port):
        client = Client(port)
        for minute in range(0, 60, 5):
            step = {"time": f"2012-03-08T00:{minute:02}", "values": [60.0] * len(form.names)}
            assert client.post(step)[0] == 200
        status, found = client.get("/forecast")
        assert status == 200 and len(found["sensors"]) == len(form.names)
        assert len(client.get("/sensors")[1]["edges"]) > 100


def test_small_answers_are_sent_at_once():
    with bound("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP  # asyncio then sets TCP_NODELAY


def test_errors_name_the_fix(city, capsys):
    def error(*options):
        assert main(["serve", *map(str, options)]) == 2
        return capsys.readouterr().err

    with bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert "--port and --host must be a free address" in error(city, "--port", port)
    assert "--port and --host must be" in error(city, "--port", 70000)
    assert "without model.keras" in error(city.parent / "nowhere", "--port", 0)
    text = error(city, "--port", 0, "--runtime", "onnx")
    assert "without model.onnx" in text and "forecaster.export" in text
    city.with_name("city.sqlite").write_text("no database" * 100)
    assert "Move the file away" in error(city, "--port", 0)
