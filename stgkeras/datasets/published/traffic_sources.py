"""The published traffic sets, a load function each."""

import inspect
from pathlib import Path

from stgkeras.datasets.cache import cache_folder
from stgkeras.datasets.published.downloads import download
from stgkeras.datasets.published.traffic_set_files import read_published
from stgkeras.datasets.published.traffic_sets import PUBLISHED

REST = """
Nothing is unpickled, and no archive is unpacked to disk. However the files come, shape, times,
graph and the figures above must be those of the set.

Args:
    path: None, or a folder to read the files from instead of the cache, or the path of the
        series file, beside which the others lie.
    cache_dir: folder of the cache. Default: `datasets/stgkeras` in the Keras home (`KERAS_HOME`
        or `~/.keras`). What is there and whole is not downloaded again.

Returns:
    `Series`, float32, with units, source and licence. Missing readings are NaN.

Raises:
    FileNotFoundError: if `path` or one of its files is missing.
    OSError: if the download fails. No part of a file is left behind.
    ValueError: if a file is damaged, or the content is not that of the set.

Example:
    >>> import stgkeras
    >>> series = stgkeras.datasets.{name}()  # doctest: +SKIP
    >>> series.values.shape  # doctest: +SKIP
    {shape}
"""


def _documented(function):
    """Completes the docstring of a load function, between its text and its source."""
    shape = PUBLISHED[function.__name__.removeprefix("load_")].shape
    text, source = inspect.cleandoc(function.__doc__).split("\nSource:")
    rest = REST.format(name=function.__name__, shape=shape)
    function.__doc__ = f"{text}{rest}\nSource:{source}\n"
    return function


@_documented
def load_metr_la(path=None, cache_dir=None):
    """Reads METR-LA, or downloads it (79 MB): speeds on highways of Los Angeles.

    34272 steps of 5 minutes, 2012-03-01 to 2012-06-27, at 207 sensors; mph. 0 marks a missing
    reading (8.1 %), and becomes NaN. The mean of the others is 58.46 ± 0.005. Times are local.

    Graph: exp(-d² / σ²) of the road distances d, σ being the standard deviation of all of them,
    cut below 0.1: 1515 edges, `[to, from]`. DCRNN's `adj_mx.pkl` is its transpose, with loops.

    Files: `METR-LA.csv` or DCRNN's `metr-la.h5`, and `distances_la_2012.csv`. Downloads must have
    known SHA-256 sums, as others recorded them: we have not seen the files ourselves.

    Source:
        Li et al., 2018 (DCRNN), arXiv:1707.01926; zenodo.org/records/5724362 (CC-BY-4.0) and the
        repository liyaguang/DCRNN (MIT).
    """
    return _load("metr_la", path, cache_dir)


@_documented
def load_pems_bay(path=None, cache_dir=None):
    """Reads PEMS-BAY, or downloads it: speeds on highways of the San Francisco Bay Area.

    52116 steps of 5 minutes, 2017-01-01 to 2017-06-30, at 325 sensors; mph. 0 marks a missing
    reading (521 of them), and becomes NaN. The mean of the others is 62.62 ± 0.005. Times are
    local: the hour from 2017-03-12 02:00, which daylight saving skips, has no rows.

    Graph: as that of METR-LA, of the distances of this set.

    Files: `PEMS-BAY.csv` or DCRNN's `pems-bay.h5`, and `distances_bay_2017.csv`. Downloads must
    have a known MD5 and SHA-256 sum, as others recorded them: we have not seen the files
    ourselves, nor compared the graph with DCRNN's `adj_mx_bay.pkl`.

    Source:
        Li et al., 2018 (DCRNN), arXiv:1707.01926; zenodo.org/records/5724362 (CC-BY-4.0) and the
        repository liyaguang/DCRNN (MIT).
    """
    return _load("pems_bay", path, cache_dir)


@_documented
def load_pemsd7m(path=None, cache_dir=None):
    """Reads PeMSD7(M), or downloads it (29 MB): speeds on highways of Los Angeles, on weekdays.

    12672 steps of 5 minutes, the 44 weekdays from 2012-05-01 to 2012-06-29, at 228 stations; mph.
    The mean is 59 ± 0.5. Saturdays and Sundays have no rows. The authors filled missing readings.

    Graph: `gaussian_kernel` of the distances in km with its default arguments, which is STGCN's:
    1664 edges, symmetric.

    Files: `PeMSD7_Full.zip`, or `PeMSD7_V_228.csv` (`V_228.csv`) and `PeMSD7_W_228.csv`
    (`W_228.csv`). No sum of the archive is known: a download is known again by its content alone,
    of which we verified the distances and have not seen the speeds.

    Source:
        Yu et al., 2018 (STGCN), arXiv:1709.04875; the repository VeritasYin/STGCN_IJCAI-18
        (BSD-2-Clause).
    """
    return _load("pemsd7m", path, cache_dir)


@_documented
def load_pems03(path=None, cache_dir=None):
    """Reads PEMS03, or downloads it (16 MB): flow on highways around Sacramento.

    26208 steps of 5 minutes, 2018-09-01 to 2018-11-30, at 358 detectors; vehicles in 5 minutes.
    The mean is 179.261 ± 0.001. The file holds no times: they are those of the paper. Zeros are
    kept, as nothing says that they are missing readings.

    Graph: weight 1 for each pair in the list of distances, `[to, from]`: 546 edges.

    Files: `PEMS03.npz`, `PEMS03.csv` or `distance.csv`, and `PEMS03.txt` with the names of the
    detectors. Downloads must have known sums: we verified those of the list and the names,
    the MD5 of the flows is as others recorded it.

    Source:
        Song et al., 2020 (STSGCN), AAAI; zenodo.org/records/7816008.
    """
    return _load("pems03", path, cache_dir)


@_documented
def load_pems04(path=None, cache_dir=None):
    """Reads PEMS04, or downloads it (33 MB): flow, occupancy and speed, San Francisco Bay Area.

    16992 steps of 5 minutes, 2018-01-01 to 2018-02-28, at 307 detectors; vehicles in 5 minutes,
    share of the time occupied, mph. The means are 211.701 ± 0.001, 0.052837 ± 1e-6 and
    63.4706 ± 1e-4. The file holds no times: they are those of the paper. Zeros are kept, as
    nothing says that they are missing readings.

    Graph: weight 1 for each pair in the list of distances (ASTGCN's rule), `[to, from]`: 340
    edges.

    Files: `PEMS04.npz`, and `PEMS04.csv` or `distance.csv`. Downloads must have known SHA-256
    sums: we verified that of the list, that of the measurements is as others recorded it.

    Source:
        Guo et al., 2019 (ASTGCN), AAAI; zenodo.org/records/7816008.
    """
    return _load("pems04", path, cache_dir)


@_documented
def load_pems07(path=None, cache_dir=None):
    """Reads PEMS07, or downloads it (44 MB): flow on highways of Los Angeles.

    28224 steps of 5 minutes, 2017-05-01 to 2017-08-06, at 883 detectors; vehicles in 5 minutes.
    The mean is 308.523 ± 0.001. The file holds no times: they begin as in the paper, which names
    a later end. Zeros are kept, as nothing says that they are missing readings.

    Graph: weight 1 for each pair in the list of distances, `[to, from]`: 866 edges.

    Files: `PEMS07.npz`, and `PEMS07.csv` or `distance.csv`. Downloads must have known sums: we
    verified that of the list, the MD5 of the flows is as others recorded it.

    Source:
        Song et al., 2020 (STSGCN), AAAI; zenodo.org/records/7816008.
    """
    return _load("pems07", path, cache_dir)


@_documented
def load_pems08(path=None, cache_dir=None):
    """Reads PEMS08, or downloads it (19 MB): flow, occupancy and speed, San Bernardino.

    17856 steps of 5 minutes, 2016-07-01 to 2016-08-31, at 170 detectors; vehicles in 5 minutes,
    share of the time occupied, mph. The mean flow is 230.681 ± 0.001. The file holds no times:
    they are those of the paper. Zeros are kept, as nothing says that they are missing readings.

    Graph: weight 1 for each pair in the list of distances (ASTGCN's rule), `[to, from]`: 277
    edges.

    Files: `PEMS08.npz`, and `PEMS08.csv` or `distance.csv`. Downloads must have known SHA-256
    sums: we verified that of the list, that of the measurements is as others recorded it.

    Source:
        Guo et al., 2019 (ASTGCN), AAAI; zenodo.org/records/7816008.
    """
    return _load("pems08", path, cache_dir)


@_documented
def load_los_loop(path=None, cache_dir=None):
    """Reads Los-loop, or downloads it: the first week of METR-LA, with missing readings filled.

    2016 steps of 5 minutes, 2012-03-01 to 2012-03-07, at 207 sensors; mph. The mean is
    58.8914 ± 0.001. The authors filled missing readings by interpolation. The file holds no
    times: they are those of METR-LA.

    Graph: the larger of DCRNN's two weights of each pair: 2626 edges, symmetric.

    Files: `los_speed.csv` and `los_adj.csv`; or `los_loop.npz`, which holds both. No sums are
    known: a download is known again by its content, which we verified.

    Source:
        Zhao et al., 2020 (T-GCN), arXiv:1811.05320; the repository martinwhl/T-GCN-PyTorch (MIT).
    """
    return _load("los_loop", path, cache_dir)


@_documented
def load_sz_taxi(path=None, cache_dir=None):
    """Reads SZ-taxi, or downloads it: speeds of taxis on roads of Shenzhen.

    2976 steps of 15 minutes, 2015-01-01 to 2015-01-31, on 156 roads. The source states no unit.
    The largest speed is 86.429. The file holds no times: they are those of the paper. Zeros are
    kept, as nothing says that they are missing readings.

    Graph: 1 where two roads meet.

    Files: `sz_speed.csv` and `sz_adj.csv`. No sums are known: a download is known again by its
    content alone, which we have not seen.

    Source:
        Zhao et al., 2020 (T-GCN), arXiv:1811.05320; the repository martinwhl/T-GCN-PyTorch (MIT).
    """
    return _load("sz_taxi", path, cache_dir)


def _load(name, path, cache_dir):
    known = PUBLISHED[name]
    if path is not None:
        return read_published(known, _local(known, Path(path)))
    folder = cache_folder(cache_dir) / name
    names = ", ".join(file.name for file in known.files.values())
    instead = f"give a folder that holds {names} as `path`"
    series = folder / known.files["series"].name
    paths = {
        role: download(file.url, folder / file.name, file.digest, instead)
        for role, file in known.files.items()
        if not _inside(known, role, series)
    }
    try:
        return read_published(known, paths)
    except ValueError as error:
        for file in known.files.values():
            if file.digest is None:  # what no sum vouches for
                (folder / file.name).unlink(missing_ok=True)
        raise ValueError(
            f"{error}; call `load_{name}()` to download it again, or {instead}."
        ) from error


def _local(known, path):
    if not path.exists():
        raise FileNotFoundError(f"`path` must exist. Received: path={path}")
    folder = path if path.is_dir() else path.parent
    there = {found.name.lower(): found for found in folder.iterdir()}
    paths = {} if path.is_dir() else {"series": path}
    for role, file in known.files.items():
        if role in paths or _inside(known, role, paths.get("series")):
            continue
        names = (file.name, *file.also)
        found = [there[name.lower()] for name in names if name.lower() in there]
        if not found:
            raise FileNotFoundError(
                f"{folder} must hold {' or '.join(names)}. It is to be had from {file.url}"
            )
        paths[role] = found[0]
    return paths


def _inside(known, role, series):
    """Whether the series file holds this part too."""
    return role != "series" and series.suffix.lower() == known.whole
