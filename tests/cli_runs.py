"""Fixtures of the tests of the console script: a folder with files, and runs of commands."""

import contextlib
import io
import os
import re

import numpy as np
import pandas as pd
import pytest

from stgkeras.cli import main

SENSORS = ["A1", "A2", "A3", "B1", "B2", "007"]
ROADS = [("A1", "A2"), ("A2", "A3"), ("B1", "A3"), ("B2", "B1"), ("A1", "007")]
FIT = ["--units", "km/h", "--timezone", "Europe/Vienna", "--null-value", "0", "--horizon", "3"]
FIT += ["--set", "units=4", "--set", "num_blocks=1", "--set", "adaptive_units=0"]
DAYS = 10


def speeds(days=DAYS):
    """Hourly speeds in local time, without the zone, until midnight of 11 May 2024."""
    rng = np.random.default_rng(0)
    times = pd.date_range("2024-05-01", periods=days * 24, freq="h", name="time")
    wave = 60 + 20 * np.sin(times.hour.to_numpy() * np.pi / 12)[:, None]
    return pd.DataFrame((wave + rng.normal(0, 4, (len(times), 6))).round(1), times, columns=SENSORS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    speeds().to_csv(folder / "speeds.csv")
    pd.DataFrame(ROADS, columns=["from", "to"]).to_csv(folder / "roads.csv", index=False)
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    """The working folder, with speeds.csv and roads.csv."""
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def fitted(folder):
    """What `stgkeras fit` printed; the forecaster is in the folder `city`."""
    out, before = io.StringIO(), os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out):
            code = main(["fit", "speeds.csv", "roads.csv", *FIT, "--epochs", "1", "--out", "city"])
    finally:
        os.chdir(before)
    assert code == 0
    return out.getvalue()


@pytest.fixture
def run(capsys):
    """Runs a command that must succeed, and returns its standard output and error."""

    def run(*arguments):
        assert main([str(argument) for argument in arguments]) == 0
        return capsys.readouterr()

    return run


@pytest.fixture
def error(capsys):
    """Runs a command that must fail, and returns its one line on the standard error."""

    def error(*arguments):
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 2
        text = capsys.readouterr().err
        assert text.startswith(f"stgkeras {arguments[0]}: ") and text.count("\n") == 1
        return text

    return error


def table(text):
    """The printed table of errors as a frame."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if "MAE mean" in line)
    heads = re.split(r"\s{2,}", lines[start].strip())
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[start + 1 :]]
    rows = [row for row in rows if len(row) == len(heads) + 1]
    return pd.DataFrame({row[0]: map(float, row[1:]) for row in rows}, heads).T
