"""Los-loop and SZ-taxi: road speeds used in the T-GCN paper."""

from __future__ import annotations

import os
from typing import Any

from stgkeras.datasets.published.traffic_set import (
    SETS,
    File,
    TrafficSet,
    documented,
    load_set,
    with_null_value,
)
from stgkeras.datasets.series.series import Series

FOLDER = (
    "https://raw.githubusercontent.com/martinwhl/T-GCN-PyTorch/"
    "cc0178972788d2ce9d2f7323dea46588934ea205/data/"
)
COMMON: dict[str, Any] = {
    "features": ("speed",),
    "source": FOLDER,
    "licence": "MIT",
    "whole": ".npz",
}

SETS["los_loop"] = TrafficSet(
    title="Los-loop",
    files={
        "series": File("los_speed.csv", FOLDER + "los_speed.csv", also=("los_loop.npz",)),
        "graph": File("los_adj.csv", FOLDER + "los_adj.csv"),
    },
    shape=(2016, 207, 1),
    start="2012-03-01",
    units=("mph",),
    means=((58.8914, 0.001),),
    largest=70,
    num_edges=2626,
    **COMMON,
)


@documented
def load_los_loop(
    path: str | os.PathLike[str] | None = None, cache_dir: str | os.PathLike[str] | None = None
) -> Series:
    """Loads Los-loop: speeds on highways of Los Angeles, without missing readings.

    Speeds in mph at 207 sensors, in 2016 steps of 5 minutes, from 2012-03-01 to 2012-03-07: the
    first week of METR-LA. The mean is 58.8914 ± 0.001 mph. The authors interpolated the missing
    readings. The file contains no times, so the times are taken from METR-LA.

    Graph: the weight of a pair of sensors is the larger of the two weights that DCRNN computes
    for the two directions. 2626 edges, symmetric.

    Files: `los_speed.csv` and `los_adj.csv`, or the one file `los_loop.npz`. No checksums are
    known, so the function checks only the content of a download. We have tested the published
    data.

    Source:
        Zhao et al., 2020 (T-GCN), arXiv:1811.05320; the repository martinwhl/T-GCN-PyTorch (MIT).
    """
    return load_set("los_loop", path, cache_dir)


SETS["sz_taxi"] = TrafficSet(
    title="SZ-taxi",
    files={
        "series": File("sz_speed.csv", FOLDER + "sz_speed.csv"),
        "graph": File("sz_adj.csv", FOLDER + "sz_adj.csv"),
    },
    shape=(2976, 156, 1),
    start="2015-01-01",
    interval=15.0,
    units=("",),
    means=(),
    largest=86.4292,
    **COMMON,
)


@documented
def load_sz_taxi(
    path: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    *,
    null_value: float | None = None,
) -> Series:
    """Loads SZ-taxi: speeds of taxis on roads of Shenzhen.

    Speeds on 156 roads, in 2976 steps of 15 minutes, from 2015-01-01 to 2015-01-31. The source
    states no unit. The largest speed is 86.429. The file contains no times, so the times are taken
    from the paper. The source does not say whether 0 is a reading: pass `null_value=0` if it marks
    missing readings.

    Graph: an edge of weight 1 joins two roads that meet.

    Files: `sz_speed.csv` and `sz_adj.csv`. No checksums are known, so the function checks only
    the content of a download. We have not tested the published files.

    Source:
        Zhao et al., 2020 (T-GCN), arXiv:1811.05320; the repository martinwhl/T-GCN-PyTorch (MIT).
    """
    return with_null_value(load_set("sz_taxi", path, cache_dir), null_value)
