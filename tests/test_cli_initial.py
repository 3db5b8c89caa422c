"""`stgkeras fit --initial`: training from the weights of a saved forecaster."""

# ruff: noqa: F811 - fixtures are imported
import numpy as np
import pandas as pd
import pytest
from cli_runs import ROADS, SENSORS, error, fitted, folder, here, run, speeds, table  # noqa: F401
from conftest import once

import stgkeras
from stgkeras.cli import main

SETTINGS = ("timezone", "null_value", "units", "horizon", "input_length", "targets", "holidays")


@pytest.fixture
def newer(here):
    """Readings and roads with a sensor more, 008 beside B2, and one less, A3."""
    frame = speeds(14)[4 * 24 :].drop(columns="A3")
    frame["008"] = frame["B2"] + 3
    frame.to_csv("newer.csv")
    roads = [road for road in ROADS if "A3" not in road] + [("008", "B2"), ("A2", "B1")]
    pd.DataFrame(roads, columns=["from", "to"]).to_csv("newer_roads.csv", index=False)
    return here


def test_a_folder_gives_weights_and_options(fitted, newer, run):
    command = ("fit", "newer.csv", "newer_roads.csv", "--initial", "city", "--epochs", "1")
    text = run(*command, "--out", "grown").out
    assert "Starting with the weights of city for 5 sensors." in text
    assert "Errors in km/h over the last part" in text
    assert "New, with the mean of their neighbours: 008. No longer there: A3.\n" in text
    old, new = (stgkeras.Forecaster.load(name) for name in ("city", "grown"))
    for name in SETTINGS:
        assert getattr(new.form, name) == getattr(old.form, name), name
    assert new.form.names == ("A1", "A2", "B1", "B2", "007", "008")
    assert (new.model.units, new.model.num_blocks) == (4, 1)
    assert new.split["test"] > 0
    np.testing.assert_allclose(new.errors, table(text), rtol=1e-3)
    assert run("forecast", "grown", "newer.csv").out.count("\n") == 1 + 3 * 6


@once
def test_what_does_not_fit_is_named_by_its_option(fitted, newer, error):
    command = ("fit", "newer.csv", "newer_roads.csv", "--initial", "city", "--out", "other")
    for more, text in (
        (("--horizon", "5"), "--horizon must be 3, as in --initial. Received: --horizon 5."),
        (("--model", "STGCN"), "--model must be GraphSTID, as in --initial. Received: --model STG"),
        (("--set", "units=8"), "--set units must be 4, as in --initial. Received: --set units=8."),
    ):
        found = error(*command, *more)
        assert text in found and found.endswith("or fit without --initial.\n")
    found = error(*command[:4], "nowhere", *command[5:])
    assert "--initial must be a folder that `stgkeras fit` wrote, or the name of a preset" in found
    pd.DataFrame(np.ones((240, 2)), speeds().index, ["P", "Q"]).to_csv("pq.csv")
    pd.DataFrame([("P", "Q")], columns=["from", "to"]).to_csv("pq_roads.csv", index=False)
    found = error("fit", "pq.csv", "pq_roads.csv", *command[3:])
    assert "pq.csv must have sensors of --initial: 'A1', 'A2'" in found and "'P', 'Q'" in found
    assert not (newer / "other").exists() and len(SENSORS) == 6


@once
def test_what_does_not_fit_is_refused_before_anything_is_said(fitted, newer, capsys):
    def refused(*arguments):
        assert main(["fit", *arguments, "--initial", "city", "--out", "other"]) == 2
        out, err = capsys.readouterr()
        assert out.count("\n") == 1  # the file
        return err

    roads = "newer_roads.csv"
    frame = pd.read_csv("newer.csv", index_col="time", parse_dates=True)
    long = frame.rename_axis(columns="sensor").stack().rename("value").reset_index()
    long.assign(flow=long["value"] * 2).to_csv("two.csv", index=False)
    text = refused("two.csv", roads)
    assert "two.csv must have the features" in text and "'value', 'flow'" in text
    assert text.endswith("To leave it out, pass --ignore flow.\n")
    long.rename(columns={"value": "flow"}).assign(speed=1.0).to_csv("lost.csv", index=False)
    assert "must have the features" in (text := refused("lost.csv", roads))
    assert "--ignore" not in text
    frame.set_axis([f"Z{n}" for n in range(6)], axis=1).to_csv("others.csv")
    pd.DataFrame([("Z0", "Z1")], columns=["from", "to"]).to_csv("z_roads.csv", index=False)
    assert "must have sensors of --initial" in refused("others.csv", "z_roads.csv")
    frame.resample("2h").mean().to_csv("slow.csv")
    assert "must have steps of 60 minutes" in refused("slow.csv", roads)
    assert "--horizon must be 3" in refused("newer.csv", roads, "--horizon", "4")
    assert "--model must be GraphSTID" in refused("newer.csv", roads, "--model", "STGCN")
    assert (
        main(
            ["fit", "two.csv", roads, "--initial", "city", "--ignore", "flow", "--epochs", "1"]
            + ["--out", "two"]
        )
        == 0
    )
