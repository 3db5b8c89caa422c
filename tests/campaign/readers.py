"""Readers of series: csv text, other tables, npz files, frames and arrays."""

import dataclasses
import os
import pathlib
import re
import tempfile

import numpy as np
import pandas as pd

from stgkeras import datasets
from tests.campaign import oracle, tables
from tests.campaign.arguments import COMMON, TABULAR, options_of
from tests.campaign.children import Input
from tests.campaign.frames import fault_of_values, hdf5, pandas, parquet


def csv(rng, folder):
    """A csv file of a series, with faults in its rows and bytes and in the arguments."""
    table = tables.table(rng)
    tables.spoil(rng, table, rng.choice((0, 0, 0, 1, 1, 2)))
    separator = rng.choice((",", ",", ",", ";", "\t"))
    decimal = "," if separator == ";" and rng.random() < 0.6 else "."
    data = tables.text_of(rng, table, separator, decimal).encode()
    data = tables.damaged(rng, data, rng.choice((0, 0, 0, 0, 0, 1, 2)))
    options = options_of(rng, TABULAR, rng.choice((0, 0, 0.02, 0.1)))
    if rng.random() < 0.6:
        options["null_value"] = np.nan
    if table.form is None and "interval" not in options:
        options["interval"] = 5
    if table.layout == "station" and rng.random() < 0.9:
        options["layout"] = "station"
    path = os.path.join(folder, rng.choice(("speeds.csv", "speeds.csv", "speeds.tsv")))
    pathlib.Path(path).write_bytes(data)

    def check(series):
        fault = oracle.fault_of_series(series)
        rows = oracle.lines_of(data, options.get("separator") or separator)
        if fault or rows is None or options.get("quality") is not None:
            return fault
        sign = options.get("decimal") or decimal
        exact = not (options.get("regularize") or options.get("duplicates", "raise") != "raise")
        return oracle.fault_of_table(series, rows, sign, options, exact)

    told = f"{options}\n{table.layout} {table.faults}\n{data[:2000]!r}"
    call = datasets.from_csv if rng.random() < 0.8 else datasets.load_series
    return Input(lambda: call(path, **options), datasets.from_csv, check, len(data), told, (), path)


def features(rng, folder):
    """A dict of feature name → wide csv file."""
    table = tables.table(rng, ("wide",))
    options = options_of(rng, TABULAR, rng.choice((0, 0, 0.05)))
    if table.form is None:
        options["interval"] = 5
    paths, texts, size = {}, [], 0
    for feature in rng.sample(tables.FEATURES, rng.randint(1, 3)):
        if rng.random() < 0.3:
            tables.spoil(rng, table, 1)
        data = tables.text_of(rng, table, ",", ".").encode()
        data = tables.damaged(rng, data, rng.choice((0, 0, 0, 0, 1)))
        name = re.sub(r"\W", "", feature)
        paths[feature] = os.path.join(folder, f"{name}.csv")
        pathlib.Path(paths[feature]).write_bytes(data)
        texts.append(data)
        size += len(data)
    if rng.random() < 0.05:
        paths[rng.choice((5, "", None, "speed"))] = rng.choice((None, 5, "absent.csv", folder))

    def check(series):
        fault = oracle.fault_of_series(series)
        merged = options.get("regularize") or options.get("duplicates", "raise") != "raise"
        if fault or merged or options.get("quality") is not None:
            return fault
        for f, data in enumerate(texts):
            rows = oracle.lines_of(data, options.get("separator") or ",")
            if rows is None or not set(series.names) <= set(rows[0]):
                continue  # also for a long table, whose feature has another name
            part = dataclasses.replace(
                series, values=series.values[..., [f]], features=("value",), null_value=None
            )
            given = dict(options)
            if isinstance(given.get("null_value"), dict):
                given["null_value"] = given["null_value"].get(series.features[f])
            if isinstance(given.get("null_value"), list):
                given["null_value"] = given["null_value"][f]
            fault = oracle.fault_of_table(part, rows, options.get("decimal") or ".", given)
            if fault:
                return f"{series.features[f]}: {fault}"
        return None

    told = f"{options}\n{paths}\n{[text[:600] for text in texts]}"
    return Input(
        lambda: datasets.from_csv(paths, **options),
        datasets.from_csv,
        check,
        size,
        told,
        (),
        folder,
    )


def arrays(rng, folder):
    """Arrays in memory, most of them valid."""
    draw = np.random.default_rng()
    steps, sensors, width = rng.randint(1, 30), rng.randint(1, 5), rng.randint(1, 2)
    values = draw.uniform(-5, 99, (steps, sensors, width))
    values[draw.random(values.shape) < rng.choice((0, 0, 0.1))] = np.nan
    values = values[..., 0] if width == 1 and rng.random() < 0.5 else values
    times = np.datetime64("2024-05-01T08:00", "s") + np.arange(steps) * np.timedelta64(5, "m")
    options = options_of(rng, COMMON, rng.choice((0, 0, 0.03, 0.1)))
    if rng.random() < 0.5:
        options["null_value"] = np.nan
    options["timestamps"] = rng.choice((None, times, times, times.astype(str).tolist()))
    if options["timestamps"] is None and "interval" not in options:
        options["interval"] = 5
    options["names"] = rng.choice((None, [rng.choice(tables.NAMES)(i) for i in range(sensors)]))
    whole = values
    bad_values = (
        *(None, 5, "x", [], [[]], [[1, 2], [3]], np.zeros((0, 3)), np.zeros((3, 0)), {}, values.T),
        *(
            np.full((3, 2), np.inf),
            values.astype(object),
            values.astype(complex),
            values[None, None],
        ),
        *(values.astype(str), np.zeros(3), values.astype(np.float16), values.astype("M8[s]")),
        *(values * 1e300, np.ma.masked_invalid(values), [[True, False]], range(4), b"12"),
    )
    bad = {
        "timestamps": (5, "x", [], times[:-1], times[::-1], list(range(steps)), [None] * steps)
        + (times.astype(object), [times], {}, ["x"] * steps, times.astype(float), [np.nan] * steps),
        "names": ("ab", [], [None] * sensors, [["a"]] * sensors, 5, ["a"] * sensors, {"a": 1})
        + ([""] * sensors, [np.nan] * sensors),
        "features": (None, "speed", ["speed", "flow"], ["a"] * width, 5, [], [None] * width),
        "graph": (np.eye(sensors), np.ones((sensors, sensors)), np.ones((2, 3)), "absent.csv", 5)
        + ([], {}, np.full((sensors, sensors), np.nan), -np.ones((sensors, sensors)), "x", None)
        + (np.full((sensors, sensors), "a"), np.ones((sensors, sensors), object)),
    }
    spoiled = rng.choice((0, 0, 1, 2))
    for _ in range(spoiled):
        name = rng.choice(("values", *bad))
        if name == "values":
            values = rng.choice(bad_values)
        else:
            options[name] = rng.choice(bad[name])

    def check(series):
        if isinstance(options["names"], list) and list in map(type, options["names"]):
            return "accepts lists as names"
        if values is not whole or spoiled:
            return oracle.fault_of_series(series)
        features = ["value"] if width == 1 else ["value_0", "value_1"]
        names = options["names"] or list(map(str, range(sensors)))
        full = values.reshape(steps, sensors, -1)
        frame = pd.DataFrame(index=pd.DatetimeIndex(times))
        return fault_of_values(series, full, names, features, frame, options)

    told = f"{options}\n{values!r}"
    call = lambda: datasets.from_arrays(values, **options)  # noqa: E731
    return Input(call, datasets.from_arrays, check, whole.nbytes, told)


def npz(rng, folder):
    """An npz file, with members that are missing, of other types or damaged."""
    draw = np.random.default_rng()
    steps, sensors, width = rng.randint(1, 30), rng.randint(1, 5), rng.randint(1, 2)
    values = draw.uniform(0, 99, (steps, sensors, width)).round(2).astype(np.float32)
    members = {"speed": values if width > 1 or rng.random() < 0.5 else values[..., 0]}
    may = {
        "adj": draw.random((sensors, sensors)),
        "sensor_id": np.array([f"S{i}" for i in range(sensors)]),
        "start_time": np.array("2024-05-01T08:00"),
        "step_minutes": np.array(5),
    }
    members |= {name: may[name] for name in may if rng.random() < 0.5}
    if "adj" in members:
        np.fill_diagonal(members["adj"], 0)
    odd = (
        *(np.array(np.nan), np.array("x"), np.array([]), np.zeros((2, 3)), np.array(-5)),
        *(np.array(["a", "a"]), np.full((sensors, sensors), -1.0), np.zeros((3, 2, 2, 2))),
        *(np.array(1e300), np.full((sensors, sensors), np.inf), np.zeros((0, 0)), np.array(0)),
        *(np.array("2024-13-45"), values.astype(complex), values > 50, np.array([1, None], object)),
    )
    faults = rng.choice((0, 0, 1, 1, 2))
    for _ in range(faults):
        name = rng.choice([*members, "names", "adjacency", "speed_scale", "flow", "extra"])
        fault = rng.choice(("odd", "odd", "odd", "drop", "rename"))
        if fault == "odd" or name not in members:
            members[name] = rng.choice(odd)
        else:
            member = members.pop(name)
            if fault == "rename":
                members[rng.choice(("names", "adjacency", "y", "arr_0", "../x"))] = member
    options = options_of(rng, ("key", *COMMON), rng.choice((0, 0, 0.05)))
    if rng.random() < 0.5 and "step_minutes" not in members:
        options.setdefault("interval", 5)
    path = os.path.join(folder, "speed.npz")
    np.savez(path, **members)
    data = pathlib.Path(path).read_bytes()
    damages = rng.choice((0, 0, 0, 1, 2))
    pathlib.Path(path).write_bytes(tables.damaged(rng, data, damages))

    def check(series):
        fault = oracle.fault_of_series(series)
        if fault or faults or damages:
            return fault
        names = members.get("sensor_id", np.arange(sensors).astype(str)).tolist()
        parts = ["speed"] if width == 1 else ["speed_0", "speed_1"]
        times = []
        if "start_time" in members and series.interval:
            step = f"{members.get('step_minutes', options.get('interval'))}min"
            times = pd.date_range("2024-05-01T08:00", periods=steps, freq=step)
        frame = pd.DataFrame(index=pd.DatetimeIndex(times))
        return fault_of_values(series, values, names, parts, frame, options)

    told = f"{options}\n{members}"
    call = lambda: datasets.load_series(path, **options)  # noqa: E731
    return Input(call, datasets.load_series, check, len(data), told, COMMON, path)


def warm_up():
    """Reads valid tables once, for what packages load and compile at their first use."""
    times = pd.date_range("2024-05-01", periods=3, freq="5min", tz="Europe/Paris")
    frame = pd.DataFrame({"A": [1.0, 2.0, 3.0]}, times)
    text = "time;sensor;speed\n01.05.2024 08:00;A;1,5\n01.05.2024 08:05;A;2,5\n"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        (path / "a.csv").write_text(text)
        frame.to_parquet(path / "a.parquet")
        frame.tz_localize(None).to_hdf(path / "a.h5", key="df")
        for name in ("a.csv", "a.parquet", "a.h5"):
            options = {"null_value": np.nan, "regularize": True, "duplicates": "mean"}
            datasets.load_series(path / name, timezone="Europe/Paris", holidays="AT", **options)


TARGETS = (csv, features, pandas, parquet, hdf5, arrays, npz)
