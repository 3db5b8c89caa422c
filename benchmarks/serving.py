"""Measures `stgkeras serve`: the time of requests, memory, the cold start, and kills.

    python benchmarks/serving.py
    python benchmarks/serving.py --soak

The preset graph_stid_pems08 forecasts 12 steps of 5 minutes of 170 sensors, from the last 12 and
those a day and a week before. The readings are generated. The first run opens the preset, and
writes it and its ONNX file to --folder. The service has one core, and the client another. The
columns are:

- cold start: seconds from the start of the process to its first forecast of stored readings;
- step and forecast: milliseconds of a `POST` of one new step and the `GET` of its forecast;
- forecast alone: milliseconds of a `GET`, at --rate requests a second, from the moment at which
  each request was due; and the number of requests that failed;
- memory: change of the resident memory from a tenth of --forecasts to the end.

`--soak` sends --steps steps at full speed, and kills the service --kills times by SIGKILL.
"""

import datetime
import http.client
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

import command
import numpy as np
import records

OPTIONS = {
    "runtimes": command.several(["onnx", *command.BACKENDS]),
    "folder": records.ROOT / "runs" / "serving" / "city",
    "rounds": (1000, "steps and forecasts that count"),
    "rate": 200,
    "seconds": 60,
    "forecasts": (20_000, "forecasts between which memory is compared"),
    "soak": (False, "the soak alone"),
    "steps": 20_000,
    "kills": 100,
}
PRESET, SENSORS, WEEK = "graph_stid_pems08", 170, 7 * 288  # steps
CORES = sorted(os.sched_getaffinity(0))
START = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
NAMES = {"onnx": "ONNX Runtime"}


def in_child(folder):
    """Writes the preset and its ONNX file."""
    import stgkeras

    forecaster = stgkeras.Forecaster.load(PRESET)
    forecaster.save(folder)
    forecaster.export(pathlib.Path(folder) / "model.onnx")
    yield {}


def readings(sensors):
    """Returns the readings (288, sensors) of a day."""
    hours = np.arange(288)[:, None] / 12
    noise = np.random.default_rng(0).normal(0, 20, (288, sensors))
    return (250 - 150 * np.cos(hours * np.pi / 12) + noise).round(1)


class Service:
    """A process of `stgkeras serve` on the second core; the client is on the first."""

    def __init__(self, folder, runtime):
        backend = "torch" if runtime == "onnx" else runtime
        words = [sys.executable, "-m", "stgkeras", "serve", str(folder), "--port", "0"]
        words += ["--runtime", "onnx" if runtime == "onnx" else "keras"]
        self.start = time.perf_counter()
        self.process = subprocess.Popen(
            words,
            env=command.environment(backend, 1),
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, CORES[1:2]),
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the service ended with {self.process.wait()}")
        self.port = int(line.rsplit(":", 1)[1].split(".")[0])
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def ask(self, verb, path, body=None):
        head = {"Content-Type": "application/json"}
        self.connection.request(verb, path, None if body is None else json.dumps(body), head)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def post(self, number, values):
        return self.ask("POST", "/readings", {"time": stamp(number), "values": values})

    def memory(self):
        """Returns the resident memory in MB."""
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def stamp(number):
    """Returns the local time of a step of PEMS08, which has no time zone."""
    return (START + datetime.timedelta(minutes=5 * number)).replace(tzinfo=None).isoformat()


def fresh(folder):
    """Removes the readings of earlier runs."""
    for path in folder.parent.glob(f"{folder.name}.sqlite*"):
        path.unlink()


def measured(args, runtime):
    """Returns the figures of a runtime."""
    fresh(args.folder)
    day = readings(SENSORS).tolist()
    service, found = Service(args.folder, runtime), {}
    for number in range(WEEK):
        service.post(number, day[number % 288])
    service.ask("GET", "/forecast")
    service.close()
    service = Service(args.folder, runtime)
    status, _ = service.ask("GET", "/forecast")
    found["cold"] = time.perf_counter() - service.start
    expect(status == 200, status)
    number, pairs = WEEK, []
    for _ in range(50 + args.rounds):
        start = time.perf_counter()
        statuses = service.post(number, day[number % 288])[0], service.ask("GET", "/forecast")
        pairs.append(1000 * (time.perf_counter() - start))
        expect(statuses[0] == statuses[1][0] == 200, statuses)
        number += 1
    found["pair"] = quantiles(pairs[50:])
    found["get"], found["failed"] = paced(service, args.rate, args.seconds)
    sizes = []
    for count in range(args.forecasts):
        service.post(number, day[number % 288])
        service.ask("GET", "/forecast?sensor=0" if count % 2 else "/forecast")
        number += 1
        if count + 1 in (args.forecasts // 10, args.forecasts):
            sizes.append(service.memory())
    if len(sizes) == 2:
        found["memory"], found["growth"] = sizes[1], sizes[1] / sizes[0] - 1
    service.close()
    return found


def paced(service, rate, seconds):
    """Returns the quantiles of the times of requests that are due at equal distances."""
    times, failed, start = [], 0, time.perf_counter()
    for number in range(rate * seconds):
        due = start + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        status, _ = service.ask("GET", "/forecast")
        times.append(1000 * (time.perf_counter() - due))
        failed += status != 200
    return quantiles(times), failed


def quantiles(times):
    return {"median": float(np.median(times)), "p99": float(np.quantile(times, 0.99))}


def expect(holds, what):
    if not holds:
        raise RuntimeError(f"unexpected: {what}")


def soaked(args):
    """Returns what became of the steps that were sent while the service was killed."""
    fresh(args.folder)
    rng, number, acknowledged, unsure, sent = random.Random(0), 0, {}, set(), 0
    kills = sorted(rng.sample(range(args.steps), args.kills))
    while sent < args.steps:
        service = Service(args.folder, "onnx")
        goal, killed = (kills or [args.steps])[0], False
        try:
            while sent < args.steps:
                if sent >= goal and not killed:  # at a random moment of the next requests
                    killed = True
                    kills.pop(0)
                    threading.Timer(0.02 * rng.random(), service.process.kill).start()
                values = [float(number % 997 + n) for n in range(SENSORS)]
                sent += 1
                number += 1
                status, _ = service.post(number, values)
                expect(status == 200, status)
                acknowledged[number] = values
        except (OSError, http.client.HTTPException):
            unsure.add(number)
        service.close()
    with sqlite3.connect(args.folder.with_name(f"{args.folder.name}.sqlite")) as file:
        rows = file.execute("SELECT time, readings FROM steps").fetchall()
    base = START.timestamp()
    stored = [round((moment / 1e6 - base) / 300) for moment, _ in rows]
    blobs = dict(zip(stored, (blob for _, blob in rows), strict=True))
    equal = sum(
        np.frombuffer(blobs.get(one, b""), "<f4").tolist() == values
        for one, values in acknowledged.items()
    )
    return {
        "sent": sent,
        "kills": args.kills - len(kills),
        "acknowledged": len(acknowledged),
        "equal": equal,
        "doubled": len(stored) - len(set(stored)),
        "unexpected": len(set(stored) - set(acknowledged) - unsure),
    }


def table(result):
    if "soak" in result:
        found = result["soak"]
        return records.markdown([list(found), [f"{number:,}" for number in found.values()]])
    head = ["", "cold start, s", "step and forecast, ms", "p99", "forecast alone, ms", "p99"]
    rows = [[*head, "failed", "memory, MB", "change"]]
    for runtime, found in result["figures"].items():
        parts = [f"{found['cold']:.1f}"]
        parts += [f"{found[kind][q]:.1f}" for kind in ("pair", "get") for q in ("median", "p99")]
        parts += [str(found["failed"])]
        parts += [f"{found['memory']:.0f}", f"{found['growth']:+.1%}"] if "memory" in found else []
        rows.append([NAMES.get(runtime, runtime), *parts, *[""] * (len(rows[0]) - len(parts) - 1)])
    return records.markdown(rows)


def main(args):
    if not (args.folder / "model.onnx").exists():
        shutil.rmtree(args.folder, ignore_errors=True)
        command.ask(__file__, "tensorflow", 1, folder=str(args.folder))
    os.sched_setaffinity(0, CORES[:1])
    if args.soak:
        return {"soak": soaked(args)}
    result = {"figures": {}, "versions": {}}
    for runtime in args.runtimes:
        result["figures"][runtime] = measured(args, runtime)
        records.save(args, result)
    return result


if __name__ == "__main__":
    command.run(__name__)
