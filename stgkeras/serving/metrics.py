"""The counts and times of a service in the text format of Prometheus."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

from stgkeras.serving.guard import BOUNDS, Guard
from stgkeras.serving.service import Service, ages


def metrics(service: Service, guard: Guard) -> str:
    """Returns the text of `GET /metrics`."""
    return "\n".join([*_lines(service, guard), ""])


def _lines(service: Service, guard: Guard) -> Iterator[str]:
    counts, observed = service.counts, service.opened.observed
    form, every = observed.form, ages(observed)
    known = [age for age in every if age is not None]
    interval = 60 * form.interval if form.dated else 1  # ages are numbers of steps without times
    newest = min(known, default=float("nan")) if form.dated else float("nan")
    yield from _one("steps_total", "counter", "Steps received by POST.", counts.steps)
    yield from _one("late_steps_total", "counter", "Steps too old for a forecast.", counts.late)
    yield from _one("forecasts_total", "counter", "Forecasts computed.", counts.forecasts)
    text = "Time of computing forecasts."
    yield from _one("forecast_seconds_total", "counter", text, counts.forecast_seconds)
    yield from _one("reloads_total", "counter", "Forecasters opened again.", counts.reloads)
    text = "Forecasters that could not be opened."
    yield from _one("failed_reloads_total", "counter", text, counts.failed_reloads)
    yield from _one("start_time_seconds", "gauge", "Unix time of the start.", counts.started)
    text = "Time since the newest reading of any sensor."
    yield from _one("newest_reading_age_seconds", "gauge", text, newest)
    text = "Sensors without a reading in the last two steps."
    silent = len(every) - sum(age <= 2 * interval for age in known)
    yield from _one("silent_sensors", "gauge", text, silent)
    yield from _one("memory_bytes", "gauge", "Resident memory of the process.", _memory())
    yield from _head("requests_total", "counter", "Requests.")
    for (method, path, status), count in sorted(guard.requests.items()):
        labels = f'method="{method}",path="{path}",status="{status}"'
        yield f"stgkeras_requests_total{{{labels}}} {count}"
    yield from _head("request_seconds", "histogram", "Time of requests.")
    for (method, path), (*below, total) in sorted(guard.seconds.items()):
        labels = f'method="{method}",path="{path}"'
        for bound, number in zip((*BOUNDS, "+Inf"), below, strict=True):
            yield f'stgkeras_request_seconds_bucket{{{labels},le="{bound}"}} {number:g}'
        yield f"stgkeras_request_seconds_sum{{{labels}}} {total:.6f}"
        yield f"stgkeras_request_seconds_count{{{labels}}} {below[-1]:g}"


def _one(name: str, kind: str, text: str, value: Any) -> Iterator[str]:
    yield from _head(name, kind, text)
    yield f"stgkeras_{name} {value}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP stgkeras_{name} {text}"
    yield f"# TYPE stgkeras_{name} {kind}"


def _memory() -> float:
    """Returns the bytes of the process in memory; NaN where there is no /proc."""
    status = pathlib.Path("/proc/self/statm")
    if not status.exists():
        return float("nan")
    import resource

    return int(status.read_text().split()[1]) * resource.getpagesize()
