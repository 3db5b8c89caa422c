"""Four real series and their splits. Windows have 12 input steps and 12 target steps."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import records  # noqa: F401 - it makes examples/ importable
from forecast_task import Task

from stgkeras import datasets

REACH = {"input_length": 12, "horizon": 12}


@dataclass
class Data(Task):
    """The task to forecast the first feature, and a description of the data for model cards."""

    about: dict = field(default_factory=dict)


def binary_edges(path):
    """The edges of a file without their distances, which then have weight 1 as published."""
    edges = pd.read_csv(path, dtype=str)
    return edges.drop(columns=[name for name in edges if name.startswith("cost")])


def metr_la(folder):
    """29 sensors of METR-LA: 70 % training, 10 % validation, 20 % test windows."""
    files = folder / "metr_la_subset.npz", folder / "metr_la_adj207.npz"
    series = datasets.load_series(*files, symmetric=True, null_value=0, unknown="drop")
    about = {
        "series": "METR-LA, 29 of its 207 sensors",
        "features": {"speed": "mph"},
        "source": "Jagadish et al., 2014; sensors and graph of Li et al., 2018",
        "files": "20 sensors of cmpe295-smart-city-traffic-ai-platform/DCRNN_PyTorch_Modified, "
        "ten of tanwimallick/dcrnn_samba (one in both), graph of liyaguang/DCRNN, on GitHub",
        "licence": "MIT, of the first and the third repository; the second states none",
        "missing": "coded as 0 and left out of the loss and the errors",
        "graph": "Gaussian kernel of road distances, of Li et al., 2018",
    }
    return _data(series, _split(series, 3425, 6850), about)


def pems_d12_orange(folder):
    """81 stations with flow, occupancy and speed: 60 / 20 / 20 % of the windows."""
    edges, keys = binary_edges(folder / "edges.csv"), ["flow", "occupancy", "speed"]
    series = datasets.load_series(folder / "orange_81.npz", edges, key=keys, symmetric=True)
    about = {
        "series": "Caltrans PeMS, district 12, freeways at Orange, 81 mainline stations",
        "features": {"flow": "vehicles / 5 min", "occupancy": "share", "speed": "mph"},
        "source": "Caltrans Performance Measurement System, January 2022",
        "files": "exports of PeMS in geanshu/PEMS_Dataset_Process, on GitHub",
        "licence": "none stated by the repository; PeMS is a public service of Caltrans",
        "missing": "not marked, because PeMS fills gaps",
        "graph": "road sections with weight 1, in both directions",
    }
    return _data(series, _split(series, 0.2, 0.2), about)


def pems08_tail(folder):
    """The last 40 % of PEMS08: the published test windows, and training in the validation part."""
    edges = binary_edges(folder / "distance.csv")
    series = datasets.load_series(folder / "pems08_flow_tail.npz", edges, symmetric=True)
    about = {
        "series": "PEMS08, flow, the last 7156 of its 17856 steps",
        "features": {"flow": "vehicles / 5 min"},
        "source": "Caltrans Performance Measurement System; published by Guo et al., 2019",
        "files": "LiuAoyu1998/STIDGCN, distances of Davidham3/ASTGCN-2019-mxnet, on GitHub",
        "licence": "none stated by the repositories",
        "missing": "not marked",
        "graph": "road sections with weight 1, in both directions",
    }
    return _data(series, _split(series, 535, 3567), about)


def los_loop(folder):
    """A week of 207 sensors: 80 % of the steps, with the last 159 windows for validation; 20 %."""
    series = datasets.load_series(folder / "los_loop.npz", symmetric=True)
    about = {
        "series": "Los-loop, METR-LA's first week, 207 sensors",
        "features": {"speed": "mph"},
        "source": "Zhao et al., 2020 (T-GCN)",
        "files": "martinwhl/T-GCN-PyTorch, on GitHub",
        "licence": "MIT, of the repository",
        "missing": "filled by the authors of the data",
        "graph": "Gaussian kernel of road distances, of Zhao et al., 2020",
    }
    steps = len(series.values)
    first, test = np.split(np.arange(steps - 23), [int(0.8 * steps)])
    first = first[:-23]  # no window of the first part reaches into the second
    return _data(series, datasets.Split(first[:-159], first[-159:], test), about)


def _split(series, val, test):
    sizes = {"val": val, "test": test, "boundary": "start"}
    return datasets.split_windows(len(series.values), **REACH, **sizes)


def _data(series, split, about):
    times = np.datetime_as_string(series.timestamps, "m").tolist()
    present = ~np.isnan(series.values).all(axis=-1)[::-1]  # (T, N), the newest first
    last = {
        name: times[-1 - steps]
        for name, steps in zip(series.names, present.argmax(axis=0).tolist(), strict=True)
    }
    about |= {
        "steps": f"{len(series.values)} steps of 5 minutes from {times[0]}",
        "sensors": list(series.names),
        "targets": [next(iter(about["features"]))],
        "interval": series.interval,
        "timezone": series.timezone,
        "null_value": series.null_value,
        "minimum": 0,
        "start": times[0],
        "end": times[-1],
        "silent_since": {name: time for name, time in last.items() if time < times[-1]},
    }
    return Data(series, split, REACH, about=about)


DATASETS = {load.__name__: load for load in (metr_la, pems_d12_orange, pems08_tail, los_loop)}
