"""The published traffic sets: where they are, what is in them, how one knows them again."""

from dataclasses import dataclass

ZENODO = "https://zenodo.org/records/"
SPEEDS, FLOWS = ZENODO + "5724362", ZENODO + "7816008"
DCRNN = (
    "https://raw.githubusercontent.com/liyaguang/DCRNN/"
    "602afd9d767d3aa1c9b3eac51710d6aeee12c227/data/sensor_graph/"
)
TGCN = (
    "https://raw.githubusercontent.com/martinwhl/T-GCN-PyTorch/"
    "cc0178972788d2ce9d2f7323dea46588934ea205/data/"
)
STGCN = "https://github.com/VeritasYin/STGCN_IJCAI-18/raw/master/dataset/PeMSD7_Full.zip"


@dataclass(frozen=True)
class File:
    """A file of a set. `digest` is its SHA-256 (64 digits) or MD5 (32) sum, None if not known;
    `also` are the names of files that may stand in for it in a folder of the user's."""

    name: str
    url: str
    digest: str | None = None
    also: tuple = ()


@dataclass(frozen=True)
class Published:
    """A set. What is checked: `shape` (T, N, F); the times, T of them from `start` on, without
    `skipped` (first, end) or weekends; the number of edges, the largest value, and for each
    feature (mean, tolerance) of the readings that are not missing, as far as these are known.

    `graph` is how edges are made, `whole` the ending of a series file that holds its graph.
    """

    title: str
    files: dict
    shape: tuple
    start: str
    features: tuple
    units: tuple
    means: tuple
    graph: str
    source: str
    licence: str | None
    interval: float = 5.0
    null_value: float | None = None
    num_edges: int | None = None
    largest: float | None = None
    skipped: tuple | None = None
    weekdays: bool = False
    whole: str | None = None


def _speed(title, series, distances, **kwargs):
    files = {"series": series, "graph": distances}
    units = {"features": ("speed",), "units": ("mph",), "null_value": 0.0}
    source = {"source": SPEEDS, "licence": "CC-BY-4.0", "graph": "roads"}
    return Published(title, files, **units, **source, **kwargs)


def _flow(name, digest, graph_digest, ids_digest=None, features=("flow",), **kwargs):
    def file(ending, digest, also=()):
        return File(name + ending, f"{FLOWS}/files/{name}{ending}?download=1", digest, also)

    files = {"series": file(".npz", digest)}
    files["graph"] = file(".csv", graph_digest, ("distance.csv", f"{name}_distance.csv"))
    if ids_digest is not None:
        files["names"] = file(".txt", ids_digest, (f"{name}_ids.txt",))
    units = ("vehicles / 5 min", "fraction", "mph")[: len(features)]
    source = {"source": FLOWS, "licence": None, "graph": "edges"}
    return Published(name, files, features=features, units=units, **source, **kwargs)


def _tgcn(title, name, also=(), **kwargs):
    files = {
        role: File(f"{name}_{part}.csv", f"{TGCN}{name}_{part}.csv", None, names)
        for role, part, names in (("series", "speed", also), ("graph", "adj", ()))
    }
    source = {"source": TGCN, "licence": "MIT", "graph": "weights", "whole": ".npz"}
    return Published(title, files, features=("speed",), **source, **kwargs)


THREE = ("flow", "occupancy", "speed")
PUBLISHED = {
    "metr_la": _speed(
        "METR-LA",
        File(
            "METR-LA.csv",
            SPEEDS + "/files/METR-LA.csv?download=1",
            "8d67a35472db1719d7d4be851f2bf64cb21d9c52577c8a6b4b873d43205af381",
            ("metr-la.h5",),
        ),
        File(
            "distances_la_2012.csv",
            DCRNN + "distances_la_2012.csv",
            "a576a2a3e28dbb959be6da22688e24dd1b246b81264595e129147c256cd53de5",
        ),
        shape=(34272, 207, 1),
        start="2012-03-01",
        means=((58.46, 0.005),),
        largest=70,
        num_edges=1515,
    ),
    "pems_bay": _speed(
        "PEMS-BAY",
        File(
            "PEMS-BAY.csv",
            SPEEDS + "/files/PEMS-BAY.csv?download=1",
            "c8dea58987a5882e946217c22fdb8256",
            ("pems-bay.h5",),
        ),
        File(
            "distances_bay_2017.csv",
            DCRNN + "distances_bay_2017.csv",
            "e5feed06bfa1ba4c554a946d0e03d99f2018365eec5a8f28fd8504dea9d082b5",
        ),
        shape=(52116, 325, 1),
        start="2017-01-01",
        skipped=("2017-03-12T02:00", "2017-03-12T03:00"),
        means=((62.6215, 0.005),),
    ),
    "pemsd7m": Published(
        "PeMSD7(M)",
        {
            "series": File("PeMSD7_Full.zip", STGCN, None, ("PeMSD7_V_228.csv", "V_228.csv")),
            "graph": File("PeMSD7_W_228.csv", STGCN, None, ("W_228.csv",)),
        },
        shape=(12672, 228, 1),
        start="2012-05-01",
        weekdays=True,
        features=("speed",),
        units=("mph",),
        means=((59.0, 0.5),),
        graph="distances",
        num_edges=1664,
        source=STGCN,
        licence="BSD-2-Clause",
        whole=".zip",
    ),
    "pems03": _flow(
        "PEMS03",
        "651add9bb9eaf7f5eda2f2ee8778a182",
        "b978bc1fee8172ac0bb02e6478f0376b68d172ee88c0c3121c60241e42c89fc6",
        "553bd79618c1e7eb195b467b5a3114d44c5adb43f7ab8b19789fd9dfaa43c439",
        shape=(26208, 358, 1),
        start="2018-09-01",
        means=((179.26077, 0.001),),
        largest=1852,
        num_edges=546,
    ),
    "pems04": _flow(
        "PEMS04",
        "95a3c9b720fffdb85f0330d09bfab41b0b3cad0ca86c0d7d5f3accacb4ac999a",
        "68ffaa80447eb34428a9999dc28363c61406ec0fd714686d0582d2386ac6f5f7",
        features=THREE,
        shape=(16992, 307, 3),
        start="2018-01-01",
        means=((211.70078, 0.001), (0.0528368, 1e-6), (63.470607, 1e-4)),
        largest=919,
        num_edges=340,
    ),
    "pems07": _flow(
        "PEMS07",
        "978d3d9b85fe640a446983a34271a48d",
        "f7d127ebf976f1e2d93dc7d7275cef6d8c4c1828c7c8bfbaf3ee1254491314f1",
        shape=(28224, 883, 1),
        start="2017-05-01",
        means=((308.52346, 0.001),),
        largest=1498,
        num_edges=866,
    ),
    "pems08": _flow(
        "PEMS08",
        "e1d03ce74e9fb79149e6e7c37c680214822c4a285baa2f42278cacabcd25c075",
        "859d68e7583ed4e6016588eaaca494d3ece286dae361614c5c1833017f87eaa7",
        features=THREE,
        shape=(17856, 170, 3),
        start="2016-07-01",
        means=((230.68069, 0.001),),
        largest=1147,
        num_edges=277,
    ),
    "los_loop": _tgcn(
        "Los-loop",
        "los",
        ("los_loop.npz",),
        shape=(2016, 207, 1),
        start="2012-03-01",
        units=("mph",),
        means=((58.8914, 0.001),),
        largest=70,
        num_edges=2626,
    ),
    "sz_taxi": _tgcn(
        "SZ-taxi",
        "sz",
        shape=(2976, 156, 1),
        start="2015-01-01",
        interval=15.0,
        units=("",),
        means=(),
        largest=86.4292,
    ),
}
