"""What the page shows of the sensors: their map, their newest readings and how old these are."""

from __future__ import annotations

from typing import Any

import numpy as np

from stgkeras.datasets.series.clocks import in_zone
from stgkeras.datasets.series.coordinates import kilometres
from stgkeras.serving.answers import plain
from stgkeras.serving.service import Service, ages

MOST = 48  # steps of readings


def sensors_of(service: Service) -> dict[str, Any]:
    """Returns the answer of `GET /sensors`.

    Its keys are "sensors", a dict for each sensor with its name, the time of its last reading and
    its age in seconds (in steps without times); "window", the number of steps that are read;
    "positions", km east and south of the centre, or None; "edges", pairs of numbers of sensors;
    "times" or "steps", the newest steps; and "readings", of these steps, a list for each sensor, by
    target.
    """
    opened = service.opened  # once: another thread exchanges it
    observed, places = opened.observed, opened.places
    form, found = observed.form, zip(observed.last_seen(), ages(observed), strict=True)
    sensors = [
        {
            "sensor": name,
            "last": None if last is None else observed.text(last),
            "age": None if age is None else round(age, 1),
        }
        for name, (last, age) in zip(form.names, found, strict=True)
    ]
    try:
        series, _ = observed.series()
    except ValueError:  # nothing was observed
        values, stamps = np.zeros((0, len(form.names), len(form.targets))), None
    else:
        values, stamps = form.targets_of(series.values)[-MOST:], series.timestamps
    times: list[Any] = list(range(1 - len(values), 1))
    if stamps is not None:
        times = [time.isoformat() for time in in_zone(stamps[-MOST:], form.timezone)]
    return {
        "sensors": sensors,
        "interval_minutes": form.interval,
        "timezone": form.timezone,
        "window": form.input_length,
        "positions": None if places is None else plain(kilometres(places) * [1, -1]),
        "edges": opened.edges.tolist(),
        "times" if form.dated else "steps": times,
        "readings": {target: plain(values[..., c].T) for c, target in enumerate(form.target_names)},
    }
