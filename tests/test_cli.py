"""The console script `stgkeras`: from files to a dated forecast, and errors in its own words."""

import contextlib
import io
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import child_environment, on_fastest, once

import stgkeras
from stgkeras.cli import evaluate, main
from stgkeras.cli.errors import translated
from stgkeras.cli.reading import NAMES
from stgkeras.forecasting import fitting

README = Path(__file__).resolve().parent.parent / "README.md"
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


def test_fit_prints_graph_weights_errors_and_the_next_commands(fitted, here):
    assert "speeds.csv: 240 steps of 60 minutes, 6 sensors, 0 % of the readings missing." in fitted
    assert "val_loss" in fitted  # the progress bar of Keras
    assert "Graph: 6 sensors, 5 edges, 1 connected part" in fitted
    assert re.search(r"Weights in the forecast, chosen by validation errors: .*\d+ %", fitted)
    assert "Errors in km/h over the last part of the readings" in fitted
    forecaster = stgkeras.Forecaster.load("city")
    shares = dict(re.findall(r"(\w[\w ]*?) (\d+) %[,.]", fitted[fitted.index("Weights") :]))
    found = forecaster.weights.mean() * 100
    assert found["ridge"] == pytest.approx(float(shares.get("ridge", 0)), abs=0.51)
    assert list(table(fitted).index) == ["forecaster", "model", "last value", "usual day", "ridge"]
    assert "stgkeras forecast city speeds.csv --out forecast.csv" in fitted
    assert "stgkeras evaluate city speeds.csv" in fitted
    assert not (here / "city.partial").exists()
    model = forecaster.model
    assert (model.horizon, model.get_config()["units"], model.num_nodes) == (3, 4, 6)


def test_fit_says_when_a_baseline_counts_more_than_the_model(fitted):
    # After one epoch of a tiny model.
    assert re.search(r"The baseline '[\w ]+' counts more than GraphSTID|does not count", fitted)


def test_test_errors_are_those_of_the_last_fifth(fitted):
    frame, start = speeds(), 240 - round(0.2 * 240)
    truth = frame[start:].to_numpy()
    steps = [(s, h) for s in range(len(truth) - 14) for h in range(3)]
    errors = [abs(truth[s + 11] - truth[s + 12 + h]).mean() for s, h in steps]
    assert table(fitted).loc["last value", "MAE mean"] == pytest.approx(np.mean(errors), rel=1e-3)


def test_the_next_commands_run(fitted, here, run):
    for line in re.findall(r"^  stgkeras (.*)$", fitted, re.MULTILINE):
        run(*line.split())
    (here / "forecast.csv").unlink()


def test_evaluate_takes_all_windows_of_a_file(fitted, here, run):
    text = run("evaluate", "city", "speeds.csv").out
    frame = speeds()
    steps = [frame.diff(h).iloc[11 + h : 240 - 3 + h].abs().to_numpy() for h in (1, 2, 3)]
    assert table(text).loc["last value", "MAE mean"] == pytest.approx(np.mean(steps), rel=1e-3)
    assert "Errors in km/h over all windows of speeds.csv" in text
    assert "stgkeras forecast city speeds.csv --out forecast.csv" in text


def test_forecast_has_local_times_and_reads_columns_by_name(fitted, here, run):
    newest = speeds()[-30:]
    newest[SENSORS[::-1]].to_csv("newest.csv")
    printed = run("forecast", "city", "newest.csv")
    run("forecast", "city", "newest.csv", "--out", "next.csv")
    assert (here / "next.csv").read_text() == printed.out
    frame = pd.read_csv("next.csv", dtype={"sensor": str})
    assert list(frame) == ["time", "sensor", "value", "flag"]
    assert list(frame["time"].unique()) == [f"2024-05-11 0{h}:00:00+02:00" for h in range(3)]
    assert list(frame["sensor"]) == SENSORS * 3 and frame["flag"].isna().all()
    own = stgkeras.Forecaster.load("city").forecast(newest.tz_localize("Europe/Vienna"))
    np.testing.assert_allclose(frame["value"], own.values.ravel(), rtol=1e-4)
    assert "Forecast of 3 steps for 6 sensors, 2024-05-11 00:00:00+02:00 to" in printed.err
    assert "flagged" not in printed.err


def test_forecast_says_which_sensors_are_flagged(fitted, here, run):
    newest = speeds()[-30:].drop(columns="B1")
    newest.loc[newest.index[10:], "A2"] = 0  # --null-value of the fit
    newest.to_csv("flagged.csv")
    found = run("forecast", "city", "flagged.csv")
    assert "2 of 6 sensors flagged: A2 (no reading since 2024-05-10 03:00+02:00), B1 (" in found.err
    flags = pd.read_csv(io.StringIO(found.out)).groupby("sensor")["flag"].count()
    assert flags[flags > 0].to_dict() == {"A2": 3, "B1": 3}


def test_existing_outputs_are_refused(fitted, here, run, error):
    text = error("fit", "gone.csv", "--out", "city")  # before anything is read
    assert "--out must be a new folder. Received: city, which exists." in text
    path = here / "kept.csv"
    path.write_text("mine")
    assert "or --overwrite" in error("forecast", "city", "speeds.csv", "--out", "kept.csv")
    assert path.read_text() == "mine"
    run("forecast", "city", "speeds.csv", "--out", "kept.csv", "--overwrite")
    assert path.read_text().startswith("time,sensor,value,flag")


@once
def test_other_forms_of_files_and_their_options(fitted, here, run, error):
    want = table(run("evaluate", "city", "speeds.csv").out)
    speeds().to_csv("speeds.tsv", sep="\t")
    speeds().to_parquet("speeds.parquet")
    bars = speeds().assign(note=np.arange(240)).to_csv(sep="|", decimal=",")
    (here / "bars.csv").write_text(bars)
    for arguments in (
        ["speeds.tsv"],
        ["speeds.parquet"],
        ["bars.csv", "--separator", "|", "--decimal", ",", "--ignore", "note"],
    ):
        text = run("evaluate", "city", *arguments).out
        pd.testing.assert_frame_equal(table(text), want)
        assert " ".join(arguments[1:2]) in text.splitlines()[-1]
    assert "'note', which it does not know" in error(
        "evaluate", "city", "bars.csv", "--separator", "|", "--decimal", ","
    )


@once
def test_mend_fills_gaps_and_averages_repeated_rows(here, run, error):
    frame = speeds()
    twice = pd.concat([frame, frame[50:51] + 2]).sort_index(kind="stable")
    twice.to_csv("twice.csv")
    frame.drop(frame.index[40:46]).to_csv("gap.csv")
    options = [*FIT, "--epochs", "1", "--out", "mended"]
    assert "Pass --mend" in error("fit", "twice.csv", "roads.csv", *options)
    assert "Pass --mend" in error("fit", "gap.csv", "roads.csv", *options)
    assert not (here / "mended").exists() and not (here / "mended.partial").exists()
    text = run("fit", "gap.csv", "roads.csv", "--mend", *options).out
    assert "240 steps of 60 minutes, 6 sensors, 2.5 % of the readings missing" in text
    assert "stgkeras evaluate mended gap.csv --mend" in text


@once
def test_features_are_chosen_by_name(here, run):
    frame = speeds(6).rename_axis(columns="sensor").stack().rename("speed").reset_index()
    frame.assign(flow=7 * np.arange(len(frame)) % 11).to_csv("long.csv", index=False)
    units = ["--units", "km/h", "--units", "1/h", "--null-value", "speed=0"]
    options = ["--targets", "flow", "--horizon", "1", "--season", "off", "--set", "units=2"]
    text = run("fit", "long.csv", "roads.csv", *units, *options, "--epochs", "1", "--out", "flows")
    assert "features speed, flow" in text.out and "Errors in 1/h" in text.out
    assert run("forecast", "flows", "long.csv").out.startswith("time,sensor,flow,flag\n")


def test_an_interrupted_run_resumes(here, run, error, capsys, monkeypatch):
    command = ["fit", "speeds.csv", "roads.csv", *FIT, "--epochs", "2"]
    run(*command, "--out", "whole")

    class Killed(stgkeras.callbacks.Checkpoint):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch:
                raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(fitting, "Checkpoint", Killed)
        assert main([*command, "--out", "halves"]) == 130
    assert "Pass --resume to continue" in capsys.readouterr().err
    assert (here / "halves.partial" / "checkpoint.keras").exists()
    command += ["--out", "halves"]
    assert "halves.partial holds an unfinished run. Pass --resume" in error(*command)
    text = error(*command, "--resume", "--seed", "1")
    assert "Received: --seed 1, before 0" in text
    pd.read_csv("roads.csv")[1:].to_csv("fewer.csv", index=False)
    text = error(*("fewer.csv" if part == "roads.csv" else part for part in command), "--resume")
    assert "Received: roads fewer.csv" in text
    text = run(*command, "--resume").out
    assert "Epoch 2/2" in text and "Epoch 1/2" not in text
    assert not (here / "halves.partial").exists()
    found = [run("forecast", name, "speeds.csv").out for name in ("whole", "halves")]
    whole, halves = (pd.read_csv(io.StringIO(text))["value"] for text in found)
    np.testing.assert_allclose(whole, halves, rtol=1e-3)


WRONG = {
    "gone.csv must be the path of an existing file": ["gone.csv", "roads.csv"],
    "speeds.txt must end in .npz, .csv": ["speeds.txt", "roads.csv"],
    "gone.npz must be the path of an existing file": ["speeds.csv", "gone.npz"],
    "ROADS must be given": ["speeds.csv"],
    "pass --unknown drop": ["speeds.csv", "other_roads.csv"],
    "--timezone must be an IANA name .* Received: --timezone Europe/Wien.": [
        *("speeds.csv", "roads.csv", "--timezone", "Europe/Wien"),
    ],
    "empty.csv must not hold NaN.* pass --null-value nan": ["empty.csv", "roads.csv"],
    "--null-value must be a number": ["speeds.csv", "roads.csv", "--null-value", "none"],
    "--null-value must name features .* Received: --null-value flow=0": [
        *("speeds.csv", "roads.csv", "--null-value", "flow=0"),
    ],
    "--holidays must be dates, or a country code .* --holidays XX": [
        *("speeds.csv", "roads.csv", "--holidays", "XX"),
    ],
    "--interval must agree with the timestamps": ["speeds.csv", "roads.csv", "--interval", "7"],
    "--key must not be used with a csv file": ["speeds.csv", "roads.csv", "--key", "speed"],
    "--sensor must name the column of sensors": ["speeds.csv", "roads.csv", "--layout", "long"],
    "--model must be one of .* --model Foo": ["speeds.csv", "roads.csv", "--model", "Foo"],
    "--targets must name features .* --targets flow": [
        *("speeds.csv", "roads.csv", "--targets", "flow"),
    ],
    "--set dropout must be at least 0 and below 1. Received: --set dropout=2": [
        *("speeds.csv", "roads.csv", "--set", "dropout=2"),
    ],
    "--set units must be an integer of at least 1. Received: --set units=-3": [
        *("speeds.csv", "roads.csv", "--set", "units=-3", "--units", "km/h"),
    ],
    "--set must name arguments of GraphSTID: K, .* Received: unit, horizon": [
        *("speeds.csv", "roads.csv", "--set", "unit=3", "--set", "horizon=2"),
    ],
    "--set must be NAME=VALUE": ["speeds.csv", "roads.csv", "--set", "units"],
    "The training part must have": ["speeds.csv", "roads.csv", "--horizon", "100"],
}


@once
@pytest.mark.parametrize("message", WRONG)
def test_errors_of_fit_name_options_and_files(message, here, error):
    speeds().to_csv("speeds.txt")
    empty = speeds()
    empty.iloc[5, 2] = np.nan
    empty.to_csv("empty.csv")
    pd.DataFrame([("A1", "Z9"), *ROADS], columns=["from", "to"]).to_csv(
        "other_roads.csv", index=False
    )
    text = error("fit", *WRONG[message], "--out", "wrong")
    assert re.search(message, text)
    assert not re.search(r"\b(null_value|timezone|graph|path|regularize)\b[`=]", text)
    assert not list(here.glob("wrong*"))


def test_errors_of_forecast_and_evaluate_name_the_files(fitted, here, error):
    assert "nowhere must be a folder that `stgkeras fit` wrote" in error(
        "forecast", "nowhere", "speeds.csv"
    )
    assert "gone.csv must be the path" in error("evaluate", "city", "gone.csv")
    speeds()[-5:].to_csv("few.csv")
    text = error("forecast", "city", "few.csv")
    assert "few.csv must have readings of the last 12 steps of 60 minutes" in text
    assert "few.csv must have at least 15 steps" in error("evaluate", "city", "few.csv")
    speeds().rename(columns={"A1": "Z9"}).to_csv("unknown.csv")
    assert "'Z9', which it does not know" in error("forecast", "city", "unknown.csv")
    assert "--out must be in an existing folder" in error(
        "forecast", "city", "speeds.csv", "--out", "no/such.csv"
    )


def test_debug_shows_the_traceback(here):
    with pytest.raises(Exception, match="gone.csv must be") as caught:
        main(["fit", "gone.csv", "--out", "wrong", "--debug"])
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@once
@pytest.mark.parametrize(
    ("message", "want"),
    on_fastest(
        [
            ("Pass `regularize=True`.", "Pass --mend."),
            ('Pass `duplicates="first"` or `"mean"`.', "Pass --mend."),
            ('Use `layout="wide"`.', "Use --layout wide."),
            ("Pass `ignore=['my id']`.", "Pass --ignore 'my id'."),
            ("`key` must be None for a table.", "--key must not be used with a table."),
            ("Received: timezone=None, x=2.\nUse it.", "Received: no --timezone, x=2. Use it."),
            ("Received: units=('km/h', 'a')", "Received: --units km/h --units a"),
            ("Pass `null_value=np.nan`, `times`.", "Pass --null-value nan, `times`."),
            ("`key=pandas.read_csv(path)[0]`", "`key=pandas.read_csv(path)[0]`"),
        ],
        [],
    ),
)
def test_translation_of_arguments(message, want):
    assert translated(message, NAMES) == want


@once
def test_options_of_the_command_line_itself(capsys):
    for arguments in ([], ["fit", "a.csv"], ["fit", "a.csv", "--out", "b", "--horizon", "0"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    assert "must be an int of at least 1. Received: 0" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"stgkeras {stgkeras.__version__}\n"


def test_warnings_are_one_line(monkeypatch, capsys):
    def warn(args):
        warnings.warn("The graph has no edge.", stacklevel=1)

    monkeypatch.setattr(evaluate, "run", warn)
    assert main(["evaluate", "city", "speeds.csv"]) == 0
    assert capsys.readouterr().err == "stgkeras evaluate: warning: The graph has no edge.\n"


@once
def test_commands_of_the_readme_run(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    speeds().to_csv("speeds.csv")
    speeds()[-24:].to_csv("newest.csv")
    roads = pd.DataFrame(ROADS, columns=["from", "to"])
    roads.assign(distance=1.2).to_csv("roads.csv", index=False)
    lines = re.findall(r"^stgkeras (.*)$", README.read_text("utf-8"), re.MULTILINE)
    assert {line.split()[0] for line in lines} == {"fit", "forecast", "evaluate"}
    for line in lines:
        run(*line.split(), *(["--epochs", "1"] if line.startswith("fit") else []))
    assert len(pd.read_csv("next_hour.csv")) == 12 * 6


@once
def test_help_needs_no_backend(tmp_path):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "stgkeras", "--help"],
        env=child_environment(KERAS_BACKEND="none"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(command in done.stdout for command in ("fit", "forecast", "evaluate"))
    assert not re.search(r"\| +(numpy|pandas|keras|scipy)$", done.stderr, re.MULTILINE)
