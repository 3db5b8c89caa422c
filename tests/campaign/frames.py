"""Readers of frames: in memory, in Parquet and in HDF5 files."""

import os
import pathlib

import numpy as np
import pandas as pd

from stgkeras import datasets
from tests.campaign import oracle, tables
from tests.campaign.arguments import COMMON, TABULAR, options_of
from tests.campaign.children import Input


def frame_of(rng):
    """Returns a random pandas frame of one of the forms, the values (T, N, F) and their names."""
    steps, sensors = rng.randint(1, 30), rng.randint(1, 5)
    features = rng.sample(("speed", "flow", "occupancy"), rng.choice((1, 1, 2)))
    names = [rng.choice(tables.NAMES)(i) for i in range(sensors)]
    values = np.round(np.random.default_rng().uniform(-5, 99, (steps, sensors, len(features))), 2)
    values[np.random.default_rng().random(values.shape) < rng.choice((0, 0, 0.1))] = np.nan
    minutes = rng.choice((1, 5, 15, 60, 1440))
    zone = rng.choice((None, None, "UTC", "Europe/Paris"))
    start = f"2024-{rng.randint(1, 12):02d}-10 0{rng.randint(3, 9)}:00"
    times = pd.date_range(start, periods=steps, freq=f"{minutes}min", tz=zone)
    flat = values.reshape(steps, -1)
    columns = pd.MultiIndex.from_product([names, features], names=["sensor", "feature"])
    if len(features) == 1 and rng.random() < 0.8:
        columns, features = pd.Index(names), ["value"]
    frame = pd.DataFrame(flat, times, columns)
    if isinstance(columns, pd.Index) and rng.random() < 0.2:
        frame = frame.astype(rng.choice(("float32", "float32", "Float64")))
    frame.index.name = rng.choice((None, "time", "timestamp"))
    return frame, values, names, features


def spoil_frame(rng, frame):
    """Makes one random fault in a frame."""
    place = rng.randrange(frame.shape[1]) if frame.shape[1] else 0
    odd = [rng.choice(tables.CELLS) for _ in range(len(frame))]
    bad = rng.choice((np.inf, -np.inf, 1e300, np.nan, "x", None, True, pd.Timestamp("2024-05-01")))
    faults = (
        lambda f: f.iloc[::-1],
        lambda f: f.iloc[rng.sample(range(len(f)), len(f))],
        lambda f: f.iloc[: rng.randrange(len(f) + 1)],
        lambda f: f.drop(index=f.index[rng.randrange(len(f))]) if len(f) else f,
        lambda f: pd.concat([f, f.iloc[-1:]]),
        lambda f: f.iloc[:, :0],
        lambda f: f.iloc[:, [*range(f.shape[1]), place]],
        lambda f: f.reset_index(),
        lambda f: f.reset_index(drop=True),
        lambda f: f.set_axis(odd, axis=0),
        lambda f: f.set_axis(range(f.shape[1]), axis=1),
        lambda f: f.set_axis(rng.choices(tables.HEADS, k=f.shape[1]), axis=1),
        lambda f: f.astype(rng.choice(("object", "str", "float16", "complex128", "string"))),
        lambda f: f.T,
        lambda f: f.mask(np.random.default_rng().random(f.shape) < 0.1, bad),
        lambda f: (
            f.assign(**{rng.choice(tables.HEADS) or "extra": 5.0}) if f.columns.nlevels == 1 else f
        ),
        lambda f: f.stack().reset_index() if f.columns.nlevels == 1 else f,
        lambda f: f.set_axis(f.index.strftime("%d.%m.%Y %H:%M"), axis=0),
        lambda f: f.astype(object).where(np.random.default_rng().random(f.shape) > 0.1, bad),
    )
    try:
        return rng.choice(faults)(frame)
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError):
        return frame  # pandas refuses some combinations of faults


def fault_of_values(series, values, names, features, frame, options):
    """Compares a series with the values of a frame without faults."""
    fault = oracle.fault_of_series(series)
    merged = options.get("regularize") or options.get("duplicates", "raise") != "raise"
    unlike = merged or options.get("layout") == "station"  # which makes features of sensors
    if fault or values is None or unlike or options.get("quality") is not None:
        return fault
    if list(series.names) != list(names) or list(series.features) != list(features):
        return f"names {series.names}, features {series.features}"
    marks = options.get("null_value")
    expected = values.astype(np.float32)
    for f, feature in enumerate(features):
        mark = marks.get(feature) if isinstance(marks, dict) else marks
        mark = mark[f] if isinstance(mark, list) else mark
        if mark is not None:
            expected[..., f][values[..., f] == mark] = np.nan
    if not np.array_equal(series.values, expected, equal_nan=True):
        return "other values"
    times = frame.index
    if series.timestamps is not None and len(times) and not options.get("timezone"):
        if times.tz is not None and series.timezone:
            times = times.tz_convert("UTC").tz_localize(None)
        if times.tz is None and not np.array_equal(times.to_numpy(), series.timestamps):
            return "other times"
    return None


def pandas(rng, folder):
    """Frames in memory."""
    return _frames(rng, folder, None)


def parquet(rng, folder):
    return _frames(rng, folder, ".parquet")


def hdf5(rng, folder):
    return _frames(rng, folder, ".h5")


def _frames(rng, folder, kind):
    frame, values, names, features = frame_of(rng)
    allowed = COMMON if kind is None else TABULAR
    options = options_of(rng, allowed, rng.choice((0, 0, 0.03, 0.1)))
    if rng.random() < 0.5:
        options["null_value"] = np.nan
    whole = frame
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        frame = spoil_frame(rng, frame)
    values = values if frame is whole else None

    def check(series):
        return fault_of_values(series, values, names, features, whole, options)

    told = f"{options}\n{frame.dtypes}\n{frame.to_string(max_rows=12)}"
    if kind is None:
        size = int(frame.memory_usage(index=True).sum())
        given = {"speed": frame, "flow": frame} if rng.random() < 0.1 else frame
        values = values if given is frame else None
        call = lambda: datasets.from_pandas(given, **options)  # noqa: E731
        return Input(call, datasets.from_pandas, check, size, told, COMMON)
    path = os.path.join(folder, f"speeds{kind}")
    try:
        if kind == ".parquet":
            frame.to_parquet(path)
        else:
            form = rng.choice(("fixed", "fixed", "fixed", "table"))
            if frame.index.dtype.kind == "M" and rng.random() < 0.9:
                frame = frame.tz_localize(None)
            frame.to_hdf(path, key=rng.choice(("df", "speed")), mode="w", format=form)
    except Exception:  # a writer refuses some frames; then the file is another one
        pathlib.Path(path).write_bytes(rng.randbytes(300))
    data = pathlib.Path(path).read_bytes()
    faults = rng.choice((0, 0, 1, 2))
    data = tables.damaged(rng, data, faults)
    values = None if faults else values
    pathlib.Path(path).write_bytes(data)
    call = lambda: datasets.load_series(path, **options)  # noqa: E731
    return Input(call, datasets.load_series, check, len(data), told, TABULAR, path)
