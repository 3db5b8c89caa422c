"""Speeds on two made-up roads that meet, for examples that shall need no download."""

import pathlib

import numpy as np
import pandas as pd

from stgkeras import datasets, graphs

DAY = 96  # steps of a quarter of an hour
# Each sensor, the next one down the road, and how far it is in km.
ROADS = [
    *(("A1", "A2", 1.2), ("A2", "A3", 0.8), ("A3", "A4", 1.5), ("A4", "A5", 0.9)),
    *(("A5", "A6", 1.1), ("B1", "B2", 1.0), ("B2", "B3", 1.4), ("B3", "A4", 0.7)),
]


def make(days=28, seed=0):
    """Speeds in km/h, a row each quarter of an hour and a column a sensor; the distances.

    Working days have two rush hours. Now and then traffic slows somewhere, and the queue grows up
    the road from there: what a sensor will read shows at the next ones before.
    """
    rng = np.random.default_rng(seed)
    distances = pd.DataFrame(ROADS, columns=["from", "to", "distance"])
    names = sorted({*distances["from"], *distances["to"]})
    times = pd.date_range("2024-01-01", periods=days * DAY, freq="15min")
    upstream, downstream = (distances[end].map(names.index) for end in ("from", "to"))
    moves = 0.7 * np.eye(len(names))  # a quarter of an hour later
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
    """Writes readings.csv and distances.csv, and returns their paths."""
    paths = [pathlib.Path(folder) / f"{name}.csv" for name in ("readings", "distances")]
    speeds, distances = make()
    speeds.to_csv(paths[0])
    distances.to_csv(paths[1], index=False)
    return paths


def load():
    """The same as a `datasets.Series`, with an edge of weight 1 between neighbours."""
    speeds, distances = make()
    source, target = (distances[end].map(list(speeds).index) for end in ("from", "to"))
    adjacency = graphs.from_edges(source.to_numpy(), target.to_numpy(), num_nodes=speeds.shape[1])
    return datasets.from_pandas({"speed": speeds}, adjacency, units="km/h", symmetric=True)
