"""Los-loop and SZ-taxi: speeds on roads, of the T-GCN paper."""

from __future__ import annotations

import os
from typing import Any

from stgkeras.datasets.published.traffic_set import SETS, File, TrafficSet, documented, load_set
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
    """Loads Los-loop, with a download: the first week of METR-LA without missing readings.

    2016 steps of 5 minutes, from 2012-03-01 to 2012-03-07, at 207 sensors, in mph. The mean is
    58.8914 ± 0.001. The authors filled missing readings by interpolation. The file holds no
    times; they are those of METR-LA.

    Graph: for each pair, the larger of the two weights of DCRNN. 2626 edges, symmetric.

    Files: `los_speed.csv` and `los_adj.csv`; or `los_loop.npz`, which holds both. No checksums
    are known, so a download is checked by its content, which we have verified.

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
    path: str | os.PathLike[str] | None = None, cache_dir: str | os.PathLike[str] | None = None
) -> Series:
    """Loads SZ-taxi, with a download: speeds of taxis on roads of Shenzhen.

    2976 steps of 15 minutes, from 2015-01-01 to 2015-01-31, on 156 roads. The source states no
    unit. The largest speed is 86.429. The file holds no times; they are those of the paper. Zeros
    are kept, because the source does not say that they are missing readings.

    Graph: weight 1 where two roads meet.

    Files: `sz_speed.csv` and `sz_adj.csv`. No checksums are known, so a download is checked by
    its content alone. We have not seen the files ourselves.

    Source:
        Zhao et al., 2020 (T-GCN), arXiv:1811.05320; the repository martinwhl/T-GCN-PyTorch (MIT).
    """
    return load_set("sz_taxi", path, cache_dir)
