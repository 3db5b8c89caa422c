"""The console script `stgkeras`: from files to a dated forecast."""

# ruff: noqa: F811 - fixtures are imported
import io
import re

import numpy as np
import pandas as pd
import pytest
from cli_runs import FIT, SENSORS, error, fitted, folder, here, run, speeds, table  # noqa: F401
from conftest import once

import stgkeras
from stgkeras.cli import main
from stgkeras.forecasting import fitting


def test_fit_prints_graph_weights_errors_and_the_next_commands(fitted, here):
    assert "speeds.csv: 240 steps of 60 minutes, 6 sensors, 0 % of the readings missing." in fitted
    assert "val_loss" in fitted  # the progress bar of Keras
    assert "Graph: 6 sensors, 5 edges, 1 connected part" in fitted
    assert re.search(r"Weights in the forecast, chosen by validation errors: .*\d+ %", fitted)
    assert "Errors in km/h over the last part of the readings" in fitted
    forecaster = stgkeras.Forecaster.load("city")
    shares = dict(re.findall(r"(\w[\w ]*?) (\d+) %[,.]", fitted[fitted.index("Weights") :]))
    found = forecaster.weights.mean() * 100
    assert found["ridge"] == pytest.approx(float(shares.get("ridge", 0)), abs=1)
    assert sum(map(int, shares.values())) == 100
    rows = ["forecaster", "model", "last value", "usual day", "ridge", "ridge without season"]
    assert list(table(fitted).index) == rows
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


@once
def test_quantiles_are_fitted_scored_and_forecast(here, run, error):
    options = [*FIT, "--epochs", "1", "--quantiles", "0.1,0.5,0.9"]
    text = run("fit", "speeds.csv", "roads.csv", *options, "--out", "wide").out
    parts = r"Interval of 80 %: (\d+\.\d)% of the readings are inside, mean width \S+ km/h, "
    assert 50 < float(re.search(parts + r"interval score \S+\.\n", text)[1]) < 100
    assert "share below" not in text and set(table(text)) == {
        *(f"{kind} {part}" for kind in ("MAE", "RMSE") for part in ("60 min", "180 min", "mean"))
    }
    frame = pd.read_csv(io.StringIO(run("forecast", "wide", "speeds.csv").out))
    assert list(frame) == ["time", "sensor", "value", "value_q10", "value_q50", "value_q90", "flag"]
    assert (frame["value_q10"] <= frame["value_q90"]).all()
    assert "Interval of 80 %" in run("evaluate", "wide", "speeds.csv").out
    wrong = error("fit", "speeds.csv", *FIT, "--quantiles", "0.1,0.9", "--out", "w2")
    assert "--quantiles must have 0.5, the median" in wrong


@once
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
