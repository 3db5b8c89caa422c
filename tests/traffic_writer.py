"""Writes small traffic sets in the formats of the published ones, and checks what is read."""

import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd

from stgkeras import datasets
from stgkeras.datasets.published import dcrnn, stgcn, stsgcn, tgcn  # noqa: F401, fill SETS
from stgkeras.datasets.published.traffic_set import SETS

STEPS = {"pemsd7m": 600}  # from a Friday to a Tuesday
START = {"pems_bay": "2017-03-12T01:30", "pemsd7m": "2012-05-04"}
IDS = ("773869", "767541", "400017", "9")


def small_set(key, steps=None, num_nodes=4):
    """Returns a `TrafficSet` of fewer steps and sensors, and an array (T, N, F) for it."""
    known = SETS[key]
    shape = (steps or STEPS.get(key, 12), num_nodes, known.shape[2])
    values = np.random.default_rng(len(key)).integers(1, 80, shape).astype(float)
    if known.null_value is not None:
        values[3, 1] = values[4, :2] = known.null_value
    present = np.where(values == known.null_value, np.nan, values)
    means = tuple((np.nanmean(present[..., i]), 1e-3) for i in range(shape[2]))
    largest = None if known.largest is None else np.nanmax(present[..., 0])
    start = START.get(key, known.start)
    return replace(known, shape=shape, means=means, largest=largest, start=start), values


def times_of(known):
    """Row by row, as a calendar has them."""
    step, first = pd.Timedelta(minutes=known.interval), pd.Timestamp(known.start)
    every = [first + i * step for i in range(3 * known.shape[0])]
    if known.weekdays:
        every = [time for time in every if time.day_name() not in ("Saturday", "Sunday")]
    if known.timezone:  # the times of the file are local
        every = [time for time in every if not (time.day == 12 and time.hour == 2)]
    return pd.DatetimeIndex(every[: known.shape[0]])


def write_hdf5(path, frame, key="df", times=None):
    """As PyTables does it for `frame.to_hdf(path, key=key)`: attributes may hold pickles."""
    times = frame.index.astype("datetime64[ns]").asi8 if times is None else times
    with h5py.File(path, "w") as file:
        group = file.create_group(key)
        group.attrs["pandas_type"] = np.bytes_("frame")
        names = frame.columns.to_numpy()
        names = names.astype("S6") if isinstance(names[0], str) else names
        for name, data in (("axis0", names), ("axis1", times), ("block0_items", names)):
            group[name] = data
        group["axis1"].attrs["kind"] = np.bytes_("datetime64")
        group["axis1"].attrs["freq"] = np.bytes_("cos\nsystem\n(S'false'\ntR.")
        group["block0_values"] = frame.to_numpy()


def write_zip(path, texts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)


def csv_text(matrix):
    return pd.DataFrame(matrix).to_csv(header=False, index=False)


def write_set(key, folder, known, values):
    """Writes the files that are downloaded; returns the adjacency that they give."""
    folder.mkdir(exist_ok=True)
    num_nodes = known.shape[1]
    frame = pd.DataFrame(values[..., 0], times_of(known), IDS[:num_nodes])
    if key in ("metr_la", "pems_bay"):
        frame.to_csv(folder / known.files["series"].name)
        # Row from,to,cost; the last two are far, 555 is no sensor of the series.
        lengths = [(0, 0, 0), (0, 1, 1000), (1, 0, 1500), (1, 2, 2000), (2, 3, 5000), (3, 2, 6000)]
        rows = [f"{IDS[n]},{IDS[m]},{length}.0" for n, m, length in lengths] + ["555,9,1.0"]
        header = ["from,to,cost"] if key == "metr_la" else []
        (folder / known.files["graph"].name).write_text("\n".join(header + rows) + "\n")
        sigma = np.std([length for *_, length in lengths])
        adjacency = np.zeros((4, 4))
        for n, m, length in lengths[1:4]:
            adjacency[m, n] = np.exp(-((length / sigma) ** 2))
        return adjacency
    if key == "pemsd7m":
        metres = np.abs(np.subtract.outer(*[np.arange(num_nodes) * 1900.0] * 2))
        members = {"a/PeMSD7_V_228.csv": values[..., 0], "a/PeMSD7_W_228.csv": metres}
        texts = {name: csv_text(matrix) for name, matrix in members.items()}
        write_zip(folder / known.files["series"].name, texts | {"__MACOSX/._PeMSD7_V_228.csv": ""})
        weights = np.exp(-((metres / 10000) ** 2) / 0.1)
        return np.where((weights >= 0.5) & (metres > 0), weights, 0)
    if known.whole == ".npz":
        frame.to_csv(folder / known.files["series"].name, index=False)
        adjacency = np.eye(num_nodes) + np.eye(num_nodes, k=1) / 2 + np.eye(num_nodes, k=-1) / 2
        (folder / known.files["graph"].name).write_text(csv_text(adjacency))
        return adjacency - np.eye(num_nodes)
    np.savez(folder / known.files["series"].name, data=values)
    names = IDS if "names" in known.files else range(num_nodes)
    rows = [f"{names[n]},{names[m]},{d}" for n, m, d in ((0, 1, 0.5), (2, 1, 3), (2, 2, 0))]
    text = "\r\n".join(["from,to,cost", *rows, ""])
    (folder / known.files["graph"].name).write_bytes(text.encode())
    if "names" in known.files:
        (folder / known.files["names"].name).write_text("\r\n".join(IDS))
    adjacency = np.zeros((num_nodes, num_nodes))
    adjacency[1, 0] = adjacency[1, 2] = 1
    return adjacency


def install_set(folder, monkeypatch, key):
    """Writes a small set, and lets its load function expect it.

    Returns its folder, and what `check` takes.
    """
    known, values = small_set(key)
    adjacency = write_set(key, folder / key, known, values)
    known = replace(known, num_edges=np.count_nonzero(adjacency))
    monkeypatch.setitem(SETS, key, known)
    return folder / key, known, values, adjacency


def load(key, *args, **kwargs):
    return getattr(datasets, f"load_{key}")(*args, **kwargs)


def check(series, known, values, adjacency):
    values = np.where(values == known.null_value, np.nan, values)
    np.testing.assert_array_equal(series.values, values.astype(np.float32))
    np.testing.assert_allclose(series.adjacency, adjacency, rtol=1e-12)
    assert series.values.dtype == np.float32 and series.adjacency.dtype == np.float64
    times = times_of(known)
    if known.timezone:
        times = times.tz_localize(known.timezone).tz_convert("UTC").tz_localize(None)
        assert len(set(np.diff(series.timestamps))) == 1
    assert series.timestamps.tolist() == times.to_pydatetime().tolist()
    assert series.timezone == known.timezone
    assert (series.interval, series.null_value) == (known.interval, known.null_value)
    assert (series.features, series.units) == (known.features, known.units)
    assert series.source == known.source and series.licence == known.licence
    assert len(series.names) == known.shape[1] and len(series.units) == known.shape[2]


def file_of(folder, known, role="series"):
    return folder / known.files[role].name
