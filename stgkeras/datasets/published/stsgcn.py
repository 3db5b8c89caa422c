"""PEMS03, PEMS04, PEMS07 and PEMS08: highway flows in California, used in the STSGCN paper."""

from __future__ import annotations

import os

from stgkeras.datasets.published.traffic_set import (
    SETS,
    File,
    TrafficSet,
    documented,
    load_set,
    with_null_value,
)
from stgkeras.datasets.series.series import Series

FLOWS = "https://zenodo.org/records/7816008"
FEATURES = {"flow": "vehicles / 5 min", "occupancy": "fraction", "speed": "mph"}


def _flow(title, series, graph, names=None, features=("flow",), **kwargs):
    """Returns a set of this source, given the checksums of its files."""

    def file(ending, digest, also=()):
        return File(title + ending, f"{FLOWS}/files/{title}{ending}?download=1", digest, also)

    files = {"series": file(".npz", series)}
    files["graph"] = file(".csv", graph, ("distance.csv", f"{title}_distance.csv"))
    if names is not None:
        files["names"] = file(".txt", names, (f"{title}_ids.txt",))
    units = tuple(FEATURES[feature] for feature in features)
    source = {"source": FLOWS, "licence": None}
    return TrafficSet(title, files, features=features, units=units, **source, **kwargs)


SETS["pems03"] = _flow(
    "PEMS03",
    "651add9bb9eaf7f5eda2f2ee8778a182",
    "b978bc1fee8172ac0bb02e6478f0376b68d172ee88c0c3121c60241e42c89fc6",
    "553bd79618c1e7eb195b467b5a3114d44c5adb43f7ab8b19789fd9dfaa43c439",
    shape=(26208, 358, 1),
    start="2018-09-01",
    means=((179.26077, 0.001),),
    largest=1852,
    num_edges=546,
)


@documented
def load_pems03(
    path: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    *,
    null_value: float | None = None,
) -> Series:
    """Loads PEMS03: flow on highways around Sacramento (download of 16 MB).

    Flow in vehicles per 5 minutes at 358 detectors, in 26208 steps of 5 minutes, from 2018-09-01
    to 2018-11-30. The mean is 179.261 ± 0.001 vehicles per 5 minutes. The file contains no times,
    so the times are taken from the paper. The source does not say whether 0 is a reading: pass
    `null_value=0` if it marks missing readings.

    Graph: an edge of weight 1 for each pair of detectors in the list of distances. 546 edges,
    stored as `adjacency[to, from]`.

    Files: `PEMS03.npz` (flows), `PEMS03.csv` or `distance.csv` (distances), and `PEMS03.txt`
    (names of the detectors). Downloads must have known checksums. We have verified the checksums
    of the distances and the names. Others published the MD5 checksum of the flows.

    Source:
        Song et al., 2020 (STSGCN), AAAI; zenodo.org/records/7816008.
    """
    return with_null_value(load_set("pems03", path, cache_dir), null_value)


SETS["pems04"] = _flow(
    "PEMS04",
    "95a3c9b720fffdb85f0330d09bfab41b0b3cad0ca86c0d7d5f3accacb4ac999a",
    "68ffaa80447eb34428a9999dc28363c61406ec0fd714686d0582d2386ac6f5f7",
    features=("flow", "occupancy", "speed"),
    shape=(16992, 307, 3),
    start="2018-01-01",
    means=((211.70078, 0.001), (0.0528368, 1e-6), (63.470607, 1e-4)),
    largest=919,
    num_edges=340,
)


@documented
def load_pems04(
    path: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    *,
    null_value: float | None = None,
) -> Series:
    """Loads PEMS04: highway traffic in the San Francisco Bay Area (download of 33 MB).

    Three features at 307 detectors, in 16992 steps of 5 minutes, from 2018-01-01 to 2018-02-28:

    - flow in vehicles per 5 minutes, mean 211.701 ± 0.001;
    - occupancy, the fraction of the time in which a vehicle is over the detector, mean
      0.052837 ± 1e-6;
    - speed in mph, mean 63.4706 ± 1e-4.

    The file contains no times, so the times are taken from the paper. The source does not
    say whether 0 is a reading: pass `null_value=0` if it marks missing readings.

    Graph: an edge of weight 1 for each pair of detectors in the list of distances, as in ASTGCN.
    340 edges, stored as `adjacency[to, from]`.

    Files: `PEMS04.npz` (measurements), and `PEMS04.csv` or `distance.csv` (distances). Downloads
    must have known SHA-256 checksums. We have verified the checksum of the distances. Others
    published the checksum of the measurements.

    Source:
        Guo et al., 2019 (ASTGCN), AAAI; zenodo.org/records/7816008.
    """
    return with_null_value(load_set("pems04", path, cache_dir), null_value)


SETS["pems07"] = _flow(
    "PEMS07",
    "978d3d9b85fe640a446983a34271a48d",
    "f7d127ebf976f1e2d93dc7d7275cef6d8c4c1828c7c8bfbaf3ee1254491314f1",
    shape=(28224, 883, 1),
    start="2017-05-01",
    means=((308.52346, 0.001),),
    largest=1498,
    num_edges=866,
)


@documented
def load_pems07(
    path: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    *,
    null_value: float | None = None,
) -> Series:
    """Loads PEMS07: flow on highways of Los Angeles (download of 44 MB).

    Flow in vehicles per 5 minutes at 883 detectors, in 28224 steps of 5 minutes, from 2017-05-01
    to 2017-08-06. The mean is 308.523 ± 0.001 vehicles per 5 minutes. The file contains no times.
    The first time is taken from the paper. The last time in the paper is later, but the file has
    no more steps. The source does not say whether 0 is a reading: pass `null_value=0` if it marks
    missing readings.

    Graph: an edge of weight 1 for each pair of detectors in the list of distances. 866 edges,
    stored as `adjacency[to, from]`.

    Files: `PEMS07.npz` (flows), and `PEMS07.csv` or `distance.csv` (distances). Downloads must
    have known checksums. We have verified the checksum of the distances. Others published the MD5
    checksum of the flows.

    Source:
        Song et al., 2020 (STSGCN), AAAI; zenodo.org/records/7816008.
    """
    return with_null_value(load_set("pems07", path, cache_dir), null_value)


SETS["pems08"] = _flow(
    "PEMS08",
    "e1d03ce74e9fb79149e6e7c37c680214822c4a285baa2f42278cacabcd25c075",
    "859d68e7583ed4e6016588eaaca494d3ece286dae361614c5c1833017f87eaa7",
    features=("flow", "occupancy", "speed"),
    shape=(17856, 170, 3),
    start="2016-07-01",
    means=((230.68069, 0.001),),
    largest=1147,
    num_edges=277,
)


@documented
def load_pems08(
    path: str | os.PathLike[str] | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    *,
    null_value: float | None = None,
) -> Series:
    """Loads PEMS08: highway traffic in San Bernardino (download of 19 MB).

    Three features at 170 detectors, in 17856 steps of 5 minutes, from 2016-07-01 to 2016-08-31:

    - flow in vehicles per 5 minutes, mean 230.681 ± 0.001;
    - occupancy, the fraction of the time in which a vehicle is over the detector;
    - speed in mph.

    The file contains no times, so the times are taken from the paper. The source does not
    say whether 0 is a reading: pass `null_value=0` if it marks missing readings.

    Graph: an edge of weight 1 for each pair of detectors in the list of distances, as in ASTGCN.
    277 edges, stored as `adjacency[to, from]`.

    Files: `PEMS08.npz` (measurements), and `PEMS08.csv` or `distance.csv` (distances). Downloads
    must have known SHA-256 checksums. We have verified the checksum of the distances. Others
    published the checksum of the measurements.

    Source:
        Guo et al., 2019 (ASTGCN), AAAI; zenodo.org/records/7816008.
    """
    return with_null_value(load_set("pems08", path, cache_dir), null_value)
