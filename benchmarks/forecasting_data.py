"""Four real series, and how they are split: 12 steps in, 12 out."""

from typing import NamedTuple

import numpy as np

from stgkeras import datasets

READ = {"input_length": 12, "horizon": 12}
DAY = 288  # steps of five minutes
WEEK = 7 * DAY


class Data(NamedTuple):
    values: np.ndarray  # (T, N, F), NaN where missing; the first feature is predicted
    adjacency: np.ndarray
    calendar: np.ndarray
    split: datasets.Split
    about: dict  # what the card of a model says of them


def metr_la(folder):
    """29 sensors of METR-LA: 70 % training, 10 % validation, 20 % test windows."""
    file = np.load(folder / "metr_la_subset.npz")
    values, index, sensors = file["speed"][:, :, None], file["index_in_207"], file["sensor_id"]
    adjacency = np.load(folder / "metr_la_adj207.npz")["adj"][np.ix_(index, index)]
    about = {
        "series": "METR-LA, 29 of its 207 sensors",
        "features": {"speed": "mph"},
        "source": "Jagadish et al., 2014; sensors and graph of Li et al., 2018",
        "missing": "coded as 0 and left out of the loss and the errors",
    }
    values = np.where(values == 0, np.nan, values)
    return _data(values, adjacency, "2012-03-01T00:00", 3425, 6850, sensors, about)


def pems_d12_orange(folder):
    """81 stations with flow, occupancy and speed: 60 / 20 / 20 % of the windows."""
    keys = ["flow", "occupancy", "speed"]
    series = datasets.load_series(folder / "orange_81.npz", folder / "edges.csv", key=keys)
    sensors = np.load(folder / "orange_81.npz")["vds_id"]
    about = {
        "series": "Caltrans PeMS, district 12, freeways at Orange, 81 mainline stations",
        "features": {"flow": "vehicles / 5 min", "occupancy": "share", "speed": "mph"},
        "source": "Caltrans Performance Measurement System, January 2022",
        "missing": "not marked, because PeMS fills gaps",
    }
    return _data(series.values, series.adjacency, "2022-01-01T00:00", 0.2, 0.2, sensors, about)


def pems08_tail(folder):
    """The last 40 % of PEMS08: the published test windows; trained on what was validation."""
    series = datasets.load_series(folder / "pems08_flow_tail.npz", folder / "distance.csv")
    sensors = range(series.values.shape[1])
    about = {
        "series": "PEMS08, flow, the last 7156 of its 17856 steps",
        "features": {"flow": "vehicles / 5 min"},
        "source": "Caltrans Performance Measurement System; published by Guo et al., 2019",
        "missing": "not marked",
    }
    return _data(series.values, series.adjacency, "2016-08-07T03:40", 535, 3567, sensors, about)


def los_loop(folder):
    """A week of 207 sensors: 80 % of the steps, their last 159 windows to validate, and 20 %."""
    series = datasets.load_series(folder / "los_loop.npz")
    sensors = np.load(folder / "los_loop.npz")["sensor_id"]
    about = {
        "series": "Los-loop, METR-LA's first week, 207 sensors",
        "features": {"speed": "mph"},
        "source": "Zhao et al., 2020 (T-GCN)",
        "missing": "filled by the authors of the data",
    }
    data = _data(series.values, series.adjacency, "2012-03-01T00:00", 0.1, 0.2, sensors, about)
    cut = int(0.8 * len(series.values))
    first = np.arange(cut - 23)
    parts = first[:-159], first[-159:], np.arange(cut, len(series.values) - 23)
    return data._replace(split=datasets.Split(*parts))


def _data(values, adjacency, start, val, test, sensors, about):
    stamps = np.datetime64(start, "s") + np.arange(len(values)) * np.timedelta64(300, "s")
    adjacency = np.maximum(adjacency, adjacency.T)
    np.fill_diagonal(adjacency, 0.0)
    split = datasets.split_windows(len(values), **READ, val=val, test=test, boundary="start")
    about |= {
        "steps": f"{len(values)} steps of 5 minutes from {start}",
        "sensors": [str(sensor) for sensor in sensors],
    }
    return Data(values, adjacency, datasets.calendar(stamps), split, about)


DATASETS = {load.__name__: load for load in (metr_la, pems_d12_orange, pems08_tail, los_loop)}
