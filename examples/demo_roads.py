"""Synthetic traffic speeds on two roads that meet, for examples without a download."""

import dataclasses
import pathlib

import numpy as np
import pandas as pd

from stgkeras import datasets

DAY = 96  # steps of 15 minutes
# Each sensor, the next sensor downstream, and the distance in km.
ROADS = [
    *(("A1", "A2", 1.2), ("A2", "A3", 0.8), ("A3", "A4", 1.5), ("A4", "A5", 0.9)),
    *(("A5", "A6", 1.1), ("B1", "B2", 1.0), ("B2", "B3", 1.4), ("B3", "A4", 0.7)),
]
# Where the sensors are, in km: A1 to A6 on one line, B1 to B3 on the line that meets it at A4.
PLACES = [(x, 0) for x in (0, 1.2, 2, 3.5, 4.4, 5.5)] + [(3.5, y) for y in (3.1, 2.1, 0.7)]


def make(days=28, seed=0):
    """Returns speeds in km/h, with a row per 15 minutes and a column per sensor, and distances.

    Working days have two rush hours. At random times and sensors, the traffic slows down, and the
    queue grows upstream. The speed of a sensor can therefore be predicted from the next sensors
    downstream.
    """
    rng = np.random.default_rng(seed)
    distances = pd.DataFrame(ROADS, columns=["from", "to", "distance"])
    names = sorted({*distances["from"], *distances["to"]})
    times = pd.date_range("2024-01-01", periods=days * DAY, freq="15min")
    upstream, downstream = (distances[end].map(names.index) for end in ("from", "to"))
    moves = 0.7 * np.eye(len(names))  # after 15 minutes
    moves[upstream, downstream] += 0.35
    slowed = np.zeros((len(times), len(names)))
    for step in range(1, len(times)):
        start = (rng.random(len(names)) < 0.01) * rng.exponential(30, len(names))
        slowed[step] = np.minimum(moves @ slowed[step - 1] + start, 60)
    hours = (times.hour + times.minute / 60).to_numpy()[:, None]
    rush = sum(np.exp(-((hours - peak) ** 2) / 2) for peak in (8, 17.5))
    season = 100 - rng.uniform(10, 35, len(names)) * rush * (times.day_of_week < 5)[:, None]
    speeds = np.clip(season - slowed + rng.normal(0, 1.5, slowed.shape), 5, None)
    return pd.DataFrame(speeds.round(1), times.rename("time"), names), distances


def write(folder):
    """Writes readings.csv and distances.csv, and returns the two paths."""
    paths = [pathlib.Path(folder) / f"{name}.csv" for name in ("readings", "distances")]
    speeds, distances = make()
    speeds.to_csv(paths[0])
    distances.to_csv(paths[1], index=False)
    return paths


def load():
    """Returns the speeds as a `datasets.Series`, with the graph of the distances."""
    speeds, distances = make()
    series = datasets.from_pandas({"speed": speeds}, distances, units="km/h")
    return dataclasses.replace(series, places=np.array(PLACES))
