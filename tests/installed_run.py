"""The first steps of a user with the installed wheel: Python, then the console script.

`nox -s wheel` runs this script in an empty environment, in a new folder.
"""

import csv
import os
import pathlib
import subprocess
import sys
import sysconfig

import keras
import numpy as np

import stgkeras

SENSORS = ["north", "east", "south", "west"]


def write_files():
    """Writes speeds.csv, two weeks and a day in steps of five minutes, roads.csv and newest.csv."""
    steps = np.arange(15 * 288)
    hours = steps / 12 % 24
    dips = np.exp(-((hours - 8) ** 2)) + np.exp(-((hours - 17) ** 2))
    phases = np.arange(len(SENSORS))
    noise = np.random.default_rng(0).normal(size=(len(steps), len(SENSORS)))
    speeds = 80 - 30 * dips[:, None] - 2 * phases + noise
    speeds[100:130, 1] = 0  # missing
    times = np.datetime64("2024-05-06T00:00") + 5 * steps.astype("timedelta64[m]")
    cells = zip(times, speeds.round(2).tolist(), strict=True)
    rows = [[str(time), *row] for time, row in cells]
    write("speeds.csv", ["time", *SENSORS], rows)
    write("newest.csv", ["time", *SENSORS[::-1]], [[row[0], *row[:0:-1]] for row in rows[-30:]])
    roads = [[a, b, 1.5] for a, b in zip(SENSORS, SENSORS[1:] + SENSORS[:1], strict=True)]
    write("roads.csv", ["from", "to", "distance"], roads)
    return times


def write(path, header, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def check_forecast(path, times):
    """The file has a row for each of the 12 steps after the last reading and each sensor."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 * len(SENSORS)
    assert {row["sensor"] for row in rows} == set(SENSORS)
    first = np.datetime64(rows[0]["time"][:19])
    assert first == times[-1] + np.timedelta64(5, "m"), rows[0]
    values = [float(value) for row in rows for key, value in row.items() if key == "value"]
    assert len(values) == len(rows) and 30 < min(values) and max(values) < 95, rows[0]


def use_python(times):
    series = stgkeras.datasets.from_csv(
        "speeds.csv", "roads.csv", units="km/h", timezone="Europe/Vienna", null_value=0
    )
    forecaster = stgkeras.Forecaster("GraphSTID", horizon=12)
    forecaster.fit(series, epochs=2)
    errors = forecaster.evaluate()
    print(errors)
    assert len(errors) >= 4 and errors.notna().all(axis=None)
    forecast = forecaster.forecast("newest.csv")
    forecast.to_csv("next_hour.csv")
    forecaster.save("city")
    again = stgkeras.Forecaster.load("city").forecast("newest.csv")
    np.testing.assert_allclose(again.values, forecast.values, rtol=1e-5)
    check_forecast("next_hour.csv", times)


def use_commands(times):
    script = pathlib.Path(sysconfig.get_path("scripts"), "stgkeras")
    options = "--units km/h --timezone Europe/Vienna --null-value 0 --epochs 2"
    for line in (
        f"fit speeds.csv roads.csv {options} --out town",
        "forecast town newest.csv --out town.csv",
        "evaluate town speeds.csv",
        "evaluate city speeds.csv",
        "doctor",
    ):
        subprocess.run([script, *line.split()], check=True)
    check_forecast("town.csv", times)


if __name__ == "__main__":
    installed = pathlib.Path(stgkeras.__file__).resolve()
    assert installed.is_relative_to(pathlib.Path(sysconfig.get_path("purelib")).resolve())
    assert keras.backend.backend() == os.environ["KERAS_BACKEND"]
    assert not any("stgkeras" in name for name in os.listdir(".")), "run it in a new folder"
    print(f"stgkeras {stgkeras.__version__}, Python {sys.version.split()[0]}")
    times = write_files()
    use_python(times)
    use_commands(times)
