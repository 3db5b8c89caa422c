"""`stgkeras backtest`: new forecasters with the arguments of a folder, tested from many origins."""

# ruff: noqa: F811 - fixtures are imported
import re

import numpy as np
import pandas as pd
import pytest
from cli_runs import FIT, error, fitted, folder, here, run, speeds, table  # noqa: F401
from conftest import once

import stgkeras
from stgkeras.cli import main

COMMAND = ["backtest", "city", "speeds.csv", "--epochs", "1"]
TWICE = [*COMMAND, "--start", "0.6", "--stride", "6", "--refit", "every 2 days"]
ORIGINS = np.arange(144, 238, 6)


@pytest.fixture
def trainings(monkeypatch):
    """The forecasters that a command trains, with the arguments of `fit`."""
    found, own = [], stgkeras.Forecaster.fit

    def fit(self, series, **options):
        history = own(self, series, **options)
        found.append((self, options))
        return history

    monkeypatch.setattr(stgkeras.Forecaster, "fit", fit)
    return found


def test_the_command_trains_the_forecaster_of_the_folder_again(fitted, here, run, trainings):
    city = stgkeras.Forecaster.load("city")
    more = ["--folder", "trainings", "--seed", "3", "--learning-rate", "0.002"]
    files = ["--out", "errors.csv", "--picture", "errors.png"]
    text = run(*TWICE, *more, *files).out
    assert len(trainings) == 2 and "Training GraphSTID, at most 1 epoch each time." in text
    for (forecaster, options), steps in zip(trainings, (144, 192), strict=True):
        model = forecaster.model
        assert type(model) is type(city.model)
        assert model.get_config() | {"name": ""} == city.model.get_config() | {"name": ""}
        np.testing.assert_array_equal(model.graph, city.model.graph)
        assert (options["epochs"], options["seed"]) == (1, 3)
        assert float(model.optimizer.learning_rate) == pytest.approx(0.002)
        last = pd.Timestamp(forecaster.form.last_seen[0], tz="UTC")
        assert last == speeds().index[steps - 1].tz_localize("Europe/Vienna")
    again = run(*TWICE, *more, *files, "--overwrite").out
    assert len(trainings) == 2  # the forecasts of both trainings are in the folder
    assert again.splitlines()[-12:] == text.splitlines()[-12:]

    found = pd.read_csv("errors.csv")
    times = speeds().index[ORIGINS].tz_localize("Europe/Vienna")
    assert found["origin"].tolist() == [time.isoformat(sep=" ") for time in times]
    assert found["trained_before"].tolist() == [found["origin"][n] for n in [0] * 8 + [8] * 8]
    values = speeds().to_numpy()
    last = [np.abs(values[n : n + 3] - values[n - 1]).mean() for n in ORIGINS]
    np.testing.assert_allclose(found["last value"], last, rtol=1e-5)

    assert f"16 origins from {found['origin'][0]} to {found['origin'][15]}" in text
    assert "every 6 steps; 2 trainings." in text and "Errors in km/h, means over all" in text
    printed = table(text)
    assert list(printed) == ["MAE 60 min", "MAE 180 min", "MAE mean"]
    np.testing.assert_allclose(
        printed["MAE mean"], found.set_index("origin")[printed.index].mean(), rtol=1e-3
    )
    first = np.abs(values[ORIGINS] - values[ORIGINS - 1]).mean()
    assert printed.loc["last value", "MAE 60 min"] == pytest.approx(first, rel=1e-3)
    best = found[["last value", "usual day", "ridge", "ridge without season"]].mean().idxmin()
    better = (found["forecaster"] < found[best]).sum()
    assert f"At {better} of 16 origins, the forecaster is better than '{best}', the best" in text
    difference = (found["forecaster"] - found[best]).mean()
    size = "smaller" if difference < 0 else "larger"
    assert f"Its mean error is {abs(difference):.3g} km/h {size} (Diebold-Mariano" in text
    worst = found.loc[(found["forecaster"] - found[best]).idxmax()]
    listed = text[text.index(f"Origins where '{best}' is better by most") :].splitlines()
    assert listed[2].startswith(worst["origin"])
    assert "Wrote errors.csv and errors.png. Next:\n  stgkeras report city speeds.csv" in text
    assert (here / "errors.png").read_bytes().startswith(b"\x89PNG")


@once
@pytest.mark.filterwarnings("ignore:The validation part has")
def test_sensors_are_found_by_name(fitted, here, run):
    speeds()[["007", "B2", "A1", "A3", "A2", "B1"]].to_csv("turned.csv")
    command = ["--start", "120", "--stride", "40", "--epochs", "1"]
    printed = [
        table(run("backtest", "city", n, *command).out) for n in ("speeds.csv", "turned.csv")
    ]
    pd.testing.assert_frame_equal(*printed)


@once
def test_targets_and_intervals_have_their_own_lines(here, run):
    frame = speeds().rename_axis(columns="sensor").stack().rename("speed").reset_index()
    frame.assign(flow=1000 + 7 * np.arange(len(frame)) % 11).to_csv("long.csv", index=False)
    options = ["--units", "km/h", "--units", "1/h", "--horizon", "2", "--season", "off"]
    options += ["--set", "units=2", "--epochs", "1", "--quantiles", "0.1,0.5,0.9"]
    run("fit", "long.csv", "roads.csv", *options, "--out", "both")
    command = ["backtest", "both", "long.csv", "--stride", "30", "--epochs", "1"]
    text = run(*command, "--out", "both.csv", "--picture", "both.svg").out
    assert text.count("origins from") == 1 and text.count("Interval of 80 %") == 2
    speed, flow = text[text.index("Errors of speed in km/h") :].split("Errors of flow in 1/h")
    assert "mean width" in speed and "km/h, interval score" in speed
    found = pd.read_csv("both.csv").set_index(["target", "origin"])
    for name, part in (("speed", speed), ("flow", flow)):
        mean = found.loc[name, "forecaster"].mean()
        assert table(part).loc["forecaster", "MAE mean"] == pytest.approx(mean, rel=1e-3)
    assert found.loc["flow", "last value"].mean() < 10
    assert "<svg" in (here / "both.svg").read_text()


WRONG = {
    "--start must leave at least 3 steps. Received: --start 239 of 240": ["--start", "239"],
    "--start must be at least 0 and below 1. Received: --start 1.5": ["--start", "1.5"],
    "--start must be an integer of at least 12. Received: --start 5": ["--start", "5"],
    "--start and --window must leave enough .* 20 steps, but the training part .* larger --start": [
        *("--start", "20"),
    ],
    '--refit must be "never", .* --refit weekly, .* "every 7 days"': [
        "--refit",
        "weekly",
    ],
    "--window must be an integer of at least 15. Received: --window 10": ["--window", "10"],
    "--folder must be a folder or a new path. Received: --folder roads.csv": [
        *("--folder", "roads.csv"),
    ],
    "--out must be another file .* speeds.csv": ["--out", "speeds.csv", "--overwrite"],
    "--picture must be another file than --out": ["--out", "a.png", "--picture", "a.png"],
    "--picture must be a file. Received: city": ["--picture", "city"],
    "--picture must end in .png, .svg, .pdf. Received: --picture a.html": ["--picture", "a.html"],
}


@once
@pytest.mark.parametrize("message", WRONG)
def test_errors_name_the_options(message, fitted, here, error, trainings):
    text = error(*COMMAND, *WRONG[message])
    assert re.search(message, text) and "`" not in text
    assert not trainings


@once
def test_what_is_no_forecaster_of_these_readings(fitted, here, error, trainings):
    assert "nowhere must be a folder" in error("backtest", "nowhere", "speeds.csv")
    speeds().rename(columns={"A1": "Z9"}).to_csv("unknown.csv")
    assert "pass --ignore Z9" in error("backtest", "city", "unknown.csv")
    times = pd.date_range("2012-06-04", periods=300, freq="5min", name="time")
    names = stgkeras.models.presets()["graph_stid_metr_la"]["data"]["sensors"]
    pd.DataFrame(50.0, times, names).to_csv("metr.csv")
    text = error("backtest", "graph_stid_metr_la", "metr.csv")
    assert "graph_stid_metr_la must read consecutive steps" in text and "Fit a forecaster" in text
    assert not trainings


@once
def test_an_interrupted_backtest_says_how_it_continues(fitted, here, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(stgkeras.Forecaster, "fit", interrupted)
    assert main([*COMMAND, "--folder", "kept"]) == 130
    assert "interrupted. Repeat the command to continue." in capsys.readouterr().err
    assert main(COMMAND) == 130
    assert capsys.readouterr().err == "stgkeras backtest: interrupted.\n"


@once
@pytest.mark.filterwarnings("ignore:The validation part has")
def test_a_file_without_readings_after_the_first_origin(fitted, here, run):
    frame = speeds()
    frame.iloc[120:] = np.nan
    frame.to_csv("ended.csv")
    files = ["--out", "ended_errors.csv", "--picture", "ended.png"]
    text = run("backtest", "city", "ended.csv", "--epochs", "1", "--stride", "200", *files).out
    assert "\nNo reading in the steps that were forecast.\n" in text
    assert pd.read_csv("ended_errors.csv")["ridge"].isna().all()
