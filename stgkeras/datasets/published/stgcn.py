"""PeMSD7(M): highway speeds used in the STGCN paper."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import PurePosixPath

from stgkeras.datasets.published.traffic_files import read_series
from stgkeras.datasets.published.traffic_set import SETS, File, TrafficSet, documented, load_set
from stgkeras.datasets.series.files import file_type, table_from_csv
from stgkeras.datasets.series.graph_files import matrix_from_csv
from stgkeras.datasets.series.series import Series
from stgkeras.graphs import gaussian_kernel

ARCHIVE = "https://github.com/VeritasYin/STGCN_IJCAI-18/raw/master/dataset/PeMSD7_Full.zip"
MEMBERS = {"series": "PeMSD7_V_228.csv", "graph": "PeMSD7_W_228.csv"}  # files in the archive
# Limit of the file size in bytes, for protection against harmful archives. The largest file has
# 13 MB.
MAX_MEMBER = 1 << 28


def read_speeds(known, path):
    """Reads the speeds from the archive, or from a csv file without header."""
    if path.suffix.lower() == ".zip":
        return {"values": table_from_csv(path, _member(path, MEMBERS["series"]))}
    if path.suffix.lower() == ".h5" or file_type(path) == ".npz":
        return read_series(known, path)
    return {"values": table_from_csv(path)}


def distance_graph(known, paths, found, names):
    """Computes the graph of STGCN from the matrix of distances in metres."""
    if "graph" not in paths and found.get("adjacency") is not None:
        return found["adjacency"]
    if "graph" in paths:
        metres = matrix_from_csv(paths["graph"])
    else:
        metres = matrix_from_csv(paths["series"], _member(paths["series"], MEMBERS["graph"]))
    return gaussian_kernel(metres / 1000, zero="same_place")


def _member(path, name):
    """Returns the bytes of a file in a zip archive. Nothing is written to disk."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [m for m in archive.infolist() if PurePosixPath(m.filename).name == name]
            if len(found) != 1 or found[0].file_size > MAX_MEMBER:
                sizes = [member.file_size for member in found]
                raise ValueError(
                    f"{path} must hold one {name} of at most {MAX_MEMBER} bytes. "
                    f"Received: {len(found)} of sizes {sizes}. Use the published archive."
                )
            return archive.read(found[0])
    except (OSError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path} must be a zip archive. Received: a damaged or incomplete file ({error}). Use "
            "an undamaged copy."
        ) from error


SETS["pemsd7m"] = TrafficSet(
    title="PeMSD7(M)",
    files={
        "series": File("PeMSD7_Full.zip", ARCHIVE, also=("PeMSD7_V_228.csv", "V_228.csv")),
        "graph": File("PeMSD7_W_228.csv", ARCHIVE, also=("W_228.csv",)),
    },
    shape=(12672, 228, 1),
    start="2012-05-01",
    weekdays=True,
    features=("speed",),
    units=("mph",),
    means=((59.0, 0.5),),
    num_edges=1664,
    source=ARCHIVE,
    licence="BSD-2-Clause",
    whole=".zip",
    read_series=read_speeds,
    read_graph=distance_graph,
)


@documented
def load_pemsd7m(
    path: str | os.PathLike[str] | None = None, cache_dir: str | os.PathLike[str] | None = None
) -> Series:
    """Loads PeMSD7(M): speeds on highways of Los Angeles on weekdays (download of 29 MB).

    Speeds in mph at 228 stations, in 12672 steps of 5 minutes, on the 44 weekdays from 2012-05-01
    to 2012-06-29. Saturdays and Sundays have no rows. The mean is 59 ± 0.5 mph. The authors filled
    missing readings.

    Graph: `gaussian_kernel` of the distances in km, with the default arguments, as in STGCN. 1664
    edges, symmetric.

    Files: `PeMSD7_Full.zip`; or `PeMSD7_V_228.csv` (also named `V_228.csv`) for the speeds and
    `PeMSD7_W_228.csv` (also named `W_228.csv`) for the distances. No checksum of the archive is
    known, so the function checks only the content of a download. We have tested the published
    distances, but not the published speeds.

    Source:
        Yu et al., 2018 (STGCN), arXiv:1709.04875; the repository VeritasYin/STGCN_IJCAI-18
        (BSD-2-Clause).
    """
    return load_set("pemsd7m", path, cache_dir)
