"""Readers of series: csv text, other tables, npz files, frames and arrays."""

import os
import pathlib

import numpy as np

from stgkeras import datasets
from tests.campaign import oracle, tables
from tests.campaign.children import Input

ZONES = ("Europe/Paris", "UTC", "+01:00", "America/New_York", "Mars/Olympus", "", "CET", 5)
MARKS = (None, 0, 0.0, np.nan, -1, "0", {"speed": 0}, {"nothing": 0}, [0], [0, None], True, 1e400)


def options_of(rng, names, seldom=0.12):
    """Returns arguments of readers, most of them left out; some have bad values."""
    choices = {
        "units": ("km/h", ["km/h"], "", 5, ["a", "b"]),
        "symmetric": (True, False),
        "interval": (5, 5.0, 1, 15, 60, 0, -5, "5", np.nan, 1e9),
        "null_value": MARKS,
        "regularize": (True, False),
        "duplicates": ("first", "mean", "raise", "last", None),
        "unknown": ("drop", "raise", "skip"),
        "timezone": ZONES,
        "holidays": ("AT", ["2024-05-01"], "Nowhere", [], 5),
        "quality": (None, "quality", "absent.csv", np.ones((3, 2), bool)),
        "layout": ("wide", "long", "station", "deep"),
        "time": ("time", "Date", False, True, "absent", ""),
        "sensor": ("sensor", "station_id", "absent", "S0"),
        "ignore": ((), "id", ["index"], "S0", ["absent"], ""),
        "separator": (",", ";", "\t", "|", "", ",,", 5),
        "decimal": (".", ",", ":"),
        "key": ("x", "speed", ["speed", "flow"], "absent"),
    }
    found = {}
    for name in names:
        often = 0.5 if name == "null_value" else seldom
        if rng.random() < often:
            found[name] = rng.choice(choices[name])
    return found


COMMON = ("units", "symmetric", "interval", "null_value", "regularize", "duplicates") + (
    *("unknown", "timezone", "holidays", "quality"),
)
TABULAR = (*COMMON, "layout", "time", "sensor", "ignore", "separator", "decimal")


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


TARGETS = (csv,)
