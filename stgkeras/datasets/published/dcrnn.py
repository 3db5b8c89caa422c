"""METR-LA and PEMS-BAY: highway speeds used in the DCRNN paper."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from stgkeras.datasets.published.traffic_set import SETS, File, TrafficSet, documented, load_set
from stgkeras.datasets.series.graph_files import distances_from_csv
from stgkeras.datasets.series.series import Series
from stgkeras.graphs import gaussian_kernel

SPEEDS = "https://zenodo.org/records/5724362"
DISTANCES = (
    "https://raw.githubusercontent.com/liyaguang/DCRNN/"
    "602afd9d767d3aa1c9b3eac51710d6aeee12c227/data/sensor_graph/"
)


def road_graph(known, paths, found, names):
    """Computes weights exp(-d² / σ²) of road distances d; weights below 0.1 become 0.

    σ is the standard deviation of all distances.
    """
    ends, lengths = distances_from_csv(paths["graph"])
    index = {name: i for i, name in enumerate(names)}
    ends = np.array([[index.get(end, -1) for end in pair] for pair in ends]).reshape(-1, 2)
    of_sensors = ends.min(axis=1) >= 0
    if not of_sensors.any():
        raise ValueError(
            f"{paths['graph']} must contain sensors of the series. Received: only other sensors. "
            "Pass the file of distances of this data set."
        )
    distances = np.full((len(names), len(names)), np.inf)
    source, target = ends[of_sensors].T
    distances[target, source] = lengths[of_sensors]
    sigma2 = np.var(distances[np.isfinite(distances)])
    return gaussian_kernel(distances, sigma2=sigma2, epsilon=0.1, zero="same_place")


COMMON: dict[str, Any] = {
    "features": ("speed",),
    "units": ("mph",),
    "null_value": 0.0,
    "source": SPEEDS,
    "licence": "CC-BY-4.0",
    "read_graph": road_graph,
}

SETS["metr_la"] = TrafficSet(
    title="METR-LA",
    files={
        "series": File(
            "METR-LA.csv",
            SPEEDS + "/files/METR-LA.csv?download=1",
            "8d67a35472db1719d7d4be851f2bf64cb21d9c52577c8a6b4b873d43205af381",
            also=("metr-la.h5",),
        ),
        "graph": File(
            "distances_la_2012.csv",
            DISTANCES + "distances_la_2012.csv",
            "a576a2a3e28dbb959be6da22688e24dd1b246b81264595e129147c256cd53de5",
        ),
    },
    shape=(34272, 207, 1),
    start="2012-03-01",
    means=((58.46, 0.005),),
    largest=70,
    num_edges=1515,
    **COMMON,
)


@documented
def load_metr_la(
    path: str | os.PathLike[str] | None = None, cache_dir: str | os.PathLike[str] | None = None
) -> Series:
    """Loads METR-LA: speeds on highways of Los Angeles (download of 79 MB).

    Speeds in mph at 207 sensors, in 34272 steps of 5 minutes, from 2012-03-01 to 2012-06-27 in
    local time. The value 0 marks a missing reading (8.1 % of all) and becomes NaN. The mean of the
    other readings is 58.46 ± 0.005 mph.

    Graph: the weight of an edge is exp(-d² / σ²). Here d is the road distance and σ is the
    standard deviation of all distances. Weights below 0.1 become 0. 1515 edges, stored as
    `adjacency[to, from]`. The file `adj_mx.pkl` of DCRNN contains the transposed matrix with
    self-loops.

    Files: `METR-LA.csv` or `metr-la.h5` (speeds), and `distances_la_2012.csv`. Downloads must
    have the SHA-256 checksums that others published. We have not tested the published files.

    Source:
        Li et al., 2018 (DCRNN), arXiv:1707.01926; zenodo.org/records/5724362 (CC-BY-4.0) and the
        repository liyaguang/DCRNN (MIT).
    """
    return load_set("metr_la", path, cache_dir)


SETS["pems_bay"] = TrafficSet(
    title="PEMS-BAY",
    files={
        "series": File(
            "PEMS-BAY.csv",
            SPEEDS + "/files/PEMS-BAY.csv?download=1",
            "c8dea58987a5882e946217c22fdb8256",
            also=("pems-bay.h5",),
        ),
        "graph": File(
            "distances_bay_2017.csv",
            DISTANCES + "distances_bay_2017.csv",
            "e5feed06bfa1ba4c554a946d0e03d99f2018365eec5a8f28fd8504dea9d082b5",
        ),
    },
    shape=(52116, 325, 1),
    start="2017-01-01",
    timezone="America/Los_Angeles",
    means=((62.6215, 0.005),),
    **COMMON,
)


@documented
def load_pems_bay(
    path: str | os.PathLike[str] | None = None, cache_dir: str | os.PathLike[str] | None = None
) -> Series:
    """Loads PEMS-BAY: speeds on highways of the San Francisco Bay Area.

    Speeds in mph at 325 sensors, in 52116 steps of 5 minutes, from 2017-01-01 to 2017-06-30. The
    file has local times, which skip the hour from 2017-03-12 02:00. The timestamps of the series
    are UTC without a gap; `series.calendar` is local time (America/Los_Angeles). The value 0 marks
    a missing reading (521 in all) and becomes NaN. The mean of the other readings is 62.62 ± 0.005
    mph.

    Graph: computed as in `load_metr_la`, from the distances of this set.

    Files: `PEMS-BAY.csv` or `pems-bay.h5` (speeds), and `distances_bay_2017.csv`. Downloads must
    have the MD5 and SHA-256 checksums that others published. We have not tested the published
    files, and have not compared the graph with `adj_mx_bay.pkl` of DCRNN.

    Source:
        Li et al., 2018 (DCRNN), arXiv:1707.01926; zenodo.org/records/5724362 (CC-BY-4.0) and the
        repository liyaguang/DCRNN (MIT).
    """
    return load_set("pems_bay", path, cache_dir)
