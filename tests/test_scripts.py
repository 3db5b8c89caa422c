"""What scripts share: folders, options, errors in the words of options, records and tables."""

import argparse
import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from stgkeras import datasets
from stgkeras.cli import scripts


def test_a_folder_that_holds_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = scripts.new_folder(None, "links")
    assert folder.is_dir() and folder.parts[0] == "runs" and folder.name.startswith("links-")
    assert scripts.new_folder(folder, "links") == folder  # still empty
    (folder / "model.keras").write_text("")
    with pytest.raises(SystemExit, match="is not empty. Perhaps it already holds a run. Pass anot"):
        scripts.new_folder(folder, "links")
    with pytest.raises(SystemExit, match="is not empty"):
        scripts.new_folder(folder / "model.keras", "links")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epochs", "0"], "--epochs: must be an int of at least 1. Received: 0"),
        (["--seed", "-1"], "--seed: must be an int in"),
        (["--seed", str(2**32)], "--seed: must be an int in"),
        (["--epoch", "2"], "unrecognized arguments: --epoch"),  # no abbreviations
    ],
)
def test_bad_options(words, message, capsys):
    with pytest.raises(SystemExit):
        scripts.parser("What it does.", epochs=3).parse_args(words)
    assert message in capsys.readouterr().err


def test_errors_name_options_and_files(tmp_path):
    path = str(tmp_path / "a.csv")
    args = argparse.Namespace(columns=[], width=600.0, drop_loops=False)
    options = {"path": path, "input_length": "--length"}

    def message(text, columns=None, width=600, length=1):
        (tmp_path / "a.csv").write_text(text)
        with pytest.raises(SystemExit) as error, scripts.in_option_names(args, **options):
            contacts = datasets.load_contacts(path, columns=columns)
            contacts.snapshots(width).split(length)
        return str(error.value)

    found = message("a,1,2,3\nb,4,4,5\n")
    assert "--columns must name the columns" in found and "…" not in found
    assert "such as --columns time source target weight or --columns source" in found
    assert found.endswith("; - leaves a column out.")
    found = message("1,2,3\n4,5,6\n", ["time", None])
    assert "Received: --columns time -, first row ('1', '2', '3')" in found
    found = message("time,source,target\n0,a,a\n")
    assert "pass --drop-loops." in found
    good = "time,source,target\n0,a,b\n700,b,c\n"
    assert message(good, width=0).startswith("--width must be above 0")
    found = message(good)
    assert found.startswith("--length must leave snapshots to predict for training, validation")
    assert found.endswith("2 snapshots are too few. Use a smaller --width or a smaller --length.")
    (tmp_path / "a.csv").unlink()
    with pytest.raises(SystemExit) as error, scripts.in_option_names(args, **options):
        datasets.load_contacts(path)
    assert str(error.value) == f"{path} must be a file. Received: {path}"


def test_other_errors_keep_their_traceback():
    with pytest.raises(ZeroDivisionError), scripts.in_option_names(argparse.Namespace()):
        1 / 0  # noqa: B018


def test_the_table_of_seeds_has_mean_and_deviation():
    runs = [{"seed": 3, "AP": 0.5}, {"seed": 4, "AP": 0.9}]
    table = scripts.over_seeds(runs, {"last graph": {"AP": 0.1}})
    assert table.index.tolist() == ["3", "4", "mean", "std", "last graph"]
    np.testing.assert_allclose(table["AP"], [0.5, 0.9, 0.7, np.std([0.5, 0.9], ddof=1), 0.1])
    assert scripts.over_seeds(runs[:1]).index.tolist() == ["3"]


def test_the_end_of_a_run_is_a_record_figures_and_the_next_command(tmp_path, capsys):
    folder = tmp_path / "my run"
    folder.mkdir()
    table = pd.DataFrame({"AP": [0.12345, np.nan]}, ["model", "baseline"])
    figure = Figure()
    figure.subplots()
    scripts.finish(folder, "Scores", table, {"errors": figure}, test=table, seed=3)
    record = json.loads((folder / "metrics.json").read_text())
    assert record["test"] == {"model": {"AP": 0.12345}, "baseline": {"AP": None}}
    assert record["seed"] == 3 and set(record["versions"]) == {"keras", "backend"}
    assert (folder / "errors.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "Scores\n" in printed and "0.1234" in printed
    assert f"python -m webbrowser {(folder / 'errors.png').as_uri()}" in printed
    assert "%20run/errors.png" in printed  # as one word of the shell
    (folder / "tensorboard").mkdir()
    scripts.finish(folder, "Scores", [{"name": "a", "AP": 0.5}])
    printed = capsys.readouterr().out
    assert f"tensorboard --logdir '{folder}'" in printed and "   a 0.5" in printed
