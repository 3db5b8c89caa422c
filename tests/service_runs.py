"""Services for tests: a forecaster to serve, requests, and a process of `stgkeras serve`."""

import contextlib
import http.client
import json
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
from conftest import child_environment

NAMES = ["A1", "A2", "B1", "007"]
START = pd.Timestamp("2024-05-01", tz="Europe/Vienna")
PLACES = {"latitude": [48.2, 48.21, 48.19, 48.2], "longitude": [16.35, 16.37, 16.36, 16.39]}


def time_of(hour):
    return (START + pd.Timedelta(hours=hour)).isoformat()


def speeds(days=10):
    times = pd.date_range(START, periods=24 * days, freq="h")
    wave = 60 + 20 * np.sin(times.hour.to_numpy() * np.pi / 12)[:, None]
    noise = np.random.default_rng(0).normal(0, 4, (len(times), len(NAMES)))
    return pd.DataFrame((wave + noise).round(1), times, columns=NAMES)


def saved(folder, seed=0, **options):
    """Fits and saves a small forecaster. Its first step after training is hour 240."""
    import stgkeras

    sensors = pd.DataFrame({"sensor": NAMES, **PLACES})
    series = stgkeras.datasets.from_pandas(speeds(), sensors, units="km/h")
    options = {"units": 4, "num_blocks": 1, "adaptive_units": 2, **options}
    forecaster = stgkeras.Forecaster("GraphSTID", horizon=3, **options)
    forecaster.fit(series, epochs=1, seed=seed, verbose=0)
    forecaster.save(folder)
    return forecaster


class Client:
    """Requests to a service on this computer, over one connection."""

    def __init__(self, port, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = headers

    def ask(self, verb, path, body=None, **headers):
        """Returns the status and the body of an answer; JSON as Python objects."""
        body = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **self.headers, **headers}
        self.connection.request(verb, path, body, given)
        answer = self.connection.getresponse()
        text, kind = answer.read(), answer.headers["content-type"]
        return answer.status, json.loads(text) if kind == "application/json" else text.decode()

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def post(self, steps, **headers):
        return self.ask("POST", "/readings", steps, **headers)


@contextlib.contextmanager
def running(folder, onnx=False, **options):
    """Serves a folder in a thread, and yields the service and its port."""
    import uvicorn

    from stgkeras.cli.serve import bound
    from stgkeras.serving.app import create_app
    from stgkeras.serving.service import Service

    service = Service(folder, onnx)
    listening = bound("127.0.0.1", 0)
    config = uvicorn.Config(create_app(service, **options), log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield service, listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


class Process:
    """A process of `stgkeras serve` that can be killed, and its port."""

    def __init__(self, folder, *options):
        words = [sys.executable, "-m", "stgkeras", "serve", str(folder), "--port", "0", *options]
        self.process = subprocess.Popen(
            words, env=child_environment(), stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()
        assert line.startswith("Serving "), line
        self.port = int(line.split(":")[-1].split(".")[0])

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def until(condition, seconds=60):
    """Waits until a condition is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.05)
